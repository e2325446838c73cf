#include <inngest/expression/evaluation.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "c_locale.hpp"
#include "catch.hpp"
#include "properties/property.hpp"

// Random expressions against an interpreter of their trees, which is written from the language's definition
// and knows neither their text nor the product's values.

namespace {

using inngest::json;
using property::chance;
namespace detail = inngest::detail;

// ---- the interpreter's values -------------------------------------------------------------------------

struct value;
using values = std::vector<value>;
using members = std::vector<std::pair<value, value>>;

struct value {
  enum class kind { error, null, boolean, integer, real, text, list, map };
  kind what = kind::error;
  bool boolean = false;
  std::int64_t integer = 0;
  double real = 0;
  std::string text{};
  std::shared_ptr<values> list{};
  std::shared_ptr<members> map{};

  bool is(kind wanted) const { return what == wanted; }
  bool is_number() const { return is(kind::integer) || is(kind::real); }
  bool is_bool(bool wanted) const { return is(kind::boolean) && boolean == wanted; }
};
using kind = value::kind;

value error() { return {}; }
value null() { return {.what = kind::null}; }
value boolean(bool given) { return {.what = kind::boolean, .boolean = given}; }
value integer(std::int64_t given) { return {.what = kind::integer, .integer = given}; }
value real(double given) { return {.what = kind::real, .real = given}; }
value text(std::string given) { return {.what = kind::text, .text = std::move(given)}; }
value list(values given) { return {.what = kind::list, .list = std::make_shared<values>(std::move(given))}; }
value map(members given) { return {.what = kind::map, .map = std::make_shared<members>(std::move(given))}; }

value from_json(const json& given) {
  if (given.is_null()) return null();
  if (given.is_boolean()) return boolean(given.get<bool>());
  if (given.is_number_integer()) return integer(given.get<std::int64_t>());
  if (given.is_number()) return real(given.get<double>());
  if (given.is_string()) return text(given.get<std::string>());
  if (given.is_array()) {
    values out;
    for (const json& element : given) out.push_back(from_json(element));
    return list(std::move(out));
  }
  members out;
  for (const auto& [name, element] : given.items()) out.emplace_back(text(name), from_json(element));
  return map(std::move(out));
}

std::string real_text(double given) {
  if (std::isnan(given)) return "NaN";
  return testing_locale::write_number("%a", given);
}

/// With its types.
std::string shown(const value& given) {
  std::string out;
  switch (given.what) {
    case kind::error:
      return "error";
    case kind::null:
      return "null";
    case kind::boolean:
      return given.boolean ? "true" : "false";
    case kind::integer:
      return std::to_string(given.integer);
    case kind::real:
      return real_text(given.real);
    case kind::text:
      return '"' + given.text + '"';
    case kind::list:
      for (const value& element : *given.list) out += shown(element) + ",";
      return "[" + out + "]";
    default:
      for (const auto& [key, element] : *given.map) out += shown(key) + ":" + shown(element) + ",";
      return "{" + out + "}";
  }
}

std::string shown(const detail::cel_value& given) {
  if (given.is_error()) return "error";
  if (given.is_null()) return "null";
  if (const auto* flag = given.as<bool>()) return *flag ? "true" : "false";
  if (const auto* number = given.as<std::int64_t>()) return std::to_string(*number);
  if (const auto* number = given.as<double>()) return real_text(*number);
  if (const auto* words = given.as<std::string>()) return '"' + *words + '"';
  std::string out;
  if (given.is_list()) {
    for (const auto& element : detail::elements_of(given, true)) out += shown(element) + ",";
    return "[" + out + "]";
  }
  if (!given.is_map()) return "a " + std::string(given.type_name());
  for (const auto& key : detail::elements_of(given, true))
    out += shown(key) + ":" + shown(*detail::member_of(given, key, true)) + ",";
  return "{" + out + "}";
}

// ---- expressions as trees -----------------------------------------------------------------------------

struct tree {
  enum class kind {
    literal,  // `content`
    name,     // `word`
    unary,    // `word`: ! or -
    binary,   // `word`
    ternary,
    select,  // `word`: the field
    has,     // the same
    index,
    function,  // `word`: size, int, double, dyn
    method,    // `word`: size, startsWith, endsWith, contains
    macro,  // `word`; parts: range, what is computed of `variable`, and of map() perhaps a condition before
    list,
    map,  // key, value, key, value ...
  };
  kind what = kind::literal;
  std::string word{};
  std::string variable{};
  value content{};
  std::vector<tree> parts{};
};
using node = tree::kind;

// ---- the interpreter ----------------------------------------------------------------------------------

/// An integer and a double are compared as what they are worth: a long double holds both exactly.
static_assert(std::numeric_limits<long double>::digits >= 64);
long double worth(const value& number) {
  return number.is(kind::integer) ? static_cast<long double>(number.integer)
                                  : static_cast<long double>(number.real);
}

/// A number beside another. Beyond all integers these are what they become as doubles: by the language's
/// conformance data their greatest is not less than 2^63.
long double worth_beside(const value& number, const value& other) {
  const bool beyond = number.is(kind::integer) && other.is(kind::real) && other.real >= 0x1p63;
  return beyond ? static_cast<long double>(static_cast<double>(number.integer)) : worth(number);
}

bool same(const value& a, const value& b);
const value* find(const members& all, const value& key) {
  for (const auto& [other, element] : all) {
    if (same(other, key)) return &element;
  }
  return nullptr;
}

bool same(const value& a, const value& b) {
  if (a.is_number() && b.is_number()) return worth_beside(a, b) == worth_beside(b, a);
  if (a.what != b.what) return false;
  switch (a.what) {
    case kind::boolean:
      return a.boolean == b.boolean;
    case kind::text:
      return a.text == b.text;
    case kind::list:
      return std::equal(a.list->begin(), a.list->end(), b.list->begin(), b.list->end(), same);
    case kind::map:
      return a.map->size() == b.map->size() &&
             std::all_of(a.map->begin(), a.map->end(), [&](const auto& member) {
               const value* other = find(*b.map, member.first);
               return other != nullptr && same(member.second, *other);
             });
    default:
      return true;  // null
  }
}

/// Holds the result of any operation of two integers.
__extension__ typedef __int128 wide_integer;

class interpreter {
 public:
  explicit interpreter(const value& event) : event_(event) {}

