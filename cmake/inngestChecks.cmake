# What our own targets are compiled with: link `inngest_warnings` and `inngest_sanitizers`.

option(INNGEST_WERROR "Warnings are errors" OFF)
set(INNGEST_SANITIZE "" CACHE STRING "Sanitizers of tests and examples: address,undefined or thread")

# Programs with sanitizers are large: GNU ld needs ten seconds for one.
find_program(LLD ld.lld)
if(LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options(-fuse-ld=lld)
endif()

add_library(inngest_warnings INTERFACE)
if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  target_compile_options(inngest_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
                                                    $<$<BOOL:${INNGEST_WERROR}>:-Werror>)
endif()

# inngest_add_sanitizers(<target> INTERFACE|PRIVATE <sanitizers>)
function(inngest_add_sanitizers target scope sanitizers)
  set(flags -fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_compile_options(${target} ${scope} ${flags})
  target_link_options(${target} ${scope} ${flags})
endfunction()

add_library(inngest_sanitizers INTERFACE)
if(INNGEST_SANITIZE)
  inngest_add_sanitizers(inngest_sanitizers INTERFACE ${INNGEST_SANITIZE})
endif()
