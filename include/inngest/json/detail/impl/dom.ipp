#pragma once

#include <algorithm>
#include <cmath>

#include <inngest/config.hpp>
#include <inngest/json/detail/dom.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::size_t nesting_depth(std::string_view text) {
  std::size_t depth = 0;
  std::size_t deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = (std::max)(deepest, ++depth);
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

INNGEST_INLINE bool has_overlooked_bytes(std::string_view text) {
  return text.find('\0') != std::string_view::npos || text.starts_with("\xef\xbb\xbf");
}

INNGEST_INLINE bool is_json(std::string_view text) {
  return !has_overlooked_bytes(text) && nlohmann::json::accept(text.begin(), text.end());
}

INNGEST_INLINE nlohmann::json parse_dom(std::string_view text, const json_path& at) {
  if (nesting_depth(text) > INNGEST_MAX_JSON_DEPTH) {
    throw payload_error(at.text(),
                        "nested deeper than " + std::to_string(INNGEST_MAX_JSON_DEPTH) + " levels");
  }
  if (has_overlooked_bytes(text))
    throw payload_error(at.text(), "not valid JSON: it has a zero byte or begins with a byte order mark");
  try {
    return nlohmann::json::parse(text.begin(), text.end());
  } catch (const nlohmann::json::exception& problem) {
    throw payload_error(at.text(), std::string("not valid JSON: ") + problem.what());
  }
}

/// Refuses what dump() would write as null or as no JSON, and what would overflow its stack.
INNGEST_INLINE void require_writable(const nlohmann::json& value, const json_path& at) {
  if (at.depth() > max_written_depth) fail_too_deep(at, max_written_depth);
  if (value.is_discarded()) fail_at(at, "a discarded nlohmann::json has no JSON form");
  if (value.is_number_float() && !std::isfinite(value.get<double>()))
    fail_at(at, "a number that is not finite has no JSON form");
  if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) require_writable(value[i], json_path(at, i));
  } else if (value.is_object()) {
    for (const auto& item : value.items()) require_writable(item.value(), json_path(at, item.key()));
  }
}

INNGEST_INLINE void write_dom(std::string& out, const nlohmann::json& value, const json_path& at) {
  require_writable(value, at);
  try {
    out += value.dump();
  } catch (const nlohmann::json::exception& problem) {
    fail_at(at, problem.what());
  }
}

INNGEST_INLINE std::string dom_text(const nlohmann::json& dom) { return dom.dump(); }

}  // namespace inngest::inline INNGEST_ABI::detail
