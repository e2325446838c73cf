#pragma once

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/json/detail/text.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::string to_printable(std::string_view text) {
  std::string out(text);
  if (is_utf8(out)) return out;
  for (char& c : out) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return out;
}

INNGEST_INLINE void require_utf8(std::string_view text, const std::string& whose) {
  if (is_utf8(text)) return;
  throw payload_error({}, whose + " is not UTF-8, so JSON can't hold it: \"" + to_printable(text) + "\"");
}

INNGEST_INLINE void require_name(std::string_view text, const std::string& whose) {
  if (is_blank(text)) throw payload_error({}, whose + " must not be empty or blank");
  require_utf8(text, whose);
}

INNGEST_INLINE json_object_text& json_object_text::add(std::string_view name, std::string_view value) {
  write_quoted(begin(name), to_printable(value));
  return *this;
}

INNGEST_INLINE json_object_text& json_object_text::add(std::string_view name, const char* value) {
  return add(name, std::string_view(value));
}

INNGEST_INLINE json_object_text& json_object_text::add_exact(std::string_view name, std::string_view value) {
  require_utf8(value, std::string(name));
  return add(name, value);
}

INNGEST_INLINE json_object_text& json_object_text::add(std::string_view name, std::int64_t value) {
  return add_raw(name, std::to_string(value));
}

INNGEST_INLINE json_object_text& json_object_text::add_raw(std::string_view name, std::string_view json) {
  begin(name) += json;
  return *this;
}

INNGEST_INLINE json_object_text& json_object_text::add_if(std::string_view name, std::string_view value) {
  return value.empty() ? *this : add(name, value);
}

INNGEST_INLINE json_object_text& json_object_text::add_or_null(std::string_view name,
                                                               std::string_view value) {
  return value.empty() ? add_raw(name, "null") : add(name, value);
}

INNGEST_INLINE std::string& json_object_text::begin(std::string_view name) {
  if (out_.size() > 1) out_ += ',';
  write_quoted(out_, name);
  return out_ += ':';
}

INNGEST_INLINE std::string find_text(std::string_view json, std::string_view name) {
  try {
    const json_buffer buffer{std::string(json)};
    json_document document(buffer.text());
    for (auto item : document.object()) {
      json_field field = take(item, {});
      if (field.key != name) continue;
      if (type_of(field.value, {}) != json_type::string) return {};
      return std::string(take(field.value.get_string(), {}));
    }
  } catch (const payload_error&) {  // not JSON
  }
  return {};
}

INNGEST_INLINE json_slice find_member(const json_buffer& buffer, std::string_view name) {
  json_document document(buffer.text());
  for (auto item : document.object()) {
    json_field field = take(item, {});
    if (field.key == name) return raw_text(field.value, {});
  }
  return {};
}

}  // namespace inngest::inline INNGEST_ABI::detail
