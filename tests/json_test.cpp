#include <inngest/json.hpp>

#include <inngest/json/detail/document.hpp>
#include <inngest/json/detail/text.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "support/message_of.hpp"

namespace json_shop {

enum class executor { native, python_e2b };
INNGEST_ENUM(executor, {executor::native, "native"}, {executor::python_e2b, "python-e2b"})

struct position {
  double x = 0, y = 0;
  bool operator==(const position&) const = default;
};
INNGEST_FIELDS(position, x, y)

struct node {
  std::string id;
  json_shop::position position;
  std::optional<json_shop::executor> executor;
  std::vector<std::string> tags;
  bool operator==(const node&) const = default;
};
INNGEST_FIELDS(node, id, position, executor, tags)
INNGEST_DEFAULTS(node, tags)

struct graph {
  std::vector<node> nodes;
  std::map<std::string, int> counts;
  inngest::json anything;
  inngest::extra_fields rest;
  bool operator==(const graph&) const = default;
};
INNGEST_FIELDS(graph, nodes, counts, anything, rest)
INNGEST_DEFAULTS(graph, counts, anything)

struct page {
  int number = 7;
  std::string title = "untitled";
};
INNGEST_FIELDS(page, number, title)
INNGEST_DEFAULTS(page, number)

struct positive {
  int value = 1;
};
INNGEST_FIELDS(positive, value)
inline void validate(const positive& p) {
  if (p.value <= 0) throw std::invalid_argument("value must be positive");
}
struct pair_of_positive {
  positive a;
  std::vector<positive> more;
};
INNGEST_FIELDS(pair_of_positive, a, more)

struct tree {
  std::vector<tree> kids;
};
INNGEST_FIELDS(tree, kids)

struct folder {
  std::vector<folder> kids{};
  std::string name{};
  int size = 0;
  std::vector<std::string> tags{};
};
INNGEST_FIELDS(folder, kids, name, size, tags)
INNGEST_DEFAULTS(folder, kids, name, size, tags)

class by_hand {
 public:
  int value = 0;
};
inline void to_json(inngest::json& out, const by_hand& in) { out = {{"hand", in.value}}; }
inline void from_json(const inngest::json& in, by_hand& out) { out.value = in.at("hand").get<int>(); }

struct with_by_hand {
  by_hand one;
  std::vector<by_hand> many;
};
INNGEST_FIELDS(with_by_hand, one, many)

struct wide {
  int f01, f02, f03, f04, f05, f06, f07, f08, f09, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21,
      f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37, f38, f39, f40;
};
INNGEST_FIELDS(wide, f01, f02, f03, f04, f05, f06, f07, f08, f09, f10, f11, f12, f13, f14, f15, f16, f17, f18,
               f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36, f37,
               f38, f39, f40)

}  // namespace json_shop

namespace {

using inngest::decode;
using inngest::encode;
using inngest::json;
using inngest::payload_error;

template <class T>
std::string decode_error(std::string_view text, std::string_view root = "data") {
  return support::message_of<payload_error>([&] { static_cast<void>(decode<T>(text, root)); });
}
template <class T>
std::string encode_error(const T& value) {
  return support::message_of<payload_error>([&] { static_cast<void>(encode(value, "data")); });
}
template <class T>
T back(const T& value) {
  return decode<T>(encode(value));
}
std::string repeated(std::string_view part, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += part;
  return out;
}

const std::string graph_text =
    R"({"nodes":[{"id":"n1","position":{"x":1.5,"y":-2},"executor":"python-e2b","tags":["a","b"]},)"
    R"({"id":"n2","position":{"x":0,"y":0},"executor":null}],"counts":{"a":1,"ü":2},)"
    R"("anything":[null,true,{"k":"v"}],"unknown":{"deep":[1,2]},"other":null})";

}  // namespace

