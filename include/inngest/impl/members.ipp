#pragma once

#include <algorithm>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/members.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE void append_member(std::string& path, std::string_view name) {
  const auto is_allowed = [](char c) { return c == '_' || is_letter_or_digit(c); };
  constexpr std::string_view keywords[] = {"true", "false", "null", "in"};
  const bool is_identifier = !name.empty() && std::all_of(name.begin(), name.end(), is_allowed) &&
                             !is_digit(name[0]) &&
                             std::find(std::begin(keywords), std::end(keywords), name) == std::end(keywords);
  if (is_identifier)
    path.append(".").append(name);
  else
    path.append("[\"").append(name).append("\"]");
}

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE std::string event_match::text() const {
  return of_event_ == of_async_ ? of_event_ : of_event_ + " == " + of_async_;
}

}  // namespace inngest::inline INNGEST_ABI
