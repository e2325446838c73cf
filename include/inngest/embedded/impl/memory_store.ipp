#pragma once

#include <algorithm>
#include <chrono>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/run_notes.hpp>
#include <inngest/embedded/memory_store.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE void memory_store::commit(std::span<const changes> all) {
  const std::lock_guard lock(mutex_);
  for (const changes& part : all) apply(part);
}

INNGEST_INLINE unfinished_work memory_store::load() {
  const std::lock_guard lock(mutex_);
  unfinished_work out;
  for (const std::string& id : undispatched_) {
    event_record& event = out.events.emplace_back(events_.find(id)->second);
    if (event.given_id.empty()) event.given_id = given_id_of(event);
  }
  for (const auto& [id, stored] : runs_) {
    if (stored.record.run.ended()) continue;
    out.runs.push_back(stored.record);
    out.runs.back().run.timeline.clear();
    out.runs.back().timeline_size = stored.positions.empty() ? 0 : stored.positions.back();
    out.memos.insert(out.memos.end(), stored.memos.begin(), stored.memos.end());
    add_metadata(out.metadata, stored);
  }
  for (const auto& [id, job] : jobs_) {
    out.jobs.push_back(job);
    out.last_job = id;
    if (job.what != job::kind::schedule && !runs_.contains(job.run_id))
      out.unreadable.push_back(without_run(job));
  }
  for (const auto& [key, wait] : waits_) {
    out.waits.push_back(wait);
    if (!runs_.contains(wait.run_id)) out.unreadable.push_back(without_run(wait));
  }
  for (const auto& [key, value] : values_) out.values.push_back(value);
  for (const auto& [id, app] : apps_) out.apps.push_back(app);
  for (const auto& [id, operation] : bulk_operations_) {
    if (operation.state == bulk_state::running) out.bulk_operations.push_back(operation);
  }
  return out;
}

INNGEST_INLINE void memory_store::forget_before(timestamp time) {
  forget({.history = std::chrono::milliseconds(0), .rules = {}}, time);
}

INNGEST_INLINE void memory_store::forget(const retention& kept, timestamp now) {
  make_room({.kept = kept}, now);
}

INNGEST_INLINE std::size_t memory_store::make_room(const room_to_make& wanted, timestamp now) {
  const retention& kept = wanted.kept;
  const std::lock_guard lock(mutex_);
  const timestamp time = time_before(now, kept.history);
  const auto is_too_old = [&](const run& each) {
    return each.ended() && each.ended_at &&
           *each.ended_at < time_before(now, kept.keep_for(each.function_slug, each.status));
  };
  std::erase_if(runs_, [&](const auto& entry) {
    const run& ended = entry.second.record.run;
    if (!is_too_old(ended) || wanted.spared.contains(ended.id)) return false;
    const auto original = runs_.find(ended.original_run_id);
    if (original != runs_.end() && !is_too_old(original->second.record.run)) return false;
    forget_links(entry.second.record);
    return true;
  });
  std::erase_if(events_, [&](const auto& entry) {
    const auto& [id, event] = entry;
    if (event.received_at >= time || !event.dispatched || started_.contains(id)) return false;
    event_order_.erase({event.received_at, id});
    return true;
  });
  std::erase_if(values_, [&](const auto& entry) { return entry.second.expires < time; });
  std::erase_if(bulk_operations_,
                [&](const auto& entry) { return entry.second.ended_at && *entry.second.ended_at < time; });
  const timestamp oldest = time_before(now, kept.audit);
  std::erase_if(audit_, [&](const auto& entry) { return entry.second.at < oldest; });
  return 0;
}

INNGEST_INLINE std::optional<event_record> memory_store::find_event(std::string_view event_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = events_.find(event_id);
  return found == events_.end() ? std::nullopt : std::optional<event_record>(found->second);
}

INNGEST_INLINE std::vector<event_record> memory_store::find_events(const event_query& query) const {
  return find_event_page(query).events;
}

