#include <inngest/json.hpp>
#include <inngest/json/detail/canonical.hpp>
#include <inngest/json/detail/members.hpp>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/message_of.hpp"

namespace {

using inngest::json;
using inngest::payload_error;
using inngest::detail::canonical_json;
using inngest::detail::has_duplicate_members;

std::string fixture(const std::string& name) {
  const auto path =
      std::filesystem::path(__FILE__).parent_path().parent_path() / "fixtures" / "canonical" / name;
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in.good());
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string number_text(double value) {
  std::string out;
  inngest::detail::write_canonical_number(out, value);
  return out;
}

std::string problem_of(const std::string& text) {
  return support::message_of<payload_error>([&] { canonical_json(text); });
}

// ---- a slow writer of canonical JSON, by another road ---------------------------------------------------

std::u16string utf16(const std::string& text) {
  std::u16string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t at) {
      return static_cast<std::uint32_t>(static_cast<unsigned char>(text[at]));
    };
    const std::size_t size = byte(i) < 0x80 ? 1 : byte(i) < 0xE0 ? 2 : byte(i) < 0xF0 ? 3 : 4;
    std::uint32_t code = size == 1 ? byte(i) : byte(i) & (0xFFu >> (size + 1));
    for (std::size_t k = 1; k < size; ++k) code = code << 6 | (byte(i + k) & 0x3F);
    i += size;
    if (code < 0x10000) {
      out += static_cast<char16_t>(code);
    } else {
      out += static_cast<char16_t>(0xD800 + ((code - 0x10000) >> 10));
      out += static_cast<char16_t>(0xDC00 + ((code - 0x10000) & 0x3FF));
    }
  }
  return out;
}

/// The rule of ECMAScript, with the digits found by trying.
std::string slow_number(double value) {
  if (value == 0) return "0";
  char text[64];
  int precision = 0;
  do {
    std::snprintf(text, sizeof text, "%.*e", precision++, std::abs(value));
  } while (std::strtod(text, nullptr) != std::abs(value));
  std::string digits(text);
  const int n = std::atoi(text + digits.find('e') + 1) + 1;
  digits.resize(digits.find('e'));
  const auto is_no_digit = [](char c) { return c < '0' || c > '9'; };  // the locale's decimal point
  digits.erase(std::remove_if(digits.begin(), digits.end(), is_no_digit), digits.end());
  const int k = static_cast<int>(digits.size());
  const auto at = [](int i) { return static_cast<std::size_t>(i); };
  std::string out;
  if (k <= n && n <= 21)
    out = digits + std::string(at(n - k), '0');
  else if (0 < n && n <= 21)
    out = digits.substr(0, at(n)) + "." + digits.substr(at(n));
  else if (-6 < n && n <= 0)
    out = "0." + std::string(at(-n), '0') + digits;
  else
    out = digits.substr(0, 1) + (k > 1 ? "." + digits.substr(1) : "") + (n > 0 ? "e+" : "e-") +
          std::to_string(std::abs(n - 1));
  return (value < 0 ? "-" : "") + out;
}

std::string slow_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const char* names = "\b\t\n\f\r\"\\";
    const char* found = c == '\0' ? nullptr : std::strchr(names, c);
    char escape[8];
    if (found)
      out += std::string("\\") + "btnfr\"\\"[found - names];
    else if (static_cast<unsigned char>(c) < 0x20)
      std::snprintf(escape, sizeof escape, "\\u%04x", c), out += escape;
    else
      out += c;
  }
  return out + "\"";
}

std::string slow_canonical(const json& value) {
  if (value.is_number()) return slow_number(value.get<double>());
  if (value.is_string()) return slow_text(value.get<std::string>());
  if (!value.is_structured()) return value.dump();
  std::string out;
  if (value.is_array()) {
    for (const json& each : value) out += (out.empty() ? "" : ",") + slow_canonical(each);
    return "[" + out + "]";
  }
  std::vector<std::pair<std::u16string, std::string>> members;
  for (const auto& [name, each] : value.items())
    members.emplace_back(utf16(name), slow_text(name) + ":" + slow_canonical(each));
  std::sort(members.begin(), members.end());
  for (const auto& [name, text] : members) out += (out.empty() ? "" : ",") + text;
  return "{" + out + "}";
}

