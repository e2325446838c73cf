#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/detail/cel_parser.hpp>

namespace inngest {

/// What an expression may contain, besides what every one may.
enum class expression_policy {
  all,
  /// As an Inngest server wants it for cancel_on: comparisons and logic, no functions, arithmetic or macros.
  logic_only
};

/// A CEL expression, parsed: the language of trigger conditions, keys, priorities and waits.
class expression {
 public:
  /// \throws expression_error for what a server would not take, with the position in the text.
  explicit expression(std::string text) : text_(std::move(text)), nodes_(detail::cel_parser(text_).parse()) {}

  const std::string& text() const { return text_; }
  /// Its parts; the root is the last.
  const std::vector<detail::cel_node>& nodes() const { return nodes_; }

 private:
  std::string text_;
  std::vector<detail::cel_node> nodes_;
};

/// Checks an expression as a server will. \throws expression_error
inline void check_expression(std::string_view text, expression_policy policy = expression_policy::all) {
  using kind = detail::cel_node::kind;
  for (const detail::cel_node& each : detail::cel_parser(text).parse()) {
    if (policy == expression_policy::all) continue;
    const bool converts = each.text == "int" || each.text == "uint" || each.text == "double";
    const bool calls = (each.what == kind::call && !converts) || each.what == kind::method;
    if (calls) throw expression_error("function " + each.text + "() is not allowed here", each.position);
    if (each.what == kind::has) throw expression_error("has() is not allowed here", each.position);
    const bool computes = each.what == kind::operation && each.text.size() == 1 &&
                          std::string_view("+-*/%").find(each.text) != std::string_view::npos;
    if (computes) throw expression_error("arithmetic is not allowed here", each.position);
  }
}

}  // namespace inngest