  value run(const tree& of) {
    switch (of.what) {
      case node::literal:
        return of.content;
      case node::name:
        return name(of.word);
      case node::unary:
        return unary(of.word, run(of.parts[0]));
      case node::binary:
        return binary(of);
      case node::ternary: {
        const value condition = run(of.parts[0]);
        if (!condition.is(kind::boolean)) return error();
        return run(of.parts[condition.boolean ? 1 : 2]);
      }
      case node::select:
      case node::has: {
        const value object = run(of.parts[0]);
        if (!object.is(kind::map)) return error();
        const value* found = find(*object.map, text(of.word));
        if (of.what == node::has) return boolean(found != nullptr);
        return found ? *found : error();
      }
      case node::index:
        return index(run(of.parts[0]), run(of.parts[1]));
      case node::function:
      case node::method:
        return call(of);
      case node::macro:
        return macro(of);
      case node::list: {
        values out;
        for (const tree& part : of.parts) out.push_back(run(part));
        return has_error(out) ? error() : list(std::move(out));
      }
      case node::map:
        return literal_map(of);
    }
    return error();
  }

 private:
  static bool has_error(const values& all) {
    return std::any_of(all.begin(), all.end(), [](const value& one) { return one.is(kind::error); });
  }

  value name(const std::string& word) const {
    for (std::size_t i = bound_.size(); i-- > 0;) {
      if (bound_[i].first == word) return bound_[i].second;
    }
    return word == "event" ? event_ : error();
  }

  static value whole(wide_integer result) {
    const bool fits = result >= std::numeric_limits<std::int64_t>::min() &&
                      result <= std::numeric_limits<std::int64_t>::max();
    return fits ? integer(static_cast<std::int64_t>(result)) : error();
  }

