#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/json.hpp>
#include <inngest/time/timestamp.hpp>

// Recorded exchanges, and what it means that ours is the same as a recorded one: the differences that we
// decided on are all here, each with its reason.

namespace traffic {

using inngest::json;

inline std::filesystem::path recordings() {
#ifdef INNGEST_TEST_FIXTURES
  return std::filesystem::path(INNGEST_TEST_FIXTURES) / "wire";
#else
  return std::filesystem::path(__FILE__).parent_path().parent_path() / "fixtures" / "wire";
#endif
}

/// The folders of recordings, one for each way in which the app was set up.
inline std::vector<std::string> folders() {
  return {"nock", "ck", "ckbuf", "stream", "sync", "start", "startck", "cron"};
}

/// The names of a folder's scenarios.
inline std::vector<std::string> scenarios(const std::string& folder) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(recordings() / folder)) {
    if (entry.path().extension() == ".json") out.push_back(entry.path().stem().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

inline json read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("no fixture at " + path.string());
  return json::parse(file);
}

/// A scenario's calls, or what was sent outside of calls: see derive.py beside the fixtures.
inline json calls(const std::string& folder, const std::string& scenario) {
  return read_file(recordings() / folder / (scenario + ".json")).value("calls", json::array());
}
inline json api(const std::string& folder, const std::string& scenario) {
  return read_file(recordings() / folder / (scenario + ".json")).value("api", json::array());
}

/// The first `count` of the functions as they were registered for an app at `url`.
inline json recorded_functions(std::size_t count, const std::string& url) {
  const json all = read_file(recordings() / "functions.json").at("functions");
  if (count > all.size()) throw std::out_of_range("so many functions were never registered");
  std::string text = json(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count)).dump();
  const std::string mark = "{url}";
  const std::string start = url + (url.find('?') == std::string::npos ? "?" : "&");
  for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += start.size()) {
    text.replace(at, mark.size(), start);
  }
  return json::parse(text);
}

// ---- operations and errors ------------------------------------------------------------------------------

/// The name that the recorded app's language has for an exception of ours: errors carry their type's name.
inline std::string reference_name(const std::string& name) {
  const std::pair<const char*, const char*> names[] = {
      {"std::runtime_error", "Error"},
      {"std::invalid_argument", "TypeError"},
      {"std::out_of_range", "RangeError"},
  };
  for (const auto& [ours, theirs] : names) {
    if (name == ours) return theirs;
  }
  return name;
}

/// An error without what is free (the stack) or only the recording SDK's mark, in all its causes.
inline json meaning_of_error(json error) {
  if (!error.is_object()) return error;
  error.erase("stack");
  error.erase("__serialized");
  if (error.contains("name") && error["name"].is_string()) error["name"] = reference_name(error["name"]);
  if (error.contains("cause")) error["cause"] = meaning_of_error(error["cause"]);
  return error;
}

/// An operation with every member that may be said in two ways in one of them.
inline json meaning_of_operation(json op) {
  const std::string code = op.at("op");
  op.erase("timing");
  if (code == "RunComplete") return op;
  if (!op.contains("opts") || op["opts"].is_null()) op["opts"] = json::object();
  json& opts = op["opts"];

  if (code == "Sleep" && !opts.contains("duration")) opts["duration"] = op.at("name");
  if (code == "WaitForEvent" && !opts.contains("event")) opts["event"] = op.at("name");
  // Read only where the options above say nothing; ours is a wait's id, as the conformance runner wants it.
  if (code == "Sleep" || code == "WaitForEvent") op.erase("name");
  // The recording SDK has no name for these, we have the id.
  const bool unnamed = code == "InvokeFunction" || code == "Gateway" || code == "AIGateway";
  if (unnamed && op.contains("name") && op.at("name") == op.at("userland").at("id")) op.erase("name");

  if (code == "StepFailed") op["data"] = nullptr;  // the recording SDK repeats the error there
  if (op.contains("error")) op["error"] = meaning_of_error(op["error"]);
  // The recorded race was Promise.race(), of which no server is told.
  if (opts.contains("parallelMode") && opts.at("parallelMode") == "race") opts.erase("parallelMode");
  return op;
}

inline json meaning_of_operations(json list) {
  for (json& op : list) op = meaning_of_operation(op);
  return list;
}

