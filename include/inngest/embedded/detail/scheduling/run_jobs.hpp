#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

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

/// Whether the job cancels its run because it takes too long.
inline bool is_timeout_of_run(const job& job) {
  return job.what == job::kind::start_timeout || job.what == job::kind::finish_timeout;
}

/// The jobs of all runs. Keeps the queue, the runs and the journal consistent.
class run_jobs {
 public:
  using retry_delay = std::function<duration_ms(int attempt)>;

  run_jobs(change_journal& journal, retry_delay delay) : journal_(journal), delay_(std::move(delay)) {}

  /// Gives new jobs higher ids than this one.
  void count_from(std::uint64_t last) { last_job_ = last; }

  // ---- adding -------------------------------------------------------------------------------------------

  /// Adds a job and returns its new id. The job becomes available once its change is committed.
  std::uint64_t add(active_run& run, job job);

  /// Adds the timer of a step.
  std::uint64_t add_timer(active_run& run, job::kind what, const reported_operation& op, timestamp due,
                          timestamp now);

  /// Adds a call of the whole function that is already in progress.
  job add_begun(active_run& run, timestamp now);

  /// Adds a schedule's job, which belongs to no run.
  std::uint64_t add_schedule(job job);

  /// Calls the whole function at a given time, with all results that exist by then.
  void replay(active_run& run, timestamp due, timestamp now);

  /// Replays the run after a new result, once for all results that arrive in the meantime. Steps that were
  /// planned earlier run first, because they are earlier in the queue.
  void continue_run(active_run& run, timestamp now);

  /// Replaces the job of a call with another one.
  void replace(active_run& run, const job& call, job next);

  /// Repeats the call later, as the next attempt.
  void retry(active_run& run, const job& call, const http::response& answer, timestamp now);

  /// Repeats the call at a time, as the same attempt.
  void postpone(active_run& run, const job& call, timestamp due);

  /// Changes the due time of a timer that was not taken. The timer gets a new id.
  void move(active_run& run, std::uint64_t id, timestamp due);

  /// The run's timer of the kind; null for none, or when it was taken.
  const job* find_of_kind(const active_run& run, job::kind what) const;

  /// When the first call of a run that has not started was queued, which may be after the run.
  timestamp first_call_queued(const active_run& run) const;

  // ---- removing -----------------------------------------------------------------------------------------

  /// Removes a job that was not taken.
  void remove(active_run& run, std::uint64_t id);

  void remove_of_kind(active_run& run, job::kind what);

  /// Removes the jobs of a run that ends.
  void remove_all(const active_run& run);

  /// Adds the removal of a job to the journal.
  void note_removed(std::uint64_t id) { journal_.changes.removed_jobs.push_back(id); }

  // ---- calls --------------------------------------------------------------------------------------------

  /// Records that a function call or a step request is in progress.
  void begin_call(active_run& run, const job& call);

  void end_call(const job& call);

  int calls() const { return calls_; }

  // ---- the queue ----------------------------------------------------------------------------------------

  std::optional<job> take(timestamp now, job_gate gate) { return queue_.take(now, gate); }
  void retry_blocked() { queue_.retry_blocked(); }
  /// See run_queue::open_blocked.
  void open_blocked(const std::string& key) { queue_.open_blocked(key); }
  void open_all_blocked() { queue_.open_all_blocked(); }
  std::optional<timestamp> next_due() const { return queue_.next_due(); }
  /// Makes a job available after its change was committed.
  void release(std::uint64_t id) { queue_.release(id); }
  const run_queue& queue() const { return queue_; }

  /// Applies the run's limits to its calls that were not taken.
  void update_limits(const active_run& run);

  /// Takes the slots that the run holds until it ends, if it has already started.
  void hold_slots(const active_run& run);

  /// Whether a step of a parallel group is running or about to run. A step that waits for a retry does not
  /// count.
  bool has_awaited_siblings(const active_run& run, timestamp now) const;

  // ---- restart: jobs that the store already has ---------------------------------------------------------

  void restore(active_run& run, job job);

  void restore_schedule(job job);

 private:
  void enqueue(active_run& run, job job);

  change_journal& journal_;
  retry_delay delay_;
  run_queue queue_;
  std::uint64_t last_job_ = 0;
  int calls_ = 0;  // number of calls in progress
};

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/run_jobs.ipp>
#endif
