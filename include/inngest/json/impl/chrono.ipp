#pragma once

#include <cstdio>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/json/chrono.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE rfc3339_moment read_moment(json_value& value, const json_path& at) {
  expect(value, json_type::string, at, "string");
  const std::string_view text = take(value.get_string(), at);
  const auto moment = parse_rfc3339(text);
  if (!moment) {
    fail_at(at, "expected a time such as \"2026-11-23T04:40:40Z\", found \"" + std::string(text) + "\"");
  }
  return *moment;
}

INNGEST_INLINE std::chrono::year_month_day read_date(json_value& value, const json_path& at) {
  using namespace std::chrono;
  expect(value, json_type::string, at, "string");
  const std::string_view text = take(value.get_string(), at);
  std::string_view rest = text;
  const auto year_part = take_number(rest, 4);
  const bool first_dash = take_char(rest, '-');
  const auto month_part = take_number(rest, 2);
  const bool second_dash = take_char(rest, '-');
  const auto day_part = take_number(rest, 2);
  if (year_part && month_part && day_part && first_dash && second_dash && rest.empty()) {
    const year_month_day date{year(*year_part), month(static_cast<unsigned>(*month_part)),
                              day(static_cast<unsigned>(*day_part))};
    if (date.ok()) return date;
  }
  fail_at(at, "expected a date such as \"2026-11-23\", found \"" + std::string(text) + "\"");
}

INNGEST_INLINE void append_date(std::string& out, std::chrono::year_month_day date, const json_path& at) {
  if (!date.ok() || date.year() < std::chrono::year(0) || date.year() > std::chrono::year(9999))
    fail_time_range(at);
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  out += text;
}

INNGEST_INLINE void write_date(std::string& out, std::chrono::year_month_day date, const json_path& at) {
  out += '"';
  append_date(out, date, at);
  out += '"';
}

INNGEST_INLINE void write_moment(std::string& out, std::chrono::sys_seconds seconds,
                                 std::chrono::nanoseconds fraction, int digits, const json_path& at) {
  using namespace std::chrono;
  constexpr sys_seconds first = sys_days(year(0) / 1 / 1), end = sys_days(year(10'000) / 1 / 1);
  if (seconds < first || seconds >= end) fail_time_range(at);
  const auto day = floor<days>(seconds);
  const hh_mm_ss time(seconds - day);
  char text[64];
  out += '"';
  append_date(out, year_month_day(day), at);
  std::snprintf(text, sizeof text, "T%02d:%02d:%02d", static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  out += text;
  if (digits > 0) {
    std::snprintf(text, sizeof text, ".%09d", static_cast<int>(fraction.count()));
    out += std::string_view(text).substr(0, 1 + static_cast<std::size_t>(digits));
  }
  out += "Z\"";
}

INNGEST_INLINE void fail_time_range(const json_path& at) {
  fail_at(at, "the time is out of range: JSON has the years 0 to 9999, and the type perhaps fewer");
}

}  // namespace inngest::inline INNGEST_ABI::detail
