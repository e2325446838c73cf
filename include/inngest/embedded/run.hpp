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

/// The state of a run. Queued and running runs have not ended.
enum class run_status {
  queued,     ///< the function was not called yet: the run waits for flow control, or collects events
  running,    ///< the function was called
  completed,  ///< the function returned
  failed,     ///< the function failed permanently
  cancelled,  ///< an event, a timeout, a singleton or a caller cancelled the run
};

/// The kinds of entries in a run's timeline.
enum class progress {
  run_queued,        ///< the engine made the run
  run_started,       ///< the engine called the function for the first time
  step_planned,      ///< the function reported a step of a parallel group
  step_completed,    ///< a step returned its result
  step_retried,      ///< a step failed and will be retried
  step_failed,       ///< a step failed permanently
  sleep_started,     ///< a sleep began
  sleep_ended,       ///< a sleep ended
  wait_started,      ///< a wait for an event or a signal began
  event_received,    ///< the awaited event or signal ended a wait
  wait_timed_out,    ///< a wait ended at its timeout
  invoke_started,    ///< an invoke step started a run
  invoke_completed,  ///< the run of an invoke step completed
  run_retried,       ///< the function failed outside of its steps and will be retried
  run_completed,     ///< the run completed
  run_failed,        ///< the run failed permanently
  run_cancelled,     ///< the run was cancelled
  request_started,   ///< a step.fetch or step.ai.infer request began
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

/// The status in words, such as "completed".
constexpr std::string_view to_string(run_status status) { return detail::name_of(status); }
/// The kind of an entry in words, such as "timed out".
constexpr std::string_view to_string(progress what) { return detail::name_of(what); }

/// The kind of the step that the entry begins. A timeline does not distinguish all kinds: a wait for a signal
/// gives `wait_for_event`, every request `fetch`, and everything else `run`.
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
  timestamp at{};   ///< when it happened, by the engine's clock
  progress what{};  ///< what happened
  /// The step's display name; empty when the entry is about the run as a whole.
  std::string step{};
  /// The number of the attempt; 0 is the first.
  int attempt = 0;
  /// How long the step, sleep, wait or run took; zero for entries about a beginning.
  std::chrono::microseconds duration{};
  /// The result as JSON (shortened), the error's message, the awaited event's name, or the time to sleep.
  std::string detail{};
};

/// Why a run failed.
struct run_error {
  std::string name{};     ///< the type of the error, such as "Error"
  std::string message{};  ///< the message of the error
  /// The whole error as the app reported it, as JSON with its stack and causes. Empty for an error of the
  /// engine, such as a timeout.
  std::string text{};
};

/// run::output() throws it for a run that failed or was cancelled. `what()` names the run and its error.
class run_failed : public inngest::error {
 public:
  /// \param what The message. \param error The run's error; empty for a cancelled run.
  run_failed(const std::string& what, run_error error);
  /// The run's error; empty when the run was cancelled.
  const run_error& error() const noexcept { return error_; }

 private:
  run_error error_;
};

/// A snapshot of a run: it does not change when the run continues.
struct run {
  /// A ULID: ids grow with time.
  std::string id{};
  /// The function's id within the app.
  std::string function_id{};
  /// The function's id prefixed with its app's: "app-function". It is unique in the engine.
  std::string function_slug{};
  /// The engine's id of the event that started the run; the first one of a batch.
  std::string event_id{};
  /// The name of that event.
  std::string event_name{};
  /// The state of the run.
  run_status status = run_status::queued;
  /// When the engine made the run.
  timestamp queued_at{};
  /// When the engine first called the function; `nullopt` before.
  std::optional<timestamp> started_at{};
  /// When the run ended; `nullopt` before.
  std::optional<timestamp> ended_at{};
  /// The function's result as JSON text; empty unless the run completed. Middleware may have changed it: see
  /// output().
  std::string output_text{};
  /// Why the run failed; `nullopt` unless it did.
  std::optional<run_error> error{};
  /// What happened in the run, oldest first. Empty where a function says that it returns runs without their
  /// timelines.
  std::vector<timeline_entry> timeline{};

  /// Whether the run completed, failed or was cancelled.
  bool ended() const { return status != run_status::queued && status != run_status::running; }

  /// The function's result, after its middleware has transformed it.
  /// \throws run_failed when the run failed or was cancelled; payload_error when the result has another
  /// type, or the run has not ended.
  template <json_convertible T>
  T output() const {
    const std::string name = "run " + id + " of function \"" + function_id + "\"";
    if (error) throw run_failed(name + " failed: " + error->name + ": " + error->message, *error);
    if (status == run_status::cancelled) throw run_failed(name + " was cancelled", {});
    if (output_text.empty())
      throw payload_error("output", name + " has none: it is " + std::string(to_string(status)));
    return decode<T>(output_reader ? output_reader(output_text) : output_text, "output");
  }

  /// Reverts what middleware did to the result, such as encryption. The engine sets it.
  std::function<std::string(const std::string&)> output_reader{};
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/impl/run.ipp>
#endif