INNGEST_INLINE event_page memory_store::find_event_page(const event_query& query) const {
  const std::lock_guard lock(mutex_);
  event_page out;
  auto next = event_order_.end();
  if (!query.before.empty()) {
    const auto place = place_of_cursor(query.before, true, [&](const std::string& id) {
      const auto found = events_.find(id);
      return found == events_.end() ? std::nullopt : std::optional(found->second.received_at);
    });
    next = place ? event_order_.lower_bound(*place) : event_order_.begin();
  }
  while (next != event_order_.begin()) {
    const event_record& event = events_.find((--next)->id)->second;
    if (!is_match(event, query)) continue;
    if (out.events.size() == query.limit) return out;
    out.events.push_back(event);
    out.next = cursor_of(*next);
  }
  out.next.clear();
  return out;
}

INNGEST_INLINE std::vector<run_event> memory_store::events_of(std::string_view run_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = runs_.find(run_id);
  return found == runs_.end() ? std::vector<run_event>() : found->second.record.events;
}

INNGEST_INLINE std::optional<run_record> memory_store::find_run(std::string_view run_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = runs_.find(run_id);
  return found == runs_.end() ? std::nullopt : std::optional<run_record>(found->second.record);
}

INNGEST_INLINE std::vector<run> memory_store::find_runs(const run_query& query) const {
  return find_page(query).runs;
}

INNGEST_INLINE run_page memory_store::find_page(const run_query& query) const {
  const std::lock_guard lock(mutex_);
  run_page out;
  bool has_more = false;
  visit_runs(query, [&](const run& found) {
    has_more = out.runs.size() == query.limit;
    if (!has_more) out.runs.push_back(without_timeline(found));
    return !has_more;
  });
  if (has_more && !out.runs.empty())
    out.next = cursor_of({*time_of(out.runs.back(), query.by), out.runs.back().id});
  return out;
}

INNGEST_INLINE std::string memory_store::visit_page(
    const run_query& query, const std::function<void(const run_point&)>& visit) const {
  const std::lock_guard lock(mutex_);
  visit_runs(query, [&](const run& found) {
    visit({.id = found.id, .status = found.status, .time = *time_of(found, query.by)});
    return true;
  });
  return {};
}

INNGEST_INLINE std::set<order_place> memory_store::places_by(run_query::time by) const {
  std::set<order_place> out;
  for (const auto& [id, stored] : runs_) {
    if (const auto time = time_of(stored.record.run, by)) out.insert({*time, id});
  }
  return out;
}

INNGEST_INLINE void memory_store::visit_runs(const run_query& query,
                                             const std::function<bool(const run&)>& visit) const {
  const bool is_by_queue = query.by == run_query::time::queued;
  const std::set<order_place> others = is_by_queue ? std::set<order_place>() : places_by(query.by);
  const std::set<order_place>& order = is_by_queue ? queue_order_ : others;
  std::optional<order_place> place;
  if (!query.before.empty()) {
    place = place_of_cursor(query.before, is_by_queue, [&](const std::string& id) {
      const auto found = runs_.find(id);
      return found == runs_.end() ? std::nullopt : time_of(found->second.record.run, query.by);
    });
    if (!place) return;
  }
  const auto goes_on = [&](const order_place& next) {
    const run_record& record = runs_.find(next.id)->second.record;
    const bool fits = is_match(record.run, record.events, query) &&
                      (!query.is_repeated || *query.is_repeated == is_repeated(record.run));
    return !fits || visit(record.run);
  };
  if (query.oldest_first) {
    auto next = place ? order.upper_bound(*place) : order.begin();
    while (next != order.end() && goes_on(*next)) ++next;
  } else {
    auto next = place ? order.lower_bound(*place) : order.end();
    while (next != order.begin() && goes_on(*--next)) continue;
  }
}

INNGEST_INLINE bool memory_store::is_repeated(const run& of) const {
  const auto found = reruns_.find(first_run_of(of));
  return found != reruns_.end() && is_later_repetition(*found->second.rbegin(), of);
}

INNGEST_INLINE std::vector<run_times> memory_store::times_of_runs(const std::string& function,
                                                                  std::size_t most) const {
  const std::lock_guard lock(mutex_);
  std::vector<run_times> out;
  for (auto next = runs_.end(); next != runs_.begin() && out.size() < most;) {
    const run& each = (--next)->second.record.run;
    if (each.function_slug == function)
      out.push_back({each.status, each.queued_at, each.started_at, each.ended_at});
  }
  return out;
}