TEST_CASE("a nested type is read with optionals, enums, maps, plain JSON and extra fields", "[json]") {
  const auto g = decode<json_shop::graph>(graph_text);
  REQUIRE(g.nodes.size() == 2);
  CHECK(g.nodes[0].position == json_shop::position{1.5, -2});
  CHECK(g.nodes[0].executor == json_shop::executor::python_e2b);
  CHECK(g.nodes[0].tags == std::vector<std::string>{"a", "b"});
  CHECK_FALSE(g.nodes[1].executor.has_value());
  CHECK(g.nodes[1].tags.empty());
  CHECK(g.counts == std::map<std::string, int>{{"a", 1}, {"ü", 2}});
  CHECK(g.anything == json::parse(R"([null,true,{"k":"v"}])"));
  CHECK(g.rest.size() == 2);
  CHECK(g.rest.at("unknown") == json::parse(R"({"deep":[1,2]})"));
  CHECK(g.rest.at("other").is_null());
  CHECK(back(g) == g);
}

TEST_CASE("the path of what does not fit is named", "[json][errors]") {
  CHECK(
      decode_error<json_shop::graph>(
          R"({"nodes":[{"id":"a","position":{"x":1,"y":1}},{"id":"b","position":{"x":1,"y":1}},{"id":"c","position":{"x":"far","y":1}}]})") ==
      "data.nodes[2].position.x: expected number, found string");
  CHECK(decode_error<json_shop::graph>(R"({})") == "data.nodes: expected array, found nothing");
  CHECK(decode_error<json_shop::graph>(R"({"nodes":{}})") == "data.nodes: expected array, found object");
  CHECK(decode_error<json_shop::graph>(R"({"nodes":null})") == "data.nodes: expected array, found null");
  CHECK(decode_error<json_shop::graph>(R"({"nodes":[7]})") == "data.nodes[0]: expected object, found number");
  CHECK(decode_error<json_shop::graph>(R"({"nodes":[{"id":"a"}]})") ==
        "data.nodes[0].position: expected object, found nothing");
  CHECK(decode_error<json_shop::graph>(R"({"nodes":[{"id":"a","position":{"x":1}}]})") ==
        "data.nodes[0].position.y: expected number, found nothing");
  CHECK(decode_error<json_shop::graph>(R"({"nodes":[],"counts":{"k":true}})") ==
        "data.counts.k: expected integer, found boolean");
  CHECK(decode_error<json_shop::graph>(
            R"({"nodes":[{"id":"a","position":{"x":1,"y":1},"executor":"perl"}]})") ==
        R"(data.nodes[0].executor: expected one of "native", "python-e2b", found "perl")");
  CHECK(decode_error<json_shop::graph>(R"([])") == "data: expected object, found array");
  CHECK(decode_error<int>(R"("1")", "") == "expected integer, found string");
}

TEST_CASE("the error carries its path apart from its message", "[json][errors]") {
  try {
    static_cast<void>(decode<json_shop::graph>(R"({"nodes":[{"id":5}]})", "data"));
    FAIL("read");
  } catch (const payload_error& problem) {
    CHECK(problem.path() == "data.nodes[0].id");
    CHECK(problem.code() == inngest::error_code::payload);
  }
}

TEST_CASE("an optional member may be missing or null and is left out when empty", "[json]") {
  const auto n = decode<json_shop::node>(R"({"id":"a","position":{"x":1,"y":2}})");
  CHECK_FALSE(n.executor.has_value());
  CHECK(encode(n) == R"({"id":"a","position":{"x":1,"y":2},"tags":[]})");
}

TEST_CASE("a field with a default may be missing but not of another type", "[json]") {
  CHECK(decode<json_shop::page>(R"({"title":"t"})").number == 7);
  CHECK(decode_error<json_shop::page>(R"({"number":1})") == "data.title: expected string, found nothing");
  CHECK(decode_error<json_shop::page>(R"({"number":null,"title":"t"})") ==
        "data.number: expected integer, found null");
}

TEST_CASE("validate is called after reading and before writing, with the path", "[json][validate]") {
  CHECK(decode_error<json_shop::positive>(R"({"value":0})") == "data: value must be positive");
  CHECK(decode_error<json_shop::pair_of_positive>(R"({"a":{"value":1},"more":[{"value":1},{"value":-1}]})") ==
        "data.more[1]: value must be positive");
  CHECK(encode_error(json_shop::positive{-1}) == "data: value must be positive");
  CHECK(encode_error(json_shop::pair_of_positive{{1}, {{1}, {0}}}) == "data.more[1]: value must be positive");
  CHECK(back(json_shop::positive{3}).value == 3);
}

