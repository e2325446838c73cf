// expect: inngest: a step's result is stored as JSON and read back
#include <inngest/inngest.hpp>

using placed = inngest::event<"order.placed">;

struct receipt {
  int cents = 0;
};
#ifndef INNGEST_COMPILE_FAIL
INNGEST_FIELDS(receipt, cents)
#endif

auto make(const inngest::client& app) {
  return app.create_function({.id = "f"}, inngest::on<placed>(), [](inngest::context<placed>& ctx) {
    ctx.step.run("charge", [] { return receipt{5}; });
  });
}
