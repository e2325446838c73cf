#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/middleware.hpp>
#include <inngest/middleware/call_state.hpp>

// Counts and durations with Prometheus names, for any metrics library.

namespace inngest::inline INNGEST_ABI {

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
/// - `inngest_calls_total`, `inngest_call_duration_seconds` with `function`, `outcome`: requests of the
///   server. Outcomes: completed, failed (permanently), retried, continued (steps were reported), error (no
///   handler was reached, or any other answer).
/// - `inngest_runs_started_total`, `inngest_runs_completed_total`, `inngest_runs_failed_total` with
///   `function`.
/// - `inngest_steps_total`, `inngest_step_duration_seconds` with `function`, `step_kind`, `outcome`: steps
///   whose body ran in this process. Outcomes: completed, failed (permanently), retried.
/// - `inngest_events_sent_total` with `function`, `outcome`. `function` is empty for events that the client
///   sends outside of functions. Outcomes: sent, failed, unsent (dropped or stored in the outbox).
struct measurement {
  /// The kind of the metric.
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

/// The middleware of metrics(). It has no state outside of active calls.
class metrics_middleware : public middleware {
 public:
  explicit metrics_middleware(metric_sink sink);

  http::response wrap_request(const http::request&, next_call<http::response> next) override;

  void transform_function_input(const call_info& info, function_input&) override;

  void on_run_start(const call_info& info) override { count("inngest_runs_started_total", info); }

  void on_run_complete(const call_info& info, std::string_view) override;

  void on_run_error(const call_info& info, const failure_info& failure) override;

  void on_step_start(const call_info&, const step_info&) override;
  void on_step_complete(const call_info& info, const step_info& step, std::string_view) override;
  void on_step_error(const call_info& info, const step_info& step, const failure_info& failure) override;

  sent_events wrap_send_event(const std::vector<any_event>& events, next_call<sent_events> next) override;

 private:
  using clock = std::chrono::steady_clock;

  struct call {
    clock::time_point began = clock::now();
    std::string function{};
    std::string_view outcome{};
    std::optional<clock::time_point> step_began{};
  };

  call* find() const { return call_state<call>::find(this); }

  void count(std::string_view name, const call_info& info) const;

  void count_call(const call& ended) const;

  void count_step(const call_info& info, const step_info& step, std::string_view outcome) const;

  void count_events(std::size_t number, std::string_view outcome) const;

  static double seconds_since(clock::time_point then);

  void report(const measurement& measured) const;

  metric_sink sink_;
};

}  // namespace detail

/// Makes middleware that passes measurements of calls, runs, steps and sent events to `sink`. No label has an
/// unbounded set of values, such as run ids.
///
///     .middleware = {inngest::metrics([&](const inngest::measurement& measured) { registry.add(measured);
///     })}
///
/// \throws configuration_error for an empty sink.
std::shared_ptr<middleware> metrics(metric_sink sink);

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/middleware/impl/metrics.ipp>
#endif
