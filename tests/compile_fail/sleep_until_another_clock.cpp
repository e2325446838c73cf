// expect in 10 lines: sleep_until_another_clock.cpp:11
// expect in 10 lines: inngest: it needs a time of std::chrono::system_clock
// at most 40 lines
#include <inngest/inngest.hpp>

using placed = inngest::event<"order.placed">;

auto make(const inngest::client& app) {
  return app.create_function({.id = "f"}, inngest::on<placed>(), [](inngest::context<placed>& ctx) {
#ifdef INNGEST_COMPILE_FAIL
    ctx.step.sleep_until("tomorrow", std::chrono::steady_clock::now() + std::chrono::hours(24));
#else
    ctx.step.sleep_until("tomorrow", std::chrono::system_clock::now() + std::chrono::hours(24));
#endif
  });
}
