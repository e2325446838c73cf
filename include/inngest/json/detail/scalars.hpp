#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

#include <inngest/config.hpp>
#include <inngest/json/detail/document.hpp>
#include <inngest/json/detail/kind.hpp>
#include <inngest/json/detail/parse_real.hpp>
#include <inngest/json/detail/path.hpp>
#include <inngest/json/detail/read_write.hpp>

// The codecs of text, numbers, booleans and null.

namespace inngest::inline INNGEST_ABI::detail {

void write_quoted(std::string& out, std::string_view text, const json_path& at = {});

/// A text, without its escapes. It is a slice of the document, or of memory that the document owns.
std::string_view text_of(json_value& value, const json_path& at);

template <class T>
struct codec<T, json_kind::text> {
  static T read(json_value& value, const json_path& at) {
    static_assert(std::constructible_from<T, std::string> && !std::is_pointer_v<T> &&
                      !std::same_as<T, std::string_view>,
                  "inngest: text can only be read into a type that owns it: use std::string");
    return T(std::string(text_of(value, at)));
  }
  static void write(std::string& out, const T& value, const json_path& at) {
    if (is_null(value))
      out += "null";
    else
      write_quoted(out, value, at);
  }

 private:
  static bool is_null(const T& value) {
    if constexpr (std::is_pointer_v<T>)
      return value == nullptr;
    else
      return false;
  }
};

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
  constexpr std::size_t max_digits = 19;  // read directly by simdjson
  const std::string_view text = value.raw_json_token();
  const auto [rough, error] = value.get_double();
  if (error != 0) fail_at(at, problem);
  if constexpr (std::same_as<T, double>) {
    if (text.size() <= max_digits) return rough;
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
    const auto marks_real = [](char c) { return c == '.' || c == 'e' || c == 'E'; };
    if (std::any_of(text.begin(), text.end(), marks_real)) return read_real(value, at);
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

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/json/detail/impl/scalars.ipp>
#endif
