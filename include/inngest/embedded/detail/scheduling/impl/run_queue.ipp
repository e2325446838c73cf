#pragma once

#include <algorithm>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/run_queue.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE void run_queue::add(job job, timestamp position,
                                   std::shared_ptr<const concurrency_limits> limits) {
  const std::uint64_t id = job.id;
  entries_.emplace(id, queued_job{.what = std::move(job), .position = position, .limits = std::move(limits)});
}

INNGEST_INLINE void run_queue::release(std::uint64_t id) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.at != place::held) return;
  found->second.at = place::later;
  later_.emplace(found->second.what.due, id);
}

INNGEST_INLINE void run_queue::remove(std::uint64_t id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  leave(found->second);
  entries_.erase(found);
}

INNGEST_INLINE void run_queue::set_limits(std::uint64_t id,
                                          std::shared_ptr<const concurrency_limits> limits) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  queued_job& changed = found->second;
  const bool is_due = changed.at != place::held && changed.at != place::later;
  if (is_due) leave(changed);
  changed.limits = std::move(limits);
  if (is_due) become_ready(id);
}

INNGEST_INLINE const job* run_queue::find(std::uint64_t id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second.what;
}

INNGEST_INLINE bool run_queue::is_refused(std::uint64_t id) const {
  const auto found = entries_.find(id);
  return found != entries_.end() && found->second.is_refused && found->second.at != place::parked;
}

INNGEST_INLINE std::optional<job> run_queue::take(timestamp now, job_gate gate) {
  while (!later_.empty() && later_.begin()->first <= now) {
    const std::uint64_t id = later_.begin()->second;
    later_.erase(later_.begin());
    become_ready(id);
  }
  call_lines(now);
  while (!ready_.empty()) {
    const auto next = ready_.extract(ready_.begin()).value();
    queued_job& queued = entries_.at(next.second);
    if (!take_slots(queued, next)) continue;
    const job_passage passage = gate(queued.what);
    if (!passage.is_open && !passage.line) {
      block(queued, next, *passage.key);
      continue;
    }
    open_next(passage.key);
    if (!passage.is_open) {
      stand_in_line(queued, next, passage);
      continue;
    }
    if (passage.line) call_next_in_line(*passage.line);
    job out = std::move(queued.what);
    if (queued.limits) hold(out.run_id, *queued.limits);
    if (queued.limits) under_way_.emplace(out.id, std::move(queued.limits));
    entries_.erase(next.second);
    return out;
  }
  return std::nullopt;
}

INNGEST_INLINE void run_queue::finished(std::uint64_t id) {
  const auto found = under_way_.find(id);
  if (found == under_way_.end()) return;
  const auto limits = std::move(found->second);
  under_way_.erase(found);
  free_slots(*limits);
}

INNGEST_INLINE void run_queue::free_slots(const concurrency_limits& limits) {
  for (const concurrency_limit& limit : limits) {
    const auto slot = slots_.find(limit.key);
    if (slot == slots_.end()) continue;  // no run holds it, and none waits
    if (!limit.holds_for_run) --slot->second.used;
    call_next(slot);
  }
}

INNGEST_INLINE void run_queue::hold(const std::string& run_id, const concurrency_limits& limits) {
  if (holders_.contains(run_id)) return;
  std::vector<std::string> keys;
  for (const concurrency_limit& limit : limits) {
    if (limit.holds_for_run) keys.push_back(limit.key);
  }
  if (keys.empty()) return;
  for (const std::string& key : keys) ++slots_.try_emplace(key).first->second.used;
  holders_.emplace(run_id, std::move(keys));
}

INNGEST_INLINE void run_queue::release_run(const std::string& run_id) {
  const auto found = holders_.find(run_id);
  if (found == holders_.end()) return;
  const std::vector<std::string> keys = std::move(found->second);
  holders_.erase(found);
  for (const std::string& key : keys) {
    const auto slot = slots_.find(key);
    --slot->second.used;
    call_next(slot);
  }
}

