#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/expression/detail/token.hpp>
#include <inngest/expression/dialect.hpp>
#include <inngest/expression/expression_error.hpp>

// The grammar of CEL: https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax

namespace inngest::detail {

/// A part of an expression. Its parts are other nodes of the same tree, by their place, which is before its
/// own.
struct cel_node {
  enum class kind {
    null,
    boolean,           // integer: 0 or 1
    integer,           // integer
    unsigned_integer,  // integer, of which the bits count
    real,
    string,       // text
    bytes,        // text
    variable,     // text: its name; integer: 1 when a macro gives it its values
    select,       // text: the field; parts: of what
    has,          // the same, but asks whether the field is there
    operation,    // text: "+", "!", "[]", "?:" ...; parts: operands
    call,         // text: the function; parts: arguments
    method,       // text: the function; parts: the object, then arguments
    no_function,  // a call of what there is not: text: its name; parts: arguments
    macro,        // text: "all", "map" ...; parts: the object, the variable, then what is computed of it
    list,         // parts: elements
    map,          // parts: key, value, key, value ...
    message,      // text: the type; parts: field (a string), value, field, value ...
  };
  kind what = kind::null;
  std::size_t position = 0;
  std::string text{};
  std::int64_t integer = 0;
  double real = 0;
  std::vector<std::size_t> parts{};
};

/// Parses an expression into nodes; the root is the last. \throws expression_error for what an Inngest server
/// would refuse: text that is not of the grammar and, unless they may be any, names and numbers of arguments
/// that it does not know.
class cel_parser {
 public:
  explicit cel_parser(std::string_view text, expression_names names = expression_names::of_a_server)
      : any_name_(names == expression_names::any), lexer_(text, any_name_) {
    advance();
  }

