# Packages of the library. Its dependencies must be those of the distribution: what was fetched would be packed too.

set(CPACK_PACKAGE_VENDOR "The inngest-cpp authors")
set(CPACK_PACKAGE_CONTACT "The inngest-cpp authors <noreply@example.com>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_VERBATIM_VARIABLES ON)

set(CPACK_DEBIAN_PACKAGE_NAME libinngest-dev)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "nlohmann-json3-dev (>= 3.10), libsimdjson-dev (>= 1.0), libssl-dev (>= 1.1.1)")
if(INNGEST_WITH_HTTPLIB)  # which only pkg-config finds
  string(APPEND CPACK_DEBIAN_PACKAGE_DEPENDS ", libcpp-httplib-dev (>= 0.10), pkgconf | pkg-config")
endif()
if(NOT INNGEST_INSTALL_COMPILED)
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE all)
elseif(SQLite3_FOUND)
  string(APPEND CPACK_DEBIAN_PACKAGE_DEPENDS ", libsqlite3-dev")
endif()
# Debian wants the licence in a folder of the package's name.
configure_file("${PROJECT_SOURCE_DIR}/LICENSE" doc/copyright COPYONLY)
set(CPACK_INSTALLED_DIRECTORIES "${PROJECT_BINARY_DIR}/doc" usr/share/doc/libinngest-dev)
include(CPack)
