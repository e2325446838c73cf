#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/detail/cel_functions.hpp>
#include <inngest/detail/cel_parser.hpp>
#include <inngest/detail/cel_value.hpp>

namespace inngest::detail {

/// What an expression finds where a variable has no such field.
enum class missing_fields {
  are_errors,  ///< as CEL has it
  /// As an Inngest server has it: nothing there is like null. It is not equal to anything but null and less
  /// than all; conditions take every value, of which zero, empty texts, null and errors are false; texts are
  /// made of whatever is added to them. Numbers of events are doubles, as JSON's are.
  are_unknown
};

/// Computes an expression's tree.
class cel_evaluator {
 public:
  cel_evaluator(const std::vector<cel_node>& nodes, const json& variables, missing_fields missing)
      : nodes_(nodes), variables_(variables), lenient_(missing == missing_fields::are_unknown) {}

  cel_value run() { return evaluate(nodes_.size() - 1); }

 private:
  using kind = cel_node::kind;

  /// Macros within macros can take long; a server has a limit on that, too.
  static constexpr std::size_t most_steps = 1'000'000;

  cel_value evaluate(std::size_t at) {
    const cel_node& node = nodes_[at];
    if (++steps_ > most_steps)
      return cel_error{.problem = "the expression takes too long", .position = node.position};
    cel_value out = compute(node);
    if (auto* error = const_cast<cel_error*>(out.as<cel_error>()); error && error->position == 0)
      error->position = node.position;
    return out;
  }

  cel_value compute(const cel_node& node) {
    switch (node.what) {
      case kind::null:
        return nullptr;
      case kind::boolean:
        return node.integer != 0;
      case kind::integer:
        return node.integer;
      case kind::unsigned_integer:
        return static_cast<std::uint64_t>(node.integer);
      case kind::real:
        return node.real;
      case kind::string:
        return node.text;
      case kind::bytes:
        return cel_bytes{node.text};
      case kind::variable:
        return variable(node);
      case kind::select:
        return is_type_of_time(node) ? cel_value(cel_type{"google.protobuf." + node.text})
                                     : select(evaluate(node.parts[0]), node.text);
      case kind::has:
        return has(evaluate(node.parts[0]), node.text);
      case kind::operation:
        return operation(node);
      case kind::call:
      case kind::method:
        return call(node);
      case kind::macro:
        return macro(node);
      case kind::list:
        return list(node);
      case kind::map:
        return map(node);
      case kind::message:
        return cel_error{.problem = "messages can't be computed with", .position = node.position};
    }
    return nullptr;
  }

  cel_error missing(const std::string& what) const { return {.problem = what, .is_unknown = lenient_}; }

  // ---- variables and fields -----------------------------------------------------------------------------

  cel_value variable(const cel_node& node) {
    for (std::size_t i = bound_.size(); i-- > 0 && node.integer == 1;) {
      if (bound_[i].first == node.text) return bound_[i].second;
    }
    const auto found = variables_.find(node.text);
    if (found != variables_.end()) return cel_value::of(*found, !lenient_);
    for (const std::string_view type :
         {"int", "uint", "double", "string", "bytes", "bool", "list", "map", "type", "null_type"}) {
      if (node.text == type) return cel_type{node.text};
    }
    return missing("there is no " + node.text);
  }

  /// google.protobuf.Timestamp and Duration: the types whose names have a package.
  bool is_type_of_time(const cel_node& node) const {
    if (node.text != "Timestamp" && node.text != "Duration") return false;
    const cel_node& package = nodes_[node.parts[0]];
    if (package.what != kind::select || package.text != "protobuf") return false;
    const cel_node& root = nodes_[package.parts[0]];
    return root.what == kind::variable && root.integer == 0 && root.text == "google";
  }

  cel_value select(const cel_value& of, const std::string& field) const {
    if (of.is_error()) return of;
    if (!of.is_map()) return lenient_ ? missing("no such field") : no_overload("." + field);
    auto found = member_of(of, field, !lenient_);
    return found ? std::move(*found) : cel_value(missing("there is no field \"" + field + "\""));
  }

  cel_value has(const cel_value& of, const std::string& field) const {
    if (of.is_unknown()) return false;
    if (of.is_error()) return of;
    if (!of.is_map()) return lenient_ ? cel_value(false) : cel_value(no_overload("has"));
    return member_of(of, field, !lenient_).has_value();
  }