// ---- registrations and descriptions ---------------------------------------------------------------------

/// A list of functions by their ids: in which order they come says nothing.
inline json meaning_of_functions(const json& list) {
  json out = json::object();
  for (json each : list) {
    const std::string id = each.at("id");
    if (out.contains(id)) throw std::runtime_error("two functions have the id " + id);
    // the narrowest scope is the one without words
    if (each.contains("concurrency")) {
      for (json& limit : each["concurrency"]) {
        if (limit.value("scope", "") == "fn") limit.erase("scope");
      }
    }
    out[id] = each;
  }
  return out;
}

/// What both can do: we have no WebSocket workers, and say that we answer in-band.
inline json meaning_of_capabilities(json capabilities) {
  capabilities.erase("connect");
  capabilities.erase("in_band_sync");
  return capabilities;
}

inline void erase_all(json& object, std::initializer_list<const char*> keys) {
  for (const char* key : keys) object.erase(key);
}

/// What a GET is answered with, without what only one SDK says of itself.
inline json meaning_of_introspection(json body) {
  erase_all(body, {"extra", "has_signing_key_fallback", "sdk_language", "sdk_version"});
  if (body.contains("capabilities")) body["capabilities"] = meaning_of_capabilities(body["capabilities"]);
  return body;
}

/// A registration, sent or in the answer to an in-band sync. Recorded ones have only the number of functions.
inline json meaning_of_registration(json body) {
  if (body.at("functions").is_number()) {
    body["functions"] = recorded_functions(body.at("functions"), body.at("url"));
  }
  body["functions"] = meaning_of_functions(body.at("functions"));
  body["capabilities"] = meaning_of_capabilities(body.at("capabilities"));
  erase_all(body, {"sdk", "sdk_author", "sdk_language", "sdk_version"});
  for (const char* key : {"appVersion", "platform"}) {
    if (body.contains(key) && body.at(key).is_null()) body.erase(key);  // ours says what it does not know
  }
  if (body.contains("inspection")) body["inspection"] = meaning_of_introspection(body["inspection"]);
  return body;
}

// ---- whole answers and requests -------------------------------------------------------------------------

/// Whether the recorded answer refuses the call itself: each SDK has its own words for that.
inline bool is_refusal(const json& answer) {
  const int status = answer.at("status");
  const json& body = answer.at("body");
  return status == 401 || status == 405 || (body.is_object() && body.value("type", "") == "internal");
}

/// The same value with all moments written alike: ours have milliseconds, also when these are 0.
inline json with_moments(json value) {
  if (value.is_structured()) {
    for (json& part : value) part = with_moments(std::move(part));
  } else if (value.is_string()) {
    if (const auto moment = inngest::parse_timestamp(value.get<std::string>()))
      return inngest::to_text(*moment);
  }
  return value;
}

/// What a body says as the answer to a recorded call; two that say the same are equal.
inline json meaning_of_answer(const json& call, json body) {
  const int status = call.at("answer").at("status");
  if (is_refusal(call.at("answer"))) return {{"has_words", !body.value("message", "").empty()}};
  if (call.at("method") == "GET") return meaning_of_introspection(body);
  if (call.at("method") == "PUT") {
    if (body.contains("functions")) return meaning_of_registration(body);
    return {{"has_words", !body.value("message", "").empty()}, {"modified", body.at("modified")}};
  }
  if (status >= 400) return meaning_of_error(body);
  // The recording SDK's error has no message there; it is in the request, and ours has it.
  const bool adds_message = call.at("query").value("fnId", "") == "cap-fn-fail-failure";
  if (status == 206) {
    for (json& op : body) {
      if (adds_message && op.at("op") == "RunComplete") op.at("data").erase("handled");
    }
    return meaning_of_operations(body);
  }
  if (adds_message) body.erase("handled");
  return with_moments(std::move(body));
}

/// What a request to the server's API says.
inline json meaning_of_sent(const std::string& path, json body) {
  if (path.starts_with("/fn/register")) return meaning_of_registration(body);
  if (path.starts_with("/v1/checkpoint/")) {
    erase_all(body, {"request_started_at", "ts"});  // times; derive.py drops them as well
    body["steps"] = meaning_of_operations(body.at("steps"));
  }
  return body;
}

}  // namespace traffic
