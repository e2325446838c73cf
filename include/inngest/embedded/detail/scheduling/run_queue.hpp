#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/function_ref.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/time/detail/saturated.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The maximum number of concurrent jobs with the same key, or of runs: a run holds its slot from its first
/// job until release_run().
struct concurrency_limit {
  std::string key{};
  int limit = 0;
  bool holds_for_run = false;
};
using concurrency_limits = std::vector<concurrency_limit>;

/// Whether a due job may be taken now. Jobs with a key that may not be taken wait together until
/// retry_blocked(). With a line, a job that may not be taken waits in that line for its turn instead.
struct job_passage {
  bool is_open = true;
  const std::string* key = nullptr;
  const std::string* line = nullptr;
  timestamp turn{};                      // of the first in the line
  std::chrono::milliseconds interval{};  // from one turn to the next
};
using job_gate = detail::function_ref<job_passage(const job&)>;

inline constexpr auto open_gate = [](const job&) { return job_passage{}; };

/// Jobs ordered by due time. Of the due jobs, timers come first, then calls by position, if their concurrency
/// limits allow it. Not thread-safe.
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
  /// Whether the gate did not let the job pass when it was last asked. False while the job waits for a slot.
  bool is_refused(std::uint64_t id) const;

  /// Takes the next due job that its limits and the gate allow. A taken call is in progress until finished().
  /// The gate is asked last, so that it may reserve capacity for the job that it lets pass.
  std::optional<job> take(timestamp now, job_gate gate = open_gate);

  /// Asks the gate again for the jobs that it blocked: for the first one of each key, and for the next ones
  /// if that one may pass.
  void retry_blocked();

  /// Asks the gate again for every job that it blocked with this key, individually.
  void open_blocked(const std::string& key);
  /// Asks the gate again for every blocked job, individually.
  void open_all_blocked();

  /// Ends a taken call, and frees its slots for other calls.
  void finished(std::uint64_t id);

  /// Takes the slots of a run that has already started, even beyond the limits, unless it already holds some.
  void hold(const std::string& run_id, const concurrency_limits& limits);

  /// Frees the slots that the run holds.
  void release_run(const std::string& run_id);

  /// The due time of the next job; `nullopt` without jobs.
  std::optional<timestamp> next_due() const;

  /// The number of due calls that wait for a slot.
  std::size_t parked() const { return parked_; }
  /// Whether due jobs wait for the gate.
  bool has_blocked() const { return !blocked_.empty(); }
  /// Whether the job waits in a line.
  bool waits_in_line(std::uint64_t id) const;
  /// About when a job that waits in a line has its turn; `nullopt` when too many wait before it to count
  /// them.
  std::optional<timestamp> turn_of(std::uint64_t id) const;
  /// The number of jobs that were not taken.
  std::size_t size() const { return entries_.size(); }
  /// The number of taken jobs that hold slots.
  std::size_t under_way() const { return under_way_.size(); }
  /// The number of limit keys with slots that are in use or waited for.
  std::size_t slots_in_use() const { return slots_.size(); }

 private:
  using rank = std::pair<timestamp, std::uint64_t>;
  enum class place { held, later, ready, parked, blocked, in_line };

  struct queued_job {
    job what{};
    timestamp position{};
    std::shared_ptr<const concurrency_limits> limits{};
    place at = place::held;
    const std::string* waits_at = nullptr;  // the key of the limit, or of the gate
    bool is_refused = false;                // by the gate, when it was last asked
    int waits_below = 0;                    // the limit of the key at which it is parked
    std::string line{};                     // the last line in which it waited
  };

  /// Jobs that wait for their turns. A job that has its turn but no slot, or finds the gate closed, does not
  /// stop the line: the next one is called after the interval, and the gate decides which is first.
  struct line_of_jobs {
    std::set<rank> waiting{};
    timestamp turn{};  // when the first one is called
    std::chrono::milliseconds interval{};
  };
  using lines_of_jobs = std::map<std::string, line_of_jobs, std::less<>>;

  struct slot_state {
    int used = 0;
    /// The jobs that wait, by their limit: functions that share a key may limit it differently. Of those with
    /// the same limit, only the first can be next, so that a freed slot finds its job at once.
    std::map<int, std::set<rank>> waiting{};
  };
  using slot_states = std::unordered_map<std::string, slot_state>;

  using blocked_jobs = std::map<std::string, std::set<rank>, std::less<>>;

  rank rank_of(const queued_job& queued) const { return {queued.position, queued.what.id}; }

  void become_ready(std::uint64_t id);

  void leave(queued_job& queued);

  /// Whether the job needs no slot of the limit because its run already holds one.
  bool is_held(const concurrency_limit& limit, const std::string& run_id) const {
    return limit.holds_for_run && holders_.contains(run_id);
  }

  /// Takes a slot of each of the job's limits, or parks the job at the first limit without a free slot.
  bool take_slots(queued_job& queued, const rank& place_in_line);

  void park(queued_job& queued, const rank& place_in_line, const concurrency_limit& limit);

  /// Offers the slots that the job does not take to the next jobs.
  void pass_on(const queued_job& queued);

  /// Makes the first of the jobs ready that wait for the slot and whose limits allow it.
  void call_next(slot_states::iterator slot);

  void drop_if_unused(slot_states::iterator slot);

  /// Frees the slots of a call. Also offers those that its run would hold, because the gate may stop the call
  /// before the run holds them.
  void free_slots(const concurrency_limits& limits);

  void block(queued_job& queued, const rank& place_in_line, const std::string& key);

  /// Makes the first job that waits at the gate with this key ready.
  void open(blocked_jobs::iterator group);
  /// The same, if there is a key and a job.
  void open_next(const std::string* key);

  void stand_in_line(queued_job& queued, const rank& place_in_line, const job_passage& passage);

  /// Makes the first job of every line ready whose turn it is.
  void call_lines(timestamp now);

  /// Makes the first job of the line ready, because the one before does not need its turn any more.
  void call_next_in_line(const std::string& name);

  void set_turn(lines_of_jobs::iterator line, timestamp turn);

  void leave_line(lines_of_jobs::iterator line, const rank& place_in_line);

  std::unordered_map<std::uint64_t, queued_job> entries_;
  std::set<rank> later_;
  std::set<rank> ready_;
  slot_states slots_;
  blocked_jobs blocked_;
  lines_of_jobs lines_;
  std::set<std::pair<timestamp, std::string>> turns_;  // of the lines
  std::unordered_map<std::uint64_t, std::shared_ptr<const concurrency_limits>> under_way_;
  std::unordered_map<std::string, std::vector<std::string>> holders_;  // keys of held slots, by run
  std::size_t parked_ = 0;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/run_queue.ipp>
#endif
