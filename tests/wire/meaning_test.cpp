#include <cstddef>
#include <exception>
#include <initializer_list>
#include <string>

#include "catch.hpp"
#include "recording.hpp"

// Tests of the comparison itself: it lets through what we decided on, and nothing else.

using traffic::json;

namespace {

json changed_at(json body, const json::json_pointer& at) {
  json& leaf = body.at(at);
  if (leaf.is_string())
    leaf = leaf.get<std::string>() + "!";
  else if (leaf.is_structured())  // an empty one
    leaf = json{{"more", true}};
  else if (leaf.is_boolean())
    leaf = !leaf.get<bool>();
  else
    leaf = 12345;
  return body;
}

/// Changes each leaf in turn and counts those that made a difference; they must be all but those of which it
/// was decided that they say nothing.
template <class Meaning, class SaysNothing>
std::size_t differences(const json& body, Meaning meaning, SaysNothing says_nothing) {
  std::size_t out = 0;
  const json before = meaning(body);
  const json leaves = body.flatten();
  for (const auto& leaf : leaves.items()) {
    if (!body.is_structured()) break;
    const json changed = changed_at(body, json::json_pointer(leaf.key()));
    INFO(leaf.key() << ": " << changed.dump().substr(0, 1000));
    bool differs = true;
    try {
      differs = meaning(changed) != before;
    } catch (const std::exception&) {  // it has no meaning any more
    }
    CHECK(differs != says_nothing(leaf.key()));
    out += differs ? 1 : 0;
  }
  return out;
}

bool ends_in(const std::string& path, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (path.ends_with(std::string("/") + name)) return true;
  }
  return false;
}

/// Whether a leaf of operations or errors is one that we read past.
bool is_free(const json& body, const std::string& path) {
  if (ends_in(path, {"stack", "__serialized"})) return true;
  const std::size_t member = path.find('/', 1);
  return body.is_array() && member != std::string::npos && path.substr(member).starts_with("/data/") &&
         body.at(json::json_pointer(path.substr(0, member))).at("op") == "StepFailed";
}

bool is_free_in_descriptions(const std::string& path) {
  return path.find("/extra/") != std::string::npos ||
         ends_in(path, {"sdk", "sdk_author", "sdk_language", "sdk_version", "capabilities/connect"});
}

}  // namespace

TEST_CASE("a changed answer is not taken for the one that was recorded", "[wire]") {
  std::size_t found = 0;
  for (const std::string& folder : traffic::folders()) {
    for (const std::string& scenario : traffic::scenarios(folder)) {
      INFO(folder << "/" << scenario);
      for (const json& call : traffic::calls(folder, scenario)) {
        const json& answer = call.at("answer");
        if (traffic::is_refusal(answer)) continue;  // of which only the status counts
        const json& body = answer.at("body");
        const bool is_put = call.at("method") == "PUT";
        const bool is_description = is_put || call.at("method") == "GET";
        found += differences(
            body, [&](const json& each) { return traffic::meaning_of_answer(call, each); },
            [&](const std::string& path) {
              if (is_put && path == "/message") return true;  // each SDK's own words
              return is_description ? is_free_in_descriptions(path) : is_free(body, path);
            });
      }
    }
  }
  CHECK(found > 1500);
}

TEST_CASE("a changed request to the API is not taken for the one that was recorded", "[wire]") {
  std::size_t found = 0;
  for (const std::string& folder : traffic::folders()) {
    for (const std::string& scenario : traffic::scenarios(folder)) {
      INFO(folder << "/" << scenario);
      for (const json& call : traffic::calls(folder, scenario)) {
        for (const json& sent : call.value("sent", json::array())) {
          const json& body = sent.at("body");
          found += differences(
              body, [&](const json& each) { return traffic::meaning_of_sent(sent.at("path"), each); },
              [&](const std::string& path) {
                return body.contains("functions") && is_free_in_descriptions(path);
              });
        }
      }
    }
  }
  CHECK(found > 500);
}

TEST_CASE("a changed function is not taken for the one that was recorded", "[wire]") {
  const json functions = traffic::recorded_functions(49, "http://x/api");
  CHECK(differences(functions, traffic::meaning_of_functions, [](const std::string&) { return false; }) >
        400);
  CHECK_THROWS(traffic::meaning_of_functions(json::array({functions.at(0), functions.at(0)})));
}

TEST_CASE("a missing member is a difference, whatever it says", "[wire]") {
  const json call = traffic::calls("nock", "infer").at(0);
  json body = call.at("answer").at("body");
  const json before = traffic::meaning_of_answer(call, body);
  for (const char* key : {"url", "auth_key", "format", "body", "type"}) {
    json changed = body;
    changed.at(0).at("opts").erase(key);
    CHECK(traffic::meaning_of_answer(call, changed) != before);
  }
  body.at(0)["opts"]["more"] = 1;
  CHECK(traffic::meaning_of_answer(call, body) != before);
}

TEST_CASE("what one operation may say in two ways means the same", "[wire]") {
  const auto meaning = traffic::meaning_of_operation;
  const json sleep{{"op", "Sleep"}, {"id", "1"}, {"name", "1s"}, {"opts", nullptr}};
  const json sleep_by_options{{"op", "Sleep"}, {"id", "1"}, {"name", "nap"}, {"opts", {{"duration", "1s"}}}};
  const json longer_sleep{{"op", "Sleep"}, {"id", "1"}, {"name", "nap"}, {"opts", {{"duration", "2s"}}}};
  CHECK(meaning(sleep) == meaning(sleep_by_options));
  CHECK(meaning(sleep) != meaning(longer_sleep));

  const json wait{{"op", "WaitForEvent"}, {"id", "1"}, {"name", "a/b"}, {"opts", {{"timeout", "1s"}}}};
  const json wait_by_options{
      {"op", "WaitForEvent"}, {"id", "1"}, {"name", "w"}, {"opts", {{"event", "a/b"}, {"timeout", "1s"}}}};
  const json other_wait{
      {"op", "WaitForEvent"}, {"id", "1"}, {"name", "a/b"}, {"opts", {{"event", "c"}, {"timeout", "1s"}}}};
  CHECK(meaning(wait) == meaning(wait_by_options));
  CHECK(meaning(wait) != meaning(other_wait));

  const json fetch{{"op", "Gateway"}, {"id", "1"}, {"userland", {{"id", "f"}}}, {"opts", {{"url", "u"}}}};
  json named = fetch, misnamed = fetch;
  named["name"] = "f";
  misnamed["name"] = "g";
  CHECK(meaning(fetch) == meaning(named));
  CHECK(meaning(fetch) != meaning(misnamed));

  json racing = fetch, otherwise = fetch;
  racing["opts"]["parallelMode"] = "race";
  otherwise["opts"]["parallelMode"] = "other";
  CHECK(meaning(fetch) == meaning(racing));
  CHECK(meaning(fetch) != meaning(otherwise));
}
