#pragma once

#include <chrono>
#include <deque>
#include <string>
#include <utility>

#include <inngest/embedded/detail/reported_operation.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>

namespace inngest::embedded::scheduling {

/// What has changed and must be committed, and what has happened in the runs, both in order.
struct change_journal {
  embedded::changes changes{};
  /// Each entry comes with its run, without the run's timeline.
  std::deque<std::pair<run, timeline_entry>> progress{};
  /// Without it, only failures are collected in `progress`.
  bool wants_progress = false;

  /// Notes a new run, or one whose record is written anew.
  void write(const active_run& run) { changes.runs.push_back(run.record); }

  /// Notes the status of a run, and how it ended.
  void update(const active_run& run) {
    const embedded::run& now = run.record.run;
    changes.run_updates.push_back({.id = now.id,
                                   .status = now.status,
                                   .started_at = now.started_at,
                                   .ended_at = now.ended_at,
                                   .output_text = now.output_text,
                                   .error = now.error});
  }

  /// Adds an entry to the run's timeline.
  void notify(active_run& run, timeline_entry entry) {
    if (wants_progress || is_failure(entry.what)) progress.emplace_back(run.record.run, entry);
    changes.timeline.push_back(
        {.run_id = run.id(), .entry = std::move(entry), .position = ++run.record.timeline_size});
  }

  /// Adds an entry about a step that the app ran.
  void notify_step(active_run& run, const reported_operation& op, embedded::progress what, int attempt,
                   std::string detail, timestamp now) {
    notify(run, {.at = now,
                 .what = what,
                 .step = op.shown_name(),
                 .attempt = attempt,
                 .duration = std::chrono::microseconds(op.took / 1000),
                 .detail = std::move(detail)});
  }

 private:
  static bool is_failure(embedded::progress what) {
    using embedded::progress;
    return what == progress::run_retried || what == progress::step_retried || what == progress::step_failed ||
           what == progress::run_failed;
  }
};

}  // namespace inngest::embedded::scheduling
