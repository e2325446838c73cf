#pragma once

#include <string>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>
#include <inngest/embedded/detail/scheduling/scheduler_state.hpp>
#include <inngest/embedded/pause.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

/// Pauses and resumes functions, apps and schedules.
///
/// No call of a paused function begins: due calls wait at the queue's gate. Everything else continues: events
/// create runs, running calls end, and sleeps and waits elapse. The timeouts of runs do not count paused
/// time.
class pause_control {
 public:
  explicit pause_control(scheduler_state& state) : state_(state) {}

  /// Returns false when the target is already paused.
  /// \throws configuration_error when the function, app or schedule does not exist.
  bool pause(const pause_target& target, std::string by, timestamp now);

  /// Returns false when the target is not paused. The function's runs begin calls again unless something else
  /// also pauses it.
  bool resume(const pause_target& target, timestamp now);

  /// Begins no call of any function until end_drain().
  void drain() { state_.pauses.set_draining(true); }
  void end_drain();

 private:
  void check_exists(const pause_target& target) const;

  static bool is_of(const pause_target& target, const active_run& run);

  /// Adds the time of an ending pause to the run's timeouts. Time that another pause still covers is added
  /// when that one ends.
  void extend_timeouts(active_run& run, timestamp since, timestamp now);

  scheduler_state& state_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/pause_control.ipp>
#endif
