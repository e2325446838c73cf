#pragma once

#include <string>
#include <thread>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/http/detail/status.hpp>
#include <inngest/serving/checkpoints.hpp>

namespace inngest::inline INNGEST_ABI::serving {

INNGEST_INLINE execution::checkpoints::saved save_with_server(
    const served_app& app, const protocol::call_request& call, std::int64_t started,
    const std::vector<protocol::operation>& operations) {
  using saved = execution::checkpoints::saved;
  detail::json_object_text body;
  body.add("run_id", call.run_id()).add("fn_id", call.function_uuid()).add("qi_id", call.queue_item_id());
  body.add_if("request_id", call.request_id()).add("generation_id", call.generation_id());
  body.add("request_started_at", started).add_raw("steps", protocol::write_operations(operations));
  const http::request request =
      protocol::json_request("/v1/checkpoint/" + http::percent_encoded(call.run_id()) + "/async",
                             body.add("ts", milliseconds_now<std::chrono::system_clock>()).text());
  constexpr int attempts = 5;
  std::string problem;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    if (attempt > 0) std::this_thread::sleep_for(std::chrono::milliseconds(50 << attempt));
    try {
      const http::response answer = app.client.call_api(request);
      if (answer.status >= 200 && answer.status < 300) return saved::yes;
      if (answer.status == 409) return saved::stale;
      problem = protocol::refusal(answer);
      if (!detail::may_pass(answer.status)) break;
    } catch (const unreachable& failed) {
      problem = failed.what();
    }
  }
  constexpr std::int64_t pause = 60'000;
  app.checkpoints_from = milliseconds_now<std::chrono::steady_clock>() + pause;
  app.client.log().warn(
      "run " + call.run_id() +
      ": the server did not save a step's result, so the result is part of the answer: " + problem);
  return saved::no;
}

INNGEST_INLINE checkpointing checkpointing_of(const served_app& app, const any_function& function) {
  checkpointing chosen = function.options().checkpointing.value_or(app.settings().checkpointing());
  if (!chosen.max_runtime) chosen.max_runtime = app.options.max_runtime;
  return chosen;
}

INNGEST_INLINE std::optional<execution::checkpoints> checkpoints_with_server(
    const served_app& app, const any_function& function, const protocol::call_request& call) {
  const checkpointing chosen = checkpointing_of(app, function);
  const bool possible =
      !call.function_uuid().empty() && !call.queue_item_id().empty() && !call.target() && !call.plan_only();
  if (!chosen.enabled || !possible || app.options.strict ||
      milliseconds_now<std::chrono::steady_clock>() < app.checkpoints_from)
    return std::nullopt;
  const auto started = milliseconds_now<std::chrono::system_clock>();
  return std::optional<execution::checkpoints>(
      std::in_place, chosen, execution::checkpoints::clock::now,
      [&app, &call, started](const std::vector<protocol::operation>& operations) {
        return save_with_server(app, call, started, operations);
      });
}

INNGEST_INLINE std::optional<execution::checkpoints> checkpoints_in_process(
    const served_app& app, const any_function& function, const protocol::call_request& call,
    const save_results& save) {
  const checkpointing chosen = checkpointing_of(app, function);
  if (!chosen.enabled || call.target() || call.plan_only()) return std::nullopt;
  return std::optional<execution::checkpoints>(std::in_place, chosen, execution::checkpoints::clock::now,
                                               save);
}

}  // namespace inngest::inline INNGEST_ABI::serving
