#include <inngest/expression/evaluation.hpp>

#include <string>

#include "catch.hpp"

using inngest::evaluate;
using inngest::expression;
using inngest::holds;
using inngest::json;
using inngest::missing_fields;

namespace {

/// As CEL has it, without variables.
json cel(const std::string& text) {
  return evaluate(expression(text), json::object(), missing_fields::are_errors);
}

/// As an Inngest server has it, over an event with these data.
json served(const std::string& text, const char* data) {
  return evaluate(expression(text), {{"event", {{"name", "test/event"}, {"data", json::parse(data)}}}});
}

std::string problem(const std::string& text) {
  try {
    return "gave " + cel(text).dump();
  } catch (const inngest::evaluation_error& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("numbers are computed with, and overflow is an error", "[evaluation]") {
  CHECK(cel("1 + 2 * 3 - 4 / 2 % 3") == 5);
  CHECK(cel("-7 / 2") == -3);
  CHECK(cel("-7 % 2") == -1);
  CHECK(cel("7u / 2u") == 3u);
  CHECK(cel("1.5 * 2.0") == 3.0);
  CHECK(problem("9223372036854775807 + 1") == "the result is out of range, at column 21");
  CHECK(problem("1u - 2u").find("out of range") != std::string::npos);
  CHECK(problem("1 / 0") == "division by zero, at column 3");
  CHECK(problem("1 % 0").find("modulus by zero") == 0);
  CHECK(problem("1 + 1u").find("no such overload") == 0);
}

TEST_CASE("numbers of all kinds are compared by what they are worth", "[evaluation]") {
  CHECK(cel("1 == 1.0 && 1u == 1 && 2.0 > 1u") == true);
  CHECK(cel("9007199254740993 == 9007199254740992.0") == false);
  CHECK(cel("18446744073709551615u > 9223372036854775807") == true);
  CHECK(cel("-1 < 0u") == true);
  CHECK(cel("1.5 > 1 && 1 < 1.5") == true);
  CHECK(cel("double('NaN') == double('NaN')") == false);
}

TEST_CASE("an error counts only where the rest does not decide", "[evaluation]") {
  CHECK(cel("true || 1 / 0 == 0") == true);
  CHECK(cel("1 / 0 == 0 || true") == true);
  CHECK(cel("false && 1 / 0 == 0") == false);
  CHECK(cel("1 / 0 == 0 && false") == false);
  CHECK(problem("1 / 0 == 0 || false").find("division by zero") == 0);
  CHECK(cel("[1, 2].exists(x, x / 0 == 0 || x == 2)") == true);
  CHECK(cel("true ? 1 : 1 / 0") == 1);
}

TEST_CASE("texts, lists and maps have their functions", "[evaluation]") {
  CHECK(cel("size('d\u00e9j\u00e0') == 4 && 'abc'.startsWith('ab') && 'abc'.endsWith('bc') && "
            "'abc'.contains('b')") == true);
  CHECK(cel("'ab' + 'cd'") == "abcd");
  CHECK(cel("'a1'.matches('^[a-z][0-9]$')") == true);
  CHECK(cel("'aab'.matches('^a(?i)*b$')") == true);  // flags are nothing that could be repeated
  CHECK(cel("'abbb'.matches(r'^\\Qab\\E*$')") == true);
  for (const char* pattern :
       {"{2}", "a|{2}", "({2})", "(?i)*", "a**", "a{2}{3}", "\\\\ä", "(?-)a", "(?i-)a", "(?--i)a"}) {
    CAPTURE(pattern);
    CHECK(problem("'a'.matches('" + std::string(pattern) + "')").find("not a regular expression") == 0);
  }
  CHECK(cel("[1, 2] + [3]") == json::parse("[1,2,3]"));
  CHECK(cel("{'a': 1, 'b': [2]}['b'][0]") == 2);
  CHECK(cel("2 in [1, 2] && 'a' in {'a': 1} && !('b' in {'a': 1})") == true);
  CHECK(cel("[1, 2, 3].filter(x, x > 1).map(x, x * 10)") == json::parse("[20,30]"));
  CHECK(cel("[1, 2, 3].map(x, x > 1, x * 10)") == json::parse("[20,30]"));
  CHECK(cel("[1, 2].all(x, x > 0) && [1, 2].exists_one(x, x == 1) && {'a': 1}.all(k, k == 'a')") == true);
  CHECK(problem("{'a': 1}['b']").find("no such key") != std::string::npos);
  CHECK(problem("[1][1]").find("out of bounds") != std::string::npos);
  CHECK(problem("{'a': 1, 'a': 2}").find("duplicate key") != std::string::npos);
}

TEST_CASE("values are converted, or the error says what they are not", "[evaluation]") {
  CHECK(cel("int('42') + int(1.9) + int(3u)") == 46);
  CHECK(cel("string(1000000.0) + ' ' + string(0.5) + ' ' + string(true)") == "1e+06 0.5 true");
  CHECK(cel("bool('true') && !bool('f')") == true);
  CHECK(cel("type(1) == int && type('') == string && type(type(1)) == type") == true);
  CHECK(cel("bytes('a') == b'a'") == true);
  CHECK(problem("int('x')") == "not an int: \"x\", at column 1");
  CHECK(problem("int(1e30)").find("out of range") != std::string::npos);
  CHECK(problem("uint(-1)").find("out of range") != std::string::npos);
}

TEST_CASE("times are added, compared and taken apart", "[evaluation]") {
  CHECK(cel("timestamp('2026-01-01T00:00:00Z') + duration('36h30m')") == "2026-01-02T12:30:00Z");
  CHECK(cel("timestamp('2026-01-01T01:00:00+01:00') == timestamp('2026-01-01T00:00:00Z')") == true);
  CHECK(cel("timestamp('2026-01-02T00:00:00Z') - timestamp('2026-01-01T00:00:00.5Z')") == "86399.5s");
  CHECK(cel("timestamp('2026-03-01T12:34:56.789Z').getMonth()") == 2);
  CHECK(cel("timestamp('2024-03-01T00:00:00Z').getDayOfYear()") == 60);
  CHECK(cel("timestamp('2026-11-23T00:00:00Z').getDayOfWeek()") == 1);
  CHECK(cel("timestamp('2026-01-01T00:00:00Z').getHours('+05:30')") == 5);
  CHECK(cel("duration('3730s').getMinutes()") == 62);
  CHECK(problem("timestamp('soon')").find("not a timestamp") == 0);
  CHECK(problem("timestamp('9999-12-31T23:59:59Z') + duration('1s')").find("out of range") !=
        std::string::npos);
}

TEST_CASE("as a server has it, what is missing is like null", "[evaluation]") {
  CHECK(served("event.data.gone == null", "{}") == true);
  CHECK(served("event.data.gone.deeper == 'a'", "{}") == false);
  CHECK(served("event.data.gone != 'a'", "{}") == true);
  CHECK(served("event.data.gone < 3", "{}") == true);
  CHECK(served("event.data.gone > 3", "{}") == false);
  CHECK(served("size(event.data.gone) == 0", "{}") == true);
  CHECK(served("event.data.gone", "{}") == nullptr);
  CHECK(served("has(event.data.gone) || has(event.data.a)", R"({"a": 1})") == true);
  CHECK_THROWS_AS(cel("{}.gone"), inngest::evaluation_error);
}

TEST_CASE("as a server has it, any value is a condition, and texts are made of any", "[evaluation]") {
  CHECK(served("event.data.a || event.data.b", R"({"a": "", "b": "x"})") == "x");
  CHECK(served("event.data.a && event.data.b", R"({"a": 0, "b": "x"})") == 0);
  CHECK(served("event.data.a ? 1 : 2", R"({"a": "yes"})") == 1);
  CHECK(served("event.data.n + '-' + event.data.s", R"({"n": 7, "s": "x"})") == "7-x");
  CHECK(served("event.data.n > null", R"({"n": 7})") == true);
  CHECK(served("json_parse(b64decode(event.data.e)).a", R"({"e": "eyJhIjoiYiJ9"})") == "b");
  CHECK(served("lowercase(event.data.s) == 'abc' && uppercase('x') == 'X'", R"({"s": "ABC"})") == true);
  CHECK(served("date('2026-01-01') < now() && now_minus('1d') < now_plus('1h')", "{}") == true);
}

TEST_CASE("only what is true holds", "[evaluation]") {
  const json variables{{"event", {{"data", {{"n", 4}}}}}, {"async", {{"data", {{"n", 4}}}}}};
  CHECK(holds(expression("event.data.n == async.data.n"), variables));
  CHECK_FALSE(holds(expression("event.data.n == async.data.m"), variables));
  CHECK_FALSE(holds(expression("event.data.n"), variables));
  CHECK_FALSE(holds(expression("1 / 0 == 0"), variables));
}

TEST_CASE("macros within macros come to an end", "[evaluation]") {
  std::string list = "[0";
  for (int i = 1; i < 100; ++i) list += "," + std::to_string(i);
  list += "]";
  std::string text = "true";
  for (const char* name : {"a", "b", "c", "d"}) text = list + ".all(" + name + ", " + text + ")";
  CHECK(problem(text).find("takes too long") != std::string::npos);
}

TEST_CASE("what is made grows no larger than what may be computed", "[evaluation]") {
  // each variable is twice the one before
  const auto grown = [](const std::string& first, const std::string& before, const std::string& between,
                        const std::string& after) {
    std::string text, end, name = first;
    for (int i = 0; i < 60; ++i) {
      const std::string next = "x" + std::to_string(i);
      text += "[" + before + name + between + name + after + "].map(" + next + ", ";
      end += ")";
      name = next;
    }
    return text + name + end;
  };
  CHECK(problem(grown("'long'", "", " + ", "")).find("takes too long") != std::string::npos);
  CHECK(problem(grown("[1]", "", " + ", "")).find("takes too long") != std::string::npos);
  CHECK(problem(grown("1", "[", ", ", "]")).find("takes too long") != std::string::npos);
  CHECK(problem(grown("[1]", "{1: ", ", 2: ", "}")).find("takes too long") != std::string::npos);
  CHECK_THROWS_AS(served(grown("event.data", "[", ", ", "]"), R"({"a": [1, 2, 3]})"),
                  inngest::evaluation_error);
}

TEST_CASE("long chains of conditions are computed", "[evaluation]") {
  std::string text = "false";
  for (int i = 0; i < 10'000; ++i) text += "||!true";
  CHECK(cel(text) == false);
  CHECK(served(text, "{}") == false);
  CHECK(cel(text + "||true") == true);
}

TEST_CASE("a pattern takes no longer than its length by the text's", "[evaluation]") {
  const std::string text = "'" + std::string(5000, 'a') + "'";
  CHECK(cel(text + ".matches('^(a*)*b$')") == false);
  CHECK(cel(text + ".matches('^(a|aa)+$')") == true);
  std::string all = "[" + text + "].all(x, [1, 2, 3, 4, 5, 6, 7, 8, 9].all(y, ";
  CHECK(problem(all + "x.matches('((a?){30}){30}b') || true))").find("takes too long") != std::string::npos);
  CHECK(problem("'a'.matches('" + std::string(1001, 'a') + "')").find("at most 1000") != std::string::npos);
}

TEST_CASE("expressions that no server sees may use names of their own", "[evaluation]") {
  const json variables{{"user", {{"age", 42}, {"first-name", "Ada"}}}};
  const auto computed = [&](const char* text) {
    return evaluate(expression(text, inngest::expression_names::any), variables, missing_fields::are_errors);
  };
  CHECK(computed("user.age > 40 && user.`first-name` == 'Ada'") == true);
  CHECK_THROWS_AS(computed("account.id"), inngest::evaluation_error);
  CHECK_THROWS_AS(computed("hash(user.age)"), inngest::evaluation_error);
  CHECK_THROWS_AS(expression("user.age > 40"), inngest::expression_error);
  CHECK_THROWS_AS(expression("event.`first-name`"), inngest::expression_error);
}

TEST_CASE("looking through large maps counts", "[evaluation]") {
  std::string map = "{", list = "[0";
  for (int i = 0; i < 1000; ++i) map += std::to_string(i) + ": 0, ";
  for (int i = 1; i < 100; ++i) list += ", " + std::to_string(i);
  map += "}";
  list += "]";
  for (const char* use : {"m[x] == 0", "m == m", "x in m", "has(m.a) || true", "m.a == 0 || true"}) {
    const std::string text = "[" + map + "].all(m, " + list + ".all(x, " + list + ".all(y, " + use + ")))";
    CHECK(problem(text).find("takes too long") != std::string::npos);
  }
}

TEST_CASE("what was read by json_parse() may be the result", "[evaluation]") {
  CHECK(served("json_parse('{\"a\": [1, 2]}')", "{}") == json::parse(R"({"a": [1, 2]})"));
  CHECK(served("[json_parse('{\"a\": {\"b\": 1}}').a]", "{}") == json::parse(R"([{"b": 1}])"));
}

TEST_CASE("whatever bytes a text has, its JSON can be written", "[evaluation]") {
  CHECK(served("b64decode('/w==')", "{}").dump() == "\"\xef\xbf\xbd\"");
  CHECK(served("{b64decode('Yf8='): 1}", "{}").dump() == "{\"a\xef\xbf\xbd\":1}");
}
