#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/time/duration.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// How long to keep certain ended runs.
struct retention_rule {
  /// Runs of the function with this slug ("app-function"); empty selects all.
  std::string function{};
  /// Runs that ended with this status; `nullopt` selects all.
  std::optional<run_status> status{};
  /// How long to keep them after their end. Required, and not negative; zero removes them at the next check.
  required_duration keep;
};

/// How long a store keeps ended runs.
struct retention {
  /// For ended runs that no rule selects, events without runs, and remembered values of flow control.
  duration_ms history{};
  /// If several rules select a run, a rule with function and status takes precedence over one with only a
  /// function, and that over one with only a status. Of equal rules, the first applies.
  std::vector<retention_rule> rules{};
  /// How long to keep the audit trail.
  duration_ms audit = std::chrono::hours(365 * 24);

  /// How long to keep a run.
  duration_ms keep_for(std::string_view function, run_status status) const;
  /// The shortest of all times.
  duration_ms shortest() const;
  /// The longest of all times.
  duration_ms longest() const;
};

/// What a store may remove while an engine's commits fail, because it may be full.
struct room_to_make {
  /// How long to keep ended runs, as in store::forget().
  retention kept{};
  /// The maximum size of all records in bytes, as in store::forget_down_to(); 0 is no limit.
  std::uint64_t bytes = 0;
  /// The ids of runs that must stay: the engine will commit changes of them again.
  std::set<std::string, std::less<>> spared{};
};

/// The time `duration` before `now`, without overflow; not before 1970.
timestamp time_before(timestamp now, duration_ms duration);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/impl/retention.ipp>
#endif
