# Finds what the headers need, and fetches what is not installed. Sets `inngest_dependencies`.

include(FetchContent)

# A target that is there already, a package that is installed, or a release from its repository.
function(inngest_require target package repository tag)
  if(NOT TARGET ${target})
    find_package(${package} QUIET)
  endif()
  if(NOT TARGET ${target})
    message(STATUS "inngest: ${package} is not installed, fetching ${tag}")
    FetchContent_Declare(${package} GIT_REPOSITORY ${repository} GIT_TAG ${tag} GIT_SHALLOW ON)
    FetchContent_MakeAvailable(${package})
  endif()
endfunction()

# The options below are for fetched packages, whatever policies those set. What was fetched is installed beside
# the library, which would be of no use without it.
set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)
set(JSON_BuildTests OFF)
set(JSON_Install ${INNGEST_INSTALL})
set(JSON_SystemInclude ON)

inngest_require(nlohmann_json::nlohmann_json nlohmann_json https://github.com/nlohmann/json.git v3.12.0)
inngest_require(simdjson::simdjson simdjson https://github.com/simdjson/simdjson.git v3.13.0)
find_package(OpenSSL 1.1.1 REQUIRED)
find_package(Threads REQUIRED)
set(inngest_dependencies nlohmann_json::nlohmann_json simdjson::simdjson OpenSSL::Crypto Threads::Threads)

# Its headers do not pass our warnings, and it does not say that they are a system's.
get_target_property(simdjson_real simdjson::simdjson ALIASED_TARGET)
if(simdjson_real)
  get_target_property(simdjson_includes ${simdjson_real} INTERFACE_INCLUDE_DIRECTORIES)
  target_include_directories(${simdjson_real} SYSTEM INTERFACE ${simdjson_includes})
endif()

if(INNGEST_WITH_HTTPLIB)
  include(inngestHttplib)
  if(NOT TARGET inngest::httplib)
    set(HTTPLIB_INSTALL ${INNGEST_INSTALL})
    set(HTTPLIB_REQUIRE_OPENSSL ON)
    foreach(compression IN ITEMS ZLIB BROTLI ZSTD)
      set(HTTPLIB_USE_${compression}_IF_AVAILABLE OFF)
    endforeach()
    inngest_require(httplib::httplib httplib https://github.com/yhirose/cpp-httplib.git v0.53.1)
    include(inngestHttplib)
  endif()
  list(APPEND inngest_dependencies inngest::httplib)
endif()
