#pragma once

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include <inngest/inngest.hpp>

// The app of the cases that are not Inngest's own. `typescript/probe.mjs` is the same app on the TypeScript
// SDK, so that one can continue the runs of the other.

namespace conformance::probe {

using inngest::context;
using inngest::event;

struct named {
  std::string id;
};
INNGEST_FIELDS(named, id)

struct go_data {
  std::string id;
  int n = 0;
};
INNGEST_FIELDS(go_data, id, n)

struct pair {
  int a = 0;
  int b = 0;
};
INNGEST_FIELDS(pair, a, b)

/// Who ran each step.
struct travelled {
  std::string first, left, right;
  int n = 0;
  std::string last;
};
INNGEST_FIELDS(travelled, first, left, right, n, last)

using journey_wanted = event<"probe/journey.wanted", named>;
using go = event<"probe/go", go_data>;
using sum_wanted = event<"probe/sum.wanted", pair>;

inline constexpr const char* app_id = "probe";

/// The line by which the test sees that a step ran.
inline std::string ran(const std::string& id, const std::string& step) {
  std::printf("ran %s %s\n", id.c_str(), step.c_str());
  std::fflush(stdout);
  return "cpp";
}

inline auto sum_function(const inngest::client& app) {
  return app.create_function({.id = "sum"}, inngest::on<sum_wanted>(), [](context<sum_wanted>& ctx) {
    const pair& given = ctx.event.data;
    return ctx.step.run("add", [&] { return given.a + given.b; });
  });
}

inline std::vector<inngest::any_function> functions(const inngest::client& app) {
  using namespace std::chrono_literals;
  return {
      app.create_function({.id = "journey"}, inngest::on<journey_wanted>(),
                          [](context<journey_wanted>& ctx) {
                            const std::string& id = ctx.event.data.id;
                            travelled out;
                            out.first = ctx.step.run("first", [&] { return ran(id, "first"); });
                            ctx.step.sleep("nap", 8s);
                            auto left = ctx.step.start("left", [id] { return ran(id, "left"); });
                            auto right = ctx.step.start("right", [id] { return ran(id, "right"); });
                            out.left = left.get();
                            out.right = right.get();
                            const auto gone = ctx.step.wait_for_event<go>(
                                "go", {.timeout = 2min, .expression = "async.data.id == event.data.id"});
                            out.n = gone ? gone->data.n : -1;
                            out.last = ctx.step.run("last", [&] { return ran(id, "last"); });
                            return out;
                          }),
      sum_function(app),
  };
}

}  // namespace conformance::probe
