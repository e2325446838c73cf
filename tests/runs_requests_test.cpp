// What runs asks for with version 2 of the API: lists, traces, repetitions, invocations, bulk cancellations.
#include <inngest/runs.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/handler_driver.hpp"

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using inngest::http::request;
using inngest::http::response;
using asked_event = inngest::event<"shop/asked">;

struct asking_server {
  std::function<response(const request&)> answer;
  std::vector<request> asked{};

  inngest::client client() {
    auto options = support::quiet_options();
    options.transport = std::make_shared<support::fake_transport>([this](const request& r) {
      asked.push_back(r);
      return answer(r);
    });
    return inngest::client(options);
  }
  inngest::runs runs() { return inngest::runs(client()); }
  std::string target() const {
    const std::string& url = asked.back().url;
    return asked.back().method + " " + url.substr(url.find("/v"));
  }
  json body() const { return json::parse(asked.back().body); }
};
response with_data(const json& data) { return {.body = json{{"data", data}}.dump()}; }

}  // namespace

TEST_CASE("runs are listed page by page, with every filter", "[runs]") {
  asking_server server{[](const request& r) {
    if (r.query("cursor")) return response{.body = R"({"metadata":{},"page":{"limit":2}})"};
    return response{.body = R"({"data":[{"id":"R2","status":"QUEUED"},{"id":"R1","status":"FAILED"}],)"
                            R"("page":{"cursor":"C=1","hasMore":true,"limit":2}})"};
  }};
  inngest::run_filter filter{.statuses = {inngest::run_status::scheduled, inngest::run_status::failed},
                             .functions = {"charge", "a b"},
                             .from = inngest::timestamp(0ms),
                             .until = inngest::timestamp(1000ms),
                             .by = inngest::run_time::ended,
                             .oldest_first = true,
                             .is_deferred = false,
                             .limit = 2};
  const auto first = server.runs().list(filter);
  CHECK(server.target() ==
        "GET /v2/runs?limit=2&includeOutput=true&status=queued&status=failed&appId=app&functionId=charge"
        "&functionId=a%20b&from=1970-01-01T00%3A00%3A00.000Z&until=1970-01-01T00%3A00%3A01.000Z"
        "&timeField=endedAt&order=asc&isDeferred=false");
  REQUIRE(first.runs.size() == 2);
  CHECK(first.runs[0].status == inngest::run_status::scheduled);
  filter.cursor = first.cursor;
  const auto second = server.runs().list(filter);
  CHECK_THAT(server.target(), ContainsSubstring("&cursor=C%3D1"));
  CHECK(second.runs.empty());
  CHECK(second.cursor.empty());
  CHECK_THROWS_AS(server.runs().list({.statuses = {inngest::run_status::skipped}}),
                  inngest::configuration_error);
  server.answer = [](const request&) {
    return response{
        .status = 400,
        .body = R"({"errors":[{"code":"invalid_field_format","message":"Limit cannot exceed 100"}]})"};
  };
  CHECK_THROWS_WITH(server.runs().list({.limit = 101}), ContainsSubstring("Limit cannot exceed 100"));
}

TEST_CASE("a trace is read with its steps and attempts", "[runs]") {
  asking_server server{[](const request&) {
    return response{.body = R"({"data":{"runId":"R1","rootSpan":{"id":"s1","name":"Run","status":"FAILED",
      "durationMs":"12","queuedAt":"2026-11-26T07:55:28.618Z","endedAt":"2026-11-26T07:55:28.630Z",
      "children":[{"id":"s2","name":"charge","status":"FAILED","stepOp":"RUN","stepId":"abc",
      "output":{"message":"no"},"children":[{"id":"s3","name":"Attempt 0","status":"FAILED"}]}]}}})"};
  }};
  const auto trace = server.runs().trace("R1").value();
  CHECK(server.target() == "GET /v2/runs/R1/trace?includeOutput=true");
  CHECK(trace.name == "Run");
  CHECK(trace.duration == 12ms);
  CHECK_FALSE(trace.started_at);
  REQUIRE(trace.children.size() == 1);
  CHECK(trace.children[0].step_op == "RUN");
  CHECK(trace.children[0].step_id == "abc");
  CHECK(trace.children[0].output_text == R"({"message":"no"})");
  CHECK(trace.children[0].children.at(0).name == "Attempt 0");

  server.answer = [](const request&) {
    return response{.status = 404,
                    .body = R"({"errors":[{"code":"not_found","message":"Trace not found"}]})"};
  };
  CHECK_FALSE(server.runs().trace("R2", false));
  CHECK(server.target() == "GET /v2/runs/R2/trace");
  std::string deep = R"({"id":"s","name":"x"})";
  for (int i = 0; i < 100; ++i) deep = R"({"id":"s","children":[)" + deep + "]}";
  server.answer = [&](const request&) { return response{.body = R"({"data":{"rootSpan":)" + deep + "}}"}; };
  CHECK_THROWS_AS(server.runs().trace("R1"), inngest::protocol_error);
  server.answer = [](const request&) { return response{.body = R"({"data":{}})"}; };
  CHECK_THROWS_AS(server.runs().trace("R1"), inngest::protocol_error);
}

