// expect: inngest: match\(\) needs a handler for each of the function's events
#include <inngest/inngest.hpp>

using placed = inngest::event<"order.placed">;
using cancelled = inngest::event<"order.cancelled">;

auto make(const inngest::client& app) {
  return app.create_function({.id = "f"}, inngest::on<placed, cancelled>(),
                             [](inngest::context<placed, cancelled>& ctx) {
#ifdef INNGEST_COMPILE_FAIL
                               ctx.event.match([](const placed&) {});
#else
                               ctx.event.match([](const placed&) {}, [](const cancelled&) {});
#endif
                             });
}
