# The short way: make, make test, make demo, make install. Each installs the Debian packages that are missing (as root or through
# sudo). All they do is call CMake; see CMakePresets.json for the other ways to build.
.PHONY: all test demo install clean

# Compiling again costs nothing where ccache is present.
ifneq (,$(shell command -v ccache 2>/dev/null))
export CMAKE_CXX_COMPILER_LAUNCHER ?= ccache
endif

all:
	scripts/install_dependencies.sh build
	cmake --preset release -DOCTET_BUILD_TESTS=OFF
	cmake --build build/release

test:
	scripts/install_dependencies.sh build test
	cmake --preset release -DOCTET_BUILD_TESTS=ON
	cmake --build build/release
	ctest --test-dir build/release --output-on-failure -j $$(nproc)
	@sed -n 's/^\([0-9][0-9]* node tests pass\)/ONNX conformance: \1/p' build/release/Testing/Temporary/LastTest.log

demo: all
	scripts/demo.sh build/release/bin/octet build/demo

install: all
	cmake --install build/release

clean:
	rm -rf build
