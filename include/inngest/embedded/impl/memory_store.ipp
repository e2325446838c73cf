#pragma once

#include <inngest/config.hpp>
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
  return out;
}

INNGEST_INLINE void memory_store::forget_before(timestamp time) {
  const std::lock_guard lock(mutex_);
  std::erase_if(runs_, [&](const auto& entry) {
    const run& ended = entry.second.record.run;
    if (!ended.ended() || !ended.ended_at || *ended.ended_at >= time) return false;
    --counts_.of(ended.status);
    for (const run_event& event : entry.second.record.events) forget_start(event.id, ended.id);
    return true;
  });
  std::erase_if(events_, [&](const auto& entry) {
    return entry.second.received_at < time && entry.second.dispatched && !started_.contains(entry.first);
  });
  std::erase_if(values_, [&](const auto& entry) { return entry.second.expires < time; });
}

INNGEST_INLINE std::optional<event_record> memory_store::find_event(std::string_view event_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = events_.find(event_id);
  return found == events_.end() ? std::nullopt : std::optional<event_record>(found->second);
}

INNGEST_INLINE std::vector<event_record> memory_store::find_events(const event_query& query) const {
  const std::lock_guard lock(mutex_);
  std::vector<event_record> out;
  auto next = query.before.empty() ? events_.end() : events_.lower_bound(query.before);
  while (next != events_.begin() && out.size() < query.limit) out.push_back((--next)->second);
  return out;
}

INNGEST_INLINE std::optional<run_record> memory_store::find_run(std::string_view run_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = runs_.find(run_id);
  return found == runs_.end() ? std::nullopt : std::optional<run_record>(found->second.record);
}

INNGEST_INLINE std::vector<run> memory_store::find_runs(const run_query& query) const {
  const std::lock_guard lock(mutex_);
  std::vector<run> out;
  auto next = query.before.empty() ? runs_.end() : runs_.lower_bound(query.before);
  while (next != runs_.begin() && out.size() < query.limit) {
    const run& run = (--next)->second.record.run;
    if (!matches(run, query)) continue;
    out.push_back(without_timeline(run));
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

INNGEST_INLINE run_counts memory_store::count_runs() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

INNGEST_INLINE void memory_store::apply(const changes& changes) {
  for (const std::string& id : changes.withdrawn_events) withdraw(id);
  for (const event_record& event : changes.events) {
    if (events_.try_emplace(event.id, event).second && !event.dispatched) undispatched_.push_back(event.id);
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
}

INNGEST_INLINE memory_store::stored_run* memory_store::find(const std::string& run_id) {
  const auto found = runs_.find(run_id);
  return found == runs_.end() ? nullptr : &found->second;
}

INNGEST_INLINE void memory_store::withdraw(const std::string& id) {
  const auto found = events_.find(id);
  if (found == events_.end() || found->second.dispatched) return;
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

INNGEST_INLINE void memory_store::put_run(const run_record& changed) {
  const auto [found, is_new] = runs_.try_emplace(changed.run.id);
  run_record& stored = found->second.record;
  if (!is_new) {
    --counts_.of(stored.run.status);
    for (const run_event& event : stored.events) forget_start(event.id, changed.run.id);
  }
  std::vector<timeline_entry> timeline = std::move(stored.run.timeline);
  stored = changed;
  stored.run.timeline = std::move(timeline);
  ++counts_.of(stored.run.status);
  for (const run_event& event : stored.events) started_[event.id].insert(changed.run.id);
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

INNGEST_INLINE void memory_store::forget_start(const std::string& event_id, const std::string& run_id) {
  const auto found = started_.find(event_id);
  if (found == started_.end()) return;
  found->second.erase(run_id);
  if (found->second.empty()) started_.erase(found);
}

INNGEST_INLINE bool memory_store::matches(const run& run, const run_query& query) {
  const auto contains = [&](const std::string& text) { return text.find(query.search) != text.npos; };
  return (!query.status || run.status == *query.status) &&
         (query.function.empty() || run.function_slug == query.function) &&
         (query.search.empty() || contains(run.id) || contains(run.event_id) || contains(run.event_name));
}

INNGEST_INLINE run memory_store::without_timeline(const run& from) {
  run out{.id = from.id,
          .function_id = from.function_id,
          .function_slug = from.function_slug,
          .event_id = from.event_id,
          .event_name = from.event_name,
          .status = from.status,
          .queued_at = from.queued_at,
          .started_at = from.started_at,
          .ended_at = from.ended_at,
          .output_text = from.output_text,
          .error = from.error};
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