  cel_value index(const cel_value& of, const cel_value& at) const {
    if (of.is_error()) return of;
    if (at.is_error()) return at;
    if (of.is_map()) {
      auto found = member_of(of, at, !lenient_);
      return found ? std::move(*found) : cel_value(missing("there is no such key"));
    }
    const bool fits = of.is_list() && at.is_number() &&
                      (!at.as<double>() || *at.as<double>() == std::floor(*at.as<double>()));
    if (!fits) return lenient_ ? cel_value(missing("no such key")) : cel_value(no_overload("[]"));
    const cel_value place = to_int(at);
    const auto* position = place.as<std::int64_t>();
    if (!position || *position < 0 || static_cast<std::size_t>(*position) >= size_of(of))
      return missing("the index is out of bounds");
    return element_of(of, static_cast<std::size_t>(*position), !lenient_);
  }

  // ---- operators ----------------------------------------------------------------------------------------

  cel_value operation(const cel_node& node) {
    if (node.text == "?:") {
      const cel_value condition = evaluate(node.parts[0]);
      if (lenient_) return evaluate(node.parts[is_true(condition) ? 1 : 2]);
      if (condition.is_error()) return condition;
      const bool* chosen = condition.as<bool>();
      return chosen ? evaluate(node.parts[*chosen ? 1 : 2]) : cel_value(no_overload("?:"));
    }
    if (node.text == "&&" || node.text == "||") return logic(node);
    std::vector<cel_value> operands;
    for (const std::size_t part : node.parts) operands.push_back(evaluate(part));
    if (node.text == "[]") return index(operands[0], operands[1]);
    return lenient_ ? apply_leniently(node, operands) : apply(node, operands);
  }

  /// An error counts only when the other operand does not decide.
  cel_value logic(const cel_node& node) {
    const bool decides = node.text == "||";  // which value does
    cel_value left = evaluate(node.parts[0]);
    if (left.as<bool>() && *left.as<bool>() == decides) return left;
    cel_value right = evaluate(node.parts[1]);
    if (lenient_ && (!left.as<bool>() || !right.as<bool>())) return is_true(left) == decides ? left : right;
    if (right.as<bool>() && *right.as<bool>() == decides) return right;
    if (left.is_error()) return left;
    if (right.is_error()) return right;
    return left.as<bool>() && right.as<bool>() ? right : cel_value(no_overload(node.text));
  }

  /// What counts as true where a condition may be any value.
  static bool is_true(const cel_value& value) {
    if (value.is_error() || value.is_null()) return false;
    if (const bool* boolean = value.as<bool>()) return *boolean;
    if (const auto* text = value.as<std::string>()) return !text->empty();
    if (value.is_number()) return compare_numbers(value, std::int64_t{0}) != 0;
    return true;
  }

  cel_value apply(const cel_node& node, const std::vector<cel_value>& operands) const {
    for (const cel_value& each : operands) {
      if (each.is_error()) return each;
    }
    return node.what == kind::operation ? apply_operator(node.text, operands, !lenient_)
           : node.text == "json_parse"  ? json_parse(operands[0])
                                        : call_function(node.text, operands);
  }

  cel_value call(const cel_node& node) {
    std::vector<cel_value> arguments;
    for (const std::size_t part : node.parts) arguments.push_back(evaluate(part));
    return lenient_ ? apply_leniently(node, arguments) : apply(node, arguments);
  }

  cel_value json_parse(const cel_value& text) const {
    const auto* given = text.as<std::string>();
    if (!given) return no_overload("json_parse");
    json parsed =
        nesting_depth(*given) > INNGEST_MAX_JSON_DEPTH ? json() : json::parse(*given, nullptr, false);
    if (!parsed.is_object()) parsed = json::object();
    parsed_.push_back(std::make_shared<const json>(std::move(parsed)));
    return cel_value::of(*parsed_.back(), !lenient_);
  }

  // ---- as an Inngest server does --------------------------------------------------------------------------

  cel_value apply_leniently(const cel_node& node, const std::vector<cel_value>& operands) const {
    bool has_error = false, has_null = false;
    for (const cel_value& each : operands) {
      has_error = has_error || each.is_error();
      has_null = has_null || each.is_null();
    }
    if (has_error) return of_unknown(node, operands);
    const bool mixed = operands.size() == 2 && operands[0].type_name() != operands[1].type_name();
    cel_value out = apply(node, operands);
    if (!mixed || !out.is_error()) return out;
    if (node.text == "+") return joined(operands[0]) + joined(operands[1]);
    if (has_null && node.what == kind::operation) return apply(node, without_null(operands));
    return out;
  }

  static std::string joined(const cel_value& value) {
    if (const auto* number = value.as<double>()) return text_of(*number);
    const cel_value text = to_string(value);
    return text.as<std::string>() ? *text.as<std::string>() : std::string("<nil>");
  }

  /// Null as the other type's nothing.
  static std::vector<cel_value> without_null(std::vector<cel_value> operands) {
    for (std::size_t i = 0; i < 2; ++i) {
      const cel_value& other = operands[1 - i];
      if (!operands[i].is_null()) continue;
      if (other.as<std::int64_t>()) operands[i] = std::int64_t{0};
      if (other.as<std::uint64_t>()) operands[i] = std::uint64_t{0};
      if (other.as<double>()) operands[i] = 0.0;
      if (other.as<std::string>()) operands[i] = std::string();
    }
    return operands;
  }

