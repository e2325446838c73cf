#pragma once

#include <algorithm>
#include <array>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/http/detail/fields.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE bool is_http_token(std::string_view text) {
  constexpr std::string_view signs = "!#$%&'*+-.^_`|~";
  const auto is_allowed = [&](char c) {
    return is_letter_or_digit(c) || signs.find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_allowed);
}

INNGEST_INLINE bool is_framing_field(std::string_view name) {
  constexpr std::array<std::string_view, 6> all{"connection", "content-length",    "keep-alive",
                                                "trailer",    "transfer-encoding", "upgrade"};
  return std::any_of(all.begin(), all.end(), [&](std::string_view field) { return same_word(field, name); });
}

INNGEST_INLINE std::optional<std::string> fields_problem(const http::headers& fields) {
  for (const auto& [name, value] : fields) {
    if (!is_http_token(name)) return "not the name of a header: \"" + name + "\"";
  }
  return std::nullopt;
}

}  // namespace inngest::inline INNGEST_ABI::detail
