#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/time/detail/server_duration.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::optional<std::chrono::milliseconds> parse_server_duration(std::string_view text) {
  using unit = std::pair<std::string_view, std::int64_t>;  // in nanoseconds
  static constexpr std::array<unit, 10> units = {{{"ns", 1},
                                                  {"us", 1'000},
                                                  {"\xc2\xb5s", 1'000},  // the micro sign, and the letter mu
                                                  {"\xce\xbcs", 1'000},
                                                  {"ms", 1'000'000},
                                                  {"s", 1'000'000'000},
                                                  {"m", 60'000'000'000},
                                                  {"h", 3'600'000'000'000},
                                                  {"d", 86'400'000'000'000},
                                                  {"w", 604'800'000'000'000}}};
  constexpr std::int64_t most = (std::numeric_limits<std::int64_t>::max)();
  const auto in_number = [](char c) { return is_digit(c) || c == '.'; };
  const bool is_negative = text.starts_with('-');
  if (is_negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return std::chrono::milliseconds(0);
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  while (!text.empty()) {
    std::int64_t whole = 0;
    bool any_digit = false;
    for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), any_digit = true) {
      if (whole > (most - 9) / 10) return std::nullopt;
      whole = whole * 10 + (text.front() - '0');
    }
    double fraction = 0;
    if (text.starts_with('.')) {
      text.remove_prefix(1);
      double place = 0.1;
      for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), place /= 10, any_digit = true)
        fraction += place * (text.front() - '0');
    }
    std::size_t length = 0;
    while (length < text.size() && !in_number(text[length])) ++length;
    const std::string_view name = text.substr(0, length);
    text.remove_prefix(length);
    std::int64_t size = 0;
    for (const auto& [known, nanoseconds] : units) {
      if (known == name) size = nanoseconds;
    }
    if (!any_digit || size == 0 || whole > most / size) return std::nullopt;
    // Adds a thousandth of a nanosecond, because decimal fractions are slightly too small as doubles.
    const auto part = static_cast<std::int64_t>(fraction * static_cast<double>(size) + 0.001);
    if (part > most - whole * size || total > most - whole * size - part) return std::nullopt;
    total += whole * size + part;
  }
  const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(std::chrono::nanoseconds(total));
  return is_negative ? -rounded : rounded;
}

}  // namespace inngest::inline INNGEST_ABI::detail
