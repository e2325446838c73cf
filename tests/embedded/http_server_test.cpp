#include <inngest/inngest.hpp>

#include <inngest/doctor.hpp>
#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/runs.hpp>

#include <chrono>
#include <memory>
#include <string>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/http_client.hpp"
#include "support/running_server.hpp"

using namespace std::chrono_literals;
using inngest::json;
using inngest::embedded::engine;
using inngest::embedded::http_server;

namespace {

struct number {
  int n = 0;
};
INNGEST_FIELDS(number, n)
using go = inngest::event<"server/go", number>;

inngest::client make_client() {
  return inngest::client({.id = "app",
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

/// A client as another process would have it.
struct caller {
  support::http_client client;

  explicit caller(const http_server& server) : client(server.port()) {}

  json get(const std::string& path, int status = 200) {
    const auto answer = client.Get(path);
    REQUIRE(answer);
    CHECK(answer->status == status);
    return json::parse(answer->body);
  }
  json post(const std::string& path, const std::string& body, int status = 200) {
    const auto answer = client.Post(path, body, "application/json");
    REQUIRE(answer);
    CHECK(answer->status == status);
    return json::parse(answer->body);
  }
};

/// Registers an app that answers at `url`.
std::string registration(const std::string& url) {
  return R"({"appName":"other","url":")" + url + R"(","functions":[{"id":"other-f","name":"F","triggers":[)" +
         R"({"event":"server/go"}],"steps":{"step":{"id":"step","name":"step","runtime":{"type":"http","url":")" +
         url + R"(?fnId=other-f&stepId=step&kept=1"},"retries":{"attempts":1}}}}]})";
}

}  // namespace

TEST_CASE("an engine on a port takes events and tells of runs", "[http_server]") {
  const auto app = make_client();
  const auto doubled = app.create_function(
      {.id = "doubled"}, inngest::on<go>(),
      [](inngest::context<go>& ctx) { return ctx.step.run("double", [&] { return 2 * ctx.event.data.n; }); });
  engine engine{app, {doubled}};
  const http_server server{engine, {.port = 0}};
  caller caller{server};

  const json sent =
      caller.post("/e/key", R"([{"name":"server/go","data":{"n":21}},{"name":"server/other"}])");
  REQUIRE(sent.at("ids").size() == 2);
  REQUIRE(engine.wait_until_idle(support::patience));
  const std::string event = sent.at("ids").at(0);
  const json runs = caller.get("/v1/events/" + event + "/runs").at("data");
  REQUIRE(runs.size() == 1);
  CHECK(runs.at(0).at("status") == "Completed");
  CHECK(runs.at(0).at("output") == 42);
  const std::string run = runs.at(0).at("run_id");
  CHECK(caller.get("/v1/runs/" + run).at("data") == runs.at(0));
  const json of_v2 = caller.get("/v2/runs/" + run + "?includeOutput=true").at("data");
  CHECK(of_v2.at("status") == "COMPLETED");
  CHECK(of_v2.at("output") == json{{"data", 42}});
  CHECK(of_v2.at("function").at("id") == "doubled");
  CHECK(of_v2.contains("endedAt"));
  CHECK(caller.get("/v2/events/" + event + "/runs?includeOutput=true").at("data") == json::array({of_v2}));
  CHECK_FALSE(caller.get("/v2/runs/" + run).at("data").contains("output"));
  CHECK(caller.get("/v2/runs/01M89TPDS0F2HBQW0WB3ZVVKAZ", 404).at("errors").at(0).at("code") == "not_found");
  CHECK(caller.get("/v0/runs/" + run + "/batch").at(0).at("data") == json{{"n", 21}});
  CHECK(caller.get("/v0/runs/" + run + "/actions").begin().value() == json{{"data", 42}});
  CHECK(caller.post("/v2/runs/" + run + "/rerun", "{}").at("data").at("runId") != run);
  CHECK(caller.get("/health").at("status") == 200);
  CHECK(caller.get("/dev").contains("version"));
}

