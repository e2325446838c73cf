#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/enumeration.hpp>
#include <inngest/error.hpp>
#include <inngest/json.hpp>
#include <inngest/protocol/step_kinds.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

enum class run_status {
  queued,  ///< it has not begun: it waits for its turn, or gathers events
  running,
  completed,
  failed,
  cancelled,
};

/// What happened in a run, one thing at a time.
enum class progress {
  run_queued,
  run_started,
  step_planned,    ///< one of several steps that run in parallel
  step_completed,  ///< a run step gave its result
  step_retried,    ///< a run step failed and will be tried again
  step_failed,     ///< a step failed for good
  sleep_started,
  sleep_ended,
  wait_started,
  event_received,  ///< a wait got its event
  wait_timed_out,
  invoke_started,
  invoke_completed,
  run_retried,  ///< the function itself failed and will be tried again
  run_completed,
  run_failed,
  run_cancelled,
  request_started,  ///< a fetch, or a question to a model
};

}  // namespace inngest::inline INNGEST_ABI::embedded

namespace inngest::inline INNGEST_ABI::detail {

// Files keep the numbers: enumerators are only added, at the end.

template <>
inline constexpr auto enumerators<embedded::run_status> = std::to_array<enumerator<embedded::run_status>>({
    {embedded::run_status::queued, "queued"},
    {embedded::run_status::running, "running"},
    {embedded::run_status::completed, "completed"},
    {embedded::run_status::failed, "failed"},
    {embedded::run_status::cancelled, "cancelled"},
});

template <>
inline constexpr auto enumerators<embedded::progress> = std::to_array<enumerator<embedded::progress>>({
    {embedded::progress::run_queued, "queued"},
    {embedded::progress::run_started, "started"},
    {embedded::progress::step_planned, "planned"},
    {embedded::progress::step_completed, "completed"},
    {embedded::progress::step_retried, "will retry"},
    {embedded::progress::step_failed, "failed"},
    {embedded::progress::sleep_started, "sleeping"},
    {embedded::progress::sleep_ended, "woke up"},
    {embedded::progress::wait_started, "waiting"},
    {embedded::progress::event_received, "received"},
    {embedded::progress::wait_timed_out, "timed out"},
    {embedded::progress::invoke_started, "invoking"},
    {embedded::progress::invoke_completed, "returned"},
    {embedded::progress::run_retried, "will retry"},
    {embedded::progress::run_completed, "completed"},
    {embedded::progress::run_failed, "failed"},
    {embedded::progress::run_cancelled, "cancelled"},
    {embedded::progress::request_started, "requesting"},
});

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI::embedded {

constexpr std::string_view to_string(run_status status) { return detail::name_of(status); }
constexpr std::string_view to_string(progress what) { return detail::name_of(what); }

/// The kind of the step that the entry begins, or one that is shown like it. A timeline does not tell the
/// kinds of bodies apart, nor those of waits and requests.
constexpr step_kind kind_begun_by(progress what) {
  switch (what) {
    case progress::sleep_started:
      return step_kind::sleep;
    case progress::wait_started:
      return step_kind::wait_for_event;
    case progress::invoke_started:
      return step_kind::invoke;
    case progress::request_started:
      return step_kind::fetch;
    case progress::run_queued:
    case progress::run_started:
    case progress::step_planned:
    case progress::step_completed:
    case progress::step_retried:
    case progress::step_failed:
    case progress::sleep_ended:
    case progress::event_received:
    case progress::wait_timed_out:
    case progress::invoke_completed:
    case progress::run_retried:
    case progress::run_completed:
    case progress::run_failed:
    case progress::run_cancelled:
      break;
  }
  return step_kind::run;
}

/// An entry of a run's timeline.
struct timeline_entry {
  timestamp at{};
  progress what{};
  /// The step's display name; empty when it is about the run as a whole.
  std::string step{};
  /// Which attempt it was; 0 is the first.
  int attempt = 0;
  /// How long the step, sleep, wait or run took; zero for what only begins.
  std::chrono::microseconds duration{};
  /// The result as JSON, the error's message, the awaited event's name, the time to sleep.
  std::string detail{};
};

struct run_error {
  std::string name{};
  std::string message{};
  /// All of the error as the app reported it, as JSON: with its stack and causes. Empty for the engine's own.
  std::string text{};
};

/// A run whose output was asked for has failed, or was cancelled. `what()` names the run and its error.
class run_failed : public inngest::error {
 public:
  run_failed(const std::string& what, run_error error);
  /// What the run failed with; empty when it was cancelled.
  const run_error& error() const noexcept { return error_; }

 private:
  run_error error_;
};

/// A run as the engine knows it: a snapshot.
struct run {
  std::string id{};
  /// The function's id within the app.
  std::string function_id{};
  /// The function's id with its app's: what tells it from all others.
  std::string function_slug{};
  /// The event that started it, of a batch the first.
  std::string event_id{};
  std::string event_name{};
  run_status status = run_status::queued;
  timestamp queued_at{};
  /// When the function was first called.
  std::optional<timestamp> started_at{};
  std::optional<timestamp> ended_at{};
  /// The function's result as JSON text; empty until it completed.
  std::string output_text{};
  /// Why it failed.
  std::optional<run_error> error{};
  std::vector<timeline_entry> timeline{};

  bool ended() const { return status != run_status::queued && status != run_status::running; }

  /// The function's result, as its middleware leaves it.
  /// \throws run_failed when the run failed or was cancelled; payload_error when the result is of another
  /// type, or there is none yet.
  template <json_convertible T>
  T output() const {
    const std::string name = "run " + id + " of function \"" + function_id + "\"";
    if (error) throw run_failed(name + " failed: " + error->name + ": " + error->message, *error);
    if (status == run_status::cancelled) throw run_failed(name + " was cancelled", {});
    if (output_text.empty())
      throw payload_error("output", name + " has none: it is " + std::string(to_string(status)));
    return decode<T>(output_reader ? output_reader(output_text) : output_text, "output");
  }

  /// Undoes what middleware did to the result, such as encrypt it. Set by the engine.
  std::function<std::string(const std::string&)> output_reader{};
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/impl/run.ipp>
#endif
