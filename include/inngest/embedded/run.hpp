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
#include <inngest/step_id.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The state of a run. Queued, running, waiting, sleeping and paused runs have not ended.
///
/// A store only knows whether a run was called and how it ended; only the engine knows its current activity.
/// Therefore the engine's functions return all states, but a store returns `queued` for a run that was not
/// called yet, and `running` for every other unfinished run.
enum class run_status {
  queued,     ///< its next call is waiting: for flow control, for more events, or for a free worker
  running,    ///< a function call or a step request is in progress
  completed,  ///< the function returned
  failed,     ///< the function failed permanently
  cancelled,  ///< an event, a timeout, a singleton or a caller cancelled the run
  skipped,    ///< the function was never called, because one of its limits prevented it
  waiting,    ///< waits for an event, a signal, an invoked function or the next attempt: see run::waits_for
  sleeping,   ///< sleeps until run::until
  paused,     ///< its next call is due, but the function is paused: see engine::pause()
};

/// The kinds of entries in a run's timeline.
enum class progress {
  run_queued,        ///< the engine created the run
  run_started,       ///< the engine called the function for the first time
  step_planned,      ///< the function reported a step of a parallel group
  step_completed,    ///< a step returned its result
  step_retried,      ///< a step failed, or the call for it, and will be retried
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
  run_skipped,       ///< one of the function's limits prevented the run
};

}  // namespace inngest::inline INNGEST_ABI::embedded

namespace inngest::inline INNGEST_ABI::detail {

// Files store the numbers: add enumerators only at the end.

template <>
inline constexpr auto enumerators<embedded::run_status> = std::to_array<enumerator<embedded::run_status>>({
    {embedded::run_status::queued, "queued"},
    {embedded::run_status::running, "running"},
    {embedded::run_status::completed, "completed"},
    {embedded::run_status::failed, "failed"},
    {embedded::run_status::cancelled, "cancelled"},
    {embedded::run_status::skipped, "skipped"},
    {embedded::run_status::waiting, "waiting"},
    {embedded::run_status::sleeping, "sleeping"},
    {embedded::run_status::paused, "paused"},
});

template <>
inline constexpr auto enumerators<embedded::progress> = std::to_array<enumerator<embedded::progress>>({
    {embedded::progress::run_queued, "queued"},         {embedded::progress::run_started, "started"},
    {embedded::progress::step_planned, "planned"},      {embedded::progress::step_completed, "completed"},
    {embedded::progress::step_retried, "will retry"},   {embedded::progress::step_failed, "failed"},
    {embedded::progress::sleep_started, "sleeping"},    {embedded::progress::sleep_ended, "woke up"},
    {embedded::progress::wait_started, "waiting"},      {embedded::progress::event_received, "received"},
    {embedded::progress::wait_timed_out, "timed out"},  {embedded::progress::invoke_started, "invoking"},
    {embedded::progress::invoke_completed, "returned"}, {embedded::progress::run_retried, "will retry"},
    {embedded::progress::run_completed, "completed"},   {embedded::progress::run_failed, "failed"},
    {embedded::progress::run_cancelled, "cancelled"},   {embedded::progress::request_started, "requesting"},
    {embedded::progress::run_skipped, "skipped"},
});

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI::embedded {

/// The status's name, such as "completed".
constexpr std::string_view to_string(run_status status) { return detail::name_of(status); }
/// Whether a run with the status has ended.
constexpr bool is_end(run_status status) {
  return status == run_status::completed || status == run_status::failed || status == run_status::cancelled ||
         status == run_status::skipped;
}
/// The entry's kind as text, such as "timed out".
constexpr std::string_view to_string(progress what) { return detail::name_of(what); }

/// The kind of the step that the entry begins. A timeline does not distinguish all kinds: a wait for a signal
/// yields `wait_for_event`, every request `fetch`, and everything else `run`.
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
    case progress::run_skipped:
      break;
  }
  return step_kind::run;
}

/// Whether the entry is the last of a step: a result, a failure or a timeout.
constexpr bool ends_step(progress what) {
  return what == progress::step_completed || what == progress::step_failed || what == progress::sleep_ended ||
         what == progress::event_received || what == progress::wait_timed_out ||
         what == progress::invoke_completed;
}

/// An entry of a run's timeline.
struct timeline_entry {
  timestamp at{};   ///< when, by the engine's clock
  progress what{};  ///< what happened
  /// The step's display name; empty when the entry is about the run as a whole.
  std::string step{};
  /// The number of the attempt; 0 is the first.
  int attempt = 0;
  /// How long the step, sleep, wait or run took; zero for entries about a beginning.
  std::chrono::microseconds duration{};
  /// Depending on `what`: the result as JSON (shortened), the error's message, the awaited event or signal
  /// with the wait's condition, or the end of the sleep.
  std::string detail{};
  /// The step's hashed id, which tells steps of the same name apart; `nullopt` when the entry is about the
  /// run as a whole, and in records of older versions.
  std::optional<step_hash> step_id{};
};

/// The hashed id of the entry's step. Entries of older versions don't have it: their step's name is taken for
/// its id.
inline step_hash step_hash_of(const timeline_entry& entry) {
  return entry.step_id ? *entry.step_id : detail::sha1_at_run_time(entry.step);
}

/// Why a run failed.
struct run_error {
  std::string name{};     ///< the type of the error, such as "Error"
  std::string message{};  ///< the message of the error
  /// The complete error as the app reported it: JSON with stack and causes. Empty for an error of the engine,
  /// such as a timeout.
  std::string text{};
};

