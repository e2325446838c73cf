#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <inngest/detail/utf8.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/codec.hpp>

namespace inngest::detail {

/// Text with every byte that is not of UTF-8 as a question mark: what is only to be read by people must get
/// through.
inline std::string readable(std::string_view text) {
  std::string out(text);
  if (is_utf8(out)) return out;
  for (char& c : out) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return out;
}

/// \throws payload_error for text that must arrive as it is and is not UTF-8; `whose` names it.
inline void require_utf8(std::string_view text, const std::string& whose) {
  if (is_utf8(text)) return;
  throw payload_error({}, whose + " is not UTF-8, so JSON can't hold it: \"" + readable(text) + "\"");
}

/// Writes a JSON object member by member, for what is told to a server or a person now and then: it compiles
/// in no time and needs no DOM.
class json_object_text {
 public:
  json_object_text& add(std::string_view name, std::string_view value) {
    write_quoted(begin(name), readable(value));
    return *this;
  }
  json_object_text& add(std::string_view name, const char* value) {
    return add(name, std::string_view(value));
  }
  /// Text that must arrive as it is, such as the name of a signal.
  /// \throws payload_error when it is not UTF-8.
  json_object_text& add_exact(std::string_view name, std::string_view value) {
    require_utf8(value, std::string(name));
    return add(name, value);
  }
  json_object_text& add(std::string_view name, bool value) { return add_raw(name, value ? "true" : "false"); }
  json_object_text& add(std::string_view name, std::int64_t value) {
    return add_raw(name, std::to_string(value));
  }
  json_object_text& add(std::string_view name, int value) { return add(name, std::int64_t{value}); }
  /// A value that is JSON already.
  json_object_text& add_raw(std::string_view name, std::string_view json) {
    begin(name) += json;
    return *this;
  }
  /// Nothing when the text is empty.
  json_object_text& add_if(std::string_view name, std::string_view value) {
    return value.empty() ? *this : add(name, value);
  }
  /// Null when the text is empty.
  json_object_text& add_or_null(std::string_view name, std::string_view value) {
    return value.empty() ? add_raw(name, "null") : add(name, value);
  }

  std::string text() const { return out_ + '}'; }

 private:
  std::string& begin(std::string_view name) {
    if (out_.size() > 1) out_ += ',';
    write_quoted(out_, name);
    return out_ += ':';
  }

  std::string out_ = "{";
};

/// The text that a member of a JSON object holds; empty when the JSON is broken, no object, has no such
/// member or another kind of value there. For answers of which only words for people are wanted.
inline std::string find_text(std::string_view json, std::string_view name) {
  try {
    const json_buffer buffer{std::string(json)};
    json_document document(buffer.text());
    for (auto item : document.object()) {
      json_field field = take(item, {});
      if (field.key != name) continue;
      if (type_of(field.value, {}) != json_type::string) return {};
      return std::string(take(field.value.get_string(), {}));
    }
  } catch (const payload_error&) {  // not JSON: it says nothing
  }
  return {};
}

/// A member of a JSON object as it stands there; empty when there is none. It points into the buffer.
/// \throws payload_error for what is not an object.
inline std::string_view find_member(const json_buffer& buffer, std::string_view name) {
  json_document document(buffer.text());
  for (auto item : document.object()) {
    json_field field = take(item, {});
    if (field.key == name) return raw_text(field.value, {});
  }
  return {};
}

}  // namespace inngest::detail
