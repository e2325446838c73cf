#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/incoming_event.hpp>
#include <inngest/embedded/detail/scheduling/admission.hpp>
#include <inngest/embedded/detail/scheduling/engine_events.hpp>
#include <inngest/embedded/detail/scheduling/lifecycle.hpp>
#include <inngest/embedded/detail/scheduling/scheduler_state.hpp>
#include <inngest/embedded/pause.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/time/detail/cron_next.hpp>
#include <inngest/time/duration.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

/// The id of the event with which a schedule starts its function at a planned time. It is always the same, so
/// that a backfill can determine which times have run.
std::string schedule_event_id(const std::string& slug, const std::string& cron, timestamp planned);

/// The times of a schedule from `from` to before `until`, but no more than `most`.
std::vector<timestamp> schedule_times(const detail::cron_schedule& cron, timestamp from, timestamp until,
                                      std::size_t most);

/// The schedules of all functions. A schedule has one job, for its next time.
class schedules {
 public:
  schedules(scheduler_state& state, lifecycle& lifecycle, admission& admission)
      : state_(state), lifecycle_(lifecycle), admission_(admission) {}

  /// Adds jobs for schedules without one. An existing job keeps its time, even if that has passed.
  void follow(timestamp now);

  /// Starts the function of a schedule that is due, and adds the job for its next time.
  void fire(const job& timer, timestamp now);

  /// All schedules, by function.
  std::vector<schedule_info> all(timestamp now) const;

  /// The schedule of a function; null when it does not exist.
  const registered_trigger* find(const std::string& slug, const std::string& cron) const;

  /// The next time at which the schedule will start its function itself; `nullopt` when there is none.
  std::optional<timestamp> next_planned(const std::string& slug, const std::string& cron) const;

  /// Starts the function of a schedule now. The rate limit of the function applies.
  invoked_run run_now(const std::string& slug, const std::string& cron, timestamp now);

  /// Starts the function of a schedule for a time in the past. Returns the run's id; empty when the function
  /// is a singleton that is running. The caller must have checked that the time has not run: see
  /// schedule_event_id.
  std::string backfill(const std::string& slug, const std::string& cron, timestamp planned, timestamp now);

  /// The ids of the schedules' events that are not committed.
  const std::set<std::string>& uncommitted() const { return uncommitted_; }
  void forget_committed(const changes& changes);

  /// Restores a job from the store, or removes it when no function has its schedule.
  void restore(job timer);

  std::size_t size() const { return jobs_.size(); }

 private:
  void add(const std::string& slug, const registered_trigger& trigger, timestamp now);

  bool is_followed(const job& timer) const { return find(timer.run_id, timer.step_name) != nullptr; }

  /// Adds the event of a time that starts now.
  event_record add_event(const std::string& slug, const registered_trigger& trigger, timestamp planned,
                         timestamp fired, timestamp now);

  scheduler_state& state_;
  lifecycle& lifecycle_;
  admission& admission_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> jobs_;  // by slug and schedule
  std::set<std::string> uncommitted_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/schedules.ipp>
#endif
