// The data of the web page: what a run's page shows, and the stream that tells of changes.
#include <inngest/inngest.hpp>

#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "catch.hpp"
#include "embedded/store_records.hpp"
#include "support/eventually.hpp"
#include "support/http_connection.hpp"

namespace {

using namespace std::chrono_literals;
using namespace inngest::embedded;
using inngest::json;
using support::eventually;
using support::http_connection;

struct numbered {
  int n = 0;
};
INNGEST_FIELDS(numbered, n)
using go = inngest::event<"page/go", numbered>;
using called = inngest::event<"page/called", numbered>;
using packed = inngest::event<"page/packed", numbered>;

inngest::client quiet() {
  return inngest::client({.id = "shop",
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

std::shared_ptr<store> store_of(bool on_disk, const store_records::folder& place) {
  if (!on_disk) return std::make_shared<memory_store>();
  return std::make_shared<sqlite_store>(sqlite_options{.path = place.file});
}

support::http_answer get(const http_server& server, const std::string& path) {
  http_connection client(server.port());
  client.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  return client.read_answer();
}

json run_shown(const http_server& server, const std::string& id) {
  return json::parse(get(server, "/api/runs/" + id).body);
}

json step_of(const json& run, const std::string& name) {
  for (const json& step : run["steps"])
    if (step["name"] == name) return step;
  throw std::runtime_error("there is no step " + name + " in " + run.dump());
}

/// A viewer of changes.
class viewer {
 public:
  explicit viewer(const http_server& server) : client_(server.port()) {
    client_.send("GET /api/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
    head_ = client_.read_until("\r\n\r\n");
  }
  const std::string& head() const { return head_; }
  std::uint64_t next() {
    client_.read_until("data: ");
    return json::parse(client_.read_until("\n\n"))["sequence"].get<std::uint64_t>();
  }
  std::string rest() { return client_.read_rest(); }

 private:
  http_connection client_;
  std::string head_;
};

}  // namespace

TEST_CASE("a run's page has every failed attempt with its error, also after a restart", "[embedded][page]") {
  const bool on_disk = GENERATE(false, true);
  const store_records::folder place;
  int calls = 0, ends = 0;
  inngest::client app = quiet();
  const auto pay = app.create_function({.id = "pay", .retries = 2}, inngest::on<go>(), [&](auto& ctx) {
    ctx.step.run("charge", [&] {
      if (++calls < 3) throw std::runtime_error("declined " + std::to_string(calls));
      return 7;
    });
    if (++ends < 2) throw std::runtime_error("outside");
    return 1;
  });
  const auto check = [](const json& run) {
    const json attempts = step_of(run, "charge")["attempts"];
    REQUIRE(attempts.size() == 3);
    for (const std::size_t n : {0U, 1U}) {
      CHECK(attempts[n]["status"] == "failed");
      CHECK(attempts[n]["failure"]["message"] == "declined " + std::to_string(n + 1));
    }
    CHECK(step_of(run, "charge")["output"] == 7);
    CHECK(step_of(run, "charge")["hash"].get<std::string>().size() == 40);
    REQUIRE(run["attempts"].size() == 1);
    CHECK(run["attempts"][0]["failure"]["message"] == "outside");
    CHECK(run["messages"].empty());
    CHECK(run["metadata"].empty());
  };
  std::string id;
  {
    engine host{app, {pay}, {.store = store_of(on_disk, place), .retry_delay = [](int) { return 0ms; }}};
    const http_server server{host, {.port = 0}};
    const auto event = host.send(go{}).ids.at(0);
    REQUIRE(host.wait_until_idle(support::patience));
    id = host.runs_of(event).at(0).id;
    check(run_shown(server, id));
  }
  if (!on_disk) return;
  engine again{app, {pay}, {.store = store_of(on_disk, place)}};
  const http_server server{again, {.port = 0}};
  check(run_shown(server, id));
}

TEST_CASE("a run's page has a step's final error with its stack, and large results by their size",
          "[embedded][page]") {
  inngest::client app = quiet();
  const auto f = app.create_function({.id = "f", .retries = 0}, inngest::on<go>(), [](auto& ctx) {
    ctx.step.run("large", [] { return std::string(100'000, 'x'); });
    ctx.step.run("fails", []() -> int { throw std::runtime_error("no answer"); });
    return 1;
  });
  engine host{app, {f}};
  const http_server server{host, {.port = 0}};
  const auto event = host.send(go{}).ids.at(0);
  REQUIRE(host.wait_until_idle(support::patience));
  const json run = run_shown(server, host.runs_of(event).at(0).id);
  CHECK_FALSE(step_of(run, "large").contains("output"));
  CHECK(step_of(run, "large")["output_size"].get<int>() > 100'000);
  CHECK(step_of(run, "fails")["attempts"][0]["failure"]["message"] == "no answer");
}

TEST_CASE("a rerun's page has the steps that it kept of the original run", "[embedded][page]") {
  inngest::client app = quiet();
  const auto f = app.create_function({.id = "f"}, inngest::on<go>(), [](auto& ctx) {
    const int first = ctx.step.run("first", [] { return 1; });
    const int again = ctx.step.run("first", [] { return 2; });
    return first + again + ctx.step.run("last", [] { return 3; });
  });
  engine host{app, {f}};
  const http_server server{host, {.port = 0}};
  const auto event = host.send(go{}).ids.at(0);
  REQUIRE(host.wait_until_idle(support::patience));
  const std::string id = host.runs_of(event).at(0).id;
  const auto again = host.rerun(id, rerun_step{.step = "last"});
  REQUIRE(again);
  REQUIRE(host.wait_until_idle(support::patience));
  const json original = run_shown(server, id);
  for (const json& step : original["steps"]) CHECK_FALSE(step.contains("is_kept"));
  const json steps = run_shown(server, *again)["steps"];
  REQUIRE(steps.size() == 3);
  for (const std::size_t n : {0U, 1U}) {
    CHECK(steps[n]["name"] == "first");
    CHECK(steps[n]["is_kept"] == true);
    CHECK(steps[n]["output"] == n + 1);
    CHECK(steps[n]["status"] == "completed");
  }
  CHECK(steps[2]["name"] == "last");
  CHECK_FALSE(steps[2].contains("is_kept"));
  CHECK(steps[2]["output"] == 3);
}

TEST_CASE("the pages of runs that invoke each other link to each other", "[embedded][page]") {
  const bool on_disk = GENERATE(false, true);
  const store_records::folder place;
  inngest::client app = quiet();
  const auto child =
      app.create_function({.id = "child"}, inngest::on<called>(), [](auto& ctx) { return ctx.event.data.n; });
  const auto parent = app.create_function({.id = "parent"}, inngest::on<go>(), [&](auto& ctx) {
    ctx.step.invoke("first", child, {.n = 1});
    ctx.step.invoke("second", child, {.n = 2});
    return 1;
  });
  engine host{app, {child, parent}, {.store = store_of(on_disk, place)}};
  const http_server server{host, {.port = 0}};
  const auto event = host.send(go{}).ids.at(0);
  REQUIRE(host.wait_until_idle(support::patience));
  const std::string id = host.runs_of(event).at(0).id;
  const json run = run_shown(server, id);
  REQUIRE(run["children"].size() == 2);
  CHECK_FALSE(run.contains("parent"));
  for (const std::size_t n : {0U, 1U}) {
    const json& link = run["children"][n];
    CHECK(link["step"] == (n == 0 ? "first" : "second"));
    CHECK(link["function"] == "shop-child");
    CHECK(link["status"] == "completed");
    const json below = run_shown(server, link["run_id"]);
    CHECK(below["parent"]["run_id"] == id);
    CHECK(below["parent"]["step"] == link["step"]);
    CHECK(below["events"][0]["data"]["n"] == n + 1);
  }
}

TEST_CASE("a run's page tells what a wait matches, and the event that ended it", "[embedded][page]") {
  inngest::client app = quiet();
  const auto f = app.create_function({.id = "f"}, inngest::on<go>(), [](auto& ctx) {
    ctx.step.template wait_for_event<packed>("pack",
                                             {.timeout = 1h, .expression = "async.data.n == event.data.n"});
    return 1;
  });
  engine host{app, {f}};
  const http_server server{host, {.port = 0}};
  const auto event = host.send(go{{.n = 7}}).ids.at(0);
  std::string id;
  REQUIRE(eventually([&] {
    const auto runs = host.runs_of(event);
    if (runs.empty() || runs[0].status != inngest::embedded::run_status::waiting) return false;
    id = runs[0].id;
    return true;
  }));
  CHECK(step_of(run_shown(server, id), "pack")["awaits"] == "page/packed if async.data.n == event.data.n");
  host.send(packed{{.n = 7}});
  REQUIRE(host.wait_until_idle(support::patience));
  CHECK(step_of(run_shown(server, id), "pack")["output"]["data"]["n"] == 7);
}

TEST_CASE("a viewer is told at once and after each change, and at the end", "[embedded][page]") {
  inngest::client app = quiet();
  const auto f = app.create_function({.id = "f"}, inngest::on<go>(), [](auto&) { return 1; });
  engine host{app, {f}};
  std::optional<http_server> server(std::in_place, host, inngest::embedded::http_server_options{.port = 0});
  viewer page(*server);
  CHECK(page.head().find("200 OK") != std::string::npos);
  CHECK(support::lower_case(page.head()).find("content-type: text/event-stream") != std::string::npos);
  const std::uint64_t first = page.next();
  host.send(go{});
  std::uint64_t last = page.next();
  CHECK(last > first);
  REQUIRE(host.wait_until_idle(support::patience));
  while (last < host.sequence()) last = page.next();
  CHECK(last == host.sequence());
  viewer late(*server);
  CHECK(late.next() == last);
  server.reset();  // ends the streams
  page.rest();
  late.rest();
}

TEST_CASE("only so many viewers follow the changes, and one that leaves makes room", "[embedded][page]") {
  inngest::client app = quiet();
  engine host{app, {}};
  const http_server server{host, {.port = 0, .max_connections = 8}};
  std::optional<viewer> first(std::in_place, server);
  first->next();
  viewer second(server);
  second.next();
  const auto refused = get(server, "/api/live");
  CHECK(refused.status == 503);
  CHECK(json::parse(refused.body)["error"].get<std::string>().find("too many viewers") == 0);
  first.reset();
  CHECK(eventually([&] { return viewer(server).head().find("200 OK") != std::string::npos; }));
}

TEST_CASE("strangers do not follow the changes of a server with keys", "[embedded][page]") {
  inngest::client app = quiet();
  engine host{app, {}};
  const http_server server{host, {.port = 0, .signing_key = "signkey-test-0123456789abcdef0123456789abcdef"}};
  CHECK(get(server, "/api/live").status == 401);
}
