#pragma once

#include <algorithm>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/received_json.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE void check_received_json(std::string_view text, const detail::json_path& at) {
  if (detail::nesting_depth(text) > max_received_depth)
    throw payload_error(at.text(), "nested deeper than " + std::to_string(max_received_depth) + " levels");
  if (!detail::is_json(text)) detail::parse_dom(text, at);  // throws, with the reason
}

INNGEST_INLINE std::string received_json_or_string(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  if (std::all_of(text.begin(), text.end(), is_space)) return "null";
  if (detail::nesting_depth(text) <= max_received_depth && detail::is_json(text)) return std::string(text);
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

INNGEST_INLINE json received_json_value(std::string_view text) {
  return json::parse(received_json_or_string(text));
}

}  // namespace inngest::inline INNGEST_ABI::embedded
