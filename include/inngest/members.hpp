#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/codec.hpp>

// Keys and matches by members of C++ types, checked by the compiler. They become expressions with the
// members' JSON names.

namespace inngest::inline INNGEST_ABI {
namespace detail {

/// Appends a member's name to a path, such as `.total` or `["media-type"]`.
void append_member(std::string& path, std::string_view name);

template <auto Pointer, class Field>
constexpr bool is_field_of(const Field&) {
  if constexpr (requires { requires std::same_as<decltype(Field::pointer), const decltype(Pointer)>; })
    return Field::pointer == Pointer;
  else
    return false;
}

/// The JSON name of a member; empty when it has none.
template <auto Pointer>
std::string_view wire_name() {
  using owner = typename pointed_member<decltype(Pointer)>::owner;
  std::string_view out;
  if constexpr (has_fields<owner>) {
    std::apply(
        [&](const auto&... field) { ((is_field_of<Pointer>(field) ? void(out = field.name) : void()), ...); },
        codec<owner>::all);
  } else {  // an aggregate: its fields have positions instead of pointers
    owner object{};
    const void* wanted = &(object.*Pointer);
    std::apply(
        [&](const auto&... field) {
          ((static_cast<const void*>(&field.of(object)) == wanted ? void(out = field.name) : void()), ...);
        },
        codec<owner>::all);
  }
  return out;
}

template <auto Pointer>
consteval bool is_json_member() {
  using owner = typename pointed_member<decltype(Pointer)>::owner;
  if constexpr (has_fields<owner>)
    return std::apply([](const auto&... field) { return (is_field_of<Pointer>(field) || ...); },
                      codec<owner>::all);
  else
    return kind_of<owner>() == json_kind::fields;
}

/// A member of an event's data, possibly nested.
template <auto... Pointers>
class member_path;
template <auto First, auto... Rest>
  requires std::is_member_object_pointer_v<decltype(First)>
class member_path<First, Rest...> {
 public:
  using owner = typename pointed_member<decltype(First)>::owner;
  using type = typename without_optional<typename pointed_member<decltype(First)>::type>::type;

  /// The path, such as "data.customer.id".
  static std::string text() {
    std::string out = "data";
    append_to(out);
    return out;
  }
  /// The expression, such as "event.data.customer.id".
  operator std::string() const { return "event." + text(); }

  static void append_to(std::string& path) {
    static_assert(
        is_json_member<First>(),
        "inngest: a member of a key or match must be named in INNGEST_FIELDS of the type that has it");
    append_member(path, wire_name<First>());
    if constexpr (sizeof...(Rest) > 0) {
      using rest = member_path<Rest...>;
      static_assert(std::same_as<typename rest::owner, type>,
                    "inngest: each member of a key must belong to the type of the member before it");
      rest::append_to(path);
    }
  }

  static consteval auto last() {
    if constexpr (sizeof...(Rest) > 0)
      return member_path<Rest...>::last();
    else
      return std::type_identity<type>{};
  }
};

template <auto Member>
struct path_of_member {
  using type = std::remove_const_t<decltype(Member)>;
};
template <auto Member>
  requires std::is_member_object_pointer_v<decltype(Member)>
struct path_of_member<Member> {
  using type = member_path<Member>;
};

/// The result of inngest::same.
template <class OfEvent, class OfAsync>
struct same_members {
  using of_event = OfEvent;
  using of_async = OfAsync;
};

}  // namespace detail

/// A key made from a member of the event's data, for concurrency, throttle, rate_limit, debounce, batch,
/// singleton and the idempotency of a function. The expression has the member's JSON name. A wrong member
/// does not compile.
///
///     .concurrency = {{.limit = 5, .key = inngest::key<&Order::customer>}}
///     .idempotency = inngest::key<&Order::customer, &Customer::id>  // a member of a member
///
/// Using it in a function with another event type throws when the function is created.
template <auto... Members>
inline constexpr detail::member_path<Members...> key{};

/// A match by members: the event that a run waits for, or that cancels it, must have the same value as the
/// run's event.
///
///     ctx.step.wait_for_event<Paid>("paid", {.timeout = 72h, .match = inngest::same<&Order::id>})
///
/// With two members, the first belongs to the run's event and the second to the other event. Write nested
/// members as keys: `inngest::same<inngest::key<&Order::customer, &Customer::id>, &Paid::customer_id>`.
template <auto OfEvent, auto OfAsync = OfEvent>
inline constexpr detail::same_members<typename detail::path_of_member<OfEvent>::type,
                                      typename detail::path_of_member<OfAsync>::type>
    same{};

/// The field that two events must have in common: a text such as "data.userId", or inngest::same.
class event_match {
 public:
  /// No match is required.
  event_match() = default;
  /// The same field of both events, such as "data.userId".
  event_match(std::string field) : of_event_(field), of_async_(std::move(field)) {}
  /// The same field of both events, such as "data.userId".
  event_match(const char* field) : event_match(std::string(field)) {}
  /// The members of inngest::same.
  template <class OfEvent, class OfAsync>
  event_match(detail::same_members<OfEvent, OfAsync>)
      : of_event_(OfEvent::text()), of_async_(OfAsync::text()) {
    using first = typename decltype(OfEvent::last())::type;
    using second = typename decltype(OfAsync::last())::type;
    constexpr bool comparable = (detail::types_of<first>() & detail::types_of<second>()) != 0;
    static_assert(comparable,
                  "inngest: the members of a match have different JSON types: they are never equal");
  }

  /// The field of the run's event; empty when no match is required.
  const std::string& of_event() const { return of_event_; }
  /// The field of the other event.
  const std::string& of_async() const { return of_async_; }
  /// Whether no match is required.
  [[nodiscard]] bool empty() const { return of_event_.empty(); }
  /// The match as text, for messages.
  std::string text() const;

 private:
  std::string of_event_;
  std::string of_async_;
};

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/members.ipp>
#endif