TEST_CASE("events are listed by name and time in pages, as on a server", "[http_server]") {
  engine engine{make_client(), {}};
  const http_server server{engine, {.port = 0}};
  caller caller{server};
  const json ids =
      caller.post("/e/key", R"([{"name":"list/a","data":{"n":1}},{"name":"list/b"},{"name":"list/a"}])")
          .at("ids");
  const auto listed = [&](const std::string& query) {
    json out = json::array();
    const json answer = caller.get("/v1/events" + query);
    for (const json& event : answer.at("data")) out.push_back(event.at("internal_id"));
    return out;
  };
  CHECK(listed("?name=list/a") == json{ids[2], ids[0]});
  CHECK(listed("?name=list/a&limit=1") == json::array({ids[2]}));
  CHECK(listed("?name=list/a&limit=1&cursor=" + ids[2].get<std::string>()) == json::array({ids[0]}));
  CHECK(listed("?received_before=2001-01-01T00:00:00Z") == json::array());
  CHECK(listed("?name=list/b&received_after=2001-01-01T00:00:00Z") == json::array({ids[1]}));
  CHECK(caller.get("/v1/events?limit=1&name=list/a&cursor=" + ids[2].get<std::string>())
            .at("data")
            .at(0)
            .at("data") == json{{"n", 1}});
  CHECK(caller.get("/v1/events?received_after=soon", 400)
            .at("error")
            .get<std::string>()
            .find("received_after") != std::string::npos);
}

TEST_CASE("what the page shows is told as JSON", "[http_server]") {
  const auto app = make_client();
  const auto f = app.create_function({.id = "f", .retries = 0, .concurrency = 3}, inngest::on<go>(),
                                     [](inngest::context<go>& ctx) {
                                       ctx.step.run("work", [] { return 1; });
                                       ctx.step.sleep("rest", 1ms);
                                       throw std::runtime_error("no");
                                     });
  engine engine{app, {f}};
  const http_server server{engine, {.port = 0}};
  caller caller{server};
  engine.send(go{{.n = 1}});
  REQUIRE(engine.wait_until_idle(support::patience));

  const json state = caller.get("/api/state");
  CHECK(state.at("mode") == "memory");
  CHECK(state.at("counts").at("failed") == 1);
  const json functions = caller.get("/api/functions").at("functions");
  REQUIRE(functions.size() == 1);
  CHECK(functions.at(0).at("id") == "app-f");
  CHECK(functions.at(0).at("options").at("concurrency").at(0).at("limit") == 3);
  const json runs = caller.get("/api/runs?status=failed&limit=5");
  REQUIRE(runs.at("runs").size() == 1);
  CHECK(runs.at("next") == nullptr);
  CHECK(caller.get("/api/runs?status=running").at("runs").empty());
  const json run = caller.get("/api/runs/" + runs.at("runs").at(0).at("id").get<std::string>());
  CHECK(run.at("error").at("message") == "no");
  REQUIRE(run.at("steps").size() == 2);
  CHECK(run.at("steps").at(0).at("name") == "work");
  CHECK(run.at("steps").at(0).at("attempts").size() == 1);
  CHECK(run.at("steps").at(1).at("kind") == "sleep");
  CHECK(run.at("steps").at(1).at("status") == "completed");
  const json events = caller.get("/api/events?limit=1").at("events");
  REQUIRE(events.size() == 1);
  CHECK(events.at(0).at("runs").size() == 1);
  const auto page = caller.client.Get("/");
  REQUIRE(page);
  CHECK(page->get_header_value("content-type") == "text/html; charset=utf-8");
  CHECK(page->get_header_value("content-security-policy").find("default-src 'none'") != std::string::npos);
}

TEST_CASE("what is wrong with a request is said", "[http_server]") {
  engine engine{make_client(), {}};
  const http_server server{engine, {.port = 0}};
  caller caller{server};
  CHECK(caller.post("/e/key", "{", 400).at("error").get<std::string>().find("JSON") != std::string::npos);
  CHECK(caller.post("/e/key", R"({"name":""})", 400)
            .at("error")
            .get<std::string>()
            .starts_with("event.name: not an event name"));
  CHECK(caller.post("/fn/register", "{}", 400).at("error") == "appName: missing");
  json scheduled = json::parse(registration("http://127.0.0.1:1/app"));
  scheduled["functions"][0]["triggers"][0] = {{"cron", "* *"}};
  CHECK(caller.post("/fn/register", scheduled.dump(), 400)
            .at("error")
            .get<std::string>()
            .find("\"other-f\": cron (* *)") != std::string::npos);
  CHECK(caller.post("/v1/signals", R"({"signal":"s"})", 404).at("error") == "no run waits for signal \"s\"");
  CHECK(caller.get("/v1/runs/none", 404).at("error") == "there is no run \"none\"");
  CHECK(caller.get("/api/runs/none", 404).contains("error"));
  CHECK(caller.get("/nothing", 404).contains("error"));
  CHECK(caller.post("/v1/checkpoint/none/async", R"({"qi_id":"1","steps":[]})", 409).contains("error"));
}

