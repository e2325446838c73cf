#pragma once

#include <inngest/config.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/json/detail/scalars.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::string_view text_of(json_value& value, const json_path& at) {
  if (at.depth() > INNGEST_MAX_JSON_DEPTH) fail_too_deep(at);
  std::string_view plain;
  if (value.get_plain_string(plain)) return plain;
  expect(value, json_type::string, at, "string");
  return take(value.get_string(), at);
}

INNGEST_INLINE void write_quoted(std::string& out, std::string_view text, const json_path& at) {
  if (!is_utf8(text)) fail_at(at, "text that is not UTF-8 has no JSON form");
  out += '"';
  std::size_t written = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    out.append(text, written, i - written);
    written = i + 1;
    switch (byte) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default: {
        constexpr char digits[] = "0123456789abcdef";
        out += "\\u00";
        out += digits[byte >> 4];
        out += digits[byte & 15];
      }
    }
  }
  out.append(text, written);
  out += '"';
}

}  // namespace inngest::inline INNGEST_ABI::detail
