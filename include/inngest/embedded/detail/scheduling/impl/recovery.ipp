#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/recovery.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

INNGEST_INLINE recovery::recovery(scheduler_state& state, steps& steps, limits& limits, lifecycle& lifecycle,
                                  schedules& schedules)
    : state_(state), steps_(steps), limits_(limits), lifecycle_(lifecycle), schedules_(schedules) {}

INNGEST_INLINE void recovery::resume(unfinished_work& work, timestamp now) {
  for (const app_record& app : work.apps) resume_app(app);
  for (remembered_value& value : work.values) {
    if (pauses::is_pause(value))
      state_.pauses.load(value);
    else
      state_.flow.load(std::move(value));
  }
  for (run_record& record : work.runs) resume_run(std::move(record), work);
  for (memo_record& memo : work.memos) resume_memo(std::move(memo));
  for (const metadata_amount& stored : work.metadata) {
    if (active_run* run = state_.runs.find(stored.run_id)) run->metadata.add(stored);
  }
  for (const job& job : work.jobs) resume_job(job, now);
  for (const wait_record& wait : work.waits) resume_wait(wait);
  resume_invokes(work);
  for (const auto& [id, run] : state_.runs.all()) {
    assume_news(*run);
    if (state_.functions.find(run->record.run.function_slug)) lifecycle_.follow_timeouts(*run);
  }
  for (const job& job : work.jobs) {
    if (job.started) end_lost_attempt(job, now);
  }
}

INNGEST_INLINE void recovery::resume_app(const app_record& app) {
  for (function_definition& function : read_registration(app)) {
    const auto own = state_.functions.find(function.slug);
    if (!own || !own->url.empty()) state_.functions.add(std::move(function));
  }
}

INNGEST_INLINE void recovery::resume_run(run_record record, const unfinished_work& work) {
  const auto function = definition_for(record.run, work);
  auto run = std::make_unique<active_run>();
  run->record = std::move(record);
  const bool has_all_events = run->record.gathering.empty();
  if (!has_all_events) state_.runs.set_buffer(*run);
  active_run& known = state_.runs.add(std::move(run), function);
  state_.journal.meter.count_resumed(known);
  if (!has_all_events) return;
  limits_.resolve_keys(known);
  state_.jobs.hold_slots(known);
}

INNGEST_INLINE shared_function recovery::definition_for(const run& run, const unfinished_work& work) const {
  if (auto found = state_.functions.find(run.function_slug)) return found;
  function_definition out{.slug = run.function_slug, .name = run.function_id};
  out.uuid = function_uuid(out.slug);
  if (const std::string end = "-" + run.function_id; out.slug.ends_with(end))
    out.app_id = out.slug.substr(0, out.slug.size() - end.size());
  if (std::any_of(work.unreadable.begin(), work.unreadable.end(),
                  [](const unreadable_record& record) { return record.table == "apps"; }))
    out.retries = 1'000'000;
  return std::make_shared<const function_definition>(std::move(out));
}

INNGEST_INLINE void recovery::resume_memo(memo_record memo) {
  active_run* run = state_.runs.find(memo.run_id);
  if (!run) return;
  run->stack.push_back(memo.step);
  run->memos.emplace(memo.step, std::move(memo.text));
}

INNGEST_INLINE void recovery::resume_job(job job, timestamp now) {
  if (job.what == job::kind::schedule) return schedules_.restore(job);
  active_run* run = state_.runs.find(job.run_id);
  if (!run) return state_.jobs.note_removed(job.id);  // it has ended
  if (job.step) {
    pending_step& pending = run->pending[*job.step];
    pending = {.name = job.step_name, .begun = job.begun, .job = job.id};
  } else if (job.what == job::kind::call) {
    if (run->replay_job)
      state_.jobs.remove(*run, *run->replay_job);  // the later call replays the whole function
    run->replay_job = job.id;
  }
  if (job.started) return;  // see end_lost_attempt
  // Older versions planned when a throttle lets a run begin. Now its first call waits in line.
  if (is_call(job) && run->record.run.status == run_status::queued) job.due = (std::min)(job.due, now);
  state_.jobs.restore(*run, std::move(job));
}

INNGEST_INLINE void recovery::resume_wait(const wait_record& wait) {
  active_run* run = state_.runs.find(wait.run_id);
  if (!run) {  // it has ended
    state_.journal.changes.removed_waits.emplace_back(wait.run_id, wait.step);
    return;
  }
  pending_step& pending = run->pending[wait.step];
  if (!pending.job) pending = {.name = wait.step_name, .begun = wait.begun};
  pending.waits = true;
  state_.waits.add(wait,
                   wait.expression.empty() ? nullptr : std::make_shared<const expression>(wait.expression));
}

INNGEST_INLINE void recovery::resume_invokes(const unfinished_work& work) {
  for (const auto& [id, run] : state_.runs.all()) {
    if (!run->record.parent) continue;
    parent_step invoke = *run->record.parent;
    if (invoke.name.empty())
      invoke.name = run->record.run.function_id;  // a store of an older version has no name
    resume_invoke(invoke, run->record.run.queued_at);
  }
  for (const parent_step& invoke : work.steps_of_set_aside) {
    const active_run* parent = state_.runs.find(invoke.run_id);
    if (parent) resume_invoke(invoke, parent->record.run.queued_at);
  }
}

INNGEST_INLINE void recovery::resume_invoke(const parent_step& invoke, timestamp begun) {
  active_run* parent = state_.runs.find(invoke.run_id);
  if (!parent || parent->memos.contains(invoke.step)) return;  // it timed out
  parent->pending.emplace(invoke.step, pending_step{.name = invoke.name, .begun = begun});
}

INNGEST_INLINE void recovery::assume_news(active_run& run) {
  run.has_news = !run.memos.empty() && !run.pending.empty() && !run.replay_job;
}

INNGEST_INLINE void recovery::end_lost_attempt(const job& lost, timestamp now) {
  active_run* run = state_.runs.find(lost.run_id);
  if (!run) return;  // the app no longer has it; the store keeps the run
  state_.jobs.note_removed(lost.id);
  if (run->replay_job == lost.id) run->replay_job.reset();
  if (!lost.step && run->replay_job) return;  // another call replays the whole function anyway
  const std::string what = lost.step ? "step \"" + lost.step_name + "\"" : std::string("the function");
  const run_error error{"ProcessEnded", "the process ended while " + what + " ran"};
  if (lost.attempt + 1 < run->max_attempts()) {
    retry_lost(*run, lost, error, now);
  } else if (lost.step) {
    run->pending[*lost.step].job.reset();
    steps_.end(*run, *lost.step, step_end::failure(error, lost.attempt), now);
  } else {
    lifecycle_.fail(*run, lost.attempt, error, now);
  }
}

INNGEST_INLINE void recovery::retry_lost(active_run& run, const job& lost, const run_error& error,
                                         timestamp now) {
  state_.journal.notify(run, {.at = now,
                              .what = lost.step ? progress::step_retried : progress::run_retried,
                              .step = lost.step_name,
                              .attempt = lost.attempt,
                              .detail = words_of(error),
                              .step_id = lost.step});
  job next = lost;
  ++next.attempt;
  next.due = now;
  next.started = false;
  const std::uint64_t id = state_.jobs.add(run, std::move(next));
  if (lost.step)
    run.pending[*lost.step].job = id;
  else
    run.replay_job = id;
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
