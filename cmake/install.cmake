# SPDX-License-Identifier: Apache-2.0
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/peal")
install(TARGETS peal EXPORT peal_targets)
install(EXPORT peal_targets NAMESPACE peal:: DESTINATION "${package_dir}")
install(
  CODE "set(sources \"${PROJECT_SOURCE_DIR}\")
        set(destination \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_INCLUDEDIR}\")")
install(SCRIPT "${PROJECT_SOURCE_DIR}/cmake/install_headers.cmake")
if(TARGET peal_command)
  install(TARGETS peal_command RUNTIME)
endif()

# What a static library leaves to its users to link.
if(NOT BUILD_SHARED_LIBS)
  string(CONCAT peal_dependencies "find_dependency(fmt)\n"
                "find_dependency(Boost CONFIG COMPONENTS context)\n" "find_dependency(hwy)\n"
                "find_dependency(tomlplusplus)\n")
endif()
configure_package_config_file(cmake/peal-config.cmake.in peal-config.cmake
                              INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file(peal-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/peal-config.cmake" cmake/peal_export_library.cmake
              "${PROJECT_BINARY_DIR}/peal-config-version.cmake" DESTINATION "${package_dir}")

file(GLOB platform_files CONFIGURE_DEPENDS platforms/*.toml)
install(FILES ${platform_files} DESTINATION "${CMAKE_INSTALL_DATADIR}/peal/platforms")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")
