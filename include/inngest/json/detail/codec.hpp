#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <inngest/config.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/json/detail/document.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/json/detail/parse_real.hpp>

// codec<T> reads a T from a json_value and writes one as text. json_kind lists the supported kinds of types;
// the rest of the file is one short codec for every kind.

namespace inngest::inline INNGEST_ABI {

/// A member of this type, in a type declared with INNGEST_FIELDS, keeps the fields without a member of their
/// own and writes them back.
struct extra_fields : std::map<std::string, nlohmann::json> {
  using map::map;
};

namespace detail {

// ---- which kind of JSON a C++ type is ---------------------------------------------------------------

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
  converted  // types with nlohmann's to_json and from_json
};

template <class T>
concept has_fields = requires(const T* type) {
  inngest_fields(type);
};
template <class T>
concept has_names = std::is_enum_v<T> && requires(const T* type) {
  inngest_names(type);
};
template <class T>
concept has_defaults = requires(const T* type) {
  inngest_defaults(type);
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
concept range_like = requires(const T& range) {
  typename T::value_type;
  range.begin();
  range.end();
};
template <class T>
concept map_like = range_like<T> && requires {
  typename T::key_type;
  typename T::mapped_type;
} && std::same_as<typename T::key_type, std::string>;
/// A map whose keys are not text. nlohmann writes it as an array of pairs.
template <class T>
concept has_other_keys = requires {
  typename T::mapped_type;
}
&&!map_like<T>;

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
  else if constexpr (text_like<T>)
    return json_kind::text;
  else if constexpr (std::same_as<T, nlohmann::json>)
    return json_kind::dom;
  else if constexpr (has_names<T>)
    return json_kind::names;
  else if constexpr (has_fields<T>)
    return json_kind::fields;
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
  else
    return json_kind::none;
}

template <class T, json_kind Kind = kind_of<T>()>
struct codec;

template <class T>
T read(json_value& value, const json_path& at) {
  if (at.depth() > INNGEST_MAX_JSON_DEPTH) fail_too_deep(at);  // a type may contain itself
  return codec<T>::read(value, at);
}

template <class T>
void write(std::string& out, const T& value, const json_path& at) {
  codec<T>::write(out, value, at);
}

/// Calls the type's `validate`. Its exceptions become errors at this path. The path of a payload_error, such
/// as "url", is appended.
template <class T>
void check(const T& value, const json_path& at) {
  if constexpr (has_validate<T>) {
    try {
      validate(value);
    } catch (const payload_error& problem) {
      fail_at(problem.path().empty() ? at : json_path(at, problem.path()), problem.problem());
    } catch (const std::exception& problem) {
      fail_at(at, problem.what());
    }
  }
}

// ---- text -------------------------------------------------------------------------------------------

void write_quoted(std::string& out, std::string_view text, const json_path& at = {});

template <class T>
struct codec<T, json_kind::text> {
  static T read(json_value& value, const json_path& at) {
    static_assert(std::constructible_from<T, std::string> && !std::is_pointer_v<T> &&
                      !std::same_as<T, std::string_view>,
                  "inngest: text can only be read into a type that owns it: use std::string");
    expect(value, json_type::string, at, "string");
    return T(std::string(take(value.get_string(), at)));
  }
  static void write(std::string& out, const T& value, const json_path& at) { write_quoted(out, value, at); }
};

// ---- numbers, booleans, null ------------------------------------------------------------------------

template <class Number>
void write_number(std::string& out, Number value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, end);
}

template <>
struct codec<bool, json_kind::boolean> {
  static bool read(json_value& value, const json_path& at) {
    expect(value, json_type::boolean, at, "boolean");
    return take(value.get_bool(), at);
  }
  static void write(std::string& out, bool value, const json_path&) { out += value ? "true" : "false"; }
};

/// Reads the nearest T directly from the digits. Conversion through a double could yield a neighbouring
/// float, and some versions of simdjson read 0.1000000000000000055511151 as 2e-07. The result is infinite
/// when it is too large for T. When it is too large for a double, the error is `problem`.
template <class T>
T read_real(json_value& value, const json_path& at, const char* problem) {
  constexpr std::size_t most_digits = 19;  // read directly by simdjson
  const std::string_view text = value.raw_json_token();
  const auto [rough, error] = value.get_double();
  if (error != 0) fail_at(at, problem);
  if constexpr (std::same_as<T, double>) {
    if (text.size() <= most_digits) return rough;
  }
  const auto read_exactly = [&](auto& out) { return parse_real(text, out).ec == std::errc{}; };
  T exact{};
  if (read_exactly(exact)) return exact;
  double wide = 0;
  if (read_exactly(wide)) return static_cast<T>(wide);
  return std::abs(rough) < 1 ? T{} : std::numeric_limits<T>::infinity();
}

template <class T>
struct codec<T, json_kind::integer> {
  static T read(json_value& value, const json_path& at) {
    expect(value, json_type::number, at, "integer");
    // not get_number(): some versions of simdjson read 1000000000000000.0000 as 0
    const std::string_view text = value.raw_json_token();
    if (text.find_first_of(".eE") != std::string_view::npos) return read_real(value, at);
    if (text.starts_with('-')) return narrow(in_range(value.get_int64(), at), at);
    return narrow(in_range(value.get_uint64(), at), at);
  }
  static void write(std::string& out, T value, const json_path&) {
    if constexpr (sizeof(T) == 1)
      write_number(out, static_cast<int>(value));
    else
      write_number(out, value);
  }

 private:
  static constexpr const char* out_of_range = "expected integer, found a number that is out of range";

