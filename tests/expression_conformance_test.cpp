#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <inngest/expression/evaluation.hpp>

#include "catch.hpp"

// The language's own conformance data, as far as it is about what expressions of events can do, and cases of
// what these leave open: patterns.json and further.json. A file's cases are a list: {"expression": ...,
// "variables": {...}, "result": ...}, or "error": true. Values are JSON where that is enough; {"int": 1},
// {"uint": 1}, {"double": 1.0} or "NaN", {"bytes": hex}, {"type": name},
// {"map": [[key, value], ...]}, {"timestamp": text} and {"duration": text} are the rest.

namespace {

using inngest::json;
using inngest::detail::cel_value;
namespace detail = inngest::detail;

std::filesystem::path fixtures() {
#ifdef INNGEST_TEST_FIXTURES
  return std::filesystem::path(INNGEST_TEST_FIXTURES) / "expressions";
#else
  return std::filesystem::path(__FILE__).parent_path() / "fixtures" / "expressions";
#endif
}

json cases_of(const std::string& topic) {
  std::ifstream in(fixtures() / (topic + ".json"));
  REQUIRE(in);
  return json::parse(in);
}

std::string bytes_of(const std::string& hex) {
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return out;
}

std::string hex_of(const std::string& bytes) {
  std::string out;
  for (const char c : bytes) {
    out += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    out += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

/// The value that a fixture describes.
cel_value made(const json& shown) {
  if (shown.is_array()) {
    std::vector<cel_value> out;
    for (const json& each : shown) out.push_back(made(each));
    return detail::cel_list(std::make_shared<const std::vector<cel_value>>(std::move(out)));
  }
  if (!shown.is_object()) return cel_value::of(shown, true);
  const std::string kind = shown.begin().key();
  const json& value = shown.begin().value();
  if (kind == "int") return value.get<std::int64_t>();
  if (kind == "uint") return value.get<std::uint64_t>();
  if (kind == "double") return value.get<double>();
  if (kind == "bytes") return detail::cel_bytes{bytes_of(value.get<std::string>())};
  if (kind == "duration") return *detail::parse_cel_duration(value.get<std::string>());
  if (kind == "timestamp") return *detail::parse_cel_timestamp(value.get<std::string>());
  REQUIRE(kind == "map");
  std::vector<std::pair<cel_value, cel_value>> out;
  for (const json& each : value) out.emplace_back(made(each[0]), made(each[1]));
  return detail::cel_map(
      std::make_shared<const std::vector<std::pair<cel_value, cel_value>>>(std::move(out)));
}

json shown_double(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
  return number;
}

/// A value as a fixture describes it, or {"error": what}.
json shown(const cel_value& value) {
  if (const auto* number = value.as<std::int64_t>()) return {{"int", *number}};
  if (const auto* number = value.as<std::uint64_t>()) return {{"uint", *number}};
  if (const auto* number = value.as<double>()) return {{"double", shown_double(*number)}};
  if (const auto* bytes = value.as<detail::cel_bytes>()) return {{"bytes", hex_of(bytes->text)}};
  if (const auto* time = value.as<detail::cel_timestamp>()) return {{"timestamp", detail::text_of(*time)}};
  if (const auto* time = value.as<detail::cel_duration>()) return {{"duration", detail::text_of(*time)}};
  if (const auto* type = value.as<detail::cel_type>()) return {{"type", type->name}};
  if (const auto* error = value.as<detail::cel_error>()) return {{"error", error->problem}};
  if (value.is_list()) {
    json out = json::array();
    for (const cel_value& each : detail::elements_of(value, true)) out.push_back(shown(each));
    return out;
  }
  if (value.is_map()) {
    json out = json::array();
    for (const cel_value& key : detail::elements_of(value, true))
      out.push_back(json::array({shown(key), shown(*detail::member_of(value, key, true))}));
    return {{"map", out}};
  }
  return detail::to_json(value);
}

/// Of a case. A text that is no expression is an error, too.
json result_of(const json& given) {
  std::vector<std::pair<std::string, cel_value>> variables;
  const json named = given.value("variables", json::object());
  for (const auto& [name, value] : named.items()) variables.emplace_back(name, made(value));
  try {
    const inngest::expression parsed(given["expression"], inngest::expression_names::any);
    return shown(
        detail::cel_evaluator(parsed.nodes(), json::object(), inngest::missing_fields::are_errors, variables)
            .run());
  } catch (const inngest::expression_error& error) {
    return {{"error", error.what()}};
  }
}

void check_cases(const std::string& topic) {
  for (const json& each : cases_of(topic)) {
    INFO(each.dump());
    const json result = result_of(each);
    if (each.contains("error")) {
      CHECK(result.dump().find("{\"error\":") == 0);
    } else {
      CHECK(result.dump() == each["result"].dump());  // as texts, so that 0.0 is not -0.0
    }
  }
}

/// Other ways to write an expression, with what is expected of each: the same result, or one of the
/// expression's own if that is a bool.
struct rewriting {
  std::string before, after;
  bool of_bools = false;
};

const std::vector<rewriting> rewritings = {
    {"(", "\n)"},
    {" // a comment\n ( ( ", "\n) ) "},
    {"[", "\n][0]"},
    {"[0, ", "\n, 1].filter(unused, true)[1]"},
    {"{'a': ", "\n}.a"},
    {"{'a': ", "\n}['a']"},
    {"{1: ", "\n}[1.0]"},
    {"true ? (", "\n) : 0"},
    {"false ? 0 : (", "\n)"},
    {"[0].map(unused, ", "\n)[0]"},
    {"dyn(", "\n)"},
    {"true && (", "\n)", true},
    {"(", "\n) && true", true},
    {"false || (", "\n)", true},
    {"!(!(", "\n))", true},
    {"(", "\n) ? true : false", true},
    {"[0].all(unused, ", "\n)", true},
    {"[0].exists(unused, ", "\n)", true},
    {"[0].exists_one(unused, ", "\n)", true},
};

void check_rewritten(const std::string& topic) {
  for (const json& each : cases_of(topic)) {
    json result = result_of(each);
    const bool failed = result.dump().find("{\"error\":") == 0;
    for (const rewriting& written : rewritings) {
      json other = each;
      other["expression"] = written.before + each["expression"].get<std::string>() + written.after;
      INFO(other.dump());
      const json found = result_of(other);
      if (failed || (written.of_bools && !result.is_boolean()))
        CHECK(found.dump().find("{\"error\":") == 0);
      else
        CHECK(found.dump() == result.dump());
    }
  }
}

}  // namespace

TEST_CASE("literals are what CEL says, however they are written", "[conformance]") {
  for (const char* topic : {"literals", "quoting", "nesting"}) check_cases(topic);
}

TEST_CASE("variables, fields and functions are found by their names as CEL says", "[conformance]") {
  for (const char* topic : {"names", "variables", "maps"}) check_cases(topic);
}

TEST_CASE("numbers are computed with and compared as CEL says", "[conformance]") {
  for (const char* topic : {"arithmetic", "equality", "order"}) check_cases(topic);
}

TEST_CASE("types are told apart and converted as CEL says", "[conformance]") {
  for (const char* topic : {"types", "conversions"}) check_cases(topic);
}

TEST_CASE("logic takes errors as CEL says", "[conformance]") { check_cases("logic"); }

TEST_CASE("lists have the members and macros that CEL says", "[conformance]") {
  for (const char* topic : {"lists", "membership", "macros"}) check_cases(topic);
}

TEST_CASE("what the data leave open is as the language's definition has it", "[conformance]") {
  for (const char* topic : {"patterns", "further"}) check_cases(topic);
}

TEST_CASE("texts and times have the functions that CEL says", "[conformance]") {
  for (const char* topic : {"texts", "times"}) check_cases(topic);
}

TEST_CASE("an expression within others that change nothing has the same result", "[conformance]") {
  for (const char* topic :
       {"literals", "quoting", "names", "variables", "maps", "arithmetic", "equality", "order", "types",
        "conversions", "logic", "lists", "membership", "macros", "patterns", "further", "texts", "times"})
    check_rewritten(topic);
}
