#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/reported_operation.hpp>
#include <inngest/embedded/detail/retry.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>
#include <inngest/embedded/detail/scheduling/change_journal.hpp>
#include <inngest/embedded/detail/scheduling/run_queue.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/http.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/time/detail/saturated.hpp>
#include <inngest/time/duration.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

inline bool is_call(const job& job) { return job.what == job::kind::call || job.what == job::kind::request; }

/// The jobs of all runs: in the queue, in their runs, and in the journal.
class run_jobs {
 public:
  using retry_delay = std::function<duration_ms(int attempt)>;

  run_jobs(change_journal& journal, retry_delay delay) : journal_(journal), delay_(std::move(delay)) {}

  /// New jobs get higher ids than this one.
  void count_from(std::uint64_t last) { last_job_ = last; }

  // ---- adding -------------------------------------------------------------------------------------------

  /// Gives the job its id, which is returned. It is due once its change is committed.
  std::uint64_t add(active_run& run, job job);

  /// Adds the timer of a step.
  std::uint64_t add_timer(active_run& run, job::kind what, const reported_operation& op, timestamp due,
                          timestamp now);

  /// Adds a schedule's job, which belongs to no run.
  std::uint64_t add_schedule(job job);

  /// Calls the whole function at a time, with all results that there are then.
  void replay(active_run& run, timestamp due, timestamp now);

  /// The run has a new result: it is replayed, once for all results until then. Steps that were planned
  /// before are called first, as they are first in the queue.
  void continue_run(active_run& run, timestamp now);

  /// Puts a job in the place of a call's.
  void replace(active_run& run, const job& call, job next);

  /// Makes the call again later, as the next attempt.
  void retry(active_run& run, const job& call, const http::response& answer, timestamp now);

  /// Makes the call again at a time, as the same attempt.
  void postpone(active_run& run, const job& call, timestamp due);

  // ---- removing -----------------------------------------------------------------------------------------

  /// Removes a job, unless it was taken.
  void remove(active_run& run, std::uint64_t id);

  void remove_of_kind(active_run& run, job::kind what);

  /// Removes the jobs of a run that ends.
  void remove_all(const active_run& run);

  /// Notes that a job is no longer in the queue.
  void note_removed(std::uint64_t id) { journal_.changes.removed_jobs.push_back(id); }

  // ---- calls --------------------------------------------------------------------------------------------

  /// A call, of the app or of somebody else, is under way.
  void begin_call(active_run& run, const job& call);

  void end_call(const job& call);

  int calls() const { return calls_; }

  // ---- the queue ----------------------------------------------------------------------------------------

  std::optional<job> take(timestamp now) { return queue_.take(now); }
  std::optional<timestamp> next_due() const { return queue_.next_due(); }
  /// The job's change is committed: it is available from its time on.
  void release(std::uint64_t id) { queue_.release(id); }
  const run_queue& queue() const { return queue_; }

  /// Gives the calls of a run that were not taken the run's limits.
  void update_limits(const active_run& run);

  /// Whether a step of a parallel group is running or about to. One that waits for another attempt is not.
  bool has_awaited_siblings(const active_run& run, timestamp now) const;

  // ---- restart: jobs that the store has already ---------------------------------------------------------

  void restore(active_run& run, job job);

  void restore_schedule(job job);

 private:
  void enqueue(active_run& run, job job);

  change_journal& journal_;
  retry_delay delay_;
  run_queue queue_;
  std::uint64_t last_job_ = 0;
  int calls_ = 0;  // that are being made
};

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/run_jobs.ipp>
#endif