TEST_CASE("a declared type works with nlohmann's json both ways, by the same rules", "[json][nlohmann]") {
  const auto g = decode<json_shop::graph>(graph_text);
  const json dom = g;
  CHECK(dom.at("nodes").at(0).at("executor") == "python-e2b");
  CHECK_FALSE(dom.at("nodes").at(1).contains("executor"));
  CHECK(dom.get<json_shop::graph>() == g);
  CHECK(json(json_shop::executor::native) == "native");
  CHECK(json("python-e2b").get<json_shop::executor>() == json_shop::executor::python_e2b);
  CHECK_THROWS_AS(json("perl").get<json_shop::executor>(), payload_error);
  CHECK_THROWS_AS(json(json_shop::positive{-1}), payload_error);
  CHECK_THROWS_AS(json::object().get<json_shop::positive>(), payload_error);
}

TEST_CASE("a type with nlohmann's own functions works as a member", "[json][nlohmann]") {
  const auto value = decode<json_shop::with_by_hand>(R"({"one":{"hand":1},"many":[{"hand":2},{"hand":3}]})");
  CHECK(value.one.value == 1);
  CHECK(value.many.at(1).value == 3);
  CHECK(encode(value) == R"({"one":{"hand":1},"many":[{"hand":2},{"hand":3}]})");
  CHECK_THAT(decode_error<json_shop::with_by_hand>(R"({"one":{},"many":[]})"),
             Catch::Matchers::StartsWith("data.one: "));
  CHECK_THAT(decode_error<json_shop::with_by_hand>(R"({"one":{"hand":1},"many":[{"hand":"x"}]})"),
             Catch::Matchers::StartsWith("data.many[0]: "));
}

TEST_CASE("forty fields are no trouble", "[json]") {
  json_shop::wide value{};
  value.f01 = 1;
  value.f40 = 40;
  CHECK(back(value).f40 == 40);
}

TEST_CASE("integers keep their limits", "[json][numbers]") {
  CHECK(back(std::numeric_limits<std::int64_t>::min()) == std::numeric_limits<std::int64_t>::min());
  CHECK(back(std::numeric_limits<std::int64_t>::max()) == std::numeric_limits<std::int64_t>::max());
  CHECK(back(std::numeric_limits<std::uint64_t>::max()) == std::numeric_limits<std::uint64_t>::max());
  CHECK(back(std::numeric_limits<std::int8_t>::min()) == std::numeric_limits<std::int8_t>::min());
  CHECK(encode(std::uint8_t{200}) == "200");
  CHECK(encode(char{65}) == "65");
  CHECK(decode<std::uint8_t>("255") == 255);
}

TEST_CASE("integers that do not fit are errors with the range", "[json][numbers]") {
  CHECK(decode_error<std::uint8_t>("256") == "data: expected an integer from 0 to 255, found 256");
  CHECK(decode_error<std::uint8_t>("-1") == "data: expected an integer from 0 to 255, found -1");
  CHECK(decode_error<std::int8_t>("-129") == "data: expected an integer from -128 to 127, found -129");
  CHECK(decode_error<int>("2147483648") ==
        "data: expected an integer from -2147483648 to 2147483647, found 2147483648");
  CHECK(decode_error<std::uint64_t>("-1") ==
        "data: expected an integer from 0 to 18446744073709551615, found -1");
  CHECK(decode_error<std::int64_t>("9223372036854775808") ==
        "data: expected an integer from -9223372036854775808 to 9223372036854775807, found "
        "9223372036854775808");
  for (const char* text :
       {"18446744073709551616", "-9223372036854775809", "1e400", "1e19", "99999999999999999999999"}) {
    CAPTURE(text);
    CHECK_THAT(decode_error<std::int64_t>(text), Catch::Matchers::ContainsSubstring("out of range"));
  }
}

