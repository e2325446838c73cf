#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/inngest.hpp>

#include "catch.hpp"
#include "recording.hpp"
#include "reference_app.hpp"

// Feeds the calls that a real server made to the same app on another SDK, and compares what we answer, and
// what we ask of the server meanwhile, with what was answered and asked then.

using wire::json;

namespace {

/// The self-hosted server's key, for the recordings that are signed.
const std::string key = "12345678123456781234567812345678";

/// The server's API as it was recorded: it keeps what it is sent and gives the answers of then.
class recorded_server final : public inngest::http::transport {
 public:
  explicit recorded_server(json answers) : answers_(std::move(answers)) {}

  inngest::http::response send(const inngest::http::request& request, std::chrono::milliseconds) override {
    if (requests.size() == answers_.size()) throw inngest::unreachable("nothing was sent here then");
    requests.push_back(request);
    const json& then = answers_.at(requests.size() - 1);
    return {.status = then.at("status"), .body = then.at("answer").dump()};
  }

  std::vector<inngest::http::request> requests;

 private:
  json answers_;
};

inngest::checkpointing checkpointing_of(const std::string& folder) {
  if (folder == "ck" || folder == "startck") return {};
  if (folder == "ckbuf") return {.buffered_steps = 3, .max_runtime = std::chrono::seconds(1)};
  return {.enabled = false};
}

bool is_signed(const std::string& folder) { return folder.starts_with("start"); }

struct answered_call {
  inngest::http::response response;
  std::vector<inngest::http::request> sent;
};

answered_call answer(const std::string& folder, const std::string& scenario, const json& call) {
  using namespace std::chrono_literals;
  const auto server = std::make_shared<recorded_server>(call.value("api", json::array()));
  const inngest::client app({.id = "cap",
                             .event_key = is_signed(folder) ? "key" : "",
                             .signing_key = is_signed(folder) ? key : "",
                             .mode = is_signed(folder) ? inngest::mode::cloud : inngest::mode::dev,
                             .transport = server,
                             .send_attempts = 1,
                             .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                             .checkpointing = checkpointing_of(folder),
                             .environment = [](const char*) { return std::nullopt; }});
  const inngest::timestamp now{std::chrono::milliseconds(call.value("now", std::int64_t{0}))};
  // only the longest runtime makes a difference of how long steps take
  const auto step_time = folder == "ckbuf" && scenario == "long-steps" ? 510ms : 0ms;
  const inngest::handler handler(app,
                                 reference::functions(
                                     app, [now] { return now; }, step_time),
                                 {.streaming = folder == "stream"});

  inngest::http::request request{.method = "POST",
                                 .url = "/api/inngest?fnId=" + call.at("fnId").get<std::string>() +
                                        "&stepId=" + call.at("stepId").get<std::string>()};
  request.body = call.at("request");
  if (is_signed(folder)) {
    const auto clock = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    request.headers.add("x-inngest-signature", inngest::protocol::sign(request.body, key, clock));
  }
  inngest::http::response response = handler(std::move(request));
  if (response.stream) {  // the answer within
    std::string text;
    response.stream([&](std::string_view chunk) {
      text += chunk;
      return true;
    });
    CHECK(response.status == 201);
    const json inner = json::parse(text);
    CHECK(inner.at("version") == 2);
    response = {.status = inner.at("status"), .body = inner.at("body")};
    for (const auto& header : inner.at("headers").items()) response.headers.add(header.key(), header.value());
  }
  return {std::move(response), server->requests};
}

/// A header's value; nothing when there is none.
std::optional<std::string> header(const inngest::http::response& response, std::string_view name) {
  const auto found = response.headers.find(name);
  return found ? std::optional<std::string>(*found) : std::nullopt;
}

std::optional<std::string> header(const json& answer, const char* name) {
  const auto found = answer.find(name);
  return found != answer.end() ? std::optional<std::string>(found->get<std::string>()) : std::nullopt;
}

void check_timing(const json& operation) {
  const std::string code = operation.at("op");
  const bool ran = code == "StepRun" || code == "StepError" || code == "StepFailed";
  REQUIRE(operation.contains("timing") == ran);
  if (ran) {
    CHECK(operation.at("timing").at("a").get<std::int64_t>() > 0);
    CHECK(operation.at("timing").at("b").get<std::int64_t>() >= 0);
  }
}

/// What the app asked of its server during the call.
void check_requests(const std::string& folder, const json& call,
                    const std::vector<inngest::http::request>& sent) {
  const json recorded = call.value("api", json::array());
  REQUIRE(sent.size() == recorded.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    const std::string path = recorded[i].at("path");
    INFO(path << ": " << sent[i].body);
    CHECK(sent[i].method == "POST");
    json body = json::parse(sent[i].body);
    if (path == "/e") {
      CHECK(sent[i].path() == (is_signed(folder) ? "/e/key" : "/e/NO_EVENT_KEY_SET"));
      CHECK(sent[i].headers.find("x-inngest-event-id-seed"));
    } else {
      CHECK(sent[i].path() == path);
    }
    if (is_signed(folder) && path != "/e") {
      CHECK(*sent[i].headers.find("authorization") == recorded[i].at("authorization"));
    }
    json then = recorded[i].at("body");
    if (path.find("/checkpoint/") != std::string::npos) {
      CHECK(body.at("ts").get<std::int64_t>() >= body.at("request_started_at").get<std::int64_t>());
      body.erase("ts");
      body.erase("request_started_at");
      for (json* steps : {&body["steps"], &then["steps"]}) {
        for (json& step : *steps) step = wire::meaning_of_operation(step);
      }
    }
    CHECK(body == then);
  }
}

/// What the execution version of the answers should be; the recorded one unless we decided otherwise.
std::optional<std::string> version(const json& call) {
  // The recorded function asked to be called after each step of a group; ours are called when all have ended.
  if (call.at("fnId") == "cap-parallel-noopt") return "2";
  return header(call.at("answer"), "x-inngest-req-version");
}

void check(const std::string& folder, const std::string& scenario, const json& call) {
  const answered_call ours = answer(folder, scenario, call);
  const json& recorded = call.at("answer");
  INFO("answer: " << ours.response.status << " " << ours.response.body);
  INFO("recorded: " << recorded.dump());
  const int status = recorded.at("status");
  REQUIRE(ours.response.status == status);
  const json body = json::parse(ours.response.body);
  if (status == 206) {
    for (const json& operation : body) check_timing(operation);
  }
  CHECK(wire::meaning_of_body(status, body) == wire::meaning_of_body(status, recorded.at("body")));
  CHECK(header(ours.response, "x-inngest-no-retry") == header(recorded, "x-inngest-no-retry"));
  CHECK(header(ours.response, "retry-after") == header(recorded, "retry-after"));
  CHECK(header(ours.response, "x-inngest-req-version") == version(call));
  CHECK(header(ours.response, "content-type") == "application/json");
  CHECK(header(ours.response, "x-inngest-sdk") == inngest::protocol::sdk_name);
  if (is_signed(folder)) {
    const auto clock = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    CHECK(inngest::protocol::verify(header(ours.response, "x-inngest-signature").value_or(""),
                                    ours.response.body, key, clock));
  }
  check_requests(folder, call, ours.sent);
}

void replay_folder(const std::string& folder) {
  for (const std::string& scenario : wire::recorded_scenarios(folder)) {
    DYNAMIC_SECTION(scenario) {
      const json calls = wire::recorded_calls(folder, scenario);
      REQUIRE_FALSE(calls.empty());
      for (std::size_t i = 0; i < calls.size(); ++i) {
        INFO("call " << i + 1 << " of " << calls.size() << ": " << calls[i].at("fnId") << ", step "
                     << calls[i].at("stepId"));
        check(folder, scenario, calls[i]);
      }
    }
  }
}

}  // namespace

