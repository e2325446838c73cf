#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>
#include <inngest/embedded/metrics.hpp>
#include <inngest/embedded/run.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

/// Counts what happens to runs, by function. Costs only a few additions per timeline entry.
class run_meter {
 public:
  /// The maximum number of functions that are counted individually.
  static constexpr std::size_t max_functions = 500;
  /// The name under which all other functions are counted.
  inline static const std::string others = "(others)";

  /// Counts an entry of the run's timeline.
  void count(active_run& run, const timeline_entry& entry);

  /// Counts a run that an earlier process queued.
  void count_resumed(const active_run& run) {
    queued_ += run.record.run.status == run_status::queued ? 1 : 0;
  }

  /// The number of runs that were not called yet.
  std::size_t queued() const { return queued_; }

  /// The counts by the function's slug. Addresses stay valid.
  const std::unordered_map<std::string, function_metrics>& all() const { return by_slug_; }

 private:
  function_metrics& of(const active_run& run);

  std::unordered_map<std::string, function_metrics> by_slug_;
  std::size_t queued_ = 0;
};

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/run_meter.ipp>
#endif
