#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/codec.hpp>

#if !__has_include(<boost/pfr/core_name.hpp>)
#error \
    "inngest: <inngest/json/aggregates.hpp> reads the names of members by Boost.PFR: install Boost 1.84 or newer, or declare types with INNGEST_FIELDS"
#endif
#include <boost/pfr/core.hpp>
#include <boost/pfr/core_name.hpp>
#include <boost/pfr/tuple_size.hpp>

// Aggregates without INNGEST_FIELDS: with this header, a struct of public members has a JSON form by itself.
//
//     #include <inngest/json/aggregates.hpp>
//
//     struct Order { std::string id; int total_cents = 0; };
//     INNGEST_CAMEL_CASE(Order)                // optional: JSON names in camel case
//     INNGEST_DEFAULTS(Order, total_cents)     // optional: may be missing
//     using Placed = inngest::event<"order/placed", Order>;
//
// Requires Boost.PFR (header-only) from Boost 1.84 or later. The type must have no base class, C array or
// private member, and must be declared outside of functions. INNGEST_FIELDS and nlohmann's functions take
// precedence. Include it in every source file that uses such a type.

namespace inngest::inline INNGEST_ABI::detail {

/// The name is the advice, because compilers show it first.
template <class Owner, std::size_t Index, class Member>
struct aggregate_member_needs_INNGEST_FIELDS_or_to_json {
  static_assert(
      own_form::fits<Member>(),
      "inngest: a member of an aggregate has a type that is not JSON: make it an aggregate, too, or give "
      "it INNGEST_FIELDS, INNGEST_ENUM or nlohmann's to_json and from_json");
};

/// One member of an aggregate, by its position.
template <class Owner, std::size_t Index>
struct aggregate_field {
  using member_type = boost::pfr::tuple_element_t<Index, Owner>;
  using form = own_form;
  using check = aggregate_member_needs_INNGEST_FIELDS_or_to_json<Owner, Index, member_type>;

  std::string_view name;           // in JSON
  std::string_view member = name;  // in C++
  bool is_named = false;

  template <class T>
  static constexpr auto& of(T& owner) {
    return boost::pfr::get<Index>(owner);
  }
};

template <class T>
  requires(std::is_class_v<T>&& std::is_aggregate_v<T>&& std::default_initializable<T>)
struct aggregate_fields<T> {
  static constexpr bool is_available = true;

  static constexpr auto names = boost::pfr::names_as_array<T>();

  template <std::size_t... Index>
  static constexpr auto fields(std::index_sequence<Index...>) {
    return std::tuple<aggregate_field<T, Index>...>{
        aggregate_field<T, Index>{std::string_view(names[Index])}...};
  }
  static constexpr auto all() { return fields(std::make_index_sequence<names.size()>()); }
};

}  // namespace inngest::inline INNGEST_ABI::detail
