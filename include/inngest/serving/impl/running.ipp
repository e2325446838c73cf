#pragma once

#include <algorithm>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/serving/running.hpp>

namespace inngest::inline INNGEST_ABI::serving {

INNGEST_INLINE execution::outcome run_handler(const served_app& app, const served_function& served,
                                              const protocol::call_request& call,
                                              const execution::replay_options& replay_options) {
  return run_handler(app, served, call, replay_options, app.services);
}

INNGEST_INLINE execution::outcome run_handler(const served_app& app, const served_function& served,
                                              const protocol::call_request& call,
                                              const execution::replay_options& replay_options,
                                              const execution::host_services& services) {
  execution::replay replay(call, services, replay_options);
  const handler_resources resources{.log = app.client.log(),
                                    .app = app.client.id(),
                                    .of_function = served.function->options().dependencies,
                                    .of_client = app.settings().dependencies()};
  return replay.run([&](std::string& result) { served.function->handler()(replay, resources, result); });
}

INNGEST_INLINE protocol::failure not_deterministic(const std::string& function_id, std::size_t step_number,
                                                   const std::string& first, const std::string& second) {
  return {.info = {.name = "inngest::not_deterministic",
                   .message = "function \"" + function_id +
                              "\" is not deterministic: in two calls with the same results, its step " +
                              std::to_string(step_number) + " was first " + first + " and then " + second +
                              ": step ids must not differ between the calls of a run. Read times, random "
                              "numbers and other changing values inside a step"},
          .retriable = false};
}

INNGEST_INLINE void check_determinism(const served_app& app, const served_function& served,
                                      const protocol::call_request& call,
                                      execution::replay_options replay_options, execution::outcome& outcome) {
  replay_options.rehearse = true;
  replay_options.checkpoints = nullptr;
  std::vector<std::string> again = run_handler(app, served, call, replay_options).steps;
  std::vector<std::string> steps = outcome.steps;
  if (outcome.steps_before_continuing) steps.resize(*outcome.steps_before_continuing);
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

}  // namespace inngest::inline INNGEST_ABI::serving
