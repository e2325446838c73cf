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
    CHECK_THAT(problem.what(), ContainsSubstring("at character " + std::to_string(problem.position() + 1)));
    return static_cast<int>(problem.position());
  }
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
  CHECK(wrong_at("a ? b") == 0);
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
  CHECK(wrong_at("event.ids.all(x)") == 15);
  CHECK(wrong_at("{'a' 1}") == 5);
}

TEST_CASE("a variable or function that no server knows is refused by name", "[expression]") {
  CHECK_THROWS_WITH(check_expression("events.data == 1"), ContainsSubstring("no variable \"events\""));
  CHECK_THROWS_WITH(check_expression("event.ids.all(i, j > 1)"), ContainsSubstring("no variable \"j\""));
  CHECK_THROWS_WITH(check_expression("lower(event.name)"), ContainsSubstring("no function \"lower\""));
  CHECK_THROWS_WITH(check_expression("event.name.trim()"), ContainsSubstring("no function \"trim\""));
  CHECK_NOTHROW(check_expression("lowercase(event.name) == 'a' && now() > date('2026-01-01')"));
}

TEST_CASE("deep nesting is an error, not the end of the stack", "[expression]") {
  for (const char* open : {"(", "[", "!", "-", "{1:", "true?1:"}) {
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += open;
    CHECK_THROWS_WITH(check_expression(text), ContainsSubstring("too deeply"));
  }
  std::string long_one = "1";
  for (int i = 0; i < 10'000; ++i) long_one += " + 1";
  CHECK_NOTHROW(check_expression(long_one));
}

TEST_CASE("for cancel_on only comparisons and logic are allowed", "[expression]") {
  const auto check = [](const char* text) { check_expression(text, inngest::expression_policy::logic_only); };
  CHECK_NOTHROW(check("async.data.id == event.data.id && int(event.data.n) > 3"));
  CHECK_THROWS_WITH(check("event.name.startsWith('a')"), ContainsSubstring("startsWith()"));
  CHECK_THROWS_WITH(check("has(event.data.id)"), ContainsSubstring("has()"));
  CHECK_THROWS_WITH(check("event.data.n + 1 > 2"), ContainsSubstring("arithmetic"));
}

TEST_CASE("a mistake in an option's expression names function, option and place", "[expression][function]") {
  using hello = inngest::event<"test/hello">;
  const auto app = support::quiet_client();
  const auto make = [&](inngest::function_options options) {
    app.create_function(std::move(options), inngest::on<hello>(), [](auto&) {});
  };
  using namespace std::chrono_literals;
  CHECK_THROWS_WITH(make({.id = "f", .priority = "event.data.p *"}),
                    ContainsSubstring("function \"f\"") && ContainsSubstring("priority") &&
                        ContainsSubstring("at character 15"));
  CHECK_THROWS_WITH(make({.id = "f", .concurrency = {{.limit = 1, .key = "events.id"}}}),
                    ContainsSubstring("concurrency.key"));
  CHECK_THROWS_WITH(make({.id = "f", .throttle = inngest::throttle{.period = 1min, .key = "("}}),
                    ContainsSubstring("throttle.key"));
  CHECK_THROWS_WITH(make({.id = "f", .idempotency = "event."}), ContainsSubstring("idempotency"));
  CHECK_THROWS_WITH(make({.id = "f", .cancel_on = {{.event = "a/b", .expression = "size(event.a) == 1"}}}),
                    ContainsSubstring("cancel_on \"a/b\""));
  CHECK_THROWS_WITH(
      app.create_function({.id = "f"}, inngest::on<hello>({.expression = "event.data.n >"}), [](auto&) {}),
      ContainsSubstring("trigger \"test/hello\"") && ContainsSubstring("at character 15"));
}
