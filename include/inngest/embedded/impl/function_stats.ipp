#pragma once

#include <algorithm>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/function_stats.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The duration that a share of all durations, which must be sorted, does not exceed.
INNGEST_INLINE std::optional<std::chrono::milliseconds> quantile_of(
    const std::vector<std::chrono::milliseconds>& sorted, std::size_t percent) {
  if (sorted.empty()) return std::nullopt;
  const std::size_t rank = (sorted.size() * percent + 99) / 100;  // rounded up, from 1
  return sorted[(std::max)(rank, std::size_t{1}) - 1];
}

INNGEST_INLINE run_stats stats_since(std::span<const run_times> runs, timestamp from, timestamp oldest,
                                     timestamp now) {
  run_stats out{.is_sample = oldest > from};
  std::vector<std::chrono::milliseconds> durations;
  for (const run_times& run : runs) {
    if (!run.ended_at || *run.ended_at < from || *run.ended_at > now) continue;
    ++out.runs;
    if (run.status == run_status::completed) ++out.completed;
    if (run.status == run_status::failed) ++out.failed;
    if (run.status == run_status::cancelled) ++out.cancelled;
    if (run.status == run_status::completed || run.status == run_status::failed)
      durations.push_back(*run.ended_at - run.started_at.value_or(run.queued_at));
  }
  if (!durations.empty())
    out.error_share = static_cast<double>(out.failed) / static_cast<double>(durations.size());
  std::sort(durations.begin(), durations.end());
  out.p50 = quantile_of(durations, 50);
  out.p95 = quantile_of(durations, 95);
  const auto span = (std::max)(now - (std::max)(from, oldest), std::chrono::milliseconds(1));
  out.per_minute = static_cast<double>(out.runs) * 60'000 / static_cast<double>(span.count());
  return out;
}

INNGEST_INLINE function_stats stats_of(std::span<const run_times> runs, timestamp now) {
  const bool has_more = runs.size() > function_stats::most;
  runs = runs.first((std::min)(runs.size(), function_stats::most));
  const timestamp oldest = has_more ? runs.back().queued_at : timestamp();
  return {.hour = stats_since(runs, now - std::chrono::hours(1), oldest, now),
          .day = stats_since(runs, now - std::chrono::hours(24), oldest, now)};
}

}  // namespace inngest::inline INNGEST_ABI::embedded
