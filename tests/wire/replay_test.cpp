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

// Feeds the calls that a real server made to the same app on another SDK, and compares what we answer with
// what was answered then.

using wire::json;

namespace {

/// The event API as it was recorded: it keeps what it is sent and gives the answers of then.
class recorded_event_api final : public inngest::http::transport {
 public:
  explicit recorded_event_api(json answers) : answers_(std::move(answers)) {}

  inngest::http::response send(const inngest::http::request& request, std::chrono::milliseconds) override {
    if (requests.size() == answers_.size()) throw inngest::unreachable("nothing was sent here then");
    requests.push_back(request);
    return {.status = 200, .body = answers_.at(requests.size() - 1).at("answer").dump()};
  }

  std::vector<inngest::http::request> requests;

 private:
  json answers_;
};

inngest::client make_client(std::shared_ptr<inngest::http::transport> transport) {
  return inngest::client({.id = "cap",
                          .mode = inngest::mode::dev,
                          .transport = std::move(transport),
                          .send_attempts = 1,
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

struct answered_call {
  inngest::http::response response;
  std::vector<inngest::http::request> sent;
};

answered_call answer(const json& call) {
  const auto event_api = std::make_shared<recorded_event_api>(call.value("sent", json::array()));
  const inngest::client app = make_client(event_api);
  const inngest::timestamp now{std::chrono::milliseconds(call.value("now", std::int64_t{0}))};
  const inngest::handler handler(app, reference::functions(app, [now] { return now; }));

  inngest::http::request request{.method = "POST",
                                 .url = "/api/inngest?fnId=" + call.at("fnId").get<std::string>() +
                                        "&stepId=" + call.at("stepId").get<std::string>()};
  request.body = call.at("request");
  auto response = handler(std::move(request));
  return {std::move(response), event_api->requests};
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

void check_events(const json& call, const std::vector<inngest::http::request>& sent) {
  const json recorded = call.value("sent", json::array());
  REQUIRE(sent.size() == recorded.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    CHECK(sent[i].method == "POST");
    CHECK(sent[i].path() == "/e/NO_EVENT_KEY_SET");
    CHECK(sent[i].headers.find("x-inngest-event-id-seed"));
    CHECK(json::parse(sent[i].body) == recorded[i].at("events"));
  }
}

/// What the execution version of the answers should be; the recorded one unless we decided otherwise.
std::optional<std::string> version(const json& call) {
  // The recorded function asked to be called after each step of a group; ours are called when all have ended.
  if (call.at("fnId") == "cap-parallel-noopt") return "2";
  return header(call.at("answer"), "x-inngest-req-version");
}

void check(const json& call) {
  const answered_call ours = answer(call);
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
  check_events(call, ours.sent);
}

void replay(const std::string& scenario) {
  const json calls = wire::recorded_calls(scenario);
  REQUIRE_FALSE(calls.empty());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    INFO("call " << i + 1 << " of " << calls.size() << ": " << calls[i].at("fnId") << ", step "
                 << calls[i].at("stepId"));
    check(calls[i]);
  }
}

}  // namespace

TEST_CASE("a function without steps is answered at once", "[wire]") { replay("basic"); }

TEST_CASE("a function that returns nothing is answered with null", "[wire]") { replay("returns-undefined"); }

TEST_CASE("steps run one at a time, each in a call of its own", "[wire]") { replay("steps"); }

TEST_CASE("steps of the same id are counted", "[wire]") { replay("many-steps"); }

TEST_CASE("a sleep until a moment names it in UTC", "[wire]") { replay("sleep-until"); }

TEST_CASE("parallel branches are planned, run one by one and joined", "[wire]") { replay("parallel"); }

TEST_CASE("steps that were started together are planned together", "[wire]") { replay("parallel-noopt"); }

TEST_CASE("a wait that matches a field compares it in both events", "[wire]") { replay("wait-match"); }

TEST_CASE("a wait with an expression sends it and gives the received event", "[wire]") { replay("wait-if"); }

TEST_CASE("a wait that timed out gives nothing", "[wire]") { replay("wait-timeout"); }

TEST_CASE("an invoke gives the other function's result", "[wire]") { replay("invoke"); }

TEST_CASE("a failed invoke throws what the other function threw", "[wire]") { replay("invoke-fail"); }

TEST_CASE("an invoke that timed out throws", "[wire]") { replay("invoke-timeout"); }

TEST_CASE("events are sent in steps, and their ids remembered", "[wire]") { replay("send"); }

TEST_CASE("a failing step is reported with its causes and tried again", "[wire]") { replay("step-retry"); }

TEST_CASE("a step that failed for good can be caught", "[wire]") { replay("step-fail-caught"); }

TEST_CASE("a step that failed for good fails the function when nobody catches it", "[wire]") {
  replay("step-fail-uncaught");
}

TEST_CASE("a function that fails for the last time is not retried", "[wire]") { replay("fn-fail"); }

TEST_CASE("a function that failed is tried again from its start", "[wire]") { replay("fn-retry"); }

TEST_CASE("a function's error that must not be retried says so", "[wire]") { replay("nonretriable-fn"); }

TEST_CASE("a step's error that must not be retried says so", "[wire]") { replay("nonretriable-step"); }

TEST_CASE("a function can say when to try again", "[wire]") { replay("retry-after-fn"); }

TEST_CASE("a step can say when to try again", "[wire]") { replay("retry-after-step"); }

TEST_CASE("step ids can be made while the function runs", "[wire]") { replay("long-steps"); }

TEST_CASE("a race gives the result that came first", "[wire]") { replay("race"); }

TEST_CASE("the recordings call every function of the reference app", "[wire]") {
  std::set<std::string> called;
  for (const std::string& scenario : wire::recorded_scenarios()) {
    for (const json& call : wire::recorded_calls(scenario)) called.insert(call.at("fnId").get<std::string>());
  }
  const inngest::client app = make_client(nullptr);
  std::set<std::string> written;
  for (const auto& each : reference::functions(app, [] { return inngest::timestamp(); })) {
    written.insert(each.slug());
  }
  CHECK(called == written);
}

TEST_CASE("a changed answer is not taken for the recorded one", "[wire]") {
  // Each leaf of each recorded answer is changed in turn. It must make a difference, but where we decided
  // that it says nothing.
  const auto says_nothing = [](int status, const json& body, const std::string& path) {
    const auto in = [&](const char* part) { return path.find(part) != std::string::npos; };
    if (status == 200) return in("/cause") && body.contains("caught");
    if (in("/stack") || in("/__serialized") || in("/opts/input/")) return true;
    return status == 206 && in("/data/") &&
           body.at(json::json_pointer(path.substr(0, 2))).at("op") == "StepFailed";
  };
  std::size_t differences = 0;
  for (const std::string& scenario : wire::recorded_scenarios()) {
    for (const json& call : wire::recorded_calls(scenario)) {
      const int status = call.at("answer").at("status");
      const json& body = call.at("answer").at("body");
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
        INFO(scenario << " " << leaf.key() << ": " << changed.dump());
        const bool differs = wire::meaning_of_body(status, changed) != wire::meaning_of_body(status, body);
        CHECK(differs != says_nothing(status, body, leaf.key()));
        differences += differs ? 1 : 0;
      }
    }
  }
  CHECK(differences > 300);
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
