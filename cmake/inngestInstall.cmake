# Headers, a CMake package and pkg-config files. Headers alone fit every architecture and go to share/; with the
# compiled library all of it goes to lib/.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

if(INNGEST_INSTALL_COMPILED)
  set(data_dir "${CMAKE_INSTALL_LIBDIR}")
  set(any_architecture)
else()
  set(data_dir "${CMAKE_INSTALL_DATADIR}")
  set(any_architecture ARCH_INDEPENDENT)
endif()
set(package_dir "${data_dir}/cmake/inngest")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/inngest" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        FILES_MATCHING PATTERN "*.hpp" PATTERN "*.ipp")
# The single header has the same name, so it is in a folder of its own: for -I<prefix>/include/inngest-single.
install(FILES "${PROJECT_SOURCE_DIR}/single_include/inngest/inngest.hpp"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/inngest-single/inngest")
install(TARGETS inngest EXPORT inngestTargets INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT inngestTargets NAMESPACE inngest:: DESTINATION "${package_dir}")
if(INNGEST_INSTALL_COMPILED)
  set_target_properties(inngest_compiled PROPERTIES EXCLUDE_FROM_ALL OFF)
  install(TARGETS inngest_compiled EXPORT inngestCompiledTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(EXPORT inngestCompiledTargets NAMESPACE inngest:: DESTINATION "${package_dir}")
endif()

configure_package_config_file(cmake/inngestConfig.cmake.in inngestConfig.cmake
                              INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file(inngestConfigVersion.cmake COMPATIBILITY SameMinorVersion ${any_architecture})
install(FILES "${PROJECT_BINARY_DIR}/inngestConfig.cmake" "${PROJECT_BINARY_DIR}/inngestConfigVersion.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/inngestAdapters.cmake" "${PROJECT_SOURCE_DIR}/cmake/inngestHttplib.cmake"
        DESTINATION "${package_dir}")

set(pc_requires "nlohmann_json, simdjson, libcrypto >= 1.1.1")
set(pc_cflags "-pthread")
if(NOT INNGEST_WITH_HTTPLIB)
  string(APPEND pc_cflags " -DINNGEST_NO_HTTPLIB")
elseif(TARGET PkgConfig::cpp-httplib)
  string(APPEND pc_requires ", cpp-httplib")
  string(APPEND pc_cflags " -DINNGEST_HTTPLIB_FLAGS_ARE_RIGHT")
else()
  # Without a pkg-config file of its own, cpp-httplib is a header. Its CMake package says with which flags; with others
  # its classes would have another layout than in the compiled library.
  set(pc_of_OPENSSL ", libssl")
  set(pc_of_ZLIB ", zlib")
  set(pc_of_BROTLI ", libbrotlienc, libbrotlidec")
  set(pc_of_ZSTD ", libzstd")
  get_target_property(httplib_flags httplib::httplib INTERFACE_COMPILE_DEFINITIONS)
  foreach(flag IN LISTS httplib_flags)
    if(flag MATCHES "^(\\$<\\$<BOOL:(ON|TRUE|1)>:)?(CPPHTTPLIB_[A-Z_]+)>?$")
      set(flag "${CMAKE_MATCH_3}")
      string(APPEND pc_cflags " -D${flag}")
      string(REGEX REPLACE "^CPPHTTPLIB_(.*)_SUPPORT$" "\\1" feature "${flag}")
      string(APPEND pc_requires "${pc_of_${feature}}")
    endif()
  endforeach()
endif()
# Found from the place of the file, so that what is installed can be moved and packed.
if(IS_ABSOLUTE "${data_dir}")
  set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH pc_prefix "/${data_dir}/pkgconfig" "/")
  string(PREPEND pc_prefix "\${pcfiledir}/")
endif()
configure_file(cmake/inngest.pc.in inngest.pc @ONLY)
set(pc_files "${PROJECT_BINARY_DIR}/inngest.pc")
if(INNGEST_INSTALL_COMPILED)
  if(SQLite3_FOUND)
    set(pc_libs "-lsqlite3")
  endif()
  configure_file(cmake/inngest-compiled.pc.in inngest-compiled.pc @ONLY)
  list(APPEND pc_files "${PROJECT_BINARY_DIR}/inngest-compiled.pc")
endif()
install(FILES ${pc_files} DESTINATION "${data_dir}/pkgconfig")

# `cpack -G DEB` in the build folder makes a package for Debian and Ubuntu.
if(inngest_is_top_level)
  include(inngestPackage)
endif()
