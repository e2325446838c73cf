#pragma once

#include <limits>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/expression/detail/parser.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE cel_parser::cel_parser(std::string_view text, expression_names names)
    : any_name_(names == expression_names::any), lexer_(text, any_name_) {
  advance();
}

INNGEST_INLINE std::vector<cel_node> cel_parser::parse() {
  if (token_.what == cel_token::kind::end) fail("the expression is empty", 0);
  ternary();
  if (token_.what != cel_token::kind::end) fail_unexpected("an operator or the end");
  if (!unknown_names_.empty() && !any_name_) {
    const std::size_t position = unknown_names_.front();
    fail("there is no variable \"" + name_at(position) + "\": an expression is over event (and async)",
         position);
  }
  return std::move(nodes_);
}

INNGEST_INLINE cel_parser::level::level(const cel_parser& parser, int& depth) : depth_(depth) {
  if (depth_ == deepest) parser.fail_too_deep();
  ++depth_;
}

INNGEST_INLINE void cel_parser::fail(const std::string& problem, std::size_t position) const {
  throw expression_error(problem, lexer_.text(), position);
}

INNGEST_INLINE void cel_parser::fail_too_deep() const {
  fail("the expression is nested too deeply, over " + std::to_string(deepest) + " levels", token_.position);
}

INNGEST_INLINE void cel_parser::fail_unexpected(const std::string& wanted) const {
  const bool end = token_.what == cel_token::kind::end;
  const bool literal = token_.what != cel_token::kind::symbol && token_.what != cel_token::kind::identifier;
  const std::string found = end ? "the end" : literal ? "a literal" : "\"" + token_.text + "\"";
  fail("expected " + wanted + (after_.empty() ? "" : " after \"" + after_ + "\"") + ", found " + found,
       token_.position);
}

INNGEST_INLINE void cel_parser::advance() {
  const bool word = token_.what == cel_token::kind::symbol || token_.what == cel_token::kind::identifier;
  after_ = word ? std::move(token_.text) : std::string();
  token_ = lexer_.next();
}

INNGEST_INLINE bool cel_parser::is_symbol(std::string_view text) const {
  return token_.what == cel_token::kind::symbol && token_.text == text;
}

INNGEST_INLINE bool cel_parser::is_number() const {
  return token_.what == cel_token::kind::integer || token_.what == cel_token::kind::real;
}

INNGEST_INLINE bool cel_parser::take(std::string_view text) {
  if (!is_symbol(text)) return false;
  advance();
  return true;
}

INNGEST_INLINE void cel_parser::expect(std::string_view text) {
  if (!take(text)) fail_unexpected("\"" + std::string(text) + "\"");
}

INNGEST_INLINE bool cel_parser::is_keyword(std::string_view text) {
  static constexpr std::string_view words[] = {"in", "true", "false", "null"};
  return is_one_of(text, words);
}

INNGEST_INLINE bool cel_parser::is_reserved(std::string_view text) {
  static constexpr std::string_view words[] = {"as",        "break",  "const",  "continue", "else", "for",
                                               "function",  "if",     "import", "let",      "loop", "package",
                                               "namespace", "return", "var",    "void",     "while"};
  return is_one_of(text, words);
}

INNGEST_INLINE std::string cel_parser::identifier(const std::string& what) {
  if (token_.what != cel_token::kind::identifier) fail_unexpected(what);
  if (is_keyword(token_.text) || is_reserved(token_.text))
    fail("\"" + token_.text + "\" is a word of the language", token_.position);
  std::string out = token_.text;
  advance();
  return out;
}

INNGEST_INLINE std::string cel_parser::field() {
  if (token_.what == cel_token::kind::quoted_name) {
    std::string out = std::move(token_.text);
    advance();
    return out;
  }
  if (token_.what != cel_token::kind::identifier) fail_unexpected("a field's name");
  if (is_keyword(token_.text))
    fail("\"" + token_.text + "\" is a word of the language: write [\"" + token_.text + "\"] for the field",
         token_.position);
  std::string out = token_.text;
  advance();
  return out;
}

