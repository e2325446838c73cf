#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/engine_monitor.hpp>
#include <inngest/embedded/query.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Finds and counts runs and events: the store's results, plus the statuses that only the engine knows, and
/// conditions.
class finder {
 public:
  /// Both must outlive the finder.
  finder(const store& from, const engine_monitor& monitor) : store_(from), monitor_(monitor) {}

  /// See engine::find_run_page.
  run_page find_page(const run_query& query) const;

  /// See engine::find_event_page.
  event_page find_event_page(const event_query& query) const;

  using steady_time = std::chrono::steady_clock::time_point;

  /// See engine::count_runs. Stops at the time `end`: see run_count::next.
  run_count count(run_query query, std::optional<steady_time> end = {}) const;

  /// See engine::histogram. Stops at the time `end`: see run_histogram::counted_from.
  run_histogram histogram(run_query query, std::size_t buckets, timestamp now,
                          std::optional<steady_time> end = {}) const;

 private:
  /// Calls `visit` for the runs of a page of any size. Returns where the next one begins.
  std::string visit_page(const run_query& query, const std::function<void(const run_point&)>& visit) const;

  /// Fills the histogram from an index. Returns false when no index has the numbers.
  bool fill_from_index(const run_query& query, run_histogram& out) const;

  const store& store_;
  const engine_monitor& monitor_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/finder.ipp>
#endif
