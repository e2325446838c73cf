// expect: inngest: a member of a key or match must be named in INNGEST_FIELDS of the type that has it
// at most 40 lines
#include <string>

#include <inngest/inngest.hpp>

struct order {
  std::string customer;
  std::string note;
};
#ifdef INNGEST_COMPILE_FAIL
INNGEST_FIELDS(order, customer)
#else
INNGEST_FIELDS(order, customer, note)
#endif

inngest::function_options options() { return {.id = "f", .idempotency = inngest::key<&order::note>}; }
