// expect: declare it with INNGEST_FIELDS
#include <string>

#include <inngest/inngest.hpp>

struct order {
  std::string id;
};
INNGEST_FIELDS(order, id)
struct refund : order {
  int cents = 0;
};
#ifndef INNGEST_COMPILE_FAIL
INNGEST_FIELDS(refund, id, cents)
#endif

using refunded = inngest::event<"order.refunded", refund>;

refunded made() { return {}; }
