#pragma once

#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/event_view.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE bool event_view::fulfils(const shared_expression& condition, event_view& later) {
  if (!condition) return true;
  json variables_of_both = variables();
  variables_of_both["async"] = later.variables().at("event");
  return holds(*condition, variables_of_both);
}

INNGEST_INLINE std::string event_view::key(const shared_expression& expression) {
  if (!expression) return "";
  try {
    return evaluate(*expression, variables()).dump();
  } catch (const error&) {
    return "null";
  }
}

INNGEST_INLINE std::optional<std::string> event_view::limiting_key(const shared_expression& expression) {
  std::string out = key(expression);
  const bool is_none = expression && (out == "null" || out == "false");
  return is_none ? std::nullopt : std::optional<std::string>(std::move(out));
}

INNGEST_INLINE std::optional<json> event_view::value(const shared_expression& expression) {
  if (!expression) return std::nullopt;
  try {
    return std::optional<json>(std::in_place, evaluate(*expression, variables()));
  } catch (const error&) {
    return std::nullopt;
  }
}

INNGEST_INLINE std::optional<double> event_view::number(const shared_expression& expression) {
  const std::optional<json> found = value(expression);
  return found && found->is_number() ? std::optional<double>(found->get<double>()) : std::nullopt;
}

INNGEST_INLINE const json& event_view::variables() {
  if (variables_.is_null()) variables_ = json{{"event", detail::parse_dom(text_)}};
  return variables_;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
