#pragma once

#include <cstdint>
#include <span>

#include <inngest/config.hpp>
#include <inngest/expression/evaluation.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE evaluation_error::evaluation_error(const std::string& problem, std::size_t position)
    : error(error_code::expression, problem + ", at column " + std::to_string(position + 1)),
      position_(position) {}

}  // namespace inngest::inline INNGEST_ABI

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::string to_utf8(const std::string& text) {
  if (is_utf8(text)) return text;
  return json::parse(json(text).dump(-1, ' ', false, json::error_handler_t::replace)).get<std::string>();
}

INNGEST_INLINE json to_json(const cel_value& value) {
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

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE json evaluate(const expression& expression, const json& variables, missing_fields missing) {
  detail::cel_evaluator evaluator(expression.nodes(), variables,
                                  missing);  // owns the results of json_parse()
  const detail::cel_value value = evaluator.run();
  const auto* error = value.as<detail::cel_error>();
  if (error && !error->is_unknown) throw evaluation_error(error->problem, error->position);
  return detail::to_json(value);
}

INNGEST_INLINE bool holds(const expression& expression, const json& variables) {
  const detail::cel_value value =
      detail::cel_evaluator(expression.nodes(), variables, missing_fields::are_unknown).run();
  const bool* result = value.as<bool>();
  return result && *result;
}

}  // namespace inngest::inline INNGEST_ABI