TEST_CASE("a whole number with a fraction of zero or an exponent is an integer", "[json][numbers]") {
  CHECK(decode<int>("3.0") == 3);
  CHECK(decode<int>("1e3") == 1000);
  CHECK(decode<int>("-0") == 0);
  CHECK(decode<int>("-0.0") == 0);
  CHECK(decode<std::int64_t>("9007199254740991.0") == 9007199254740991);
  CHECK(decode_error<int>("3.5") == "data: expected integer, found a number with a fraction");
  CHECK(decode_error<int>("1e-400") == "(no exception)");  // underflows to zero
}

TEST_CASE("floating point survives exactly", "[json][numbers]") {
  for (const double value :
       {0.0, -0.0, 0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, 9007199254740993.0, 1e21, -1e-7}) {
    CAPTURE(value);
    CHECK(back(value) == value);
    CHECK(std::signbit(back(value)) == std::signbit(value));
  }
  CHECK(back(0.1f) == 0.1f);
  CHECK(back(std::numeric_limits<float>::max()) == std::numeric_limits<float>::max());
  CHECK(decode<double>("1") == 1.0);
}

TEST_CASE("NaN and infinity have no JSON form", "[json][numbers]") {
  CHECK(encode_error(std::nan("")) == "data: a number that is not finite has no JSON form");
  CHECK(encode_error(json_shop::position{std::numeric_limits<double>::infinity(), 0}) ==
        "data.x: a number that is not finite has no JSON form");
  CHECK(encode_error(std::vector<float>{1, -std::numeric_limits<float>::infinity()}) ==
        "data[1]: a number that is not finite has no JSON form");
  for (const char* text : {"NaN", "Infinity", "-Infinity", "nan", "1e999"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(decode<double>(text), payload_error);
  }
}

TEST_CASE("a number beyond a float is out of range, not infinite", "[json][numbers]") {
  CHECK_THROWS_AS(decode<float>("1e300"), payload_error);
  CHECK_THROWS_AS(decode<float>("-3.5e38"), payload_error);
}

TEST_CASE("text survives: unicode, escapes, zeroes, controls", "[json][text]") {
  std::string controls;
  for (char c = 0; c < 0x20; ++c) controls += c;
  for (const std::string& text :
       {std::string(), std::string("plain"), std::string("quote \" backslash \\ slash /"), controls,
        std::string("zero\0inside", 11), std::string("größe 漢字 🙂 \x7f"), std::string(100000, 'x'),
        std::string("\xEF\xBF\xBF"), std::string("\xF4\x8F\xBF\xBF")}) {
    CHECK(back(text) == text);
    CHECK(json::parse(encode(text)).get<std::string>() == text);
  }
  CHECK(encode(std::string("a\"b\\c\n\r\t\x01")) == R"("a\"b\\c\n\r\t\u0001")");
  CHECK(decode<std::string>(R"("\u00e4\uD83D\uDE42\/\b\f")") == "ä🙂/\b\f");
  CHECK(decode<std::string>(R"("\u0000")") == std::string(1, '\0'));
}

TEST_CASE("text that is not UTF-8 is an error at its path, both ways", "[json][text]") {
  for (const char* bytes : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3", "a\x80"}) {
    CHECK(encode_error(std::vector<std::string>{"ok", bytes}) ==
          "data[1]: text that is not UTF-8 has no JSON form");
    CHECK_THROWS_AS(decode<std::string>('"' + std::string(bytes) + '"'), payload_error);
  }
  CHECK_THAT(encode_error(std::map<std::string, int>{{"\xff", 1}}),
             Catch::Matchers::ContainsSubstring("UTF-8"));
  CHECK_THROWS_AS(encode(json("\xff")), payload_error);
}

TEST_CASE("bad escapes and raw controls in text are errors", "[json][text]") {
  for (const char* text : {R"("\x")", R"("\u12")", R"("\u123g")", R"("\ud800")", R"("\udc00\ud800")",
                           "\"a\nb\"", "\"a\tb\"", "\"open", R"("\)", "\"a\" \"b\""}) {
    CAPTURE(text);
    CHECK_THROWS_AS(decode<std::string>(text), payload_error);
  }
}

TEST_CASE("escaped keys are the same keys", "[json][text]") {
  CHECK(decode<json_shop::position>(R"({"\u0078":1,"y":2})").x == 1);
  CHECK(decode<std::map<std::string, int>>(R"({"a\"\u00e4":1})").begin()->first == "a\"ä");
}

