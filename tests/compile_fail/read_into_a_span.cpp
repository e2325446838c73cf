// expect: inngest: an array can only be read into a type that owns its elements: use std::vector
// at most 60 lines
#include <span>
#include <string>
#include <vector>

#include <inngest/inngest.hpp>

#ifdef INNGEST_COMPILE_FAIL
using numbers = std::span<int>;
#else
using numbers = std::vector<int>;
#endif

struct list {
  numbers all;
};
INNGEST_FIELDS(list, all)

list read(const std::string& text) { return inngest::decode<list>(text); }
