// expect in 10 lines: wait_without_timeout.cpp:11
// expect in 10 lines: inngest: this option is required: give it a duration, as in {.timeout = 1h}
// at most 40 lines
#include <inngest/inngest.hpp>

using placed = inngest::event<"order.placed">;

auto make(const inngest::client& app) {
  return app.create_function({.id = "f"}, inngest::on<placed>(), [](inngest::context<placed>& ctx) {
#ifdef INNGEST_COMPILE_FAIL
    ctx.step.wait_for_event<placed>("again", {.expression = "true"});
#else
    ctx.step.wait_for_event<placed>("again", {.timeout = std::chrono::hours(1), .expression = "true"});
#endif
  });
}
