#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/incoming_event.hpp>
#include <inngest/embedded/detail/run_errors.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>
#include <inngest/embedded/detail/scheduling/engine_events.hpp>
#include <inngest/embedded/detail/scheduling/event_view.hpp>
#include <inngest/embedded/detail/scheduling/limits.hpp>
#include <inngest/embedded/detail/scheduling/rerun_plan.hpp>
#include <inngest/embedded/detail/scheduling/scheduler_state.hpp>
#include <inngest/embedded/detail/scheduling/steps.hpp>
#include <inngest/embedded/detail/scheduling/subscriptions.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

using shared_function = subscriptions::shared_function;

/// The events that a run starts with.
struct run_input {
  std::string name{};
  std::vector<run_event> events{};
  std::size_t chain = 0;
  /// The run's id if it is predetermined; otherwise the engine makes one.
  std::string run_id{};
  std::string original_run_id{};  // see run::original_run_id
  std::string idempotency_key{};  // of the request that started the run; empty without
  std::vector<run_tag> tags{};    // of the earlier run whose results the run keeps
  rerun_plan repeats{};

  static run_input of(const event_record& event);
};

/// Work that follows the end of a run: an event to dispatch, or a function that the run deferred. It is
/// executed after the change that ended the run is complete, because it may end other runs, and no code may
/// hold a pointer to a run at that time.
using follow_up = std::variant<event_record, deferred_call>;

/// Starts and ends runs.
class lifecycle {
 public:
  lifecycle(scheduler_state& state, steps& steps, limits& limits);

  // ---- beginning ----------------------------------------------------------------------------------------

  /// Starts a run now and returns its id; empty when the function is a singleton that is running.
  std::string begin(const shared_function& function, run_input input,
                    const std::optional<parent_step>& parent, timestamp now);

  /// Starts a run whose first call its app has begun itself, and returns the job of that call.
  job begin_at_app(const shared_function& function, run_input input, timestamp now);

  /// Returns false when the function is a singleton that is already running. Cancels that run if the new one
  /// replaces it.
  bool make_room(const function_definition& function, const std::string& event, timestamp now);

  /// Adds a run without a call.
  active_run& add(const shared_function& function, run_input input, const std::optional<parent_step>& parent,
                  timestamp now);

  void note_queued(active_run& run, std::string event_name, timestamp now);

  /// Calls the function of a run that has all its events, when its limits and its throttle allow it.
  /// If the run repeats another one from a step, calls that step.
  void queue_first_call(active_run& run, timestamp now, const rerun_plan& repeats = {});

  /// Records that the run's first call is in progress.
  void mark_started(active_run& run, timestamp now);

  /// Gives the run the timeouts that its function has now: they may have changed since the run was queued.
  void follow_timeouts(active_run& run);

  // ---- ending -------------------------------------------------------------------------------------------

  void complete(active_run& run, int attempt, std::string output, timestamp now);

  void fail(active_run& run, int attempt, const run_error& error, timestamp now);

  void cancel(active_run& run, timestamp now);

  /// Ends a run that a limit refuses before its first call. As on a server, nobody is told.
  void skip(active_run& run, timestamp now);

  /// Does nothing when there is no such run.
  std::optional<follow_up> take_follow_up();

 private:
  void add_timeout(active_run& run, job::kind what, std::chrono::milliseconds timeout, timestamp begun);
  void follow_timeout(active_run& run, job::kind what, std::optional<std::chrono::milliseconds> timeout,
                      timestamp begun);

  /// Ends the run and removes its jobs and waits. An invoke step that waits for the run gets its result.
  void end(active_run& run, run_status status, timeline_entry last, const step_end& for_parent,
           timestamp now);

  /// Publishes the lifecycle events for the end of a run, which trigger on_failure, on_success, on_cancel and
  /// other functions. The end of a run that was started by such an event publishes none, because that would
  /// never end.
  void publish_end(const active_run& ended, timestamp now);

  /// Does not store an event without listeners.
  void publish(const active_run& ended, const char* name, timestamp now);

  scheduler_state& state_;
  steps& steps_;
  limits& limits_;
  std::deque<follow_up> follow_ups_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/lifecycle.ipp>
#endif