  static value unary(const std::string& sign, const value& of) {
    if (sign == "!") return of.is(kind::boolean) ? boolean(!of.boolean) : error();
    if (of.is(kind::integer)) return whole(-static_cast<wide_integer>(of.integer));
    return of.is(kind::real) ? real(-of.real) : error();
  }

  value binary(const tree& of) {
    const value a = run(of.parts[0]);
    if (of.word == "&&" || of.word == "||") {
      const bool decides = of.word == "||";
      const value b = run(of.parts[1]);
      if (a.is_bool(decides) || b.is_bool(decides)) return boolean(decides);
      return a.is(kind::boolean) && b.is(kind::boolean) ? boolean(!decides) : error();
    }
    const value b = run(of.parts[1]);
    if (a.is(kind::error) || b.is(kind::error)) return error();
    if (of.word == "==") return boolean(same(a, b));
    if (of.word == "!=") return boolean(!same(a, b));
    if (of.word == "in") return contains(b, a);
    if (of.word[0] == '<' || of.word[0] == '>') return ordered(of.word, a, b);
    return computed(of.word[0], a, b);
  }

  static value contains(const value& range, const value& element) {
    if (range.is(kind::map)) return boolean(find(*range.map, element) != nullptr);
    if (!range.is(kind::list)) return error();
    return boolean(std::any_of(range.list->begin(), range.list->end(),
                               [&](const value& other) { return same(element, other); }));
  }

  template <class T>
  static value ordered_as(const std::string& word, const T& a, const T& b) {
    return boolean(word == "<" ? a < b : word == "<=" ? a <= b : word == ">" ? a > b : a >= b);
  }
  static value ordered(const std::string& word, const value& a, const value& b) {
    if (a.is_number() && b.is_number()) return ordered_as(word, worth_beside(a, b), worth_beside(b, a));
    if (a.what != b.what) return error();
    if (a.is(kind::text)) return ordered_as(word, a.text, b.text);
    return a.is(kind::boolean) ? ordered_as(word, a.boolean, b.boolean) : error();
  }

  static value computed(char sign, const value& a, const value& b) {
    if (a.what != b.what) return error();
    if (a.is(kind::integer)) {
      const wide_integer x = a.integer, y = b.integer;
      if (y == 0 && (sign == '/' || sign == '%')) return error();
      // the remainder by -1 of the least is refused like the quotient
      if (sign == '%' && y == -1 && a.integer == std::numeric_limits<std::int64_t>::min()) return error();
      return whole(sign == '+'   ? x + y
                   : sign == '-' ? x - y
                   : sign == '*' ? x * y
                   : sign == '/' ? x / y
                                 : x % y);
    }
    if (a.is(kind::real)) {
      const double x = a.real, y = b.real;
      if (sign == '%') return error();
      return real(sign == '+' ? x + y : sign == '-' ? x - y : sign == '*' ? x * y : x / y);
    }
    if (sign != '+') return error();
    if (a.is(kind::text)) return text(a.text + b.text);
    if (!a.is(kind::list)) return error();
    values out = *a.list;
    out.insert(out.end(), b.list->begin(), b.list->end());
    return list(std::move(out));
  }

  static value index(const value& of, const value& at) {
    if (of.is(kind::map) && !at.is(kind::error)) {
      const value* found = find(*of.map, at);
      return found ? *found : error();
    }
    if (!of.is(kind::list) || !at.is_number()) return error();
    const long double place = worth(at);
    const bool there =
        place >= 0 && place < static_cast<long double>(of.list->size()) && place == std::floor(place);
    return there ? (*of.list)[static_cast<std::size_t>(place)] : error();
  }