TEST_CASE("the last of repeated keys counts", "[json]") {
  CHECK(decode<json_shop::position>(R"({"x":1,"y":2,"x":3})").x == 3);
}

TEST_CASE("containers survive", "[json][containers]") {
  CHECK(back(std::vector<bool>{true, false}) == std::vector<bool>{true, false});
  CHECK(back(std::list<int>{3, 1}) == std::list<int>{3, 1});
  CHECK(back(std::set<std::string>{"b", "a"}) == std::set<std::string>{"a", "b"});
  CHECK(back(std::array<int, 3>{1, 2, 3}) == std::array<int, 3>{1, 2, 3});
  CHECK(back(std::tuple<int, std::string, bool>{1, "a", true}) ==
        std::tuple<int, std::string, bool>{1, "a", true});
  CHECK(back(std::pair<std::string, int>{"a", 1}) == std::pair<std::string, int>{"a", 1});
  CHECK(back(std::map<std::string, std::vector<int>>{{"a", {1}}, {"b", {}}}).at("a") == std::vector<int>{1});
  CHECK(back(std::unordered_map<std::string, int>{{"a", 1}}).at("a") == 1);
  CHECK(back(std::optional<int>()) == std::nullopt);
  CHECK(back(std::vector<std::optional<int>>{1, std::nullopt}) ==
        std::vector<std::optional<int>>{1, std::nullopt});
  CHECK(encode(std::vector<int>()) == "[]");
  CHECK(encode(std::map<std::string, int>()) == "{}");
  CHECK(back(json::parse(R"({"a":[1,{"b":null}]})")) == json::parse(R"({"a":[1,{"b":null}]})"));
}

TEST_CASE("an array of fixed size takes no other size", "[json][containers]") {
  CHECK_THAT((decode_error<std::array<int, 2>>("[1]")),
             Catch::Matchers::ContainsSubstring("expected an array of 2"));
  CHECK_THAT((decode_error<std::array<int, 2>>("[1,2,3]")),
             Catch::Matchers::ContainsSubstring("expected an array of 2"));
  CHECK_THROWS_AS((decode<std::tuple<int, int>>("[1]")), payload_error);
  CHECK((decode_error<std::tuple<int, std::string>>(R"([1,2])")) == "data[1]: expected string, found number");
}

TEST_CASE("a tuple takes no more values than it has", "[json][containers]") {
  CHECK_THROWS_AS((decode<std::tuple<int, int>>("[1,2,3]")), payload_error);
  CHECK_THROWS_AS((decode<std::pair<int, int>>("[1,2,3]")), payload_error);
}

