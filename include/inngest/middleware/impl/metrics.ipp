#pragma once

#include <utility>

#include <inngest/config.hpp>
#include <inngest/middleware/metrics.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE metrics_middleware::metrics_middleware(metric_sink sink) : sink_(std::move(sink)) {
  if (!sink_) throw configuration_error("metrics: the sink must not be empty");
}

INNGEST_INLINE http::response metrics_middleware::wrap_request(const http::request&,
                                                               next_call<http::response> next) {
  call_state<call> here(this);
  try {
    http::response answer = next();
    if (here.state.outcome.empty()) here.state.outcome = answer.status == 206 ? "continued" : "error";
    count_call(here.state);
    return answer;
  } catch (...) {
    here.state.outcome = "error";
    count_call(here.state);
    throw;
  }
}

INNGEST_INLINE void metrics_middleware::transform_function_input(const call_info& info, function_input&) {
  if (call* current = find()) current->function = info.function_id;
}

INNGEST_INLINE void metrics_middleware::on_run_complete(const call_info& info, std::string_view) {
  if (call* current = find()) current->outcome = "completed";
  count("inngest_runs_completed_total", info);
}

INNGEST_INLINE void metrics_middleware::on_run_error(const call_info& info, const failure_info& failure) {
  if (call* current = find()) current->outcome = failure.is_final ? "failed" : "retried";
  if (failure.is_final) count("inngest_runs_failed_total", info);
}

INNGEST_INLINE void metrics_middleware::on_step_start(const call_info&, const step_info&) {
  if (call* current = find()) current->step_began = clock::now();
}

INNGEST_INLINE void metrics_middleware::on_step_complete(const call_info& info, const step_info& step,
                                                         std::string_view) {
  count_step(info, step, "completed");
}

INNGEST_INLINE void metrics_middleware::on_step_error(const call_info& info, const step_info& step,
                                                      const failure_info& failure) {
  count_step(info, step, failure.is_final ? "failed" : "retried");
}

INNGEST_INLINE sent_events metrics_middleware::wrap_send_event(const std::vector<any_event>& events,
                                                               next_call<sent_events> next) {
  try {
    sent_events sent = next();
    count_events(events.size(), sent.ids.empty() ? "unsent" : "sent");
    return sent;
  } catch (...) {
    count_events(events.size(), "failed");
    throw;
  }
}

INNGEST_INLINE void metrics_middleware::count(std::string_view name, const call_info& info) const {
  const metric_label labels[] = {{"function", info.function_id}};
  report({.name = name, .labels = labels});
}

INNGEST_INLINE void metrics_middleware::count_call(const call& ended) const {
  const metric_label labels[] = {{"function", ended.function}, {"outcome", ended.outcome}};
  report({.name = "inngest_calls_total", .labels = labels});
  report({.kind = metric_kind::histogram,
          .name = "inngest_call_duration_seconds",
          .value = seconds_since(ended.began),
          .labels = labels});
}

INNGEST_INLINE void metrics_middleware::count_step(const call_info& info, const step_info& step,
                                                   std::string_view outcome) const {
  const metric_label labels[] = {
      {"function", info.function_id}, {"step_kind", to_string(step.kind)}, {"outcome", outcome}};
  report({.name = "inngest_steps_total", .labels = labels});
  call* current = find();
  if (current == nullptr || !current->step_began) return;  // it failed before it started
  report({.kind = metric_kind::histogram,
          .name = "inngest_step_duration_seconds",
          .value = seconds_since(*current->step_began),
          .labels = labels});
  current->step_began.reset();
}

INNGEST_INLINE void metrics_middleware::count_events(std::size_t number, std::string_view outcome) const {
  const call* current = find();
  const metric_label labels[] = {{"function", current ? std::string_view(current->function) : ""},
                                 {"outcome", outcome}};
  report({.name = "inngest_events_sent_total", .value = static_cast<double>(number), .labels = labels});
}

INNGEST_INLINE double metrics_middleware::seconds_since(clock::time_point then) {
  return std::chrono::duration<double>(clock::now() - then).count();
}

INNGEST_INLINE void metrics_middleware::report(const measurement& measured) const {
  try {
    sink_(measured);
  } catch (...) {  // a run must not fail because of its metrics
  }
}

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE std::shared_ptr<middleware> metrics(metric_sink sink) {
  return std::make_shared<detail::metrics_middleware>(std::move(sink));
}

}  // namespace inngest::inline INNGEST_ABI