INNGEST_INLINE std::vector<run> memory_store::runs_of(std::string_view event_id) const {
  const std::lock_guard lock(mutex_);
  std::vector<run> out;
  const auto started = started_.find(event_id);
  if (started == started_.end()) return out;
  for (const std::string& id : started->second) out.push_back(runs_.find(id)->second.record.run);
  return out;
}

INNGEST_INLINE std::vector<run> memory_store::runs() const {
  const std::lock_guard lock(mutex_);
  std::vector<run> out;
  for (const auto& [id, stored] : runs_) out.push_back(stored.record.run);
  return out;
}

INNGEST_INLINE std::vector<memo_record> memory_store::memos_of(std::string_view run_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = runs_.find(run_id);
  return found == runs_.end() ? std::vector<memo_record>() : found->second.memos;
}

INNGEST_INLINE std::vector<run_note> memory_store::notes_of(std::string_view run_id) const {
  const std::lock_guard lock(mutex_);
  std::vector<run_note> out;
  const auto found = runs_.find(run_id);
  if (found == runs_.end()) return out;
  for (const auto& [id, note] : found->second.notes) out.push_back(note);
  return out;
}

INNGEST_INLINE std::vector<run> memory_store::reruns_of(std::string_view run_id) const {
  const std::lock_guard lock(mutex_);
  std::vector<run> out;
  const auto found = reruns_.find(run_id);
  if (found == reruns_.end()) return out;
  for (const std::string& id : found->second)
    out.push_back(without_timeline(runs_.find(id)->second.record.run));
  return out;
}

INNGEST_INLINE std::vector<bulk_operation> memory_store::bulk_operations() const {
  const std::lock_guard lock(mutex_);
  std::vector<bulk_operation> out;
  for (auto next = bulk_operations_.rbegin(); next != bulk_operations_.rend(); ++next)
    out.push_back(next->second);
  return out;
}

INNGEST_INLINE std::vector<audit_entry> memory_store::audit_trail(const audit_query& query) const {
  const std::lock_guard lock(mutex_);
  std::vector<audit_entry> out;
  auto next = query.before.empty() ? audit_.end() : audit_.lower_bound(query.before);
  while (next != audit_.begin() && out.size() < query.limit) out.push_back((--next)->second);
  return out;
}

INNGEST_INLINE std::vector<unreadable_record> memory_store::unreadable() const {
  const std::lock_guard lock(mutex_);
  std::vector<unreadable_record> out;
  for (const auto& [id, job] : jobs_) {
    if (job.what != job::kind::schedule && !runs_.contains(job.run_id)) out.push_back(without_run(job));
  }
  for (const auto& [key, wait] : waits_) {
    if (!runs_.contains(wait.run_id)) out.push_back(without_run(wait));
  }
  return out;
}

INNGEST_INLINE bool memory_store::remove_unreadable(const std::string& table, const std::string& key) {
  if (!is_checked_table(table))
    throw store_error("memory", "records of the table \"" + table + "\" can't be removed");
  const std::lock_guard lock(mutex_);
  const auto erase = [&](auto& from) {
    return std::erase_if(from, [&](const auto& entry) { return key_of(entry.second) == key; }) > 0;
  };
  if (table == "jobs") return erase(jobs_);
  if (table == "waits") return erase(waits_);
  if (table == "apps") return erase(apps_);  // what an engine can't use, even if nothing is damaged
  if (table == "events") return remove_event(key);
  if (table == "runs") return remove_run_with_work(key);
  if (table == "memos") return remove_memo(key);
  return erase(values_);
}

INNGEST_INLINE bool memory_store::remove_event(const std::string& key) {
  const auto found = std::find_if(events_.begin(), events_.end(),
                                  [&](const auto& entry) { return key_of(entry.second) == key; });
  if (found == events_.end()) return false;
  event_order_.erase({found->second.received_at, found->first});
  std::erase(undispatched_, found->first);
  events_.erase(found);
  return true;
}

INNGEST_INLINE bool memory_store::remove_run_with_work(const std::string& key) {
  const auto found = std::find_if(runs_.begin(), runs_.end(),
                                  [&](const auto& entry) { return key_of(entry.second.record.run) == key; });
  if (found == runs_.end()) return false;
  std::erase_if(jobs_, [&](const auto& entry) {
    return entry.second.run_id == found->first && entry.second.what != job::kind::schedule;
  });
  std::erase_if(waits_, [&](const auto& entry) { return entry.second.run_id == found->first; });
  forget_links(found->second.record);
  runs_.erase(found);
  return true;
}