TEST_CASE("text that is not one JSON value is refused", "[json][garbage]") {
  for (const char* text :
       {"",   " ",  "\n", "1 2", "1,", ",1",  "1]", "1],[2", "][", "[",   "]",  "{",   "}",    "[1",
        "1}", "01", "+1", "1.",  ".5", "0x1", "-",  "--1",   "1e", "1e+", "1x", "1 x", "\xff", "'1'"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(decode<int>(text), payload_error);
    CHECK_THROWS_AS(decode<double>(text), payload_error);
    CHECK_THROWS_AS(decode<json>(text), payload_error);
  }
  for (const char* text : {"truex", "tru", "True", "TRUE", "t", "falsey", "1", "null"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(decode<bool>(text), payload_error);
  }
  CHECK_THROWS_AS(decode<int>(std::string_view("1\0", 2)), payload_error);
  CHECK(decode<int>(" \t\r\n1 \t\r\n") == 1);
}

TEST_CASE("what only begins like null is not null", "[json][garbage]") {
  CHECK_THROWS_AS(decode<std::optional<int>>("nope"), payload_error);
  CHECK_THROWS_AS(decode<std::optional<int>>("nul"), payload_error);
  CHECK_THROWS_AS(decode<std::vector<std::optional<int>>>("[1,nulll]"), payload_error);
  CHECK_THROWS_AS(decode<json_shop::node>(R"({"id":"a","position":{"x":1,"y":2},"executor":n})"),
                  payload_error);
}

TEST_CASE("nothing is read only from null", "[json][garbage]") {
  CHECK_NOTHROW(decode<std::monostate>("null"));
  CHECK_THROWS_AS(decode<std::monostate>("garbage"), payload_error);
  CHECK_THROWS_AS(decode<std::monostate>("[1]"), payload_error);
}

TEST_CASE("broken objects and arrays are refused wherever they break", "[json][garbage]") {
  for (const char* text :
       {R"({"x":1,"y":2)", R"({"x":1,"y":2}})", R"({"x":1,"y":2}{)", R"({"x":1 "y":2})", R"({"x" 1,"y":2})",
        R"({"x":1,"y":2,})", R"({,"x":1,"y":2})", R"({x:1,"y":2})", R"({"x":1,"y":})", R"({"x":1,"y":2])",
        R"(["x":1,"y":2})", R"({"x":1,"y":2} {"x":1,"y":2})", R"({"x":1,"y":2},)", R"({"x":1,,"y":2})"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(decode<json_shop::position>(text), payload_error);
    CHECK_THROWS_AS(decode<json>(text), payload_error);
  }
  for (const char* text : {"[1,2", "[1 2]", "[1,,2]", "[1,]", "[,1]", "[1}", "[1]]", "[[1]"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(decode<std::vector<int>>(text), payload_error);
  }
}

TEST_CASE("every prefix of a payload is refused", "[json][garbage]") {
  for (std::size_t size = 0; size < graph_text.size(); ++size) {
    CAPTURE(graph_text.substr(0, size));
    CHECK_THROWS_AS(decode<json_shop::graph>(graph_text.substr(0, size)), payload_error);
  }
}

TEST_CASE("a payload with one byte spoilt gives a value or a payload_error, nothing else",
          "[json][garbage]") {
  for (std::size_t i = 0; i < graph_text.size(); ++i) {
    for (const char c : {'\0', '"', '{', '}', '[', ']', ',', ':', 'n', '\\', '\xff', '9', '-', '.'}) {
      std::string text = graph_text;
      text[i] = c;
      try {
        static_cast<void>(decode<json_shop::graph>(text));
      } catch (const payload_error&) {
      }
    }
  }
  SUCCEED();
}

TEST_CASE("JSON nested to the limit is read as a DOM, deeper is an error that says so", "[json][depth]") {
  const auto nested = [](std::size_t depth) { return repeated("[", depth) + repeated("]", depth); };
  CHECK(decode<json>(nested(INNGEST_MAX_JSON_DEPTH)).is_array());
  CHECK(decode_error<json>(nested(INNGEST_MAX_JSON_DEPTH + 1)) ==
        "data: nested deeper than " + std::to_string(INNGEST_MAX_JSON_DEPTH) + " levels");
  CHECK_THROWS_AS(decode<json>(nested(1'000'000)), payload_error);
  CHECK_THROWS_AS(decode<json>(repeated("[", 1'000'000)), payload_error);
  CHECK_THROWS_AS(decode<json>(repeated(R"({"a":)", 100'000)), payload_error);
  CHECK_NOTHROW(decode<json>('"' + repeated("[", 100'000) + '"'));
}

TEST_CASE("a declared type that contains itself is read to the limit, deeper is an error", "[json][depth]") {
  const auto nested = [](std::size_t depth) {
    return repeated(R"({"kids":[)", depth) + repeated("]}", depth);
  };
  CHECK_NOTHROW(decode<json_shop::tree>(nested(100)));
  CHECK_THROWS_AS(decode<json_shop::tree>(nested(100'000)), payload_error);
}

TEST_CASE("the limit of depth is the same for texts and other members", "[json][depth]") {
  const auto nested = [](std::size_t depth, const std::string& members) {
    return repeated(R"({"kids":[)", depth) + '{' + members + '}' + repeated("]}", depth);
  };
  // Each level is a member and an element, so the members of the innermost object are at 2 * depth + 1.
  const std::size_t last = INNGEST_MAX_JSON_DEPTH / 2 - 1;
  for (const std::string members : {R"("name":"x")", R"("size":1)", R"("tags":[])"}) {
    CHECK_NOTHROW(decode<json_shop::folder>(nested(last, members)));
    CHECK_THAT(decode_error<json_shop::folder>(nested(last + 1, members)),
               Catch::Matchers::ContainsSubstring("nested deeper than"));
  }
  const std::string tagged = nested(last, R"("tags":["x"])");
  CHECK_NOTHROW(decode<json_shop::folder>(tagged));
  CHECK_THAT(decode_error<std::vector<json_shop::folder>>('[' + tagged + ']'),
             Catch::Matchers::ContainsSubstring("nested deeper than"));
}

TEST_CASE("extra fields are validated, kept with their types and written back", "[json][extra]") {
  const auto g = decode<json_shop::graph>(R"({"nodes":[],"a":1,"b":"x","c":1.5,"d":[true]})");
  CHECK(encode(g) == R"({"nodes":[],"counts":{},"anything":null,"a":1,"b":"x","c":1.5,"d":[true]})");
  CHECK_THAT(decode_error<json_shop::graph>(R"({"nodes":[],"bad":nope})"),
             Catch::Matchers::StartsWith("data.bad: "));
}

TEST_CASE("an enumerator without a name can't be written", "[json][enum]") {
  CHECK_THAT(encode_error(static_cast<json_shop::executor>(42)), Catch::Matchers::ContainsSubstring("42"));
  CHECK(decode_error<json_shop::executor>("1") == "data: expected string, found number");
}

TEST_CASE("text that is only pointed to comes back owned", "[json]") {
  static_assert(std::is_same_v<inngest::json_form<const char*>, std::string>);
  static_assert(std::is_same_v<inngest::json_form<std::string_view>, std::string>);
  static_assert(std::is_same_v<inngest::json_form<const std::vector<int>&>, std::vector<int>>);
  CHECK(encode("literal") == "\"literal\"");
  const char* pointer = "pointed to";
  CHECK(encode(pointer) == "\"pointed to\"");
  CHECK(encode(std::string_view("view")) == "\"view\"");
}

TEST_CASE("what is JSON and what is not is known to the compiler", "[json]") {
  struct opaque {};
  static_assert(!inngest::json_writable<opaque>);
  static_assert(!inngest::json_writable<std::vector<opaque>>);
  static_assert(!inngest::json_writable<std::optional<opaque>>);
  static_assert(!inngest::json_writable<std::map<std::string, opaque>>);
  static_assert(!inngest::json_writable<void*>);
  static_assert(!inngest::json_convertible<std::unique_ptr<int>>);
  static_assert(!inngest::json_writable<std::wstring>);  // it would be an array of numbers
  static_assert(!inngest::json_writable<std::u8string_view>);
  static_assert(!inngest::json_writable<std::vector<std::u16string>>);
  static_assert(inngest::json_convertible<json_shop::graph>);
  static_assert(inngest::json_convertible<json_shop::by_hand>);
  static_assert(inngest::json_convertible<json>);
  SUCCEED();
}

TEST_CASE("text is only read in place where it is in a buffer", "[json]") {
  using inngest::detail::json_document, inngest::detail::json_slice;
  static_assert(std::is_constructible_v<json_document, json_slice>);
  static_assert(!std::is_constructible_v<json_document, std::string_view>);
  static_assert(!std::is_constructible_v<json_document, std::string>);
  static_assert(!std::is_constructible_v<json_document, const char*>);
  static_assert(!std::is_constructible_v<json_slice, std::string_view>);
  static_assert(!std::is_constructible_v<json_slice, std::string>);
  static_assert(!std::is_assignable_v<json_slice&, std::string_view>);
  const inngest::detail::json_buffer buffer(R"({"a":{"b":[1,2]}})");
  const json_slice a = inngest::detail::find_member(buffer, "a");
  CHECK(a == R"({"b":[1,2]})");
  json_document inner(a);
  for (auto item : inner.object()) CHECK(inngest::detail::take(item, {}).key == "b");
}

TEST_CASE("reading is safe from many threads and from inside other readers", "[json]") {
  // by_hand's reader leads to a DOM, whose conversion of a declared type borrows a second parser
  const json dom = decode<json_shop::graph>(graph_text);
  for (int i = 0; i < 3; ++i) CHECK(dom.get<json_shop::graph>().nodes.size() == 2);
}
