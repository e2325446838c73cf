// expect: inngest: on<...>\(\) needs an event type
#include <inngest/inngest.hpp>

using placed = inngest::event<"order.placed">;

auto make(const inngest::client& app) {
#ifdef INNGEST_COMPILE_FAIL
  const auto trigger = inngest::on<>();
#else
  const auto trigger = inngest::on<placed>();
#endif
  return app.create_function({.id = "f"}, trigger, [](auto&) {});
}
