#pragma once

#include <algorithm>
#include <cstddef>

#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/json/detail/simdjson.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE bool is_utf8(std::string_view text) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  constexpr std::size_t few = 32;  // simdjson is faster for more
  if (text.size() <= few && std::all_of(text.begin(), text.end(), is_ascii)) return true;
  return simdjson::validate_utf8(text.data(), text.size());
}

INNGEST_INLINE std::size_t incomplete_utf8_at_end(std::string_view text) {
  for (std::size_t back = 1; back <= (std::min<std::size_t>)(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0) == 0x80) continue;  // it continues a character
    const std::size_t length = byte >= 0xF8 ? 1 : byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

}  // namespace inngest::inline INNGEST_ABI::detail
