// expect in 10 lines: inngest::endpoint_context& ctx, not const
#include <inngest/endpoint.hpp>
#include <inngest/inngest.hpp>

#ifdef INNGEST_COMPILE_FAIL
#define MAYBE_CONST const
#else
#define MAYBE_CONST
#endif

auto make(const inngest::client& app) {
  return inngest::endpoint(app, {.id = "f"},
                           [](MAYBE_CONST inngest::endpoint_context& ctx) { return ctx.run_id; });
}
