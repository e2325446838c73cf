# The compiled flavour: what is no template is in a static library, and the headers only declare it.

find_package(SQLite3 QUIET)

# inngest_add_compiled(<target>): the library, and INNGEST_COMPILED for whatever links it.
function(inngest_add_compiled target)
  add_library(${target} STATIC EXCLUDE_FROM_ALL "${PROJECT_SOURCE_DIR}/src/inngest.cpp")
  target_link_libraries(${target} PUBLIC inngest)
  target_compile_definitions(${target} PUBLIC INNGEST_COMPILED)
  if(SQLite3_FOUND)
    target_sources(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src/sqlite_store.cpp")
    target_link_libraries(${target} PUBLIC SQLite::SQLite3)
  endif()
endfunction()

inngest_add_compiled(inngest_compiled)
set_target_properties(inngest_compiled PROPERTIES OUTPUT_NAME inngest EXPORT_NAME compiled)
add_library(inngest::compiled ALIAS inngest_compiled)