INNGEST_INLINE bool memory_store::remove_memo(const std::string& key) {
  for (auto& [id, stored] : runs_) {
    const auto found = std::find_if(stored.memos.begin(), stored.memos.end(),
                                    [&](const memo_record& memo) { return key_of(memo) == key; });
    if (found == stored.memos.end()) continue;
    stored.steps.erase(found->step);
    stored.memos.erase(found);
    return true;
  }
  return false;
}

INNGEST_INLINE run_counts memory_store::count_runs() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

INNGEST_INLINE void memory_store::apply(const changes& changes) {
  for (const std::string& id : changes.withdrawn_events) withdraw(id);
  for (const event_record& event : changes.events) {
    if (!events_.try_emplace(event.id, event).second) continue;
    event_order_.insert({event.received_at, event.id});
    if (!event.dispatched) undispatched_.push_back(event.id);
  }
  for (const std::string& id : changes.dispatched_events) note_dispatched(id);
  for (const run_record& run : changes.runs) put_run(run);
  for (const run_update& run : changes.run_updates) update_run(run);
  for (const memo_record& memo : changes.memos) {
    stored_run* run = find(memo.run_id);
    if (run && run->steps.insert(memo.step).second) run->memos.push_back(memo);
  }
  for (const job& job : changes.added_jobs) jobs_.insert_or_assign(job.id, job);
  for (const std::uint64_t id : changes.started_jobs) {
    if (const auto found = jobs_.find(id); found != jobs_.end()) found->second.started = true;
  }
  for (const std::uint64_t id : changes.removed_jobs) jobs_.erase(id);
  for (const wait_record& wait : changes.added_waits) waits_.insert_or_assign({wait.run_id, wait.step}, wait);
  for (const auto& [run, step] : changes.removed_waits) waits_.erase({run, step});
  for (const timeline_record& record : changes.timeline) {
    if (stored_run* run = find(record.run_id)) add(*run, record);
  }
  for (const std::string& key : changes.removed_values) values_.erase(key);
  for (const remembered_value& value : changes.values) values_.insert_or_assign(value.key, value);
  for (const app_record& app : changes.apps) apps_.insert_or_assign(app.id, app);
  for (const run_note& note : changes.notes) {
    if (stored_run* run = find(note.run_id)) add(*run, note);
  }
  for (const audit_entry& entry : changes.audit) audit_.try_emplace(entry.id, entry);
  for (const run_log_record& line : changes.log_lines) {
    if (stored_run* run = find(line.run_id)) add(*run, line);
  }
  for (const tag_change& change : changes.tags) {
    if (stored_run* run = find(change.run_id)) embedded::apply(change, run->record.run.tags);
  }
  for (const bulk_operation& operation : changes.bulk_operations)
    bulk_operations_.insert_or_assign(operation.id, operation);
  for (const std::string& id : changes.removed_runs) remove_run(id);
}

INNGEST_INLINE memory_store::stored_run* memory_store::find(const std::string& run_id) {
  const auto found = runs_.find(run_id);
  return found == runs_.end() ? nullptr : &found->second;
}

INNGEST_INLINE void memory_store::withdraw(const std::string& id) {
  const auto found = events_.find(id);
  if (found == events_.end() || found->second.dispatched) return;
  event_order_.erase({found->second.received_at, id});
  events_.erase(found);
  undispatched_.erase(std::find(undispatched_.begin(), undispatched_.end(), id));
}

INNGEST_INLINE void memory_store::note_dispatched(const std::string& id) {
  const auto found = events_.find(id);
  if (found == events_.end() || found->second.dispatched) return;
  found->second.dispatched = true;
  undispatched_.erase(std::find(undispatched_.begin(), undispatched_.end(), id));
}

INNGEST_INLINE void memory_store::add(stored_run& run, const timeline_record& record) {
  std::vector<std::uint64_t>& positions = run.positions;
  const std::uint64_t last = positions.empty() ? 0 : positions.back();
  const std::uint64_t position = record.position == 0 ? last + 1 : record.position;
  const auto place = std::lower_bound(positions.begin(), positions.end(), position);
  if (place != positions.end() && *place == position) return;
  std::vector<timeline_entry>& timeline = run.record.run.timeline;
  timeline.insert(timeline.begin() + (place - positions.begin()), record.entry);
  positions.insert(place, position);
}

