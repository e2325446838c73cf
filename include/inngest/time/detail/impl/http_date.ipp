#pragma once

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/time/detail/http_date.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::optional<std::chrono::sys_seconds> http_date_reader::run() {
  const bool is_rfc850 = take_name(long_days);
  if (!is_rfc850 && !take_name(short_days)) return std::nullopt;
  if (is_rfc850) return take(", ") && read_rfc850() ? finished() : std::nullopt;
  if (take(", ")) return read_imf() ? finished() : std::nullopt;
  return take(" ") && read_asctime() ? finished() : std::nullopt;
}

INNGEST_INLINE bool http_date_reader::read_imf() {
  return (number(2, day_) || number(1, day_)) && take(" ") && month() && take(" ") && number(4, year_) &&
         take(" ") && time() && zone();
}

INNGEST_INLINE bool http_date_reader::read_rfc850() {
  const bool read = number(2, day_) && take("-") && month() && take("-") && number(2, year_) && take(" ") &&
                    time() && zone();
  if (!read) return false;
  const std::chrono::year_month_day today(std::chrono::floor<std::chrono::days>(now_));
  const int this_year = static_cast<int>(today.year());
  year_ += this_year / 100 * 100 + 100;
  while (year_ > this_year + 50) year_ -= 100;
  return true;
}

INNGEST_INLINE bool http_date_reader::read_asctime() {
  return month() && take(" ") && (take(" ") ? number(1, day_) : number(2, day_) || number(1, day_)) &&
         take(" ") && time() && take(" ") && number(4, year_);
}

INNGEST_INLINE bool http_date_reader::take(std::string_view text) {
  if (!rest_.starts_with(text)) return false;
  rest_.remove_prefix(text.size());
  return true;
}

INNGEST_INLINE bool http_date_reader::number(std::size_t digits, int& out) {
  if (rest_.size() < digits) return false;
  int value = 0;
  for (const char c : rest_.substr(0, digits)) {
    if (!is_digit(c)) return false;
    value = value * 10 + (c - '0');
  }
  rest_.remove_prefix(digits);
  out = value;
  return true;
}

INNGEST_INLINE bool http_date_reader::month() {
  for (std::size_t i = 0; i < months.size(); ++i) {
    if (!take(months[i])) continue;
    month_ = static_cast<unsigned>(i + 1);
    return true;
  }
  return false;
}

INNGEST_INLINE bool http_date_reader::time() {
  return number(2, hour_) && take(":") && number(2, minute_) && take(":") && number(2, second_) &&
         hour_ < 24 && minute_ < 60 && second_ <= 60;
}

INNGEST_INLINE std::optional<std::chrono::sys_seconds> http_date_reader::finished() const {
  const std::chrono::year_month_day date{std::chrono::year(year_), std::chrono::month(month_),
                                         std::chrono::day(static_cast<unsigned>(day_))};
  if (!rest_.empty() || !date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(hour_) + std::chrono::minutes(minute_) +
         std::chrono::seconds(second_);
}

INNGEST_INLINE std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text,
                                                                       std::chrono::sys_seconds now) {
  return http_date_reader(text, now).run();
}

}  // namespace inngest::inline INNGEST_ABI::detail
