#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/expression/detail/functions.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE cel_error no_overload(std::string_view function) {
  return {.problem = "no such overload of " + std::string(function)};
}

INNGEST_INLINE cel_value calculate(char operation, std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  if ((operation == '/' || operation == '%') && b == 0)
    return cel_error{.problem = operation == '/' ? "division by zero" : "modulus by zero"};
  if ((operation == '/' || operation == '%') && b == -1 && a == (std::numeric_limits<std::int64_t>::min)())
    return out_of_range();
  switch (operation) {
    case '+':
      return add_overflows(a, b, out) ? out_of_range() : cel_value(out);
    case '-':
      return subtract_overflows(a, b, out) ? out_of_range() : cel_value(out);
    case '*':
      return multiply_overflows(a, b, out) ? out_of_range() : cel_value(out);
    case '/':
      return a / b;
    default:
      return a % b;
  }
}

INNGEST_INLINE cel_value calculate(char operation, std::uint64_t a, std::uint64_t b) {
  std::uint64_t out = 0;
  if ((operation == '/' || operation == '%') && b == 0)
    return cel_error{.problem = operation == '/' ? "division by zero" : "modulus by zero"};
  switch (operation) {
    case '+':
      return add_overflows(a, b, out) ? out_of_range() : cel_value(out);
    case '-':
      return subtract_overflows(a, b, out) ? out_of_range() : cel_value(out);
    case '*':
      return multiply_overflows(a, b, out) ? out_of_range() : cel_value(out);
    case '/':
      return a / b;
    default:
      return a % b;
  }
}

INNGEST_INLINE cel_value calculate(char operation, double a, double b) {
  switch (operation) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    default:
      return no_overload("%");
  }
}

INNGEST_INLINE cel_value shifted(const cel_timestamp& time, std::int64_t nanoseconds) {
  std::int64_t seconds = nanoseconds / nanoseconds_per_second;
  std::int64_t rest = time.nanoseconds + nanoseconds % nanoseconds_per_second;
  if (rest < 0) {
    rest += nanoseconds_per_second;
    --seconds;
  } else if (rest >= nanoseconds_per_second) {
    rest -= nanoseconds_per_second;
    ++seconds;
  }
  const cel_timestamp out{time.seconds + seconds, static_cast<std::int32_t>(rest)};
  return is_in_range(out) ? cel_value(out) : out_of_range();
}

INNGEST_INLINE cel_value between(const cel_timestamp& end, const cel_timestamp& start) {
  std::int64_t out = 0;
  if (multiply_overflows(end.seconds - start.seconds, nanoseconds_per_second, out) ||
      add_overflows(out, end.nanoseconds - start.nanoseconds, out))
    return out_of_range();
  return cel_duration{out};
}

INNGEST_INLINE std::optional<cel_value> calculate_time(char operation, const cel_value& a,
                                                       const cel_value& b) {
  const auto* time = a.as<cel_timestamp>();
  const auto* other_time = b.as<cel_timestamp>();
  const auto* duration = a.as<cel_duration>();
  const auto* other_duration = b.as<cel_duration>();
  if (duration && other_duration) {
    const cel_value sum = calculate(operation, duration->nanoseconds, other_duration->nanoseconds);
    if (operation != '+' && operation != '-') return std::nullopt;
    return sum.is_error() ? sum : cel_value(cel_duration{*sum.as<std::int64_t>()});
  }
  if (operation == '+' && time && other_duration) return shifted(*time, other_duration->nanoseconds);
  if (operation == '+' && duration && other_time) return shifted(*other_time, duration->nanoseconds);
  if (operation == '-' && time && other_time) return between(*time, *other_time);
  if (operation == '-' && time && other_duration) {
    if (other_duration->nanoseconds == (std::numeric_limits<std::int64_t>::min)()) return out_of_range();
    return shifted(*time, -other_duration->nanoseconds);
  }
  return std::nullopt;
}

INNGEST_INLINE std::size_t length_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

