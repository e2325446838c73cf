// expect: inngest: a handler must not be noexcept
#include <inngest/inngest.hpp>

using placed = inngest::event<"order.placed">;

#ifdef INNGEST_COMPILE_FAIL
#define MAYBE_NOEXCEPT noexcept
#else
#define MAYBE_NOEXCEPT
#endif

auto make(const inngest::client& app) {
  return app.create_function({.id = "f"}, inngest::on<placed>(),
                             [](inngest::context<placed>&) MAYBE_NOEXCEPT { return 1; });
}
