#include <inngest/expression.hpp>

#include <limits>
#include <string>

#include <inngest/client.hpp>

#include "catch.hpp"
#include "support/handler_driver.hpp"
#include "support/message_of.hpp"

namespace {

using Catch::Matchers::ContainsSubstring;
using inngest::check_expression;
using inngest::expression;
using inngest::expression_error;
using kind = inngest::detail::cel_node::kind;

/// The tree as text: (operator part part).
std::string shown(const expression& whole, std::size_t at) {
  const auto& node = whole.nodes()[at];
  std::string out = node.text;
  if (node.what == kind::integer) out = std::to_string(node.integer);
  if (node.what == kind::boolean) out = node.integer != 0 ? "true" : "false";
  if (node.what == kind::null) out = "null";
  if (node.what == kind::string) out = "'" + node.text + "'";
  if (node.what == kind::list) out = "list";
  if (node.what == kind::map) out = "map";
  if (node.what == kind::real) out = node.real < 0 ? "-real" : "real";
  if (node.what == kind::unsigned_integer) out = std::to_string(node.integer) + "u";
  if (node.what == kind::select) out = "." + node.text;
  if (node.what == kind::has) out = "has." + node.text;
  if (node.parts.empty()) return out;
  out = "(" + out;
  for (const std::size_t part : node.parts) out += " " + shown(whole, part);
  return out + ")";
}
std::string shown(const std::string& text) {
  const expression whole(text);
  return shown(whole, whole.nodes().size() - 1);
}

/// Where the text is wrong, from 0; -1 when it is not.
int wrong_at(const std::string& text) {
  try {
    check_expression(text);
    return -1;
  } catch (const expression_error& problem) {
    INFO(problem.what());
    CHECK_THAT(problem.what(), ContainsSubstring("column " + std::to_string(problem.column())));
    return static_cast<int>(problem.position());
  }
}

/// Its problem; empty when there is none.
std::string problem_of(const std::string& text,
                       inngest::expression_policy policy = inngest::expression_policy::all) {
  try {
    check_expression(text, policy);
    return "";
  } catch (const expression_error& problem) {
    return problem.what();
  }
}

std::string copies_of(const std::string& text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("operators bind as CEL says", "[expression]") {
  CHECK(shown("1 + 2 * 3") == "(+ 1 (* 2 3))");
  CHECK(shown("(1 + 2) * 3") == "(* (+ 1 2) 3)");
  CHECK(shown("1 - 2 - 3") == "(- (- 1 2) 3)");
  CHECK(shown("event.data.n > 1 && event.v == 'a' || !true") ==
        "(|| (&& (> (.n (.data event)) 1) (== (.v event) 'a')) (! true))");
  CHECK(shown("true ? 1 : false ? 2 : 3") == "(?: true 1 (?: false 2 3))");
  CHECK(shown("-event.n + 1") == "(+ (- (.n event)) 1)");
  CHECK(shown("event['a b'][0].c") == "(.c ([] ([] event 'a b') 0))");
  CHECK(shown("'x' in [1, 2,]") == "(in 'x' (list 1 2))");
  CHECK(shown("{'a': 1, 'b': {}}") == "(map 'a' 1 'b' map)");
  CHECK(shown("has(event.data.id)") == "(has.id (.data event))");
  CHECK(shown("event.ids.exists(i, i == 3)") == "(exists (.ids event) i (== i 3))");
  CHECK(shown("size(event.ids) // how many") == "(size (.ids event))");
  CHECK(shown(".event.name.startsWith('a')") == "(startsWith (.name event) 'a')");
}

TEST_CASE("every operator has its place among the others", "[expression]") {
  const struct {
    const char* text;
    const char* tree;
  } rows[] = {
      {"1 < 2 == true", "(== (< 1 2) true)"},
      {"1 <= 2 != 3 >= 4", "(>= (!= (<= 1 2) 3) 4)"},
      {"1 + 2 < 3 * 4", "(< (+ 1 2) (* 3 4))"},
      {"1 / 2 % 3", "(% (/ 1 2) 3)"},
      {"1 - 2 + 3", "(+ (- 1 2) 3)"},
      {"true && false || true && false", "(|| (&& true false) (&& true false))"},
      {"true || false || true", "(|| (|| true false) true)"},
      {"true || false ? 1 : 2", "(?: (|| true false) 1 2)"},
      {"true ? false ? 1 : 2 : 3", ""},  // only in parentheses
      {"true ? (false ? 1 : 2) : 3", "(?: true (?: false 1 2) 3)"},
      {"1 in [1] in [true]", "(in (in 1 (list 1)) (list true))"},
      {"1in[1]", "(in 1 (list 1))"},
      {"!event.a && !event.b", "(&& (! (.a event)) (! (.b event)))"},
      {"!event.a == event.b", "(== (! (.a event)) (.b event))"},
      {"!!event.a", "(.a event)"},
      {"!!!event.a", "(! (.a event))"},
      {"--event.a", "(.a event)"},
      {"---event.a", "(- (.a event))"},
      {"-5", "-5"},
      {"- 5", "-5"},
      {"--5", "5"},
      {"---5", "(- 5)"},
      {"1-1", "(- 1 1)"},
      {"1--1", "(- 1 -1)"},
      {"1 - - - 1", "(- 1 1)"},
      {"-1.5", "-real"},
      {"-5u", "(- 5u)"},
      {"!-5", "(! -5)"},
      {"!-event.a", ""},
      {"-!event.a", ""},
      {"-event.a.b", "(- (.b (.a event)))"},
      {"(-event.a).b", "(.b (- (.a event)))"},
      {"-event.a * 2", "(* (- (.a event)) 2)"},
      {"event.a[1 + 1][true ? 0 : 1]", "([] ([] (.a event) (+ 1 1)) (?: true 0 1))"},
      {"[]", "list"},
      {"[,]", "list"},
      {"[1,]", "(list 1)"},
      {"[1,,]", ""},
      {"[,1]", ""},
      {"[[1], []]", "(list (list 1) list)"},
      {"{}", "map"},
      {"{,}", "map"},
      {"{1: 2,}", "(map 1 2)"},
      {"{1: 2,, }", ""},
      {"{'a': {'b': 1}}.a.b", "(.b (.a (map 'a' (map 'b' 1))))"},
      {"[1, 2][0]", "([] (list 1 2) 0)"},
      {"'a'.size()", "(size 'a')"},
      {"size('a',)", ""},
      {"size(,)", ""},
      {"event.package.for", "(.for (.package event))"},
      {"event.a.exists(x, x > 1)", "(exists (.a event) x (> x 1))"},
      {"event.a.existsOne(x, x > 1)", "(existsOne (.a event) x (> x 1))"},
      {"event.a.exists_one(x, x > 1)", "(exists_one (.a event) x (> x 1))"},
      {"event.a.map(x, x * 2)", "(map (.a event) x (* x 2))"},
      {"event.a.map(x, x > 1, x * 2)", "(map (.a event) x (> x 1) (* x 2))"},
      {"event.a.filter(x, x.all(y, y == x))", "(filter (.a event) x (all x y (== y x)))"},
      {"has((event.a.b))", "(has.b (.a event))"},
      {"has({'a': 1}.a)", "(has.a (map 'a' 1))"},
      {"type(1) == int", "(== (type 1) int)"},
      {"type(event.t) == google.protobuf.Timestamp",
       "(== (type (.t event)) (.Timestamp (.protobuf google)))"},
      {"google.protobuf.Int64Value{value: 1}", "(google.protobuf.Int64Value 'value' 1)"},
      {"google.protobuf.Struct{}", "google.protobuf.Struct"},
      {"1 // one\n+ // and\n1", "(+ 1 1)"},
      {"\t\f\r\n1", "1"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    std::string tree;
    try {
      tree = shown(row.text);
    } catch (const expression_error&) {
    }
    CHECK(tree == row.tree);
  }
}

TEST_CASE("literals have their values", "[expression]") {
  CHECK(expression("0x1F").nodes().back().integer == 31);
  CHECK(expression("-9223372036854775808").nodes().back().integer ==
        std::numeric_limits<std::int64_t>::min());
  CHECK(expression("9223372036854775807").nodes().back().integer == std::numeric_limits<std::int64_t>::max());
  CHECK(expression("18446744073709551615u").nodes().back().what == kind::unsigned_integer);
  CHECK(expression("1.5e3").nodes().back().real == 1500);
  CHECK(expression(".5").nodes().back().real == 0.5);
  CHECK(expression(R"('it\'s')").nodes().back().text == "it's");
  CHECK(expression(R"("\x41\u00e9\U0001F600\n\101")").nodes().back().text == "A\u00e9\U0001F600\nA");
  CHECK(expression(R"(r'\n')").nodes().back().text == "\\n");
  CHECK(expression(R"(b'\xff')").nodes().back().text == "\xff");
  CHECK(expression("-0x8000000000000000").nodes().back().integer == std::numeric_limits<std::int64_t>::min());
  CHECK(expression("0xffffffffffffffffu").nodes().back().integer == -1);
  CHECK(expression("1.5E-1").nodes().back().real == 0.15);
  CHECK(expression("2e3").nodes().back().real == 2000);
  CHECK(expression("-.5e1").nodes().back().real == -5);
  CHECK(expression("1e-400").nodes().back().real == 0);
  CHECK(expression("0." + copies_of("0", 400) + "1").nodes().back().real == 0);
  CHECK(expression("true").nodes().back().what == kind::boolean);
  CHECK(expression("null").nodes().back().what == kind::null);
}

TEST_CASE("strings end where they should and hold what is written in them", "[expression]") {
  const struct {
    std::string text;
    std::string value;
  } rows[] = {
      {R"('')", ""},
      {R"("")", ""},
      {R"('''''')", ""},
      {R"('a"b')", "a\"b"},
      {R"("a'b")", "a'b"},
      {R"('''a'b''c''')", "a'b''c"},
      {"\"\"\"a\nb\"\"\"", "a\nb"},
      {"'''a\r\nb\rc'''", "a\nb\nc"},
      {R"('\a\b\f\n\r\t\v')", "\a\b\f\n\r\t\v"},
      {R"('\\\?\"\'\`')", "\\?\"'`"},
      {R"('\x41\X42')", "AB"},
      {R"('\x4')", "-"},
      {R"('\xzz')", "-"},
      {R"('\101\060')", "A0"},
      {R"('\377')", "\u00ff"},
      {R"(b'\377')", "\xff"},
      {R"('\400')", "-"},
      {R"('\8')", "-"},
      {R"('\18')", "-"},
      {R"('\u20AC')", "\u20ac"},
      {R"('\U0001F600')", "\U0001F600"},
      {R"('\u20A')", "-"},
      {R"('\U00110000')", "-"},
      {R"('\udfff')", "-"},
      {R"(b'\u20AC')", "-"},
      {R"(b'\xe2\x82')", "\xe2\x82"},
      {R"(r'\d+')", "\\d+"},
      {R"(R"\")", "\\"},  // a backslash means nothing in a raw string, not even before a quote
      {R"(r'\' + 'a')", "+"},
      {R"(r'a\'b')", "-"},
      {R"(r'''a'\n''')", "a'\\n"},
      {R"(br'\n')", "\\n"},
      {R"(BR"\n")", "\\n"},
      {R"(rb'\n')", "-"},
      {R"(bb'a')", "-"},
      {R"(rr'a')", "-"},
      {R"(B'a')", "a"},
      {"'\u20ac \U0001F600'", "\u20ac \U0001F600"},
      {std::string("'a\0b'", 5), std::string("a\0b", 3)},
      {"'a\nb'", "-"},
      {"'a\rb'", "-"},
      {"r'a\nb'", "-"},
      {"'a", "-"},
      {"'''a''", "-"},
      {"'a\\", "-"},
      {"'a\\'", "-"},
      {"'a' 'b'", "-"},
      {"'\xff'", "-"},
      {"'\xc0\x80'", "-"},
      {"'\xed\xa0\x80'", "-"},
      {"'\xf4\x90\x80\x80'", "-"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    std::string value = "-";
    try {
      value = expression(row.text).nodes().back().text;
    } catch (const expression_error&) {
    }
    CHECK(value == row.value);
  }
}

TEST_CASE("what is no expression is refused at its place", "[expression]") {
  CHECK(wrong_at("") == 0);
  CHECK(wrong_at("   ") == 0);
  CHECK(wrong_at("event.data.id ==") == 16);
  CHECK(wrong_at("event.data.id = 3") == 14);
  CHECK(wrong_at("event.data.") == 11);
  CHECK(wrong_at("event.data.id == 'x") == 17);
  CHECK(wrong_at("(1 + 2") == 6);
  CHECK(wrong_at("1 + 2)") == 5);
  CHECK(wrong_at("[1, 2") == 5);
  CHECK(wrong_at("1 2") == 2);
  CHECK(wrong_at("a ? b") == 5);
  CHECK(wrong_at("event ? 1") == 9);
  CHECK(wrong_at("event & async") == 6);
  CHECK(wrong_at("event.data.id # 3") == 14);
  CHECK(wrong_at("9223372036854775808") == 0);
  CHECK(wrong_at("1e") == 2);
  CHECK(wrong_at("0x") == 2);
  CHECK(wrong_at("3abc") == 1);
  CHECK(wrong_at(R"('\q')") == 1);
  CHECK(wrong_at(R"('\ud800')") == 1);
  CHECK(wrong_at("for == 1") == 0);
  CHECK(wrong_at("has(event)") == 0);
  CHECK(wrong_at("event.ids.all(1, true)") == 14);
  CHECK(wrong_at("event.ids.all(x)") == 10);
  CHECK(wrong_at("{'a' 1}") == 5);
  CHECK(wrong_at("-9223372036854775809") == 1);
  CHECK(wrong_at("18446744073709551616u") == 0);
  CHECK(wrong_at("1e400") == 0);
  CHECK(wrong_at("0X1F") == 1);
  CHECK(wrong_at("1.") == 2);
  CHECK(wrong_at("1u2") == 2);
  CHECK(wrong_at("event.data.in") == 11);
  CHECK(wrong_at("event.data.null == 1") == 11);
  CHECK(wrong_at("in == 1") == 0);
  CHECK(wrong_at(".5.a.true") == 5);
  CHECK(wrong_at(". 'a'") == 2);
  CHECK(wrong_at(".true") == 1);
  CHECK(wrong_at("event.?data") == 6);
  CHECK(wrong_at("event[?'a']") == 6);
  CHECK(wrong_at("event.`a-b`") == 6);
  CHECK(wrong_at("event.data.id == @x") == 17);
  CHECK(wrong_at("event.data == \u20ac") == 14);
  CHECK(wrong_at("event..data") == 6);
  CHECK(wrong_at("event.data,") == 10);
  CHECK(wrong_at("event.data === 1") == 13);
  CHECK(wrong_at("event.data <> 1") == 12);
  CHECK(wrong_at("not event.a") == 4);
  CHECK(wrong_at("event.a and event.b") == 8);
  CHECK(wrong_at("{'a': 1, 2}") == 10);
  CHECK(wrong_at("{'a'}") == 4);
  CHECK(wrong_at("event{a: 1}") == 0);
  CHECK(wrong_at("google.protobuf.Struct{true: 1}") == 23);
  CHECK(wrong_at("google.protobuf.Struct{'a': 1}") == 23);
  CHECK(wrong_at("(google.a)") == 1);
}

TEST_CASE("a mistake is told in words, with its line when there are several", "[expression]") {
  CHECK(problem_of("event.data.id ==") == "expected a value after \"==\", found the end, at column 17");
  CHECK(problem_of("event.data.id = 3") == "\"=\" must be doubled, at column 15");
  CHECK(problem_of("event.data.in") ==
        "\"in\" is a word of the language: write [\"in\"] for the field, at column 12");
  CHECK(problem_of("event.a == 1 &&\n  event.b = 2") == "\"=\" must be doubled, at line 2, column 11");
  CHECK(problem_of("event.a == '\u20ac\u20ac' # 1") == "unexpected character \"#\", at column 17");
  CHECK(problem_of("event.a == \u20ac") == "unexpected character \"\u20ac\", at column 12");
  CHECK(problem_of("event.`a-b`") ==
        "a server accepts no names in backticks: write [\"a-b\"] for the field a-b, at column 7");
  CHECK(problem_of("event.a == '\xff'") == "the text is not UTF-8, at column 13");
  CHECK(problem_of("event.id 'a'") ==
        "expected an operator or the end after \"id\", found a literal, at column 10");
  CHECK(problem_of("'a' event") == "expected an operator or the end, found \"event\", at column 5");
  try {
    check_expression("event.a ==\n\n \u20ac");
    FAIL("it was taken");
  } catch (const expression_error& problem) {
    CHECK(problem.position() == 13);
    CHECK(problem.line() == 3);
    CHECK(problem.column() == 2);
    CHECK(problem.code() == inngest::error_code::expression);
  }
}

TEST_CASE("a variable or function that no server knows is refused by name", "[expression]") {
  CHECK_THROWS_WITH(check_expression("events.data == 1"), ContainsSubstring("no variable \"events\""));
  CHECK_THROWS_WITH(check_expression("event.ids.all(i, j > 1)"), ContainsSubstring("no variable \"j\""));
  CHECK_THROWS_WITH(check_expression("lower(event.name)"), ContainsSubstring("no function \"lower\""));
  CHECK_THROWS_WITH(check_expression("event.name.trim()"), ContainsSubstring("no function \"trim\""));
  CHECK_NOTHROW(check_expression("lowercase(event.name) == 'a' && now() > date('2026-01-01')"));
  for (const char* text :
       {"event.a.map(x, x)", "event.a.all(event, event > 1)", "event.a.map(x, event.b.map(x, x))",
        "async.data.id == event.data.id", "vars.a == 1", ".event.id", "event.t.getHours('Europe/Paris') > 1",
        "matches(event.a, '^a') && event.b.matches('b$')", "json_parse(b64decode(event.a)).b",
        "[1].all(x, x > 0) && now_plus('1h') > now_minus('1h')"}) {
    CAPTURE(text);
    CHECK(problem_of(text).empty());
  }
  for (const char* text : {"evnt",
                           "x.y",
                           "event.a.map(x, x) == x",
                           "event.a.map(x, .x)",
                           "[1].all(x, y)",
                           "x.all(x, true)",
                           "event.a.map(__result__, 1)",
                           "all(event.a, x)",
                           "event.has(event.a)",
                           "has(event)",
                           "has(event['a'])",
                           "has(event.a, event.b)",
                           "has()",
                           "event.a.map(x)",
                           "event.a.map(x, 1, 2, 3)",
                           "event.a.all(x, 1, 2)",
                           "event.a.filter(x.y, true)",
                           "event.a.filter('x', true)",
                           "event.a.filter(in, true)",
                           "event.a.filter()",
                           "event()",
                           "event.data()",
                           "contains(event.a, 'a')",
                           "event.a.lowercase()",
                           "now(1)",
                           "int()",
                           "int(1, 2)",
                           "date()",
                           "event.a.size(1)",
                           "event.a.startsWith()",
                           "size()",
                           "'a'.matches()",
                           "matches('a')",
                           "google.type.Date{}",
                           "Foo{a: 1}",
                           "event.data{a: 1}",
                           "dyn",
                           "for(1)"}) {
    CAPTURE(text);
    CHECK_FALSE(problem_of(text).empty());
  }
  CHECK(problem_of("startsWith(event.a, 'b')") ==
        "startsWith() is a function of a value: write value.startsWith(...), at column 1");
  CHECK(problem_of("event.a.lowercase()") ==
        "values have no function \"lowercase\": write lowercase(...), at column 9");
  CHECK(problem_of("now(1)") == "now() takes no argument, at column 1");
  CHECK(problem_of("event.t.getHours(1, 2)") == "getHours() takes at most one argument, at column 9");
  CHECK(problem_of("x == y") ==
        "there is no variable \"x\": an expression is over event (and async), at column 1");
}

TEST_CASE("deep nesting is an error, not the end of the stack", "[expression]") {
  for (const char* open : {"(", "[", "{1:", "true?1:", "1*(", "1==1+(", "-(", "!(", "event[", "size(",
                           "event.a.map(x,", "true||(1==(", "event.a.", "event.size().", "1+"}) {
    CAPTURE(open);
    CHECK_THAT(problem_of(copies_of(open, 6'000) + "a"), ContainsSubstring("too deeply"));
  }
}

TEST_CASE("an expression is as deep as a server takes it", "[expression]") {
  const auto around = [](const char* open, int count, const char* inner, const char* close) {
    return problem_of(copies_of(open, count) + inner + copies_of(close, count)).empty();
  };
  CHECK(around("(", 249, "1", ")"));
  CHECK_FALSE(around("(", 250, "1", ")"));
  CHECK(around("[", 249, "1", "]"));
  CHECK_FALSE(around("[", 250, "1", "]"));
  CHECK(around("", 250, "1", "+1"));
  CHECK_FALSE(around("", 251, "1", "+1"));
  CHECK(around("", 250, "event", ".a"));
  CHECK_FALSE(around("", 251, "event", ".a"));
  CHECK(around("", 250, "event", "[0]"));
  CHECK_FALSE(around("", 251, "event", "[0]"));
  CHECK(around("", 250, "1", "==1"));
  CHECK_FALSE(around("", 251, "1", "==1"));
  CHECK(around("1==1+(", 124, "1", ")"));
  CHECK_FALSE(around("1==1+(", 125, "1", ")"));
  CHECK(around("1+1*(", 83, "1", ")"));
  CHECK_FALSE(around("1+1*(", 84, "1", ")"));
  // these don't nest
  CHECK(around("", 10'000, "true", "||true"));
  CHECK(around("", 10'000, "true", "&&true"));
  CHECK(around("!", 50'000, "true", ""));
  CHECK(problem_of("[1" + copies_of(",1", 10'000) + "]").empty());
}

TEST_CASE("an expression has as many characters as a server takes", "[expression]") {
  CHECK(problem_of("'" + copies_of("\u20ac", 99'998) + "'").empty());
  CHECK_THAT(problem_of("'" + copies_of("\u20ac", 99'999) + "'"), ContainsSubstring("100000 characters"));
}

TEST_CASE("for cancel_on only comparisons and logic are allowed", "[expression]") {
  const auto check = [](const char* text) { check_expression(text, inngest::expression_policy::logic_only); };
  CHECK_NOTHROW(check("async.data.id == event.data.id && int(event.data.n) > 3"));
  CHECK_THROWS_WITH(check("event.name.startsWith('a')"), ContainsSubstring("startsWith()"));
  CHECK_THROWS_WITH(check("has(event.data.id)"), ContainsSubstring("has()"));
  CHECK_THROWS_WITH(check("event.data.n + 1 > 2"), ContainsSubstring("arithmetic"));
  const auto policy = inngest::expression_policy::logic_only;
  for (const char* text :
       {"event.data.n > -5", "async.data.n == -1.5", "event.data.a ? async.b == 1 : !event.c", "null > 0",
        "event['data'].a in ['b', 'c']", "event.data.a in [1 + 1]", "event.data.a == {'a': size('b')}",
        "uint(event.a) == 1u || double(event.b) < 1.0", "!!event.a", "--5 == event.a"}) {
    CAPTURE(text);
    CHECK(problem_of(text, policy).empty());
  }
  for (const char* text : {"-event.data.n > 5", "event.a - 1 == 0", "event.a * 2 == 0", "event.a / 2 == 0",
                           "event.a % 2 == 0", "event[string(1)] == 1", "event.ids.exists(i, i == 1)",
                           "event.ids.map(i, 1) == [1]", "int('1' + '2') == 1", "event.a[1 + 1] == 1",
                           "string(event.a) == 'b'", "date(event.a) > date(event.b)",
                           "event.a == 1 && (event.b == 2 || !has(event.c))", "size(event.a) == 1"}) {
    CAPTURE(text);
    CHECK_THAT(problem_of(text, policy), ContainsSubstring("not allowed here"));
  }
  CHECK_THAT(problem_of("event.a ==", policy), ContainsSubstring("expected a value"));
}

TEST_CASE("where there is one event only, async is refused", "[expression]") {
  const auto policy = inngest::expression_policy::event_only;
  CHECK(problem_of("event.data.id", policy).empty());
  CHECK(problem_of("event.ids.exists(async, async == 1)", policy).empty());
  CHECK(problem_of("event.async == event.data['async']", policy).empty());
  CHECK(problem_of("event.a == async.a", policy) == "async is not available here, only event, at column 12");
}

TEST_CASE("a mistake in an option's expression names function, option and place", "[expression][function]") {
  using hello = inngest::event<"test/hello">;
  const auto app = support::quiet_client();
  const auto make = [&](inngest::function_options options) {
    static_cast<void>(app.create_function(std::move(options), inngest::on<hello>(), [](auto&) {}));
  };
  using namespace std::chrono_literals;
  CHECK_THROWS_WITH(make({.id = "f", .priority = "event.data.p *"}), ContainsSubstring("function \"f\"") &&
                                                                         ContainsSubstring("priority") &&
                                                                         ContainsSubstring("at column 15"));
  CHECK_THROWS_WITH(make({.id = "f", .concurrency = {{.limit = 1, .key = "events.id"}}}),
                    ContainsSubstring("concurrency.key"));
  CHECK_THROWS_WITH(make({.id = "f", .throttle = inngest::throttle{.period = 1min, .key = "("}}),
                    ContainsSubstring("throttle.key"));
  CHECK_THROWS_WITH(make({.id = "f", .idempotency = "event."}), ContainsSubstring("idempotency"));
  CHECK_THROWS_WITH(make({.id = "f", .cancel_on = {{.event = "a/b", .expression = "size(event.a) == 1"}}}),
                    ContainsSubstring("cancel_on \"a/b\""));
  CHECK_THROWS_WITH(
      app.create_function({.id = "f"}, inngest::on<hello>({.expression = "event.data.n >"}), [](auto&) {}),
      ContainsSubstring("trigger \"test/hello\"") && ContainsSubstring("at column 15"));
}
