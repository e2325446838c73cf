#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/memory_store.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE void memory_store::commit(std::span<const changes> all) {
  const std::lock_guard lock(mutex_);
  for (const changes& each : all) apply(each);
}

INNGEST_INLINE unfinished_work memory_store::load() {
  const std::lock_guard lock(mutex_);
  unfinished_work out;
  for (const std::string& id : undispatched_) {
    event_record& event = out.events.emplace_back(events_.find(id)->second);
    if (event.given_id.empty()) event.given_id = given_id_of(event);
  }
  for (const auto& [id, each] : runs_) {
    if (each.record.run.ended()) continue;
    out.runs.push_back(each.record);
    out.runs.back().run.timeline.clear();
    out.runs.back().timeline_size = each.positions.empty() ? 0 : each.positions.back();
    out.memos.insert(out.memos.end(), each.memos.begin(), each.memos.end());
  }
  for (const auto& [id, each] : jobs_) {
    out.jobs.push_back(each);
    out.last_job = id;
    if (each.what != job::kind::schedule && !runs_.contains(each.run_id))
      out.unreadable.push_back(without_run(each));
  }
  for (const auto& [key, each] : waits_) {
    out.waits.push_back(each);
    if (!runs_.contains(each.run_id)) out.unreadable.push_back(without_run(each));
  }
  for (const auto& [key, each] : values_) out.values.push_back(each);
  for (const auto& [id, each] : apps_) out.apps.push_back(each);
  return out;
}

INNGEST_INLINE void memory_store::forget_before(timestamp time) {
  const std::lock_guard lock(mutex_);
  std::erase_if(runs_, [&](const auto& each) {
    const run& ended = each.second.record.run;
    if (!ended.ended() || !ended.ended_at || *ended.ended_at >= time) return false;
    --counts_.of(ended.status);
    for (const run_event& event : each.second.record.events) forget_start(event.id, ended.id);
    return true;
  });
  std::erase_if(events_, [&](const auto& each) {
    return each.second.received_at < time && each.second.dispatched && !started_.contains(each.first);
  });
  std::erase_if(values_, [&](const auto& each) { return each.second.expires < time; });
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
    const run& each = (--next)->second.record.run;
    if (!matches(each, query)) continue;
    out.push_back(without_timeline(each));
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
  for (const auto& [id, each] : runs_) out.push_back(each.record.run);
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
  for (const event_record& each : changes.events) {
    if (events_.try_emplace(each.id, each).second && !each.dispatched) undispatched_.push_back(each.id);
  }
  for (const std::string& id : changes.dispatched_events) note_dispatched(id);
  for (const run_record& each : changes.runs) keep_run(each);
  for (const run_update& each : changes.run_updates) update_run(each);
  for (const memo_record& each : changes.memos) {
    kept_run* run = find(each.run_id);
    if (run && run->steps.insert(each.step).second) run->memos.push_back(each);
  }
  for (const job& each : changes.added_jobs) jobs_.insert_or_assign(each.id, each);
  for (const std::uint64_t id : changes.started_jobs) {
    if (const auto found = jobs_.find(id); found != jobs_.end()) found->second.started = true;
  }
  for (const std::uint64_t id : changes.removed_jobs) jobs_.erase(id);
  for (const wait_record& each : changes.added_waits) waits_.insert_or_assign({each.run_id, each.step}, each);
  for (const auto& [run, step] : changes.removed_waits) waits_.erase({run, step});
  for (const timeline_record& each : changes.timeline) {
    if (kept_run* run = find(each.run_id)) add(*run, each);
  }
  for (const std::string& key : changes.removed_values) values_.erase(key);
  for (const remembered_value& each : changes.values) values_.insert_or_assign(each.key, each);
  for (const app_record& each : changes.apps) apps_.insert_or_assign(each.id, each);
}

INNGEST_INLINE memory_store::kept_run* memory_store::find(const std::string& run_id) {
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

INNGEST_INLINE void memory_store::add(kept_run& run, const timeline_record& told) {
  std::vector<std::uint64_t>& positions = run.positions;
  const std::uint64_t last = positions.empty() ? 0 : positions.back();
  const std::uint64_t position = told.position == 0 ? last + 1 : told.position;
  const auto place = std::lower_bound(positions.begin(), positions.end(), position);
  if (place != positions.end() && *place == position) return;
  std::vector<timeline_entry>& timeline = run.record.run.timeline;
  timeline.insert(timeline.begin() + (place - positions.begin()), told.entry);
  positions.insert(place, position);
}

INNGEST_INLINE void memory_store::keep_run(const run_record& changed) {
  const auto [found, is_new] = runs_.try_emplace(changed.run.id);
  run_record& kept = found->second.record;
  if (!is_new) {
    --counts_.of(kept.run.status);
    for (const run_event& each : kept.events) forget_start(each.id, changed.run.id);
  }
  std::vector<timeline_entry> timeline = std::move(kept.run.timeline);
  kept = changed;
  kept.run.timeline = std::move(timeline);
  ++counts_.of(kept.run.status);
  for (const run_event& each : kept.events) started_[each.id].insert(changed.run.id);
}

INNGEST_INLINE void memory_store::update_run(const run_update& changed) {
  kept_run* found = find(changed.id);
  if (!found) return;
  run& kept = found->record.run;
  --counts_.of(kept.status);
  kept.status = changed.status;
  kept.started_at = changed.started_at;
  kept.ended_at = changed.ended_at;
  kept.output_text = changed.output_text;
  kept.error = changed.error;
  ++counts_.of(kept.status);
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