INNGEST_INLINE std::string text_of(double number, int widest) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number < 0 ? "-Inf" : "+Inf";
  char digits[64];
  const auto scientific =
      std::to_chars(digits, digits + sizeof digits, number, std::chars_format::scientific);
  const std::string_view text(digits, static_cast<std::size_t>(scientific.ptr - digits));
  const std::size_t e = text.find('e');
  int exponent = 0;
  std::from_chars(text.data() + e + (text[e + 1] == '+' ? 2 : 1), text.data() + text.size(), exponent);
  if (exponent < -4 || exponent >= widest) return std::string(text);
  const auto fixed = std::to_chars(digits, digits + sizeof digits, number, std::chars_format::fixed);
  return std::string(digits, fixed.ptr);
}

INNGEST_INLINE cel_error not_a(const char* type, std::string_view text) {
  return {.problem = "not " + std::string(type) + ": \"" + std::string(text) + "\""};
}

INNGEST_INLINE cel_value to_int(const cel_value& value) {
  constexpr double two_to_63 = 9223372036854775808.0;
  if (value.as<std::int64_t>()) return value;
  if (const auto* number = value.as<std::uint64_t>()) {
    const bool fits = *number <= static_cast<std::uint64_t>((std::numeric_limits<std::int64_t>::max)());
    return fits ? cel_value(static_cast<std::int64_t>(*number)) : out_of_range();
  }
  if (const auto* number = value.as<double>()) {
    const bool fits = *number > -two_to_63 && *number < two_to_63;
    return fits ? cel_value(static_cast<std::int64_t>(*number)) : out_of_range();
  }
  if (const auto* text = value.as<std::string>()) {
    const auto number = parse_whole<std::int64_t>(*text);
    return number ? cel_value(*number) : cel_value(not_a("an int", *text));
  }
  if (const auto* time = value.as<cel_timestamp>()) return time->seconds;
  if (const auto* duration = value.as<cel_duration>()) return duration->nanoseconds;
  return no_overload("int");
}

INNGEST_INLINE cel_value to_uint(const cel_value& value) {
  constexpr double two_to_64 = 18446744073709551616.0;
  if (value.as<std::uint64_t>()) return value;
  if (const auto* number = value.as<std::int64_t>())
    return *number >= 0 ? cel_value(static_cast<std::uint64_t>(*number)) : out_of_range();
  if (const auto* number = value.as<double>()) {
    const bool fits = *number >= 0 && *number < two_to_64;
    return fits ? cel_value(static_cast<std::uint64_t>(*number)) : out_of_range();
  }
  if (const auto* text = value.as<std::string>()) {
    const auto number = parse_whole<std::uint64_t>(*text);
    return number ? cel_value(*number) : cel_value(not_a("a uint", *text));
  }
  return no_overload("uint");
}

