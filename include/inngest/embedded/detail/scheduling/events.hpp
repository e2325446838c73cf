#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/ulid.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/incoming_event.hpp>
#include <inngest/embedded/detail/run_errors.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>
#include <inngest/embedded/detail/scheduling/admission.hpp>
#include <inngest/embedded/detail/scheduling/batches.hpp>
#include <inngest/embedded/detail/scheduling/event_view.hpp>
#include <inngest/embedded/detail/scheduling/lifecycle.hpp>
#include <inngest/embedded/detail/scheduling/scheduler_state.hpp>
#include <inngest/embedded/detail/scheduling/steps.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

/// Accepts events, and dispatches them once they are stored: they end waits, cancel runs and start runs.
class events {
 public:
  events(scheduler_state& state, steps& steps, lifecycle& lifecycle, admission& admission);

  /// See scheduler::accept().
  std::vector<std::string> accept(std::string body, timestamp now, std::string_view seed,
                                  const std::function<bool(const std::string&)>& is_dispatched,
                                  std::size_t chain);

  /// See scheduler::resend().
  std::string resend(const event_record& earlier, timestamp now);

  /// Drops events that could not be stored.
  void withdraw(const changes& changes);

  /// Records that the effects of dispatched events are stored.
  void forget_dispatched(const changes& changes);

  /// Dispatches the events of changes that are now stored.
  void dispatch_new(const changes& changes, timestamp now);

  void dispatch_stored(const event_record& event, timestamp now);

  /// Executes the follow-ups of ended runs. Does not throw: it skips a follow-up that fails, because the
  /// others do not depend on it.
  void run_follow_ups(timestamp now) noexcept;

  bool has_undispatched() const { return !undispatched_.empty(); }
  /// The number of events that are not stored yet, or whose effects are not stored yet.
  std::size_t size() const { return undispatched_.size() + dispatching_.size(); }

 private:
  void follow(const event_record& event, timestamp now) { dispatch(event, now); }

  void follow(const deferred_call& deferred, timestamp now);

  void dispatch(const event_record& event, timestamp now);

  void end_waits(const event_record& event, event_view& view, timestamp now);

  void cancel_runs(const event_record& event, event_view& view, timestamp now);

  static bool is_cancelled_by(const active_run& run, const function_definition& function,
                              const event_record& event, event_view& view, timestamp now);

  scheduler_state& state_;
  steps& steps_;
  lifecycle& lifecycle_;
  admission& admission_;
  std::set<std::string, std::less<>> undispatched_;  // ids of events that are not stored yet
  std::set<std::string, std::less<>> dispatching_;   // ids of events whose dispatch is not stored yet
};

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/events.ipp>
#endif
