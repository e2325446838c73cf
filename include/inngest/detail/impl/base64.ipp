#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <inngest/config.hpp>
#include <inngest/detail/base64.hpp>

namespace inngest::inline INNGEST_ABI::detail {

inline constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The value of each character in the alphabet; 64 for others.
inline constexpr std::array<std::uint8_t, 256> base64_values = [] {
  std::array<std::uint8_t, 256> out{};
  out.fill(64);
  for (std::size_t i = 0; i < base64_alphabet.size(); ++i)
    out[static_cast<unsigned char>(base64_alphabet[i])] = static_cast<std::uint8_t>(i);
  return out;
}();

INNGEST_INLINE std::string to_base64(std::span<const std::uint8_t> bytes) {
  std::string out;
  out.reserve(4 * ((bytes.size() + 2) / 3));
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t given = bytes.size() - i;
    std::uint32_t bits = std::uint32_t{bytes[i]} << 16;
    if (given > 1) bits |= std::uint32_t{bytes[i + 1]} << 8;
    if (given > 2) bits |= bytes[i + 2];
    out += base64_alphabet[bits >> 18];
    out += base64_alphabet[bits >> 12 & 63];
    out += given > 1 ? base64_alphabet[bits >> 6 & 63] : '=';
    out += given > 2 ? base64_alphabet[bits & 63] : '=';
  }
  return out;
}

INNGEST_INLINE std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t bits = 0;
    const std::size_t missing = i + 4 == text.size() ? padding : 0;
    for (std::size_t j = 0; j < 4 - missing; ++j) {
      const std::uint8_t value = base64_values[static_cast<unsigned char>(text[i + j])];
      if (value > 63) return std::nullopt;
      bits |= std::uint32_t{value} << (18 - 6 * j);
    }
    for (std::size_t j = 0; j < 3 - missing; ++j) out += static_cast<char>(bits >> (16 - 8 * j) & 0xFF);
  }
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::detail
