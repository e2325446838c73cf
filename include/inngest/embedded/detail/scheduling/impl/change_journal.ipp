#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/run_errors.hpp>
#include <inngest/embedded/detail/scheduling/change_journal.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

INNGEST_INLINE void change_journal::update(const active_run& run) {
  const embedded::run& now = run.record.run;
  changes.run_updates.push_back({.id = now.id,
                                 .status = now.status,
                                 .started_at = now.started_at,
                                 .ended_at = now.ended_at,
                                 .output_text = now.output_text,
                                 .error = now.error});
}

INNGEST_INLINE void change_journal::notify(active_run& run, timeline_entry entry) {
  meter.count(run, entry);
  if (wants_progress || is_failure(entry.what)) progress.emplace_back(run.record.run, entry);
  changes.timeline.push_back(
      {.run_id = run.id(), .entry = std::move(entry), .position = ++run.record.timeline_size});
}

INNGEST_INLINE void change_journal::notify_step(active_run& run, const reported_operation& op,
                                                embedded::progress what, int attempt, std::string detail,
                                                timestamp now) {
  notify(run, {.at = now,
               .what = what,
               .step = op.shown_name(),
               .attempt = attempt,
               .duration = std::chrono::microseconds(op.took / 1000),
               .detail = std::move(detail),
               .step_id = op.id});
}

INNGEST_INLINE void change_journal::note_error(const active_run& run, const std::string& step, int attempt,
                                               const run_error& error, std::string id, timestamp now) {
  if (error.text.empty()) return;
  changes.notes.push_back({.run_id = run.id(),
                           .id = std::move(id),
                           .what = run_note::kind::attempt_error,
                           .at = now,
                           .subject = step,
                           .name = std::to_string(attempt),
                           .text = short_text_of(error)});
}

INNGEST_INLINE bool change_journal::is_failure(embedded::progress what) {
  using embedded::progress;
  return what == progress::run_retried || what == progress::step_retried || what == progress::step_failed ||
         what == progress::run_failed;
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
