// expect in 10 lines: custumer
// at most 40 lines
#include <string>

#include <inngest/inngest.hpp>

struct order {
  std::string customer;
};
INNGEST_FIELDS(order, customer)

inngest::function_options options() {
#ifdef INNGEST_COMPILE_FAIL
  return {.id = "f", .idempotency = inngest::key<&order::custumer>};
#else
  return {.id = "f", .idempotency = inngest::key<&order::customer>};
#endif
}