INNGEST_INLINE cel_value to_double(const cel_value& value) {
  if (value.as<double>()) return value;
  if (const auto* number = value.as<std::int64_t>()) return static_cast<double>(*number);
  if (const auto* number = value.as<std::uint64_t>()) return static_cast<double>(*number);
  if (const auto* text = value.as<std::string>()) {
    if (*text == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (*text == "Infinity" || *text == "+Inf" || *text == "Inf")
      return std::numeric_limits<double>::infinity();
    if (*text == "-Infinity" || *text == "-Inf") return -std::numeric_limits<double>::infinity();
    const auto number = parse_whole<double>(*text);
    return number ? cel_value(*number) : cel_value(not_a("a double", *text));
  }
  return no_overload("double");
}

INNGEST_INLINE cel_value to_string(const cel_value& value) {
  if (value.as<std::string>()) return value;
  if (const auto* boolean = value.as<bool>()) return std::string(*boolean ? "true" : "false");
  if (const auto* number = value.as<std::int64_t>()) return std::to_string(*number);
  if (const auto* number = value.as<std::uint64_t>()) return std::to_string(*number);
  if (const auto* number = value.as<double>()) return text_of(*number, 6);
  if (const auto* time = value.as<cel_timestamp>()) return text_of(*time);
  if (const auto* duration = value.as<cel_duration>()) return text_of(*duration);
  if (const auto* bytes = value.as<cel_bytes>()) {
    const bool valid = is_utf8(bytes->text);
    return valid ? cel_value(bytes->text) : cel_value(cel_error{.problem = "the bytes are not UTF-8"});
  }
  return no_overload("string");
}

INNGEST_INLINE cel_value to_bool(const cel_value& value) {
  if (value.as<bool>()) return value;
  const auto* text = value.as<std::string>();
  if (!text) return no_overload("bool");
  for (const std::string_view word : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (*text == word) return true;
  }
  for (const std::string_view word : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (*text == word) return false;
  }
  return not_a("a bool", *text);
}

INNGEST_INLINE cel_value to_timestamp(const cel_value& value) {
  if (value.as<cel_timestamp>()) return value;
  if (const auto* seconds = value.as<std::int64_t>()) {
    const cel_timestamp out{*seconds, 0};
    return is_in_range(out) ? cel_value(out) : out_of_range();
  }
  const auto* text = value.as<std::string>();
  if (!text) return no_overload("timestamp");
  const auto time = parse_cel_timestamp(*text);
  return time ? cel_value(*time) : cel_value(not_a("a timestamp", *text));
}

INNGEST_INLINE cel_value to_duration(const cel_value& value) {
  if (value.as<cel_duration>()) return value;
  if (const auto* nanoseconds = value.as<std::int64_t>()) return cel_duration{*nanoseconds};
  const auto* text = value.as<std::string>();
  if (!text) return no_overload("duration");
  const auto duration = parse_cel_duration(*text);
  return duration ? cel_value(*duration) : cel_value(not_a("a duration", *text));
}

INNGEST_INLINE cel_timestamp cel_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
  return {nanoseconds / nanoseconds_per_second,
          static_cast<std::int32_t>(nanoseconds % nanoseconds_per_second)};
}

INNGEST_INLINE cel_value to_date(const cel_value& value) {
  std::optional<std::int64_t> number;
  if (const auto* whole = value.as<std::int64_t>()) number = *whole;
  if (const auto* real = value.as<double>()) {
    const cel_value whole = to_int(*real);
    if (whole.is_error()) return whole;
    number = *whole.as<std::int64_t>();
  }
  if (number) {
    constexpr std::int64_t first_milliseconds = 100'000'000'000;
    const bool in_milliseconds = *number > first_milliseconds;
    const cel_timestamp out{in_milliseconds ? *number / 1000 : *number,
                            in_milliseconds ? static_cast<std::int32_t>(*number % 1000 * 1'000'000) : 0};
    return is_in_range(out) ? cel_value(out) : out_of_range();
  }
  const auto* text = value.as<std::string>();
  if (!text) return no_overload("date");
  for (const char* rest : {"", "Z", "T00:00:00Z", ":00Z"}) {
    std::string whole = *text + rest;
    if (whole.size() > 10 && whole[10] == ' ') whole[10] = 'T';
    if (const auto time = parse_cel_timestamp(whole)) return *time;
  }
  return not_a("a date", *text);
}

INNGEST_INLINE cel_value now_and(const cel_value& text, std::int64_t sign) {
  const auto* written = text.as<std::string>();
  const auto duration = written ? parse_cel_duration(*written, true) : std::nullopt;
  if (!duration)
    return written ? cel_value(not_a("a duration", *written)) : cel_value(no_overload("now_plus"));
  return shifted(cel_now(), sign * duration->nanoseconds);
}

