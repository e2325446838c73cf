#pragma once

#include <array>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/json/bytes.hpp>
#include <inngest/json/chrono.hpp>
#include <inngest/json/detail/codec.hpp>
#include <inngest/json/detail/for_each_macro.hpp>
#include <inngest/json/filesystem.hpp>
#include <inngest/json/variant.hpp>

namespace inngest::inline INNGEST_ABI {

/// JSON of any form.
using json = nlohmann::json;

/// The type that a C++ value is read back as from JSON: views and pointers to text become std::string, and a
/// std::span becomes a std::vector.
template <class T>
using json_form = std::conditional_t<detail::kind_of<std::decay_t<T>>() == detail::json_kind::text,
                                     std::string, typename detail::owning_form<std::decay_t<T>>::type>;

/// Types that can be written as JSON: numbers, text, std::optional, containers, types declared with
/// INNGEST_FIELDS or INNGEST_ENUM, and types with nlohmann's to_json.
template <class T>
concept json_writable = (detail::kind_of<std::decay_t<T>>() != detail::json_kind::none);

/// Types that can be written as JSON and read back.
template <class T>
concept json_convertible = json_writable<T> &&
    (detail::kind_of<std::decay_t<T>>() != detail::json_kind::converted ||
     detail::from_json_known<std::decay_t<T>>);

/// Appends `value` to `out` as JSON.
/// \throws payload_error for values without a JSON form (NaN, text that is not UTF-8), or that `validate`
/// rejects.
template <json_writable T>
void encode_to(std::string& out, const T& value, std::string_view root = {}) {
  detail::write<std::decay_t<const T&>>(out, value, detail::json_path(root));
}

/// Returns `value` as JSON text.
/// \throws payload_error like encode_to.
template <json_writable T>
[[nodiscard]] std::string encode(const T& value, std::string_view root = {}) {
  std::string out;
  encode_to(out, value, root);
  return out;
}

/// Reads a value from JSON text. `root` is the first name in the paths of errors.
/// \throws payload_error with the path of the value that does not fit.
template <json_convertible T>
[[nodiscard]] T decode(std::string_view text, std::string_view root = {}) {
  const detail::json_path at(root);
  detail::single_value value(text, at);
  T out = detail::read<T>(value.get(), at);
  value.expect_end(at);
  return out;
}

namespace detail {

/// The conversions that INNGEST_FIELDS defines for nlohmann. They use the same reader and writer.
template <class T>
void to_dom(nlohmann::json& out, const T& value) {
  out = parse_dom(encode(value));
}
template <class T>
void from_dom(const nlohmann::json& in, T& value) {
  value = decode<T>(dom_text(in));
}

}  // namespace detail
}  // namespace inngest::inline INNGEST_ABI

/// Declares the public members of a type that are its JSON fields, in the type's own namespace:
///
///     struct Position { double x, y; };
///     INNGEST_FIELDS(Position, x, y)
///
/// The type is then read directly from the text, without a DOM, and also works with nlohmann's json. A
/// std::optional member may be missing or null, and is omitted when empty. An extra_fields member collects
/// fields without a member. A `void validate(const T&)` in the type's namespace is called after reading and
/// before writing; its exceptions become errors at the value's path.
///
/// A member in parentheses may have another name in the JSON, another form, or both:
///
///     INNGEST_FIELDS(Upload, id, (media_type, "media-type"), (content, inngest::as_base64))
///
/// If the type already has functions for nlohmann, such as those of NLOHMANN_DEFINE_TYPE_INTRUSIVE,
/// nlohmann's json keeps using them. This macro decides how Inngest's events, results and arguments are
/// written.
#define INNGEST_FIELDS(Type, ...) INNGEST_DETAIL_FIELDS(, Type, __VA_ARGS__)

/// Like INNGEST_FIELDS, for snake-case members whose JSON names are in camel case: `created_at` is
/// "createdAt". Names given in parentheses are used unchanged.
#define INNGEST_CAMEL_FIELDS(Type, ...) \
  INNGEST_DETAIL_FIELDS(, Type, __VA_ARGS__) INNGEST_DETAIL_CAMEL_CASE(, Type)

/// Like INNGEST_FIELDS, used inside a class, for members that may be private:
///
///     class Account {
///      public:
///       INNGEST_INTRUSIVE_FIELDS(Account, (id_, "id"), (cents_, "cents"))
///
///      private:
///       std::string id_;
///       long cents_ = 0;
///     };
#define INNGEST_INTRUSIVE_FIELDS(Type, ...) INNGEST_DETAIL_FIELDS(friend, Type, __VA_ARGS__)

/// Like INNGEST_CAMEL_FIELDS, used inside a class. A trailing underscore is dropped: `created_at_` is
/// "createdAt".
#define INNGEST_INTRUSIVE_CAMEL_FIELDS(Type, ...) \
  INNGEST_DETAIL_FIELDS(friend, Type, __VA_ARGS__) INNGEST_DETAIL_CAMEL_CASE(friend, Type)

/// Camel case for a type whose fields are declared elsewhere: see <inngest/json/aggregates.hpp>.
#define INNGEST_CAMEL_CASE(Type) INNGEST_DETAIL_CAMEL_CASE(, Type)

/// Names fields that may be missing although they are not std::optional. A missing field leaves the member's
/// initializer unchanged.
///
///     struct Page { int number = 1; };
///     INNGEST_FIELDS(Page, number)
///     INNGEST_DEFAULTS(Page, number)
#define INNGEST_DEFAULTS(Type, ...) INNGEST_DETAIL_DEFAULTS(, Type, __VA_ARGS__)

/// Like INNGEST_DEFAULTS, used inside a class.
#define INNGEST_INTRUSIVE_DEFAULTS(Type, ...) INNGEST_DETAIL_DEFAULTS(friend, Type, __VA_ARGS__)

/// Maps an enumeration's values to JSON texts. Any other text is an error that lists the valid ones.
///
///     enum class Executor { native, python_e2b };
///     INNGEST_ENUM(Executor, {Executor::native, "native"}, {Executor::python_e2b, "python-e2b"})
#define INNGEST_ENUM(Type, ...)                                                                     \
  [[maybe_unused]] constexpr auto inngest_names(const Type*) {                                      \
    return ::std::to_array<::std::pair<Type, ::std::string_view>>({__VA_ARGS__});                   \
  }                                                                                                 \
  [[maybe_unused]] inline void to_json(::nlohmann::json& inngest_out, const Type& inngest_value) {  \
    ::inngest::detail::to_dom(inngest_out, inngest_value);                                          \
  }                                                                                                 \
  [[maybe_unused]] inline void from_json(const ::nlohmann::json& inngest_in, Type& inngest_value) { \
    ::inngest::detail::from_dom(inngest_in, inngest_value);                                         \
  }