  std::vector<cel_node> parse() {
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

 private:
  using kind = cel_node::kind;

  /// A server's parser refuses to go deeper: into rules of one kind within each other, and into the tree.
  static constexpr int deepest = 250;

  /// Counts how deep rules of a kind are in each other. It also keeps the stack from its end.
  class level {
   public:
    level(const cel_parser& parser, int& depth) : depth_(depth) {
      if (depth_ == deepest) parser.fail_too_deep();
      ++depth_;
    }
    ~level() { --depth_; }
    level(const level&) = delete;
    level& operator=(const level&) = delete;

   private:
    int& depth_;
  };

  [[noreturn]] void fail(const std::string& problem, std::size_t position) const {
    throw expression_error(problem, lexer_.text(), position);
  }
  [[noreturn]] void fail_too_deep() const {
    fail("the expression is nested too deeply, over " + std::to_string(deepest) + " levels", token_.position);
  }
  [[noreturn]] void fail_unexpected(const std::string& wanted) const {
    const bool end = token_.what == cel_token::kind::end;
    const bool literal = token_.what != cel_token::kind::symbol && token_.what != cel_token::kind::identifier;
    const std::string found = end ? "the end" : literal ? "a literal" : "\"" + token_.text + "\"";
    fail("expected " + wanted + (after_.empty() ? "" : " after \"" + after_ + "\"") + ", found " + found,
         token_.position);
  }

  // ---- tokens ---------------------------------------------------------------------------------------

  void advance() {
    const bool word = token_.what == cel_token::kind::symbol || token_.what == cel_token::kind::identifier;
    after_ = word ? std::move(token_.text) : std::string();
    token_ = lexer_.next();
  }
  bool is_symbol(std::string_view text) const {
    return token_.what == cel_token::kind::symbol && token_.text == text;
  }
  bool is_number() const {
    return token_.what == cel_token::kind::integer || token_.what == cel_token::kind::real;
  }
  bool take(std::string_view text) {
    if (!is_symbol(text)) return false;
    advance();
    return true;
  }
  void expect(std::string_view text) {
    if (!take(text)) fail_unexpected("\"" + std::string(text) + "\"");
  }

  template <std::size_t Size>
  static bool is_one_of(std::string_view text, const std::string_view (&words)[Size]) {
    return std::find(std::begin(words), std::end(words), text) != std::end(words);
  }
  /// Words that are never a name, not even of a field.
  static bool is_keyword(std::string_view text) {
    static constexpr std::string_view words[] = {"in", "true", "false", "null"};
    return is_one_of(text, words);
  }
  /// Words that are names of fields only.
  static bool is_reserved(std::string_view text) {
    static constexpr std::string_view words[] = {
        "as",  "break", "const",   "continue",  "else",   "for", "function", "if",   "import",
        "let", "loop",  "package", "namespace", "return", "var", "void",     "while"};
    return is_one_of(text, words);
  }

  /// Takes a name. `what` says of what, should there be none.
  std::string identifier(const std::string& what) {
    if (token_.what != cel_token::kind::identifier) fail_unexpected(what);
    if (is_keyword(token_.text) || is_reserved(token_.text))
      fail("\"" + token_.text + "\" is a word of the language", token_.position);
    std::string out = token_.text;
    advance();
    return out;
  }

  std::string field() {
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

  // ---- nodes ----------------------------------------------------------------------------------------

  std::size_t add(cel_node node) {
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
  std::size_t add(kind what, std::size_t position, std::string text, std::vector<std::size_t> parts) {
    return add(
        cel_node{.what = what, .position = position, .text = std::move(text), .parts = std::move(parts)});
  }

  // ---- rules, from what binds least to what binds most ----------------------------------------------

  std::size_t ternary() {
    const level here(*this, expressions_);
    const std::size_t condition = operations();
    const std::size_t position = token_.position;
    if (!take("?")) return condition;
    const std::size_t when_true = operations();
    expect(":");
    const std::size_t when_false = ternary();
    return add(kind::operation, position, "?:", {condition, when_true, when_false});
  }

  std::size_t operations() {
    const level comparison(*this, comparisons_);
    const level sum(*this, sums_);
    return binary(0);
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

  std::size_t right_of(int operation) {
    if (operation < 2) return binary(operation + 1);
    const level deeper(*this, operation == 2 ? comparisons_ : sums_);
    return binary(operation + 1);
  }

  /// Signs of one kind before a member: an even number of them cancel each other out.
  std::size_t unary() {
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

  std::size_t member() { return selectors(primary()); }

  std::size_t selectors(std::size_t of) {
    while (true) {
      std::size_t position = token_.position;
      if (take(".")) {
        position = token_.position;
        std::string name = field();
        if (take("(")) {
          of = method(position, std::move(name), of);
        } else {
          const bool of_google = name == "protobuf" && nodes_[of].text == "google";
          if (of_google) forgive(nodes_[of].position);  // the standard types have their names there
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

  std::size_t primary() {
    const std::size_t position = token_.position;
    if (take("(")) {
      const std::size_t inner = ternary();
      expect(")");
      return inner;
    }
    if (take("[")) return add(kind::list, position, "", elements("]"));
    if (take("{")) return map(position);
    if (take("-")) {  // after a ! only as a number's sign
      if (!is_number()) fail_unexpected("a number");
      return literal(true, position);
    }
    const bool from_root = take(".");  // names of macros' variables don't hide such a name
    if (from_root && (token_.what != cel_token::kind::identifier || is_keyword(token_.text)))
      fail_unexpected("a name");
    if (token_.what == cel_token::kind::identifier) return name(from_root);
    return literal(false, position);
  }

  std::size_t name(bool from_root) {
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

  std::size_t literal(bool negative, std::size_t position) {
    cel_node out{.position = position};
    constexpr auto most = static_cast<std::uint64_t>((std::numeric_limits<std::int64_t>::max)());
    switch (token_.what) {
      case cel_token::kind::integer:
        // the least integer has no positive twin, so a literal is read with its sign
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

  /// Before a list's, map's or message's next element: false at its end. A comma may come last.
  bool next_element(std::string_view close, bool first) {
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

  /// Elements of a list, or arguments, of which a comma is never the last.
  std::vector<std::size_t> elements(std::string_view close) {
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

  std::size_t map(std::size_t position) {
    std::vector<std::size_t> parts;
    while (next_element("}", parts.empty())) {
      parts.push_back(ternary());
      expect(":");
      parts.push_back(ternary());
    }
    return add(kind::map, position, "", std::move(parts));
  }

  // ---- messages -------------------------------------------------------------------------------------

  /// Whether it is a name, or names with dots between them.
  bool is_path(std::size_t of) const {
    while (nodes_[of].what == kind::select) of = nodes_[of].parts[0];
    return nodes_[of].what == kind::variable;
  }

  std::size_t message(std::size_t of) {
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

  // ---- functions and macros -------------------------------------------------------------------------

  std::size_t has(std::size_t position) {
    const std::vector<std::size_t> given = elements(")");
    if (given.size() != 1 || nodes_[given[0]].what != kind::select)
      fail("has() takes a field, such as has(event.data.id)", position);
    nodes_[given[0]].what = kind::has;
    nodes_[given[0]].position = position;
    return given[0];
  }

  /// `of.name(...)`: a function of the object, or a macro over its elements.
  std::size_t method(std::size_t position, std::string name, std::size_t of) {
    static constexpr std::string_view macros[] = {"all",       "exists", "exists_one",
                                                  "existsOne", "map",    "filter"};
    if (is_one_of(name, macros)) return macro(position, std::move(name), of);
    if (!any_name_) check_method(name, position);
    std::vector<std::size_t> parts = elements(")");
    const bool known = is_known(find(methods, name), name, parts.size(), position);
    parts.insert(parts.begin(), of);
    return add(known ? kind::method : kind::no_function, position, std::move(name), std::move(parts));
  }

  std::size_t macro(std::size_t position, std::string name, std::size_t of) {
    const bool is_map = name == "map";
    const std::size_t variable_position = token_.position;
    if (token_.what != cel_token::kind::identifier)
      fail(name + "() takes a variable's name first", variable_position);
    std::string variable = identifier("a variable's name");
    if (variable == "__result__") fail("a variable can't be named __result__", variable_position);
    const auto fail_count = [&] {
      fail(name + "() takes a variable and an expression" +
               (is_map ? ", with a condition between them if need be" : ""),
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

  /// A function that an Inngest server has, and how many arguments it takes.
  struct function {
    std::string_view name;
    std::size_t least = 0;
    std::size_t most = 0;
  };
  static constexpr function functions[] = {
      {"size", 1, 1},       {"int", 1, 1},     {"uint", 1, 1},      {"double", 1, 1},    {"string", 1, 1},
      {"bytes", 1, 1},      {"bool", 1, 1},    {"type", 1, 1},      {"dyn", 1, 1},       {"duration", 1, 1},
      {"timestamp", 1, 1},  {"matches", 2, 2}, {"lowercase", 1, 1}, {"uppercase", 1, 1}, {"b64decode", 1, 1},
      {"json_parse", 1, 1}, {"date", 1, 1},    {"now", 0, 0},       {"now_plus", 1, 1},  {"now_minus", 1, 1}};
  // those of times may be given a time zone
  static constexpr function methods[] = {
      {"size", 0, 0},       {"contains", 1, 1},      {"startsWith", 1, 1},     {"endsWith", 1, 1},
      {"matches", 1, 1},    {"getFullYear", 0, 1},   {"getMonth", 0, 1},       {"getDayOfYear", 0, 1},
      {"getDate", 0, 1},    {"getDayOfMonth", 0, 1}, {"getDayOfWeek", 0, 1},   {"getHours", 0, 1},
      {"getMinutes", 0, 1}, {"getSeconds", 0, 1},    {"getMilliseconds", 0, 1}};

  template <std::size_t Size>
  static const function* find(const function (&all)[Size], std::string_view name) {
    for (const function& known : all) {
      if (known.name == name) return &known;
    }
    return nullptr;
  }

  void check_function(const std::string& name, std::size_t position) const {
    if (find(functions, name) != nullptr) return;
    const bool is_method = find(methods, name) != nullptr;
    fail(is_method ? name + "() is a function of a value: write value." + name + "(...)"
                   : "there is no function \"" + name + "\"",
         position);
  }
  void check_method(const std::string& name, std::size_t position) const {
    if (find(methods, name) != nullptr) return;
    const bool is_function = find(functions, name) != nullptr;
    fail("values have no function \"" + name + "\"" + (is_function ? ": write " + name + "(...)" : ""),
         position);
  }
  /// Whether it is there and takes so many arguments. Where names may be any, that is found out when it is
  /// computed.
  bool is_known(const function* found, const std::string& name, std::size_t count,
                std::size_t position) const {
    if (found != nullptr && found->least <= count && count <= found->most) return true;
    if (any_name_) return false;
    constexpr std::string_view words[] = {"no argument", "one argument", "two arguments"};
    fail(
        name + "() takes " + (found->least < found->most ? "at most " : "") + std::string(words[found->most]),
        position);
  }

  // ---- variables ------------------------------------------------------------------------------------

  /// What a server has values of, and the types that it knows, which are values too.
  static bool is_variable(std::string_view name) {
    static constexpr std::string_view names[] = {"event",  "async",  "vars",     "int",  "uint",
                                                 "double", "string", "bytes",    "bool", "list",
                                                 "map",    "type",   "null_type"};
    return is_one_of(name, names);
  }
  void forgive(std::size_t position) {
    if (!unknown_names_.empty() && unknown_names_.back() == position) unknown_names_.pop_back();
  }
  std::string name_at(std::size_t position) const {
    for (const cel_node& node : nodes_) {
      if (node.what == kind::variable && node.position == position) return node.text;
    }
    return {};
  }

  bool any_name_;
  cel_lexer lexer_;
  cel_token token_;
  std::string after_;  // the word before the current one
  std::vector<cel_node> nodes_;
  std::vector<int> depths_;                 // of the nodes' trees
  std::vector<std::string> bound_;          // variables of macros
  std::vector<std::size_t> unknown_names_;  // where they are; they might yet turn out to be of types
  int expressions_ = 0;
  int comparisons_ = 0;
  int sums_ = 0;
};

}  // namespace inngest::detail
