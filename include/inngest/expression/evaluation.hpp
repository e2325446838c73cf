#pragma once

#include <cstddef>
#include <string>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/error.hpp>
#include <inngest/expression.hpp>
#include <inngest/expression/detail/evaluator.hpp>
#include <inngest/expression/dialect.hpp>
#include <inngest/json.hpp>

// Evaluation of expressions, used by an engine for the expressions of registered functions.

namespace inngest::inline INNGEST_ABI {

/// An expression can't be evaluated, for example because of a missing field, an argument of the wrong type or
/// a division by zero. `what()` ends with the column.
class evaluation_error : public error {
 public:
  /// `position` is in bytes from the start of the expression.
  evaluation_error(const std::string& problem, std::size_t position);
  /// The position of the error, in bytes from the start.
  std::size_t position() const noexcept { return position_; }

 private:
  std::size_t position_;
};

namespace detail {

/// JSON texts are UTF-8, but b64decode() can return other bytes: invalid bytes are replaced.
std::string to_utf8(const std::string& text);

json to_json(const cel_value& value);

}  // namespace detail

/// Evaluates an expression over variables: an object such as `{"event": {...}, "async": {...}}`. In the
/// result, times are text, bytes are base64, and an unknown value is null.
/// \throws evaluation_error
[[nodiscard]] json evaluate(const expression& expression, const json& variables,
                            missing_fields missing = missing_fields::are_unknown);

/// Whether the expression is true. False when it can't be evaluated, or its result is not a bool.
[[nodiscard]] bool holds(const expression& expression, const json& variables);

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/expression/impl/evaluation.ipp>
#endif
