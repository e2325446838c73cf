#pragma once

#include <simdjson.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/json_path.hpp>
#include <inngest/error.hpp>

namespace inngest::detail {

using json_value = simdjson::ondemand::value;
using json_object = simdjson::ondemand::object;
using json_array = simdjson::ondemand::array;
using json_type = simdjson::ondemand::json_type;

/// JSON text followed by the zeroes that simdjson may read past its end. Slices of it can be read in place.
class json_buffer {
 public:
  json_buffer() = default;
  explicit json_buffer(std::string text) : bytes_(std::move(text)), size_(bytes_.size()) {
    bytes_.append(simdjson::SIMDJSON_PADDING, '\0');
  }

  std::string_view text() const { return std::string_view(bytes_).substr(0, size_); }

 private:
  std::string bytes_;
  std::size_t size_ = 0;
};

/// A parser borrowed from this thread: its buffers are worth keeping, and a reader may need a second one
/// while the first is in use (nlohmann conversions that lead back here).
class borrowed_parser {
 public:
  borrowed_parser() {
    if (pool().empty()) {
      parser_ = std::make_unique<simdjson::ondemand::parser>();
    } else {
      parser_ = std::move(pool().back());
      pool().pop_back();
    }
  }
  ~borrowed_parser() {
    if (parser_->capacity() <= largest_kept) pool().push_back(std::move(parser_));
  }
  borrowed_parser(const borrowed_parser&) = delete;
  borrowed_parser& operator=(const borrowed_parser&) = delete;

  simdjson::ondemand::parser& operator*() const { return *parser_; }

 private:
  static constexpr std::size_t largest_kept = std::size_t{1} << 20;

  static std::vector<std::unique_ptr<simdjson::ondemand::parser>>& pool() {
    thread_local std::vector<std::unique_ptr<simdjson::ondemand::parser>> parsers;
    return parsers;
  }

  std::unique_ptr<simdjson::ondemand::parser> parser_;
};

[[noreturn]] inline void fail_at(const json_path& at, const std::string& problem) {
  throw payload_error(at.text(), problem);
}

[[noreturn]] inline void fail_too_deep(const json_path& at) {
  fail_at(at, "nested deeper than " + std::to_string(INNGEST_MAX_JSON_DEPTH) + " levels");
}

[[noreturn]] inline void fail_parse(const json_path& at, simdjson::error_code code) {
  fail_at(at, std::string("not valid JSON: ") + simdjson::error_message(code));
}

/// Takes a simdjson result apart; a failure becomes an error that names the path.
template <class T>
T take(simdjson::simdjson_result<T>&& result, const json_path& at) {
  T value{};
  if (const auto code = std::move(result).get(value)) fail_parse(at, code);
  return value;
}

inline std::string_view name_of(json_type type) {
  switch (type) {
    case json_type::array:
      return "array";
    case json_type::object:
      return "object";
    case json_type::number:
      return "number";
    case json_type::string:
      return "string";
    case json_type::boolean:
      return "boolean";
    case json_type::null:
      return "null";
    default:
      return "something that is not JSON";  // simdjson 4 has a type for it
  }
}

inline json_type type_of(json_value& value, const json_path& at) { return take(value.type(), at); }

inline void expect(json_value& value, json_type wanted, const json_path& at, std::string_view name) {
  const json_type found = type_of(value, at);
  if (found == json_type::null && !take(value.is_null(), at)) fail_at(at, "not valid JSON: expected null");
  if (found == wanted) return;
  fail_at(at, "expected " + std::string(name) + ", found " + std::string(name_of(found)));
}

/// Whether the value is null; text that only begins like it is an error.
inline bool is_null(json_value& value, const json_path& at) {
  if (type_of(value, at) != json_type::null) return false;
  if (!take(value.is_null(), at)) fail_at(at, "not valid JSON: expected null");
  return true;
}

/// Reads a text, a number, a boolean or null, whatever it is.
inline void read_scalar(json_value& value, json_type type, const json_path& at) {
  if (type == json_type::string)
    take(value.get_raw_json_string(), at);
  else if (type == json_type::number)
    take(value.get_double(), at);
  else if (type == json_type::boolean)
    take(value.get_bool(), at);
  else
    is_null(value, at);
}

/// The value's text as it stands in the document; it moves the reader past it.
inline std::string_view raw_text(json_value& value, const json_path& at) {
  const json_type type = type_of(value, at);
  if (type == json_type::array || type == json_type::object) return take(simdjson::to_json_string(value), at);
  std::string_view out = value.raw_json_token();
  out = out.substr(0, out.find_last_not_of(" \t\n\r") + 1);
  read_scalar(value, type, at);  // simdjson would pass over what is not JSON behind it, such as "a":1}
  return out;
}

/// One JSON object or array, read forwards. `text` must lie in a json_buffer.
class json_document {
 public:
  explicit json_document(std::string_view text, const json_path& at = {}) {
    // simdjson takes a zero byte for the end of a number
    if (text.find('\0') != std::string_view::npos) fail_at(at, "not valid JSON: there is a zero byte");
    const simdjson::padded_string_view padded(text.data(), text.size(),
                                              text.size() + simdjson::SIMDJSON_PADDING);
    if (const auto code = (*parser_).iterate(padded).get(document_)) fail_parse(at, code);
  }

  json_value root(const json_path& at = {}) {
    json_value value;
    const auto code = document_.get_value().get(value);
    if (code == simdjson::SCALAR_DOCUMENT_AS_VALUE) fail_at(at, "not a JSON object or array");
    if (code) fail_parse(at, code);
    return value;
  }

  json_object object(const json_path& at = {}) {
    json_value value = root(at);
    expect(value, json_type::object, at, "object");
    return take(value.get_object(), at);
  }

  /// Called when the root has been read: nothing may follow it.
  void expect_end(const json_path& at = {}) {
    const char* rest = nullptr;
    if (document_.current_location().get(rest) == simdjson::SUCCESS) {
      fail_at(at, "not valid JSON: there is more text after the value");
    }
  }

 private:
  borrowed_parser parser_;
  simdjson::ondemand::document document_;
};

}  // namespace inngest::detail
