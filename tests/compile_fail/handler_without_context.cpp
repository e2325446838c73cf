// expect: inngest: the handler must take the context of its trigger's events
#include <inngest/inngest.hpp>

using placed = inngest::event<"order.placed">;

auto make(const inngest::client& app) {
  return app.create_function({.id = "f"}, inngest::on<placed>(),
#ifdef INNGEST_COMPILE_FAIL
                             [] { return 1; });
#else
                             [](auto&) { return 1; });
#endif
}
