#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/json/detail/document.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/json/detail/field.hpp>
#include <inngest/json/detail/kind.hpp>
#include <inngest/json/detail/path.hpp>
#include <inngest/json/detail/read_write.hpp>
#include <inngest/json/detail/scalars.hpp>

// The codec of types with INNGEST_FIELDS.

namespace inngest::inline INNGEST_ABI {

/// A member of this type, in a type declared with INNGEST_FIELDS, stores the fields without a member of their
/// own and writes them back.
struct extra_fields : std::map<std::string, nlohmann::json> {
  using map::map;
};

}  // namespace inngest::inline INNGEST_ABI

namespace inngest::inline INNGEST_ABI::detail {

template <class Fields>
struct json_members;
template <class... Fields>
struct json_members<std::tuple<Fields...>> : Fields::check... {};
template <class Fields>
struct readable_members;
template <class... Fields>
struct readable_members<std::tuple<Fields...>> : Fields::check_reading... {};

template <class T>
struct codec<T, json_kind::fields> {
  static constexpr auto all = fields_of<T>();
  static constexpr std::size_t count = std::tuple_size_v<decltype(all)>;
  static_assert(sizeof(json_members<std::remove_const_t<decltype(all)>>) > 0);
  static_assert(has_distinct_names(all), "inngest: two members of a type have the same name on the wire");

  static T read(json_value& value, const json_path& at) {
    static_assert(std::default_initializable<T>,
                  "inngest: a type with INNGEST_FIELDS must be default constructible");
    static_assert(sizeof(readable_members<std::remove_const_t<decltype(all)>>) > 0);
    expect(value, json_type::object, at, "object");
    T out{};
    std::array<bool, count> seen{};
    for (auto& item : members_of(value, at)) {
      json_field& found = take(item, at);
      if (!read_known(out, found, at, seen, std::make_index_sequence<count>()))
        keep_extra(out, found.key, found.value, at);
    }
    require_members(seen, at);
    check(out, at);
    return out;
  }

  /// Fails like read() if a member is missing from an object with members of these names.
  static void require_members_among(const std::vector<std::string>& names, const json_path& at) {
    std::array<bool, count> seen{};
    for (std::size_t i = 0; i < count; ++i)
      seen[i] = std::find(names.begin(), names.end(), names_of_all[i]) != names.end();
    require_members(seen, at);
  }

  static void write(std::string& out, const T& value, const json_path& at) {
    check(value, at);
    out += '{';
    bool first = true;
    std::apply([&](const auto&... member) { (write_member(out, value, member, first, at), ...); }, all);
    out += '}';
  }

  /// Whether INNGEST_DEFAULTS names the member.
  static bool has_default(std::string_view name) {
    if constexpr (has_defaults<T>) {
      for (const std::string_view defaulted : inngest_defaults(exactly<T>())) {
        if (defaulted == name) return true;
      }
    }
    return false;
  }

 private:
  static constexpr std::array<std::string_view, count> names_of_all = std::apply(
      [](const auto&... member) { return std::array<std::string_view, count>{member.name...}; }, all);

  static void require_members(const std::array<bool, count>& seen, const json_path& at) {
    std::apply(
        [&](const auto&... member) {
          std::size_t index = 0;
          (require_member(member, seen[index++], at), ...);
        },
        all);
  }

  template <std::size_t... Index>
  static bool read_known(T& out, json_field& found, const json_path& at, std::array<bool, count>& seen,
                         std::index_sequence<Index...>) {
    return (read_member<Index>(out, found.key, found.value, at, seen[Index]) || ...);
  }

  template <std::size_t Index>
  static bool read_member(T& out, std::string_view key, json_value& value, const json_path& at, bool& seen) {
    using Field = std::tuple_element_t<Index, decltype(all)>;
    using type = typename Field::member_type;
    if constexpr (!std::same_as<type, extra_fields> && !std::is_const_v<type> &&
                  Field::form::template fits<type>()) {
      constexpr std::string_view name = std::get<Index>(all).name;
      // key == name, but compilers that know the size need no call of memcmp
      if (key.size() != name.size() || std::memcmp(key.data(), name.data(), name.size()) != 0) return false;
      if constexpr (std::same_as<type, std::string> && std::same_as<typename Field::form, own_form>)
        Field::of(out) = text_of(value, json_path(at, name));  // without a string between
      else
        Field::of(out) = Field::form::template read<type>(value, json_path(at, name));
      return seen = true;
    } else {
      return false;
    }
  }

  static bool is_declared(std::string_view name) {
    return std::apply(
        [name]<class... Field>(const Field&... member) {
          return ((member.name == name && !std::same_as<typename Field::member_type, extra_fields>) || ...);
        },
        all);
  }

  static void keep_extra(T& out, std::string_view key, json_value& value, const json_path& at) {
    std::apply([&](const auto&... member) { (keep_extra_in(member.of(out), key, value, at), ...); }, all);
  }
  static void keep_extra_in(extra_fields& extra, std::string_view key, json_value& value,
                            const json_path& at) {
    const json_path here(at, key);
    extra.insert_or_assign(std::string(key), parse_dom(raw_text(value, here), here));
  }
  template <class Other>
  static void keep_extra_in(Other&, std::string_view, json_value&, const json_path&) {}

  template <class Field>
  static void require_member(const Field& member, bool seen, const json_path& at) {
    using Member = typename Field::member_type;
    if constexpr (!is_optional<Member> && !std::same_as<Member, extra_fields>) {
      if (!seen && !has_default(member.member)) {
        const std::string expected = Field::form::template expected<Member>();
        fail_at(json_path(at, member.name), "expected " + expected + ", found nothing");
      }
    }
  }

  /// Whether an optional member has an initializer. Readers leave it there when the member is missing, so an
  /// empty member is written as null.
  template <class Field>
  static bool begins_with_value() {
    if constexpr (std::default_initializable<T>) {
      static const bool out = [](T fresh) { return Field::of(fresh).has_value(); }(T{});
      return out;
    } else {
      return false;
    }
  }

  template <class Field>
  static void write_member(std::string& out, const T& value, const Field& member, bool& first,
                           const json_path& at) {
    using Member = typename Field::member_type;
    const Member& content = Field::of(value);
    if constexpr (std::same_as<Member, extra_fields>) {
      for (const auto& [key, extra] : content) {
        const json_path here(at, key);
        if (is_declared(key)) fail_at(here, "extra_fields has this member, but the type declares it");
        if (!std::exchange(first, false)) out += ',';
        write_quoted(out, key, here);
        out += ':';
        write_dom(out, extra, here);
      }
    } else if constexpr (Field::form::template fits<Member>()) {
      if constexpr (is_optional<Member>) {
        if (!content && !begins_with_value<Field>()) return;
      }
      out += std::exchange(first, false) ? "\"" : ",\"";
      out += member.name;
      out += "\":";
      Field::form::template write<Member>(out, content, json_path(at, member.name));
    }
  }
};

}  // namespace inngest::inline INNGEST_ABI::detail
