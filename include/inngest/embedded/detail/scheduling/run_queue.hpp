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

#include <inngest/config.hpp>
#include <inngest/embedded/store.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

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
           std::shared_ptr<const concurrency_limits> limits = nullptr);

  /// Makes a job available from its time on.
  void release(std::uint64_t id);

  /// Takes out a job that was not taken yet, if it is there.
  void remove(std::uint64_t id);

  /// Gives a job that was not taken yet other limits.
  void set_limits(std::uint64_t id, std::shared_ptr<const concurrency_limits> limits);

  const job* find(std::uint64_t id) const;

  /// Takes the next job that is due and may be done now. A call that is taken counts as under way until
  /// finished().
  std::optional<job> take(timestamp now);

  /// A call that was taken has ended: others may take its place.
  void finished(std::uint64_t id);

  /// When the next job is due; nothing when there is none.
  std::optional<timestamp> next_due() const;

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

  void become_ready(std::uint64_t id);

  void leave(queued_job& queued);

  /// Takes a place under each of the job's limits, or parks it at the first that has none.
  bool take_slots(queued_job& queued, const rank& place_in_line);

  /// A job that was called for a place, and leaves without taking it, calls the next one.
  void pass_on(const queued_job& left);

  void call_next(slots::iterator slot, std::optional<int> limit = std::nullopt);

  void drop_if_unused(slots::iterator slot);

  std::unordered_map<std::uint64_t, queued_job> entries_;
  std::set<rank> later_;
  std::set<rank> ready_;
  slots slots_;
  std::unordered_map<std::uint64_t, std::shared_ptr<const concurrency_limits>> under_way_;
  std::size_t parked_ = 0;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/run_queue.ipp>
#endif
