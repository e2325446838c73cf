#pragma once

#include <chrono>
#include <deque>
#include <string>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/reported_operation.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

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
  void update(const active_run& run);

  /// Adds an entry to the run's timeline.
  void notify(active_run& run, timeline_entry entry);

  /// Adds an entry about a step that the app ran.
  void notify_step(active_run& run, const reported_operation& op, embedded::progress what, int attempt,
                   std::string detail, timestamp now);

 private:
  static bool is_failure(embedded::progress what);
};

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/change_journal.ipp>
#endif
