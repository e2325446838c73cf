# Defines inngest::httplib when there is a cpp-httplib. Used by the build and by the installed package.
#
# Upstream has a CMake package. Distributions compile the library and ship only a pkg-config file; its flags must be
# taken as they are, since classes have another layout with other flags.

if(NOT TARGET inngest::httplib)
  if(NOT TARGET httplib::httplib)
    find_package(httplib CONFIG QUIET)
  endif()
  if(TARGET httplib::httplib)
    set(inngest_httplib_found httplib::httplib)
  else()
    find_package(PkgConfig QUIET)
    if(PKG_CONFIG_FOUND)
      pkg_check_modules(cpp-httplib QUIET IMPORTED_TARGET cpp-httplib)
    endif()
    if(TARGET PkgConfig::cpp-httplib)
      set(inngest_httplib_found PkgConfig::cpp-httplib)
    endif()
  endif()
  if(inngest_httplib_found)
    add_library(inngest::httplib INTERFACE IMPORTED)
    target_link_libraries(inngest::httplib INTERFACE ${inngest_httplib_found})
    # The package says itself with which flags it was compiled.
    target_compile_definitions(inngest::httplib INTERFACE INNGEST_HTTPLIB_FLAGS_ARE_RIGHT)
  endif()
  unset(inngest_httplib_found)
endif()
