#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/expression/evaluation.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/dom.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// An event for expressions. It is parsed only when the first expression needs it.
class event_view {
 public:
  /// `text` must outlive the view.
  explicit event_view(std::string_view text) : text_(text) {}

  /// Whether the condition is true. A missing condition is true; one that can't be evaluated is not.
  bool fulfils(const shared_expression& condition) { return !condition || holds(*condition, variables()); }

  /// Whether a condition over this event and a later one is true.
  bool fulfils(const shared_expression& condition, event_view& later);

  /// The time of the event in milliseconds since 1970.
  std::int64_t time() { return variables().at("event").value("ts", std::int64_t{0}); }

  /// The value of a key as JSON: null when it can't be evaluated, empty when there is no key.
  std::string key(const shared_expression& expression);

  /// The value of a key that limits runs. `nullopt` when there is none, for example because the event lacks
  /// the field; the limit then does not apply.
  std::optional<std::string> limiting_key(const shared_expression& expression);

  /// The value; `nullopt` when it can't be evaluated, or there is no expression.
  std::optional<json> value(const shared_expression& expression);

  /// The value as a number; `nullopt` when it is not a number.
  std::optional<double> number(const shared_expression& expression);

 private:
  const json& variables();

  std::string_view text_;
  json variables_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/event_view.ipp>
#endif
