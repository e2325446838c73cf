#pragma once

#include <cstddef>
#include <string>

#include <inngest/config.hpp>
#include <inngest/embedded/bulk_operation.hpp>
#include <inngest/embedded/store.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The maximum of bulk_request::per_second.
inline constexpr std::size_t max_bulk_per_second = 10'000;

/// Describes a bulk operation: see engine::begin_bulk().
struct bulk_request {
  /// The action on each run.
  bulk_action what = bulk_action::rerun;
  /// Selects the runs that match when the operation begins. `before`, `limit` and `oldest_first` are ignored.
  /// Only suitable runs are selected: unfinished ones for `cancel`, ended ones for `rerun` and `remove`.
  run_query runs{};
  /// Repeats each run from the step with this name or hashed id, like rerun_step::step; empty repeats the
  /// whole run. A run without the step counts as failed.
  std::string from_step{};
  /// Repeats each run from the step that failed, like rerun_step::from_failed_step. Selects only failed runs.
  bool from_failed_step = false;
  /// The maximum number of runs per second, from 1 to max_bulk_per_second.
  std::size_t per_second = 100;
};

}  // namespace inngest::inline INNGEST_ABI::embedded