// ---- JSON as strangers write it -----------------------------------------------------------------------

class writer {
 public:
  explicit writer(unsigned seed) : random_(seed) {}

  int below(int count) { return static_cast<int>(random_() % static_cast<unsigned>(count)); }

  std::string text() {
    static const char* const pieces[] = {
        "a", "b", "B",      "~",      "\"",         "\\",         "/",      "\n", "\b", "\f", "\x1f", "\x7f",
        "ö", "€", "\ue000", "\ufb33", "\U0001f602", "\U0010ffff", "\ud7ff", "{",  "}",  ":",  ",",    "["};
    std::string out;
    for (int i = below(5); i > 0; --i) out += pieces[below(static_cast<int>(std::size(pieces)))];
    return out;
  }

  json value(int depth) {
    switch (below(depth > 0 ? 7 : 5)) {
      case 0:
        return json(nullptr);
      case 1:
        return json(below(2) == 0);
      case 2:
        return json(text());
      case 3:
        return json(below(2000) - 1000);
      case 4:
        return json(number());
      case 5: {
        json out = json::array();
        for (int i = below(4); i > 0; --i) out.push_back(value(depth - 1));
        return out;
      }
      default: {
        json out = json::object();
        for (int i = below(6); i > 0; --i) out[text()] = value(depth - 1);
        return out;
      }
    }
  }

  double number() {
    for (;;) {
      const double out = std::bit_cast<double>(random_());
      if (std::isfinite(out)) return out;
    }
  }

  /// The value with white space, members in any order and escapes that nothing requires. `doubled` says which
  /// object, counted from 0, gets a member twice.
  std::string write(const json& value, int doubled = -1) {
    objects_ = 0;
    doubled_ = doubled;
    return space() + put(value) + space();
  }
  int objects() const { return objects_; }

 private:
  std::string space() {
    static const char* const spaces[] = {"", "", "", " ", "\n", "\t \r\n"};
    return spaces[below(6)];
  }

  std::string escaped(const std::string& text) {
    std::string out = "\"";
    for (const char16_t unit : utf16(text)) {
      char escape[8];
      std::snprintf(escape, sizeof escape, below(2) == 0 ? "\\u%04x" : "\\u%04X", unit);
      out += escape;
    }
    return out + "\"";
  }
  std::string quoted(const std::string& text) {
    if (below(4) == 0) return escaped(text);
    return json(text).dump(-1, ' ', below(3) == 0);
  }

  std::string put(const json& value) {
    if (value.is_string()) return quoted(value.get<std::string>());
    if (value.is_number_integer() && below(3) == 0) return value.dump() + (below(2) == 0 ? ".0" : "e0");
    if (value.is_array()) {
      std::string out;
      for (const json& each : value) out += (out.empty() ? "" : ",") + space() + put(each) + space();
      return "[" + (out.empty() ? space() : out) + "]";
    }
    if (!value.is_object()) return value.dump();
    const bool doubled = objects_++ == doubled_;
    std::vector<std::string> members;
    for (const auto& [name, each] : value.items())
      members.push_back(space() + quoted(name) + space() + ":" + space() + put(each) + space());
    if (doubled) {
      const std::string name = value.empty() ? "x" : value.begin().key();
      if (value.empty()) members.push_back(quoted(name) + ":1");
      members.push_back(quoted(name) + ":2");
    }
    std::shuffle(members.begin(), members.end(), random_);
    std::string out;
    for (const std::string& each : members) out += (out.empty() ? "" : ",") + each;
    return "{" + (out.empty() ? space() : out) + "}";
  }

  std::mt19937_64 random_;
  int objects_ = 0;
  int doubled_ = -1;
};

}  // namespace

TEST_CASE("canonical JSON is that of the vectors of RFC 8785", "[canonical]") {
  for (const std::string name : {"arrays", "french", "structures", "unicode", "values", "weird"}) {
    CAPTURE(name);
    const std::string wanted = fixture(name + ".out.json");
    CHECK(canonical_json(fixture(name + ".in.json")) == wanted);
    CHECK(canonical_json(wanted) == wanted);
  }
}

