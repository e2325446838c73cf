// What CEL's own tests expect, of everything that needs no protobuf messages: see docs/expressions.md.
#include <inngest/evaluation.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "catch.hpp"

using inngest::json;
using namespace inngest::detail;

namespace {

std::string shown(const cel_value& value);

std::string joined(std::vector<std::string> parts) {
  std::string out;
  for (const std::string& each : parts) out += (out.empty() ? "" : ", ") + each;
  return out;
}

std::string shown_map(const cel_value& map) {
  std::vector<std::string> entries;
  for (const cel_value& key : elements_of(map, true))
    entries.push_back(shown(key) + ": " + shown(*member_of(map, key, true)));
  std::sort(entries.begin(), entries.end());
  return "map {" + joined(std::move(entries)) + "}";
}

std::string shown_list(const cel_value& list) {
  std::vector<std::string> out;
  for (const cel_value& each : elements_of(list, true)) out.push_back(shown(each));
  return "list [" + joined(std::move(out)) + "]";
}

std::string shown_double(double number) {
  if (number != number) return "double nan";
  char out[64];
  std::snprintf(out, sizeof out, "double %.17g", number);
  return out;
}

/// A value with its type: 1, 1u, 1.0 and "1" differ.
std::string shown(const cel_value& value) {
  if (value.is_error()) return "error";
  if (value.is_null()) return "null";
  if (value.is_list()) return shown_list(value);
  if (value.is_map()) return shown_map(value);
  if (const auto* boolean = value.as<bool>()) return *boolean ? "bool true" : "bool false";
  if (const auto* number = value.as<std::int64_t>()) return "int " + std::to_string(*number);
  if (const auto* number = value.as<std::uint64_t>()) return "uint " + std::to_string(*number);
  if (const auto* number = value.as<double>()) return shown_double(*number);
  if (const auto* text = value.as<std::string>()) return "string " + *text;
  if (const auto* type = value.as<cel_type>()) return "type " + type->name;
  if (const auto* time = value.as<cel_timestamp>())
    return "timestamp " + std::to_string(time->seconds) + " " + std::to_string(time->nanoseconds);
  if (const auto* duration = value.as<cel_duration>())
    return "duration " + std::to_string(duration->nanoseconds);
  std::string out = "bytes ";
  for (const char each : value.as<cel_bytes>()->text) {
    char hex[3];
    std::snprintf(hex, sizeof hex, "%02x", static_cast<unsigned>(static_cast<unsigned char>(each)));
    out += hex;
  }
  return out;
}

std::string computed(const json& test) {
  const json variables = test.value("variables", json::object());
  try {
    const inngest::expression expression(test.at("expression").get<std::string>());
    return shown(cel_evaluator(expression.nodes(), variables, missing_fields::are_errors).run());
  } catch (const inngest::expression_error&) {
    return "error";
  }
}

}  // namespace

TEST_CASE("expressions give what CEL's own tests expect", "[expression]") {
  std::size_t cases = 0;
  for (const auto& file : std::filesystem::directory_iterator(INNGEST_TEST_FIXTURES "/expressions")) {
    INFO(file.path().filename().string());
    std::ifstream text(file.path());
    for (const json& test : json::parse(text)) {
      INFO(test.dump());
      CHECK(computed(test) == (test.contains("error") ? "error" : test.at("gives").get<std::string>()));
      ++cases;
    }
  }
  CHECK(cases > 1000);
}
