#pragma once

#include <chrono>

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

INNGEST_INLINE void change_journal::note_metadata(active_run& run, const reported_operation& op,
                                                  std::optional<int> attempt, detail::ulid_source& ids,
                                                  timestamp now) {
  if (op.metadata.changes.empty() && op.metadata.left_out.empty()) return;
  const std::string& step = op.user_id.empty() ? op.name : op.user_id;
  json target{{"step_id", step}};
  if (op.user_index > 0) target["step_index"] = op.user_index;
  if (attempt) target["step_attempt"] = *attempt;
  const std::string target_text = encode(target);
  left_out_metadata left_out = op.metadata.left_out;
  for (run_note note : op.metadata.changes) {
    note.target = target_text;
    if (const std::string limit = run.metadata.exceeded_with(note); !limit.empty()) {
      left_out.add(note.subject, "the run would have " + limit + " of metadata");
      continue;
    }
    run.metadata.add(note);
    note.run_id = run.id();
    note.id = ids.next(now);
    note.at = now;
    changes.notes.push_back(std::move(note));
  }
  if (left_out.empty()) return;
  unstored.push_back({.run = run.record.run, .step = step, .attempt = attempt, .problem = left_out.text()});
}

INNGEST_INLINE bool change_journal::is_failure(embedded::progress what) {
  using embedded::progress;
  return what == progress::run_retried || what == progress::step_retried || what == progress::step_failed ||
         what == progress::run_failed;
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