  static cel_value of_unknown(const cel_node& node, const std::vector<cel_value>& operands) {
    const std::string& name = node.text;
    if (name == "size") return std::int64_t{0};
    if (node.what != kind::operation || operands.size() != 2) return false;
    const bool beside_null = operands[0].is_null() || operands[1].is_null();
    if (name == "+") {
      for (const cel_value& each : operands) {
        if (!each.is_error()) return each;
      }
      return false;
    }
    if (name == "==") return beside_null;
    if (name == "!=") return !beside_null;
    if (name[0] == '<') return operands[0].is_error();
    if (name[0] == '>') return !operands[0].is_error();
    return false;
  }

  // ---- lists, maps and macros -----------------------------------------------------------------------------

  cel_value list(const cel_node& node) {
    std::vector<cel_value> out;
    for (const std::size_t part : node.parts) {
      out.push_back(evaluate(part));
      if (out.back().is_error()) return out.back();
    }
    return cel_list(std::make_shared<const std::vector<cel_value>>(std::move(out)));
  }

  cel_value map(const cel_node& node) {
    std::vector<std::pair<cel_value, cel_value>> out;
    for (std::size_t i = 0; i < node.parts.size(); i += 2) {
      cel_value key = evaluate(node.parts[i]);
      cel_value value = evaluate(node.parts[i + 1]);
      if (key.is_error()) return key;
      if (value.is_error()) return value;
      const bool usable =
          key.as<bool>() || key.as<std::int64_t>() || key.as<std::uint64_t>() || key.as<std::string>();
      if (!usable) return cel_error{.problem = "a key can't be of type " + std::string(key.type_name())};
      for (const auto& [other, each] : out) {
        if (are_equal(other, key)) return cel_error{.problem = "a key is there twice"};
      }
      out.emplace_back(std::move(key), std::move(value));
    }
    return cel_map(std::make_shared<const std::vector<std::pair<cel_value, cel_value>>>(std::move(out)));
  }

  cel_value macro(const cel_node& node) {
    const cel_value range = evaluate(node.parts[0]);
    if (range.is_error()) return range;
    if (!range.is_list() && !range.is_map())
      return lenient_ ? cel_value(missing("no list")) : cel_value(no_overload(node.text));
    const std::vector<cel_value> elements = elements_of(range, !lenient_);
    bound_.emplace_back(nodes_[node.parts[1]].text, nullptr);
    cel_value out =
        node.text == "map" || node.text == "filter" ? collect(node, elements) : count(node, elements);
    bound_.pop_back();
    return out;
  }

  cel_value collect(const cel_node& node, const std::vector<cel_value>& elements) {
    const bool has_condition = node.text == "filter" || node.parts.size() == 4;
    std::vector<cel_value> out;
    for (const cel_value& each : elements) {
      bound_.back().second = each;
      if (has_condition) {
        const cel_value chosen = evaluate(node.parts[2]);
        if (chosen.is_error()) return chosen;
        if (!chosen.as<bool>()) return no_overload(node.text);
        if (!*chosen.as<bool>()) continue;
      }
      out.push_back(node.text == "filter" ? each : evaluate(node.parts.back()));
      if (out.back().is_error()) return out.back();
    }
    return cel_list(std::make_shared<const std::vector<cel_value>>(std::move(out)));
  }

  /// all, exists and exists_one. As with && and ||, an error counts only when no element decides.
  cel_value count(const cel_node& node, const std::vector<cel_value>& elements) {
    const bool is_all = node.text == "all", is_exists = node.text == "exists";
    std::optional<cel_value> error;
    std::size_t fulfilled = 0;
    for (const cel_value& each : elements) {
      bound_.back().second = each;
      cel_value result = evaluate(node.parts[2]);
      const bool* value = result.as<bool>();
      if (!value) {
        if (!result.is_error()) result = no_overload(node.text);
        if (!is_all && !is_exists) return result;
        if (!error) error = std::move(result);
      } else if (*value) {
        ++fulfilled;
        if (is_exists) return true;
      } else if (is_all) {
        return false;
      }
    }
    if (error) return std::move(*error);
    return is_all || (!is_exists && fulfilled == 1);
  }

  const std::vector<cel_node>& nodes_;
  const json& variables_;
  const bool lenient_;
  std::vector<std::pair<std::string, cel_value>> bound_;  // variables of macros
  mutable std::vector<std::shared_ptr<const json>> parsed_;
  std::size_t steps_ = 0;
};

}  // namespace inngest::detail
