#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <inngest/embedded/store.hpp>

namespace inngest::embedded {

/// How many jobs with the same key may be under way at once.
struct concurrency_limit {
  std::string key{};
  int limit = 0;
};
using concurrency_limits = std::vector<concurrency_limit>;

/// Jobs in the order of their time. Of those that are due, timers come first, then calls by their position,
/// as far as the limits on what is under way at once allow. One thread at a time.
class run_queue {
 public:
  /// Adds a job that is not available until release(): what it comes from must be committed first. Of several
  /// calls that are due, the one with the lowest `position` is made first.
  void add(job job, timestamp position = (timestamp::min)(),
           std::shared_ptr<const concurrency_limits> limits = nullptr) {
    const std::uint64_t id = job.id;
    entries_.emplace(id,
                     queued_job{.what = std::move(job), .position = position, .limits = std::move(limits)});
  }

  /// Makes a job available from its time on.
  void release(std::uint64_t id) {
    const auto found = entries_.find(id);
    if (found == entries_.end() || found->second.at != place::held) return;
    found->second.at = place::later;
    later_.emplace(found->second.what.due, id);
  }

  /// Takes out a job that was not taken yet, if it is there.
  void remove(std::uint64_t id) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    leave(found->second);
    entries_.erase(found);
  }

  /// Gives a job that was not taken yet other limits.
  void set_limits(std::uint64_t id, std::shared_ptr<const concurrency_limits> limits) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    queued_job& changed = found->second;
    const bool is_due = changed.at == place::ready || changed.at == place::parked;
    if (is_due) leave(changed);
    changed.limits = std::move(limits);
    if (is_due) become_ready(id);
  }

  const job* find(std::uint64_t id) const {
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : &found->second.what;
  }

  /// Takes the next job that is due and may be done now. A call that is taken counts as under way until
  /// finished().
  std::optional<job> take(timestamp now) {
    while (!later_.empty() && later_.begin()->first <= now) {
      const std::uint64_t id = later_.begin()->second;
      later_.erase(later_.begin());
      become_ready(id);
    }
    while (!ready_.empty()) {
      const auto next = ready_.extract(ready_.begin()).value();
      queued_job& queued = entries_.at(next.second);
      if (!take_slots(queued, next)) continue;
      job out = std::move(queued.what);
      if (queued.limits) under_way_.emplace(out.id, std::move(queued.limits));
      entries_.erase(next.second);
      return out;
    }
    return std::nullopt;
  }

  /// A call that was taken has ended: others may take its place.
  void finished(std::uint64_t id) {
    const auto found = under_way_.find(id);
    if (found == under_way_.end()) return;
    const auto limits = std::move(found->second);
    under_way_.erase(found);
    for (const concurrency_limit& limit : *limits) {
      const auto slot = slots_.find(limit.key);
      --slot->second.used;
      call_next(slot);
    }
  }

  /// When the next job is due; nothing when there is none.
  std::optional<timestamp> next_due() const {
    if (!ready_.empty()) return timestamp();
    return later_.empty() ? std::nullopt : std::optional<timestamp>(later_.begin()->first);
  }

  /// Of calls that are due, how many wait for others to end.
  std::size_t parked() const { return parked_; }
  /// How many jobs were not taken yet.
  std::size_t size() const { return entries_.size(); }
  /// How many of those that were taken hold places under limits.
  std::size_t under_way() const { return under_way_.size(); }
  /// How many keys of limits have places in use or waited for.
  std::size_t slots_in_use() const { return slots_.size(); }

 private:
  using rank = std::pair<timestamp, std::uint64_t>;
  enum class place { held, later, ready, parked };

  struct queued_job {
    job what{};
    timestamp position{};
    std::shared_ptr<const concurrency_limits> limits{};
    place at = place::held;
    const std::string* parked_at = nullptr;
  };

  struct slot_state {
    int used = 0;
    std::set<rank> waiting{};
  };
  using slots = std::unordered_map<std::string, slot_state>;

  rank rank_of(const queued_job& queued) const { return {queued.position, queued.what.id}; }

  void become_ready(std::uint64_t id) {
    queued_job& queued = entries_.at(id);
    queued.at = place::ready;
    ready_.insert(rank_of(queued));
  }

  void leave(queued_job& queued) {
    switch (queued.at) {
      case place::held:
        return;
      case place::later:
        later_.erase({queued.what.due, queued.what.id});
        return;
      case place::ready:
        ready_.erase(rank_of(queued));
        pass_on(queued);
        return;
      case place::parked:
        const auto slot = slots_.find(*queued.parked_at);
        slot->second.waiting.erase(rank_of(queued));
        --parked_;
        drop_if_unused(slot);
        return;
    }
  }

  /// Takes a place under each of the job's limits, or parks it at the first that has none.
  bool take_slots(queued_job& queued, const rank& place_in_line) {
    if (!queued.limits) return true;
    for (const concurrency_limit& limit : *queued.limits) {
      const auto found = slots_.try_emplace(limit.key).first;
      if (found->second.used < limit.limit) continue;
      queued.at = place::parked;
      queued.parked_at = &found->first;
      found->second.waiting.insert(place_in_line);
      ++parked_;
      // It may have been called for a place under another limit: the next job for that place is called.
      for (const concurrency_limit& other : *queued.limits) {
        if (other.key != limit.key) call_next(slots_.try_emplace(other.key).first, other.limit);
      }
      return false;
    }
    for (const concurrency_limit& limit : *queued.limits) ++slots_.find(limit.key)->second.used;
    return true;
  }

  /// A job that was called for a place, and leaves without taking it, calls the next one.
  void pass_on(const queued_job& left) {
    if (!left.limits) return;
    for (const concurrency_limit& limit : *left.limits)
      call_next(slots_.try_emplace(limit.key).first, limit.limit);
  }

  void call_next(slots::iterator slot, std::optional<int> limit = std::nullopt) {
    const bool has_room = !limit || slot->second.used < *limit;
    if (has_room && !slot->second.waiting.empty()) {
      const std::uint64_t id = slot->second.waiting.extract(slot->second.waiting.begin()).value().second;
      --parked_;
      become_ready(id);
    }
    drop_if_unused(slot);
  }

  void drop_if_unused(slots::iterator slot) {
    if (slot->second.used == 0 && slot->second.waiting.empty()) slots_.erase(slot);
  }

  std::unordered_map<std::uint64_t, queued_job> entries_;
  std::set<rank> later_;
  std::set<rank> ready_;
  slots slots_;
  std::unordered_map<std::uint64_t, std::shared_ptr<const concurrency_limits>> under_way_;
  std::size_t parked_ = 0;
};

}  // namespace inngest::embedded
