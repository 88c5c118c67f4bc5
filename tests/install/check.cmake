# cmake -DBUILD=... -P check.cmake: see CMakeLists.txt beside this file.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    string(REPLACE ";" " " command "${ARGN}")
    message(FATAL_ERROR "failed (${result}): ${command}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(expect text pattern what)
  if(NOT text MATCHES "${pattern}")
    message(FATAL_ERROR "${what}: expected '${pattern}' in:\n${text}")
  endif()
endfunction()

set(prefix "${WORK}/prefix")
file(REMOVE_RECURSE "${WORK}")
run(${CMAKE_COMMAND} --install "${BUILD}" --prefix "${prefix}")

# The commands find each other where they were installed.
run("${prefix}/bin/octet" --version)
expect("${output}" "octet ${VERSION}" "octet --version")
run("${prefix}/bin/octet" run "${MODEL}")
expect("${output}" "detections +float32 +1x525x9" "octet run")
if(TOOLKIT)
  run("${prefix}/bin/octet" bench "${MODEL}" --json --seconds 0.05 --processes 1)
  expect("${output}" "\"first_frame_ms\": [0-9]" "octet bench: the fresh process")
endif()

# find_package, as another project would.
run(${CMAKE_COMMAND} -S "${SOURCE}" -B "${WORK}/cmake" -G "${GENERATOR}" -DCMAKE_PREFIX_PATH=${prefix} -DCMAKE_CXX_COMPILER=${CXX}
    -DWITH_TOOLKIT=${TOOLKIT} -DWANTED_VERSION=${VERSION})
run(${CMAKE_COMMAND} --build "${WORK}/cmake")
run("${WORK}/cmake/runs" "${MODEL}")
expect("${output}" "detections 1x525x9" "find_package: runtime")

# pkg-config.
set(ENV{PKG_CONFIG_PATH} "${prefix}/${LIBDIR}/pkgconfig")
function(build_with_pkg_config package source program)
  # The prefix is told anew: the files may have been installed elsewhere than configured.
  run(${PKG_CONFIG} --define-variable=prefix=${prefix} --cflags --libs ${package})
  separate_arguments(flags UNIX_COMMAND "${output}")
  run(${CXX} -std=c++20 "${SOURCE}/${source}" -o "${WORK}/${program}" ${flags})
endfunction()
build_with_pkg_config(octet-runtime runs.cc runs_pc)
run("${WORK}/runs_pc" "${MODEL}")
expect("${output}" "detections 1x525x9" "pkg-config: runtime")

if(TOOLKIT)
  run("${WORK}/cmake/inspects" "${MODEL}")
  expect("${output}" "[1-9][0-9]+ MACs" "find_package: toolkit")
  build_with_pkg_config(octet-toolkit inspects.cc inspects_pc)
  run("${WORK}/inspects_pc" "${MODEL}")
  expect("${output}" "[1-9][0-9]+ MACs" "pkg-config: toolkit")
endif()