  value call(const tree& of) {
    values given;
    for (const tree& part : of.parts) given.push_back(run(part));
    if (has_error(given)) return error();
    const value& first = given[0];
    if (of.word == "dyn") return first;
    if (of.word == "size") {
      if (first.is(kind::list)) return integer(static_cast<std::int64_t>(first.list->size()));
      if (first.is(kind::map)) return integer(static_cast<std::int64_t>(first.map->size()));
      if (!first.is(kind::text)) return error();
      std::int64_t characters = 0;
      for (const char c : first.text) characters += (c & 0xC0) != 0x80 ? 1 : 0;
      return integer(characters);
    }
    if (of.word == "int") {
      if (first.is(kind::integer)) return first;
      const bool fits = first.is(kind::real) && first.real > -0x1p63 && first.real < 0x1p63;
      return fits ? integer(static_cast<std::int64_t>(first.real)) : error();
    }
    if (of.word == "double") {
      return first.is_number() ? real(first.is(kind::real) ? first.real : static_cast<double>(first.integer))
                               : error();
    }
    if (given.size() != 2 || !first.is(kind::text) || !given[1].is(kind::text)) return error();
    const std::string &a = first.text, &b = given[1].text;
    if (of.word == "startsWith") return boolean(a.rfind(b, 0) == 0);
    if (of.word == "endsWith")
      return boolean(a.size() >= b.size() && a.compare(a.size() - b.size(), b.size(), b) == 0);
    return boolean(a.find(b) != std::string::npos);
  }

  value literal_map(const tree& of) {
    members out;
    bool failed = false;
    for (std::size_t i = 0; i < of.parts.size(); i += 2) {
      const value key = run(of.parts[i]), element = run(of.parts[i + 1]);
      const bool usable = key.is(kind::boolean) || key.is(kind::integer) || key.is(kind::text);
      failed = failed || !usable || element.is(kind::error) || find(out, key) != nullptr;
      out.emplace_back(key, element);
    }
    return failed ? error() : map(std::move(out));
  }

  value macro(const tree& of) {
    const value range = run(of.parts[0]);
    values elements;
    if (range.is(kind::map)) {
      for (const auto& member : *range.map) elements.push_back(member.first);
    } else if (range.is(kind::list)) {
      elements = *range.list;
    } else {
      return error();
    }
    values
        results;  // of what is computed of each element; of map() with a condition, of those that fulfil it
    values conditions;
    for (const value& element : elements) {
      bound_.emplace_back(of.variable, element);
      if (of.parts.size() == 3) conditions.push_back(run(of.parts[1]));
      if (conditions.empty() || conditions.back().is_bool(true)) results.push_back(run(of.parts.back()));
      bound_.pop_back();
    }
    const auto is_no_bool = [](const value& one) { return !one.is(kind::boolean); };
    if (std::any_of(conditions.begin(), conditions.end(), is_no_bool)) return error();
    if (of.word == "map") return has_error(results) ? error() : list(std::move(results));
    const bool odd = std::any_of(results.begin(), results.end(), is_no_bool);
    const auto count =
        std::count_if(results.begin(), results.end(), [](const value& one) { return one.is_bool(true); });
    if (of.word == "all") {
      const auto is_false = [](const value& one) { return one.is_bool(false); };
      if (std::any_of(results.begin(), results.end(), is_false)) return boolean(false);
      return odd ? error() : boolean(true);
    }
    if (of.word == "exists") return count > 0 ? boolean(true) : odd ? error() : boolean(false);
    if (odd) return error();
    if (of.word == "exists_one") return boolean(count == 1);
    values kept;
    for (std::size_t i = 0; i < elements.size(); ++i) {
      if (results[i].boolean) kept.push_back(elements[i]);
    }
    return list(std::move(kept));
  }

  const value& event_;
  std::vector<std::pair<std::string, value>> bound_;
};

// ---- random trees -------------------------------------------------------------------------------------

const json event = {{"n", 3},
                    {"zero", 0},
                    {"big", INT64_MAX},
                    {"least", INT64_MIN},
                    {"x", 2.5},
                    {"whole", 3.0},
                    {"odd", 9007199254740993},
                    {"near", 9007199254740992.0},
                    {"t", true},
                    {"f", false},
                    {"name", "Ann"},
                    {"word", "grün"},
                    {"empty", ""},
                    {"nothing", nullptr},
                    {"list", {1, 2.0, "a", nullptr, true}},
                    {"numbers", {3, 1, 2}},
                    {"none", json::array()},
                    {"map", {{"a", 1}, {"b", {{"c", "d"}}}}},
                    {"a b", 1}};

class maker {
 public:
  explicit maker(chance any) : any_(any) {}

