// expect in 10 lines: inngest: on<...>\(\) names an event type twice
// at most 20 lines
#include <inngest/inngest.hpp>

using placed = inngest::event<"order.placed">;
using paid = inngest::event<"order.paid">;
#ifdef INNGEST_COMPILE_FAIL
using second = placed;
#else
using second = paid;
#endif

auto make(const inngest::client& app) {
  return app.create_function({.id = "f"}, inngest::on<placed, second>(),
                             [](inngest::context<placed, second>&) {});
}
