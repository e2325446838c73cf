#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/schedules.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

INNGEST_INLINE void schedules::follow(timestamp now) {
  for (const auto& [slug, function] : state_.functions.all()) {
    for (const registered_trigger& trigger : function->triggers) {
      if (trigger.cron && !jobs_.contains({slug, trigger.schedule})) add(slug, trigger, now);
    }
  }
}

INNGEST_INLINE void schedules::fire(const job& timer, timestamp now) {
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

INNGEST_INLINE void schedules::restore(job timer) {
  if (!is_followed(timer)) return state_.jobs.note_removed(timer.id);
  jobs_.insert_or_assign({timer.run_id, timer.step_name}, timer.id);
  state_.jobs.restore_schedule(std::move(timer));
}

INNGEST_INLINE void schedules::add(const std::string& slug, const registered_trigger& trigger,
                                   timestamp now) {
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

INNGEST_INLINE bool schedules::is_followed(const job& timer) const {
  const auto function = state_.functions.find(timer.run_id);
  return function && std::any_of(function->triggers.begin(), function->triggers.end(),
                                 [&](const registered_trigger& trigger) {
                                   return trigger.cron && trigger.schedule == timer.step_name;
                                 });
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