TEST_CASE("calls without checkpointing are answered as they were recorded", "[wire]") {
  replay_folder("nock");
}

TEST_CASE("calls with every step saved are answered as they were recorded", "[wire]") { replay_folder("ck"); }

TEST_CASE("calls with buffered steps are answered as they were recorded", "[wire]") {
  replay_folder("ckbuf");
}

TEST_CASE("streamed calls are answered as they were recorded", "[wire]") { replay_folder("stream"); }

TEST_CASE("signed calls are answered as they were recorded", "[wire]") { replay_folder("start"); }

TEST_CASE("signed calls with every step saved are answered as they were recorded", "[wire]") {
  replay_folder("startck");
}

TEST_CASE("the recorded signatures of calls are right, and for no other body", "[wire][signature]") {
  std::size_t verified = 0;
  for (const char* folder : {"start", "startck"}) {
    for (const std::string& scenario : wire::recorded_scenarios(folder)) {
      for (const json& call : wire::recorded_calls(folder, scenario)) {
        const std::string body = call.at("request");
        const std::string signature = call.at("signature");
        if (body.find("<trimmed>") != std::string::npos) continue;  // no longer the bytes that were signed
        INFO(folder << " " << scenario);
        const auto at = inngest::protocol::parse_signature(signature).value().at;
        CHECK(inngest::protocol::verify(signature, body, key, at));
        CHECK_FALSE(inngest::protocol::verify(signature, body + "1", key, at));
        CHECK_FALSE(inngest::protocol::verify(signature, body, key, at + std::chrono::seconds(301)));
        CHECK_FALSE(inngest::protocol::verify(signature, body, key, at - std::chrono::seconds(301)));
        ++verified;
      }
    }
  }
  CHECK(verified > 20);
}

