#pragma once

#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace inngest::detail {

/// "Mon, 23 Nov 2026 10:00:00 GMT"; nothing for what is no such date.
inline std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text) {
  char month[4] = {};
  int day = 0, year = 0, hour = 0, minute = 0, second = 0;
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%*3s, %2d %3s %4d %2d:%2d:%2d", &day, month, &year, &hour, &minute,
                  &second) != 6)
    return std::nullopt;
  constexpr const char* months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const char* found = std::strstr(months, month);
  if (found == nullptr || month[2] == '\0') return std::nullopt;
  const auto number = static_cast<unsigned>((found - months) / 3 + 1);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(number),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

}  // namespace inngest::detail
