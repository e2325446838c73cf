#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/json/detail/codec.hpp>
#include <inngest/time/detail/rfc3339.hpp>
#include <inngest/time/detail/saturated.hpp>

// The JSON forms of std::chrono:
//
//   duration               a number of its own unit: std::chrono::milliseconds(1500) is 1500
//   sys_time, sys_seconds  RFC 3339 in UTC, with the digits of its unit: "2026-11-23T04:40:40.258Z"
//   sys_days               a date: "2026-11-23"
//   year_month_day         a date: "2026-11-23"
//
// Times with any offset are read: "2026-11-23T05:40:40.258+01:00". Digits beyond the type's precision are
// dropped. Clocks other than the system clock have no JSON form, because their times mean nothing to another
// process.

namespace inngest::inline INNGEST_ABI::detail {

/// Reads a time in RFC 3339.
rfc3339_moment read_moment(json_value& value, const json_path& at);
/// Writes a time with `digits` digits of its fraction.
void write_moment(std::string& out, std::chrono::sys_seconds seconds, std::chrono::nanoseconds fraction,
                  int digits, const json_path& at);

/// A date such as "2026-11-23".
std::chrono::year_month_day read_date(json_value& value, const json_path& at);
void write_date(std::string& out, std::chrono::year_month_day date, const json_path& at);

[[noreturn]] void fail_time_range(const json_path& at);

template <class Rep, class Period>
  requires(std::is_arithmetic_v<Rep> && !to_json_known<std::chrono::duration<Rep, Period>>)
struct own_codec<std::chrono::duration<Rep, Period>> {
  using duration = std::chrono::duration<Rep, Period>;
  using shape_type = double;
  static constexpr const char* expected = "number";
  static constexpr unsigned types = json_types::number;

  static duration read(json_value& value, const json_path& at) {
    return duration(detail::read<Rep>(value, at));
  }
  static void write(std::string& out, const duration& value, const json_path& at) {
    detail::write<Rep>(out, value.count(), at);
  }
};

template <class Duration>
  requires(std::integral<typename Duration::rep> &&
           (Duration::period::num == 1 || Duration::period::den == 1) &&
           !to_json_known<std::chrono::sys_time<Duration>>)
struct own_codec<std::chrono::time_point<std::chrono::system_clock, Duration>> {
  using time = std::chrono::sys_time<Duration>;
  using shape_type = std::string;
  static constexpr const char* expected = "string";
  static constexpr unsigned types = json_types::string;
  static constexpr bool is_date = std::ratio_equal_v<typename Duration::period, std::chrono::days::period>;

  static constexpr std::int64_t first_day = -719'528, last_day = 2'932'896;  // of the years 0 and 9999

  static time read(json_value& value, const json_path& at) {
    using std::chrono::nanoseconds, std::chrono::seconds;
    if constexpr (is_date) {
      const std::int64_t day = std::chrono::sys_days(read_date(value, at)).time_since_epoch().count();
      if (!std::in_range<typename Duration::rep>(day)) fail_time_range(at);
      return time(Duration(static_cast<typename Duration::rep>(day)));
    } else {
      const rfc3339_moment moment = read_moment(value, at);
      using wide = std::chrono::duration<std::int64_t, typename Duration::period>;
      std::int64_t count = 0;
      if constexpr (Duration::period::den == 1) {
        count = std::chrono::floor<wide>(moment.seconds.time_since_epoch()).count();
      } else {
        constexpr std::int64_t per_second = Duration::period::den;  // in a second
        std::int64_t whole = moment.seconds.time_since_epoch().count();
        std::int64_t fraction = std::chrono::floor<wide>(moment.fraction).count();
        if (whole < 0) {  // the product is then not below the smallest time, where the sum isn't either
          ++whole;
          fraction -= per_second;
        }
        if (multiply_overflows(whole, per_second, count) || add_overflows(count, fraction, count))
          fail_time_range(at);
      }
      if (!std::in_range<typename Duration::rep>(count)) fail_time_range(at);
      return time(Duration(static_cast<typename Duration::rep>(count)));
    }
  }

  static void write(std::string& out, const time& value, const json_path& at) {
    if constexpr (is_date) {
      const auto day = static_cast<std::int64_t>(value.time_since_epoch().count());
      if (day < first_day || day > last_day) fail_time_range(at);
      write_date(out, std::chrono::year_month_day(std::chrono::sys_days(std::chrono::days(day))), at);
    } else if constexpr (Duration::period::den == 1) {
      const auto seconds = saturate<std::chrono::seconds>(value.time_since_epoch());
      write_moment(out, std::chrono::sys_seconds(seconds), {}, 0, at);
    } else {
      const auto seconds = std::chrono::floor<std::chrono::seconds>(value);
      constexpr int digits = Duration::period::den <= 1'000 ? 3 : Duration::period::den <= 1'000'000 ? 6 : 9;
      constexpr std::int64_t per_second = Duration::period::den;
      // Not the difference to the seconds, which may be below the smallest time.
      const std::int64_t rest = static_cast<std::int64_t>(value.time_since_epoch().count()) % per_second;
      const std::chrono::duration<std::int64_t, typename Duration::period> fraction(
          rest < 0 ? rest + per_second : rest);
      write_moment(out, seconds, std::chrono::duration_cast<std::chrono::nanoseconds>(fraction), digits, at);
    }
  }
};

template <>
struct own_codec<std::chrono::year_month_day> {
  using shape_type = std::string;
  static constexpr const char* expected = "string";
  static constexpr unsigned types = json_types::string;

  static std::chrono::year_month_day read(json_value& value, const json_path& at) {
    return read_date(value, at);
  }
  static void write(std::string& out, const std::chrono::year_month_day& value, const json_path& at) {
    write_date(out, value, at);
  }
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/json/impl/chrono.ipp>
#endif
