// expect in 10 lines: timeout_of_a_number.cpp:12
// expect in 10 lines: inngest: a duration needs a unit: write 5s
// at most 40 lines
#include <inngest/inngest.hpp>

using placed = inngest::event<"order.placed">;
using paid = inngest::event<"order.paid">;

auto make(const inngest::client& app) {
  return app.create_function({.id = "f"}, inngest::on<placed>(), [](inngest::context<placed>& ctx) {
#ifdef INNGEST_COMPILE_FAIL
    return ctx.step.wait_for_event<paid>("paid", {.timeout = 3600}).has_value();
#else
    return ctx.step.wait_for_event<paid>("paid", {.timeout = std::chrono::hours(1)}).has_value();
#endif
  });
}
