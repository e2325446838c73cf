#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace inngest::detail {

/// A string literal as a template argument: `event<"app/user.created", User>`.
template <std::size_t Size>
struct fixed_string {
  char text[Size]{};

  consteval fixed_string(const char (&literal)[Size]) { std::copy_n(literal, Size, text); }
  constexpr std::string_view view() const { return {text, Size - 1}; }
};

}  // namespace inngest::detail
