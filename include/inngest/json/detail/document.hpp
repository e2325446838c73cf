#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/path.hpp>

// A forward-only reader of JSON text without a DOM. It wraps simdjson's on-demand reader. Only
// impl/document.ipp includes simdjson's header, which takes seconds to compile.

namespace inngest::inline INNGEST_ABI::detail {

/// A part of the text in a json_buffer. The reader may look at a few bytes past its end, so only buffers make
/// slices, and the reader itself, of what it reads in one. It is valid as long as the buffer's text.
class json_slice : public std::string_view {
 public:
  /// An empty text.
  json_slice() = default;

 private:
  friend class json_buffer;
  friend struct json_access;
  explicit json_slice(std::string_view within) : std::string_view(within) {}
};

/// JSON text followed by the padding that simdjson may read past its end. Slices of it can be read in place.
/// A text with enough free capacity is not copied.
class json_buffer {
 public:
  static constexpr std::size_t padding = 64;  // bytes; enough for all versions of simdjson

  json_buffer() = default;
  explicit json_buffer(std::string text);

  json_slice text() const { return json_slice(std::string_view(bytes_).substr(0, size_)); }

  /// The memory of the text and its padding, for another use.
  std::string release() && { return std::move(bytes_); }

 private:
  std::string bytes_;
  std::size_t size_ = 0;
};

/// simdjson 4 reports invalid JSON as `unknown`.
enum class json_type { unknown, array, object, number, string, boolean, null };

/// A value, or simdjson's error code; 0 is success. take() distinguishes them.
template <class T>
struct json_or_error {
  T value{};
  int error = 0;
};

/// Storage for one of simdjson's types, which only impl/document.ipp knows.
template <std::size_t Words>
struct json_storage {
  json_storage() noexcept {}  // uninitialized: clearing it for every value would cost time
  alignas(void*) std::byte bytes[Words * sizeof(void*)];
};

/// A position in a document where a value begins. Read it once, before the values after it.
class json_value {
 public:
  json_or_error<json_type> type();
  json_or_error<std::string_view> get_string();
  /// Reads a string without escapes, the common case, as a slice of the document. Returns false for any other
  /// value, which then remains unread.
  bool get_plain_string(std::string_view& out);
  json_or_error<std::string_view> get_raw_json_string();
  json_or_error<bool> get_bool();
  json_or_error<double> get_double();
  json_or_error<std::int64_t> get_int64();
  json_or_error<std::uint64_t> get_uint64();
  /// Whether the value is null. Returns false or an error for other text that begins with "null".
  json_or_error<bool> is_null();
  /// The text from the value's first byte to the next token; for numbers, the digits and following white
  /// space.
  std::string_view raw_json_token();

 private:
  friend struct json_access;
  json_storage<3> storage_;
};

/// A member of an object.
struct json_field {
  std::string_view key;  ///< without escapes; valid while its document is
  json_value value;
};

/// Where an object begins in a kept_document.
class json_bookmark {
 private:
  friend struct json_access;
  json_storage<4> storage_;
};

/// The members of an object, in order, once:
///
///     for (auto& item : members_of(value, at)) {
///       json_field& field = take(item, at);  // valid until the next one
class json_object {
 public:
  class iterator {
   public:
    explicit iterator(json_object& object) : object_(&object) {}
    json_or_error<json_field>& operator*() const { return object_->current(); }
    iterator& operator++();
    bool operator==(std::default_sentinel_t) const { return object_->is_at_end(); }

   private:
    json_object* object_;
  };

  /// \throws payload_error naming `at` when the value is not an object.
  json_object(json_value& value, const json_path& at);
  /// An object that kept_document::begin_reading() allowed to read.
  explicit json_object(const json_bookmark& place);
  ~json_object();
  json_object(const json_object&) = delete;
  json_object& operator=(const json_object&) = delete;

  iterator begin();
  std::default_sentinel_t end() const { return {}; }

 private:
  friend struct json_access;
  json_or_error<json_field>& current();
  void advance();
  bool is_at_end();

  json_or_error<json_field> current_;
  json_storage<12> storage_;
};

/// The elements of an array, in order, once:
///
///     for (auto& item : elements_of(value, at)) {
///       json_value& element = take(item, at);  // valid until the next one
class json_array {
 public:
  class iterator {
   public:
    explicit iterator(json_array& array) : array_(&array) {}
    json_or_error<json_value>& operator*() const { return array_->current(); }
    iterator& operator++();
    bool operator==(std::default_sentinel_t) const { return array_->is_at_end(); }

