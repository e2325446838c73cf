#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
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
#include <inngest/embedded/detail/scheduling/scheduler_state.hpp>
#include <inngest/embedded/detail/scheduling/steps.hpp>
#include <inngest/embedded/detail/scheduling/subscriptions.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

using shared_function = subscriptions::shared_function;

/// The events that a run begins with.
struct run_input {
  std::string name{};
  std::vector<run_event> events{};
  std::size_t chain = 0;

  static run_input of(const event_record& event);
};

/// What the end of a run leads to: an event to dispatch, or a function that the run deferred. It is done when
/// the change that the run ended in is complete: it may end other runs in turn, and nobody may hold a pointer
/// to a run then.
using follow_up = std::variant<event_record, deferred_call>;

/// Begins and ends runs.
class lifecycle {
 public:
  lifecycle(scheduler_state& state, steps& steps, limits& limits);

  // ---- beginning ----------------------------------------------------------------------------------------

  /// Begins a run now, and gives its id; empty when it is a singleton that runs already.
  std::string begin(const shared_function& function, run_input input,
                    const std::optional<parent_step>& parent, timestamp now);

  /// False when there is a run of the singleton. Cancels that run if the new one takes its place.
  bool make_room(const function_definition& function, const std::string& event, timestamp now);

  /// Adds a run that makes no call yet.
  active_run& add(const shared_function& function, run_input input, const std::optional<parent_step>& parent,
                  timestamp now);

  void note_queued(active_run& run, std::string event_name, timestamp now);

  /// The run has its events: its function is called when its limits allow.
  void queue_first_call(active_run& run, timestamp now);

  /// The run's first call is under way.
  void mark_started(active_run& run, timestamp now);

  // ---- ending -------------------------------------------------------------------------------------------

  void complete(active_run& run, int attempt, std::string output, timestamp now);

  void fail(active_run& run, int attempt, const run_error& error, timestamp now);

  void cancel(active_run& run, timestamp now);

  /// Nothing when there is none.
  std::optional<follow_up> take_follow_up();

 private:
  /// Ends the run and all that it still had to do. An invoke step that waits for it gets its result.
  void end(active_run& run, run_status status, timeline_entry last, const step_end& for_parent,
           timestamp now);

  /// Publishes the lifecycle events of the end of a run: on_failure, on_success and on_cancel listen to them,
  /// as may any function. The end of a run that such an event started publishes none, or it would never end.
  void publish_end(const active_run& ended, timestamp now);

  /// An event without listeners is not kept.
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
