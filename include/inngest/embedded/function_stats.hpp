#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>

#include <inngest/config.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Statistics about a function's runs in a recent period.
struct run_stats {
  std::size_t runs = 0;       ///< runs that ended in the span
  std::size_t completed = 0;  ///< of these, the runs that completed
  std::size_t failed = 0;     ///< of these, the runs that failed
  std::size_t cancelled = 0;  ///< of these, the runs that were cancelled
  /// The share of failed runs among completed and failed ones, from 0 to 1; `nullopt` if there are none.
  std::optional<double> error_share{};
  /// The median duration of completed and failed runs, from the first call to the end; `nullopt` if there are
  /// none.
  std::optional<std::chrono::milliseconds> p50{};
  /// The 95th percentile of these durations.
  std::optional<std::chrono::milliseconds> p95{};
  double per_minute = 0;  ///< runs that ended per minute of the period, on average
  /// Whether only the newest 5,000 of the function's runs in the period were counted. The rate then refers to
  /// the time since the oldest of them.
  bool is_sample = false;
};

/// The result of engine::stats_of().
struct function_stats {
  run_stats hour{};  ///< of the last hour
  run_stats day{};   ///< of the last 24 hours

  /// The maximum number of runs that are counted.
  static constexpr std::size_t most = 5000;
};

/// Computes the statistics from a function's newest runs. `runs` has one more than `most` if there are more.
function_stats stats_of(std::span<const run_times> runs, timestamp now);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/impl/function_stats.ipp>
#endif
