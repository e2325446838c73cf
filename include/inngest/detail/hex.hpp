#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::detail {

void append_hex(std::string& out, std::span<const std::uint8_t> bytes);

std::string to_hex(std::span<const std::uint8_t> bytes);

/// The value of every character as a hex digit; -1 for characters that are not hex digits.
inline constexpr std::array<std::int8_t, 256> hex_values = [] {
  std::array<std::int8_t, 256> out{};
  out.fill(-1);
  for (int i = 0; i < 10; ++i) out[static_cast<std::size_t>('0' + i)] = static_cast<std::int8_t>(i);
  for (int i = 0; i < 6; ++i) {
    out[static_cast<std::size_t>('a' + i)] = static_cast<std::int8_t>(10 + i);
    out[static_cast<std::size_t>('A' + i)] = static_cast<std::int8_t>(10 + i);
  }
  return out;
}();

constexpr int hex_digit(char c) { return hex_values[static_cast<unsigned char>(c)]; }

/// Fills `out` from exactly twice as many hex digits; returns false for other texts.
constexpr bool from_hex(std::string_view text, std::span<std::uint8_t> out) {
  if (text.size() != out.size() * 2) return false;
  int all = 0;  // negative if any character is not a hex digit
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = hex_digit(text[2 * i]);
    const int low = hex_digit(text[2 * i + 1]);
    all |= high | low;
    out[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return all >= 0;
}

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/detail/impl/hex.ipp>
#endif
