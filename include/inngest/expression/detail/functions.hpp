#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/checked_math.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/expression/detail/time.hpp>
#include <inngest/expression/detail/value.hpp>
#include <inngest/json/detail/codec.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/json/detail/parse_real.hpp>

// The operators and functions of expressions. Every one returns a value or a cel_error.

namespace inngest::inline INNGEST_ABI::detail {

cel_error no_overload(std::string_view function);
inline cel_value out_of_range() { return cel_error{.problem = "the result is out of range"}; }

// ---- numbers ----------------------------------------------------------------------------------------------

cel_value calculate(char operation, std::int64_t a, std::int64_t b);

cel_value calculate(char operation, std::uint64_t a, std::uint64_t b);

cel_value calculate(char operation, double a, double b);

// ---- times ------------------------------------------------------------------------------------------------

cel_value shifted(const cel_timestamp& time, std::int64_t nanoseconds);

cel_value between(const cel_timestamp& end, const cel_timestamp& start);

std::optional<cel_value> calculate_time(char operation, const cel_value& a, const cel_value& b);

// ---- texts ------------------------------------------------------------------------------------------------

/// The size in characters, not bytes.
std::size_t length_of(std::string_view text);

/// The number as Go prints it: with an exponent from 10 to the power of `widest`.
std::string text_of(double number, int widest = 21);

// ---- conversions ------------------------------------------------------------------------------------------

template <class Number>
std::optional<Number> parse_whole(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  Number out{};
  const char* const end = text.data() + text.size();
  std::from_chars_result read{};
  if constexpr (std::is_floating_point_v<Number>)
    read = parse_real(text, out);
  else
    read = std::from_chars(text.data(), end, out);
  const bool is_whole = read.ec == std::errc{} && read.ptr == end && !text.empty();
  return is_whole ? std::optional<Number>(out) : std::nullopt;
}

cel_error not_a(const char* type, std::string_view text);

cel_value to_int(const cel_value& value);

cel_value to_uint(const cel_value& value);

cel_value to_double(const cel_value& value);

cel_value to_string(const cel_value& value);

cel_value to_bool(const cel_value& value);

cel_value to_timestamp(const cel_value& value);

cel_value to_duration(const cel_value& value);

// ---- functions of an Inngest server -----------------------------------------------------------------------

cel_timestamp cel_now();

/// Reads a time in common forms: RFC 3339, a date, or a number of seconds or milliseconds.
cel_value to_date(const cel_value& value);

cel_value now_and(const cel_value& text, std::int64_t sign);

// ---- all of them, by name ---------------------------------------------------------------------------------

/// Calls a function of values: `size(x)`, `x.contains(y)`. The object of a method is the first argument.
cel_value call_function(std::string_view name, const std::vector<cel_value>& arguments);

/// Applies an operator with one or two operands, except && and ||.
cel_value apply_operator(std::string_view name, const std::vector<cel_value>& operands, bool whole_numbers);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/expression/detail/impl/functions.ipp>
#endif
