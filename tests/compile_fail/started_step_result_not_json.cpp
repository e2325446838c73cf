// expect: inngest: a step's result is stored as JSON and read back
#include <memory>

#include <inngest/inngest.hpp>

using placed = inngest::event<"order.placed">;

auto make(const inngest::client& app) {
  return app.create_function({.id = "f"}, inngest::on<placed>(), [](inngest::context<placed>& ctx) {
#ifdef INNGEST_COMPILE_FAIL
    auto handle = ctx.step.start("load", [] { return std::make_unique<int>(5); });
#else
    auto handle = ctx.step.start("load", [] { return 5; });
#endif
    handle.get();
  });
}
