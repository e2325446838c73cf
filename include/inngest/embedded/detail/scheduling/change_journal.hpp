#pragma once

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/ulid.hpp>
#include <inngest/embedded/detail/reported_operation.hpp>
#include <inngest/embedded/detail/run_notes.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>
#include <inngest/embedded/detail/scheduling/run_meter.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

/// Metadata of a step that is not stored.
struct unstored_metadata {
  embedded::run run{};  // without timeline
  std::string step{};   // its id
  std::optional<int> attempt{};
  std::string problem{};
};

/// The changes to commit, and the timeline entries for on_progress, both in order.
struct change_journal {
  embedded::changes changes{};
  /// Entries with their runs. The runs have empty timelines.
  std::deque<std::pair<run, timeline_entry>> progress{};
  /// Steps of which metadata was left out, for the log.
  std::vector<unstored_metadata> unstored{};
  /// Whether `progress` collects all entries, or only failures.
  bool wants_progress = false;
  /// Counts all entries.
  run_meter meter{};

  /// Adds a new run, or one whose record is replaced.
  void write(const active_run& run) { changes.runs.push_back(run.record); }

  /// Adds a run's status and, if it has ended, how.
  void update(const active_run& run);

  /// Adds an entry to the run's timeline.
  void notify(active_run& run, timeline_entry entry);

  /// Adds an entry about a step that the app ran.
  void notify_step(active_run& run, const reported_operation& op, embedded::progress what, int attempt,
                   std::string detail, timestamp now);

  /// Adds the complete error of an attempt that will be retried, if it contains more than the timeline. `id`
  /// is a new ULID.
  void note_error(const active_run& run, const std::string& step, int attempt, const run_error& error,
                  std::string id, timestamp now);

  /// Adds the metadata that the body of a step has set: of the step, or of an attempt that will be retried.
  /// Leaves out what exceeds the limits of the run. `ids` makes the notes' ids.
  void note_metadata(active_run& run, const reported_operation& op, std::optional<int> attempt,
                     detail::ulid_source& ids, timestamp now);

 private:
  static bool is_failure(embedded::progress what);
};

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/change_journal.ipp>
#endif