INNGEST_INLINE std::size_t cel_parser::add(cel_node node) {
  using enum cel_node::kind;
  const bool counts =
      node.what == select || node.what == method || node.what == macro || node.what == no_function ||
      (node.what == operation && node.text != "&&" && node.text != "||" && node.parts.size() > 1);
  int depth = 0;
  for (const std::size_t part : node.parts) depth = (std::max)(depth, depths_[part]);
  depth += counts ? 1 : 0;
  if (depth > deepest) fail_too_deep();
  depths_.push_back(depth);
  nodes_.push_back(std::move(node));
  return nodes_.size() - 1;
}

INNGEST_INLINE std::size_t cel_parser::add(kind what, std::size_t position, std::string text,
                                           std::vector<std::size_t> parts) {
  return add(
      cel_node{.what = what, .position = position, .text = std::move(text), .parts = std::move(parts)});
}

INNGEST_INLINE std::size_t cel_parser::ternary() {
  const level here(*this, expressions_);
  const std::size_t condition = operations();
  const std::size_t position = token_.position;
  if (!take("?")) return condition;
  const std::size_t when_true = operations();
  expect(":");
  const std::size_t when_false = ternary();
  return add(kind::operation, position, "?:", {condition, when_true, when_false});
}

INNGEST_INLINE std::size_t cel_parser::operations() {
  const level comparison(*this, comparisons_);
  const level sum(*this, sums_);
  return binary(0);
}

INNGEST_INLINE int cel_parser::strength() const {
  if (token_.what == cel_token::kind::identifier) return token_.text == "in" ? 2 : -1;
  if (token_.what != cel_token::kind::symbol) return -1;
  const std::string_view text = token_.text;
  if (text == "||") return 0;
  if (text == "&&") return 1;
  if (text == "==" || text == "!=" || text == "<" || text == "<=" || text == ">" || text == ">=") return 2;
  if (text == "+" || text == "-") return 3;
  if (text == "*" || text == "/" || text == "%") return 4;
  return -1;
}

INNGEST_INLINE std::size_t cel_parser::binary(int weakest) {
  std::size_t left = unary();
  for (int found; (found = strength()) >= weakest;) {
    const std::size_t position = token_.position;
    std::string name = token_.text;
    advance();
    const std::size_t right = right_of(found);
    left = add(kind::operation, position, std::move(name), {left, right});
  }
  return left;
}

INNGEST_INLINE std::size_t cel_parser::right_of(int operation) {
  if (operation < 2) return binary(operation + 1);
  const level deeper(*this, operation == 2 ? comparisons_ : sums_);
  return binary(operation + 1);
}

INNGEST_INLINE std::size_t cel_parser::unary() {
  const std::size_t position = token_.position;
  const char sign = is_symbol("!") ? '!' : is_symbol("-") ? '-' : '\0';
  if (sign == '\0') return member();
  const std::string_view name = sign == '!' ? "!" : "-";
  std::size_t count = 0;
  while (take(name)) ++count;
  if (sign == '-' && count == 1 && is_number()) return selectors(literal(true, position));
  const std::size_t of = member();
  if (count % 2 == 0) return of;
  return add(kind::operation, position, std::string(name), {of});
}

INNGEST_INLINE std::size_t cel_parser::selectors(std::size_t of) {
  while (true) {
    std::size_t position = token_.position;
    if (take(".")) {
      position = token_.position;
      std::string name = field();
      if (take("(")) {
        of = method(position, std::move(name), of);
      } else {
        const bool of_google = name == "protobuf" && nodes_[of].text == "google";
        if (of_google) forgive(nodes_[of].position);  // it contains the standard types
        of = add(kind::select, position, std::move(name), {of});
      }
    } else if (take("[")) {
      const std::size_t index = ternary();
      expect("]");
      of = add(kind::operation, position, "[]", {of, index});
    } else if (is_symbol("{") && is_path(of)) {
      of = message(of);
    } else {
      return of;
    }
  }
}

INNGEST_INLINE std::size_t cel_parser::primary() {
  const std::size_t position = token_.position;
  if (take("(")) {
    const std::size_t inner = ternary();
    expect(")");
    return inner;
  }
  if (take("[")) return add(kind::list, position, "", elements("]"));
  if (take("{")) return map(position);
  if (take("-")) {  // after a !, only as the sign of a number
    if (!is_number()) fail_unexpected("a number");
    return literal(true, position);
  }
  const bool from_root = take(".");  // variables of macros do not hide such a name
  if (from_root && (token_.what != cel_token::kind::identifier || is_keyword(token_.text)))
    fail_unexpected("a name");
  if (token_.what == cel_token::kind::identifier) return name(from_root);
  return literal(false, position);
}

