#pragma once

#include <algorithm>
#include <array>
#include <chrono>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/ulid.hpp>
#include <inngest/embedded/detail/scheduling/event_view.hpp>
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
  const registered_trigger* trigger = find(timer.run_id, timer.step_name);
  if (!trigger) return;
  const timestamp planned = parse_timestamp(timer.text).value_or(timer.due);
  if (!state_.pauses.is_schedule_paused(timer.run_id, timer.step_name)) {
    const event_record event = add_event(timer.run_id, *trigger, planned, timer.due, now);
    admission_.admit_scheduled(state_.functions.find(timer.run_id), event, now);
  }
  add(timer.run_id, *trigger, (std::max)(planned, now - trigger->jitter));
}

INNGEST_INLINE event_record schedules::add_event(const std::string& slug, const registered_trigger& trigger,
                                                 timestamp planned, timestamp fired, timestamp now) {
  std::string id = schedule_event_id(slug, trigger.schedule, planned);
  event_record event = make_event_record(timer_event(trigger, planned, fired), std::move(id), now);
  state_.journal.changes.events.push_back(event);
  uncommitted_.insert(event.id);
  return event;
}

INNGEST_INLINE void schedules::forget_committed(const changes& changes) {
  if (uncommitted_.empty()) return;
  for (const event_record& event : changes.events) uncommitted_.erase(event.id);
}

INNGEST_INLINE std::vector<schedule_info> schedules::all(timestamp now) const {
  constexpr std::size_t shown_times = 5;
  std::vector<schedule_info> out;
  for (const auto& [slug, function] : state_.functions.all()) {
    for (const registered_trigger& trigger : function->triggers) {
      if (!trigger.cron) continue;
      const timestamp from = next_planned(slug, trigger.schedule).value_or(now);
      const timestamp never(std::chrono::sys_days(std::chrono::year(9999) / 1 / 1));
      out.push_back({.function = slug,
                     .cron = trigger.schedule,
                     .time_zone = trigger.cron->zone,
                     .next = schedule_times(*trigger.cron, from, never, shown_times),
                     .is_paused = state_.pauses.is_schedule_paused(slug, trigger.schedule)});
    }
  }
  return out;
}

INNGEST_INLINE const registered_trigger* schedules::find(const std::string& slug,
                                                         const std::string& cron) const {
  const auto function = state_.functions.find(slug);
  if (!function) return nullptr;
  for (const registered_trigger& trigger : function->triggers) {
    if (trigger.cron && trigger.schedule == cron) return &trigger;  // functions live longer than this call
  }
  return nullptr;
}

INNGEST_INLINE std::optional<timestamp> schedules::next_planned(const std::string& slug,
                                                                const std::string& cron) const {
  const auto found = jobs_.find({slug, cron});
  const job* timer = found == jobs_.end() ? nullptr : state_.jobs.queue().find(found->second);
  if (!timer) return std::nullopt;
  return parse_timestamp(timer->text).value_or(timer->due);
}

INNGEST_INLINE invoked_run schedules::run_now(const std::string& slug, const std::string& cron,
                                              timestamp now) {
  using outcome = invoked_run::outcome;
  const registered_trigger* trigger = find(slug, cron);
  if (!trigger) return {};
  const auto function = state_.functions.find(slug);
  incoming_event now_due = timer_event(*trigger, now, now);
  now_due.id.reset();  // the time does not identify it: a user may request it twice
  const event_record event = make_event_record(now_due, state_.ids.next(now), now);
  event_view view(event.text);
  if (state_.flow.is_limited(*function, event.id, view, now)) return {outcome::rate_limited};
  std::string run_id = lifecycle_.begin(function, run_input::of(event), {}, now);
  if (run_id.empty()) return {outcome::skipped};
  state_.journal.changes.events.push_back(event);
  return {outcome::started, std::move(run_id)};
}

INNGEST_INLINE std::string schedules::backfill(const std::string& slug, const std::string& cron,
                                               timestamp planned, timestamp now) {
  const registered_trigger* trigger = find(slug, cron);
  const auto function = state_.functions.find(slug);
  const event_record event =
      make_event_record(timer_event(*trigger, planned, now), schedule_event_id(slug, cron, planned), now);
  std::string run_id = lifecycle_.begin(function, run_input::of(event), {}, now);
  if (run_id.empty()) return run_id;
  state_.journal.changes.events.push_back(event);
  uncommitted_.insert(event.id);
  return run_id;
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

INNGEST_INLINE std::string schedule_event_id(const std::string& slug, const std::string& cron,
                                             timestamp planned) {
  const auto digest = detail::sha1_at_run_time(slug + "\n" + cron + "\n" + to_text(planned));
  std::array<std::uint8_t, 16> chance{};
  std::copy_n(digest.begin(), chance.size(), chance.begin());
  return detail::make_ulid(planned, chance);
}

INNGEST_INLINE std::vector<timestamp> schedule_times(const detail::cron_schedule& cron, timestamp from,
                                                     timestamp until, std::size_t most) {
  std::vector<timestamp> out;
  timestamp last = from - std::chrono::milliseconds(1);
  while (out.size() < most) {
    const auto next = detail::cron_next(cron, last);
    if (!next || *next >= until) break;
    out.push_back(last = *next);
  }
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
