#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/json/detail/document.hpp>
#include <inngest/json/detail/simdjson.hpp>

namespace inngest::inline INNGEST_ABI::detail {

static_assert(json_buffer::padding >= simdjson::SIMDJSON_PADDING);
static_assert(static_cast<int>(json_type::array) == static_cast<int>(simdjson::ondemand::json_type::array));
static_assert(static_cast<int>(json_type::object) == static_cast<int>(simdjson::ondemand::json_type::object));
static_assert(static_cast<int>(json_type::number) == static_cast<int>(simdjson::ondemand::json_type::number));
static_assert(static_cast<int>(json_type::string) == static_cast<int>(simdjson::ondemand::json_type::string));
static_assert(static_cast<int>(json_type::boolean) ==
              static_cast<int>(simdjson::ondemand::json_type::boolean));
static_assert(static_cast<int>(json_type::null) == static_cast<int>(simdjson::ondemand::json_type::null));

/// The contents of a json_object's storage: simdjson's iterator may point to its object.
struct json_object_state {
  simdjson::ondemand::object object{};
  simdjson::ondemand::object_iterator at{};
  simdjson::error_code problem = simdjson::SUCCESS;  // from begin()
};

/// The contents of a json_array's storage.
struct json_array_state {
  simdjson::ondemand::array array{};
  simdjson::ondemand::array_iterator at{};
  simdjson::error_code problem = simdjson::SUCCESS;  // from begin()
};

/// Access to the storage of the opaque types.
struct json_access {
  template <class T, class Storage>
  static T& in(Storage& storage) {
    static_assert(sizeof(T) <= sizeof storage.bytes && alignof(T) <= alignof(Storage));
    return *std::launder(reinterpret_cast<T*>(storage.bytes));
  }

  static simdjson::ondemand::value& value_in(json_value& value) {
    using stored = simdjson::ondemand::value;
    static_assert(std::is_trivially_copyable_v<stored>, "a json_value is copied as its bytes");
    return in<stored>(value.storage_);
  }
  /// Moves a value that was passed by value: GCC keeps its parts in registers then. From a reference, it
  /// would copy them through the stack, with loads that are wider than the stores before them, which are
  /// slow.
  static void set(json_value& out, simdjson::ondemand::value value) { value_in(out) = std::move(value); }
  static json_value make_value(const simdjson::ondemand::value& value) {
    json_value out;
    set(out, value);
    return out;
  }

  static simdjson::ondemand::object& object_at(json_bookmark& place) {
    using stored = simdjson::ondemand::object;
    static_assert(std::is_trivially_copyable_v<stored>, "a json_bookmark is copied as its bytes");
    return in<stored>(place.storage_);
  }
  static void set(json_bookmark& place, const simdjson::ondemand::object& object) {
    ::new (place.storage_.bytes) simdjson::ondemand::object(object);
  }

  /// Of what was read in a buffer.
  static json_slice slice(std::string_view within) { return json_slice(within); }

