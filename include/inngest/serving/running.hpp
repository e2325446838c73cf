#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <inngest/context.hpp>
#include <inngest/execution/replay.hpp>
#include <inngest/protocol/call_request.hpp>
#include <inngest/protocol/error_info.hpp>
#include <inngest/serving/served_app.hpp>

// Running a function's handler for a call, and, in strict mode, checking that it is deterministic.

namespace inngest::serving {

/// Runs the handler as far as the call allows.
inline execution::outcome run_handler(const served_app& app, const served_function& served,
                                      const protocol::call_request& call,
                                      const execution::replay_options& replay_options) {
  execution::replay replay(call, app.services, replay_options);
  const handler_resources resources{.log = app.client.log(),
                                    .of_function = served.function->options().dependencies,
                                    .of_client = app.settings().dependencies()};
  return replay.run([&](std::string& result) { served.function->handler()(replay, resources, result); });
}

inline protocol::failure not_deterministic(const std::string& function_id, std::size_t step_number,
                                           const std::string& first, const std::string& second) {
  return {.info = {.name = "inngest::not_deterministic",
                   .message = "function \"" + function_id +
                              "\" is not deterministic: called twice with the same results, as step " +
                              std::to_string(step_number) + " it first came to " + first + " and then to " +
                              second +
                              ": step ids must not differ between the calls of a run. Times, random numbers "
                              "and everything that changes belong into a step"},
          .retriable = false};
}

/// Calls the handler again without running any step, and fails the call when the handler reaches other steps.
/// A call that was stopped, for example after the one step that it was to run, is compared up to that point.
inline void check_determinism(const served_app& app, const served_function& served,
                              const protocol::call_request& call, execution::replay_options replay_options,
                              execution::outcome& outcome) {
  replay_options.rehearse = true;
  replay_options.checkpoints = nullptr;
  std::vector<std::string> again = run_handler(app, served, call, replay_options).steps;
  std::vector<std::string> steps = outcome.steps;
  if (outcome.steps_before_going_on) steps.resize(*outcome.steps_before_going_on);
  if (outcome.stopped_early && again.size() > steps.size()) again.resize(steps.size());
  if (again == steps) return;
  const auto [first, second] = std::mismatch(steps.begin(), steps.end(), again.begin(), again.end());
  const auto name = [](auto at, auto end) {
    return at == end ? std::string("its end") : "step \"" + *at + "\"";
  };
  outcome.ended = execution::outcome::kind::failed;
  outcome.is_failure_among_operations = false;
  outcome.failure =
      not_deterministic(served.function->id(), static_cast<std::size_t>(first - steps.begin()) + 1,
                        name(first, steps.end()), name(second, again.end()));
}

}  // namespace inngest::serving
