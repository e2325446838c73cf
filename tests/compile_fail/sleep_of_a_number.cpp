// expect in 10 lines: sleep_of_a_number.cpp:11
// expect in 10 lines: inngest: a duration needs a unit: write 5s
// at most 40 lines
#include <inngest/inngest.hpp>

using placed = inngest::event<"order.placed">;

auto make(const inngest::client& app) {
  return app.create_function({.id = "f"}, inngest::on<placed>(), [](inngest::context<placed>& ctx) {
#ifdef INNGEST_COMPILE_FAIL
    ctx.step.sleep("rest", 5);
#else
    ctx.step.sleep("rest", std::chrono::seconds(5));
#endif
  });
}
