#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include <inngest/config.hpp>
#include <inngest/expression/detail/evaluator.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE cel_evaluator::cel_evaluator(const std::vector<cel_node>& nodes, const json& variables,
                                            missing_fields missing, cel_variables more)
    : nodes_(nodes),
      variables_(variables),
      lenient_(missing == missing_fields::are_unknown),
      more_variables_(std::move(more)) {
  if (!lenient_) find_dotted_variables();
}

INNGEST_INLINE cel_value cel_evaluator::run() {
  cel_value out = evaluate(nodes_.size() - 1);
  spend(weight(out, (std::numeric_limits<int>::max)()), nodes_.back());  // parts of lists may be shared
  return too_long_ ? cel_value(*too_long_) : out;
}

INNGEST_INLINE bool cel_evaluator::spend(std::size_t steps, const cel_node& node) const {
  if (too_long_) return false;
  steps_ += (std::min)(steps, max_steps + 1);
  if (steps_ > max_steps)
    too_long_ = cel_error{.problem = "the expression takes too long", .position = node.position};
  return !too_long_;
}

INNGEST_INLINE std::size_t cel_evaluator::weight(const cel_value& value, int json_levels) const {
  return weight_of(value, max_steps - (std::min)(steps_, max_steps), json_levels);
}

INNGEST_INLINE std::size_t cel_evaluator::cost_of(const cel_node& node,
                                                  const std::vector<cel_value>& operands) const {
  constexpr int all = (std::numeric_limits<int>::max)();
  const auto is_composed = [](const cel_value& value) { return value.is_list() || value.is_map(); };
  if (operands.size() != 2) return 0;
  const auto &a = operands[0], &b = operands[1];
  if (node.text == "==" || node.text == "!=") {
    const bool whole = is_composed(a) && is_composed(b);
    return whole ? (std::min)(weight(a, all), weight(b, all)) + cost_of_keys(a) * cost_of_keys(b) : 0;
  }
  if (node.text == "in") return weight(b, is_composed(a) ? all : 1);
  if (node.text == "+" && a.is_list() && b.is_list()) return weight(a, 1) + weight(b, 1);
  if (node.text == "contains" && a.as<std::string>() && b.as<std::string>())
    return a.as<std::string>()->size() * b.as<std::string>()->size() / 4096;
  return node.text.starts_with("get") ? 50 : 0;  // may look up a time zone
}

INNGEST_INLINE std::size_t cel_evaluator::cost_of_keys(const cel_value& map) {
  return map.as<cel_map>() ? size_of(map) / 2 : 0;  // maps are searched linearly
}

INNGEST_INLINE cel_value cel_evaluator::evaluate(std::size_t at) {
  const cel_node& node = nodes_[at];
  if (!spend(1, node)) return *too_long_;
  cel_value out = compute(node);
  spend(weight_of(out, 1) - 1, node);
  return located(std::move(out), node);
}

INNGEST_INLINE cel_value cel_evaluator::located(cel_value value, const cel_node& node) {
  if (auto* error = const_cast<cel_error*>(value.as<cel_error>()); error && error->position == 0)
    error->position = node.position;
  return value;
}

INNGEST_INLINE cel_value cel_evaluator::compute(const cel_node& node) {
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
      if (const cel_value* named = dotted_variable(node)) return *named;
      return select(node, evaluate(node.parts[0]));
    case kind::has:
      return has(node, evaluate(node.parts[0]));
    case kind::operation:
      return operation(node);
    case kind::call:
    case kind::method:
      return call(node);
    case kind::macro:
      return macro(node);
    case kind::no_function:
      return no_overload(node.text);
    case kind::list:
      return list(node);
    case kind::map:
      return map(node);
    case kind::message:
      return cel_error{.problem = "message values are not supported", .position = node.position};
  }
  return nullptr;
}

