// What is deep, ambiguous, or has no JSON form: it must be refused when it is written, and reading must end.
#include <inngest/json.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <inngest/json/variant.hpp>

#include "catch.hpp"
#include "support/message_of.hpp"

namespace json_nesting_test {

using inngest::decode;
using inngest::encode;
using inngest::json;
using inngest::payload_error;

struct tree {
  int leaf = 0;
  std::vector<tree> children;
};
INNGEST_FIELDS(tree, leaf, children)

/// Why the value can't be written.
template <class Value>
std::string refusal(const Value& value) {
  return support::message_of<payload_error>([&] { static_cast<void>(encode(value)); });
}

tree nested_tree(std::size_t levels) {
  tree out;
  while (levels-- > 0) {
    tree outer;
    outer.children.push_back(std::move(out));
    out = std::move(outer);
  }
  return out;
}

json nested_json(std::size_t levels) {
  json out = 1;
  while (levels-- > 0) {
    json outer = json::array();
    outer.push_back(std::move(out));
    out = std::move(outer);
  }
  return out;
}

/// An expression whose operators have the same members but for one.
struct sum;
struct product;
struct expression {
  std::vector<std::variant<sum, product>> value;
};
struct sum {
  std::vector<expression> of;
  bool is_sum = false;
};
struct product {
  std::vector<expression> of;
  bool is_product = false;
};
using operation = std::variant<sum, product>;
INNGEST_VARIANT_BY_SHAPE(operation)
INNGEST_FIELDS(expression, value)
INNGEST_FIELDS(sum, of, is_sum)
INNGEST_FIELDS(product, of, is_product)

/// The same without a difference, but for what their leaves are.
struct numbers;
struct words;
using list = std::variant<numbers, words>;
struct numbers {
  std::vector<list> of;
  std::optional<int> leaf;
};
struct words {
  std::vector<list> of;
  std::optional<std::string> leaf;
};
INNGEST_VARIANT_BY_SHAPE(list)
INNGEST_FIELDS(numbers, of, leaf)
INNGEST_FIELDS(words, of, leaf)

struct defaults {
  std::optional<int> five = 5;
  std::optional<int> none;
  std::optional<std::string> text = "x";
  std::optional<std::vector<int>> list = std::vector<int>{1};
};
INNGEST_FIELDS(defaults, five, none, text, list)

enum class level : std::uint8_t { low, high };
enum class nlohmann_level { low, high };
NLOHMANN_JSON_SERIALIZE_ENUM(nlohmann_level, {{nlohmann_level::low, "low"}, {nlohmann_level::high, "high"}})

}  // namespace json_nesting_test

using namespace json_nesting_test;

TEST_CASE("a value that is nested too deeply is refused when it is written, with its place", "[json]") {
  CHECK(decode<tree>(encode(nested_tree(200))).children.size() == 1);
  for (const std::size_t levels : {std::size_t{300}, std::size_t{5000}}) {
    CAPTURE(levels);
    const std::string problem = refusal(nested_tree(levels));
    CHECK(problem.find("children[0].children[0]") != std::string::npos);
    CHECK(problem.find("nested deeper than 496 levels") != std::string::npos);
  }
  CHECK(encode(nested_json(496)).size() == 2 * 496 + 1);
  CHECK(refusal(nested_json(497)).find("nested deeper than 496") != std::string::npos);
}

TEST_CASE("what nlohmann's json can hold but JSON can't is refused when it is written", "[json]") {
  const json infinite = {{"a", {1.5, {{"b", std::numeric_limits<double>::infinity()}}}}};
  CHECK(refusal(infinite) == "a[1].b: a number that is not finite has no JSON form");
  const json discarded = json::parse("{", nullptr, false);
  REQUIRE(discarded.is_discarded());
  CHECK(refusal(discarded).find("discarded") != std::string::npos);
  CHECK(refusal(json{{"x", "\xff"}}) != "(no exception)");
}

TEST_CASE("variants in variants are read by their members in linear time", "[json]") {
  operation nested = sum{};
  for (int i = 0; i < 60; ++i) {  // trying all alternatives at every level would take 2^60 steps
    expression inside;
    inside.value.push_back(std::move(nested));
    if (i % 2 == 0) {
      product outer;
      outer.of.push_back(std::move(inside));
      nested = std::move(outer);
    } else {
      sum outer;
      outer.of.push_back(std::move(inside));
      nested = std::move(outer);
    }
  }
  const std::string text = encode(nested);
  CHECK(encode(decode<operation>(text)) == text);
}

TEST_CASE("a search for alternatives that would take too long is given up, with a short reason", "[json]") {
  std::string text = R"({"of":[],"leaf":true})";
  for (int i = 0; i < 40; ++i) text = R"({"of":[)" + text + "]}";
  const std::string problem =
      support::message_of<payload_error>([&] { static_cast<void>(decode<list>(text)); });
  CHECK(problem.find("fits none of the variant's alternatives") != std::string::npos);
  CHECK(problem.size() < 2000);
  const std::string many = R"({"of":[{"of":[],"leaf":"a"})" + [] {
    std::string more;
    for (int i = 0; i < 20'000; ++i) more += R"(,{"of":[],"leaf":"b"})";
    return more + "]}";
  }();
  CHECK(std::get<numbers>(decode<list>(many)).of.size() == 20'001);  // not deep, so each may be tried
  CHECK_FALSE(decode<list>(R"({"of":[{"of":[],"leaf":"a"}]})").valueless_by_exception());
}

TEST_CASE("an empty optional member stays empty, also when it has an initializer", "[json]") {
  const defaults empty{.five = {}, .none = {}, .text = {}, .list = {}};
  CHECK(encode(empty) == R"({"five":null,"text":null,"list":null})");
  const auto read = decode<defaults>(encode(empty));
  CHECK_FALSE(read.five.has_value());
  CHECK_FALSE(read.none.has_value());
  CHECK_FALSE(read.text.has_value());
  CHECK_FALSE(read.list.has_value());
  CHECK(decode<defaults>("{}").five == 5);
  CHECK(encode(defaults{}) == R"({"five":5,"text":"x","list":[1]})");
}

TEST_CASE("an enumeration without INNGEST_ENUM is a number in the range of its type", "[json]") {
  CHECK(encode(level::high) == "1");
  CHECK(decode<level>("1") == level::high);
  for (const char* const wrong : {"256", "-1", "1.5", "\"high\"", "null"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(decode<level>(wrong), payload_error);
  }
  CHECK(encode(nlohmann_level::high) == "\"high\"");
  CHECK(decode<nlohmann_level>("\"high\"") == nlohmann_level::high);
}
