#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/json/detail/document.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/json/detail/kind.hpp>
#include <inngest/json/detail/path.hpp>
#include <inngest/json/detail/read_write.hpp>
#include <inngest/json/detail/scalars.hpp>

// The codec of types with INNGEST_FIELDS.

namespace inngest::inline INNGEST_ABI {

/// A member of this type, in a type declared with INNGEST_FIELDS, keeps the fields without a member of their
/// own and writes them back.
struct extra_fields : std::map<std::string, nlohmann::json> {
  using map::map;
};

}  // namespace inngest::inline INNGEST_ABI

namespace inngest::inline INNGEST_ABI::detail {

template <class Pointer>
struct pointed_member;
template <class Owner, class Member>
struct pointed_member<Member Owner::*> {
  using type = Member;
};

/// One member of a type declared with INNGEST_FIELDS. Compiler messages show it as &order::total.
template <auto Pointer>
struct field {
  using member_type = typename pointed_member<decltype(Pointer)>::type;
  static constexpr auto pointer = Pointer;
  std::string_view name;
};

/// The error message names the member and its type if the type has no JSON form.
template <auto Pointer, class Member>
struct json_member {
  static_assert(
      kind_of<Member>() != json_kind::none,
      "inngest: a member named in INNGEST_FIELDS has a type that is not JSON: give it INNGEST_FIELDS, "
      "INNGEST_ENUM or nlohmann's to_json and from_json");
};
template <class Fields>
struct json_members;
template <class... Fields>
struct json_members<std::tuple<Fields...>> : json_member<Fields::pointer, typename Fields::member_type>... {};

template <class T>
struct codec<T, json_kind::fields> {
  static constexpr auto all = inngest_fields(static_cast<const T*>(nullptr));
  static constexpr std::size_t count = std::tuple_size_v<decltype(all)>;
  static_assert(sizeof(json_members<std::remove_const_t<decltype(all)>>) > 0);

  static T read(json_value& value, const json_path& at) {
    static_assert(std::default_initializable<T>,
                  "inngest: a type with INNGEST_FIELDS must be default constructible");
    expect(value, json_type::object, at, "object");
    T out{};
    std::array<bool, count> seen{};
    for (auto item : members_of(value, at)) {
      json_field found = take(item, at);
      std::apply(
          [&](const auto&... member) {
            std::size_t index = 0;
            const bool known = (read_member(out, member, found.key, found.value, at, seen[index++]) || ...);
            if (!known) keep_extra(out, found.key, found.value, at);
          },
          all);
    }
    std::apply(
        [&](const auto&... member) {
          std::size_t index = 0;
          (require_member(member, seen[index++], at), ...);
        },
        all);
    check(out, at);
    return out;
  }

  static void write(std::string& out, const T& value, const json_path& at) {
    check(value, at);
    out += '{';
    bool first = true;
    std::apply([&](const auto&... member) { (write_member(out, value, member, first, at), ...); }, all);
    out += '}';
  }

 private:
  template <auto Pointer>
  static bool read_member(T& out, const field<Pointer>& member, std::string_view key, json_value& value,
                          const json_path& at, bool& seen) {
    using type = typename field<Pointer>::member_type;
    if constexpr (!std::same_as<type, extra_fields> && kind_of<type>() != json_kind::none) {
      if (member.name != key) return false;
      out.*Pointer = detail::read<type>(value, json_path(at, member.name));
      return seen = true;
    } else {
      return false;
    }
  }

  static void keep_extra(T& out, std::string_view key, json_value& value, const json_path& at) {
    std::apply([&](const auto&... member) { (keep_extra_in(out.*member.pointer, key, value, at), ...); },
               all);
  }
  static void keep_extra_in(extra_fields& extra, std::string_view key, json_value& value,
                            const json_path& at) {
    const json_path here(at, key);
    extra.insert_or_assign(std::string(key), parse_dom(raw_text(value, here), here));
  }
  template <class Other>
  static void keep_extra_in(Other&, std::string_view, json_value&, const json_path&) {}

  template <auto Pointer>
  static void require_member(const field<Pointer>& member, bool seen, const json_path& at) {
    using Member = typename field<Pointer>::member_type;
    if constexpr (!is_optional<Member> && !std::same_as<Member, extra_fields>) {
      if (!seen && !has_default(member.name)) {
        fail_at(json_path(at, member.name), "expected " + expected_name<Member>() + ", found nothing");
      }
    }
  }

  static bool has_default(std::string_view name) {
    if constexpr (has_defaults<T>) {
      for (const std::string_view defaulted : inngest_defaults(static_cast<const T*>(nullptr))) {
        if (defaulted == name) return true;
      }
    }
    return false;
  }

  template <class Member>
  static std::string expected_name() {
    switch (kind_of<Member>()) {
      case json_kind::boolean:
        return "boolean";
      case json_kind::integer:
        return "integer";
      case json_kind::floating:
        return "number";
      case json_kind::text:
      case json_kind::names:
        return "string";
      case json_kind::sequence:
      case json_kind::tuple:
        return "array";
      case json_kind::mapping:
      case json_kind::fields:
        return "object";
      default:
        return "a value";
    }
  }

  template <auto Pointer>
  static void write_member(std::string& out, const T& value, const field<Pointer>& member, bool& first,
                           const json_path& at) {
    using Member = typename field<Pointer>::member_type;
    const Member& content = value.*Pointer;
    if constexpr (std::same_as<Member, extra_fields>) {
      for (const auto& [key, extra] : content) {
        const json_path here(at, key);
        if (!std::exchange(first, false)) out += ',';
        write_quoted(out, key, here);
        out += ':';
        write_dom(out, extra, here);
      }
    } else if constexpr (kind_of<Member>() != json_kind::none) {
      if constexpr (is_optional<Member>) {
        if (!content) return;
      }
      out += std::exchange(first, false) ? "\"" : ",\"";
      out += member.name;
      out += "\":";
      detail::write(out, content, json_path(at, member.name));
    }
  }
};

}  // namespace inngest::inline INNGEST_ABI::detail
