#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <inngest/json.hpp>

// Recorded exchanges, and what it means that an answer is the same as a recorded one.

namespace wire {

using inngest::json;

inline std::filesystem::path fixtures() {
#ifdef INNGEST_TEST_FIXTURES
  return INNGEST_TEST_FIXTURES;
#else
  return std::filesystem::path(__FILE__).parent_path().parent_path() / "fixtures";
#endif
}

/// The names of the scenarios that there are recordings of.
inline std::vector<std::string> recorded_scenarios() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(fixtures() / "wire")) {
    if (entry.path().extension() == ".json") out.push_back(entry.path().stem().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// The calls of a scenario: see derive.py beside the fixtures.
inline json recorded_calls(const std::string& scenario) {
  const auto path = fixtures() / "wire" / (scenario + ".json");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("no fixture at " + path.string());
  return json::parse(file).at("calls");
}

/// The name that the recorded app's language has for an exception of ours: errors carry their type's name.
inline std::string reference_name(const std::string& name) {
  const std::pair<const char*, const char*> names[] = {
      {"std::runtime_error", "Error"},
      {"std::invalid_argument", "TypeError"},
      {"std::out_of_range", "RangeError"},
      {"inngest::non_retriable_error", "NonRetriableError"},
      {"inngest::retry_after_error", "RetryAfterError"},
  };
  for (const auto& [ours, theirs] : names) {
    if (name == ours) return theirs;
  }
  return name;
}

/// An error without what is free (the stack) or only the recording SDK's mark, in all its causes.
inline json meaning_of_error(json error) {
  error.erase("stack");
  error.erase("__serialized");
  if (error.contains("name")) error["name"] = reference_name(error["name"]);
  if (error.contains("cause")) error["cause"] = meaning_of_error(error["cause"]);
  return error;
}

/// An operation with every member that may be said in two ways in one of them.
inline json meaning_of_operation(json op) {
  const std::string code = op.at("op");
  op.erase("timing");
  if (!op.contains("opts") || op["opts"].is_null()) op["opts"] = json::object();
  json& opts = op["opts"];

  if (code == "Sleep" && !opts.contains("duration")) opts["duration"] = op.at("name");
  if (code == "WaitForEvent" && !opts.contains("event")) opts["event"] = op.at("name");
  // Read only where the options above say nothing; ours is a wait's id, as the conformance runner wants it.
  if (code == "Sleep" || code == "WaitForEvent" || code == "InvokeFunction") op.erase("name");

  if (code == "StepFailed") op["data"] = nullptr;  // the recording SDK repeats the error there
  if (code == "StepRun") opts.erase("input");      // our steps take no inputs
  if (op.contains("error")) op["error"] = meaning_of_error(op["error"]);
  return op;
}

/// What an answer's body says; two that say the same are equal.
inline json meaning_of_body(int status, json body) {
  if (status == 206) {
    for (json& op : body) op = meaning_of_operation(op);
  } else if (status >= 400) {
    body = meaning_of_error(body);
  } else if (body.is_object() && body.contains("caught")) {
    body.erase("cause");  // a step_error has none
  }
  return body;
}

}  // namespace wire
