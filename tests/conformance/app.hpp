#pragma once

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <inngest/inngest.hpp>

// The app that Inngest's conformance runner asks for; exchanges_test.cpp has what it compares.

/// Errors are reported by their type's name, and the runner wants a function's to be just "Error".
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

namespace conformance {

using inngest::context;
using inngest::event;

struct finished {
  std::string body = "ok";
  std::string name;
};
INNGEST_FIELDS(finished, body, name)

struct second_result {
  std::string first;
  bool second = false;
};
INNGEST_FIELDS(second_result, first, second)

struct wait_result {
  std::optional<inngest::json> result;
};
INNGEST_FIELDS(wait_result, result)

using function_test = event<"tests/function.test">;
using step_test = event<"tests/step.test">;
using retry_test = event<"tests/retry.test">;
using cancel_test = event<"tests/cancel.test">;
using wait_test = event<"tests/wait.test">;
using resume = event<"test/resume">;

inline constexpr const char* app_id = "test-suite";

template <class Event>
finished finished_for(const Event&) {
  return {.name = std::string(Event::name)};
}

inline std::vector<inngest::any_function> functions(const inngest::client& app) {
  using namespace std::chrono_literals;
  using inngest::on;
  return {
      app.create_function({.id = "simple-fn"}, on<function_test>(),
                          [](context<function_test>& ctx) { return finished_for(ctx.event); }),

      app.create_function({.id = "step-test"}, on<step_test>(),
                          [](context<step_test>& ctx) {
                            const auto first = ctx.step.run("first step", [] { return "first step"; });
                            ctx.step.sleep({.id = "sleep", .name = "for 2s"}, 2s);
                            ctx.step.run("second step",
                                         [&] { return second_result{.first = first, .second = true}; });
                            return finished_for(ctx.event);
                          }),

      app.create_function({.id = "retry-test"}, on<retry_test>(),
                          [](context<retry_test>& ctx) {
                            ctx.step.run("first step", [&] {
                              if (ctx.attempt == 0) throw Error("broken");
                              return "yes: " + std::to_string(ctx.attempt + 1);
                            });
                            // the server counts from 0 again once the step has its result
                            if (ctx.attempt == 0) throw Error("broken func");
                            return finished_for(ctx.event);
                          }),

      app.create_function({.id = "cancel-test",
                           .cancel_on = {{.event = "cancel/please",
                                          .expression = "async.data.request_id == event.data.request_id"}}},
                          on<cancel_test>(),
                          [](context<cancel_test>& ctx) {
                            ctx.step.sleep("sleep", 10s);
                            return finished_for(ctx.event);
                          }),

      app.create_function(
          {.id = "wait-for-event"}, on<wait_test>(),
          [](context<wait_test>& ctx) {
            const auto resumed = ctx.step.wait_for_event<resume>(
                "wait", {.timeout = 10s,
                         .expression = "async.data.resume == true && async.data.id == event.data.id"});
            return resumed ? wait_result{std::optional(resumed->data)} : wait_result{};
          }),
  };
}

}  // namespace conformance
