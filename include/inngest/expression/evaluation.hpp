#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <inngest/detail/crypto.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/error.hpp>
#include <inngest/expression.hpp>
#include <inngest/expression/detail/evaluator.hpp>
#include <inngest/expression/dialect.hpp>
#include <inngest/json.hpp>

// Computing expressions: an engine does this with those that functions are registered with.

namespace inngest {

/// An expression that cannot be computed: a missing field, an argument of the wrong type, a division by zero.
/// `what()` ends with the column.
class evaluation_error : public error {
 public:
  evaluation_error(const std::string& problem, std::size_t position)
      : error(error_code::expression, problem + ", at column " + std::to_string(position + 1)),
        position_(position) {}
  /// The place of the mistake, in bytes from the start.
  std::size_t position() const noexcept { return position_; }

 private:
  std::size_t position_;
};

namespace detail {

/// JSON's texts are UTF-8. b64decode() can give others, of which the wrong bytes are replaced.
inline std::string to_utf8(const std::string& text) {
  if (is_utf8(text)) return text;
  return json::parse(json(text).dump(-1, ' ', false, json::error_handler_t::replace)).get<std::string>();
}

inline json to_json(const cel_value& value) {
  if (const auto* boolean = value.as<bool>()) return *boolean;
  if (const auto* number = value.as<std::int64_t>()) return *number;
  if (const auto* number = value.as<std::uint64_t>()) return *number;
  if (const auto* number = value.as<double>()) return *number;
  if (const auto* text = value.as<std::string>()) return to_utf8(*text);
  if (const auto* bytes = value.as<cel_bytes>()) {
    const auto* begin = reinterpret_cast<const std::uint8_t*>(bytes->text.data());
    return to_base64(std::span(begin, bytes->text.size()));
  }
  if (const auto* time = value.as<cel_timestamp>()) return text_of(*time);
  if (const auto* duration = value.as<cel_duration>()) return text_of(*duration);
  if (const auto* type = value.as<cel_type>()) return type->name;
  if (const auto* whole = value.as<const json*>()) return **whole;
  if (const auto* list = value.as<cel_list>()) {
    json out = json::array();
    for (const cel_value& element : **list) out.push_back(to_json(element));
    return out;
  }
  if (const auto* map = value.as<cel_map>()) {
    json out = json::object();
    for (const auto& [key, mapped] : **map) {
      const cel_value name = to_string(key);
      out[to_utf8(*name.as<std::string>())] = to_json(mapped);
    }
    return out;
  }
  return nullptr;
}

}  // namespace detail

/// Computes an expression over variables: an object such as `{"event": {...}, "async": {...}}`. In the result
/// times are text, bytes are base64, and an unknown value is null.
/// \throws evaluation_error
[[nodiscard]] inline json evaluate(const expression& expression, const json& variables,
                                   missing_fields missing = missing_fields::are_unknown) {
  detail::cel_evaluator evaluator(expression.nodes(), variables, missing);  // has what json_parse() read
  const detail::cel_value value = evaluator.run();
  const auto* error = value.as<detail::cel_error>();
  if (error && !error->is_unknown) throw evaluation_error(error->problem, error->position);
  return detail::to_json(value);
}

/// Whether the expression is true. One that cannot be computed, or gives no bool, is not.
[[nodiscard]] inline bool holds(const expression& expression, const json& variables) {
  const detail::cel_value value =
      detail::cel_evaluator(expression.nodes(), variables, missing_fields::are_unknown).run();
  const bool* result = value.as<bool>();
  return result && *result;
}

}  // namespace inngest
