# What a build can be told, and the flags every target shares.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release or RelWithDebInfo" FORCE)
endif()

option(OCTET_BUILD_TOOLKIT "Build the toolkit: quantize, measure, compare, and its command (needs OpenCV, libzip, CLI11, toml++, nlohmann-json)" ON)
option(OCTET_BUILD_TESTS "Build the tests (needs GoogleTest)" ${PROJECT_IS_TOP_LEVEL})
option(OCTET_BUILD_BENCHMARKS "Build the kernel benchmarks (needs Google Benchmark)" OFF)
option(OCTET_BUILD_FUZZERS "Build the fuzz targets (needs clang)" OFF)
option(OCTET_WERROR "Treat warnings as errors" OFF)
set(OCTET_SANITIZE "" CACHE STRING "Sanitizers to build with: address,undefined or thread")

add_library(octet_flags INTERFACE)
# The numeric contract: no contraction of a*b+c unless the source says fma, so that every compiler and level agrees.
target_compile_options(octet_flags INTERFACE
  -ffp-contract=off -fno-math-errno -fno-trapping-math -Wall -Wextra -Wno-missing-field-initializers -Wno-dangling-else)
if(OCTET_WERROR)
  target_compile_options(octet_flags INTERFACE -Werror)
endif()
if(OCTET_SANITIZE)
  target_compile_options(octet_flags INTERFACE -fsanitize=${OCTET_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(octet_flags INTERFACE -fsanitize=${OCTET_SANITIZE})
endif()
