# Install rules: libraries, headers, package files for find_package(octet) and pkg-config.