  /// Of a kind, mostly: expressions of the wrong kind are errors, of which there must be some.
  tree make(kind wanted, int depth) {
    if (any_.one_in(40)) wanted = any_.pick(kinds);
    if (depth <= 0 || any_.one_in(7)) return leaf(wanted);
    switch (any_.below(6)) {
      case 0:
        return {.what = node::ternary,
                .parts = {make(kind::boolean, depth - 1), make(wanted, depth - 1), make(wanted, depth - 1)}};
      case 1:
        return taken(wanted, depth);
      default:
        return made(wanted, depth);
    }
  }

 private:
  inline static const std::vector<kind> kinds = {kind::null, kind::boolean, kind::integer, kind::real,
                                                 kind::text, kind::list,    kind::map};

  kind random_kind() { return any_.pick(kinds); }
  tree any_tree(int depth) { return make(random_kind(), depth); }

  static tree field(std::vector<std::string> names) {
    tree out{.what = node::name, .word = "event"};
    for (std::string& name : names) out = {.what = node::select, .word = std::move(name), .parts = {out}};
    return out;
  }
  tree literal(value content) { return {.what = node::literal, .content = std::move(content)}; }

  tree leaf(kind wanted) {
    if (!bound_.empty() && any_.one_in(5)) return {.what = node::name, .word = any_.pick(bound_)};
    const bool from_event = any_.one_in(2);
    const auto one = [&](std::vector<const char*> names) { return field({any_.pick(names)}); };
    switch (wanted) {
      case kind::null:
        return from_event ? one({"nothing"}) : literal(null());
      case kind::boolean:
        return from_event ? one({"t", "f"}) : literal(boolean(any_.one_in(2)));
      case kind::integer:
        if (from_event) return one({"n", "zero", "big", "least", "odd"});
        if (any_.one_in(5))
          return literal(integer(any_.pick(std::vector<std::int64_t>{INT64_MAX, INT64_MIN, -1, 0})));
        return literal(integer(any_.between(-4, 9)));
      case kind::real:
        if (from_event) return one({"x", "whole", "near"});
        return literal(real(
            any_.pick(std::vector<double>{0.0, -0.0, 1.0, 2.5, -3.0, 1e300, 9.2233720368547758e18, 0.1})));
      case kind::text:
        if (from_event) return one({"name", "word", "empty"});
        return literal(
            text(any_.pick(std::vector<std::string>{"", "a", "An", "ü", "grün", "a\"'\\\n", "😂"})));
      case kind::list:
        return from_event ? one({"list", "numbers", "none"}) : tree{.what = node::list};
      default:
        return from_event ? one({"map"}) : any_.one_in(2) ? field({}) : tree{.what = node::map};
    }
  }

  /// Something out of a list or a map.
  tree taken(kind wanted, int depth) {
    switch (any_.below(4)) {
      case 0: {
        tree object = !any_.one_in(4) ? field({}) : make(kind::map, depth - 1);
        return {.what = node::select,
                .word = any_.pick(std::vector<std::string>{"x", "n", "name", "map", "list", "t"}),
                .parts = {std::move(object)}};
      }
      case 1:
        if (any_.one_in(3))
          return {.what = node::index, .parts = {make(kind::map, depth - 1), make(kind::text, 1)}};
        return {
            .what = node::index,
            .parts = {field({}), literal(text(any_.pick(std::vector<std::string>{"n", "t", "a b", "x"})))}};
      case 2:
        return {
            .what = node::index,
            .parts = {tree{.what = node::list, .parts = {make(wanted, depth - 1), make(wanted, depth - 1)}},
                      any_.one_in(6) ? make(kind::real, 1)
                                     : literal(integer(any_.between(0, any_.one_in(6) ? 2 : 1)))}};
      default:
        return {.what = node::index, .parts = {make(kind::list, depth - 1), make(kind::integer, 1)}};
    }
  }

  tree binary(std::string word, kind left, kind right, int depth) {
    return {.what = node::binary,
            .word = std::move(word),
            .parts = {make(left, depth - 1), make(right, depth - 1)}};
  }

