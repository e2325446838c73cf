#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/incoming_event.hpp>
#include <inngest/embedded/detail/scheduling/admission.hpp>
#include <inngest/embedded/detail/scheduling/engine_events.hpp>
#include <inngest/embedded/detail/scheduling/scheduler_state.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/time/detail/cron_next.hpp>
#include <inngest/time/duration.hpp>

namespace inngest::embedded::scheduling {

/// The schedules of all functions. Every schedule has one job, for its next time.
class schedules {
 public:
  schedules(scheduler_state& state, admission& admission) : state_(state), admission_(admission) {}

  /// Adds the jobs of schedules that have none. One that is there already keeps its time, even if that is
  /// over.
  void follow(timestamp now) {
    for (const auto& [slug, function] : state_.functions.all()) {
      for (const registered_trigger& trigger : function->triggers) {
        if (trigger.cron && !jobs_.contains({slug, trigger.schedule})) add(slug, trigger, now);
      }
    }
  }

  /// A schedule's time has come: it starts its function, and gets a job for the time after.
  void fire(const job& timer, timestamp now) {
    state_.jobs.note_removed(timer.id);
    jobs_.erase({timer.run_id, timer.step_name});
    const auto function = state_.functions.find(timer.run_id);
    if (!function) return;
    for (const registered_trigger& trigger : function->triggers) {
      if (trigger.schedule != timer.step_name || !trigger.cron) continue;
      const timestamp planned = parse_timestamp(timer.text).value_or(timer.due);
      const event_record event =
          make_event_record(timer_event(trigger, planned, timer.due), state_.ids.next(now), now);
      state_.journal.changes.events.push_back(event);
      admission_.admit_scheduled(function, event, now);
      add(timer.run_id, trigger, (std::max)(planned, now - trigger.jitter));
      return;
    }
  }

  /// Takes a job that the store has already, or removes it when no function has its schedule.
  void restore(job timer) {
    if (!is_followed(timer)) return state_.jobs.note_removed(timer.id);
    jobs_.insert_or_assign({timer.run_id, timer.step_name}, timer.id);
    state_.jobs.restore_schedule(std::move(timer));
  }

  std::size_t size() const { return jobs_.size(); }

 private:
  void add(const std::string& slug, const registered_trigger& trigger, timestamp now) {
    const auto due = detail::cron_next(*trigger.cron, now);
    if (!due) return;
    const std::uint64_t id = state_.jobs.add_schedule({.what = job::kind::schedule,
                                                       .run_id = slug,
                                                       .step_name = trigger.schedule,
                                                       .due = *due + jitter_of(slug, trigger, *due),
                                                       .begun = now,
                                                       .text = to_text(*due)});
    jobs_.insert_or_assign({slug, trigger.schedule}, id);
  }

  bool is_followed(const job& timer) const {
    const auto function = state_.functions.find(timer.run_id);
    return function && std::any_of(function->triggers.begin(), function->triggers.end(),
                                   [&](const registered_trigger& trigger) {
                                     return trigger.cron && trigger.schedule == timer.step_name;
                                   });
  }

  scheduler_state& state_;
  admission& admission_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> jobs_;  // by slug and schedule
};

}  // namespace inngest::embedded::scheduling