   private:
    json_array* array_;
  };

  /// \throws payload_error naming `at` when the value is not an array.
  json_array(json_value& value, const json_path& at);
  ~json_array();
  json_array(const json_array&) = delete;
  json_array& operator=(const json_array&) = delete;

  iterator begin();
  std::default_sentinel_t end() const { return {}; }

  /// The array's whole text. Call it before reading, and rewind() afterwards.
  json_or_error<std::string_view> raw_json();
  /// Moves back to the beginning. Returns whether there is an element.
  json_or_error<bool> rewind();

 private:
  friend struct json_access;
  json_or_error<json_value>& current();
  void advance();
  bool is_at_end();

  json_or_error<json_value> current_;
  json_storage<12> storage_;
};

inline json_object members_of(json_value& value, const json_path& at) { return json_object(value, at); }
inline json_array elements_of(json_value& value, const json_path& at) { return json_array(value, at); }

[[noreturn]] void fail_parse(const json_path& at, int code);

/// Returns the value of a result, or throws an error that names the path.
template <class T>
T take(const json_or_error<T>& result, const json_path& at) {
  if (result.error != 0) fail_parse(at, result.error);
  return result.value;
}

/// The same without a copy.
template <class T>
T& take(json_or_error<T>& result, const json_path& at) {
  if (result.error != 0) fail_parse(at, result.error);
  return result.value;
}

std::string_view name_of(json_type type);
json_type type_of(json_value& value, const json_path& at);

/// \throws payload_error when the value has another type; `name` is the expected type in the message.
void expect(json_value& value, json_type wanted, const json_path& at, std::string_view name);

/// Whether the value is null; other text that begins with "null" is an error.
bool is_null(json_value& value, const json_path& at);

/// Reads and checks any text, number, boolean or null.
void read_scalar(json_value& value, json_type type, const json_path& at);

/// The value's unchanged text in the document. The reader moves past it.
json_slice raw_text(json_value& value, const json_path& at);

/// The same for an object of a kept_document. `place` is where it can be read later.
json_slice raw_object(json_value& value, const json_path& at, json_bookmark& place);

struct json_parser;

/// A parser borrowed from this thread, because its buffers are worth reusing; for a large text, from the few
/// that all threads share. A reader may need a second parser while the first is in
/// use, for nlohmann conversions that call this reader again.
class borrowed_parser {
 public:
  explicit borrowed_parser(std::size_t text_size);
  ~borrowed_parser();
  borrowed_parser(const borrowed_parser&) = delete;
  borrowed_parser& operator=(const borrowed_parser&) = delete;

  json_parser& operator*() const { return *parser_; }

 private:
  std::unique_ptr<json_parser> parser_;
};

/// One JSON object or array.
class json_document {
 public:
  explicit json_document(json_slice text, const json_path& at = {});

  json_value root(const json_path& at = {});
  json_object object(const json_path& at = {});

  /// Called after the root was read. \throws payload_error when text follows it.
  void expect_end(const json_path& at = {});

 private:
  borrowed_parser parser_;
};

/// A document that stays open after it was read, so that objects in it can be read where they are: a document
/// of their own would scan their text again.
class kept_document {
 public:
  explicit kept_document(json_slice text) : document_(std::in_place, text) {}

  /// To be read to its end first.
  json_document& document() { return *document_; }
  /// Notes that an object with a text of this size may be read later.
  void allow(std::size_t size) { allowed_ += size; }

  /// Whether an object with a text of this size may be read now. If so, end_reading() must follow. Objects
  /// are read one at a time, and each once: simdjson has room for the strings of the whole document.
  bool begin_reading(std::size_t size);
  /// `is_complete`: all members were read. After an error nothing else is read in place.
  void end_reading(bool is_complete);

  /// Gives the memory back. Objects can't be read any more.
  void close() { document_.reset(); }

 private:
  std::optional<json_document> document_;
  std::size_t allowed_ = 0;  // bytes
  bool is_reading_ = false;
};

/// One JSON value of any type. The text is wrapped in an array, so that a number or string is read like any
/// other value.
class single_value {
 public:
  /// \throws payload_error naming `at` when the text is empty or more text follows the value.
  single_value(std::string_view text, const json_path& at);

  json_value& get() { return value_; }

  /// Called after the value was read. \throws payload_error when another value follows.
  void expect_end(const json_path& at);

 private:
  json_buffer buffer_;
  json_document document_;
  json_value root_;
  json_array elements_;
  json_value value_;
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/json/detail/impl/document.ipp>
#endif
