// expect in 10 lines: inngest: RTTI must be enabled
// with -fno-rtti
#include <inngest/error.hpp>

int code_of(const inngest::error& error) { return static_cast<int>(error.code()); }
