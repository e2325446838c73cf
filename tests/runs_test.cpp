#include <inngest/runs.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using inngest::run_status;
using inngest::http::request;
using inngest::http::response;
using strings = std::vector<std::string>;

struct receipt {
  int total = 0;
};
INNGEST_FIELDS(receipt, total)
using ordered = inngest::event<"shop/ordered">;

/// A server whose answers a function gives, and what it was asked.
struct fake_server {
  std::function<response(const request&)> answer;
  strings asked{};

  inngest::runs runs() { return inngest::runs(client()); }
  inngest::client client() {
    auto options = support::quiet_options();
    options.transport = std::make_shared<support::fake_transport>([this](const request& r) {
      asked.push_back(r.method + " " + r.path());
      return answer(r);
    });
    return inngest::client(options);
  }
};

/// A run as version 2 of the API tells it, with what a Struct can hold: a value that is no object is wrapped.
json run_of(const char* status, json output = nullptr) {
  json out{{"id", "R1"},
           {"function", {{"id", "charge"}, {"name", "Charge"}}},
           {"app", {{"id", "app"}}},
           {"status", status},
           {"queuedAt", "2026-11-23T04:40:33.150Z"},
           {"startedAt", "2026-11-23T04:40:33.151Z"},
           {"endedAt", "2026-11-23T04:40:34.000Z"},
           {"trigger", {{"eventIds", {"E1"}}, {"isBatch", false}}}};
  if (std::string(status) == "RUNNING" || std::string(status) == "QUEUED") out.erase("endedAt");
  if (!output.is_null()) out["output"] = output.is_object() ? output : json{{"data", output}};
  return out;
}
response data(const json& value) { return {.body = json{{"data", value}, {"metadata", {{"x", 1}}}}.dump()}; }

}  // namespace

TEST_CASE("a run is found with its status, times and output", "[runs]") {
  fake_server server{[](const request&) { return data(run_of("COMPLETED", {{"total", 7}})); }};
  const auto run = server.runs().find("R1").value();
  CHECK(run.status == run_status::completed);
  CHECK(run.ended());
  CHECK(run.output<receipt>().total == 7);
  CHECK(inngest::to_text(*run.started_at) == "2026-11-23T04:40:33.151Z");
  CHECK(run.function_id == "charge");
  CHECK(run.event_id == "E1");
  CHECK(server.asked == strings{"GET /v2/runs/R1"});
  server.answer = [](const request&) { return response{.status = 404}; };
  CHECK_FALSE(server.runs().find("R2"));
}

TEST_CASE("the words for a status are read in any case, unknown ones too", "[runs]") {
  const std::pair<const char*, run_status> words[] = {
      {"Running", run_status::running},     {"COMPLETED", run_status::completed},
      {"Failed", run_status::failed},       {"CANCELLED", run_status::cancelled},
      {"Scheduled", run_status::scheduled}, {"QUEUED", run_status::scheduled},
      {"Skipped", run_status::skipped},     {"Dreaming", run_status::unknown}};
  for (const auto& each : words) {
    fake_server server{[&](const request&) { return data(run_of(each.first)); }};
    CHECK(server.runs().find("R1")->status == each.second);
  }
}

TEST_CASE("a run is waited for until it has ended", "[runs]") {
  int asked = 0;
  fake_server server{[&](const request&) { return data(run_of(++asked < 3 ? "RUNNING" : "FAILED")); }};
  CHECK(server.runs().wait("R1", support::patience).status == run_status::failed);
  CHECK(asked == 3);
  server.answer = [](const request&) { return data(run_of("RUNNING")); };
  CHECK_THROWS_AS(server.runs().wait("R1", 1ms), inngest::run_timed_out);
  server.answer = [](const request&) { return response{.status = 404}; };
  CHECK_THROWS_WITH(server.runs().wait("R1", 1ms), ContainsSubstring("not known"));
}