  tree macro(std::string word, kind wanted, int depth) {
    tree out{.what = node::macro, .word = std::move(word), .variable = any_.one_in(2) ? "i" : "k"};
    out.parts.push_back(make(any_.one_in(5) ? kind::map : kind::list, depth - 1));
    bound_.push_back(out.variable);
    if (out.word == "map" && any_.one_in(2)) out.parts.push_back(make(kind::boolean, depth - 2));
    out.parts.push_back(make(wanted, depth - 2));
    bound_.pop_back();
    return out;
  }

  tree made(kind wanted, int depth) {
    switch (wanted) {
      case kind::boolean:
        return made_boolean(depth);
      case kind::integer:
        if (any_.one_in(5)) return {.what = node::unary, .word = "-", .parts = {make(wanted, depth - 1)}};
        if (any_.one_in(5)) return sized(depth);
        if (any_.one_in(6))
          return {.what = node::function, .word = "int", .parts = {make(kind::real, depth - 1)}};
        return binary(any_.pick(std::vector<std::string>{"+", "-", "*", "/", "%"}), wanted, wanted, depth);
      case kind::real:
        if (any_.one_in(5)) return {.what = node::unary, .word = "-", .parts = {make(wanted, depth - 1)}};
        if (any_.one_in(5))
          return {.what = node::function, .word = "double", .parts = {make(kind::integer, depth - 1)}};
        return binary(any_.pick(std::vector<std::string>{"+", "-", "*", "/", "*"}), wanted, wanted, depth);
      case kind::text:
        return binary("+", wanted, wanted, depth);
      case kind::list: {
        if (any_.one_in(3)) return macro(any_.one_in(2) ? "map" : "filter", random_kind(), depth);
        if (any_.one_in(3)) return binary("+", wanted, wanted, depth);
        tree out{.what = node::list};
        for (std::size_t i = any_.below(4); i > 0; --i) out.parts.push_back(any_tree(depth - 1));
        return out;
      }
      case kind::map: {
        tree out{.what = node::map};
        for (std::size_t i = any_.below(4); i > 0; --i) {
          out.parts.push_back(literal(any_.one_in(5)
                                          ? integer(any_.between(0, 2))
                                          : text(any_.pick(std::vector<std::string>{"a", "n", "b"}))));
          if (any_.one_in(8)) out.parts.back() = any_tree(1);
          out.parts.push_back(any_tree(depth - 1));
        }
        return out;
      }
      default:
        return {.what = node::function, .word = "dyn", .parts = {make(wanted, depth - 1)}};
    }
  }

  tree sized(int depth) {
    const kind of = any_.pick(std::vector<kind>{kind::text, kind::list, kind::map});
    return {.what = any_.one_in(2) ? node::function : node::method,
            .word = "size",
            .parts = {make(of, depth - 1)}};
  }

  tree made_boolean(int depth) {
    const kind of = random_kind();
    switch (any_.below(8)) {
      case 0:
        return {.what = node::unary, .word = "!", .parts = {make(kind::boolean, depth - 1)}};
      case 1:
      case 2:
        return binary(any_.one_in(2) ? "&&" : "||", kind::boolean, kind::boolean, depth);
      case 3: {
        const kind other = of == kind::integer ? kind::real : of == kind::real ? kind::integer : of;
        return binary(any_.one_in(2) ? "==" : "!=", of, any_.one_in(2) ? of : other, depth);
      }
      case 4: {
        const std::string word = any_.pick(std::vector<std::string>{"<", "<=", ">", ">="});
        const kind left = any_.pick(std::vector<kind>{kind::integer, kind::real, kind::text, kind::boolean});
        const kind right = left == kind::integer && any_.one_in(2) ? kind::real
                           : left == kind::real && any_.one_in(2)  ? kind::integer
                                                                   : left;
        return binary(word, left, right, depth);
      }
      case 5:
        return binary("in", of, any_.one_in(3) ? kind::map : kind::list, depth);
      case 6:
        if (any_.one_in(2))
          return {.what = node::has,
                  .word = any_.pick(std::vector<std::string>{"a", "n", "missing", "empty"}),
                  .parts = {any_.one_in(2) ? field({}) : make(kind::map, depth - 1)}};
        return {.what = node::method,
                .word = any_.pick(std::vector<std::string>{"startsWith", "endsWith", "contains"}),
                .parts = {make(kind::text, depth - 1), make(kind::text, depth - 1)}};
      default:
        return macro(any_.pick(std::vector<std::string>{"all", "exists", "exists_one"}), kind::boolean,
                     depth);
    }
  }

