#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/incoming_event.hpp>
#include <inngest/embedded/detail/scheduling/admission.hpp>
#include <inngest/embedded/detail/scheduling/engine_events.hpp>
#include <inngest/embedded/detail/scheduling/scheduler_state.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/time/detail/cron_next.hpp>
#include <inngest/time/duration.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

/// The schedules of all functions. A schedule has one job, for its next time.
class schedules {
 public:
  schedules(scheduler_state& state, admission& admission) : state_(state), admission_(admission) {}

  /// Adds jobs for schedules without one. An existing job keeps its time, also when that has passed.
  void follow(timestamp now);

  /// Starts the function of a schedule that is due, and adds the job for its next time.
  void fire(const job& timer, timestamp now);

  /// Restores a job from the store, or removes it when no function has its schedule.
  void restore(job timer);

  std::size_t size() const { return jobs_.size(); }

 private:
  void add(const std::string& slug, const registered_trigger& trigger, timestamp now);

  bool is_followed(const job& timer) const;

  scheduler_state& state_;
  admission& admission_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> jobs_;  // by slug and schedule
};

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/schedules.ipp>
#endif
