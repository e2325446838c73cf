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

/// The schedules of all functions. Every schedule has one job, for its next time.
class schedules {
 public:
  schedules(scheduler_state& state, admission& admission) : state_(state), admission_(admission) {}

  /// Adds the jobs of schedules that have none. One that is there already keeps its time, even if that is
  /// over.
  void follow(timestamp now);

  /// A schedule's time has come: it starts its function, and gets a job for the time after.
  void fire(const job& timer, timestamp now);

  /// Takes a job that the store has already, or removes it when no function has its schedule.
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