  static json_object_state& state_of(json_object& object) { return in<json_object_state>(object.storage_); }
  static json_array_state& state_of(json_array& array) { return in<json_array_state>(array.storage_); }
};

template <class T>
json_or_error<T> unwrapped(simdjson::simdjson_result<T>&& result) {
  json_or_error<T> out;
  out.error = std::move(result).get(out.value);
  return out;
}

inline json_or_error<json_value> unwrapped(simdjson::simdjson_result<simdjson::ondemand::value>&& result) {
  simdjson::ondemand::value value;
  if (const auto code = std::move(result).get(value)) return {.error = code};
  return {.value = json_access::make_value(value)};
}

/// Before simdjson 3, is_null() has no error: it is false for text that is not null.
inline json_or_error<bool> unwrapped(bool value) { return {.value = value}; }

/// Whether neither the text nor the seven bytes after it contain a backslash. These bytes must belong to the
/// document or its padding.
inline bool has_no_backslash(std::string_view text) {
  constexpr std::uint64_t ones = 0x0101010101010101;
  std::uint64_t found = 0;
  for (std::size_t i = 0; i < text.size(); i += 8) {  // eight bytes at once
    std::uint64_t bytes;
    std::memcpy(&bytes, text.data() + i, sizeof bytes);
    bytes ^= ones * '\\';  // now a backslash is zero
    found |= (bytes - ones) & ~bytes;
  }
  return (found & ones << 7) == 0;
}

/// Whether a long text has a backslash: memchr() is faster than the loop above.
inline bool has_backslash_far(std::string_view text) {
  return std::memchr(text.data(), '\\', text.size()) != nullptr;
}

/// Old versions of simdjson take no argument, and later ones have no default for it.
template <class Field>
json_or_error<std::string_view> unescaped_key_of(Field& field) {
  if constexpr (requires { field.unescaped_key(false); })
    return unwrapped(field.unescaped_key(false));
  else
    return unwrapped(field.unescaped_key());
}

// ---- json_value -------------------------------------------------------------------------------------

INNGEST_INLINE json_or_error<json_type> json_value::type() {
  simdjson::ondemand::json_type found{};
  if (const auto code = json_access::value_in(*this).type().get(found)) return {.error = code};
  return {.value = static_cast<json_type>(found)};
}

INNGEST_INLINE json_or_error<std::string_view> json_value::get_string() {
  return unwrapped(json_access::value_in(*this).get_string());
}

INNGEST_INLINE bool json_value::get_plain_string(std::string_view& out) {
  simdjson::ondemand::value& value = json_access::value_in(*this);
  const std::string_view token = value.raw_json_token();
  if (token.size() < 2 || token.back() != '"') return false;
  out = std::string_view(token.data() + 1, token.size() - 2);
  const bool is_long = out.size() >= 128;
  if (is_long ? has_backslash_far(out) : !has_no_backslash(out)) return false;
  return value.get_raw_json_string().error() == simdjson::SUCCESS;  // checks the first quote
}

INNGEST_INLINE json_or_error<std::string_view> json_value::get_raw_json_string() {
  simdjson::ondemand::raw_json_string found;
  if (const auto code = json_access::value_in(*this).get_raw_json_string().get(found)) return {.error = code};
  return {};
}

INNGEST_INLINE json_or_error<bool> json_value::get_bool() {
  return unwrapped(json_access::value_in(*this).get_bool());
}

INNGEST_INLINE json_or_error<double> json_value::get_double() {
  return unwrapped(json_access::value_in(*this).get_double());
}

INNGEST_INLINE json_or_error<std::int64_t> json_value::get_int64() {
  return unwrapped(json_access::value_in(*this).get_int64());
}

INNGEST_INLINE json_or_error<std::uint64_t> json_value::get_uint64() {
  return unwrapped(json_access::value_in(*this).get_uint64());
}

INNGEST_INLINE json_or_error<bool> json_value::is_null() {
  return unwrapped(json_access::value_in(*this).is_null());
}

INNGEST_INLINE std::string_view json_value::raw_json_token() {
  return json_access::value_in(*this).raw_json_token();
}

// ---- json_object ------------------------------------------------------------------------------------

INNGEST_INLINE json_object::json_object(json_value& value, const json_path& at) {
  simdjson::ondemand::object object;
  if (const auto code = json_access::value_in(value).get_object().get(object)) fail_parse(at, code);
  ::new (storage_.bytes) json_object_state{.object = object};
}

INNGEST_INLINE json_object::json_object(const json_bookmark& place) {
  json_bookmark copy = place;
  simdjson::ondemand::object& object = json_access::object_at(copy);
  if (const auto code = object.reset().error()) fail_parse({}, code);
  ::new (storage_.bytes) json_object_state{.object = object};
}

INNGEST_INLINE json_object::~json_object() { json_access::state_of(*this).~json_object_state(); }

INNGEST_INLINE json_object::iterator json_object::begin() {
  json_object_state& state = json_access::state_of(*this);
  state.problem = state.object.begin().get(state.at);
  return iterator(*this);
}

INNGEST_INLINE bool json_object::is_at_end() {
  json_object_state& state = json_access::state_of(*this);
  return state.problem == simdjson::SUCCESS && !(state.at != simdjson::ondemand::object_iterator());
}

INNGEST_INLINE json_or_error<json_field>& json_object::current() {
  json_object_state& state = json_access::state_of(*this);
  simdjson::ondemand::field field;
  current_.error = state.problem ? state.problem : (*state.at).get(field);
  if (current_.error != 0) return current_;
  json_access::set(current_.value.value, field.value());
  // Most keys have no escapes and are followed directly by their value, so simdjson need not copy them.
  const char* const begin = field.key().raw();
  const char* const end = field.value().raw_json_token().data() - 2;
  if (begin <= end && end[0] == '"' && end[1] == ':') {
    current_.value.key = std::string_view(begin, static_cast<std::size_t>(end - begin));
    if (has_no_backslash(current_.value.key)) return current_;
  }
  const auto key = unescaped_key_of(field);
  current_.value.key = key.value;
  current_.error = key.error;
  return current_;
}

INNGEST_INLINE void json_object::advance() { ++json_access::state_of(*this).at; }

// ---- json_array -------------------------------------------------------------------------------------

INNGEST_INLINE json_array::json_array(json_value& value, const json_path& at) {
  simdjson::ondemand::array array;
  if (const auto code = json_access::value_in(value).get_array().get(array)) fail_parse(at, code);
  ::new (storage_.bytes) json_array_state{.array = array};
}

INNGEST_INLINE json_array::~json_array() { json_access::state_of(*this).~json_array_state(); }

INNGEST_INLINE json_array::iterator json_array::begin() {
  json_array_state& state = json_access::state_of(*this);
  state.problem = state.array.begin().get(state.at);
  return iterator(*this);
}

INNGEST_INLINE bool json_array::is_at_end() {
  json_array_state& state = json_access::state_of(*this);
  return state.problem == simdjson::SUCCESS && !(state.at != simdjson::ondemand::array_iterator());
}

INNGEST_INLINE json_or_error<json_value>& json_array::current() {
  json_array_state& state = json_access::state_of(*this);
  simdjson::ondemand::value value;
  current_.error = state.problem ? state.problem : (*state.at).get(value);
  if (current_.error == 0) json_access::set(current_.value, value);
  return current_;
}

INNGEST_INLINE void json_array::advance() { ++json_access::state_of(*this).at; }

INNGEST_INLINE json_or_error<std::string_view> json_array::raw_json() {
  return unwrapped(json_access::state_of(*this).array.raw_json());
}

INNGEST_INLINE json_or_error<bool> json_array::rewind() {
  return unwrapped(json_access::state_of(*this).array.reset());
}

// ---- errors -----------------------------------------------------------------------------------------

INNGEST_INLINE void fail_parse(const json_path& at, int code) {
  fail_at(at,
          std::string("not valid JSON: ") + simdjson::error_message(static_cast<simdjson::error_code>(code)));
}

// ---- reading ----------------------------------------------------------------------------------------

INNGEST_INLINE std::string_view name_of(json_type type) {
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

INNGEST_INLINE json_type type_of(json_value& value, const json_path& at) { return take(value.type(), at); }

/// Whether a value that begins with this byte may be of the type. One byte does not suffice for null.
inline bool begins(json_type type, char first) {
  switch (type) {
    case json_type::array:
      return first == '[';
    case json_type::object:
      return first == '{';
    case json_type::number:
      return first == '-' || is_digit(first);
    case json_type::string:
      return first == '"';
    case json_type::boolean:
      return first == 't' || first == 'f';
    default:
      return false;
  }
}

INNGEST_INLINE void expect(json_value& value, json_type wanted, const json_path& at, std::string_view name) {
  if (begins(wanted, *value.raw_json_token().data())) return;
  const json_type found = type_of(value, at);
  if (found == json_type::null && !take(value.is_null(), at)) fail_at(at, "not valid JSON: expected null");
  if (found == wanted) return;
  fail_at(at, "expected " + std::string(name) + ", found " + std::string(name_of(found)));
}

INNGEST_INLINE bool is_null(json_value& value, const json_path& at) {
  if (type_of(value, at) != json_type::null) return false;
  if (!take(value.is_null(), at)) fail_at(at, "not valid JSON: expected null");
  return true;
}

INNGEST_INLINE void read_scalar(json_value& value, json_type type, const json_path& at) {
  if (type == json_type::string)
    take(value.get_raw_json_string(), at);
  else if (type == json_type::number)
    take(value.get_double(), at);
  else if (type == json_type::boolean)
    take(value.get_bool(), at);
  else
    is_null(value, at);
}

/// Removes the white space that follows a value.
inline std::string_view trimmed_at_end(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

INNGEST_INLINE json_slice raw_text(json_value& value, const json_path& at) {
  const json_type type = type_of(value, at);
  if (type == json_type::array || type == json_type::object)
    return json_access::slice(take(unwrapped(simdjson::to_json_string(json_access::value_in(value))), at));
  const std::string_view out = trimmed_at_end(value.raw_json_token());
  read_scalar(value, type, at);  // simdjson would ignore invalid text after it, such as "a":1}
  return json_access::slice(out);
}

INNGEST_INLINE json_slice raw_object(json_value& value, const json_path& at, json_bookmark& place) {
  simdjson::ondemand::object object;
  if (const auto code = json_access::value_in(value).get_object().get(object)) fail_parse(at, code);
  json_access::set(place, object);
  return json_access::slice(trimmed_at_end(take(unwrapped(object.raw_json()), at)));
}

// ---- documents --------------------------------------------------------------------------------------

struct json_parser {
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
};

/// The unused parsers of this thread.
INNGEST_INLINE std::vector<std::unique_ptr<json_parser>>& idle_parsers() {
  thread_local std::vector<std::unique_ptr<json_parser>> parsers;
  return parsers;
}

/// The unused parsers for large texts. They are shared by all threads, because each holds several times the
/// text, and because the most recently used one is still in the CPU's cache.
struct large_parsers {
  static constexpr std::size_t from = std::size_t{64} << 10, to = std::size_t{8} << 20;  // bytes of text

  std::mutex mutex;
  std::array<std::unique_ptr<json_parser>, 8> idle;
};

INNGEST_INLINE large_parsers& idle_large_parsers() {
  static large_parsers& parsers = *new large_parsers;  // never destroyed: threads may outlive main()
  return parsers;
}

INNGEST_INLINE std::unique_ptr<json_parser> take_large_parser() {
  large_parsers& all = idle_large_parsers();
  const std::lock_guard lock(all.mutex);
  for (auto& parser : all.idle) {
    if (parser) return std::move(parser);
  }
  return nullptr;
}

INNGEST_INLINE void keep_large_parser(std::unique_ptr<json_parser>& parser) {
  large_parsers& all = idle_large_parsers();
  const std::lock_guard lock(all.mutex);
  for (auto& place : all.idle) {
    if (!place) return place.swap(parser);
  }
}

INNGEST_INLINE borrowed_parser::borrowed_parser(std::size_t text_size) {
  auto& idle = idle_parsers();
  if (text_size > large_parsers::from) {
    parser_ = take_large_parser();
  } else if (!idle.empty()) {
    parser_ = std::move(idle.back());
    idle.pop_back();
  }
  if (!parser_) parser_ = std::make_unique<json_parser>();
}

INNGEST_INLINE borrowed_parser::~borrowed_parser() {
  const std::size_t capacity = parser_->parser.capacity();
  if (capacity <= large_parsers::from)
    idle_parsers().push_back(std::move(parser_));
  else if (capacity <= large_parsers::to)
    keep_large_parser(parser_);
}

INNGEST_INLINE json_document::json_document(json_slice text, const json_path& at) : parser_(text.size()) {
  // simdjson treats a zero byte as the end of a number
  if (text.find('\0') != std::string_view::npos) fail_at(at, "not valid JSON: there is a zero byte");
  const simdjson::padded_string_view padded(text.data(), text.size(),
                                            text.size() + simdjson::SIMDJSON_PADDING);
  if (const auto code = (*parser_).parser.iterate(padded).get((*parser_).document)) fail_parse(at, code);
}

INNGEST_INLINE json_value json_document::root(const json_path& at) {
  simdjson::ondemand::value value;
  const auto code = (*parser_).document.get_value().get(value);
  if (code == simdjson::SCALAR_DOCUMENT_AS_VALUE) fail_at(at, "not a JSON object or array");
  if (code) fail_parse(at, code);
  return json_access::make_value(value);
}

INNGEST_INLINE json_object json_document::object(const json_path& at) {
  json_value value = root(at);
  expect(value, json_type::object, at, "object");
  return json_object(value, at);
}

INNGEST_INLINE void json_document::expect_end(const json_path& at) {
  const char* rest = nullptr;
  if ((*parser_).document.current_location().get(rest) == simdjson::SUCCESS) {
    fail_at(at, "not valid JSON: there is more text after the value");
  }
}

INNGEST_INLINE bool kept_document::begin_reading(std::size_t size) {
  if (!document_ || is_reading_ || size > allowed_) return false;
  allowed_ -= size;
  return is_reading_ = true;
}

INNGEST_INLINE void kept_document::end_reading(bool is_complete) {
  is_reading_ = false;
  if (!is_complete) allowed_ = 0;
}

// ---- single_value -----------------------------------------------------------------------------------

INNGEST_INLINE json_buffer buffer_of_array(std::string_view element) {
  std::string text;
  text.reserve(element.size() + 2 + json_buffer::padding);
  text += '[';
  text += element;
  text += ']';
  return json_buffer(std::move(text));
}

INNGEST_INLINE single_value::single_value(std::string_view text, const json_path& at)
    : buffer_(buffer_of_array(text)),
      document_(buffer_.text(), at),
      root_(document_.root(at)),
      elements_(root_, at) {
  if (take(elements_.raw_json(), at).size() != buffer_.text().size())
    fail_at(at, "not valid JSON: there is more text after the value");
  if (!take(elements_.rewind(), at)) fail_at(at, "expected JSON, found nothing");
  value_ = take(*elements_.begin(), at);
}

INNGEST_INLINE void single_value::expect_end(const json_path& at) {
  json_array::iterator next(elements_);
  if (++next != elements_.end()) fail_at(at, "expected one JSON value, found several");
}

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE json_buffer::json_buffer(std::string text) : bytes_(std::move(text)), size_(bytes_.size()) {
  bytes_.append(padding, '\0');
}

INNGEST_INLINE json_object::iterator& json_object::iterator::operator++() {
  object_->advance();
  return *this;
}

INNGEST_INLINE json_array::iterator& json_array::iterator::operator++() {
  array_->advance();
  return *this;
}

}  // namespace inngest::inline INNGEST_ABI::detail
