#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/expression/detail/functions.hpp>
#include <inngest/expression/detail/parser.hpp>
#include <inngest/expression/detail/pattern.hpp>
#include <inngest/expression/detail/value.hpp>
#include <inngest/expression/dialect.hpp>

namespace inngest::inline INNGEST_ABI::detail {

using cel_variables = std::vector<std::pair<std::string, cel_value>>;

/// Evaluates an expression's tree.
class cel_evaluator {
 public:
  /// `more` contains variables whose values have no JSON form.
  cel_evaluator(const std::vector<cel_node>& nodes, const json& variables, missing_fields missing,
                cel_variables more = {});

  cel_value run();

 private:
  using kind = cel_node::kind;

  // ---- limits -------------------------------------------------------------------------------------------

  /// Nested macros can take long and produce large values, so steps are limited, as on a server.
  static constexpr std::size_t max_steps = 1'000'000;

  /// Counts steps. Returns false when there are too many.
  bool spend(std::size_t steps, const cel_node& node) const;
  std::size_t weight(const cel_value& value, int json_levels = 0) const;

  /// The cost of an operator or function without its operands.
  std::size_t cost_of(const cel_node& node, const std::vector<cel_value>& operands) const;
  static std::size_t cost_of_keys(const cel_value& map);

  // ---- nodes --------------------------------------------------------------------------------------------

  cel_value evaluate(std::size_t at);

  static cel_value located(cel_value value, const cel_node& node);

  cel_value compute(const cel_node& node);

  cel_error missing(const std::string& what) const { return {.problem = what, .is_unknown = lenient_}; }

  // ---- variables and fields -----------------------------------------------------------------------------

  cel_value variable(const cel_node& node);

  /// Names may contain dots: a.b is first the variable "a.b", then the field b of a.
  void find_dotted_variables();
  const cel_value* dotted_variable(const cel_node& node) const;
  /// Whether a chain of fields has this name.
  bool is_named(const cel_node& node, std::string_view name) const;

  cel_value select(const cel_node& node, const cel_value& of) const;

  cel_value has(const cel_node& node, const cel_value& of) const;

  cel_value index(const cel_node& node, const cel_value& of, const cel_value& at) const;

  // ---- operators ----------------------------------------------------------------------------------------

  cel_value operation(const cel_node& node);

  /// Long chains are evaluated in a loop, because recursion could exhaust the stack.
  cel_value logic(const cel_node& node);

  /// An error counts only when the other operand does not decide the result.
  cel_value logic(const cel_node& node, cel_value left);

  /// Whether a value counts as true where conditions may have any type.
  static bool is_true(const cel_value& value);

  cel_value apply(const cel_node& node, const std::vector<cel_value>& operands) const;

  cel_value call(const cel_node& node);

  cel_value matches(const std::vector<cel_value>& operands, const cel_node& node) const;

  cel_value json_parse(const cel_value& text, const cel_node& node) const;

  // ---- as on an Inngest server ---------------------------------------------------------------------------

  cel_value apply_leniently(const cel_node& node, const std::vector<cel_value>& operands) const;

  static std::string joined(const cel_value& value);

  /// Replaces null by the zero value of the other operand's type.
  static std::vector<cel_value> without_null(std::vector<cel_value> operands);

  static cel_value unknown_value(const cel_node& node, const std::vector<cel_value>& operands);

  // ---- lists, maps and macros -----------------------------------------------------------------------------

  cel_value list(const cel_node& node);

  cel_value map(const cel_node& node);

  cel_value macro(const cel_node& node);

  cel_value collect(const cel_node& node, const std::vector<cel_value>& elements);

  /// all, exists and exists_one. As for && and ||, an error counts only when no element decides the result.
  cel_value count(const cel_node& node, const std::vector<cel_value>& elements);

  const std::vector<cel_node>& nodes_;
  const json& variables_;
  const bool lenient_;
  const cel_variables more_variables_;
  cel_variables dotted_variables_;
  cel_variables bound_;  // variables of macros
  mutable std::vector<std::shared_ptr<const json>> parsed_;
  mutable std::size_t steps_ = 0;
  mutable std::optional<cel_error> too_long_;
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/expression/detail/impl/evaluator.ipp>
#endif
