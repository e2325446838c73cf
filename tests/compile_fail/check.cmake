# Compiles SOURCE twice. As it is, it must compile, or a file that has rotted would pass for one that is
# rejected. With INNGEST_COMPILE_FAIL it must not, and the compiler must say what the file's first line expects:
#
#   // expect: <regular expression>

file(STRINGS "${SOURCE}" first_line LIMIT_COUNT 1)
if(NOT first_line MATCHES "^// expect: (.+)$")
  message(FATAL_ERROR "${SOURCE}: the first line must be \"// expect: <regular expression>\"")
endif()
set(expected "${CMAKE_MATCH_1}")

function(compile)
  execute_process(COMMAND "${COMPILER}" "${FLAGS}" ${ARGN} -fsyntax-only "${SOURCE}"
                  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  set(result "${result}" PARENT_SCOPE)
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(fail problem)
  message("${output}")
  message(FATAL_ERROR "${problem}")
endfunction()

compile()
if(NOT result EQUAL 0)
  fail("must compile without INNGEST_COMPILE_FAIL")
endif()

compile(-DINNGEST_COMPILE_FAIL)
if(result EQUAL 0)
  fail("must not compile with INNGEST_COMPILE_FAIL")
endif()
if(NOT output MATCHES "${expected}")
  fail("is rejected in other words than: ${expected}")
endif()
