#pragma once

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/time/detail/rfc3339.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int out = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (!is_digit(text[i])) return std::nullopt;
    out = out * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return out;
}

INNGEST_INLINE bool take_char(std::string_view& text, char wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(1);
  return true;
}

INNGEST_INLINE std::optional<std::chrono::seconds> parse_utc_offset(std::string_view text) {
  const bool is_west = take_char(text, '-');
  if (!is_west) take_char(text, '+');
  const auto hours = take_number(text, 2);
  const bool colon = take_char(text, ':');
  const auto minutes = take_number(text, 2);
  if (!hours || !colon || !minutes || !text.empty() || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::chrono::seconds out = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return is_west ? -out : out;
}

INNGEST_INLINE std::optional<std::chrono::nanoseconds> take_fraction(std::string_view& text) {
  auto digit = take_number(text, 1);
  if (!digit) return std::nullopt;
  std::chrono::nanoseconds out{}, unit = std::chrono::milliseconds(100);
  for (; digit; digit = take_number(text, 1), unit /= 10) out += *digit * unit;
  return out;
}

INNGEST_INLINE std::optional<rfc3339_moment> parse_rfc3339(std::string_view text) {
  const auto year = take_number(text, 4);
  if (!year || !take_char(text, '-')) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take_char(text, '-')) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day || !(take_char(text, 'T') || take_char(text, 't'))) return std::nullopt;
  const auto hour = take_number(text, 2);
  if (!hour || !take_char(text, ':')) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || !take_char(text, ':')) return std::nullopt;
  const auto second = take_number(text, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;

  std::chrono::nanoseconds fraction{};
  if (take_char(text, '.')) {
    const auto digits = take_fraction(text);
    if (!digits) return std::nullopt;
    fraction = *digits;
  }
  std::chrono::seconds offset{};
  if (text != "Z" && text != "z") {
    const bool has_sign = text.starts_with('+') || text.starts_with('-');
    const auto read = has_sign ? parse_utc_offset(text) : std::nullopt;
    if (!read) return std::nullopt;
    offset = *read;
  }
  return rfc3339_moment{.seconds = std::chrono::sys_days(date) + std::chrono::hours(*hour) +
                                   std::chrono::minutes(*minute) + std::chrono::seconds(*second) - offset,
                        .fraction = fraction,
                        .is_leap_second = *second == 60};
}

}  // namespace inngest::inline INNGEST_ABI::detail
