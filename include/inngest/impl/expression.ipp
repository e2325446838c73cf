#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/expression.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE expression::expression(std::string text, expression_names names)
    : text_(std::move(text)), nodes_(detail::cel_parser(text_, names).parse()) {}

INNGEST_INLINE void check_expression(std::string_view text, expression_policy policy,
                                     const detail::expression_events& events) {
  using kind = detail::cel_node::kind;
  const std::vector<detail::cel_node> nodes = detail::cel_parser(text).parse();
  detail::member_check(text, nodes, events).run();
  if (policy == expression_policy::all) return;
  if (policy == expression_policy::event_only) {
    for (const detail::cel_node& node : nodes) {
      const bool is_async = node.what == kind::variable && node.integer == 0 && node.text == "async";
      if (is_async) throw expression_error("async is not available here, only event", text, node.position);
    }
    return;
  }
  // a server does not check inside lists, maps and messages
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

}  // namespace inngest::inline INNGEST_ABI

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE void check_match(std::string_view field, std::string_view whose,
                                const expression_events& events) {
  if (field.empty()) return;
  const std::string text = std::string(whose) + "." + std::string(field);
  const std::size_t before = whose.size() + 1;
  std::vector<cel_node> nodes;
  try {
    nodes = cel_parser(text).parse();
    member_check(text, nodes, events).run();
  } catch (const expression_error& problem) {
    const std::string words = problem.what();
    throw expression_error(words.substr(0, words.rfind(", at ")), field,
                           problem.position() - (std::min)(problem.position(), before));
  }
  const auto is_field = [](const cel_node& node) {
    return node.what == cel_node::kind::select || node.what == cel_node::kind::variable ||
           node.what == cel_node::kind::string || node.what == cel_node::kind::integer ||
           (node.what == cel_node::kind::operation && node.text == "[]");
  };
  const auto other = std::find_if_not(nodes.begin(), nodes.end(), is_field);
  if (other != nodes.end()) {
    throw expression_error("a match is a field, such as data.userId", field,
                           other->position - (std::min)(other->position, before));
  }
}

}  // namespace inngest::inline INNGEST_ABI::detail
