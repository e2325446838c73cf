#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/middleware.hpp>
#include <inngest/middleware/call_state.hpp>

// Counts and durations with Prometheus names, for any metrics library.

namespace inngest {

/// The kind of a metric.
enum class metric_kind {
  counter,   ///< grows by measurement::value
  histogram  ///< observes measurement::value
};

/// A label of a measurement.
struct metric_label {
  /// Such as "function".
  std::string_view name;
  /// Such as the function's id.
  std::string_view value;
};

/// One measurement. Its strings and labels are valid only during the sink's call.
///
/// - `inngest_calls_total`, `inngest_call_duration_seconds` with `function`, `outcome`: requests of the
/// server.
///   Outcomes: completed, failed (permanently), retried, continued (steps were reported), error (no handler
///   was reached, or any other answer).
/// - `inngest_runs_started_total`, `inngest_runs_completed_total`, `inngest_runs_failed_total` with
/// `function`.
/// - `inngest_steps_total`, `inngest_step_duration_seconds` with `function`, `step_kind`, `outcome`: steps
/// whose
///   body ran here. Outcomes: completed, failed (permanently), retried.
/// - `inngest_events_sent_total` with `function`, `outcome`. `function` is empty for events sent by the
/// client
///   outside of functions. Outcomes: sent, failed, unsent (dropped or kept in the outbox).
struct measurement {
  /// Counter or histogram.
  metric_kind kind = metric_kind::counter;
  /// The metric's name.
  std::string_view name;
  /// The increment of a counter; seconds for a histogram.
  double value = 1;
  /// The labels, as listed above.
  std::span<const metric_label> labels{};
};

/// Receives measurements, from many threads concurrently. Its exceptions are ignored.
using metric_sink = std::function<void(const measurement&)>;

namespace detail {

/// The middleware of metrics(). Its only state is that of active calls.
class metrics_middleware : public middleware {
 public:
  explicit metrics_middleware(metric_sink sink) : sink_(std::move(sink)) {
    if (!sink_) throw configuration_error("metrics: the sink must not be empty");
  }

  http::response wrap_request(const http::request&, next_call<http::response> next) override {
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

  void transform_function_input(const call_info& info, function_input&) override {
    if (call* current = find()) current->function = info.function_id;
  }

  void on_run_start(const call_info& info) override { count("inngest_runs_started_total", info); }

  void on_run_complete(const call_info& info, std::string_view) override {
    if (call* current = find()) current->outcome = "completed";
    count("inngest_runs_completed_total", info);
  }

  void on_run_error(const call_info& info, const failure_info& failure) override {
    if (call* current = find()) current->outcome = failure.is_final ? "failed" : "retried";
    if (failure.is_final) count("inngest_runs_failed_total", info);
  }

  void on_step_start(const call_info&, const step_info&) override {
    if (call* current = find()) current->step_began = clock::now();
  }
  void on_step_complete(const call_info& info, const step_info& step, std::string_view) override {
    count_step(info, step, "completed");
  }
  void on_step_error(const call_info& info, const step_info& step, const failure_info& failure) override {
    count_step(info, step, failure.is_final ? "failed" : "retried");
  }

  sent_events wrap_send_event(const std::vector<any_event>& events, next_call<sent_events> next) override {
    try {
      sent_events sent = next();
      count_events(events.size(), sent.ids.empty() ? "unsent" : "sent");
      return sent;
    } catch (...) {
      count_events(events.size(), "failed");
      throw;
    }
  }

 private:
  using clock = std::chrono::steady_clock;

  struct call {
    clock::time_point began = clock::now();
    std::string function{};
    std::string_view outcome{};
    std::optional<clock::time_point> step_began{};
  };

  call* find() const { return call_state<call>::find(this); }

  void count(std::string_view name, const call_info& info) const {
    const metric_label labels[] = {{"function", info.function_id}};
    report({.name = name, .labels = labels});
  }

  void count_call(const call& ended) const {
    const metric_label labels[] = {{"function", ended.function}, {"outcome", ended.outcome}};
    report({.name = "inngest_calls_total", .labels = labels});
    report({.kind = metric_kind::histogram,
            .name = "inngest_call_duration_seconds",
            .value = seconds_since(ended.began),
            .labels = labels});
  }

  void count_step(const call_info& info, const step_info& step, std::string_view outcome) const {
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

  void count_events(std::size_t number, std::string_view outcome) const {
    const call* current = find();
    const metric_label labels[] = {{"function", current ? std::string_view(current->function) : ""},
                                   {"outcome", outcome}};
    report({.name = "inngest_events_sent_total", .value = static_cast<double>(number), .labels = labels});
  }

  static double seconds_since(clock::time_point then) {
    return std::chrono::duration<double>(clock::now() - then).count();
  }

  void report(const measurement& measured) const {
    try {
      sink_(measured);
    } catch (...) {  // a run must not fail because of its metrics
    }
  }

  metric_sink sink_;
};

}  // namespace detail

/// Makes middleware that passes measurements of calls, runs, steps and sent events to `sink`. No label has
/// unbounded values, such as run ids.
///
///     .middleware = {inngest::metrics([&](const inngest::measurement& measured) { registry.add(measured);
///     })}
///
/// \throws configuration_error for an empty sink.
inline std::shared_ptr<middleware> metrics(metric_sink sink) {
  return std::make_shared<detail::metrics_middleware>(std::move(sink));
}

}  // namespace inngest