INNGEST_INLINE std::size_t cel_parser::name(bool from_root) {
  const std::size_t position = token_.position;
  const std::string& text = token_.text;
  if (text == "true" || text == "false") {
    const bool value = text == "true";
    advance();
    return add({.what = kind::boolean, .position = position, .integer = value ? 1 : 0});
  }
  if (text == "null") {
    advance();
    return add({.what = kind::null, .position = position});
  }
  if (text == "in") fail_unexpected("a value");
  std::string id = identifier("a value");
  if (!take("(")) {
    const bool bound = !from_root && std::find(bound_.begin(), bound_.end(), id) != bound_.end();
    if (!bound && !is_variable(id)) unknown_names_.push_back(position);
    return add({.what = kind::variable, .position = position, .text = std::move(id), .integer = bound});
  }
  if (id == "has" && !from_root) return has(position);
  if (!any_name_) check_function(id, position);
  std::vector<std::size_t> parts = elements(")");
  const bool known = is_known(find(functions, id), id, parts.size(), position);
  return add(known ? kind::call : kind::no_function, position, std::move(id), std::move(parts));
}

INNGEST_INLINE std::size_t cel_parser::literal(bool negative, std::size_t position) {
  cel_node out{.position = position};
  constexpr auto most = static_cast<std::uint64_t>((std::numeric_limits<std::int64_t>::max)());
  switch (token_.what) {
    case cel_token::kind::integer:
      // the minimum integer has no positive counterpart, so a literal is read with its sign
      if (token_.number > most + (negative ? 1 : 0)) fail("the number is out of range", token_.position);
      out.what = kind::integer;
      out.integer = static_cast<std::int64_t>(negative ? 0 - token_.number : token_.number);
      break;
    case cel_token::kind::unsigned_integer:
      out.what = kind::unsigned_integer;
      out.integer = static_cast<std::int64_t>(token_.number);
      break;
    case cel_token::kind::real:
      out.what = kind::real;
      out.real = negative ? -token_.real : token_.real;
      break;
    case cel_token::kind::string:
      out.what = kind::string;
      break;
    case cel_token::kind::bytes:
      out.what = kind::bytes;
      break;
    default:
      fail_unexpected("a value");
  }
  out.text = std::move(token_.text);
  advance();
  return add(std::move(out));
}

INNGEST_INLINE bool cel_parser::next_element(std::string_view close, bool first) {
  if (take(close)) return false;
  if (first) {
    if (!is_symbol(",")) return true;
    advance();
    expect(close);
    return false;
  }
  if (!take(",")) fail_unexpected("\",\" or \"" + std::string(close) + "\"");
  return !take(close);
}

INNGEST_INLINE std::vector<std::size_t> cel_parser::elements(std::string_view close) {
  std::vector<std::size_t> out;
  if (close == ")") {
    while (!take(close)) {
      if (!out.empty() && !take(",")) fail_unexpected("\",\" or \")\"");
      out.push_back(ternary());
    }
  } else {
    while (next_element(close, out.empty())) out.push_back(ternary());
  }
  return out;
}

INNGEST_INLINE std::size_t cel_parser::map(std::size_t position) {
  std::vector<std::size_t> parts;
  while (next_element("}", parts.empty())) {
    parts.push_back(ternary());
    expect(":");
    parts.push_back(ternary());
  }
  return add(kind::map, position, "", std::move(parts));
}

INNGEST_INLINE bool cel_parser::is_path(std::size_t of) const {
  while (nodes_[of].what == kind::select) of = nodes_[of].parts[0];
  return nodes_[of].what == kind::variable;
}

INNGEST_INLINE std::size_t cel_parser::message(std::size_t of) {
  std::string type;
  for (; nodes_[of].what == kind::select; of = nodes_[of].parts[0]) type = "." + nodes_[of].text + type;
  type = nodes_[of].text + type;
  const std::size_t position = nodes_[of].position;
  if (!type.starts_with("google.protobuf.")) fail("there is no message type \"" + type + "\"", position);
  advance();
  std::vector<std::size_t> parts;
  while (next_element("}", parts.empty())) {
    const std::size_t field_position = token_.position;
    parts.push_back(add(kind::string, field_position, field(), {}));
    expect(":");
    parts.push_back(ternary());
  }
  return add(kind::message, position, std::move(type), std::move(parts));
}