TEST_CASE("the recordings call every function of the reference app", "[wire]") {
  std::set<std::string> called;
  for (const std::string& folder : wire::call_folders()) {
    for (const std::string& scenario : wire::recorded_scenarios(folder)) {
      for (const json& call : wire::recorded_calls(folder, scenario))
        called.insert(call.at("fnId").get<std::string>());
    }
  }
  const inngest::client app({.id = "cap", .mode = inngest::mode::dev});
  std::set<std::string> written;
  const inngest::handler handler(app, reference::functions(app, [] { return inngest::timestamp(); }));
  for (const auto& each : handler.functions()) written.insert(each.slug());
  called.insert("cap-big");  // never called
  CHECK(called == written);
}

TEST_CASE("a changed answer is not taken for the recorded one", "[wire]") {
  // Each leaf of each recorded answer is changed in turn. It must make a difference, but where we decided
  // that it says nothing.
  const auto says_nothing = [](int status, const json& body, const std::string& path) {
    const auto in = [&](const char* part) { return path.find(part) != std::string::npos; };
    if (in("/cause") && body.dump().find("\"caught\"") != std::string::npos) return true;
    if (in("/stack") || in("/__serialized")) return true;
    if (status == 206 && path.ends_with("/name") && path.find('/', 1) == path.size() - 5) {
      const std::string code = body.at(json::json_pointer(path.substr(0, path.size() - 5))).at("op");
      if (code == "WaitForSignal") return true;  // its options say it
    }
    return status == 206 && in("/data/") &&
           body.at(json::json_pointer(path.substr(0, path.find('/', 1)))).at("op") == "StepFailed";
  };
  std::size_t differences = 0;
  for (const std::string& folder : wire::call_folders()) {
    for (const std::string& scenario : wire::recorded_scenarios(folder)) {
      for (const json& call : wire::recorded_calls(folder, scenario)) {
        const int status = call.at("answer").at("status");
        const json& body = call.at("answer").at("body");
        const json before = wire::meaning_of_body(status, body);
        const json leaves = body.flatten();
        for (const auto& leaf : leaves.items()) {
          const json::json_pointer at(leaf.key());
          json changed = body;
          if (changed.at(at).is_string())
            changed.at(at) = changed.at(at).get<std::string>() + "!";
          else if (changed.at(at).is_structured())  // an empty one
            changed.at(at) = json{{"more", true}};
          else
            changed.at(at) = 12345;
          INFO(folder << " " << scenario << " " << leaf.key() << ": " << changed.dump());
          const bool differs = wire::meaning_of_body(status, changed) != before;
          CHECK(differs != says_nothing(status, body, leaf.key()));
          differences += differs ? 1 : 0;
        }
      }
    }
  }
  CHECK(differences > 1000);
}

TEST_CASE("what an operation may say in two ways means the same", "[wire]") {
  const json sleep{{"op", "Sleep"}, {"id", "1"}, {"name", "1s"}, {"opts", nullptr}};
  const json sleep_by_options{{"op", "Sleep"}, {"id", "1"}, {"name", "nap"}, {"opts", {{"duration", "1s"}}}};
  const json longer_sleep{{"op", "Sleep"}, {"id", "1"}, {"name", "nap"}, {"opts", {{"duration", "2s"}}}};
  CHECK(wire::meaning_of_operation(sleep) == wire::meaning_of_operation(sleep_by_options));
  CHECK(wire::meaning_of_operation(sleep) != wire::meaning_of_operation(longer_sleep));

  const json wait{{"op", "WaitForEvent"}, {"id", "1"}, {"name", "a/b"}, {"opts", {{"timeout", "1s"}}}};
  const json wait_by_options{
      {"op", "WaitForEvent"}, {"id", "1"}, {"name", "w"}, {"opts", {{"event", "a/b"}, {"timeout", "1s"}}}};
  const json other_wait{
      {"op", "WaitForEvent"}, {"id", "1"}, {"name", "a/b"}, {"opts", {{"event", "c"}, {"timeout", "1s"}}}};
  CHECK(wire::meaning_of_operation(wait) == wire::meaning_of_operation(wait_by_options));
  CHECK(wire::meaning_of_operation(wait) != wire::meaning_of_operation(other_wait));

  const json planned{{"op", "StepPlanned"}, {"id", "1"}, {"name", "a"}};
  const json planned_with_options{
      {"op", "StepPlanned"}, {"id", "1"}, {"name", "a"}, {"opts", json::object()}};
  CHECK(wire::meaning_of_operation(planned) == wire::meaning_of_operation(planned_with_options));
}
