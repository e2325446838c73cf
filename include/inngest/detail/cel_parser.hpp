#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/detail/cel_token.hpp>

// The grammar of CEL: https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax

namespace inngest::detail {

/// A part of an expression. Its parts are other nodes of the same tree, by their place.
struct cel_node {
  enum class kind {
    null,
    boolean,           // integer: 0 or 1
    integer,           // integer
    unsigned_integer,  // integer, of which the bits count
    real,
    string,     // text
    bytes,      // text
    variable,   // text: its name
    select,     // text: the field; parts: of what
    has,        // the same, but asks whether the field is there
    operation,  // text: "+", "!", "[]", "?:" ...; parts: operands
    call,       // text: the function; parts: arguments
    method,     // text: the function; parts: the object, then arguments
    list,       // parts: elements
    map,        // parts: key, value, key, value ...
  };
  kind what = kind::null;
  std::size_t position = 0;
  std::string text{};
  std::int64_t integer = 0;
  double real = 0;
  std::vector<std::size_t> parts{};
};

/// Parses an expression into nodes; the root is the last. \throws expression_error
class cel_parser {
 public:
  explicit cel_parser(std::string_view text) : lexer_(text) { advance(); }

  std::vector<cel_node> parse() {
    if (token_.what == cel_token::kind::end) throw expression_error("the expression is empty", 0);
    ternary();
    if (token_.what != cel_token::kind::end) fail_unexpected("an operator or the end");
    return std::move(nodes_);
  }

 private:
  using kind = cel_node::kind;
  static constexpr int deepest = 250;  // as the server's own parser

  /// Counts how deep the grammar's rules are in each other: a stack has an end.
  class level {
   public:
    explicit level(cel_parser& parser) : parser_(parser) {
      if (++parser_.depth_ > deepest)
        throw expression_error("the expression is nested too deeply", parser_.token_.position);
    }
    ~level() { --parser_.depth_; }
    level(const level&) = delete;
    level& operator=(const level&) = delete;

   private:
    cel_parser& parser_;
  };

  // ---- tokens ---------------------------------------------------------------------------------------

  void advance() {
    after_ = token_.text;
    token_ = lexer_.next();
  }
  bool is_symbol(std::string_view text) const {
    return token_.what == cel_token::kind::symbol && token_.text == text;
  }
  bool take(std::string_view text) {
    if (!is_symbol(text)) return false;
    advance();
    return true;
  }
  void expect(std::string_view text) {
    if (!take(text)) fail_unexpected("\"" + std::string(text) + "\"");
  }
  [[noreturn]] void fail_unexpected(const std::string& wanted) const {
    const bool end = token_.what == cel_token::kind::end;
    const bool literal = token_.what != cel_token::kind::symbol && token_.what != cel_token::kind::identifier;
    const std::string found = end ? "the end" : literal ? "a literal" : "\"" + token_.text + "\"";
    throw expression_error(
        "expected " + wanted + (after_.empty() ? "" : " after \"" + after_ + "\"") + ", found " + found,
        token_.position);
  }

  // ---- nodes ----------------------------------------------------------------------------------------

  std::size_t add(cel_node node) {
    nodes_.push_back(std::move(node));
    return nodes_.size() - 1;
  }
  std::size_t add(kind what, std::size_t position, std::string text, std::vector<std::size_t> parts) {
    return add(
        cel_node{.what = what, .position = position, .text = std::move(text), .parts = std::move(parts)});
  }

  // ---- rules, from what binds least to what binds most ----------------------------------------------

  std::size_t ternary() {
    const level here(*this);
    const std::size_t condition = binary(0);
    const std::size_t position = token_.position;
    if (!take("?")) return condition;
    const std::size_t when_true = binary(0);
    expect(":");
    const std::size_t when_false = ternary();
    return add(kind::operation, position, "?:", {condition, when_true, when_false});
  }