TEST_CASE("a run is repeated from a step, with other arguments", "[runs]") {
  asking_server server{[](const request&) { return with_data({{"runId", "R2"}}); }};
  CHECK(server.runs().rerun_from("R1", "charge") == "R2");
  CHECK(server.target() == "POST /v2/runs/R1/rerun");
  CHECK(server.body() == json{{"fromStep", {{"stepId", "charge"}}}});
  server.runs().rerun_from("R1", "charge", 42, std::string("EUR"), std::vector<int>{});
  CHECK(server.body() == json{{"fromStep", {{"stepId", "charge"}, {"input", {42, "EUR", json::array()}}}}});
  server.answer = [](const request&) {
    return response{
        .status = 400,
        .body = R"({"errors":[{"code":"invalid_request","message":"Step not found in original run"}]})"};
  };
  CHECK_THROWS_WITH(server.runs().rerun_from("R1", "none"), ContainsSubstring("Step not found"));
}

TEST_CASE("a function is invoked without an event", "[runs]") {
  asking_server server{[](const request&) { return with_data({{"runId", "R1"}}); }};
  const auto app = server.client();
  const auto charge = app.create_function({.id = "charge"}, inngest::on<asked_event>(),
                                          [](inngest::context<asked_event>&) { return 7; });
  const inngest::runs runs(app);
  CHECK(runs.invoke(charge, json{{"n", 1}}) == "R1");
  CHECK(server.target() == "POST /v2/apps/app/functions/charge/invoke");
  CHECK(server.body() == json{{"data", {{"n", 1}}}});
  CHECK(runs.invoke("a/b", "f", json::object(), "once") == "R1");
  CHECK(server.target() == "POST /v2/apps/a%2Fb/functions/f/invoke");
  CHECK(server.body().at("idempotencyKey") == "once");

  server.answer = [](const request&) {  // what a server says to the same key again
    response out = with_data({{"runId", "R1"}});
    out.status = 409;
    return out;
  };
  CHECK(runs.invoke("a", "f", json::object(), "once") == "R1");
  CHECK_THROWS(runs.invoke("a", "f", json::object()));
  server.answer = [](const request&) {
    return response{.status = 422, .body = R"({"errors":[{"code":"rate_limited","message":"too often"}]})"};
  };
  CHECK_THROWS_WITH(runs.invoke("a", "f", json::object(), "once"), ContainsSubstring("too often"));
}

TEST_CASE("many runs are cancelled at once, and the cancellations are listed and removed", "[runs]") {
  asking_server server{[](const request&) { return with_data({{"id", "C1"}}); }};
  CHECK(server.runs().cancel_many({.function = "charge",
                                   .started_after = inngest::timestamp(0ms),
                                   .started_before = inngest::timestamp(1000ms),
                                   .condition = "event.data.n == 1"}) == "C1");
  CHECK(server.target() == "POST /v1/cancellations");
  CHECK(server.body() == json{{"app_id", "app"},
                              {"function_id", "charge"},
                              {"started_after", "1970-01-01T00:00:00.000Z"},
                              {"started_before", "1970-01-01T00:00:01.000Z"},
                              {"if", "event.data.n == 1"}});
  server.runs().cancel_many({.function = "f", .app = "other"});
  CHECK(server.body().at("app_id") == "other");
  CHECK(server.body().contains("started_before"));  // now
  CHECK_FALSE(server.body().contains("if"));

  server.answer = [](const request&) {
    return with_data(
        {{{"id", "C1"}, {"function_id", "app-charge"}, {"if", "true"}, {"started_after", nullptr}}});
  };
  const auto all = server.runs().bulk_cancellations();
  REQUIRE(all.size() == 1);
  CHECK(all[0].function_id == "app-charge");
  CHECK(all[0].condition == "true");
  CHECK_FALSE(all[0].started_after);
  CHECK(server.runs().remove_bulk_cancellation("C1"));
  CHECK(server.target() == "DELETE /v1/cancellations/C1");
  server.answer = [](const request&) { return response{.status = 404}; };
  CHECK_FALSE(server.runs().remove_bulk_cancellation("C1"));
  CHECK_THROWS(server.runs().bulk_cancellations());
}
