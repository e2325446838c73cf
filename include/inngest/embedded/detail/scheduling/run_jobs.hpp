#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

namespace inngest::embedded::scheduling {

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
  std::uint64_t add(active_run& run, job job) {
    job.id = ++last_job_;
    job.run_id = run.id();
    journal_.changes.added_jobs.push_back(job);
    enqueue(run, std::move(job));
    return last_job_;
  }

  /// Adds the timer of a step.
  std::uint64_t add_timer(active_run& run, job::kind what, const reported_operation& op, timestamp due,
                          timestamp now) {
    return add(run, {.what = what, .step = op.id, .step_name = op.shown_name(), .due = due, .begun = now});
  }

  /// Adds a schedule's job, which belongs to no run.
  std::uint64_t add_schedule(job job) {
    job.id = ++last_job_;
    journal_.changes.added_jobs.push_back(job);
    queue_.add(std::move(job));
    return last_job_;
  }

  /// Calls the whole function at a time, with all results that there are then.
  void replay(active_run& run, timestamp due, timestamp now) {
    run.has_news = false;
    run.replay_job = add(run, {.what = job::kind::call, .due = due, .begun = now});
  }

  /// The run has a new result: it is replayed, once for all results until then. Steps that were planned
  /// before are called first, as they are first in the queue.
  void continue_run(active_run& run, timestamp now) {
    if (!run.replay_job) replay(run, now, now);
  }

  /// Puts a job in the place of a call's.
  void replace(active_run& run, const job& call, job next) {
    const std::uint64_t id = add(run, std::move(next));
    if (!call.step) {
      run.replay_job = id;
      return;
    }
    if (const auto planned = run.pending.find(*call.step); planned != run.pending.end())
      planned->second.job = id;
  }

  /// Makes the call again later, as the next attempt.
  void retry(active_run& run, const job& call, const http::response& answer, timestamp now) {
    if (!call.step && run.replay_job) return;  // another call goes through the whole function anyway
    job next = call;
    ++next.attempt;
    next.due = detail::add_saturated(now, delay_(call.attempt));
    if (const auto after = answer.headers.find(protocol::header::retry_after))
      next.due = retry_after(*after, now).value_or(next.due);
    replace(run, call, std::move(next));
    if (call.step && run.has_news && !has_awaited_siblings(run, now)) continue_run(run, now);
  }

  /// Makes the call again at a time, as the same attempt.
  void postpone(active_run& run, const job& call, timestamp due) {
    if (!call.step && run.replay_job) return;  // another call goes through the whole function anyway
    job next = call;
    next.due = due;
    replace(run, call, std::move(next));
  }

  // ---- removing -----------------------------------------------------------------------------------------

  /// Removes a job, unless it was taken.
  void remove(active_run& run, std::uint64_t id) {
    if (run.jobs.erase(id) == 0) return;
    queue_.remove(id);
    journal_.changes.removed_jobs.push_back(id);
  }

  void remove_of_kind(active_run& run, job::kind what) {
    for (const std::uint64_t id : std::vector(run.jobs.begin(), run.jobs.end())) {
      const job* queued = queue_.find(id);
      if (queued && queued->what == what) remove(run, id);
    }
  }

  /// Removes the jobs of a run that ends.
  void remove_all(const active_run& run) {
    for (const std::uint64_t id : run.jobs) {
      queue_.remove(id);
      journal_.changes.removed_jobs.push_back(id);
    }
  }

  /// Notes that a job is no longer in the queue.
  void note_removed(std::uint64_t id) { journal_.changes.removed_jobs.push_back(id); }

  // ---- calls --------------------------------------------------------------------------------------------

  /// A call, of the app or of somebody else, is under way.
  void begin_call(active_run& run, const job& call) {
    ++calls_;
    ++run.calls;
    if (call.what == job::kind::request) return;
    run.last_call = call.id;
    if (!call.step) run.last_replay = call.id;
    if (run.replay_job == call.id) run.replay_job.reset();
  }

  void end_call(const job& call) {
    queue_.finished(call.id);
    note_removed(call.id);
    --calls_;
  }

  int calls() const { return calls_; }

  // ---- the queue ----------------------------------------------------------------------------------------

  std::optional<job> take(timestamp now) { return queue_.take(now); }
  std::optional<timestamp> next_due() const { return queue_.next_due(); }
  /// The job's change is committed: it is available from its time on.
  void release(std::uint64_t id) { queue_.release(id); }
  const run_queue& queue() const { return queue_; }

  /// Gives the calls of a run that were not taken the run's limits.
  void update_limits(const active_run& run) {
    for (const std::uint64_t id : run.jobs) {
      const job* queued = queue_.find(id);
      if (queued && is_call(*queued)) queue_.set_limits(id, run.limits);
    }
  }

  /// Whether a step of a parallel group is running or about to. One that waits for another attempt is not.
  bool has_awaited_siblings(const active_run& run, timestamp now) const {
    return std::any_of(run.pending.begin(), run.pending.end(), [&](const auto& entry) {
      const pending_step& pending = entry.second;
      if (!pending.is_awaited) return false;
      const job* queued = pending.job ? queue_.find(*pending.job) : nullptr;
      return !queued || queued->due <= now;
    });
  }

  // ---- restart: jobs that the store has already ---------------------------------------------------------

  void restore(active_run& run, job job) {
    const std::uint64_t id = job.id;
    enqueue(run, std::move(job));
    queue_.release(id);
  }

  void restore_schedule(job job) {
    const std::uint64_t id = job.id;
    queue_.add(std::move(job));
    queue_.release(id);
  }

 private:
  void enqueue(active_run& run, job job) {
    run.jobs.insert(job.id);
    if (is_call(job))  // those of the run that came first are made first
      queue_.add(std::move(job), run.record.run.queued_at - run.priority, run.limits);
    else
      queue_.add(std::move(job));
  }

  change_journal& journal_;
  retry_delay delay_;
  run_queue queue_;
  std::uint64_t last_job_ = 0;
  int calls_ = 0;  // that are being made
};

}  // namespace inngest::embedded::scheduling
