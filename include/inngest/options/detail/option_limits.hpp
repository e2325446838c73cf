#pragma once

#include <chrono>
#include <limits>
#include <string>
#include <string_view>

#include <inngest/config.hpp>

// What an Inngest server takes of a function's and a step's options: one table for all who check them.

namespace inngest::inline INNGEST_ABI::detail {

/// What a number may be: its unit, least and most. `unit` is "s" for a duration, which is counted in seconds.
struct option_range {
  long long least = 0;
  long long most = 0;
  std::string_view unit{};

  constexpr bool holds(long long value) const { return least <= value && value <= most; }
  constexpr bool holds(std::chrono::seconds value) const { return holds(value.count()); }

  /// "from 1 s to 10 minutes"
  std::string text() const { return "from " + text_of(least) + " to " + text_of(most); }
  /// A value as `text` has its bounds.
  std::string text_of(long long value) const;
};

inline constexpr long long days_in_seconds = 86'400;

/// No documented bound: still short enough that no arithmetic with it overflows, in nanoseconds neither.
inline constexpr long long longest_period = 100 * 365 * days_in_seconds;
inline constexpr long long largest_limit = (std::numeric_limits<int>::max)();

namespace option_limits {

inline constexpr option_range retries{0, 20};
inline constexpr option_range triggers{1, 10};
inline constexpr option_range cancel_on{0, 5};
inline constexpr option_range concurrency_limits{0, 2};
inline constexpr option_range concurrency{1, largest_limit};
inline constexpr option_range throttle_limit{1, largest_limit};
inline constexpr option_range throttle_burst{0, largest_limit};
inline constexpr option_range throttle_period{1, longest_period, "s"};
inline constexpr option_range rate_limit{1, largest_limit};
inline constexpr option_range rate_limit_period{1, days_in_seconds, "s"};
inline constexpr option_range debounce_period{1, 7 * days_in_seconds, "s"};
inline constexpr option_range debounce_timeout{1, longest_period, "s"};
inline constexpr option_range batch_size{2, 100};
inline constexpr option_range batch_timeout{1, 600, "s"};
inline constexpr option_range timeout{0, longest_period, "s"};
inline constexpr option_range cron_jitter{1, 300, "s"};
/// Seconds of precedence.
inline constexpr option_range priority{-600, 600};
/// Bytes.
inline constexpr option_range event_name{1, 255};

}  // namespace option_limits

/// How long a run may sleep, or wait for an event, a signal or another run. A year, and a day for leap years.
inline constexpr std::chrono::milliseconds longest_wait = std::chrono::hours(24 * 366);

/// Whether it is further away than any wait, in either direction.
constexpr bool is_beyond_longest_wait(std::chrono::milliseconds duration) {
  return duration > longest_wait || duration < -longest_wait;
}

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/options/detail/impl/option_limits.ipp>
#endif
