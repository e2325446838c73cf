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

/// The most jobs with the same key that may be under way at the same time.
struct concurrency_limit {
  std::string key{};
  int limit = 0;
};
using concurrency_limits = std::vector<concurrency_limit>;

/// Jobs in the order of their due time. Of the jobs that are due, timers come first, and then calls by
/// position, if their concurrency limits allow it. One thread at a time.
class run_queue {
 public:
  /// Adds a job that is not available until release(), because its change must be committed first. Of several
  /// due calls, the one with the lowest `position` comes first.
  void add(job job, timestamp position = (timestamp::min)(),
           std::shared_ptr<const concurrency_limits> limits = nullptr);

  /// Makes a job available at its due time.
  void release(std::uint64_t id);

  /// Removes a job that was not taken, if it exists.
  void remove(std::uint64_t id);

  /// Changes the limits of a job that was not taken.
  void set_limits(std::uint64_t id, std::shared_ptr<const concurrency_limits> limits);

  const job* find(std::uint64_t id) const;

  /// Takes the next job that is due and that its limits allow. A taken call is under way until finished().
  std::optional<job> take(timestamp now);

  /// Ends a taken call, and frees its slots for other calls.
  void finished(std::uint64_t id);

  /// The due time of the next job; `nullopt` without jobs.
  std::optional<timestamp> next_due() const;

  /// The number of due calls that wait for a slot.
  std::size_t parked() const { return parked_; }
  /// The number of jobs that were not taken.
  std::size_t size() const { return entries_.size(); }
  /// The number of taken jobs that hold slots.
  std::size_t under_way() const { return under_way_.size(); }
  /// The number of limit keys with slots that are in use or waited for.
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
  using slot_states = std::unordered_map<std::string, slot_state>;

  rank rank_of(const queued_job& queued) const { return {queued.position, queued.what.id}; }

  void become_ready(std::uint64_t id);

  void leave(queued_job& queued);

  /// Takes a slot of each of the job's limits, or parks the job at the first limit without a free slot.
  bool take_slots(queued_job& queued, const rank& place_in_line);

  /// Offers the free slots of a job that leaves the queue to the next jobs.
  void pass_on(const queued_job& left);

  void call_next(slot_states::iterator slot, std::optional<int> limit = std::nullopt);

  void drop_if_unused(slot_states::iterator slot);

  std::unordered_map<std::uint64_t, queued_job> entries_;
  std::set<rank> later_;
  std::set<rank> ready_;
  slot_states slots_;
  std::unordered_map<std::uint64_t, std::shared_ptr<const concurrency_limits>> under_way_;
  std::size_t parked_ = 0;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/run_queue.ipp>
#endif