INNGEST_INLINE void run_queue::block(queued_job& queued, const rank& place_in_line, const std::string& key) {
  const auto group = blocked_.try_emplace(key).first;
  group->second.insert(place_in_line);
  queued.at = place::blocked;
  queued.is_refused = true;
  queued.waits_at = &group->first;
  if (queued.limits) free_slots(*queued.limits);
}

INNGEST_INLINE void run_queue::open(blocked_jobs::iterator group) {
  const std::uint64_t id = group->second.extract(group->second.begin()).value().second;
  if (group->second.empty()) blocked_.erase(group);
  become_ready(id);
}

INNGEST_INLINE void run_queue::open_next(const std::string* key) {
  if (const auto group = key ? blocked_.find(*key) : blocked_.end(); group != blocked_.end()) open(group);
}

INNGEST_INLINE void run_queue::retry_blocked() {
  for (auto group = blocked_.begin(); group != blocked_.end();) open(group++);
}

INNGEST_INLINE void run_queue::open_blocked(const std::string& key) {
  const auto group = blocked_.find(key);
  if (group == blocked_.end()) return;
  const std::set<rank> jobs = std::move(group->second);
  blocked_.erase(group);
  for (const rank& waiting : jobs) {
    entries_.at(waiting.second).is_refused = false;  // for another reason than before, if at all
    become_ready(waiting.second);
  }
}

INNGEST_INLINE void run_queue::open_all_blocked() {
  while (!blocked_.empty()) open_blocked(std::string(blocked_.begin()->first));
}

INNGEST_INLINE std::optional<timestamp> run_queue::next_due() const {
  if (!ready_.empty()) return timestamp();
  std::optional<timestamp> out;
  if (!later_.empty()) out = later_.begin()->first;
  if (!turns_.empty()) out = (std::min)(out.value_or(turns_.begin()->first), turns_.begin()->first);
  return out;
}

INNGEST_INLINE bool run_queue::waits_in_line(std::uint64_t id) const {
  const auto found = entries_.find(id);
  return found != entries_.end() && found->second.at == place::in_line;
}

INNGEST_INLINE std::optional<timestamp> run_queue::turn_of(std::uint64_t id) const {
  constexpr int most = 1000;  // to count them takes no time
  const queued_job& queued = entries_.at(id);
  const line_of_jobs& line = lines_.find(queued.line)->second;
  int before = 0;
  for (auto other = line.waiting.begin(); *other != rank_of(queued); ++other) {
    if (++before > most) return std::nullopt;
  }
  const std::int64_t wait = detail::multiply_saturated(line.interval.count(), before);
  return detail::add_saturated(line.turn, std::chrono::milliseconds(wait));
}

INNGEST_INLINE void run_queue::stand_in_line(queued_job& queued, const rank& place_in_line,
                                             const job_passage& passage) {
  queued.at = place::in_line;
  queued.is_refused = false;
  queued.line = *passage.line;
  const auto line = lines_.try_emplace(queued.line).first;
  line->second.waiting.insert(place_in_line);
  line->second.interval = passage.interval;
  set_turn(line, passage.turn);
  if (queued.limits) free_slots(*queued.limits);
}

INNGEST_INLINE void run_queue::call_lines(timestamp now) {
  while (!turns_.empty() && turns_.begin()->first <= now) {
    const auto line = lines_.find(turns_.begin()->second);
    set_turn(line, now + line->second.interval);
    call_next_in_line(line->first);
  }
}

INNGEST_INLINE void run_queue::call_next_in_line(const std::string& name) {
  const auto line = lines_.find(name);
  if (line == lines_.end()) return;
  const rank first = *line->second.waiting.begin();
  leave_line(line, first);
  become_ready(first.second);
}

INNGEST_INLINE void run_queue::set_turn(lines_of_jobs::iterator line, timestamp turn) {
  turns_.erase({line->second.turn, line->first});
  line->second.turn = turn;
  turns_.emplace(turn, line->first);
}

