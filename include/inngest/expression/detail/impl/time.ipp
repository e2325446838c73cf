#pragma once

#include <algorithm>
#include <cstddef>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/expression/detail/time.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE bool is_in_range(const cel_timestamp& time) {
  return time.seconds >= first_second && time.seconds <= last_second;
}

INNGEST_INLINE std::optional<cel_timestamp> parse_cel_timestamp(std::string_view text) {
  const auto moment = parse_rfc3339(text);
  if (!moment || moment->is_leap_second) return std::nullopt;
  const cel_timestamp out{moment->seconds.time_since_epoch().count(),
                          static_cast<std::int32_t>(moment->fraction.count())};
  return is_in_range(out) ? std::optional<cel_timestamp>(out) : std::nullopt;
}

INNGEST_INLINE std::string two_digits(std::int64_t number) {
  return (number < 10 ? "0" : "") + std::to_string(number);
}

INNGEST_INLINE std::string fraction_text(std::int64_t nanoseconds) {
  if (nanoseconds == 0) return "";
  std::string digits = std::to_string(nanoseconds);
  digits.insert(0, 9 - digits.size(), '0');
  digits.erase(digits.find_last_not_of('0') + 1);
  return "." + digits;
}

INNGEST_INLINE std::string text_of(const cel_timestamp& time) {
  const std::chrono::sys_seconds whole{std::chrono::seconds(time.seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(whole);
  const std::chrono::year_month_day date(day);
  const std::int64_t rest = (whole - day).count();
  std::string year = std::to_string(static_cast<int>(date.year()));
  year.insert(0, 4 - std::min<std::size_t>(4, year.size()), '0');
  return year + "-" + two_digits(static_cast<unsigned>(date.month())) + "-" +
         two_digits(static_cast<unsigned>(date.day())) + "T" + two_digits(rest / 3600) + ":" +
         two_digits(rest / 60 % 60) + ":" + two_digits(rest % 60) + fraction_text(time.nanoseconds) + "Z";
}

INNGEST_INLINE std::string text_of(const cel_duration& duration) {
  const bool negative = duration.nanoseconds < 0;
  const std::int64_t seconds = duration.nanoseconds / nanoseconds_per_second;
  const std::int64_t rest = duration.nanoseconds % nanoseconds_per_second;
  return (negative ? "-" : "") + std::to_string(negative ? -seconds : seconds) +
         fraction_text(negative ? -rest : rest) + "s";
}

INNGEST_INLINE std::optional<cel_duration> parse_cel_duration(std::string_view text, bool with_days) {
  struct unit {
    std::string_view name;
    std::int64_t nanoseconds;
  };
  static constexpr unit units[] = {{"ns", 1},
                                   {"us", 1'000},
                                   {"\u00b5s", 1'000},
                                   {"\u03bcs", 1'000},
                                   {"ms", 1'000'000},
                                   {"s", nanoseconds_per_second},
                                   {"m", 60 * nanoseconds_per_second},
                                   {"h", 3600 * nanoseconds_per_second},
                                   {"d", 86'400 * nanoseconds_per_second},
                                   {"w", 604'800 * nanoseconds_per_second}};
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return cel_duration{};
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  while (!text.empty()) {
    std::int64_t whole = 0;
    std::size_t digits = 0;
    const auto has_digit = [&] { return !text.empty() && is_digit(text.front()); };
    for (; has_digit(); text.remove_prefix(1), ++digits) {
      if (multiply_overflows(whole, 10, whole) || add_overflows(whole, text.front() - '0', whole))
        return std::nullopt;
    }
    double fraction = 0, place = 0.1;
    if (take_char(text, '.')) {
      for (; has_digit(); text.remove_prefix(1), ++digits, place /= 10)
        fraction += (text.front() - '0') * place;
    }
    if (digits == 0) return std::nullopt;
    std::size_t size = 0;
    while (size < text.size() && text[size] != '.' && !is_digit(text[size])) ++size;
    const std::string_view name = text.substr(0, size);
    const unit* found = nullptr;
    for (const unit& known : units) {
      if (known.name == name) found = &known;
    }
    const bool is_day = name == "d" || name == "w";
    if (!found || (is_day && !with_days)) return std::nullopt;
    text.remove_prefix(size);
    std::int64_t part = 0;
    const auto rest = static_cast<std::int64_t>(fraction * static_cast<double>(found->nanoseconds) + 0.5);
    if (multiply_overflows(whole, found->nanoseconds, part) || add_overflows(part, rest, part) ||
        add_overflows(total, part, total))
      return std::nullopt;
  }
  return cel_duration{negative ? -total : total};
}

INNGEST_INLINE std::optional<std::chrono::sys_seconds> local_time(const cel_timestamp& time,
                                                                  const std::string& zone) {
  const std::chrono::sys_seconds utc{std::chrono::seconds(time.seconds)};
  if (const auto offset = parse_utc_offset(zone)) return utc + *offset;
  try {
    return utc + time_zone::find(zone)->offset_at(utc);
  } catch (const error&) {
    return std::nullopt;
  }
}

INNGEST_INLINE std::optional<std::int64_t> part_of(const cel_timestamp& time, std::chrono::sys_seconds local,
                                                   std::string_view function) {
  const auto day = std::chrono::floor<std::chrono::days>(local);
  const std::chrono::year_month_day date(day);
  const std::int64_t rest = (local - day).count();
  const auto days_since = [&](const std::chrono::year_month_day& start) {
    return static_cast<std::int64_t>((day - std::chrono::sys_days(start)).count());
  };
  if (function == "getFullYear") return static_cast<int>(date.year());
  if (function == "getMonth") return static_cast<unsigned>(date.month()) - 1;
  if (function == "getDate") return static_cast<unsigned>(date.day());
  if (function == "getDayOfMonth") return static_cast<unsigned>(date.day()) - 1;
  if (function == "getDayOfYear") return days_since(date.year() / std::chrono::January / 1);
  if (function == "getDayOfWeek") return std::chrono::weekday(day).c_encoding();
  if (function == "getHours") return rest / 3600;
  if (function == "getMinutes") return rest / 60 % 60;
  if (function == "getSeconds") return rest % 60;
  if (function == "getMilliseconds") return time.nanoseconds / 1'000'000;
  return std::nullopt;
}

INNGEST_INLINE std::optional<std::int64_t> part_of(const cel_duration& duration, std::string_view function) {
  const std::int64_t seconds = duration.nanoseconds / nanoseconds_per_second;
  if (function == "getHours") return seconds / 3600;
  if (function == "getMinutes") return seconds / 60;
  if (function == "getSeconds") return seconds;
  if (function == "getMilliseconds") return duration.nanoseconds % nanoseconds_per_second / 1'000'000;
  return std::nullopt;
}

}  // namespace inngest::inline INNGEST_ABI::detail
