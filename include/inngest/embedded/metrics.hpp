#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <inngest/config.hpp>

// An engine's counters and measurements, and their text for Prometheus.

namespace inngest::inline INNGEST_ABI::embedded {

/// The distribution of durations.
struct duration_histogram {
  /// The upper bounds of the buckets in seconds. One more bucket counts the longer durations.
  static constexpr std::array<double, 17> bounds{.001, .0025, .005, .01, .025, .05, .1,  .25, .5,
                                                 1,    2.5,   5,    10,  30,   120, 600, 3600};

  /// The number of durations in each bucket, not cumulative.
  std::array<std::uint64_t, bounds.size() + 1> counts{};
  /// The sum of all durations in seconds.
  double sum = 0;

  /// Adds a duration.
  void add(std::chrono::microseconds duration);
  /// The number of durations.
  std::uint64_t count() const;
  /// An upper bound in seconds for at least the given share of all durations: the bound of a bucket. `share`
  /// is from 0 to 1. 0 without durations; infinity when the result exceeds the last bound.
  double quantile(double share) const;
};

/// Metrics of one function's runs.
struct function_metrics {
  std::string app{};       ///< the app's id
  std::string function{};  ///< the function's id within the app

  std::size_t queued = 0;    ///< current number: see run_status::queued
  std::size_t running = 0;   ///< current number: see run_status::running
  std::size_t waiting = 0;   ///< current number: see run_status::waiting
  std::size_t sleeping = 0;  ///< current number: see run_status::sleeping
  std::size_t paused = 0;    ///< current number: see run_status::paused

  std::uint64_t runs_created = 0;    ///< runs since the engine started
  std::uint64_t runs_completed = 0;  ///< runs that completed since then
  std::uint64_t runs_failed = 0;     ///< runs that failed since then
  std::uint64_t runs_cancelled = 0;  ///< runs that were cancelled since then
  std::uint64_t runs_skipped = 0;    ///< runs that a limit prevented after they were created

  std::uint64_t steps_completed = 0;  ///< steps with a result since the engine started
  std::uint64_t steps_failed = 0;     ///< steps that failed permanently since then

  std::uint64_t attempts_completed = 0;  ///< attempts, of steps and of functions, that succeeded since then
  std::uint64_t attempts_retried = 0;    ///< attempts that failed and will be retried
  std::uint64_t attempts_failed = 0;     ///< attempts that failed permanently

  duration_histogram queue_durations{};  ///< from the creation of a run to the first call
  duration_histogram run_durations{};    ///< from the first call to the end; of completed and failed runs
  duration_histogram step_durations{};   ///< of step bodies; one for each completed step
};

/// The result of engine::metrics(). Counters start at 0 when the engine starts.
struct engine_metrics {
  std::size_t queued = 0;    ///< current number, of all functions: see run_status::queued
  std::size_t running = 0;   ///< current number: see run_status::running
  std::size_t waiting = 0;   ///< current number: see run_status::waiting
  std::size_t sleeping = 0;  ///< current number: see run_status::sleeping
  std::size_t paused = 0;    ///< current number: see run_status::paused

  std::size_t workers = 0;  ///< engine_options::workers
  std::size_t calls = 0;    ///< running function calls and step requests
  std::size_t jobs = 0;     ///< scheduled calls and timers
  /// How long the oldest due call has been waiting to begin; 0 when there is none. It grows when there are
  /// too few workers, or when a concurrency limit delays calls. Calls of `awaiting_worker` don't count.
  std::chrono::milliseconds oldest_due_job{};
  /// By remote app: runs whose due call waits because the app has no free worker. Only apps with such runs.
  std::map<std::string, std::size_t> awaiting_worker{};
  std::size_t slots_in_use = 0;   ///< running calls that hold a slot of a concurrency limit
  std::size_t slots_awaited = 0;  ///< due calls that wait for a slot of a concurrency limit

  std::uint64_t events_accepted = 0;      ///< stored events
  std::uint64_t commits = 0;              ///< commits that succeeded
  std::uint64_t commits_failed = 0;       ///< commits that failed and will be retried
  duration_histogram commit_durations{};  ///< of all commits
  std::uint64_t store_bytes = 0;          ///< the size of the store's files; 0 for a memory_store
  std::size_t unreadable_records = 0;     ///< records that could not be read when the engine started

  /// One element for each function, by app and function. At most 500 functions are listed individually; all
  /// others are counted as the function "(others)", so that the number of time series stays limited.
  std::vector<function_metrics> functions{};
};

/// The metrics in Prometheus's text format, version 0.0.4. All names begin with `inngest_engine_`.
std::string prometheus_text(const engine_metrics& metrics);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/impl/metrics.ipp>
#endif
