// expect: or use std::string, std::vector, std::array or std::optional instead
// expect in 10 lines: customer::code
// expect in 10 lines: needs_INNGEST_FIELDS_or_to_json
// at most 40 lines
#include <string>

#include <inngest/inngest.hpp>

struct customer {
#ifdef INNGEST_COMPILE_FAIL
  char code[8];
#else
  std::string code;
#endif
};
INNGEST_FIELDS(customer, code)

customer read(const std::string& text) { return inngest::decode<customer>(text); }
