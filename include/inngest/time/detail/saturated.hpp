#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <ratio>
#include <string_view>
#include <type_traits>

#include <inngest/config.hpp>
#include <inngest/detail/checked_math.hpp>

// Conversions without overflow: values outside the target's range become its minimum or maximum. In C++,
// casting a double that does not fit and overflowing a duration are undefined.

namespace inngest::inline INNGEST_ABI::detail {

/// The double without its fraction, limited to the range from `least` to `most`; nullopt for NaN.
template <std::integral Integer>
constexpr std::optional<Integer> to_integer(double value,
                                            Integer least = (std::numeric_limits<Integer>::min)(),
                                            Integer most = (std::numeric_limits<Integer>::max)()) {
  if (value != value) return std::nullopt;
  if (value <= static_cast<double>(least)) return least;
  if (value >= static_cast<double>(most)) return most;
  return static_cast<Integer>(value);
}

constexpr std::int64_t multiply_saturated(std::int64_t value, std::int64_t positive) {
  std::int64_t out = 0;
  if (!multiply_overflows(value, positive, out)) return out;
  return value < 0 ? (std::numeric_limits<std::int64_t>::min)() : (std::numeric_limits<std::int64_t>::max)();
}

constexpr std::int64_t add_saturated(std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  if (!add_overflows(a, b, out)) return out;
  return b < 0 ? (std::numeric_limits<std::int64_t>::min)() : (std::numeric_limits<std::int64_t>::max)();
}

/// Converts a count of any integral type, also unsigned or wider than 64 bits.
template <class Integer>
constexpr std::int64_t narrow_saturated(Integer count) {
  constexpr auto least = (std::numeric_limits<std::int64_t>::min)();
  constexpr auto most = (std::numeric_limits<std::int64_t>::max)();
  if (count > Integer{} && static_cast<std::common_type_t<Integer, std::uint64_t>>(count) >
                               static_cast<std::common_type_t<Integer, std::uint64_t>>(most))
    return most;
  if constexpr (sizeof(Integer) > sizeof(std::int64_t)) {
    if (count < static_cast<Integer>(least)) return least;
  }
  return static_cast<std::int64_t>(count);
}

/// The duration in another unit, rounded towards zero.
template <class To, class Rep, class Period>
constexpr To saturate(std::chrono::duration<Rep, Period> duration) {
  using factor = std::ratio_divide<Period, typename To::period>;
  const std::int64_t count = narrow_saturated(duration.count());
  const std::int64_t whole = multiply_saturated(count / factor::den, factor::num);
  if constexpr (factor::den == 1) {
    return To(whole);
  } else {
    const std::int64_t rest = multiply_saturated(count % factor::den, factor::num) / factor::den;
    return To(add_saturated(whole, rest));
  }
}

/// `time` + `duration`, at most the latest time.
template <class Clock, class Duration, class Rep, class Period>
constexpr std::chrono::time_point<Clock, Duration> add_saturated(
    std::chrono::time_point<Clock, Duration> time, std::chrono::duration<Rep, Period> duration) {
  return std::chrono::time_point<Clock, Duration>(
      Duration(add_saturated(time.time_since_epoch().count(), saturate<Duration>(duration).count())));
}

/// The longest that anything waits: a year, plus a day for leap years and for clocks that differ. A time
/// point that is much later could overflow.
inline constexpr std::chrono::hours a_year{366 * 24};

/// The duration, limited to the range from `least` to a year.
template <class Rep, class Period>
constexpr std::chrono::duration<Rep, Period> within_a_year(
    std::chrono::duration<Rep, Period> time,
    std::type_identity_t<std::chrono::duration<Rep, Period>> least = {}) {
  return std::clamp<std::chrono::duration<Rep, Period>>(time, least, a_year);
}

template <class T>
concept number = std::is_arithmetic_v<T>;

/// A std::chrono duration that accepts all durations that convert to it without loss. Where the standard
/// conversion overflows, for example std::chrono::hours::max() to milliseconds, it becomes the maximum.
template <class Duration>
class saturated : public Duration {
 public:
  constexpr saturated() = default;
  template <class Rep, class Period>
    requires std::convertible_to<std::chrono::duration<Rep, Period>, Duration>
  constexpr saturated(std::chrono::duration<Rep, Period> given) : Duration(saturate<Duration>(given)) {}

  /// Reports a mistake. Not a deleted function, because some compilers then report the braces around it
  /// instead.
  template <number Number>
  constexpr saturated(Number) {
    static_assert(sizeof(Number) == 0,
                  "inngest: a duration needs a unit: write 5s with std::chrono_literals, or "
                  "std::chrono::seconds(5)");
  }
  // Compilers show the line of a deleted function, with its comment.
  template <class Rep, class Period>
  saturated(std::chrono::duration<Rep, Period>) = delete;  // inngest: it is not exact: use std::chrono::ceil
};

/// A duration that must be given.
template <class Duration>
class required : public Duration {
 public:
  using Duration::Duration;
  /// Reports that it was left out. Not deleted, because Clang would not show the reason.
  constexpr required() {
    static_assert(sizeof(Duration) == 0,
                  "inngest: this option is required: give it a duration, as in {.timeout = 1h}");
  }
};

/// The duration in another unit, rounded up.
template <class To, class Rep, class Period>
constexpr To saturate_up(std::chrono::duration<Rep, Period> duration) {
  using factor = std::ratio_divide<Period, typename To::period>;
  const To out = saturate<To>(duration);
  const bool has_rest =
      factor::den != 1 && duration.count() > Rep{} &&
      multiply_saturated(narrow_saturated(duration.count()) % factor::den, factor::num) % factor::den != 0;
  return has_rest ? To(add_saturated(out.count(), 1)) : out;
}

/// Text, or a time of another clock: mistakes for times of the system clock.
template <class T>
concept no_system_time = std::convertible_to<const T&, std::string_view> ||
    (requires { typename T::clock; } && !std::is_same_v<typename T::clock, std::chrono::system_clock>);

/// A time in another unit, rounded up. Every time of the system clock converts to it.
template <class Unit>
class saturated_time_in : public std::chrono::sys_time<Unit> {
 public:
  template <class Duration>
    requires std::integral<typename Duration::rep>
  constexpr saturated_time_in(std::chrono::time_point<std::chrono::system_clock, Duration> time)
      : std::chrono::sys_time<Unit>(saturate_up<Unit>(time.time_since_epoch())) {}

  template <no_system_time Other>
  saturated_time_in(const Other&) = delete;  // inngest: it needs a time of std::chrono::system_clock
};

using saturated_time = saturated_time_in<std::chrono::milliseconds>;
/// For times that are subtracted before they are rounded.
using precise_time = saturated_time_in<std::chrono::nanoseconds>;

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI {

/// Durations of options and steps: they accept any std::chrono duration that converts to the unit without
/// loss.
using duration_ms = detail::saturated<std::chrono::milliseconds>;
using duration_s = detail::saturated<std::chrono::seconds>;

/// A duration of an option without a default: leaving it out does not compile, because zero has a meaning.
using required_duration = detail::required<duration_ms>;

}  // namespace inngest::inline INNGEST_ABI
