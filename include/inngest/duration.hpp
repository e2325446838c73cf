#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include <inngest/detail/saturated.hpp>
#include <inngest/error.hpp>

namespace inngest {

/// A moment as the protocol has it: milliseconds since 1970, UTC.
using timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

/// A duration in the protocol's text, such as "1h30m", "2s" or "1500ms"; zero is "0s". The units are
/// those that every reader of the protocol knows: h, m, s and ms.
/// \throws configuration_error for a negative duration.
[[nodiscard]] inline std::string to_text(duration_ms duration) {
  if (duration < std::chrono::milliseconds::zero()) {
    throw configuration_error("a duration must not be negative: " + std::to_string(duration.count()) + " ms");
  }
  if (duration == std::chrono::milliseconds::zero()) return "0s";
  const std::chrono::hh_mm_ss<std::chrono::milliseconds> parts(duration);
  std::string out;
  const auto append = [&out](std::int64_t count, std::string_view unit) {
    if (count == 0) return;
    out += std::to_string(count);
    out += unit;
  };
  append(parts.hours().count(), "h");
  append(parts.minutes().count(), "m");
  append(parts.seconds().count(), "s");
  append(parts.subseconds().count(), "ms");
  return out;
}

/// Reads a duration such as "1d12h" (units w, d, h, m, s, ms, us, ns); nothing for any other text.
/// Less than a millisecond is rounded up.
[[nodiscard]] inline std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  using std::chrono::nanoseconds;
  struct unit {
    std::string_view name;
    std::int64_t nanoseconds;
  };
  constexpr unit units[] = {{"ms", 1'000'000},
                            {"us", 1'000},
                            {"ns", 1},
                            {"s", 1'000'000'000},
                            {"m", 60'000'000'000},
                            {"h", 3'600'000'000'000},
                            {"d", 86'400'000'000'000},
                            {"w", 604'800'000'000'000}};
  if (text.empty()) return std::nullopt;
  nanoseconds total{};
  while (!text.empty()) {
    std::int64_t count = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (problem != std::errc{} || count < 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const unit* found = nullptr;
    for (const unit& each : units) {
      if (text.starts_with(each.name) && (found == nullptr || each.name.size() > found->name.size()))
        found = &each;
    }
    if (found == nullptr || count > (INT64_MAX - total.count()) / found->nanoseconds) return std::nullopt;
    total += nanoseconds(count * found->nanoseconds);
    text.remove_prefix(found->name.size());
  }
  return std::chrono::ceil<std::chrono::milliseconds>(total);
}

/// A moment in RFC 3339 with milliseconds, such as "2026-11-23T04:40:40.258Z". The text has four digits for a
/// year: a moment outside the years 0 to 9999 becomes the first or the last of them.
[[nodiscard]] inline std::string to_text(timestamp moment) {
  using std::chrono::sys_days, std::chrono::year;
  constexpr timestamp first = sys_days(year(0) / 1 / 1);
  constexpr timestamp last = timestamp(sys_days(year(10'000) / 1 / 1)) - std::chrono::milliseconds(1);
  moment = std::clamp(moment, first, last);
  const auto day = std::chrono::floor<std::chrono::days>(moment);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(moment - day);
  char out[64];
  std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
  return out;
}

namespace detail {

/// Reads `digits` decimal digits at `at` and moves past them; -1 when they are not there.
inline int take_digits(std::string_view text, std::size_t& at, std::size_t digits) {
  if (at + digits > text.size()) return -1;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const char c = text[at + i];
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  at += digits;
  return value;
}

inline bool take_char(std::string_view text, std::size_t& at, char wanted) {
  if (at >= text.size() || text[at] != wanted) return false;
  ++at;
  return true;
}

}  // namespace detail

/// Reads an RFC 3339 moment, with "Z" or an offset; nothing for any other text.
[[nodiscard]] inline std::optional<timestamp> parse_timestamp(std::string_view text) {
  using detail::take_char;
  using detail::take_digits;
  using std::chrono::hours, std::chrono::minutes, std::chrono::seconds, std::chrono::milliseconds;
  std::size_t at = 0;
  const int y = take_digits(text, at, 4);
  if (!take_char(text, at, '-')) return std::nullopt;
  const int mo = take_digits(text, at, 2);
  if (!take_char(text, at, '-')) return std::nullopt;
  const int d = take_digits(text, at, 2);
  if (!take_char(text, at, 'T')) return std::nullopt;
  const int h = take_digits(text, at, 2);
  if (!take_char(text, at, ':')) return std::nullopt;
  const int mi = take_digits(text, at, 2);
  if (!take_char(text, at, ':')) return std::nullopt;
  const int s = take_digits(text, at, 2);
  if (y < 0 || mo < 0 || d < 0 || h < 0 || h > 23 || mi < 0 || mi > 59 || s < 0 || s > 60)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(y), std::chrono::month(static_cast<unsigned>(mo)),
                                         std::chrono::day(static_cast<unsigned>(d))};
  if (!date.ok()) return std::nullopt;

  int thousandths = 0;
  if (take_char(text, at, '.')) {
    int scale = 100;
    const std::size_t first = at;
    for (int digit; (digit = take_digits(text, at, 1)) >= 0; scale /= 10) thousandths += digit * scale;
    if (at == first) return std::nullopt;
  }

  minutes offset{};
  if (!take_char(text, at, 'Z')) {
    const bool east = take_char(text, at, '+');
    if (!east && !take_char(text, at, '-')) return std::nullopt;
    const int oh = take_digits(text, at, 2);
    if (!take_char(text, at, ':')) return std::nullopt;
    const int om = take_digits(text, at, 2);
    if (oh < 0 || oh > 23 || om < 0 || om > 59) return std::nullopt;
    offset = (east ? 1 : -1) * (hours(oh) + minutes(om));
  }
  if (at != text.size()) return std::nullopt;
  return std::chrono::sys_days(date) + hours(h) + minutes(mi) + seconds(s) + milliseconds(thousandths) -
         offset;
}

}  // namespace inngest
