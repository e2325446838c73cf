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

/// The folders of calls: see derive.py beside the fixtures.
inline std::vector<std::string> call_folders() {
  return {"nock", "ck", "ckbuf", "stream", "start", "startck"};
}

/// The names of a folder's scenarios: those of calls, or with ".http" those of everything else.
inline std::vector<std::string> recorded_scenarios(const std::string& folder, bool calls = true) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(fixtures() / "recorded" / folder)) {
    const std::string name = entry.path().stem().string();
    if (entry.path().extension() == ".json" && name.ends_with(".http") != calls) out.push_back(name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

inline json recorded(const std::string& folder, const std::string& scenario) {
  const auto path = fixtures() / "recorded" / folder / (scenario + ".json");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("no fixture at " + path.string());
  return json::parse(file);
}

/// The calls of a scenario.
inline json recorded_calls(const std::string& folder, const std::string& scenario) {
  return recorded(folder, scenario).at("calls");
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
  if (code == "RunComplete") return op;
  if (!op.contains("opts") || op["opts"].is_null()) op["opts"] = json::object();
  if (!op.contains("data")) op["data"] = nullptr;
  json& opts = op["opts"];

  if (code == "Sleep" && !opts.contains("duration")) opts["duration"] = op.at("name");
  if (code == "WaitForEvent" && !opts.contains("event")) opts["event"] = op.at("name");
  // Read only where the options above say nothing; ours is a wait's id, as the conformance runner wants it.
  const bool has_options = code == "Sleep" || code == "WaitForEvent" || code == "InvokeFunction" ||
                           code == "WaitForSignal" || code == "Gateway" || code == "AIGateway";
  if (has_options) op.erase("name");
  opts.erase("parallelMode");  // the recorded race was Promise.race(), of which no server is told

  if (code == "StepFailed") op["data"] = nullptr;  // the recording SDK repeats the error there
  if (op.contains("error")) op["error"] = meaning_of_error(op["error"]);
  return op;
}

/// What an answer's body says; two that say the same are equal.
inline json meaning_of_body(int status, json body) {
  if (status == 206) {
    for (json& op : body) op = meaning_of_operation(op);
  } else if (status >= 400) {
    body = meaning_of_error(body);
  }
  // a step_error has its causes apart
  for (json* each :
       {&body,
        status == 206 && !body.empty() && body.back().contains("data") ? &body.back()["data"] : &body}) {
    if (each->is_object() && each->contains("caught")) each->erase("cause");
  }
  return body;
}

}  // namespace wire
