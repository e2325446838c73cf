#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/expression/detail/members.hpp>
#include <inngest/expression/detail/parser.hpp>
#include <inngest/expression/dialect.hpp>
#include <inngest/expression/expression_error.hpp>

namespace inngest {

/// What an expression may contain, depending on where it is used.
enum class expression_policy {
  all,
  /// For cancel_on, as an Inngest server wants it: comparisons and logic, no functions, arithmetic or macros.
  logic_only,
  /// For a trigger, a key, a priority or a batch's condition. There is no `async`: it is the second event of
  /// cancel_on and of waits. A server accepts it elsewhere, but it has no value there.
  event_only
};

/// A parsed CEL expression: the language of trigger conditions, keys, priorities and waits.
class expression {
 public:
  /// Expressions that never reach a server may use any names.
  /// \throws expression_error for what a server would reject, with the position in the text.
  explicit expression(std::string text, expression_names names = expression_names::of_a_server)
      : text_(std::move(text)), nodes_(detail::cel_parser(text_, names).parse()) {}

  const std::string& text() const { return text_; }
  /// Its parts; the root is the last.
  const std::vector<detail::cel_node>& nodes() const { return nodes_; }

 private:
  std::string text_;
  std::vector<detail::cel_node> nodes_;
};

/// Checks an expression like a server, and that the types of the events have the members it names.
/// \throws expression_error
inline void check_expression(std::string_view text, expression_policy policy = expression_policy::all,
                             const detail::expression_events& events = {}) {
  using kind = detail::cel_node::kind;
  const std::vector<detail::cel_node> nodes = detail::cel_parser(text).parse();
  detail::member_check(text, nodes, events).run();
  if (policy == expression_policy::all) return;
  if (policy == expression_policy::event_only) {
    for (const detail::cel_node& node : nodes) {
      const bool is_async = node.what == kind::variable && node.integer == 0 && node.text == "async";
      if (is_async) throw expression_error("there is no async here, only event", text, node.position);
    }
    return;
  }
  // a server does not look into lists, maps and messages
  std::vector<bool> seen(nodes.size());
  seen.back() = true;
  for (std::size_t i = nodes.size(); i-- > 0;) {
    const bool closed =
        nodes[i].what == kind::list || nodes[i].what == kind::map || nodes[i].what == kind::message;
    if (!seen[i] || closed) continue;
    for (const std::size_t part : nodes[i].parts) seen[part] = true;
  }
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const detail::cel_node& node = nodes[i];
    if (!seen[i]) continue;
    const bool converts = node.text == "int" || node.text == "uint" || node.text == "double";
    const bool calls =
        (node.what == kind::call && !converts) || node.what == kind::method || node.what == kind::macro;
    if (calls)
      throw expression_error("function " + node.text + "() is not allowed here", text, node.position);
    if (node.what == kind::has) throw expression_error("has() is not allowed here", text, node.position);
    const bool computes = node.what == kind::operation && node.text.size() == 1 &&
                          std::string_view("+-*/%").find(node.text) != std::string_view::npos;
    if (computes) throw expression_error("arithmetic is not allowed here", text, node.position);
  }
}

namespace detail {

/// Checks a `match`: a field such as "data.userId" that both events have. \throws expression_error with the
/// position in it.
inline void check_match(std::string_view match, const expression_events& events) {
  if (match.empty()) return;
  for (const std::string_view whose : {"event.", "async."}) {
    const std::string text = std::string(whose) + std::string(match);
    std::vector<cel_node> nodes;
    try {
      nodes = cel_parser(text).parse();
      member_check(text, nodes, events).run();
    } catch (const expression_error& problem) {
      const std::string words = problem.what();
      throw expression_error(words.substr(0, words.rfind(", at ")), match,
                             problem.position() - (std::min)(problem.position(), whose.size()));
    }
    const auto is_field = [](const cel_node& node) {
      return node.what == cel_node::kind::select || node.what == cel_node::kind::variable ||
             node.what == cel_node::kind::string || node.what == cel_node::kind::integer ||
             (node.what == cel_node::kind::operation && node.text == "[]");
    };
    const auto other = std::find_if_not(nodes.begin(), nodes.end(), is_field);
    if (other != nodes.end()) {
      throw expression_error("a match is a field, such as data.userId", match,
                             other->position - (std::min)(other->position, whose.size()));
    }
  }
}

}  // namespace detail
}  // namespace inngest
