// expect: inngest: the branches of a race must return the same type
#include <string>

#include <inngest/inngest.hpp>

using placed = inngest::event<"order.placed">;

auto make(const inngest::client& app) {
  return app.create_function({.id = "f"}, inngest::on<placed>(), [](inngest::context<placed>& ctx) {
#ifdef INNGEST_COMPILE_FAIL
    ctx.group.race([&] { return ctx.step.run("a", [] { return 1; }); },
                   [&] { return ctx.step.run("b", [] { return std::string("b"); }); });
#else
    ctx.group.race([&] { return ctx.step.run("a", [] { return 1; }); },
                   [&] { return ctx.step.run("b", [] { return 2; }); });
#endif
  });
}
