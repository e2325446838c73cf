#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/time/timestamp.hpp>

// Requests to a server about runs, and the answers: see runs.hpp.

namespace inngest::inline INNGEST_ABI {

enum class run_status;

/// The time by which runs are selected and ordered.
enum class run_time { queued, started, ended };

/// Selects runs of a server.
struct run_filter {
  /// Runs of any of these statuses; empty selects all. `skipped` and `unknown` can't be selected.
  std::vector<run_status> statuses{};
  /// Runs of these apps, by id. Empty selects the client's own app if `functions` is set, otherwise all apps.
  std::vector<std::string> apps{};
  /// Runs of these functions, by the id within the app; empty selects all.
  std::vector<std::string> functions{};
  /// Runs whose time is this or later.
  std::optional<timestamp> from{};
  /// Runs whose time is before this.
  std::optional<timestamp> until{};
  /// The time that `from`, `until` and the order refer to.
  run_time by = run_time::queued;
  /// Whether the oldest runs come first.
  bool oldest_first = false;
  /// Runs started by basic_context::defer (true), or all others (false); `nullopt` selects both.
  std::optional<bool> is_deferred{};
  /// Whether to also request the outputs of the runs.
  bool with_output = true;
  /// The maximum number of runs in a page: 1 to 100.
  int limit = 20;
  /// The cursor of the previous page; empty for the first page.
  std::string cursor{};
};

/// A part of a run in its trace: the run itself, a step, or an attempt.
struct trace_span {
  std::string id{};    ///< the span's id
  std::string name{};  ///< "Run", the step's name, or for example "Attempt 0"
  /// The status as sent by the server: WAITING, RUNNING, COMPLETED, FAILED, CANCELLED, SKIPPED.
  std::string status{};
  /// The kind of step, such as RUN, SLEEP, WAIT_FOR_EVENT or INVOKE; empty for other spans.
  std::string step_op{};
  std::string step_id{};                  ///< the step's hashed id; empty for other spans
  std::optional<timestamp> queued_at{};   ///< when it could begin
  std::optional<timestamp> started_at{};  ///< when it began
  std::optional<timestamp> ended_at{};    ///< when it ended
  /// How long it took; `nullopt` before it ended.
  std::optional<std::chrono::milliseconds> duration{};
  std::string input_text{};            ///< as JSON; empty when there is none, or it was not requested
  std::string output_text{};           ///< as JSON; empty when there is none, or it was not requested
  std::vector<trace_span> children{};  ///< in the order in which they began
};

/// Selects runs to cancel. Servers cancel a run when its next step is about to begin.
struct bulk_cancel {
  /// The function's id within its app.
  std::string function{};
  /// The function's app; empty for the client's own.
  std::string app{};
  /// Selects runs that were queued at this time or later; `nullopt` sets no limit.
  std::optional<timestamp> started_after{};
  /// Selects runs that were queued at this time or earlier. Must not be in the future; `nullopt` means now.
  std::optional<timestamp> started_before{};
  /// A condition for the run's event, such as "event.data.user == 'x'"; empty selects every run.
  std::string condition{};
};

/// A bulk cancellation on the server.
struct bulk_cancellation {
  std::string id{};                           ///< its id
  std::string function_id{};                  ///< the server's own id of the function
  std::optional<timestamp> created_at{};      ///< when it was created
  std::optional<timestamp> started_after{};   ///< see bulk_cancel
  std::optional<timestamp> started_before{};  ///< see bulk_cancel
  std::string condition{};                    ///< see bulk_cancel
};

}  // namespace inngest::inline INNGEST_ABI