INNGEST_INLINE void memory_store::add(stored_run& run, const run_note& note) {
  const bool is_metadata = note.what == run_note::kind::metadata;
  std::set<std::string>& alike = is_metadata ? run.alike[{note.what, note.subject, note.target}]
                                             : run.alike[{note.what, std::string(), std::string()}];
  if (run.notes.try_emplace(note.id, note).second) alike.insert(note.id);
  const auto remove_oldest = [&] { run.notes.erase(alike.extract(alike.begin()).value()); };
  while (note.sets_metadata() && !alike.empty() && *alike.begin() < note.id) remove_oldest();
  while (!is_metadata && alike.size() > max_run_messages) remove_oldest();
}

INNGEST_INLINE void memory_store::add_metadata(std::vector<metadata_amount>& out, const stored_run& of) {
  metadata_usage usage;
  for (const auto& [id, note] : of.notes) usage.add(note);
  for (metadata_amount& amount : usage.amounts()) {
    amount.run_id = of.record.run.id;
    out.push_back(std::move(amount));
  }
}

INNGEST_INLINE void memory_store::add(stored_run& run, const run_log_record& record) {
  run.log.emplace(record.position, record.line);
  while (run.log.size() > record.most) run.log.erase(run.log.begin());
}

INNGEST_INLINE std::vector<run_log_line> memory_store::logs_of(std::string_view run_id) const {
  const std::lock_guard lock(mutex_);
  std::vector<run_log_line> out;
  const auto found = runs_.find(run_id);
  if (found == runs_.end()) return out;
  for (const auto& [position, line] : found->second.log) out.push_back(line);
  return out;
}

INNGEST_INLINE void memory_store::put_run(const run_record& changed) {
  const auto [found, is_new] = runs_.try_emplace(changed.run.id);
  run_record& stored = found->second.record;
  if (!is_new) {
    --counts_.of(stored.run.status);
    queue_order_.erase({stored.run.queued_at, stored.run.id});
    for (const run_event& event : stored.events) forget_start(event.id, changed.run.id);
  }
  std::vector<timeline_entry> timeline = std::move(stored.run.timeline);
  stored = changed;
  stored.run.timeline = std::move(timeline);
  ++counts_.of(stored.run.status);
  queue_order_.insert({stored.run.queued_at, stored.run.id});
  for (const run_event& event : stored.events) started_[event.id].insert(changed.run.id);
  if (!stored.run.original_run_id.empty()) reruns_[stored.run.original_run_id].insert(changed.run.id);
}

INNGEST_INLINE void memory_store::update_run(const run_update& changed) {
  stored_run* found = find(changed.id);
  if (!found) return;
  run& stored = found->record.run;
  --counts_.of(stored.status);
  stored.status = changed.status;
  stored.started_at = changed.started_at;
  stored.ended_at = changed.ended_at;
  stored.output_text = changed.output_text;
  stored.error = changed.error;
  ++counts_.of(stored.status);
}

INNGEST_INLINE void memory_store::remove_run(const std::string& id) {
  const auto found = runs_.find(id);
  if (found == runs_.end() || !found->second.record.run.ended()) return;
  forget_links(found->second.record);
  runs_.erase(found);
}

INNGEST_INLINE void memory_store::forget_links(const run_record& of) {
  --counts_.of(of.run.status);
  queue_order_.erase({of.run.queued_at, of.run.id});
  for (const run_event& event : of.events) forget_start(event.id, of.run.id);
  const auto reruns = reruns_.find(of.run.original_run_id);
  if (reruns == reruns_.end()) return;
  reruns->second.erase(of.run.id);
  if (reruns->second.empty()) reruns_.erase(reruns);
}

INNGEST_INLINE void memory_store::forget_start(const std::string& event_id, const std::string& run_id) {
  const auto found = started_.find(event_id);
  if (found == started_.end()) return;
  found->second.erase(run_id);
  if (found->second.empty()) started_.erase(found);
}

}  // namespace inngest::inline INNGEST_ABI::embedded
