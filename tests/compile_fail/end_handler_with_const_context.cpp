// expect in 10 lines: inngest::context<MyEvent>& ctx, not const
#include <inngest/inngest.hpp>

using placed = inngest::event<"order.placed">;

#ifdef INNGEST_COMPILE_FAIL
#define MAYBE_CONST const
#else
#define MAYBE_CONST
#endif

auto make(const inngest::client& app) {
  return app.create_function(
      {.id = "f"}, inngest::on<placed>(), [](auto&) {},
      inngest::on_failure([](MAYBE_CONST inngest::failure_context<placed>& ctx) { return ctx.run_id; }));
}
