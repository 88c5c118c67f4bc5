# Install rules: libraries, headers, executables, and the package files for find_package(octet) and pkg-config.
include(CMakePackageConfigHelpers)

set(octet_targets octet_runtime)
set_target_properties(octet_runtime PROPERTIES EXPORT_NAME runtime VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
if(OCTET_BUILD_TOOLKIT)
  list(APPEND octet_targets octet_toolkit)
  set_target_properties(octet_toolkit PROPERTIES EXPORT_NAME toolkit VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
endif()

install(TARGETS ${octet_targets} EXPORT octetTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/octet" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS octet RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(OCTET_BUILD_TOOLKIT)
  # `octet` looks for it at ../libexec/octet from its own folder.
  install(TARGETS octet-toolkit RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}/../libexec/octet")
endif()

# --- find_package(octet 0.1 COMPONENTS runtime toolkit) ----------------------------------------------------------------
set(octet_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/octet")
install(EXPORT octetTargets NAMESPACE octet:: DESTINATION "${octet_package_dir}")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/octetConfig.cmake.in" "${PROJECT_BINARY_DIR}/octetConfig.cmake"
                              INSTALL_DESTINATION "${octet_package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/octetConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/octetConfig.cmake" "${PROJECT_BINARY_DIR}/octetConfigVersion.cmake" DESTINATION "${octet_package_dir}")

# --- pkg-config --------------------------------------------------------------------------------------------------------
# octet_pkg_config(name description requires libs)
function(octet_pkg_config name description requires libs)
  set(OCTET_PC_NAME "${name}")
  set(OCTET_PC_DESCRIPTION "${description}")
  set(OCTET_PC_REQUIRES "${requires}")
  set(OCTET_PC_LIBS "${libs}")
  configure_file("${PROJECT_SOURCE_DIR}/cmake/octet.pc.in" "${PROJECT_BINARY_DIR}/${name}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/${name}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endfunction()

octet_pkg_config(octet-runtime "Runs 8-bit and float vision models" "" "-loctet_runtime -pthread")
if(OCTET_BUILD_TOOLKIT)
  set(libs "-loctet_toolkit")
  foreach(library IN LISTS OCTET_TOOLKIT_LINK_NAMES)
    string(APPEND libs " -l${library}")
  endforeach()
  octet_pkg_config(octet-toolkit "Measures, quantizes and compares vision models" "octet-runtime = ${PROJECT_VERSION}" "${libs}")
endif()