  template <class Number>
  static Number in_range(json_or_error<Number> number, const json_path& at) {
    if (number.error != 0) fail_at(at, out_of_range);
    return number.value;
  }

  /// Other languages write whole numbers as 3.0 or 1e3.
  static T read_real(json_value& value, const json_path& at) {
    const auto real = detail::read_real<double>(value, at, out_of_range);
    if (std::trunc(real) != real) fail_at(at, "expected integer, found a number with a fraction");
    if (std::abs(real) > 9007199254740992.0) fail_at(at, out_of_range);
    return narrow(static_cast<std::int64_t>(real), at);
  }

  template <class Wide>
  static T narrow(Wide wide, const json_path& at) {
    constexpr auto low = (std::numeric_limits<T>::min)();
    constexpr auto high = (std::numeric_limits<T>::max)();
    const bool too_low =
        std::is_signed_v<Wide> && wide < 0 &&
        (std::is_unsigned_v<T> || static_cast<std::int64_t>(wide) < static_cast<std::int64_t>(low));
    const bool too_high = wide > 0 && static_cast<std::uint64_t>(wide) > static_cast<std::uint64_t>(high);
    if (too_low || too_high) {
      fail_at(at, "expected an integer from " + std::to_string(+low) + " to " + std::to_string(+high) +
                      ", found " + std::to_string(wide));
    }
    return static_cast<T>(wide);
  }
};

template <class T>
struct codec<T, json_kind::floating> {
  static T read(json_value& value, const json_path& at) {
    expect(value, json_type::number, at, "number");
    const auto number = read_real<T>(value, at, "not valid JSON: not a number that a double can hold");
    if (!std::isfinite(number)) fail_at(at, "expected number, found a number that is out of range");
    return number;
  }
  static void write(std::string& out, T value, const json_path& at) {
    if (!std::isfinite(value)) fail_at(at, "a number that is not finite has no JSON form");
    write_number(out, value);
  }
};

template <class T>
struct codec<T, json_kind::null> {
  static T read(json_value& value, const json_path& at) {
    expect(value, json_type::null, at, "null");
    return T{};
  }
  static void write(std::string& out, T, const json_path&) { out += "null"; }
};

// ---- containers -------------------------------------------------------------------------------------

template <class T>
struct codec<T, json_kind::optional> {
  static T read(json_value& value, const json_path& at) {
    if (is_null(value, at)) return std::nullopt;
    return detail::read<typename T::value_type>(value, at);
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
    expect(value, json_type::array, at, "array");
    T out{};
    std::size_t index = 0;
    for (auto item : elements_of(value, at)) {
      const json_path here(at, index);
      json_value found = take(item, here);
      if constexpr (is_fixed_array<T>) {
        if (index >= out.size()) fail_size(at, index + 1);
        out[index] = detail::read<element>(found, here);
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

template <class T>
struct codec<T, json_kind::mapping> {
  static T read(json_value& value, const json_path& at) {
    expect(value, json_type::object, at, "object");
    T out{};
    for (auto item : members_of(value, at)) {
      json_field field = take(item, at);
      std::string key(field.key);
      const json_path here(at, key);
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
      const json_path here(at, key);
      write_quoted(out, key, here);
      out += ':';
      detail::write(out, mapped, here);
    }
    out += '}';
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

// ---- user types -------------------------------------------------------------------------------------

template <class T>
struct codec<T, json_kind::names> {
  static T read(json_value& value, const json_path& at) {
    expect(value, json_type::string, at, "string");
    const std::string_view text = take(value.get_string(), at);
    for (const auto& [enumerator, name] : inngest_names(static_cast<const T*>(nullptr))) {
      if (name == text) return enumerator;
    }
    fail_at(at, "expected one of " + all_names() + ", found \"" + std::string(text) + "\"");
  }
  static void write(std::string& out, T value, const json_path& at) {
    for (const auto& [enumerator, name] : inngest_names(static_cast<const T*>(nullptr))) {
      if (enumerator == value) return write_quoted(out, name, at);
    }
    fail_at(at, "the enumerator " + std::to_string(static_cast<long long>(value)) +
                    " has no name in INNGEST_ENUM");
  }

 private:
  static std::string all_names() {
    std::string out;
    for (const auto& pair : inngest_names(static_cast<const T*>(nullptr))) {
      if (!out.empty()) out += ", ";
      out += '"';
      out += pair.second;
      out += '"';
    }
    return out;
  }
};

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

// ---- nlohmann ---------------------------------------------------------------------------------------

template <>
struct codec<nlohmann::json, json_kind::dom> {
  static nlohmann::json read(json_value& value, const json_path& at) {
    return parse_dom(raw_text(value, at), at);
  }
  static void write(std::string& out, const nlohmann::json& value, const json_path& at) {
    write_dom(out, value, at);
  }
};

template <class T>
struct codec<T, json_kind::converted> {
  static T read(json_value& value, const json_path& at) {
    static_assert(
        from_json_known<T>,
        "inngest: the type has a to_json but no from_json (or is not default constructible): it can be "
        "written as JSON, not read back");
    try {
      T out = parse_dom(raw_text(value, at), at).template get<T>();
      check(out, at);
      return out;
    } catch (const nlohmann::json::exception& problem) {
      fail_at(at, problem.what());
    }
  }
  static void write(std::string& out, const T& value, const json_path& at) {
    check(value, at);
    try {
      write_dom(out, nlohmann::json(value), at);
    } catch (const nlohmann::json::exception& problem) {
      fail_at(at, problem.what());
    }
  }
};

}  // namespace detail
}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/json/detail/impl/codec.ipp>
#endif