TEST_CASE("canonical numbers are those of the table of RFC 8785", "[canonical]") {
  std::istringstream table(fixture("numbers.txt"));
  std::string line;
  int count = 0;
  while (std::getline(table, line)) {
    if (line.starts_with('#')) continue;
    CAPTURE(line);
    const double value = std::bit_cast<double>(std::uint64_t{std::stoull(line.substr(0, 16), nullptr, 16)});
    CHECK(number_text(value) == line.substr(17));
    CHECK(canonical_json(line.substr(17)) == line.substr(17));
    ++count;
  }
  CHECK(count == 24);
}

TEST_CASE("however a number is written, it has one canonical form", "[canonical]") {
  const std::pair<const char*, const char*> forms[] = {
      {"1.0", "1"},
      {"-0", "0"},
      {"-0.0", "0"},
      {"1e-06", "0.000001"},
      {"1E-7", "1e-7"},
      {"1.23e20", "123000000000000000000"},
      {"1e21", "1e+21"},
      {"100e-2", "1"},
      {"0e999999", "0"},
      {"1e-400", "0"},
      {"-1e-400", "0"},
      {"0.000e5", "0"},
      {"9007199254740993", "9007199254740992"},
      {"18446744073709551615", "18446744073709552000"},
      {"4.9406564584124654e-324", "5e-324"},
      {"1e-99999999999999999999", "0"},
      {"0.1e1", "1"},
      {"123456789012345678901234567890", "1.2345678901234568e+29"}};
  for (const auto& [given, wanted] : forms) {
    CAPTURE(given);
    CHECK(canonical_json(given) == wanted);
  }
  for (const char* given : {"1e400", "-1e400", "1e99999999999999999999"}) {
    CAPTURE(given);
    CHECK(problem_of(given).find("out of range") != std::string::npos);
  }
}

TEST_CASE("canonical numbers have the shortest digits that read back", "[canonical][property]") {
  writer any(1);
  for (int i = 0; i < 20000; ++i) {
    const double value = any.number();
    const std::string text = number_text(value);
    CAPTURE(text);
    REQUIRE(text == slow_number(value));
    REQUIRE(json::parse(text).get<double>() == value);
  }
}

TEST_CASE("however a value is written, it has one canonical form", "[canonical][property]") {
  writer any(2);
  for (int i = 0; i < 3000; ++i) {
    const json value = any.value(5);
    const std::string given = any.write(value);
    CAPTURE(given);
    const std::string canonical = canonical_json(given);
    REQUIRE(canonical == slow_canonical(value));
    REQUIRE(canonical_json(canonical) == canonical);
    REQUIRE_FALSE(has_duplicate_members(given));
  }
}

TEST_CASE("a member that is there twice is found wherever it is and however it is written",
          "[canonical][property]") {
  writer any(3);
  int seen = 0;
  for (int i = 0; i < 3000; ++i) {
    const json value = any.value(6);
    any.write(value);
    if (any.objects() == 0) continue;
    ++seen;
    const std::string given = any.write(value, any.below(any.objects()));
    CAPTURE(given);
    REQUIRE(has_duplicate_members(given));
    REQUIRE(problem_of(given).find("two members with the same name") != std::string::npos);
  }
  CHECK(seen > 500);
}

TEST_CASE("the same name in two objects, or as a value, is no duplicate", "[canonical]") {
  for (const char* text :
       {R"({"a":{"a":{"a":["a","a"]}},"b":{"a":1}})", R"([{"a":1},{"a":1}])", R"({"a":"a","b":"a"})",
        R"({"a":"{\"x\":1,\"x\":2}"})", R"({"a\"":1,"a":2})", R"({"b":1,"a":{"b":2},"c":1})", R"("a")", "",
        "{", R"({"a":"b)", R"({"a\)", R"({"a":1}{"a":1})"}) {
    CAPTURE(text);
    CHECK_FALSE(has_duplicate_members(text));
  }
  for (const char* text :
       {R"({"a":1,"a":1})", R"({"a":1,"\u0061":1})", R"({"\u0061":1,"b":0,"\u0061":1})", R"({"":1,"":2})",
        R"([[[{"x":{"a" :1,"b":[{}],"a":1}}]]])", R"({"\ud83d\ude02":1,"😂":2})", R"({"\/":1,"/":2})",
        R"({"\ud83d":1,"\ud83d":2})", R"({"a":1,"a":1)", R"({"b":{"c":{}},"a":0,"b":1})"}) {
    CAPTURE(text);
    CHECK(has_duplicate_members(text));
  }
}