  chance any_;
  std::vector<std::string> bound_;
};

// ---- their texts --------------------------------------------------------------------------------------

/// Writes a tree: plainly, with the parentheses that it needs and no others; or with white space, comments
/// and parentheses that nothing requires.
class printer {
 public:
  printer() = default;
  explicit printer(chance any) : any_(any) {}

  std::string write(const tree& of) { return put(of, 0); }

 private:
  /// How strongly a node binds: a part that binds less than its place wants is put into parentheses.
  static int strength(const tree& of) {
    if (of.what == node::ternary) return 0;
    if (of.what == node::unary) return 6;
    if (of.what == node::literal && (of.content.is_number())) {
      const bool negative =
          of.content.is(kind::integer) ? of.content.integer < 0 : std::signbit(of.content.real);
      return negative ? 6 : 7;
    }
    if (of.what != node::binary) return 7;
    if (of.word == "||") return 1;
    if (of.word == "&&") return 2;
    if (of.word == "+" || of.word == "-") return 4;
    return of.word == "*" || of.word == "/" || of.word == "%" ? 5 : 3;
  }

  std::string gap() {
    if (!any_) return "";
    static const std::vector<std::string> gaps = {"", "", " ", "\n", "\t", " // ) ' a comment\n", "\r\n"};
    return any_->pick(gaps);
  }

  std::string put(const tree& of, int least) {
    std::string out = gap() + plain(of) + gap();
    if (strength(of) < least || (any_ && any_->one_in(4))) out = gap() + "(" + out + ")" + gap();
    return out;
  }