INNGEST_INLINE cel_value cel_evaluator::variable(const cel_node& node) {
  for (std::size_t i = bound_.size(); i-- > 0 && node.integer == 1;) {
    if (bound_[i].first == node.text) return bound_[i].second;
  }
  for (const auto& [name, value] : more_variables_) {
    if (name == node.text) return value;
  }
  const auto found = variables_.find(node.text);
  if (found != variables_.end()) return cel_value::of(*found, !lenient_);
  for (const std::string_view type :
       {"int", "uint", "double", "string", "bytes", "bool", "list", "map", "type", "null_type"}) {
    if (node.text == type) return cel_type{node.text};
  }
  return missing("there is no " + node.text);
}

INNGEST_INLINE void cel_evaluator::find_dotted_variables() {
  const auto has_dot = [](const std::string& name) { return name.find('.') != name.npos; };
  for (const auto& [name, value] : variables_.items()) {
    if (has_dot(name)) dotted_variables_.emplace_back(name, cel_value::of(value, true));
  }
  for (const auto& variable : more_variables_) {
    if (has_dot(variable.first)) dotted_variables_.push_back(variable);
  }
  for (const char* type : {"google.protobuf.Timestamp", "google.protobuf.Duration"})
    dotted_variables_.emplace_back(type, cel_type{type});
}

INNGEST_INLINE const cel_value* cel_evaluator::dotted_variable(const cel_node& node) const {
  spend(dotted_variables_.size() / 16, node);
  for (const auto& [name, value] : dotted_variables_) {
    if (is_named(node, name)) return &value;
  }
  return nullptr;
}

INNGEST_INLINE bool cel_evaluator::is_named(const cel_node& node, std::string_view name) const {
  const cel_node* part = &node;
  for (; part->what == kind::select; part = &nodes_[part->parts[0]]) {
    if (!name.ends_with(part->text)) return false;
    name.remove_suffix(part->text.size());
    if (!name.ends_with('.')) return false;
    name.remove_suffix(1);
  }
  return part->what == kind::variable && part->integer == 0 && part->text == name;
}

INNGEST_INLINE cel_value cel_evaluator::select(const cel_node& node, const cel_value& of) const {
  if (of.is_error()) return of;
  if (!of.is_map()) return lenient_ ? missing("no such field") : no_overload("." + node.text);
  if (!spend(cost_of_keys(of), node)) return *too_long_;
  auto found = member_of(of, node.text, !lenient_);
  return found ? std::move(*found) : cel_value(missing("there is no field \"" + node.text + "\""));
}

INNGEST_INLINE cel_value cel_evaluator::has(const cel_node& node, const cel_value& of) const {
  if (of.is_unknown()) return false;
  if (of.is_error()) return of;
  if (!of.is_map()) return lenient_ ? cel_value(false) : cel_value(no_overload("has"));
  if (!spend(cost_of_keys(of), node)) return *too_long_;
  return member_of(of, node.text, !lenient_).has_value();
}

