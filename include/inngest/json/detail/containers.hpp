#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/json/detail/document.hpp>
#include <inngest/json/detail/kind.hpp>
#include <inngest/json/detail/names.hpp>
#include <inngest/json/detail/path.hpp>
#include <inngest/json/detail/read_write.hpp>
#include <inngest/json/detail/scalars.hpp>

// The codecs of std::optional, sequences, maps and tuples.

namespace inngest::inline INNGEST_ABI::detail {

template <class T>
struct codec<T, json_kind::optional> {
  static T read(json_value& value, const json_path& at) {
    if (is_null(value, at)) return std::nullopt;
    return T(std::in_place,
             detail::read<typename T::value_type>(value, at));  // a json could be converted, too
  }
  static void write(std::string& out, const T& value, const json_path& at) {
    if (value)
      detail::write(out, *value, at);
    else
      out += "null";
  }
};

template <class T>
struct codec<T, json_kind::sequence> {
  using element = std::remove_cvref_t<typename T::value_type>;

  static T read(json_value& value, const json_path& at) {
    static_assert(
        is_fixed_array<T> || requires(T & out, element item) { out.insert(out.end(), std::move(item)); },
        "inngest: an array can only be read into a type that owns its elements: use std::vector");
    expect(value, json_type::array, at, "array");
    constexpr bool is_vector_of_small = sizeof(element) <= 64 && requires(T & out) { out.reserve(4); };
    T out{};
    std::size_t index = 0;
    for (auto& item : elements_of(value, at)) {
      // Otherwise the third element would be the third allocation.
      if constexpr (is_vector_of_small) {
        if (index == 0) out.reserve(4);
      }
      const json_path here(at, index);
      json_value& found = take(item, here);
      if constexpr (is_fixed_array<T>) {
        if (index >= out.size()) fail_size(at, index + 1);
        out[index] = detail::read<element>(found, here);
      } else if constexpr (std::same_as<T, std::vector<std::string>>) {
        out.emplace_back(text_of(found, here));  // without a string between
      } else {
        out.insert(out.end(), detail::read<element>(found, here));
      }
      ++index;
    }
    if constexpr (is_fixed_array<T>) {
      if (index != out.size()) fail_size(at, index);
    }
    return out;
  }

  static void write(std::string& out, const T& value, const json_path& at) {
    out += '[';
    std::size_t index = 0;
    for (const auto& item : value) {
      if (index > 0) out += ',';
      detail::write<element>(out, item, json_path(at, index));
      ++index;
    }
    out += ']';
  }

 private:
  static void fail_size(const json_path& at, std::size_t found) {
    fail_at(at, "expected an array of " + std::to_string(std::tuple_size_v<T>) + ", found one of " +
                    std::to_string(found) + (found > std::tuple_size_v<T> ? " or more" : ""));
  }
};

template <class T, std::size_t Extent>
struct owning_form<std::span<T, Extent>> {
  using type = std::vector<std::remove_cv_t<T>>;
};

template <class T>
struct codec<T, json_kind::mapping> {
  static T read(json_value& value, const json_path& at) {
    expect(value, json_type::object, at, "object");
    T out{};
    for (auto& item : members_of(value, at)) {
      json_field& field = take(item, at);
      const std::string name(field.key);
      const json_path here(at, name);
      auto key = key_of(name, here);
      auto read_value = detail::read<typename T::mapped_type>(field.value, here);
      out.insert_or_assign(std::move(key), std::move(read_value));
    }
    return out;
  }

  static void write(std::string& out, const T& value, const json_path& at) {
    out += '{';
    bool first = true;
    for (const auto& [key, mapped] : value) {
      if (!first) out += ',';
      first = false;
      const auto name = name_of(key, at);
      const json_path here(at, name);
      write_quoted(out, name, here);
      out += ':';
      detail::write(out, mapped, here);
    }
    out += '}';
  }

 private:
  using key_type = typename T::key_type;

  static key_type key_of(const std::string& name, const json_path& at) {
    if constexpr (has_names<key_type>)
      return codec<key_type>::value_of(name, at);
    else if constexpr (number_like<key_type>)
      return number_of(name, at);
    else
      return name;
  }
  static auto name_of(const key_type& key, const json_path& at) {
    if constexpr (has_names<key_type>)
      return codec<key_type>::name_of(key, at);
    else if constexpr (number_like<key_type>)
      return std::to_string(key);
    else
      return std::string_view(key);
  }

  /// Takes a number only as it is written, so that no two names are the same key.
  static key_type number_of(const std::string& name, const json_path& at) {
    key_type out{};
    const auto problem = std::from_chars(name.data(), name.data() + name.size(), out).ec;
    if (problem != std::errc{} || std::to_string(out) != name) {
      using limits = std::numeric_limits<key_type>;
      fail_at(at, "expected an integer from " + std::to_string((limits::min)()) + " to " +
                      std::to_string((limits::max)()) + " as the name, found \"" + name + '"');
    }
    return out;
  }
};

template <class T>
struct codec<T, json_kind::tuple> {
  static T read(json_value& value, const json_path& at) {
    expect(value, json_type::array, at, "array");
    T out{};
    json_array array(value, at);
    auto next = array.begin();
    const auto end = array.end();
    std::apply(
        [&](auto&... member) {
          std::size_t index = 0;
          (read_member(member, next, end, json_path(at, index++)), ...);
        },
        out);
    if (next != end)
      fail_at(at, "expected an array of " + std::to_string(std::tuple_size_v<T>) + ", found a longer one");
    return out;
  }

  static void write(std::string& out, const T& value, const json_path& at) {
    out += '[';
    std::apply(
        [&](const auto&... member) {
          std::size_t index = 0;
          ((out += index > 0 ? "," : "", detail::write(out, member, json_path(at, index)), ++index), ...);
        },
        value);
    out += ']';
  }

 private:
  template <class Member>
  static void read_member(Member& member, json_array::iterator& next, std::default_sentinel_t end,
                          const json_path& here) {
    if (next == end) fail_at(here, "expected a value, found the end of the array");
    json_value element = take(*next, here);
    member = detail::read<Member>(element, here);
    ++next;
  }
};

}  // namespace inngest::inline INNGEST_ABI::detail