TEST_CASE("an event is sent and its function's result waited for, typed", "[runs]") {
  json runs = json::array();
  fake_server server{[&](const request& r) {
    if (r.method == "POST") return response{.body = R"({"ids":["E1"]})"};
    if (r.path() == "/v1/apps/app/functions") return response{.body = "[]"};
    json other = run_of("COMPLETED", "of another function");
    other["function"]["id"] = "other";
    json list = json::array({other});
    if (!runs.empty()) list.push_back(runs[0]);
    if (runs.size() > 1) runs.erase(0);
    return data(list);
  }};
  const auto app = server.client();
  const auto charge = app.create_function({.id = "charge"}, inngest::on<ordered>(),
                                          [](inngest::context<ordered>&) { return receipt{}; });
  runs = {run_of("RUNNING"), run_of("COMPLETED"),
          run_of("COMPLETED", {{"total", 9}})};  // the result comes late
  CHECK(inngest::runs(app).send_and_wait(charge, ordered{}, 30s).total == 9);

  runs = json::array({run_of("FAILED", {{"name", "Error"}, {"message", "no money"}})});
  CHECK_THROWS_WITH(inngest::runs(app).send_and_wait(charge, ordered{}, 10s),
                    ContainsSubstring("run R1 failed: no money"));
  runs = json::array({run_of("FAILED", {{"error", {{"name", "Error"}, {"message", "wrapped"}}}})});
  CHECK_THROWS_WITH(inngest::runs(app).send_and_wait(charge, ordered{}, 10s), ContainsSubstring("wrapped"));
  runs = json::array({run_of("CANCELLED")});
  CHECK_THROWS_AS(inngest::runs(app).send_and_wait(charge, ordered{}, 10s), inngest::run_not_completed);
  runs = json::array();
  CHECK_THROWS_WITH(inngest::runs(app).send_and_wait(charge, ordered{}, 1ms),
                    ContainsSubstring("has no run for it"));
}

TEST_CASE("results of every kind are read, wrapped or not", "[runs]") {
  inngest::run_info run{.id = "R1"};
  const auto given = [&](const char* text) -> inngest::run_info& {
    run.output_text = text;
    return run;
  };
  CHECK(given(R"({"data":7})").output<int>() == 7);
  CHECK(given(R"({"data":"x"})").output<std::string>() == "x");
  CHECK(given(R"({"data":[1,2]})").output<std::vector<int>>() == std::vector<int>{1, 2});
  CHECK_FALSE(given(R"({"data":null})").output<std::optional<int>>());
  CHECK(given(R"({"data":{"total":3}})").output<receipt>().total == 3);
  CHECK(given(R"({"total":3})").output<receipt>().total == 3);
  CHECK(given(R"({"data":{"total":3}})").output<std::map<std::string, receipt>>().at("data").total == 3);
  CHECK(given("7").output<int>() == 7);
  CHECK_THROWS_AS(given(R"({"data":"x"})").output<int>(), inngest::payload_error);
  CHECK_THROWS_AS(given("").output<int>(), inngest::payload_error);
}

TEST_CASE("all pages of an event's runs are read", "[runs]") {
  std::vector<std::string> cursors;
  fake_server server{[&](const request& r) {
    cursors.push_back(r.query("cursor").value_or("none"));
    CHECK(r.query("includeOutput") == "true");
    json run = run_of("COMPLETED");
    run["id"] = "R" + std::to_string(cursors.size());
    const bool more = cursors.size() < 3;
    return response{.body = json{{"data", {run}}, {"page", {{"hasMore", more}, {"cursor", "a/b+c"}}}}.dump()};
  }};
  CHECK(server.runs().of_event("E1").size() == 3);
  CHECK(cursors == strings{"none", "a/b+c", "a/b+c"});
}

namespace {

/// A server that has only version 1, with the ways of a real one: a run that ended with a checkpoint has the
/// output "", one between two steps is "Completed" and has not ended, an answer stays the same for the same
/// question, and a run that is not known is a 500.
struct version_1 {
  json output = "";
  int asked_before_the_end = 3;
  std::map<std::string, response> cache{};
  bool knows_runs = true;

  json run() {
    const bool ended = asked_before_the_end-- <= 0;
    return {{"run_id", "R1"},
            {"function_id", "uuid-1"},
            {"event_id", "E1"},
            {"status", "Completed"},
            {"run_started_at", "2026-11-23T04:40:33.151Z"},
            {"ended_at", ended ? json("2026-11-23T04:40:34.000Z") : json()},
            {"output", ended ? output : json()}};
  }

  response answer(const request& r) {
    if (r.method == "POST") return {.body = R"({"ids":["E1"]})"};
    if (r.path().starts_with("/v2")) return {.status = 404, .body = "404 page not found\n"};
    if (r.path() == "/v1/apps/app/functions") {
      return {.body = json{{{"internal_id", "uuid-1"}, {"id", "app-charge"}, {"config", json::object()}},
                           {{"internal_id", "uuid-2"}, {"id", "app-other"}, {"config", json::object()}}}
                          .dump()};
    }
    const auto found = cache.find(r.url);
    if (found != cache.end()) return found->second;
    if (!knows_runs) return {.status = 500, .body = R"({"error":"Unable to load function run"})"};
    json other = run();
    other["function_id"] = "uuid-2";
    other["output"] = "of another function";
    const json body = r.path() == "/v1/events/E1/runs" ? json::array({other, run()}) : run();
    return cache[r.url] = data(body);
  }
};

}  // namespace

