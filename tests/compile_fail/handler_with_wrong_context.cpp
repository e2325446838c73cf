// expect: inngest: the handler must take the context of its trigger's events
#include <inngest/inngest.hpp>

using placed = inngest::event<"order.placed">;
using cancelled = inngest::event<"order.cancelled">;

#ifdef INNGEST_COMPILE_FAIL
using taken = cancelled;
#else
using taken = placed;
#endif

auto make(const inngest::client& app) {
  return app.create_function({.id = "f"}, inngest::on<placed>(), [](inngest::context<taken>&) { return 1; });
}