INNGEST_INLINE cel_value call_function(std::string_view name, const std::vector<cel_value>& arguments) {
  const auto text = [&](std::size_t i) { return arguments[i].as<std::string>(); };
  if (name == "now") return cel_now();
  const cel_value& first = arguments[0];
  if (name == "size") {
    if (const auto* string = text(0)) return static_cast<std::int64_t>(length_of(*string));
    if (const auto* bytes = first.as<cel_bytes>()) return static_cast<std::int64_t>(bytes->text.size());
    if (first.is_list() || first.is_map()) return static_cast<std::int64_t>(size_of(first));
    return no_overload(name);
  }
  if (name == "int") return to_int(first);
  if (name == "uint") return to_uint(first);
  if (name == "double") return to_double(first);
  if (name == "string") return to_string(first);
  if (name == "bool") return to_bool(first);
  if (name == "timestamp") return to_timestamp(first);
  if (name == "duration") return to_duration(first);
  if (name == "dyn") return first;
  if (name == "type") return cel_type{std::string(first.type_name())};
  if (name == "bytes") {
    if (first.as<cel_bytes>()) return first;
    return text(0) ? cel_value(cel_bytes{*text(0)}) : cel_value(no_overload(name));
  }
  if (name == "date") return to_date(first);
  if (name == "now_plus") return now_and(first, 1);
  if (name == "now_minus") return now_and(first, -1);
  if (arguments.size() == 2 && text(0) && text(1)) {
    if (name == "contains") return text(0)->find(*text(1)) != std::string::npos;
    if (name == "startsWith") return text(0)->starts_with(*text(1));
    if (name == "endsWith") return text(0)->ends_with(*text(1));
  }
  if (const auto* string = text(0)) {
    if (name == "lowercase") return lower_case(*string);
    if (name == "uppercase") return upper_case(*string);
    if (name == "b64decode") return from_base64(*string).value_or("");
  }
  if (const auto* time = first.as<cel_timestamp>(); time && name.starts_with("get")) {
    const std::string zone = arguments.size() > 1 && text(1) ? *text(1) : "UTC";
    const auto local = local_time(*time, zone);
    if (!local) return cel_error{.problem = "there is no time zone \"" + zone + "\""};
    if (const auto part = part_of(*time, *local, name)) return *part;
  }
  if (const auto* duration = first.as<cel_duration>(); duration && arguments.size() == 1) {
    if (const auto part = part_of(*duration, name)) return *part;
  }
  return no_overload(name);
}

INNGEST_INLINE cel_value apply_operator(std::string_view name, const std::vector<cel_value>& operands,
                                        bool whole_numbers) {
  const cel_value& a = operands[0];
  if (name == "!") return a.as<bool>() ? cel_value(!*a.as<bool>()) : cel_value(no_overload("!"));
  if (operands.size() == 1) {
    if (const auto* number = a.as<std::int64_t>()) return calculate('-', std::int64_t{0}, *number);
    return a.as<double>() ? cel_value(-*a.as<double>()) : cel_value(no_overload("-"));
  }
  const cel_value& b = operands[1];
  if (name == "==") return are_equal(a, b);
  if (name == "!=") return !are_equal(a, b);
  if (name == "in") {
    if (b.is_map()) return member_of(b, a, whole_numbers).has_value();
    if (!b.is_list()) return no_overload("in");
    for (std::size_t i = 0; i < size_of(b); ++i) {
      if (are_equal(a, element_of(b, i, whole_numbers))) return true;
    }
    return false;
  }
  if (name[0] == '<' || name[0] == '>') {
    const auto order = compare(a, b);
    if (!order) return no_overload(name);
    if (*order == 2) return false;
    const bool or_equal = name.size() == 2 && *order == 0;
    return or_equal || (name[0] == '<' ? *order < 0 : *order > 0);
  }
  const char operation = name[0];
  if (const auto* x = a.as<std::int64_t>(), *y = b.as<std::int64_t>(); x && y)
    return calculate(operation, *x, *y);
  if (const auto* x = a.as<std::uint64_t>(), *y = b.as<std::uint64_t>(); x && y)
    return calculate(operation, *x, *y);
  if (const auto* x = a.as<double>(), *y = b.as<double>(); x && y) return calculate(operation, *x, *y);
  if (const auto time = calculate_time(operation, a, b)) return *time;
  if (operation == '+') {
    if (const auto* x = a.as<std::string>(), *y = b.as<std::string>(); x && y) return *x + *y;
    if (const auto* x = a.as<cel_bytes>(), *y = b.as<cel_bytes>(); x && y)
      return cel_bytes{x->text + y->text};
    if (a.is_list() && b.is_list()) {
      auto joined = elements_of(a, whole_numbers);
      for (const cel_value& element : elements_of(b, whole_numbers)) joined.push_back(element);
      return cel_list(std::make_shared<const std::vector<cel_value>>(std::move(joined)));
    }
  }
  return no_overload(name);
}

}  // namespace inngest::inline INNGEST_ABI::detail
