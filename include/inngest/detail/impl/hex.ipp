#pragma once

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE void append_hex(std::string& out, std::span<const std::uint8_t> bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::size_t at = out.size();
  out.resize(at + 2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    out[at++] = digits[byte >> 4];
    out[at++] = digits[byte & 15];
  }
}

INNGEST_INLINE std::string to_hex(std::span<const std::uint8_t> bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  append_hex(out, bytes);
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::detail
