#pragma once

#include <algorithm>
#include <string_view>

#include <inngest/config.hpp>

// The rules for ASCII characters. They do not depend on the locale, and leave bytes beyond ASCII as they are.

namespace inngest::inline INNGEST_ABI::detail {

/// What is_space() accepts, for searching.
inline constexpr std::string_view white_space = " \t\r\n\v\f";

constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// Whether the text is empty or white space. Asked for every replayed step, so it has a lambda: GCC would
/// call is_space() through a pointer for each character.
constexpr bool is_blank(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return is_space(c); });
}

}  // namespace inngest::inline INNGEST_ABI::detail
