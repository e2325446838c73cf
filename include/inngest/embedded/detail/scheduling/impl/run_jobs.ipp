#pragma once

#include <algorithm>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/run_jobs.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

INNGEST_INLINE std::uint64_t run_jobs::add(active_run& run, job job) {
  job.id = ++last_job_;
  job.run_id = run.id();
  journal_.changes.added_jobs.push_back(job);
  enqueue(run, std::move(job));
  return last_job_;
}

INNGEST_INLINE std::uint64_t run_jobs::add_timer(active_run& run, job::kind what,
                                                 const reported_operation& op, timestamp due, timestamp now) {
  return add(run, {.what = what, .step = op.id, .step_name = op.shown_name(), .due = due, .begun = now});
}

INNGEST_INLINE job run_jobs::add_begun(active_run& run, timestamp now) {
  job begun{.id = ++last_job_, .what = job::kind::call, .run_id = run.id(), .due = now, .begun = now};
  journal_.changes.added_jobs.push_back(begun);
  journal_.changes.started_jobs.push_back(begun.id);
  begin_call(run, begun);
  return begun;
}

INNGEST_INLINE std::uint64_t run_jobs::add_schedule(job job) {
  job.id = ++last_job_;
  journal_.changes.added_jobs.push_back(job);
  queue_.add(std::move(job));
  return last_job_;
}

INNGEST_INLINE void run_jobs::replay(active_run& run, timestamp due, timestamp now) {
  run.has_news = false;
  run.replay_job = add(run, {.what = job::kind::call, .due = due, .begun = now});
}

INNGEST_INLINE void run_jobs::continue_run(active_run& run, timestamp now) {
  if (!run.replay_job) replay(run, now, now);
}

INNGEST_INLINE void run_jobs::replace(active_run& run, const job& call, job next) {
  const std::uint64_t id = add(run, std::move(next));
  if (!call.step) {
    run.replay_job = id;
    return;
  }
  if (const auto planned = run.pending.find(*call.step); planned != run.pending.end())
    planned->second.job = id;
}

INNGEST_INLINE void run_jobs::retry(active_run& run, const job& call, const http::response& answer,
                                    timestamp now) {
  if (!call.step && run.replay_job) return;  // another call replays the whole function anyway
  job next = call;
  ++next.attempt;
  next.due = detail::add_saturated(now, delay_(call.attempt));
  if (const auto after = answer.headers.find(protocol::header::retry_after))
    next.due = retry_after(*after, now).value_or(next.due);
  replace(run, call, std::move(next));
  if (call.step && run.has_news && !has_awaited_siblings(run, now)) continue_run(run, now);
}

INNGEST_INLINE void run_jobs::postpone(active_run& run, const job& call, timestamp due) {
  if (!call.step && run.replay_job) return;  // another call replays the whole function anyway
  job next = call;
  next.due = due;
  replace(run, call, std::move(next));
}

INNGEST_INLINE void run_jobs::move(active_run& run, std::uint64_t id, timestamp due) {
  const job* found = queue_.find(id);
  if (!found || !run.jobs.contains(id)) return;
  job next = *found;
  remove(run, id);
  next.due = due;
  add(run, std::move(next));
}

INNGEST_INLINE const job* run_jobs::find_of_kind(const active_run& run, job::kind what) const {
  for (const std::uint64_t id : run.jobs) {
    const job* queued = queue_.find(id);
    if (queued && queued->what == what) return queued;
  }
  return nullptr;
}

INNGEST_INLINE timestamp run_jobs::first_call_queued(const active_run& run) const {
  const job* first = find_of_kind(run, job::kind::call);
  return first ? first->begun : run.record.run.queued_at;
}

INNGEST_INLINE void run_jobs::remove(active_run& run, std::uint64_t id) {
  if (run.jobs.erase(id) == 0) return;
  queue_.remove(id);
  journal_.changes.removed_jobs.push_back(id);
}

INNGEST_INLINE void run_jobs::remove_of_kind(active_run& run, job::kind what) {
  while (const job* queued = find_of_kind(run, what)) remove(run, queued->id);
}

INNGEST_INLINE void run_jobs::remove_all(const active_run& run) {
  for (const std::uint64_t id : run.jobs) {
    queue_.remove(id);
    journal_.changes.removed_jobs.push_back(id);
  }
  queue_.release_run(run.id());
}

INNGEST_INLINE void run_jobs::begin_call(active_run& run, const job& call) {
  ++calls_;
  ++run.calls;
  if (call.what == job::kind::request) return;
  run.last_call = call.id;
  if (!call.step) {
    run.last_replay = call.id;
    run.known_to_replay = run.known();
  }
  if (run.replay_job == call.id) run.replay_job.reset();
}

INNGEST_INLINE void run_jobs::end_call(const job& call) {
  queue_.finished(call.id);
  note_removed(call.id);
  --calls_;
}

INNGEST_INLINE void run_jobs::update_limits(const active_run& run) {
  for (const std::uint64_t id : run.jobs) {
    const job* queued = queue_.find(id);
    if (queued && is_call(*queued)) queue_.set_limits(id, run.limits);
  }
}

INNGEST_INLINE void run_jobs::hold_slots(const active_run& run) {
  if (run.limits && run.record.run.status == run_status::running) queue_.hold(run.id(), *run.limits);
}

INNGEST_INLINE bool run_jobs::has_awaited_siblings(const active_run& run, timestamp now) const {
  return std::any_of(run.pending.begin(), run.pending.end(), [&](const auto& entry) {
    const pending_step& pending = entry.second;
    if (!pending.is_awaited) return false;
    const job* queued = pending.job ? queue_.find(*pending.job) : nullptr;
    return !queued || queued->due <= now;
  });
}

INNGEST_INLINE void run_jobs::restore(active_run& run, job job) {
  const std::uint64_t id = job.id;
  enqueue(run, std::move(job));
  queue_.release(id);
}

INNGEST_INLINE void run_jobs::restore_schedule(job job) {
  const std::uint64_t id = job.id;
  queue_.add(std::move(job));
  queue_.release(id);
}

INNGEST_INLINE void run_jobs::enqueue(active_run& run, job job) {
  run.jobs.insert(job.id);
  if (is_call(job))  // calls of older runs come first
    queue_.add(std::move(job), run.record.run.queued_at - run.priority, run.limits);
  else
    queue_.add(std::move(job));
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
