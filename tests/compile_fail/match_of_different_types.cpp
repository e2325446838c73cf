// expect: inngest: the members of a match have different JSON types: they are never equal
// at most 60 lines
#include <string>

#include <inngest/inngest.hpp>

struct order {
  std::string id;
};
INNGEST_FIELDS(order, id)
struct payment {
  std::string order_id;
  int cents = 0;
};
INNGEST_FIELDS(payment, order_id, cents)

inngest::event_match matching() {
#ifdef INNGEST_COMPILE_FAIL
  return inngest::same<&order::id, &payment::cents>;
#else
  return inngest::same<&order::id, &payment::order_id>;
#endif
}
