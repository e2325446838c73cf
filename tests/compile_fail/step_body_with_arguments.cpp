// expect: inngest: a step's body is called without arguments
#include <inngest/inngest.hpp>

using placed = inngest::event<"order.placed">;

auto make(const inngest::client& app) {
  return app.create_function({.id = "f"}, inngest::on<placed>(), [](inngest::context<placed>& ctx) {
#ifdef INNGEST_COMPILE_FAIL
    ctx.step.run("a", [](int n) { return n; });
#else
    ctx.step.run("a", [] { return 1; });
#endif
  });
}
