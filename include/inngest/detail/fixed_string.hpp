#pragma once

#include <cstddef>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// A string literal as a template argument: `event<"app/user.created", User>`. Does not include <string>: see
/// <inngest/fwd.hpp>.
template <std::size_t Size>
struct fixed_string {
  char text[Size]{};

  consteval fixed_string(const char (&literal)[Size]) {
    for (std::size_t i = 0; i < Size; ++i) text[i] = literal[i];
  }
  /// The size without the terminating zero.
  static constexpr std::size_t size() { return Size - 1; }
};

}  // namespace inngest::inline INNGEST_ABI::detail
