#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/reserved_events.hpp>
#include <inngest/embedded/detail/scheduling/engine_events.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::string end_data(const active_run& ended) {
  const run& run = ended.record.run;
  const char* status = run.status == run_status::completed   ? "Completed"
                       : run.status == run_status::cancelled ? "Cancelled"
                                                             : "Failed";
  detail::json_object_text out;
  out.add("function_id", run.function_slug).add("run_id", run.id);
  out.add_raw("event", ended.event_text()).add_raw("events", ended.events_text());
  if (run.status == run_status::completed) out.add_raw("result", run.output_text);
  if (run.error) out.add_raw("error", standard_text_of(*run.error, ended.problem));
  if (run.error && !ended.failed_answer.empty()) out.add_raw("result", ended.failed_answer);
  out.add_raw("_inngest", detail::json_object_text().add("status", status).text());
  return out.text();
}

INNGEST_INLINE incoming_event invocation(std::string data) {
  return {.name = detail::reserved_event::invoked, .data = std::move(data)};
}

INNGEST_INLINE incoming_event timer_event(const registered_trigger& trigger, timestamp planned,
                                          timestamp fired) {
  return {.name = detail::reserved_event::scheduled,
          .id = to_text(planned),
          .ts = fired.time_since_epoch().count(),
          .data = detail::json_object_text()
                      .add("cron", trigger.schedule)
                      .add("scheduledAt", to_text(planned))
                      .add("fireAt", to_text(fired))
                      .text()};
}

INNGEST_INLINE std::optional<std::string> schedule_of(const function_definition& function) {
  for (const registered_trigger& trigger : function.triggers) {
    if (!trigger.cron) return std::nullopt;
  }
  if (function.triggers.empty()) return std::nullopt;
  return function.triggers.front().schedule;
}

INNGEST_INLINE incoming_event timer_by_hand(const std::string& schedule, const json& data, timestamp now) {
  json whole{{"cron", schedule}, {"scheduledAt", to_text(now)}, {"fireAt", to_text(now)}};
  whole.update(data);
  return {.name = detail::reserved_event::scheduled, .data = whole.dump()};
}

INNGEST_INLINE std::chrono::milliseconds jitter_of(const std::string& slug, const registered_trigger& trigger,
                                                   timestamp planned) {
  if (trigger.jitter.count() <= 0) return {};
  const std::string what = slug + trigger.schedule + to_text(planned);
  const auto chance = static_cast<std::int64_t>(std::hash<std::string>()(what) >> 1);
  return std::chrono::milliseconds(chance % (trigger.jitter.count() + 1));
}

}  // namespace inngest::inline INNGEST_ABI::embedded
