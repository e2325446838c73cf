// expect in 10 lines: inngest: exceptions must be enabled
// with -fno-exceptions
#include <inngest/error.hpp>

int code_of(const inngest::error& error) { return static_cast<int>(error.code()); }
