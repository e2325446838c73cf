#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/json/detail/codec.hpp>
#include <inngest/json/variant.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// The JSON form of a C++ type, as far as it is known. Used to check expressions that name its members, and
/// to show users what an event may contain.
struct json_shape {
  enum class kind {
    any,     ///< unknown: inngest::json, types with their own to_json
    value,   ///< a text, a number, a boolean or null: without members
    object,  ///< only `members`
    map,     ///< any members, all of the shape `element`
    list,    ///< no members: elements of the shape `element`
  };
  struct member;

  kind what = kind::any;
  std::string_view name{};  // the name of values and lists in messages
  std::span<const member> members{};
  const json_shape& (*element)() = nullptr;
  std::string_view type{};                     // of values: "string", "integer", "number" or "boolean"
  std::span<const std::string_view> values{};  // the allowed texts; empty for any

  const member* find(std::string_view name) const;
};

/// The shape is a function, because a type may contain itself.
struct json_shape::member {
  std::string_view name;
  const json_shape& (*shape)();
  bool is_optional = false;  // whether it may be missing
};

template <class T>
const json_shape& shape_of();

/// The shape of an enumeration with INNGEST_ENUM.
template <class T>
json_shape shape_of_names() {
  static constexpr auto texts = [] {
    constexpr auto pairs = inngest_names(static_cast<const T*>(nullptr));
    std::array<std::string_view, pairs.size()> out{};
    for (std::size_t i = 0; i < pairs.size(); ++i) out[i] = pairs[i].second;
    return out;
  }();
  return {.what = json_shape::kind::value, .name = "a text", .type = "string", .values = texts};
}

template <class T>
inline constexpr bool holds_extra_fields = false;
template <class... Fields>
inline constexpr bool holds_extra_fields<std::tuple<Fields...>> =
    (std::is_same_v<typename Fields::member_type, extra_fields> || ...);

/// The type whose shape a member has. Its form may differ from that of its type: bytes may be text.
template <class Field>
using shape_type = typename Field::form::template shape_type<typename Field::member_type>;

/// Adds a member of one alternative of a variant. Where alternatives differ, the member may be anything.
void add_member_of_alternative(std::vector<json_shape::member>& all, const json_shape::member& added);

/// The shape of the member that distinguishes the alternatives of a variant.
template <class Variant>
const json_shape& shape_of_discriminator() {
  static constexpr auto rule = inngest_discriminator(static_cast<const Variant*>(nullptr));
  static constexpr json_shape shape{
      .what = json_shape::kind::value, .name = "a text", .type = "string", .values = rule.values};
  return shape;
}

/// The shape of a std::variant with INNGEST_VARIANT: the members of all its alternatives, and its own.
template <class Variant, class... Alternatives>
json_shape shape_of_variant(const std::variant<Alternatives...>*) {
  constexpr auto rule = inngest_discriminator(static_cast<const Variant*>(nullptr));
  static std::vector<json_shape::member> members;
  members.assign({{rule.member, &shape_of_discriminator<Variant>}});
  for (const json_shape* alternative : {&shape_of<Alternatives>()...}) {
    if (alternative->what != json_shape::kind::object) return {};
    for (const json_shape::member& added : alternative->members) add_member_of_alternative(members, added);
  }
  return {.what = json_shape::kind::object, .members = members};
}

template <class T>
json_shape make_shape() {
  using kind = json_shape::kind;
  constexpr json_kind what = kind_of<T>();
  if constexpr (what == json_kind::fields) {
    if constexpr (holds_extra_fields<std::remove_const_t<decltype(codec<T>::all)>>) {
      return {};
    } else {
      static const auto members = std::apply(
          []<class... Fields>(const Fields&... all) {
            return std::array<json_shape::member, sizeof...(Fields)>{json_shape::member{
                all.name, &shape_of<shape_type<Fields>>,
                is_optional<typename Fields::member_type> || codec<T>::has_default(all.member)}...};
          },
          codec<T>::all);
      return {.what = kind::object, .members = members};
    }
  } else if constexpr (has_discriminator<T>) {
    return shape_of_variant<T>(static_cast<const T*>(nullptr));
  } else if constexpr (what == json_kind::own) {
    return shape_of<typename own_codec<T>::shape_type>();
  } else if constexpr (what == json_kind::optional) {
    return shape_of<typename T::value_type>();
  } else if constexpr (what == json_kind::mapping) {
    return {.what = kind::map, .element = &shape_of<typename T::mapped_type>};
  } else if constexpr (what == json_kind::sequence) {
    return {.what = kind::list,
            .name = "a list",
            .element = &shape_of<std::remove_cvref_t<typename T::value_type>>};
  } else if constexpr (what == json_kind::tuple) {
    return {.what = kind::list, .name = "a list"};
  } else if constexpr (what == json_kind::names) {
    return shape_of_names<T>();
  } else if constexpr (what == json_kind::text) {
    return {.what = kind::value, .name = "a text", .type = "string"};
  } else if constexpr (what == json_kind::integer || what == json_kind::floating) {
    return {
        .what = kind::value, .name = "a number", .type = what == json_kind::integer ? "integer" : "number"};
  } else if constexpr (what == json_kind::boolean) {
    return {.what = kind::value, .name = "a boolean", .type = "boolean"};
  } else {
    return {};
  }
}

template <class T>
const json_shape& shape_of() {
  static const json_shape shape = make_shape<T>();
  return shape;
}

/// An event's name and the shape of its data.
struct event_shape {
  std::string_view name;
  const json_shape& (*data)();
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/json/detail/impl/shape.ipp>
#endif