TEST_CASE("an app elsewhere is called, with a signature where there is a key", "[http_server]") {
  const std::string key = "signkey-test-0123456789abcdef";
  httplib::Server other;
  bool is_signed = false;
  std::string target;
  other.Post("/app", [&](const httplib::Request& request, httplib::Response& response) {
    target = request.target;
    is_signed =
        inngest::protocol::verify(request.get_header_value("x-inngest-signature"), request.body, key,
                                  std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
    response.set_header("x-inngest-sdk", "test:v1");
    response.set_content("\"from elsewhere\"", "application/json");
  });
  support::running_server running(other);
  engine engine{make_client(), {}};
  const http_server server{engine, {.port = 0, .signing_key = key, .event_keys = {"key"}}};
  caller caller{server};
  const std::string body = registration(running.url("/app"));
  CHECK(caller.post("/fn/register", body, 401).contains("error"));
  caller.client.set_default_headers(
      {{"Authorization", "Bearer " + inngest::protocol::hashed_signing_key(key)}});
  CHECK(caller.post("/fn/register", body).at("ok") == true);
  const std::string event =
      caller.post("/e/key", R"({"name":"server/go","data":{"n":1.50}})").at("ids").at(0);
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(engine.runs_of(event).at(0).output<std::string>() == "from elsewhere");
  running.stop();
  CHECK(target == "/app?fnId=other-f&stepId=step&kept=1");
  CHECK(is_signed);
}

TEST_CASE("an app elsewhere that does not answer is tried again, then its run fails", "[http_server]") {
  engine engine{make_client(), {}, {.retry_delay = [](int) { return 1ms; }}};
  const http_server server{engine, {.port = 0}};
  caller caller{server};
  caller.post("/fn/register", registration("http://127.0.0.1:1/app"));
  const std::string event = caller.post("/e/key", R"({"name":"server/go"})").at("ids").at(0);
  REQUIRE(engine.wait_until_idle(support::patience));
  const auto run = engine.runs_of(event).at(0);
  CHECK(run.status == inngest::embedded::run_status::failed);
  CHECK(run.error->name == "Error");
  CHECK(run.error->message.starts_with("Unable to reach the app: "));
}

TEST_CASE("the client for runs works with the engine as with a server", "[http_server]") {
  const auto app = make_client();
  const auto doubled = app.create_function({.id = "doubled"}, inngest::on<go>(),
                                           [](inngest::context<go>& ctx) { return 2 * ctx.event.data.n; });
  const auto sleeper = app.create_function({.id = "sleeper"}, inngest::on<inngest::event<"server/sleep">>(),
                                           [](auto& ctx) { ctx.step.sleep("long", 24h); });
  engine engine{app, {doubled, sleeper}};
  const inngest::runs runs(app);
  CHECK(runs.send_and_wait(doubled, go{{.n = 4}}, support::patience) == 8);
  const auto sent = app.send(inngest::any_event("server/sleep", json::object()));
  const auto run = runs.of_event(sent.ids.at(0)).at(0);
  runs.cancel(run.id);
  CHECK(runs.find(run.id)->status == inngest::run_status::cancelled);
  CHECK_FALSE(runs.find("unknown"));
  CHECK_THAT(inngest::doctor(app).text(), Catch::Matchers::ContainsSubstring("ok      server"));
}

TEST_CASE("a port that is in use is named", "[http_server]") {
  engine engine{make_client(), {}};
  const http_server server{engine, {.port = 0}};
  inngest::embedded::engine another{make_client(), {}};
  CHECK_THROWS_WITH(http_server(another, {.port = server.port()}),
                    Catch::Matchers::ContainsSubstring(std::to_string(server.port())));
}