/// Thrown by run::output() for a failed, cancelled or skipped run. `what()` names the run and its error.
class run_failed : public inngest::error {
 public:
  /// \param what The message. \param error The run's error; empty for a cancelled or skipped run.
  run_failed(const std::string& what, run_error error);
  /// The run's error; empty when the run was cancelled or skipped.
  const run_error& error() const noexcept { return error_; }

 private:
  run_error error_;
};

/// A step from which to repeat a run: the new run has the results of the steps before it.
struct rerun_step {
  /// The step's name, or its hashed id as shown by the page and in traces.
  std::string step{};
  /// New arguments of the step's body, as a JSON array. Empty: the function's own arguments.
  std::string input{};
  /// The step's result in the new run, as JSON; the step then does not run. For a wait, it is the event, an
  /// object with `name` and `data`; for a wait for a signal, an object with `signal` and `data`; null for the
  /// timeout of either, and for a sleep. Empty: the step runs.
  std::string result{};
  /// Selects the failed step, instead of `step`: the new run has all results of the earlier one except the
  /// failures that ended it, or may have done so: see "Putting runs right" in docs/operating.md. If the
  /// function failed outside of its steps, it is called again with all results; so is that of a cancelled
  /// run, which goes on where it was. Requires a failed or cancelled run; the other members must be empty.
  bool from_failed_step = false;
};

/// A bulk cancellation of a function's runs.
struct bulk_cancellation {
  std::string id{};        ///< a ULID made by the engine
  std::string function{};  ///< the function's slug
  /// Only runs that were queued at this time or later; `nullopt` sets no limit.
  std::optional<timestamp> started_after{};
  /// Only runs that were queued at this time or earlier.
  timestamp started_before{};
  /// A condition on the run's event, such as "event.data.user == 'x'"; empty cancels every run.
  std::string condition{};
  timestamp created_at{};  ///< when it was created
};

/// The result of a request to run a function.
struct invoked_run {
  /// The outcomes.
  enum class outcome {
    started,       ///< the function runs
    repeated,      ///< a request with the same key already started it within 24 hours
    rate_limited,  ///< its rate limit or idempotency key rejected the request
    skipped,       ///< it is a singleton that is already running
    no_function,   ///< the engine has no such function
  };
  outcome what = outcome::no_function;  ///< what happened
  std::string run_id{};                 ///< the run; empty unless one was started
};

/// A name and a value by which runs can be found, such as "customer" and "c-17": see basic_context::tag().
struct run_tag {
  std::string name{};   ///< 1 to 64 bytes, without a colon
  std::string value{};  ///< at most 256 bytes

  /// Tags are equal when their names and values are.
  bool operator==(const run_tag&) const = default;
};

/// A snapshot of a run. It does not change when the run continues.
struct run {
  /// A ULID: ids grow with time.
  std::string id{};
  /// The function's id within the app.
  std::string function_id{};
  /// The app's id, a hyphen and the function's id. Unique in the engine.
  std::string function_slug{};
  /// The engine's id of the event that started the run; for a batch, the first one.
  std::string event_id{};
  /// The name of that event.
  std::string event_name{};
  /// The id of the run that this one repeats; the first one of several repetitions. Empty for other runs.
  std::string original_run_id{};
  /// The state of the run.
  run_status status = run_status::queued;
  /// When the engine created the run.
  timestamp queued_at{};
  /// When the engine first called the function; `nullopt` before.
  std::optional<timestamp> started_at{};
  /// When the run ended; `nullopt` before.
  std::optional<timestamp> ended_at{};
  /// The function's result as JSON text; empty unless the run completed. Middleware may have changed it: use
  /// output().
  std::string output_text{};
  /// Why the run failed; `nullopt` unless it did.
  std::optional<run_error> error{};
  /// The run's tags, sorted by name. Names are unique.
  std::vector<run_tag> tags{};
  /// The values of the keys of the function's concurrency limits, sorted. Texts have no quotes, integers no
  /// decimal point; all other values are JSON. Empty until the run has all its events.
  std::vector<std::string> concurrency_keys{};
  /// The value of the function's idempotency key, or the key with which the run was invoked; empty if none.
  std::string idempotency_key{};
  /// The run's history, oldest entries first. Empty if a function is documented to return runs without
  /// timelines.
  std::vector<timeline_entry> timeline{};

  /// What a waiting run waits for: "event shop/order.packed", "signal approved", "function charge" (the name
  /// of the invoke step), "attempt 2 of step pay", or "timeout of step approval" when another run has taken
  /// over the signal. Otherwise empty.
  std::string waits_for{};
  /// When a sleeping run wakes up, a waiting run times out, or a queued run is due, if that is later than
  /// now; otherwise `nullopt`. For a run behind a throttle, about when it begins; `nullopt` if more than
  /// 1,000 runs are ahead of it.
  std::optional<timestamp> until{};

  /// Whether the run completed, failed, was cancelled or skipped.
  bool ended() const { return is_end(status); }

  /// The function's result, decoded by its middleware.
  /// \throws run_failed when the run failed, was cancelled or was skipped; payload_error when the result has
  /// a different type, or the run has not ended.
  template <json_convertible T>
  T output() const {
    const std::string name = "run " + id + " of function \"" + function_id + "\"";
    if (error) throw run_failed(name + " failed: " + error->name + ": " + error->message, *error);
    if (status == run_status::cancelled) throw run_failed(name + " was cancelled", {});
    if (status == run_status::skipped)
      throw run_failed(name + " was skipped: a limit of the function prevented it", {});
    if (output_text.empty())
      throw payload_error("output", name + " has none: it is " + std::string(to_string(status)));
    return decode<T>(output_reader ? output_reader(output_text) : output_text, "output");
  }

  /// Decodes the result with the function's middleware, for example decrypts it. Set by the engine.
  std::function<std::string(const std::string&)> output_reader{};
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/impl/run.ipp>
#endif
