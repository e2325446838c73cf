#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/enumeration.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The action of a bulk operation on each run.
enum class bulk_action {
  cancel,  ///< cancels it, if it has not ended
  rerun,   ///< repeats it, if it has ended
  remove,  ///< removes it with everything that belongs to it, if it has ended
};

/// The state of a bulk operation.
enum class bulk_state {
  running,    ///< in progress; it continues after a restart
  completed,  ///< all runs were processed
  stopped,    ///< ended by engine::stop_bulk(); completed changes are kept
};

}  // namespace inngest::inline INNGEST_ABI::embedded

namespace inngest::inline INNGEST_ABI::detail {

// Files store the numbers: add enumerators only at the end.

template <>
inline constexpr auto enumerators<embedded::bulk_action> = std::to_array<enumerator<embedded::bulk_action>>({
    {embedded::bulk_action::cancel, "cancel"},
    {embedded::bulk_action::rerun, "rerun"},
    {embedded::bulk_action::remove, "remove"},
});

template <>
inline constexpr auto enumerators<embedded::bulk_state> = std::to_array<enumerator<embedded::bulk_state>>({
    {embedded::bulk_state::running, "running"},
    {embedded::bulk_state::completed, "completed"},
    {embedded::bulk_state::stopped, "stopped"},
});

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI::embedded {

/// The action's name, such as "rerun".
constexpr std::string_view to_string(bulk_action what) { return detail::name_of(what); }
/// The state's name, such as "running".
constexpr std::string_view to_string(bulk_state state) { return detail::name_of(state); }

/// Why a bulk operation could not process a run.
struct bulk_problem {
  std::string run_id{};  ///< the run; empty for a problem of the whole operation
  std::string text{};    ///< such as "Step not found in original run"
};

/// The maximum number of problems that a bulk operation stores: the first ones. Further ones are only
/// counted.
inline constexpr std::size_t max_bulk_problems = 20;

/// A bulk operation and its progress. It is stored, so that it survives a restart; ended operations are
/// removed after engine_options::history.
struct bulk_operation {
  std::string id{};                        ///< a ULID made by the engine
  bulk_action what{};                      ///< the action on each run
  bulk_state state = bulk_state::running;  ///< whether it is still in progress
  /// The selected runs: the JSON object that `POST /api/bulk` takes as `filter`.
  std::string filter = "{}";
  std::string from_step{};               ///< see bulk_request::from_step
  bool from_failed_step = false;         ///< see bulk_request::from_failed_step
  std::size_t per_second = 0;            ///< see bulk_request::per_second
  std::size_t total = 0;                 ///< number of runs that matched when it began
  std::size_t done = 0;                  ///< number of runs that it has cancelled, repeated or removed
  std::size_t failed = 0;                ///< number of runs that it could not process; see `problems`
  std::vector<bulk_problem> problems{};  ///< the first problems
  timestamp created_at{};                ///< when it began; later runs are not affected
  std::optional<timestamp> ended_at{};   ///< when it completed or was stopped; `nullopt` before
  /// Where it continues: run_query::before of its next page. Empty at the beginning.
  std::string cursor{};
};

}  // namespace inngest::inline INNGEST_ABI::embedded
