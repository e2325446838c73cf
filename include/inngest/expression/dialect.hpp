#pragma once

#include <inngest/config.hpp>

// The two dialects of expressions: CEL as specified, and CEL as an Inngest server evaluates it.

namespace inngest::inline INNGEST_ABI {

/// Which names an expression may use.
enum class expression_names {
  /// The variables event, async and vars, and the functions of an Inngest server.
  of_a_server,
  /// Any name: as in CEL, an unknown name is an error only when it is evaluated. Field names may be in
  /// backticks.
  any
};

/// The value of a missing field in an expression.
enum class missing_fields {
  are_errors,  ///< an error, as in CEL
  /// Null, like an Inngest server. It equals only null and is less than every other value. Conditions take
  /// values of any type: zero, empty text, null and errors are false. Adding any value to a text appends it.
  /// Numbers in events are doubles, like JSON's.
  are_unknown
};

}  // namespace inngest::inline INNGEST_ABI
