#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/expression/detail/members.hpp>
#include <inngest/expression/detail/parser.hpp>
#include <inngest/expression/dialect.hpp>
#include <inngest/expression/expression_error.hpp>

namespace inngest::inline INNGEST_ABI {

/// What an expression may contain, which depends on where it is used.
enum class expression_policy {
  all,
  /// For cancel_on, as an Inngest server requires: comparisons and logic, no functions, arithmetic or macros.
  logic_only,
  /// For a trigger, a key, a priority or a batch's condition. `async`, the second event of cancel_on and of
  /// waits, is not allowed: a server accepts it here, but it never has a value.
  event_only
};

/// A parsed CEL expression: the language of trigger conditions, keys, priorities and waits.
class expression {
 public:
  /// Parses the text. By default it may use only the names that a server knows; expressions that never reach
  /// a server may use any names.
  /// \throws expression_error for what a server would reject, with the position in the text.
  explicit expression(std::string text, expression_names names = expression_names::of_a_server);

  /// The expression as text.
  const std::string& text() const { return text_; }
  /// The nodes of its tree; the root is the last.
  const std::vector<detail::cel_node>& nodes() const { return nodes_; }

 private:
  std::string text_;
  std::vector<detail::cel_node> nodes_;
};

/// Checks an expression as a server does, and checks that the event types have the members that it names.
/// \throws expression_error
void check_expression(std::string_view text, expression_policy policy = expression_policy::all,
                      const detail::expression_events& events = {});

namespace detail {

/// Checks one side of a `match`: `field`, such as "data.userId", of `whose`, which is "event" or "async".
/// \throws expression_error with the position in `field`.
void check_match(std::string_view field, std::string_view whose, const expression_events& events);

}  // namespace detail
}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/expression.ipp>
#endif
