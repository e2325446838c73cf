#pragma once

#include <algorithm>
#include <cstdio>

#include <inngest/config.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE std::string to_text(timestamp moment) {
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

INNGEST_INLINE std::optional<timestamp> parse_timestamp(std::string_view text) {
  if (text.find_first_of("tz") != std::string_view::npos) return std::nullopt;
  const auto moment = detail::parse_rfc3339(text);
  if (!moment) return std::nullopt;
  return moment->seconds + std::chrono::floor<std::chrono::milliseconds>(moment->fraction);
}

}  // namespace inngest::inline INNGEST_ABI
