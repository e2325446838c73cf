// expect: declare it with INNGEST_FIELDS
#include <string>

#include <inngest/inngest.hpp>

struct order {
  std::string id;
};
#ifndef INNGEST_COMPILE_FAIL
INNGEST_FIELDS(order, id)
#endif

using placed = inngest::event<"order.placed", order>;

void send(const inngest::client& app) { app.send(placed{{"o1"}}); }
