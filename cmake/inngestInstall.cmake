# Headers, a CMake package and a pkg-config file. Nothing is compiled, so all of it goes to share/.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_DATADIR}/cmake/inngest")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/inngest" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        FILES_MATCHING PATTERN "*.hpp" PATTERN "*.ipp")
install(TARGETS inngest EXPORT inngestTargets INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT inngestTargets NAMESPACE inngest:: DESTINATION "${package_dir}")

configure_package_config_file(cmake/inngestConfig.cmake.in inngestConfig.cmake
                              INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file(inngestConfigVersion.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/inngestConfig.cmake" "${PROJECT_BINARY_DIR}/inngestConfigVersion.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/inngestHttplib.cmake"
        DESTINATION "${package_dir}")

# Without a pkg-config file of its own, cpp-httplib is a header that needs OpenSSL.
set(pc_requires "nlohmann_json, simdjson, libcrypto >= 3.0")
set(pc_cflags "-pthread")
if(NOT INNGEST_WITH_HTTPLIB)
  string(APPEND pc_cflags " -DINNGEST_NO_HTTPLIB")
elseif(TARGET PkgConfig::cpp-httplib)
  string(APPEND pc_requires ", cpp-httplib")
  string(APPEND pc_cflags " -DINNGEST_HTTPLIB_FLAGS_ARE_RIGHT")
else()
  string(APPEND pc_requires ", libssl")
  string(APPEND pc_cflags " -DCPPHTTPLIB_OPENSSL_SUPPORT")
endif()
configure_file(cmake/inngest.pc.in inngest.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/inngest.pc" DESTINATION "${CMAKE_INSTALL_DATADIR}/pkgconfig")
