#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/expression/detail/functions.hpp>
#include <inngest/expression/detail/parser.hpp>
#include <inngest/expression/detail/regex.hpp>
#include <inngest/expression/detail/value.hpp>
#include <inngest/expression/dialect.hpp>

namespace inngest::inline INNGEST_ABI::detail {

using cel_variables = std::vector<std::pair<std::string, cel_value>>;

/// Computes an expression's tree.
class cel_evaluator {
 public:
  /// `more` are variables of values that JSON has no form of.
  cel_evaluator(const std::vector<cel_node>& nodes, const json& variables, missing_fields missing,
                cel_variables more = {});

  cel_value run();

 private:
  using kind = cel_node::kind;

  // ---- limits -------------------------------------------------------------------------------------------

  /// Macros within macros can take long, and make values of any size; a server has a limit on that, too.
  static constexpr std::size_t most_steps = 1'000'000;

  /// False from the moment on that there are too many steps.
  bool spend(std::size_t steps, const cel_node& node) const;
  std::size_t weight(const cel_value& value, int json_levels = 0) const;

  /// What an operator or a function takes beyond the evaluation of its operands.
  std::size_t cost_of(const cel_node& node, const std::vector<cel_value>& operands) const;
  static std::size_t cost_of_keys(const cel_value& map);

  // ---- nodes --------------------------------------------------------------------------------------------

  cel_value evaluate(std::size_t at);

  static cel_value located(cel_value value, const cel_node& node);

  cel_value compute(const cel_node& node);

  cel_error missing(const std::string& what) const { return {.problem = what, .is_unknown = lenient_}; }

  // ---- variables and fields -----------------------------------------------------------------------------

  cel_value variable(const cel_node& node);

  /// Names may have dots: "a.b" is a variable that a.b finds, before the field b of a.
  void find_dotted_variables();
  const cel_value* dotted_variable(const cel_node& node) const;
  /// Whether a chain of fields reads so.
  bool is_named(const cel_node& node, std::string_view name) const;

  cel_value select(const cel_node& node, const cel_value& of) const;

  cel_value has(const cel_node& node, const cel_value& of) const;

  cel_value index(const cel_node& node, const cel_value& of, const cel_value& at) const;

  // ---- operators ----------------------------------------------------------------------------------------

  cel_value operation(const cel_node& node);

  /// A chain of them, which may be long, is walked along: a call for each could end the stack.
  cel_value logic(const cel_node& node);

  /// An error counts only when the other operand does not decide.
  cel_value logic(const cel_node& node, cel_value left);

  /// What counts as true where a condition may be any value.
  static bool is_true(const cel_value& value);

  cel_value apply(const cel_node& node, const std::vector<cel_value>& operands) const;

  cel_value call(const cel_node& node);

  cel_value matches(const std::vector<cel_value>& operands, const cel_node& node) const;

  cel_value json_parse(const cel_value& text, const cel_node& node) const;

  // ---- as an Inngest server does --------------------------------------------------------------------------

  cel_value apply_leniently(const cel_node& node, const std::vector<cel_value>& operands) const;

  static std::string joined(const cel_value& value);

  /// Null as the other type's nothing.
  static std::vector<cel_value> without_null(std::vector<cel_value> operands);

  static cel_value unknown_value(const cel_node& node, const std::vector<cel_value>& operands);

  // ---- lists, maps and macros -----------------------------------------------------------------------------

  cel_value list(const cel_node& node);

  cel_value map(const cel_node& node);

  cel_value macro(const cel_node& node);

  cel_value collect(const cel_node& node, const std::vector<cel_value>& elements);

  /// all, exists and exists_one. As with && and ||, an error counts only when no element decides.
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
