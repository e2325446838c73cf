#pragma once

#include <optional>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/steps.hpp>
#include <inngest/protocol/memo.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

INNGEST_INLINE step_end step_end::failure(const run_error& error, int attempt) {
  return {memo_of(error), progress::step_failed, words_of(error), attempt};
}

INNGEST_INLINE pending_step& steps::begin(active_run& run, const job& call, const reported_operation& op,
                                          progress what, const std::string& detail, timestamp now) {
  state_.journal.notify(run, {.at = now,
                              .what = what,
                              .step = op.shown_name(),
                              .attempt = call.attempt,
                              .detail = detail,
                              .step_id = op.id});
  return run.pending.emplace(op.id, pending_step{.name = op.shown_name(), .begun = now}).first->second;
}

INNGEST_INLINE void steps::begin_wait(active_run& run, const job& call, const reported_operation& op,
                                      wait_record wait, shared_expression condition, timestamp until,
                                      timestamp now) {
  constexpr std::size_t longest = 300;
  std::string awaited = wait.signal.empty() ? wait.event_name : wait.signal;
  if (!wait.expression.empty()) awaited += " if " + shortened(wait.expression, longest);
  pending_step& pending = begin(run, call, op, progress::wait_started, awaited, now);
  pending.job = state_.jobs.add_timer(run, job::kind::wait_timeout, op, until, now);
  pending.waits = true;
  state_.waits.add(wait, std::move(condition));
  state_.journal.changes.added_waits.push_back(std::move(wait));
}

INNGEST_INLINE void steps::end(active_run& run, const step_hash& step, const step_end& result,
                               timestamp now) {
  const auto found = run.pending.find(step);
  if (found == run.pending.end()) return;  // it has already timed out
  const pending_step pending = std::move(run.pending.extract(found).mapped());
  if (pending.waits) forget_wait({run.id(), step});
  if (pending.job) state_.jobs.remove(run, *pending.job);
  state_.journal.notify(run, {.at = now,
                              .what = result.what,
                              .step = pending.name,
                              .attempt = result.attempt,
                              .duration = now - pending.begun,
                              .detail = result.detail,
                              .step_id = step});
  remember(run, {.step = step, .text = result.memo, .name = pending.name, .begun = pending.begun});
  state_.jobs.continue_run(run, now);
}

INNGEST_INLINE void steps::end_reported(active_run& run, const reported_operation& op, int attempt,
                                        timestamp now) {
  if (run.memos.contains(op.id)) return;
  state_.journal.note_metadata(run, op, std::nullopt, state_.ids, now);
  const auto planned = run.pending.find(op.id);
  memo_record memo{.step = op.id,
                   .name = op.shown_name(),
                   .begun = planned == run.pending.end() ? now : planned->second.begun};
  if (op.kind == operation_kind::step_completed) {
    state_.journal.notify_step(run, op, progress::step_completed, attempt, shortened(op.data), now);
    memo.text = protocol::memo_of_data(op.data);
  } else {
    const std::string words = words_of(read_error(op.error));
    state_.journal.notify_step(run, op, progress::step_failed, attempt, words, now);
    memo.text = "{\"error\":" + (op.error.empty() ? "{}" : op.error) + "}";
  }
  remember(run, std::move(memo));
}

INNGEST_INLINE void steps::remember(active_run& run, memo_record memo) {
  run.pending.erase(memo.step);
  if (!run.memos.emplace(memo.step, memo.text).second) return;
  run.stack.push_back(memo.step);
  memo.run_id = run.id();
  state_.journal.changes.memos.push_back(std::move(memo));
}

INNGEST_INLINE void steps::forget_wait(const step_place& place) {
  if (state_.waits.remove(place)) state_.journal.changes.removed_waits.emplace_back(place.run_id, place.step);
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
