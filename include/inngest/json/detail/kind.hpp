#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <inngest/config.hpp>

// The kind of JSON that a C++ type corresponds to. codec.hpp lists the files that read and write the kinds.

namespace inngest::inline INNGEST_ABI::detail {

enum class json_kind {
  none,  // no JSON form
  boolean,
  integer,
  floating,
  text,
  null,      // std::monostate, std::nullptr_t
  optional,  // null or a value
  sequence,  // array
  mapping,   // object with any keys
  tuple,     // array of fixed size
  names,     // INNGEST_ENUM
  fields,    // INNGEST_FIELDS
  dom,       // nlohmann::json itself
  own,       // types with an own_codec, such as those of std::chrono
  converted  // types with nlohmann's to_json and from_json
};

/// Sets of JSON types.
namespace json_types {
inline constexpr unsigned null = 1, boolean = 2, number = 4, string = 8, array = 16, object = 32, any = 63;
}  // namespace json_types

/// The codec of one type, or of a family of types such as durations. It has
///
///     static constexpr const char* expected;    // in messages: "string"
///     static constexpr unsigned types;          // the JSON types it is written as: see json_types
///     using shape_type = ...;                   // a type that expressions may use like this one
///     static T read(json_value&, const json_path&);
///     static void write(std::string&, const T&, const json_path&);
template <class T>
struct own_codec;
/// The type in which a value is read back. Views are read as types that own their content.
template <class T>
struct owning_form {
  using type = T;
};
template <class T>
concept has_own_codec = requires {
  own_codec<T>::expected;
};

/// The members of a type without INNGEST_FIELDS: see <inngest/json/aggregates.hpp>.
template <class T>
struct aggregate_fields;
template <class T>
concept has_aggregate_fields = std::is_aggregate_v<T> && requires {
  aggregate_fields<T>::is_available;
};

/// Names a type for the functions behind the macros. Unlike a pointer, it does not convert to that of a base.
template <class T>
struct exactly {};

template <class T>
concept has_fields = requires(exactly<T> type) {
  inngest_fields(type);
};
/// Converts to T, but not to a base of T.
template <class T>
struct only {
  template <std::same_as<T> Other>
  operator const Other&() const;
};
/// Whether the type has functions for nlohmann that are not those of a base: a specialized serializer (the
/// primary one has templates), or a to_json.
template <class T>
concept has_own_to_json = requires {
  &nlohmann::adl_serializer<T>::to_json;
}
|| requires(nlohmann::json& out, const only<T>& value) { to_json(out, value); };
/// Whether the fields are declared for a base only. They would leave out the members of T itself.
template <class T>
concept has_fields_of_base = std::is_class_v<T> && !has_fields<T> && requires(const T* type) {
  inngest_declares(type);
}
&&!has_own_to_json<T>;

template <class T>
concept has_names = std::is_enum_v<T> && requires(const T* type) {
  inngest_names(type);
};
template <class T>
concept has_defaults = requires(exactly<T> type) {
  inngest_defaults(type);
};
template <class T>
concept has_camel_case = requires(exactly<T> type) {
  inngest_camel_case(type);
};
template <class T>
concept has_validate = std::is_class_v<T> && requires(const T& value) {
  validate(value);
};
template <class T>
concept text_like = std::convertible_to<const T&, std::string_view> && !std::same_as<T, nlohmann::json>;
template <class T>
concept to_json_known = requires(nlohmann::json& out, const T& value) {
  nlohmann::adl_serializer<T>::to_json(out, value);
};
template <class T>
concept from_json_known = std::default_initializable<T> && requires(const nlohmann::json& in, T& value) {
  nlohmann::adl_serializer<T>::from_json(in, value);
};

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_nested_optional = false;
template <class T>
inline constexpr bool is_nested_optional<std::optional<std::optional<T>>> = true;
template <class T>
inline constexpr bool is_tuple = false;
template <class... T>
inline constexpr bool is_tuple<std::tuple<T...>> = true;
template <class A, class B>
inline constexpr bool is_tuple<std::pair<A, B>> = true;
template <class T>
inline constexpr bool is_fixed_array = false;
template <class T, std::size_t Size>
inline constexpr bool is_fixed_array<std::array<T, Size>> = true;

template <class T>
concept is_other_character = std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
    std::same_as<T, char16_t> || std::same_as<T, char32_t>;
/// Text in other characters than char. As a range it would be an array of numbers.
template <class T>
inline constexpr bool is_text_of_other_characters = false;
template <is_other_character Character, class... Rest>
inline constexpr bool is_text_of_other_characters<std::basic_string<Character, Rest...>> = true;
template <is_other_character Character, class... Rest>
inline constexpr bool is_text_of_other_characters<std::basic_string_view<Character, Rest...>> = true;

template <class T>
concept range_like = requires(const T& range) {
  typename T::value_type;
  range.begin();
  range.end();
};
/// A map with several values of a key.
template <class T>
concept inserts_always = requires(T& map, const typename T::value_type& pair) {
  { map.insert(pair) } -> std::same_as<typename T::iterator>;
};
/// Integers that are numbers to everybody, and not characters.
template <class T>
concept number_like =
    std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> && !is_other_character<T>;
/// A map whose keys become decimal names.
template <class T>
concept has_number_keys = number_like<typename T::key_type> && !inserts_always<T> && !has_own_to_json<T>;
template <class T>
concept map_like = range_like<T> && requires {
  typename T::key_type;
  typename T::mapped_type;
} &&(std::same_as<typename T::key_type, std::string> || has_names<typename T::key_type> ||
     has_number_keys<T>);
/// A map whose keys are not the names of an object. nlohmann writes it as an array of pairs.
template <class T>
concept has_mapped_type = requires {
  typename T::mapped_type;
};
template <class T>
concept has_other_keys = has_mapped_type<T> && !map_like<T>;

/// A map with several values of a key, which an object doesn't have.
template <class T>
concept repeats_keys = map_like<T> && inserts_always<T>;

template <class T>
consteval json_kind kind_of();

template <class Tuple, std::size_t... Index>
consteval bool has_json_elements(std::index_sequence<Index...>) {
  return ((kind_of<std::tuple_element_t<Index, Tuple>>() != json_kind::none) && ...);
}

template <class T>
consteval json_kind kind_of() {
  if constexpr (std::same_as<T, bool>)
    return json_kind::boolean;
  else if constexpr (std::integral<T>)
    return json_kind::integer;
  else if constexpr (std::floating_point<T>)
    return json_kind::floating;
  else if constexpr (std::same_as<T, std::monostate> || std::same_as<T, std::nullptr_t>)
    return json_kind::null;
  else if constexpr (has_fields<T>)
    return json_kind::fields;
  else if constexpr (has_fields_of_base<T> || repeats_keys<T> || (std::is_array_v<T> && !text_like<T>) ||
                     is_text_of_other_characters<T>)
    return json_kind::none;
  else if constexpr (text_like<T>)
    return json_kind::text;
  else if constexpr (std::same_as<T, nlohmann::json>)
    return json_kind::dom;
  else if constexpr (has_own_codec<T>)
    return json_kind::own;
  else if constexpr (has_names<T>)
    return json_kind::names;
  else if constexpr (is_optional<T>)
    return kind_of<typename T::value_type>() == json_kind::none ? json_kind::none : json_kind::optional;
  else if constexpr (is_tuple<T>)
    return has_json_elements<T>(std::make_index_sequence<std::tuple_size_v<T>>()) ? json_kind::tuple
                                                                                  : json_kind::none;
  else if constexpr (map_like<T>)
    return kind_of<typename T::mapped_type>() == json_kind::none ? json_kind::none : json_kind::mapping;
  else if constexpr (std::is_class_v<T> && to_json_known<T> && (!range_like<T> || has_other_keys<T>))
    return json_kind::converted;
  else if constexpr (range_like<T>)
    return kind_of<std::remove_cvref_t<typename T::value_type>>() == json_kind::none ? json_kind::none
                                                                                     : json_kind::sequence;
  else if constexpr (to_json_known<T>)
    return json_kind::converted;
  else if constexpr (has_aggregate_fields<T>)
    return json_kind::fields;
  else
    return json_kind::none;
}

}  // namespace inngest::inline INNGEST_ABI::detail
