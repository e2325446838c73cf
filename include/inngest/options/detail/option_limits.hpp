#pragma once

#include <chrono>
#include <limits>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/time/detail/saturated.hpp>

// The limits of an Inngest server for the options of functions and steps.

namespace inngest::inline INNGEST_ABI::detail {

/// The range of a number: its minimum, maximum and unit. `unit` is "s" for a duration in seconds.
struct option_range {
  long long least = 0;
  long long most = 0;
  std::string_view unit{};

  constexpr bool holds(long long value) const { return least <= value && value <= most; }
  constexpr bool holds(std::chrono::seconds value) const { return holds(value.count()); }

  /// The range as text: "from 1 s to 10 minutes".
  std::string text() const { return "from " + text_of(least) + " to " + text_of(most); }
  /// A value in the same format, with its unit.
  std::string text_of(long long value) const;
};

inline constexpr long long days_in_seconds = 86'400;

/// Used where no limit is documented: short enough that no arithmetic overflows, even in nanoseconds.
inline constexpr long long max_period = 100 * 365 * days_in_seconds;
inline constexpr long long max_limit = (std::numeric_limits<int>::max)();

namespace option_limits {

inline constexpr option_range retries{0, 20};
inline constexpr option_range triggers{0, 10};
inline constexpr option_range cancel_on{0, 5};
inline constexpr option_range concurrency_limits{0, 2};
inline constexpr option_range concurrency{1, max_limit};
inline constexpr option_range throttle_limit{1, max_limit};
inline constexpr option_range throttle_burst{0, max_limit};
inline constexpr option_range throttle_period{1, max_period, "s"};
inline constexpr option_range rate_limit{1, max_limit};
inline constexpr option_range rate_limit_period{1, days_in_seconds, "s"};
inline constexpr option_range debounce_period{1, 7 * days_in_seconds, "s"};
inline constexpr option_range debounce_timeout{1, max_period, "s"};
inline constexpr option_range batch_size{2, 100};
inline constexpr option_range batch_timeout{1, 600, "s"};
inline constexpr option_range timeout{0, max_period, "s"};
inline constexpr option_range cron_jitter{1, 300, "s"};
/// In seconds.
inline constexpr option_range priority{-600, 600};
/// Of triggers and cancel_on, in bytes. Events may have longer names: see valid_event_name().
inline constexpr option_range event_name{1, 255};

}  // namespace option_limits

/// The maximum time for which a run may sleep or wait: a server's limit.
inline constexpr std::chrono::milliseconds max_wait = a_year;

/// Whether the duration is longer than any wait, in either direction.
constexpr bool is_beyond_max_wait(std::chrono::milliseconds duration) {
  return duration > max_wait || duration < -max_wait;
}

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/options/detail/impl/option_limits.ipp>
#endif
