#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/expression/detail/token.hpp>
#include <inngest/expression/dialect.hpp>
#include <inngest/expression/expression_error.hpp>

// The grammar of CEL: https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax

namespace inngest::inline INNGEST_ABI::detail {

/// A node of an expression. Its parts are earlier nodes of the same tree, given by their index.
struct cel_node {
  enum class kind {
    null,
    boolean,           // integer: 0 or 1
    integer,           // integer
    unsigned_integer,  // integer: the bits of the value
    real,
    string,       // text
    bytes,        // text
    variable,     // text: its name; integer: 1 for a variable of a macro
    select,       // text: the field; parts: the object
    has,          // the same, but tests whether the field exists
    operation,    // text: "+", "!", "[]", "?:" ...; parts: operands
    call,         // text: the function; parts: arguments
    method,       // text: the function; parts: the object, then arguments
    no_function,  // a call of an unknown function; text: its name; parts: arguments
    macro,        // text: "all", "map" ...; parts: the object, the variable, then the computed expressions
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

/// Parses an expression into nodes; the root is the last one. \throws expression_error when an Inngest server
/// would refuse the expression: for a syntax error and, unless any name is allowed, for an unknown name or a
/// wrong number of arguments.
class cel_parser {
 public:
  explicit cel_parser(std::string_view text, expression_names names = expression_names::of_a_server);

  std::vector<cel_node> parse();

 private:
  using kind = cel_node::kind;

  /// The depth limits of a server's parser, for nested rules of one kind and for the tree.
  static constexpr int deepest = 250;

  /// Counts the nesting of rules of one kind. The limit also protects the stack.
  class level {
   public:
    level(const cel_parser& parser, int& depth);
    ~level() { --depth_; }
    level(const level&) = delete;
    level& operator=(const level&) = delete;

   private:
    int& depth_;
  };

  [[noreturn]] void fail(const std::string& problem, std::size_t position) const;
  [[noreturn]] void fail_too_deep() const;
  [[noreturn]] void fail_unexpected(const std::string& wanted) const;

  // ---- tokens ---------------------------------------------------------------------------------------

  void advance();
  bool is_symbol(std::string_view text) const;
  bool is_number() const;
  bool take(std::string_view text);
  void expect(std::string_view text);

  template <std::size_t Size>
  static bool is_one_of(std::string_view text, const std::string_view (&words)[Size]) {
    return std::find(std::begin(words), std::end(words), text) != std::end(words);
  }
  /// Words that are never names, not even of fields.
  static bool is_keyword(std::string_view text);
  /// Words that can only be names of fields.
  static bool is_reserved(std::string_view text);

  /// Reads a name. `what` describes it in the error message.
  std::string identifier(const std::string& what);

  std::string field();

  // ---- nodes ----------------------------------------------------------------------------------------

  std::size_t add(cel_node node);
  std::size_t add(kind what, std::size_t position, std::string text, std::vector<std::size_t> parts);

  // ---- rules, from the weakest to the strongest binding ---------------------------------------------

  std::size_t ternary();

  std::size_t operations();

  /// The binding strength of a binary operator; -1 for other tokens.
  int strength() const;

  std::size_t binary(int weakest);

  std::size_t right_of(int operation);

  /// Reads repeated signs before a member: an even number cancels out.
  std::size_t unary();

  std::size_t member() { return selectors(primary()); }

  std::size_t selectors(std::size_t of);

  std::size_t primary();

  std::size_t name(bool from_root);

  std::size_t literal(bool negative, std::size_t position);

  /// Whether a list, map or message has a next element. A trailing comma is allowed.
  bool next_element(std::string_view close, bool first);

  /// Reads the elements of a list, or arguments, which allow no trailing comma.
  std::vector<std::size_t> elements(std::string_view close);

  std::size_t map(std::size_t position);

  // ---- messages -------------------------------------------------------------------------------------

  /// Whether the node is a name, or names joined by dots.
  bool is_path(std::size_t of) const;

  std::size_t message(std::size_t of);

  // ---- functions and macros -------------------------------------------------------------------------

  std::size_t has(std::size_t position);

  /// `of.name(...)`: a function of the object, or a macro over its elements.
  std::size_t method(std::size_t position, std::string name, std::size_t of);

  std::size_t macro(std::size_t position, std::string name, std::size_t of);

  /// A function of an Inngest server, and its number of arguments.
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
  // functions of times accept a time zone
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

  void check_function(const std::string& name, std::size_t position) const;
  void check_method(const std::string& name, std::size_t position) const;
  /// Checks that the function exists and accepts this number of arguments. Where any name is allowed, that is
  /// checked at evaluation.
  bool is_known(const function* found, const std::string& name, std::size_t count,
                std::size_t position) const;

  // ---- variables ------------------------------------------------------------------------------------

  /// The variables of a server, and its types, which are also values.
  static bool is_variable(std::string_view name);
  void forgive(std::size_t position);
  std::string name_at(std::size_t position) const;

  bool any_name_;
  cel_lexer lexer_;
  cel_token token_;
  std::string after_;  // the word before the current one
  std::vector<cel_node> nodes_;
  std::vector<int> depths_;                 // of the nodes' subtrees
  std::vector<std::string> bound_;          // variables of macros
  std::vector<std::size_t> unknown_names_;  // their positions; they may still be names of types
  int expressions_ = 0;
  int comparisons_ = 0;
  int sums_ = 0;
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/expression/detail/impl/parser.ipp>
#endif
