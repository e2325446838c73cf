#pragma once

// Two dialects of CEL: the language as its specification has it, and as an Inngest server computes it.

namespace inngest {

/// Which names an expression may use.
enum class expression_names {
  /// Those of an Inngest server: the variables event, async and vars, and its functions.
  of_a_server,
  /// Whatever names: one that is not there is an error when it is computed, as CEL has it. Fields' names may
  /// be in backticks.
  any
};

/// What an expression finds where a variable has no such field.
enum class missing_fields {
  are_errors,  ///< as CEL has it
  /// As an Inngest server has it: nothing there is like null. It is not equal to anything but null and less
  /// than all; conditions take every value, of which zero, empty texts, null and errors are false; texts are
  /// made of whatever is added to them. Numbers of events are doubles, as JSON's are.
  are_unknown
};

}  // namespace inngest