TEST_CASE("what is not JSON has no canonical form", "[canonical]") {
  for (const std::string& text : {std::string(),
                                  std::string(" "),
                                  std::string("{"),
                                  std::string("["),
                                  std::string("[1,]"),
                                  std::string("{,}"),
                                  std::string(R"({"a":1,})"),
                                  std::string(R"({"a"})"),
                                  std::string(R"({a:1})"),
                                  std::string("[1 2]"),
                                  std::string("01"),
                                  std::string("-"),
                                  std::string("+1"),
                                  std::string(".5"),
                                  std::string("1."),
                                  std::string("1e"),
                                  std::string("tru"),
                                  std::string("nul"),
                                  std::string("NaN"),
                                  std::string("1 1"),
                                  std::string("\"a"),
                                  std::string("\"\\\""),
                                  std::string("\"\\x\""),
                                  std::string("\"\\u12g4\""),
                                  std::string("\"\\u12"),
                                  std::string("\"\n\""),
                                  std::string("\"\xff\""),
                                  std::string("\"\xed\xa0\x80\""),
                                  std::string("1\0", 2),
                                  std::string("\xef\xbb\xbf{}"),
                                  std::string("'a'"),
                                  std::string("[}"),
                                  std::string(R"("\ud83d")"),
                                  std::string(R"("\ude02\ud83d")"),
                                  std::string(R"("\ud83d\u0041")"),
                                  std::string(R"({"\ud83d":1})"),
                                  std::string("/**/1")}) {
    CAPTURE(text);
    CHECK_THROWS_AS(canonical_json(text), payload_error);
  }
}

TEST_CASE("errors of canonical JSON say where and repeat nothing of the text", "[canonical]") {
  CHECK(problem_of(R"({"secret":1,"secret":2})") ==
        "an object has two members with the same name, at byte 23");
  CHECK(problem_of(R"(["secret" 1])") == "not valid JSON: expected , or ], at byte 10");
}

TEST_CASE("canonical JSON has a limit of depth and none of size", "[canonical]") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(canonical_json(nested(INNGEST_MAX_JSON_DEPTH)) == nested(INNGEST_MAX_JSON_DEPTH));
  CHECK(problem_of(nested(INNGEST_MAX_JSON_DEPTH + 1)).find("nested deeper") != std::string::npos);
  CHECK(problem_of(std::string(1'000'000, '{')).find("not valid JSON") != std::string::npos);
  CHECK(problem_of(std::string(1'000'000, '[')).find("nested deeper") != std::string::npos);

  // each level would have to be copied if members were moved about: that would be gigabytes
  const std::string deep = "\"" + std::string(std::size_t{8} << 20, 'x') + "\"";
  std::string open, shut;
  for (int i = 0; i < 500; ++i) {
    open += "{\"b\":";
    shut += ",\"a\":0}";
  }
  const std::string canonical = canonical_json(open + deep + shut);
  CHECK(canonical.size() == open.size() + deep.size() + shut.size());
  CHECK(canonical.starts_with("{\"a\":0,\"b\":{\"a\":0,"));

  std::string many = "{";
  for (int i = 200'000; i > 0; --i) many += "\"" + std::to_string(i) + "\": 1.0,";
  many.back() = '}';
  CHECK(canonical_json(many).starts_with("{\"1\":1,\"10\":1,\"100\":1,"));
  CHECK_FALSE(has_duplicate_members(many));
  many.back() = ',';
  CHECK(has_duplicate_members(many + "\"77\":1}"));
}
