# An overlay port: it builds the repository that it is in.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

if("compiled" IN_LIST FEATURES)
  vcpkg_check_linkage(ONLY_STATIC_LIBRARY)
else()  # headers only
  set(VCPKG_BUILD_TYPE release)
  set(VCPKG_POLICY_SKIP_PKGCONFIG_CHECK enabled)  # it takes "Libs: -pthread" for a library outside of lib/
endif()
vcpkg_check_features(OUT_FEATURE_OPTIONS FEATURE_OPTIONS
  FEATURES
    compiled INNGEST_INSTALL_COMPILED
    httplib INNGEST_WITH_HTTPLIB
)
vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS
    ${FEATURE_OPTIONS}
    -DINNGEST_BUILD_TESTS=OFF
    -DINNGEST_BUILD_EXAMPLES=OFF
    -DINNGEST_INSTALL=ON
)
vcpkg_cmake_install()
if("compiled" IN_LIST FEATURES)
  vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/inngest)
else()
  vcpkg_cmake_config_fixup(CONFIG_PATH share/cmake/inngest)
endif()
vcpkg_fixup_pkgconfig()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