  std::string quoted(const std::string& words) {
    std::string out = "\"";
    for (const char c : words) {
      if (c == '"' || c == '\\') out += '\\';
      out += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    return out + '"';
  }

  std::string literal(const value& of) {
    if (of.is(kind::text)) return quoted(of.text);
    if (!of.is(kind::real)) return shown(of);
    const std::string words = testing_locale::write_number("%.17g", of.real);
    return words.find_first_of(".e") == std::string::npos ? words + ".0" : words;
  }

  std::string all(const std::vector<tree>& parts, std::size_t first = 0) {
    std::string out;
    for (std::size_t i = first; i < parts.size(); ++i) out += (i > first ? "," : "") + put(parts[i], 0);
    return out;
  }

  std::string plain(const tree& of) {
    switch (of.what) {
      case node::literal:
        return literal(of.content);
      case node::name:
        return of.word;
      case node::unary:  // two signs would cancel each other out, whatever they are signs of
        return of.word + put(of.parts[0], 7);
      case node::binary: {
        const int own = strength(of);
        const std::string word = of.word == "in" ? " in " : of.word;
        return put(of.parts[0], own) + word + put(of.parts[1], own + 1);
      }
      case node::ternary:
        return put(of.parts[0], 1) + "?" + put(of.parts[1], 1) + ":" + put(of.parts[2], 0);
      case node::select:
        return put(of.parts[0], 7) + "." + of.word;
      case node::has:
        return "has(" + put(of.parts[0], 7) + "." + of.word + ")";
      case node::index:
        return put(of.parts[0], 7) + "[" + put(of.parts[1], 0) + "]";
      case node::function:
        return of.word + "(" + all(of.parts) + ")";
      case node::method:
        return put(of.parts[0], 7) + "." + of.word + "(" + all(of.parts, 1) + ")";
      case node::macro:
        return put(of.parts[0], 7) + "." + of.word + "(" + gap() + of.variable + gap() + "," +
               all(of.parts, 1) + ")";
      case node::list:
        return "[" + all(of.parts) + "]";
      case node::map: {
        std::string out;
        for (std::size_t i = 0; i < of.parts.size(); i += 2)
          out += (i > 0 ? "," : "") + put(of.parts[i], 0) + ":" + put(of.parts[i + 1], 0);
        return "{" + out + "}";
      }
    }
    return {};
  }

  std::optional<chance> any_;
};

// ---- the product --------------------------------------------------------------------------------------

std::string product_result(const std::string& words, inngest::missing_fields missing) {
  try {
    const inngest::expression parsed(words);
    static const json variables = {{"event", event}};
    return shown(detail::cel_evaluator(parsed.nodes(), variables, missing).run());
  } catch (const inngest::expression_error& refused) {
    return std::string("refused: ") + refused.what();
  }
}

/// Trees that lack a part of this one.
std::vector<tree> smaller_trees(const tree& of) {
  std::vector<tree> out = of.parts;
  for (std::size_t i = 0; i < of.parts.size(); ++i) {
    if (of.what == node::list) {
      out.push_back(of);
      out.back().parts.erase(out.back().parts.begin() + static_cast<std::ptrdiff_t>(i));
    }
    for (tree& part : smaller_trees(of.parts[i])) {
      out.push_back(of);
      out.back().parts[i] = std::move(part);
    }
  }
  return out;
}

std::string plain_text(const tree& of) { return printer().write(of); }

}  // namespace

TEST_CASE("an expression has the value that its tree has", "[property][expression]") {
  const value whole_event = from_json(event);
  std::size_t errors = 0, total = 0;
  property::try_cases(1200, [&](chance& any) {
    const tree given =
        maker(any.part())
            .make(any.one_in(2) ? kind::boolean
                                : any.pick(std::vector<kind>{kind::integer, kind::real, kind::text,
                                                             kind::list, kind::map}),
                  4);
    const std::function<std::string(const tree&)> problem = [&](const tree& of) -> std::string {
      const std::string wanted = shown(interpreter(whole_event).run(of));
      const std::string found = product_result(plain_text(of), inngest::missing_fields::are_errors);
      return found == wanted ? "" : "the product: " + found + "\nits tree: " + wanted;
    };
    property::check_input<tree>(given, problem, smaller_trees, plain_text);
    errors += interpreter(whole_event).run(given).is(kind::error) ? 1 : 0;
    ++total;
  });
  CHECK(errors > total / 10);
  CHECK(errors < total * 7 / 10);
}

TEST_CASE("parentheses, white space and comments change no expression's value", "[property][expression]") {
  property::try_cases(400, [](chance& any) {
    const tree given = maker(any.part()).make(kind::boolean, 4);
    const chance writing = any.part();
    const std::function<std::string(const tree&)> problem = [&](const tree& of) -> std::string {
      const std::string words = printer(writing).write(of);
      for (const auto missing : {inngest::missing_fields::are_errors, inngest::missing_fields::are_unknown}) {
        const std::string wanted = product_result(plain_text(of), missing);
        const std::string found = product_result(words, missing);
        if (found != wanted) return "written as " + words + ": " + found + "\nplainly: " + wanted;
      }
      return {};
    };
    property::check_input<tree>(given, problem, smaller_trees, plain_text);
  });
}

TEST_CASE("numbers of different types are compared as what they are worth", "[property][expression]") {
  property::try_cases(600, [](chance& any) {
    const std::vector<double> steps = {0.0, 0.5, -0.5, 0.1, 1.0, -1.0, 1024.0, -1024.0, 2048.0};
    const std::int64_t near = any.one_in(2)
                                  ? any.between(-5, 5)
                                  : any.pick(std::vector<std::int64_t>{INT64_MAX, INT64_MIN, INT64_MAX - 512,
                                                                       (std::int64_t{1} << 53) + 1});
    const tree number{.content = integer(near)};
    const tree other{.content = real(static_cast<double>(near) + any.pick(steps))};
    const bool swapped = any.one_in(2);
    for (const char* word : {"<", "<=", ">", ">=", "==", "!="}) {
      const tree compared{
          .what = node::binary, .word = word, .parts = {swapped ? other : number, swapped ? number : other}};
      INFO(plain_text(compared));
      REQUIRE(product_result(plain_text(compared), inngest::missing_fields::are_errors) ==
              shown(interpreter(null()).run(compared)));
    }
  });
}
