#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <inngest/detail/cel_evaluator.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/error.hpp>
#include <inngest/expression.hpp>
#include <inngest/json.hpp>

// Computing expressions: what an engine does with those that functions are registered with.

namespace inngest {

using detail::missing_fields;

/// What went wrong when an expression was computed: a field that is missing, a function of values that it
/// doesn't take, a division by zero. `what()` ends with the column.
class evaluation_error : public error {
 public:
  evaluation_error(const std::string& problem, std::size_t position)
      : error(error_code::expression, problem + ", at column " + std::to_string(position + 1)),
        position_(position) {}
  /// Bytes before the place.
  std::size_t position() const noexcept { return position_; }

 private:
  std::size_t position_;
};

namespace detail {

/// JSON's texts are UTF-8. b64decode() can give others, of which the wrong bytes are replaced.
inline std::string to_utf8(const std::string& text) {
  if (simdjson::validate_utf8(text.data(), text.size())) return text;
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
    for (const cel_value& each : **list) out.push_back(to_json(each));
    return out;
  }
  if (const auto* map = value.as<cel_map>()) {
    json out = json::object();
    for (const auto& [key, each] : **map) {
      const cel_value name = to_string(key);
      out[to_utf8(*name.as<std::string>())] = to_json(each);
    }
    return out;
  }
  return nullptr;
}

}  // namespace detail

/// Computes an expression over variables: an object such as `{"event": {...}, "async": {...}}`. Times become
/// text, bytes base64; what is unknown becomes null.
/// \throws evaluation_error
[[nodiscard]] inline json evaluate(const expression& expression, const json& variables,
                                   missing_fields missing = missing_fields::are_unknown) {
  detail::cel_evaluator evaluator(expression.nodes(), variables, missing);  // has what json_parse() read
  const detail::cel_value value = evaluator.run();
  const auto* error = value.as<detail::cel_error>();
  if (error && !error->is_unknown) throw evaluation_error(error->problem, error->position);
  return detail::to_json(value);
}

/// Whether it is true. What can't be computed, or is no bool, is not.
[[nodiscard]] inline bool holds(const expression& expression, const json& variables) {
  const detail::cel_value value =
      detail::cel_evaluator(expression.nodes(), variables, missing_fields::are_unknown).run();
  const bool* result = value.as<bool>();
  return result && *result;
}

}  // namespace inngest