INNGEST_INLINE std::size_t cel_parser::has(std::size_t position) {
  const std::vector<std::size_t> given = elements(")");
  if (given.size() != 1 || nodes_[given[0]].what != kind::select)
    fail("has() takes a field, such as has(event.data.id)", position);
  nodes_[given[0]].what = kind::has;
  nodes_[given[0]].position = position;
  return given[0];
}

INNGEST_INLINE std::size_t cel_parser::method(std::size_t position, std::string name, std::size_t of) {
  static constexpr std::string_view macros[] = {"all", "exists", "exists_one", "existsOne", "map", "filter"};
  if (is_one_of(name, macros)) return macro(position, std::move(name), of);
  if (!any_name_) check_method(name, position);
  std::vector<std::size_t> parts = elements(")");
  const bool known = is_known(find(methods, name), name, parts.size(), position);
  parts.insert(parts.begin(), of);
  return add(known ? kind::method : kind::no_function, position, std::move(name), std::move(parts));
}

INNGEST_INLINE std::size_t cel_parser::macro(std::size_t position, std::string name, std::size_t of) {
  const bool is_map = name == "map";
  const std::size_t variable_position = token_.position;
  if (token_.what != cel_token::kind::identifier)
    fail(name + "() takes a variable's name first", variable_position);
  std::string variable = identifier("a variable's name");
  if (variable == "__result__") fail("a variable can't be named __result__", variable_position);
  const auto fail_count = [&] {
    fail(name + "() takes a variable and an expression" +
             (is_map ? ", optionally with a condition between them" : ""),
         position);
  };
  if (is_symbol(")")) fail_count();
  if (!is_symbol(",")) fail(name + "() takes a variable's name first", variable_position);
  advance();
  bound_.push_back(variable);
  std::vector<std::size_t> parts{of, add({.what = kind::variable,
                                          .position = variable_position,
                                          .text = std::move(variable),
                                          .integer = 1})};
  for (const std::size_t element : elements(")")) parts.push_back(element);
  bound_.pop_back();
  if (parts.size() != 3 && !(is_map && parts.size() == 4)) fail_count();
  return add(kind::macro, position, std::move(name), std::move(parts));
}

INNGEST_INLINE void cel_parser::check_function(const std::string& name, std::size_t position) const {
  if (find(functions, name) != nullptr) return;
  const bool is_method = find(methods, name) != nullptr;
  fail(is_method ? name + "() is a function of a value: write value." + name + "(...)"
                 : "there is no function \"" + name + "\"",
       position);
}

INNGEST_INLINE void cel_parser::check_method(const std::string& name, std::size_t position) const {
  if (find(methods, name) != nullptr) return;
  const bool is_function = find(functions, name) != nullptr;
  fail("values have no function \"" + name + "\"" + (is_function ? ": write " + name + "(...)" : ""),
       position);
}

INNGEST_INLINE bool cel_parser::is_known(const function* found, const std::string& name, std::size_t count,
                                         std::size_t position) const {
  if (found != nullptr && found->least <= count && count <= found->most) return true;
  if (any_name_) return false;
  constexpr std::string_view words[] = {"no argument", "one argument", "two arguments"};
  fail(name + "() takes " + (found->least < found->most ? "at most " : "") + std::string(words[found->most]),
       position);
}

INNGEST_INLINE bool cel_parser::is_variable(std::string_view name) {
  static constexpr std::string_view names[] = {"event", "async", "vars", "int", "uint", "double",   "string",
                                               "bytes", "bool",  "list", "map", "type", "null_type"};
  return is_one_of(name, names);
}

INNGEST_INLINE void cel_parser::forgive(std::size_t position) {
  if (!unknown_names_.empty() && unknown_names_.back() == position) unknown_names_.pop_back();
}

INNGEST_INLINE std::string cel_parser::name_at(std::size_t position) const {
  for (const cel_node& node : nodes_) {
    if (node.what == kind::variable && node.position == position) return node.text;
  }
  return {};
}

}  // namespace inngest::inline INNGEST_ABI::detail
