// expect: inngest: a step's body must not be noexcept
#include <inngest/inngest.hpp>

using placed = inngest::event<"order.placed">;

#ifdef INNGEST_COMPILE_FAIL
#define MAYBE_NOEXCEPT noexcept
#else
#define MAYBE_NOEXCEPT
#endif

auto make(const inngest::client& app) {
  return app.create_function({.id = "f"}, inngest::on<placed>(), [](inngest::context<placed>& ctx) {
    ctx.step.run("a", []() MAYBE_NOEXCEPT { return 1; });
  });
}
