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

// Counts and durations, named as Prometheus wants it, for whatever adds them up.

namespace inngest {

/// A counter grows by `value`; a histogram takes `value` in.
enum class metric_kind { counter, histogram };

struct metric_label {
  std::string_view name;
  std::string_view value;
};

/// One thing that happened. Its texts and labels live only as long as the sink's call.
///
/// - inngest_calls_total, inngest_call_duration_seconds {function, outcome}: requests of the server.
/// Outcomes:
///   completed, failed (for good), retried, continued (steps were reported), error (no handler was reached,
///   or the answer is of no other kind).
/// - inngest_runs_started_total, inngest_runs_completed_total, inngest_runs_failed_total {function}
/// - inngest_steps_total, inngest_step_duration_seconds {function, step_kind, outcome}: steps that ran here.
///   Outcomes: completed, failed (for good), retried.
/// - inngest_events_sent_total {function, outcome}: function is empty for what the client sent outside of
/// one;
///   outcomes: sent, failed, unsent (dropped or kept in the outbox).
struct measurement {
  metric_kind kind = metric_kind::counter;
  std::string_view name;
  /// Seconds for histograms.
  double value = 1;
  std::span<const metric_label> labels{};
};

/// Takes measurements, from many threads at once. What it throws is ignored.
using metric_sink = std::function<void(const measurement&)>;

namespace detail {

/// The middleware behind metrics(). It has no state of its own but that of calls under way.
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
    tell({.name = name, .labels = labels});
  }

  void count_call(const call& ended) const {
    const metric_label labels[] = {{"function", ended.function}, {"outcome", ended.outcome}};
    tell({.name = "inngest_calls_total", .labels = labels});
    tell({.kind = metric_kind::histogram,
          .name = "inngest_call_duration_seconds",
          .value = seconds_since(ended.began),
          .labels = labels});
  }

  void count_step(const call_info& info, const step_info& step, std::string_view outcome) const {
    const metric_label labels[] = {
        {"function", info.function_id}, {"step_kind", to_string(step.kind)}, {"outcome", outcome}};
    tell({.name = "inngest_steps_total", .labels = labels});
    call* current = find();
    if (current == nullptr || !current->step_began) return;  // it failed before it began
    tell({.kind = metric_kind::histogram,
          .name = "inngest_step_duration_seconds",
          .value = seconds_since(*current->step_began),
          .labels = labels});
    current->step_began.reset();
  }

  void count_events(std::size_t number, std::string_view outcome) const {
    const call* current = find();
    const metric_label labels[] = {{"function", current ? std::string_view(current->function) : ""},
                                   {"outcome", outcome}};
    tell({.name = "inngest_events_sent_total", .value = static_cast<double>(number), .labels = labels});
  }

  static double seconds_since(clock::time_point then) {
    return std::chrono::duration<double>(clock::now() - then).count();
  }

  void tell(const measurement& happened) const {
    try {
      sink_(happened);
    } catch (...) {  // a run must not fail because it could not be counted
    }
  }

  metric_sink sink_;
};

}  // namespace detail

/// Gives `sink` a measurement of everything that happens to calls, runs, steps and sent events. There is no
/// label without bounds, such as a run's id.
///
///     .middleware = {inngest::metrics([&](const inngest::measurement& each) { registry.add(each); })}
///
/// \throws configuration_error for an empty sink.
inline std::shared_ptr<middleware> metrics(metric_sink sink) {
  return std::make_shared<detail::metrics_middleware>(std::move(sink));
}

}  // namespace inngest
