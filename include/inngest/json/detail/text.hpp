#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/codec.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Text with every byte that is not of UTF-8 as a question mark: what is only to be read by people must get
/// through.
std::string to_printable(std::string_view text);

/// \throws payload_error for text that must arrive as it is and is not UTF-8; `whose` names it.
void require_utf8(std::string_view text, const std::string& whose);

/// Writes a JSON object member by member, for what is told to a server or a person now and then: it compiles
/// in no time and needs no DOM.
class json_object_text {
 public:
  json_object_text& add(std::string_view name, std::string_view value);
  json_object_text& add(std::string_view name, const char* value);
  /// Text that must arrive as it is, such as the name of a signal.
  /// \throws payload_error when it is not UTF-8.
  json_object_text& add_exact(std::string_view name, std::string_view value);
  json_object_text& add(std::string_view name, bool value) { return add_raw(name, value ? "true" : "false"); }
  json_object_text& add(std::string_view name, std::int64_t value);
  json_object_text& add(std::string_view name, int value) { return add(name, std::int64_t{value}); }
  /// A value that is JSON already.
  json_object_text& add_raw(std::string_view name, std::string_view json);
  /// Nothing when the text is empty.
  json_object_text& add_if(std::string_view name, std::string_view value);
  /// Null when the text is empty.
  json_object_text& add_or_null(std::string_view name, std::string_view value);

  std::string text() const { return out_ + '}'; }

 private:
  std::string& begin(std::string_view name);

  std::string out_ = "{";
};

/// The text that a member of a JSON object holds; empty when the JSON is broken, no object, has no such
/// member or another kind of value there. For answers of which only words for people are wanted.
std::string find_text(std::string_view json, std::string_view name);

/// A member of a JSON object as it stands there; empty when there is none. It points into the buffer.
/// \throws payload_error for what is not an object.
std::string_view find_member(const json_buffer& buffer, std::string_view name);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/json/detail/impl/text.ipp>
#endif