TEST_CASE("a server that has only version 1 is asked so that it does not repeat itself", "[runs]") {
  version_1 ways{.output = {{"total", 9}}};
  fake_server server{[&](const request& r) { return ways.answer(r); }};
  const auto app = server.client();
  const auto charge = app.create_function({.id = "charge"}, inngest::on<ordered>(),
                                          [](inngest::context<ordered>&) { return receipt{}; });
  CHECK(inngest::runs(app).send_and_wait(charge, ordered{}, 30s).total == 9);

  ways = {.output = "[{\"op\":\"StepRun\",\"data\":1},{\"op\":\"RunComplete\",\"data\":{\"total\":4}}]"};
  CHECK(inngest::runs(app).send_and_wait(charge, ordered{}, 30s).total == 4);
  ways = {.output = json::parse(R"([{"op":"RunComplete","data":{"total":5}}])")};
  CHECK(inngest::runs(app).wait("R1", 30s).output<receipt>().total == 5);

  ways = {};
  CHECK_THROWS_WITH(inngest::runs(app).send_and_wait(charge, ordered{}, 30s),
                    ContainsSubstring("version 1") && ContainsSubstring("checkpoints"));
  ways = {};
  const auto note =
      app.create_function({.id = "charge"}, inngest::on<ordered>(), [](inngest::context<ordered>&) {});
  inngest::runs(app).send_and_wait(note, ordered{}, 30s);
}

TEST_CASE("a run that a server of version 2 does not know is none, whatever version 1 says", "[runs]") {
  fake_server server{[](const request& r) {
    if (r.path().starts_with("/v2")) {
      return response{.status = 404,
                      .body = R"({"errors":[{"code":"not_found","message":"Run not found"}]})"};
    }
    return response{.status = 500, .body = R"({"error":"Unable to load function run"})"};
  }};
  CHECK_FALSE(server.runs().find("R1"));
  CHECK_THROWS_AS(server.runs().of_event("E1"), inngest::request_rejected);
}

TEST_CASE("waiting for an event that was not sent says so", "[runs]") {
  auto options = support::quiet_options();
  options.transport = std::make_shared<support::fake_transport>(
      [](const request&) -> response { throw inngest::unreachable("nobody there"); });
  options.send_attempts = 1;
  options.when_unreachable = inngest::unreachable_policy::drop;
  const inngest::client app(options);
  const auto f =
      app.create_function({.id = "f"}, inngest::on<ordered>(), [](inngest::context<ordered>&) { return 1; });
  CHECK_THROWS_WITH(inngest::runs(app).send_and_wait(f, ordered{}, 1s), ContainsSubstring("was not sent"));
}

TEST_CASE("a run is cancelled and run again", "[runs]") {
  fake_server server{[](const request& r) {
    return r.method == "DELETE" ? response{.status = 204} : response{.body = R"({"data":{"runId":"R2"}})"};
  }};
  server.runs().cancel("R1");
  CHECK(server.runs().rerun("R1") == "R2");
  CHECK(server.asked == strings{"DELETE /v1/runs/R1", "POST /v2/runs/R1/rerun"});
  server.answer = [](const request&) {
    return response{.status = 501, .body = R"({"error":"not offered"})"};
  };
  CHECK_THROWS_WITH(server.runs().rerun("R1"), ContainsSubstring("501 not offered"));
}

TEST_CASE("answers that are none are errors that say so", "[runs]") {
  for (const char* garbage : {"", "garbage", "[]", "{\"data\":[1]}", "{\"data\":{}}", "{\"data\":\"x\"}"}) {
    CAPTURE(garbage);
    fake_server server{[&](const request&) { return response{.body = garbage}; }};
    CHECK_THROWS_AS(server.runs().find("R1"), inngest::protocol_error);
  }
  fake_server refusing{[](const request&) { return response{.status = 401, .body = R"({"error":"no"})"}; }};
  CHECK_THROWS_AS(refusing.runs().of_event("E1"), inngest::unauthorized);
}
