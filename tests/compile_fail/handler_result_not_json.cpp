// expect: inngest: a handler's result is stored as JSON
#include <inngest/inngest.hpp>

using placed = inngest::event<"order.placed">;

struct receipt {
  int cents = 0;
};
#ifndef INNGEST_COMPILE_FAIL
INNGEST_FIELDS(receipt, cents)
#endif

auto make(const inngest::client& app) {
  return app.create_function({.id = "f"}, inngest::on<placed>(), [](auto&) { return receipt{5}; });
}