INNGEST_INLINE cel_value cel_evaluator::index(const cel_node& node, const cel_value& of,
                                              const cel_value& at) const {
  if (of.is_error()) return of;
  if (at.is_error()) return at;
  if (of.is_map()) {
    if (!spend(cost_of_keys(of), node)) return *too_long_;
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

INNGEST_INLINE cel_value cel_evaluator::operation(const cel_node& node) {
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
  if (node.text == "[]") return index(node, operands[0], operands[1]);
  return lenient_ ? apply_leniently(node, operands) : apply(node, operands);
}

INNGEST_INLINE cel_value cel_evaluator::logic(const cel_node& node) {
  std::vector<const cel_node*> chain{&node};
  for (const cel_node* left = &nodes_[node.parts[0]];
       left->what == kind::operation && left->text == node.text; left = &nodes_[left->parts[0]])
    chain.push_back(left);
  cel_value out = evaluate(chain.back()->parts[0]);
  for (; !chain.empty(); chain.pop_back()) out = located(logic(*chain.back(), std::move(out)), *chain.back());
  return out;
}

INNGEST_INLINE cel_value cel_evaluator::logic(const cel_node& node, cel_value left) {
  const bool decides = node.text == "||";  // the value that decides
  if (left.as<bool>() && *left.as<bool>() == decides) return left;
  cel_value right = evaluate(node.parts[1]);
  if (lenient_ && (!left.as<bool>() || !right.as<bool>())) return is_true(left) == decides ? left : right;
  if (right.as<bool>() && *right.as<bool>() == decides) return right;
  if (left.is_error()) return left;
  if (right.is_error()) return right;
  return left.as<bool>() && right.as<bool>() ? right : cel_value(no_overload(node.text));
}

INNGEST_INLINE bool cel_evaluator::is_true(const cel_value& value) {
  if (value.is_error() || value.is_null()) return false;
  if (const bool* boolean = value.as<bool>()) return *boolean;
  if (const auto* text = value.as<std::string>()) return !text->empty();
  if (value.is_number()) return compare_numbers(value, std::int64_t{0}) != 0;
  return true;
}

INNGEST_INLINE cel_value cel_evaluator::apply(const cel_node& node,
                                              const std::vector<cel_value>& operands) const {
  for (const cel_value& operand : operands) {
    if (operand.is_error()) return operand;
  }
  if (!spend(cost_of(node, operands), node)) return *too_long_;
  if (node.what == kind::operation) return apply_operator(node.text, operands, !lenient_);
  if (node.text == "json_parse") return json_parse(operands[0], node);
  if (node.text == "matches") return matches(operands, node);
  return call_function(node.text, operands);
}

INNGEST_INLINE cel_value cel_evaluator::call(const cel_node& node) {
  std::vector<cel_value> arguments;
  for (const std::size_t part : node.parts) arguments.push_back(evaluate(part));
  return lenient_ ? apply_leniently(node, arguments) : apply(node, arguments);
}

INNGEST_INLINE cel_value cel_evaluator::matches(const std::vector<cel_value>& operands,
                                                const cel_node& node) const {
  constexpr std::size_t max_pattern_size = 1000;
  const auto* text = operands[0].as<std::string>();
  const auto* pattern = operands[1].as<std::string>();
  if (!text || !pattern) return no_overload("matches");
  if (pattern->size() > max_pattern_size)
    return cel_error{.problem = "matches() takes a pattern of at most 1000 characters"};
  if (!spend(pattern->size(), node)) return *too_long_;
  const auto result = search_pattern(*pattern, *text, [&](std::size_t steps) { return spend(steps, node); });
  if (result == pattern_result::not_a_pattern)
    return cel_error{.problem = "not a regular expression: " + *pattern};
  if (result == pattern_result::too_long) return *too_long_;
  return result == pattern_result::found;
}

INNGEST_INLINE cel_value cel_evaluator::json_parse(const cel_value& text, const cel_node& node) const {
  const auto* given = text.as<std::string>();
  if (!given) return no_overload("json_parse");
  if (!spend(given->size() / 4, node)) return *too_long_;
  const bool refused = has_overlooked_bytes(*given) || nesting_depth(*given) > INNGEST_MAX_JSON_DEPTH;
  json parsed = refused ? json() : json::parse(*given, nullptr, false);
  if (!parsed.is_object()) parsed = json::object();
  parsed_.push_back(std::make_shared<const json>(std::move(parsed)));
  return cel_value::of(*parsed_.back(), !lenient_);
}

INNGEST_INLINE cel_value cel_evaluator::apply_leniently(const cel_node& node,
                                                        const std::vector<cel_value>& operands) const {
  bool has_error = false, has_null = false;
  for (const cel_value& operand : operands) {
    has_error = has_error || operand.is_error();
    has_null = has_null || operand.is_null();
  }
  if (has_error) return unknown_value(node, operands);
  const bool mixed = operands.size() == 2 && operands[0].type_name() != operands[1].type_name();
  cel_value out = apply(node, operands);
  if (!mixed || !out.is_error()) return out;
  if (node.text == "+") return joined(operands[0]) + joined(operands[1]);
  if (has_null && node.what == kind::operation) return apply(node, without_null(operands));
  return out;
}

INNGEST_INLINE std::string cel_evaluator::joined(const cel_value& value) {
  if (const auto* number = value.as<double>()) return text_of(*number);
  const cel_value text = to_string(value);
  return text.as<std::string>() ? *text.as<std::string>() : std::string("<nil>");
}

INNGEST_INLINE std::vector<cel_value> cel_evaluator::without_null(std::vector<cel_value> operands) {
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

INNGEST_INLINE cel_value cel_evaluator::unknown_value(const cel_node& node,
                                                      const std::vector<cel_value>& operands) {
  const std::string& name = node.text;
  if (name == "size") return std::int64_t{0};
  if (node.what != kind::operation || operands.size() != 2) return false;
  const bool beside_null = operands[0].is_null() || operands[1].is_null();
  if (name == "+") {
    for (const cel_value& operand : operands) {
      if (!operand.is_error()) return operand;
    }
    return false;
  }
  if (name == "==") return beside_null;
  if (name == "!=") return !beside_null;
  if (name[0] == '<') return operands[0].is_error();
  if (name[0] == '>') return !operands[0].is_error();
  return false;
}

INNGEST_INLINE cel_value cel_evaluator::list(const cel_node& node) {
  std::vector<cel_value> out;
  for (const std::size_t part : node.parts) {
    out.push_back(evaluate(part));
    if (!spend(weight(out.back()), node)) return *too_long_;
    if (out.back().is_error()) return out.back();
  }
  return cel_list(std::make_shared<const std::vector<cel_value>>(std::move(out)));
}

INNGEST_INLINE cel_value cel_evaluator::map(const cel_node& node) {
  std::vector<std::pair<cel_value, cel_value>> out;
  for (std::size_t i = 0; i < node.parts.size(); i += 2) {
    cel_value key = evaluate(node.parts[i]);
    cel_value value = evaluate(node.parts[i + 1]);
    if (key.is_error()) return key;
    if (value.is_error()) return value;
    if (!spend(weight(value) + out.size() / 8, node)) return *too_long_;
    const bool usable =
        key.as<bool>() || key.as<std::int64_t>() || key.as<std::uint64_t>() || key.as<std::string>();
    if (!usable) return cel_error{.problem = "a key can't be of type " + std::string(key.type_name())};
    for (const auto& [other, unused] : out) {
      if (are_equal(other, key)) return cel_error{.problem = "duplicate key"};
    }
    out.emplace_back(std::move(key), std::move(value));
  }
  return cel_map(std::make_shared<const std::vector<std::pair<cel_value, cel_value>>>(std::move(out)));
}

INNGEST_INLINE cel_value cel_evaluator::macro(const cel_node& node) {
  const cel_value range = evaluate(node.parts[0]);
  if (range.is_error()) return range;
  if (!range.is_list() && !range.is_map())
    return lenient_ ? cel_value(missing("no list")) : cel_value(no_overload(node.text));
  if (!spend(weight(range, 1), node)) return *too_long_;
  const std::vector<cel_value> elements = elements_of(range, !lenient_);
  bound_.emplace_back(nodes_[node.parts[1]].text, nullptr);
  cel_value out =
      node.text == "map" || node.text == "filter" ? collect(node, elements) : count(node, elements);
  bound_.pop_back();
  return out;
}

INNGEST_INLINE cel_value cel_evaluator::collect(const cel_node& node,
                                                const std::vector<cel_value>& elements) {
  const bool has_condition = node.text == "filter" || node.parts.size() == 4;
  std::vector<cel_value> out;
  for (const cel_value& element : elements) {
    bound_.back().second = element;
    if (has_condition) {
      const cel_value chosen = evaluate(node.parts[2]);
      if (chosen.is_error()) return chosen;
      if (!chosen.as<bool>()) return no_overload(node.text);
      if (!*chosen.as<bool>()) continue;
    }
    out.push_back(node.text == "filter" ? element : evaluate(node.parts.back()));
    if (!spend(weight(out.back()), node)) return *too_long_;
    if (out.back().is_error()) return out.back();
  }
  return cel_list(std::make_shared<const std::vector<cel_value>>(std::move(out)));
}

INNGEST_INLINE cel_value cel_evaluator::count(const cel_node& node, const std::vector<cel_value>& elements) {
  const bool is_all = node.text == "all", is_exists = node.text == "exists";
  std::optional<cel_value> error;
  std::size_t fulfilled = 0;
  for (const cel_value& element : elements) {
    bound_.back().second = element;
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

}  // namespace inngest::inline INNGEST_ABI::detail