INNGEST_INLINE void run_queue::leave_line(lines_of_jobs::iterator line, const rank& place_in_line) {
  line->second.waiting.erase(place_in_line);
  if (!line->second.waiting.empty()) return;
  turns_.erase({line->second.turn, line->first});
  lines_.erase(line);
}

INNGEST_INLINE void run_queue::become_ready(std::uint64_t id) {
  queued_job& queued = entries_.at(id);
  queued.at = place::ready;
  ready_.insert(rank_of(queued));
}

INNGEST_INLINE void run_queue::leave(queued_job& queued) {
  switch (queued.at) {
    case place::held:
      return;
    case place::later:
      later_.erase({queued.what.due, queued.what.id});
      return;
    case place::ready:
      ready_.erase(rank_of(queued));
      pass_on(queued);
      retry_blocked();  // the gate may have been about to be asked for this job
      call_next_in_line(queued.line);
      return;
    case place::parked: {
      const auto slot = slots_.find(*queued.waits_at);
      const auto group = slot->second.waiting.find(queued.waits_below);
      group->second.erase(rank_of(queued));
      if (group->second.empty()) slot->second.waiting.erase(group);
      --parked_;
      drop_if_unused(slot);
      call_next_in_line(queued.line);
      return;
    }
    case place::blocked: {
      const auto group = blocked_.find(*queued.waits_at);
      group->second.erase(rank_of(queued));
      if (group->second.empty()) blocked_.erase(group);
      call_next_in_line(queued.line);
      return;
    }
    case place::in_line:
      leave_line(lines_.find(queued.line), rank_of(queued));
      return;
  }
}

INNGEST_INLINE bool run_queue::take_slots(queued_job& queued, const rank& place_in_line) {
  if (!queued.limits) return true;
  for (const concurrency_limit& limit : *queued.limits) {
    if (is_held(limit, queued.what.run_id)) continue;
    const auto found = slots_.find(limit.key);
    if ((found == slots_.end() ? 0 : found->second.used) < limit.limit) continue;
    park(queued, place_in_line, limit);
    pass_on(queued);  // it may have been offered a slot
    return false;
  }
  for (const concurrency_limit& limit : *queued.limits) {
    if (!limit.holds_for_run) ++slots_.try_emplace(limit.key).first->second.used;
  }
  return true;
}

INNGEST_INLINE void run_queue::park(queued_job& queued, const rank& place_in_line,
                                    const concurrency_limit& limit) {
  const auto slot = slots_.try_emplace(limit.key).first;
  queued.at = place::parked;
  queued.waits_at = &slot->first;
  queued.waits_below = limit.limit;
  slot->second.waiting[limit.limit].insert(place_in_line);
  ++parked_;
}

INNGEST_INLINE void run_queue::pass_on(const queued_job& queued) {
  if (!queued.limits) return;
  for (const concurrency_limit& limit : *queued.limits) {
    if (const auto slot = slots_.find(limit.key); slot != slots_.end()) call_next(slot);
  }
}

INNGEST_INLINE void run_queue::call_next(slot_states::iterator slot) {
  auto& waiting = slot->second.waiting;
  auto next = waiting.upper_bound(slot->second.used);
  for (auto other = next; other != waiting.end(); ++other) {
    if (*other->second.begin() < *next->second.begin()) next = other;
  }
  if (next != waiting.end()) {
    const std::uint64_t id = next->second.extract(next->second.begin()).value().second;
    if (next->second.empty()) waiting.erase(next);
    --parked_;
    become_ready(id);
  }
  drop_if_unused(slot);
}

INNGEST_INLINE void run_queue::drop_if_unused(slot_states::iterator slot) {
  if (slot->second.used == 0 && slot->second.waiting.empty()) slots_.erase(slot);
}

}  // namespace inngest::inline INNGEST_ABI::embedded