  /// How strongly a binary operator binds; -1 for everything else.
  int strength() const {
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

  std::size_t binary(int weakest) {
    const level here(*this);
    std::size_t left = unary();
    for (int found; (found = strength()) >= weakest;) {
      const std::size_t position = token_.position;
      std::string name = token_.text;
      advance();
      const std::size_t right = binary(found + 1);
      left = add(kind::operation, position, std::move(name), {left, right});
    }
    return left;
  }

  std::size_t unary() {
    const level here(*this);
    const std::size_t position = token_.position;
    if (take("!")) return add(kind::operation, position, "!", {unary()});
    if (!take("-")) return member();
    // the least integer has no positive twin, so a literal takes its sign with it
    if (token_.what == cel_token::kind::integer) {
      constexpr std::uint64_t least = std::uint64_t{1} << 63;
      if (token_.number == least) {
        advance();
        return selectors(add({.what = kind::integer,
                              .position = position,
                              .integer = std::numeric_limits<std::int64_t>::min()}));
      }
    }
    return add(kind::operation, position, "-", {unary()});
  }

  std::size_t member() { return selectors(primary()); }

  std::size_t selectors(std::size_t of) {
    while (true) {
      const std::size_t position = token_.position;
      if (take(".")) {
        std::string name = identifier("a field's name");
        if (take("(")) {
          of = method(position, std::move(name), of);
        } else {
          of = add(kind::select, position, std::move(name), {of});
        }
      } else if (take("[")) {
        const std::size_t index = ternary();
        expect("]");
        of = add(kind::operation, position, "[]", {of, index});
      } else {
        return of;
      }
    }
  }

  std::size_t primary() {
    const level here(*this);
    const std::size_t position = token_.position;
    if (take("(")) {
      const std::size_t inner = ternary();
      expect(")");
      return inner;
    }
    if (take("[")) return add(kind::list, position, "", elements("]"));
    if (take("{")) return map(position);
    if (is_symbol(".")) advance();  // a name from the root: there is only one namespace
    if (token_.what == cel_token::kind::identifier) return name();
    return literal();
  }

  std::size_t name() {
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
    std::string id = identifier("a value");
    if (!take("(")) {
      check_variable(id, position);
      return add(kind::variable, position, std::move(id), {});
    }
    if (id == "has") return has(position);
    check_function(id, position);
    return add(kind::call, position, std::move(id), elements(")"));
  }

  std::size_t literal() {
    cel_node out{.position = token_.position};
    switch (token_.what) {
      case cel_token::kind::integer:
        if (token_.number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
          throw expression_error("the number is out of range", token_.position);
        out.what = kind::integer;
        out.integer = static_cast<std::int64_t>(token_.number);
        break;
      case cel_token::kind::unsigned_integer:
        out.what = kind::unsigned_integer;
        out.integer = static_cast<std::int64_t>(token_.number);
        break;
      case cel_token::kind::real:
        out.what = kind::real;
        out.real = token_.real;
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
    token_.text.clear();
    advance();
    return add(std::move(out));
  }

  /// Values up to the closing symbol; a comma may come last in a list.
  std::vector<std::size_t> elements(std::string_view close) {
    std::vector<std::size_t> out;
    while (!take(close)) {
      if (!out.empty()) {
        if (!is_symbol(",")) fail_unexpected("\",\" or \"" + std::string(close) + "\"");
        advance();
        if (close == "]" && take(close)) break;
      }
      out.push_back(ternary());
    }
    return out;
  }

  std::size_t map(std::size_t position) {
    std::vector<std::size_t> parts;
    while (!take("}")) {
      if (!parts.empty()) {
        if (!is_symbol(",")) fail_unexpected("\",\" or \"}\"");
        advance();
        if (take("}")) break;
      }
      parts.push_back(ternary());
      expect(":");
      parts.push_back(ternary());
    }
    return add(kind::map, position, "", std::move(parts));
  }

  // ---- functions and macros -------------------------------------------------------------------------

  std::size_t has(std::size_t position) {
    const std::vector<std::size_t> given = elements(")");
    if (given.size() != 1 || nodes_[given[0]].what != kind::select)
      throw expression_error("has() takes a field, such as has(event.data.id)", position);
    cel_node out = nodes_[given[0]];
    out.what = kind::has;
    return add(std::move(out));
  }

  /// `of.name(...)`: a function of the object, or a macro over its elements.
  std::size_t method(std::size_t position, std::string name, std::size_t of) {
    const bool is_map = name == "map";
    const bool is_macro =
        is_map || name == "all" || name == "exists" || name == "exists_one" || name == "filter";
    if (!is_macro) {
      check_method(name, position);
      std::vector<std::size_t> parts = elements(")");
      parts.insert(parts.begin(), of);
      return add(kind::method, position, std::move(name), std::move(parts));
    }
    const std::size_t variable_position = token_.position;
    if (token_.what != cel_token::kind::identifier)
      throw expression_error(name + "() takes a variable's name first", variable_position);
    std::string variable = identifier("a variable's name");
    bound_.push_back(variable);
    std::vector<std::size_t> parts{of, add(kind::variable, variable_position, std::move(variable), {})};
    expect(",");
    for (const std::size_t each : elements(")")) parts.push_back(each);
    bound_.pop_back();
    const bool right = parts.size() == 3 || (is_map && parts.size() == 4);
    if (!right) throw expression_error(name + "() takes a variable and an expression", position);
    return add(kind::method, position, std::move(name), std::move(parts));
  }

  std::string identifier(const std::string& what) {
    if (token_.what != cel_token::kind::identifier) fail_unexpected(what);
    constexpr std::string_view reserved[] = {"in",      "as",        "break",  "const",  "continue", "else",
                                             "for",     "function",  "if",     "import", "let",      "loop",
                                             "package", "namespace", "return", "var",    "void",     "while",
                                             "true",    "false",     "null"};
    if (after_ != ".") {
      for (const std::string_view each : reserved) {
        if (token_.text == each)
          throw expression_error("\"" + token_.text + "\" is a word of the language", token_.position);
      }
    }
    std::string out = token_.text;
    advance();
    return out;
  }

  void check_variable(const std::string& name, std::size_t position) const {
    for (const std::string_view each : {"event", "async", "vars", "int", "uint", "double", "string", "bytes",
                                        "bool", "list", "map", "type", "null_type"}) {
      if (name == each) return;
    }
    for (const std::string& each : bound_) {
      if (name == each) return;
    }
    throw expression_error("there is no variable \"" + name + "\": an expression is over event (and async)",
                           position);
  }

  static void check_function(const std::string& name, std::size_t position) {
    for (const std::string_view each :
         {"size",      "int",        "uint",     "double",    "string",   "bytes",     "bool",
          "type",      "dyn",        "duration", "timestamp", "matches",  "lowercase", "uppercase",
          "b64decode", "json_parse", "date",     "now",       "now_plus", "now_minus"}) {
      if (name == each) return;
    }
    throw expression_error("there is no function \"" + name + "\"", position);
  }

  static void check_method(const std::string& name, std::size_t position) {
    for (const std::string_view each :
         {"size", "contains", "startsWith", "endsWith", "matches", "getFullYear", "getMonth", "getDayOfYear",
          "getDayOfMonth", "getDate", "getDayOfWeek", "getHours", "getMinutes", "getSeconds",
          "getMilliseconds"}) {
      if (name == each) return;
    }
    throw expression_error("values have no function \"" + name + "\"", position);
  }

  cel_lexer lexer_;
  cel_token token_;
  std::string after_;  // the word before the current one
  std::vector<cel_node> nodes_;
  std::vector<std::string> bound_;  // variables of macros
  int depth_ = 0;
};

}  // namespace inngest::detail
