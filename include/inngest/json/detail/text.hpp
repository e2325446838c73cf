#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/codec.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Replaces every byte that is not UTF-8 by a question mark, for text that people read.
std::string to_printable(std::string_view text);

/// \throws payload_error when the text is not UTF-8; `whose` names the text in the message.
void require_utf8(std::string_view text, const std::string& whose);

/// \throws payload_error when the text is empty, blank or not UTF-8; `whose` names it in the message.
void require_name(std::string_view text, const std::string& whose);

/// Writes a JSON object member by member. It is cheap to compile and needs no DOM.
class json_object_text {
 public:
  json_object_text& add(std::string_view name, std::string_view value);
  json_object_text& add(std::string_view name, const char* value);
  /// Adds a text that must not be altered, such as the name of a signal.
  /// \throws payload_error when it is not UTF-8.
  json_object_text& add_exact(std::string_view name, std::string_view value);
  json_object_text& add(std::string_view name, bool value) { return add_raw(name, value ? "true" : "false"); }
  json_object_text& add(std::string_view name, std::int64_t value);
  json_object_text& add(std::string_view name, int value) { return add(name, std::int64_t{value}); }
  /// Adds a value given as JSON text.
  json_object_text& add_raw(std::string_view name, std::string_view json);
  /// Adds the member unless the text is empty.
  json_object_text& add_if(std::string_view name, std::string_view value);
  /// Adds null when the text is empty.
  json_object_text& add_or_null(std::string_view name, std::string_view value);

  std::string text() const { return out_ + '}'; }

 private:
  std::string& begin(std::string_view name);

  std::string out_ = "{";
};

/// The text of a member of a JSON object; empty when the JSON is invalid or not an object, or the member is
/// missing or not a text. For messages in answers.
std::string find_text(std::string_view json, std::string_view name);

/// The unchanged text of a member of a JSON object; empty when there is none. It points into the buffer.
/// \throws payload_error when the JSON is not an object.
json_slice find_member(const json_buffer& buffer, std::string_view name);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/json/detail/impl/text.ipp>
#endif
