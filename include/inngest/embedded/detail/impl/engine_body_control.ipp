#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/engine_body.hpp>
#include <inngest/time/detail/saturated.hpp>

// Operating an engine: pauses, drains, schedules, the audit trail, the store.

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE void engine_body::note_action(std::string action, std::string target, std::string details) {
  audit_scope* scope = audit_scope::current();
  core_.add_audit({.actor = audit_scope::current_actor(),
                   .action = std::move(action),
                   .target = std::move(target),
                   .details = std::move(details)},
                  options_.audit_events, clock_.now());
  if (scope) scope->note_entry();
}

INNGEST_INLINE void engine_body::audit(audit_entry entry) {
  std::unique_lock lock(mutex_);
  if (entry.actor.empty()) entry.actor = audit_scope::current_actor();
  core_.add_audit(std::move(entry), options_.audit_events, clock_.now());
  if (audit_scope* scope = audit_scope::current()) scope->note_entry();
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
}

INNGEST_INLINE bool engine_body::pause(const pause_target& target) {
  std::unique_lock lock(mutex_);
  if (!core_.pause(target, audit_scope::current_actor(), clock_.now())) return false;
  note_action("pause", target.text());
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
  return true;
}

INNGEST_INLINE bool engine_body::resume(const pause_target& target) {
  std::unique_lock lock(mutex_);
  if (!core_.resume(target, clock_.now())) return false;
  note_action("resume", target.text());
  wake_.notify_all();
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
  return true;
}

INNGEST_INLINE std::vector<pause_record> engine_body::paused() const {
  const std::lock_guard lock(mutex_);
  return core_.state().parts().pauses.all();
}

INNGEST_INLINE bool engine_body::drain(duration_ms grace) {
  std::unique_lock lock(mutex_);
  if (!core_.state().parts().pauses.is_draining()) {
    core_.drain();
    note_action("drain", "engine");
  }
  commits_.commit_changes(lock);
  settled_.wait_for(lock, detail::within_a_year(grace), [&] {
    return core_.calls_under_way() == 0 || !core_.state().parts().pauses.is_draining();
  });
  commits_.is_committed(lock, commits_.changed());
  const bool all_ended = core_.calls_under_way() == 0;
  lock.unlock();
  deliver();
  return all_ended;
}

INNGEST_INLINE bool engine_body::is_draining() const {
  const std::lock_guard lock(mutex_);
  return core_.state().parts().pauses.is_draining();
}

INNGEST_INLINE void engine_body::end_drain() {
  std::unique_lock lock(mutex_);
  if (!core_.state().parts().pauses.is_draining()) return;
  core_.end_drain();
  note_action("end drain", "engine");
  wake_.notify_all();
  settled_.notify_all();
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
}

INNGEST_INLINE std::vector<schedule_info> engine_body::schedules() {
  const timestamp now = clock_.now();
  const std::lock_guard lock(mutex_);
  return core_.state().schedules().all(now);
}

INNGEST_INLINE invoked_run engine_body::run_schedule(const std::string& slug, const std::string& cron) {
  std::unique_lock lock(mutex_);
  invoked_run out = core_.run_schedule(slug, cron, clock_.now());
  if (out.what == invoked_run::outcome::started)
    note_action("run schedule", pause_target::schedule(slug, cron).text(),
                detail::json_object_text().add("run", out.run_id).text());
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
  return out;
}

/// \throws configuration_error
INNGEST_INLINE void check_backfill(timestamp from, timestamp until, timestamp now) {
  if (from < timestamp()) throw configuration_error("backfill: `from` is before 1970");
  if (until > now) throw configuration_error("backfill: `until` is in the future: " + to_text(until));
  if (from > until) throw configuration_error("backfill: `from` is after `until`");
}

INNGEST_INLINE backfill_result engine_body::backfill(const std::string& slug, const std::string& cron,
                                                     timestamp from, timestamp until) {
  const std::lock_guard one_at_a_time(backfilling_);
  backfill_result out;
  const std::vector<timestamp> missing = missing_times(slug, cron, from, until, out);
  std::unique_lock lock(mutex_);
  if (!core_.state().schedules().find(slug, cron))  // removed by an app's registration in the meantime
    throw configuration_error("function \"" + slug + "\" has no schedule \"" + cron + "\"");
  for (const timestamp planned : missing) {
    std::string run_id = core_.backfill(slug, cron, planned, clock_.now());
    if (run_id.empty())
      ++out.skipped;
    else
      out.run_ids.push_back(std::move(run_id));
  }
  note_action("backfill schedule", pause_target::schedule(slug, cron).text(),
              detail::json_object_text()
                  .add("from", to_text(from))
                  .add("until", to_text(until))
                  .add("runs", static_cast<std::int64_t>(out.run_ids.size()))
                  .text());
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
  return out;
}

INNGEST_INLINE std::vector<timestamp> engine_body::missing_times(const std::string& slug,
                                                                 const std::string& cron, timestamp from,
                                                                 timestamp until, backfill_result& out) {
  std::optional<detail::cron_schedule> times;
  std::set<std::string> uncommitted;
  check_backfill(from, until, clock_.now());
  {
    const std::lock_guard lock(mutex_);
    const scheduling::schedules& all = core_.state().schedules();
    if (!core_.state().functions().find(slug))
      throw configuration_error("the engine has no function \"" + slug + "\"");
    if (const registered_trigger* trigger = all.find(slug, cron)) times = trigger->cron;
    uncommitted = all.uncommitted();
    // later times are not missing: the schedule starts them itself
    if (const auto next = all.next_planned(slug, cron)) until = (std::min)(until, *next);
  }
  if (!times) throw configuration_error("function \"" + slug + "\" has no schedule \"" + cron + "\"");
  constexpr std::size_t max_counted = 100'000;
  std::vector<timestamp> found = scheduling::schedule_times(*times, from, until, max_counted);
  if (found.size() > max_backfilled_times)
    throw configuration_error(
        std::string("the span has ") + (found.size() == max_counted ? "more than " : "") +
        std::to_string(found.size()) + " times of the schedule, and a backfill at most " +
        std::to_string(max_backfilled_times) + ": choose a shorter one");
  out.times = found.size();
  std::erase_if(found, [&](timestamp planned) {
    const std::string id = scheduling::schedule_event_id(slug, cron, planned);
    return uncommitted.contains(id) || options_.store->find_event(id).has_value();
  });
  out.repeated = out.times - found.size();
  return found;
}

INNGEST_INLINE bool engine_body::remove_unreadable(const std::string& table, const std::string& key) {
  const auto is_it = [&](const unreadable_record& record) {
    return record.table == table && record.key == key;
  };
  const auto known = unreadable();
  if (std::none_of(known.begin(), known.end(), is_it)) return false;
  const bool removed = options_.store->remove_unreadable(table, key);
  std::unique_lock lock(mutex_);
  core_.forget_unreadable(table, key);
  if (!removed) return false;  // it went with its run
  note_action("remove unreadable record", table + " where " + key);
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
  return true;
}

INNGEST_INLINE void engine_body::backup_to(const std::filesystem::path& file) {
  options_.store->backup_to(file);
  std::unique_lock lock(mutex_);
  note_action("back up store", detail::to_utf8(file));
  commits_.commit_changes(lock);
  lock.unlock();
  deliver();
}

}  // namespace inngest::inline INNGEST_ABI::embedded
