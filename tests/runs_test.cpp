#include <inngest/runs.hpp>

#include <functional>
#include <string>
#include <vector>

#include "catch.hpp"
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

json run_of(const char* status, json output = nullptr) {
  return {{"run_id", "R1"},
          {"function_id", "uuid-1"},
          {"event_id", "E1"},
          {"status", status},
          {"run_started_at", "2026-11-23T04:40:33.151Z"},
          {"ended_at", "2026-11-23T04:40:34.000Z"},
          {"output", output}};
}
response data(const json& value) { return {.body = json{{"data", value}, {"metadata", {{"x", 1}}}}.dump()}; }

}  // namespace

TEST_CASE("a run is found with its status, times and output", "[runs]") {
  fake_server server{[](const request&) { return data(run_of("Completed", {{"total", 7}})); }};
  const auto run = server.runs().find("R1").value();
  CHECK(run.status == run_status::completed);
  CHECK(run.ended());
  CHECK(run.output<receipt>().total == 7);
  CHECK(inngest::to_text(*run.started_at) == "2026-11-23T04:40:33.151Z");
  CHECK(run.function_uuid == "uuid-1");
  CHECK(server.asked == strings{"GET /v1/runs/R1"});
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
  fake_server server{[&](const request&) { return data(run_of(++asked < 3 ? "Running" : "Failed")); }};
  CHECK(server.runs().wait("R1", 10s).status == run_status::failed);
  CHECK(asked == 3);
  server.answer = [](const request&) { return data(run_of("Running")); };
  CHECK_THROWS_AS(server.runs().wait("R1", 1ms), inngest::run_timed_out);
  server.answer = [](const request&) { return response{.status = 404}; };
  CHECK_THROWS_WITH(server.runs().wait("R1", 1ms), ContainsSubstring("not known"));
}

TEST_CASE("an event is sent and its function's result waited for, typed", "[runs]") {
  json runs = json::array();
  fake_server server{[&](const request& r) {
    if (r.method == "POST") return response{.body = R"({"ids":["E1"]})"};
    if (r.path() == "/v1/apps/app/functions") {
      return response{.body =
                          json{{{"internal_id", "uuid-1"}, {"id", "app-charge"}, {"config", json::object()}},
                               {{"internal_id", "uuid-2"}, {"id", "app-other"}, {"config", json::object()}}}
                              .dump()};
    }
    json other = run_of("Completed", "of another function");
    other["function_id"] = "uuid-2";
    json list = json::array({other});
    if (!runs.empty()) list.push_back(runs[0]);
    if (runs.size() > 1) runs.erase(0);
    return data(list);
  }};
  const auto app = server.client();
  const auto charge = app.create_function({.id = "charge"}, inngest::on<ordered>(),
                                          [](inngest::context<ordered>&) { return receipt{}; });
  runs = {run_of("Running"), run_of("Completed", {{"total", 9}})};
  CHECK(inngest::runs(app).send_and_wait(charge, ordered{}, 10s).total == 9);

  runs = {run_of("Failed", {{"name", "Error"}, {"message", "no money"}})};
  CHECK_THROWS_WITH(inngest::runs(app).send_and_wait(charge, ordered{}, 10s),
                    ContainsSubstring("run R1 failed: no money"));
  runs = {run_of("Cancelled")};
  CHECK_THROWS_AS(inngest::runs(app).send_and_wait(charge, ordered{}, 10s), inngest::run_not_completed);
  runs = json::array();
  CHECK_THROWS_WITH(inngest::runs(app).send_and_wait(charge, ordered{}, 1ms),
                    ContainsSubstring("knows no run"));
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
