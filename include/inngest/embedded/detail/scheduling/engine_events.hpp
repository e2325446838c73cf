#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/incoming_event.hpp>
#include <inngest/embedded/detail/run_errors.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>
#include <inngest/json/detail/text.hpp>

// The events that an engine makes itself, like a server.

namespace inngest::embedded {

/// The data of "inngest/function.finished", and of failed and cancelled: how a run ended.
inline std::string end_data(const active_run& ended) {
  const run& run = ended.record.run;
  const char* status = run.status == run_status::completed   ? "Completed"
                       : run.status == run_status::cancelled ? "Cancelled"
                                                             : "Failed";
  detail::json_object_text out;
  out.add("function_id", run.function_slug).add("run_id", run.id);
  out.add_raw("event", ended.event_text()).add_raw("events", ended.events_text());
  if (run.status == run_status::completed) out.add_raw("result", run.output_text);
  if (run.error) out.add_raw("error", text_of(*run.error));
  out.add_raw("_inngest", detail::json_object_text().add("status", status).text());
  return out.text();
}

/// What a function that is invoked begins with.
inline incoming_event invocation(std::string data) {
  return {.name = "inngest/function.invoked", .data = std::move(data)};
}

/// What a schedule starts its function with.
inline incoming_event timer_event(const registered_trigger& trigger, timestamp planned, timestamp fired) {
  return {.name = "inngest/scheduled.timer",
          .id = to_text(planned),
          .ts = fired.time_since_epoch().count(),
          .data = detail::json_object_text()
                      .add("cron", trigger.schedule)
                      .add("scheduledAt", to_text(planned))
                      .add("fireAt", to_text(fired))
                      .text()};
}

/// By how much a schedule is late, so that many don't begin at once. The same arguments give the same delay.
inline std::chrono::milliseconds jitter_of(const std::string& slug, const registered_trigger& trigger,
                                           timestamp planned) {
  if (trigger.jitter.count() <= 0) return {};
  const std::string what = slug + trigger.schedule + to_text(planned);
  const auto chance = static_cast<std::int64_t>(std::hash<std::string>()(what) >> 1);
  return std::chrono::milliseconds(chance % (trigger.jitter.count() + 1));
}

}  // namespace inngest::embedded
