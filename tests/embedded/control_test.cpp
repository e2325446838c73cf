// Controlling an engine in process and over HTTP: pauses, drains, schedules, the store, and the audit trail.
#include <inngest/inngest.hpp>

#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/changing_routes.hpp>
#include <inngest/embedded/detail/path_parts.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/protocol/signature.hpp>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "catch.hpp"
#include "embedded/store_records.hpp"
#include "support/eventually.hpp"
#include "support/http_client.hpp"
#include "support/message_of.hpp"

namespace {

using namespace std::chrono_literals;
using namespace inngest::embedded;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using inngest::timestamp;
using store_records::folder;
using support::eventually;

struct numbered {
  int n = 0;
};
INNGEST_FIELDS(numbered, n)
using go = inngest::event<"control/go", numbered>;
using heard = inngest::event<"inngest-cpp/audit", json>;

const std::string key = "signkey-test-0123456789abcdef";
const std::string hourly = "0 * * * *";

inngest::client quiet_client() {
  return inngest::client({.id = "shop",
                          .send_attempts = 1,
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

std::shared_ptr<sqlite_store> on_disk(const folder& place) {
  return std::make_shared<sqlite_store>(
      sqlite_options{.path = place.file, .sync = sqlite_options::synchronous::normal});
}

/// Sends requests as JSON, with a bearer token if there is one.
class api {
 public:
  explicit api(const http_server& server, const std::string& token = {}) : client_(server.url()) {
    client_.set_read_timeout(support::patience);
    if (!token.empty()) client_.set_bearer_token_auth(token);
  }
  json get(const std::string& path, int status = 200) { return read(client_.Get(path), status); }
  json post(const std::string& path, const json& body, int status = 200) {
    return read(client_.Post(path, body.dump(), "application/json"), status);
  }
  json remove(const std::string& path, int status = 200) {
    return read(client_.Delete(path, "", "application/json"), status);
  }
  std::string text(const std::string& path) { return client_.Get(path)->body; }

 private:
  static json read(const httplib::Result& answer, int status) {
    REQUIRE(answer);
    CAPTURE(answer->body);
    CHECK(answer->status == status);
    return json::parse(answer->body);
  }

  support::http_client client_;
};

/// A clock that a test sets.
class hands {
 public:
  std::function<std::chrono::system_clock::time_point()> clock() const {
    return [now = now_] { return std::chrono::system_clock::time_point(std::chrono::seconds(now->load())); };
  }
  void advance(std::chrono::seconds time) { *now_ += time.count(); }

 private:
  std::shared_ptr<std::atomic<std::int64_t>> now_ = std::make_shared<std::atomic<std::int64_t>>(
      std::chrono::seconds(std::chrono::sys_days(std::chrono::year(2026) / 3 / 1).time_since_epoch())
          .count());
};

std::size_t runs_of_function(const engine& at, const std::string& slug) {
  return at.find_runs({.function = slug, .limit = 5000}).size();
}

}  // namespace

TEST_CASE("a function that is paused over HTTP stays paused in the next process, and loses nothing",
          "[control][http_server]") {
  const folder place;
  std::atomic<int> calls = 0;
  inngest::client app = quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<go>(), [&](auto& ctx) {
    ++calls;
    return ctx.event.data.n;
  });
  {
    engine engine{app, {f}, {.store = on_disk(place)}};
    http_server server{engine, {.port = 0, .signing_key = key}};
    api keyed(server, inngest::protocol::hashed_signing_key(key));
    CHECK(keyed.post("/api/pause", {{"function", "shop-f"}})["changed"] == true);
    CHECK(keyed.post("/api/pause", {{"function", "shop-f"}})["changed"] == false);
    for (int n = 0; n < 20; ++n) engine.send(go{{.n = n}});
    REQUIRE(eventually([&] { return engine.metrics().paused == 20; }));
    CHECK_THAT(keyed.text("/metrics"),
               ContainsSubstring(R"(inngest_engine_runs{app="shop",function="f",status="paused"} 20)"));
    const json pauses = keyed.get("/api/pauses");
    REQUIRE(pauses["pauses"].size() == 1);
    CHECK(pauses["pauses"][0]["function"] == "shop-f");
    CHECK(pauses["pauses"][0]["by"] == "key");
    CHECK(engine.health().ready);  // a pause is no fault
    const json shown = keyed.get("/api/runs?limit=1")["runs"][0];
    CHECK(shown["status"] == "paused");
    CHECK(keyed.get("/v1/runs/" + shown["id"].get<std::string>())["data"]["status"] == "Queued");
    engine.stop();
  }
  engine engine{app, {f}, {.store = on_disk(place)}};
  REQUIRE(engine.paused().size() == 1);
  CHECK(engine.paused()[0].target == pause_target::function("shop-f"));
  REQUIRE(eventually([&] { return engine.metrics().paused == 20; }));
  CHECK(calls == 0);
  CHECK(engine.resume(pause_target::function("shop-f")));
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(calls == 20);
  CHECK(engine.metrics().functions.at(0).runs_completed == 20);
}

TEST_CASE("a function that saves its results while it continues pauses after the current step", "[control]") {
  inngest::client app = quiet_client();
  engine* at = nullptr;
  std::atomic<int> second = 0;
  const auto f = app.create_function({.id = "f"}, inngest::on<go>(), [&](auto& ctx) {
    ctx.step.run("first", [&] { return at->pause(pause_target::app("shop")); });
    ctx.step.run("second", [&] { return ++second; });
    return 7;
  });
  engine engine{app, {f}};
  at = &engine;
  const std::string id = engine.start(f, {{"n", 1}});
  REQUIRE(eventually([&] { return engine.find_run(id)->status == run_status::paused; }));
  CHECK(second == 0);
  CHECK(engine.store().memos_of(id).size() == 1);
  engine.resume(pause_target::app("shop"));
  CHECK(engine.wait_for(id, support::patience).output<int>() == 7);
  CHECK(second == 1);
}

TEST_CASE("a drain ends what runs, is no state of health, and can be ended", "[control][http_server]") {
  inngest::client app = quiet_client();
  std::atomic<bool> may_end = false, runs = false;
  const auto f = app.create_function({.id = "f"}, inngest::on<go>(), [&](auto& ctx) {
    ctx.step.run("long", [&] {
      runs = true;
      support::hold_until(may_end);
    });
    return 7;
  });
  engine engine{app, {f}};
  http_server server{engine, {.port = 0}};
  api anyone(server);
  const std::string first = engine.start(f, {{"n", 1}});
  REQUIRE(eventually([&] { return runs.load(); }));
  const json begun = anyone.post("/api/drain", json::object());
  CHECK(begun["drained"] == false);
  CHECK(begun["calls"] == 1);
  const std::string next = engine.start(f, {{"n", 1}});
  CHECK(anyone.get("/api/pauses")["draining"] == true);
  CHECK(eventually([&] { return !engine.health().ready; }));
  CHECK_THAT(anyone.get("/health/ready", 503).dump(), ContainsSubstring("draining"));
  may_end = true;
  CHECK(engine.drain(support::patience));
  CHECK(engine.store().memos_of(first).size() == 1);
  CHECK(engine.find_run(first)->status == run_status::paused);
  CHECK(engine.find_run(next)->status == run_status::paused);
  anyone.remove("/api/drain");
  CHECK(engine.wait_for(first, support::patience).output<int>() == 7);
  CHECK(engine.wait_for(next, support::patience).output<int>() == 7);
  CHECK(eventually([&] { return engine.health().ready; }));
}

TEST_CASE("a backfill runs the times that a paused schedule has skipped, once", "[control][schedules]") {
  const folder place;
  hands time;
  inngest::client app = quiet_client();
  std::atomic<int> late = 0;
  const auto f = app.create_function({.id = "f"}, inngest::cron(hourly), [&](auto& ctx) {
    late += ctx.event.data.scheduled_at < ctx.event.data.fire_at ? 1 : 0;
  });
  const timestamp midnight = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);
  const auto options = [&] { return engine_options{.store = on_disk(place), .system_time = time.clock()}; };
  {
    engine engine{app, {f}, options()};
    for (int hour = 1; hour <= 3; ++hour) {
      time.advance(1h);
      REQUIRE(
          eventually([&] { return runs_of_function(engine, "shop-f") == static_cast<std::size_t>(hour); }));
    }
    engine.pause(pause_target::schedule("shop-f", hourly));
    time.advance(4h);
    REQUIRE(eventually([&] { return engine.schedules()[0].next[0] == midnight + 8h; }));
    CHECK(engine.schedules()[0].is_paused);
    CHECK(runs_of_function(engine, "shop-f") == 3);
    const backfill_result done = engine.backfill("shop-f", hourly, midnight + 1h, midnight + 7h);
    CHECK(done.times == 6);
    CHECK(done.repeated == 3);  // that ran by themselves
    CHECK(done.run_ids.size() == 3);
    engine.stop();
  }
  engine engine{app, {f}, options()};
  http_server server{engine, {.port = 0}};
  api anyone(server);
  const json wanted{{"function", "shop-f"},
                    {"cron", hourly},
                    {"from", inngest::to_text(midnight)},
                    {"until", inngest::to_text(midnight + 7h)}};
  json again = anyone.post("/api/schedules/backfill", wanted);
  CHECK(again["times"] == 7);
  CHECK(again["repeated"] == 6);
  CHECK(again["run_ids"].size() == 1);  // that of midnight, from before the function existed
  again = anyone.post("/api/schedules/backfill", wanted);
  CHECK(again["repeated"] == 7);
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(runs_of_function(engine, "shop-f") == 7);
  CHECK(late == 4);
}

TEST_CASE("a backfill is refused as a whole", "[control][schedules]") {
  // with its next time in a year, however long the test takes
  const std::string minutes_of_february = "* * * 2 *";
  hands time;
  inngest::client app = quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::cron(minutes_of_february), [](auto&) {});
  engine engine{app, {f}, {.system_time = time.clock()}};
  const timestamp now = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);
  const auto refusal = [&](const std::string& cron, timestamp from, timestamp until) {
    return support::message_of<inngest::configuration_error>(
        [&] { engine.backfill("shop-f", cron, from, until); });
  };
  CHECK_THAT(refusal(minutes_of_february, now - 24h, now), ContainsSubstring("has 1440 times"));
  CHECK_THAT(refusal(minutes_of_february, now - 24h * 1000, now),
             ContainsSubstring("more than 100000 times"));
  CHECK_THAT(refusal(minutes_of_february, now - 1h, now + 24h), ContainsSubstring("in the future"));
  CHECK_THAT(refusal(minutes_of_february, now, now - 1h), ContainsSubstring("after `until`"));
  CHECK_THAT(refusal("0 * * * *", now - 1h, now), ContainsSubstring("has no schedule \"0 * * * *\""));
  CHECK_THAT(refusal(minutes_of_february, now - std::chrono::years(100), now),
             ContainsSubstring("before 1970"));
  CHECK(engine.runs().empty());
  CHECK(engine.audit_trail().empty());
  CHECK(engine.backfill("shop-f", minutes_of_february, now - 1000min, now).run_ids.size() == 1000);
}

TEST_CASE("every route that changes something leaves an entry in the audit trail", "[control][audit]") {
  const folder place;
  hands time;
  inngest::client app = quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::any_of(inngest::on<go>(), inngest::cron(hourly)),
                                     [](auto& ctx) { ctx.step.sleep("long", 24h); });
  engine engine{app, {f}, {.store = on_disk(place), .system_time = time.clock()}};
  http_server server{engine, {.port = 0, .signing_key = key, .backup_folder = place.path}};
  api keyed(server, inngest::protocol::hashed_signing_key(key));
  const auto actions = [&] {
    std::vector<std::string> out;
    for (const audit_entry& entry : engine.audit_trail({.limit = 1000})) {
      CHECK(entry.actor == "key");
      CHECK_FALSE(entry.id.empty());
      out.insert(out.begin(), entry.action);
    }
    return out;
  };
  const json schedule{{"function", "shop-f"}, {"cron", hourly}};
  const std::string run = keyed.post("/api/schedules/run", schedule)["run_id"].get<std::string>();
  json span = schedule;
  span["from"] = "2026-02-28T00:00:00Z";
  span["until"] = "2026-02-28T03:00:00Z";
  keyed.post("/api/schedules/backfill", span);
  keyed.post("/api/pause", {{"app", "shop"}});
  keyed.post("/api/resume", {{"app", "shop"}});
  keyed.post("/api/runs/" + run + "/rerun", json::object());
  keyed.post("/v2/runs/" + run + "/rerun", json::object());
  keyed.post("/v2/runs/" + run + "/cancel", json::object());
  CHECK(actions() == std::vector<std::string>{"run schedule", "backfill schedule", "pause", "resume",
                                              "rerun run", "rerun run", "cancel run"});
  keyed.post("/api/drain", json::object());
  keyed.remove("/api/drain");
  keyed.post("/api/backup", {{"file", "copy.db"}});
  CHECK(sqlite_store({.path = place.path / "copy.db"}).check().empty());
  CHECK(actions().size() == 10);
  const json page = keyed.get("/api/audit?limit=3");
  REQUIRE(page["entries"].size() == 3);
  CHECK(page["entries"][0]["action"] == "back up store");
  const json rest = keyed.get("/api/audit?limit=200&before=" + page["next"].get<std::string>());
  REQUIRE(rest["entries"].size() == 7);
  CHECK(rest["entries"][0]["action"] == "cancel run");
  CHECK(rest["entries"][0]["target"] == run);

  // what fails, or is traffic, leaves none
  keyed.post("/api/pause", {{"function", "shop-x"}}, 400);
  keyed.post("/api/pause", {{"function", "shop-f"}, {"app", "shop"}}, 400);
  keyed.post("/api/schedules/run", {{"function", "shop-f"}, {"cron", "1 1 1 1 1"}}, 404);
  keyed.post("/api/backup", {{"file", "../x.db"}}, 400);
  keyed.remove("/api/unreadable?table=jobs&key=id%20=%207", 404);
  keyed.post("/e/x", {{"name", "control/go"}, {"data", {{"n", 1}}}});
  // a route that is not in the table does not exist
  CHECK_THAT(keyed.post("/api/unknown", json::object(), 404).dump(), ContainsSubstring("has no POST"));
  CHECK(actions().size() == 10);
}

TEST_CASE("a changing route whose handler forgets the audit trail is in it all the same",
          "[control][audit]") {
  inngest::client app = quiet_client();
  engine engine{app, {}};
  http_server server{engine, {.port = 0}};
  api anyone(server);
  anyone.remove("/v1/cancellations/01JZZZZZZZZZZZZZZZZZZZZZZZ", 404);
  CHECK(engine.audit_trail().empty());
  const changing_route* route = find_changing_route("DELETE", inngest::detail::path_parts("/v1/runs/r%201"));
  REQUIRE(route);
  CHECK(target_of(*route, inngest::detail::path_parts("/v1/runs/r%201")) == "r 1");
  CHECK(find_changing_route("POST", inngest::detail::path_parts("/v1/checkpoint/r/async")));
  CHECK_FALSE(find_changing_route("POST", inngest::detail::path_parts("/v0/connect")));
  CHECK_FALSE(find_changing_route("PATCH", inngest::detail::path_parts("/api/pause")));
  CHECK_FALSE(find_changing_route("POST", inngest::detail::path_parts("/api/pause/x")));
}

TEST_CASE("the audit trail tells the program from sessions, and can be heard as events", "[control][audit]") {
  hands time;
  inngest::client app = quiet_client();
  std::atomic<int> events = 0;
  const auto f = app.create_function({.id = "f"}, inngest::on<go>(), [](auto&) {});
  const auto listener = app.create_function({.id = "listener"}, inngest::on<heard>(), [&](auto& ctx) {
    if (ctx.event.data.at("action") == "pause") ++events;
  });
  engine engine{app, {f, listener}, {.audit_history = 1h, .audit_events = true, .system_time = time.clock()}};
  engine.pause(pause_target::function("shop-f"));
  engine.audit({.action = "deploy", .target = "version 7", .details = R"({"by":"ci"})"});
  {
    http_server server{engine, {.port = 0, .signing_key = key}};
    support::http_client browser(server.url());
    const std::string link = server.sign_in_url();
    const auto signed_in = browser.Get(link.substr(server.url().size()));
    REQUIRE(signed_in);
    const std::string cookie = signed_in->get_header_value("set-cookie");
    const httplib::Headers headers{{"cookie", cookie.substr(0, cookie.find(';'))}};
    const auto answer = browser.Post("/api/resume", headers, R"({"function":"shop-f"})", "application/json");
    REQUIRE(answer);
    CHECK(answer->status == 200);
    const auto unknown = browser.Post("/api/resume", R"({"function":"shop-f"})", "application/json");
    CHECK(unknown->status == 401);
  }
  const auto trail = engine.audit_trail();
  REQUIRE(trail.size() == 3);
  CHECK(trail[0].action == "resume");
  CHECK_THAT(trail[0].actor, Catch::Matchers::Matches("session [0-9a-f]{6}"));
  CHECK(trail[1].actor == "program");
  CHECK(trail[1].action == "deploy");
  CHECK(trail[1].details == R"({"by":"ci"})");
  CHECK(trail[2].target == "function shop-f");
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(events == 1);
}

TEST_CASE("a store forgets the audit trail when its own time is over", "[control][audit]") {
  const folder place;
  memory_store in_memory;
  sqlite_store in_file({.path = place.file});
  for (store* kept : {static_cast<store*>(&in_memory), static_cast<store*>(&in_file)}) {
    changes all;
    for (int i = 0; i < 3; ++i)
      all.audit.push_back({.actor = "a", .action = "b", .id = std::to_string(i), .at = timestamp(i * 1h)});
    kept->commit({&all, 1});
    kept->commit({&all, 1});  // again, as after a failure
    CHECK(kept->audit_trail({}).size() == 3);
    CHECK(kept->audit_trail({.before = "2", .limit = 1}).at(0).id == "1");
    kept->forget({.history = 1ms, .rules = {}, .audit = 2h}, timestamp(3h));
    REQUIRE(kept->audit_trail({}).size() == 2);
    CHECK(kept->audit_trail({})[1].at == timestamp(1h));
  }
}

TEST_CASE("records that can't be read are exported with their raw values, and removed",
          "[control][unreadable]") {
  const folder place;
  inngest::client app = quiet_client();
  const auto f =
      app.create_function({.id = "f"}, inngest::on<go>(), [](auto& ctx) { ctx.step.sleep("s", 24h); });
  std::string damaged, other;
  {
    engine engine{app, {f}, {.store = on_disk(place)}};
    damaged = engine.start(f, {{"n", 1}});
    other = engine.start(f, {{"n", 1}});
    REQUIRE(eventually([&] { return engine.metrics().sleeping == 2; }));
  }
  {
    inngest::detail::sqlite::database file(place.file.string(), inngest::detail::sqlite::access::writes);
    file.run("UPDATE runs SET status = 'broken', output = x'00ff' WHERE id = ?1", damaged);
    file.run("UPDATE remembered_values SET key = key");
    file.run("INSERT INTO remembered_values (key, expires, text) VALUES ('odd', 'never', 'x')");
  }
  engine engine{app, {f}, {.store = on_disk(place)}};
  http_server server{engine, {.port = 0}};
  api anyone(server);
  const json found = anyone.get("/api/unreadable")["records"];
  REQUIRE(found.size() == 2);
  bool exported = false;
  const std::string lines = anyone.text("/api/unreadable/export");
  for (std::size_t at = 0; at < lines.size(); at = lines.find('\n', at) + 1) {
    const json line = json::parse(lines.substr(at, lines.find('\n', at) - at));
    if (line["table"] != "runs") continue;
    exported = true;
    CHECK(line["values"]["status"] == "broken");
    CHECK(line["values"]["output"] == json{{"hex", "00ff"}});
    CHECK(line["values"]["id"] == damaged);
  }
  CHECK(exported);
  // one that can be read stays
  CHECK_FALSE(engine.remove_unreadable("runs", "number = 2, id = \"" + other + "\""));
  CHECK(engine.find_run(other));
  const auto escaped = [](const std::string& text) { return inngest::http::percent_encoded(text); };
  const auto route_of = [&](const json& record) {
    return "/api/unreadable?table=" + record["table"].get<std::string>() +
           "&key=" + escaped(record["key"].get<std::string>());
  };
  for (const json& record : found) anyone.remove(route_of(record));
  CHECK(anyone.get("/api/unreadable")["records"].empty());
  CHECK(anyone.get("/api/check")["ok"] == true);
  CHECK(engine.metrics().unreadable_records == 0);
  CHECK(engine.runs().size() == 1);
  CHECK(engine.audit_trail().at(0).action == "remove unreadable record");
  anyone.remove(route_of(found[0]), 404);
}

TEST_CASE("backups over HTTP need a folder", "[control][http_server]") {
  const folder place;
  inngest::client app = quiet_client();
  engine engine{app, {}, {.store = on_disk(place)}};
  http_server server{engine, {.port = 0}};
  api anyone(server);
  CHECK_THAT(anyone.post("/api/backup", {{"file", "copy.db"}}, 403).dump(),
             ContainsSubstring("backup_folder"));
  CHECK_FALSE(std::filesystem::exists(place.path / "copy.db"));
}

TEST_CASE("the views of a file name pauses, paused runs and the audit trail", "[control]") {
  const folder place;
  hands time;
  inngest::client app = quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<go>(), [](auto&) {});
  const auto g = app.create_function({.id = "g"}, inngest::cron(hourly), [](auto&) {});
  engine engine{app, {f, g}, {.store = on_disk(place), .system_time = time.clock()}};
  engine.pause(pause_target::app("shop"));
  engine.pause(pause_target::schedule("shop-g", hourly));
  engine.start(f, {{"n", 1}});
  inngest::detail::sqlite::database file(place.file.string(), inngest::detail::sqlite::access::reads);
  CHECK(eventually(
      [&] { return file.number("SELECT count(*) FROM readable_runs WHERE status = 'paused'") == 1; }));
  CHECK(file.number("SELECT count(*) FROM readable_pauses WHERE what = 'app' AND target = 'shop' AND "
                    "paused_by = 'program' AND since > '2026'") == 1);
  CHECK(file.number(
            "SELECT count(*) FROM readable_pauses WHERE what = 'schedule' AND target LIKE 'shop-g%'") == 1);
  CHECK(file.number("SELECT count(*) FROM readable_audit_trail WHERE action = 'pause'") == 2);
  engine.resume(pause_target::app("shop"));
  CHECK(file.number("SELECT count(*) FROM readable_pauses") == 1);
}

TEST_CASE("after a kill at any moment, what is paused stays paused, and no time of a backfill runs twice",
          "[control][crash]") {
  const folder place;
  const timestamp midnight = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);
  constexpr int times = 60;
  hands time;
  time.advance(1h + 1s);  // and no further: no time of the schedule comes by itself before it is paused
  for (int round = 0; round < 12; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        inngest::client app = quiet_client();
        const auto f = app.create_function({.id = "f"}, inngest::cron("* * * * *"), [](auto&) {});
        engine engine{app, {f}, {.store = on_disk(place), .system_time = time.clock()}};
        engine.pause(pause_target::schedule("shop-f", "* * * * *"));
        engine.pause(pause_target::function("shop-f"));
        for (int i = 1; i <= times; ++i)
          engine.backfill("shop-f", "* * * * *", midnight, midnight + std::chrono::minutes(i));
        ::_exit(0);
      } catch (...) {
        ::_exit(1);
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10 + round * 25));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE((WIFSIGNALED(status) || WEXITSTATUS(status) == 0));
  }
  inngest::client app = quiet_client();
  std::atomic<int> calls = 0;
  const auto f = app.create_function({.id = "f"}, inngest::cron("* * * * *"), [&](auto&) { ++calls; });
  engine engine{app, {f}, {.store = on_disk(place), .system_time = time.clock()}};
  engine.pause(pause_target::function("shop-f"));  // if no process came so far
  engine.pause(pause_target::schedule("shop-f", "* * * * *"));
  CHECK(calls == 0);
  CHECK(engine.metrics().functions.at(0).runs_completed == 0);
  for (const run& each : engine.runs()) CHECK_FALSE(each.started_at);
  const auto last = engine.backfill("shop-f", "* * * * *", midnight, midnight + std::chrono::minutes(times));
  CHECK(last.repeated + last.run_ids.size() == times);
  std::set<std::string> events;
  for (const run& each : engine.runs()) CHECK(events.insert(each.event_id).second);
  CHECK(events.size() == times);
  engine.resume(pause_target::function("shop-f"));
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(calls == times);
}

namespace {

/// A store whose check and backup take until the test lets them go on.
class slow_store final : public store {
 public:
  std::atomic<int> under_way{0};
  std::atomic<bool> goes_on{false};

  void commit(std::span<const changes> all) override { kept_.commit(all); }
  unfinished_work load() override { return kept_.load(); }
  void forget_before(timestamp time) override { kept_.forget_before(time); }
  std::optional<event_record> find_event(std::string_view id) const override { return kept_.find_event(id); }
  std::vector<event_record> find_events(const event_query& query) const override {
    return kept_.find_events(query);
  }
  std::optional<run_record> find_run(std::string_view id) const override { return kept_.find_run(id); }
  std::vector<run> find_runs(const run_query& query) const override { return kept_.find_runs(query); }
  std::vector<run> runs_of(std::string_view id) const override { return kept_.runs_of(id); }
  std::vector<run> runs() const override { return kept_.runs(); }
  std::vector<memo_record> memos_of(std::string_view id) const override { return kept_.memos_of(id); }
  run_counts count_runs() const override { return kept_.count_runs(); }
  std::vector<std::string> check() const override {
    const_cast<slow_store*>(this)->wait();
    return {};
  }
  void backup_to(const std::filesystem::path&) const override { const_cast<slow_store*>(this)->wait(); }

 private:
  void wait() {
    ++under_way;
    support::hold_until(goes_on);
    --under_way;
  }
  memory_store kept_;
};

}  // namespace

TEST_CASE("a store is checked, and backed up, by one request at a time", "[control][http_server]") {
  const folder place;
  inngest::client app = quiet_client();
  const auto kept = std::make_shared<slow_store>();
  engine engine{app, {}, {.store = kept}};
  http_server server{engine, {.port = 0, .backup_folder = place.path}};
  api anyone(server);
  // The checks of Catch2 are for one thread only.
  int check_status = 0, backup_status = 0;
  std::thread check([&] {
    if (const auto answer = support::http_client(server.url()).Get("/api/check"))
      check_status = answer->status;
  });
  std::thread backup([&] {
    const auto answer =
        support::http_client(server.url()).Post("/api/backup", R"({"file":"a.db"})", "application/json");
    if (answer) backup_status = answer->status;
  });
  const bool both = eventually([&] { return kept->under_way == 2; });  // neither waits for the other
  support::http_client client(server.url());
  for (const char* path : {"/api/check", "/api/unreadable", "/api/unreadable/export"}) {
    const auto answer = client.Get(path);
    CAPTURE(path);
    CHECK((answer && answer->status == 429));
    CHECK((answer && answer->has_header("retry-after")));
  }
  const auto second = client.Post("/api/backup", R"({"file":"b.db"})", "application/json");
  CHECK((second && second->status == 429));
  const auto removal = client.Delete("/api/unreadable?table=jobs&key=x", "", "application/json");
  CHECK((removal && removal->status == 429));
  CHECK(kept->under_way == 2);
  kept->goes_on = true;
  check.join();
  backup.join();
  CHECK(check_status == 200);
  CHECK(backup_status == 200);
  REQUIRE(both);
  anyone.get("/api/check");
  anyone.post("/api/backup", {{"file", "b.db"}});
}

TEST_CASE("a request that may mean more than it says is refused, and changes nothing",
          "[control][http_server]") {
  const folder place;
  hands time;
  inngest::client app = quiet_client();
  const auto f = app.create_function(
      {.id = "f", .retries = 0}, inngest::any_of(inngest::on<go>(), inngest::cron(hourly)), [](auto& ctx) {
        ctx.step.run("a", [] { return 1; });
        ctx.step.sleep("long", 24h);
      });
  engine engine{app, {f}, {.store = on_disk(place), .system_time = time.clock()}};
  http_server server{engine, {.port = 0, .backup_folder = place.path}};
  support::http_client client(server.url());
  const auto event = engine.send(go{{.n = 1}}).ids.at(0);
  REQUIRE(eventually([&] {
    const auto runs = engine.runs_of(event);
    return runs.size() == 1 && runs[0].status == run_status::sleeping;
  }));
  const std::string run = "/api/runs/" + engine.runs_of(event)[0].id;
  std::ofstream(place.path / "there.db") << "mine";
  const auto status_of = [&](const std::string& method, const std::string& path, const std::string& body) {
    const auto answer = method == "GET"    ? client.Get(path)
                        : method == "POST" ? client.Post(path, body, "application/json")
                                           : client.Delete(path, body, "application/json");
    REQUIRE(answer);
    INFO(answer->body);
    CHECK(json::parse(answer->body).contains("error"));
    return answer->status;
  };
  const std::string huge(5000, 'x');
  for (
      const auto& [method, path, body] : std::vector<std::tuple<std::string, std::string, std::string>>{
          // an empty value of a script's variable
          {"POST", "/api/pause", R"({"function":"shop-f","cron":""})"},
          {"POST", "/api/pause", R"({"function":"","app":"shop"})"},
          {"POST", run + "/rerun", R"({"step":""})"},
          {"POST", "/api/schedules/run", R"({"function":"shop-f","cron":""})"},
          {"POST", "/api/schedules/backfill",
           R"({"function":"shop-f","cron":"0 * * * *","from":"","until":"2026-01-01T00:00:00Z"})"},
          {"POST", "/api/backup", R"({"file":""})"},
          // a member twice, members that say opposite things, unknown members
          {"POST", "/api/pause", R"({"function":"shop-x","function":"shop-f"})"},
          {"POST", "/api/pause", R"({"function":"shop-f","app":"shop"})"},
          {"POST", "/api/pause", R"({"app":"shop","cron":"0 * * * *"})"},
          {"POST", "/api/pause", R"({"function":"shop-f","until":"2027-01-01T00:00:00Z"})"},
          {"POST", run + "/rerun", R"({"step":"a","from_failed_step":true})"},
          {"POST", run + "/rerun", R"({"step":"a","input":[1],"result":2})"},
          {"POST", run + "/rerun", R"({"input":[1]})"},
          {"POST", run + "/rerun", R"({"result":null})"},
          {"POST", run + "/rerun", R"({"step":"a","input":{}})"},
          {"POST", run + "/rerun", R"({"step":"none"})"},
          {"POST", run + "/rerun", R"({"dry_run":true})"},
          {"POST", run + "/cancel", R"({"dry_run":true})"},
          {"POST", "/api/events/" + event + "/resend", R"({"data":{"n":2}})"},
          {"POST", "/api/functions/shop-f/invoke", R"({"data":[1]})"},
          {"POST", "/api/functions/shop-f/invoke", R"({"data":{},"key":"k"})"},
          {"POST", "/api/drain", R"({"grace":5})"},
          {"POST", "/api/drain", R"({"grace_seconds":-1})"},
          {"POST", "/api/drain", R"({"grace_seconds":1e300})"},
          {"POST", "/api/drain", R"({"grace_seconds":null})"},
          // parameters where members are meant
          {"POST", "/api/drain?grace_seconds=5", "{}"},
          {"POST", run + "/rerun?step=a", "{}"},
          {"POST", run + "/cancel?dry_run=true", ""},
          {"DELETE", "/api/drain?x=1", ""},
          // bodies that are none
          {"POST", "/api/pause", "[]"},
          {"POST", "/api/pause", "{"},
          {"POST", "/api/pause", std::string(3000, '[')},
          {"POST", run + "/rerun", "null"},
          // times and spans
          {"POST", "/api/schedules/backfill",
           R"({"function":"shop-f","cron":"0 * * * *","from":"2026-13-01T00:00:00Z","until":"2026-01-01T00:00:00Z"})"},
          {"POST", "/api/schedules/backfill",
           R"({"function":"shop-f","cron":"0 * * * *","from":"0001-01-01T00:00:00Z","until":"9999-01-01T00:00:00Z"})"},
          {"POST", "/api/schedules/backfill",
           R"({"function":"shop-f","cron":"0 * * * *","from":"2026-01-01T00:00:00Z","until":"2025-01-01T00:00:00Z"})"},
          // names of files
          {"POST", "/api/backup", R"({"file":"../x.db"})"},
          {"POST", "/api/backup", R"({"file":"a/b.db"})"},
          {"POST", "/api/backup", R"({"file":"C:x.db"})"},
          {"POST", "/api/backup", R"({"file":".hidden"})"},
          {"POST", "/api/backup", "{\"file\":\"" + huge + "\"}"},
          {"POST", "/api/backup", R"({"file":"a\u0000b"})"},
          // lists
          {"GET", "/api/audit?limit=0", ""},
          {"GET", "/api/audit?limit=201", ""},
          {"GET", "/api/audit?limit=99999999999999999999", ""},
          {"GET", "/api/audit?limit=-1", ""},
          {"GET", "/api/audit?limit=1&limit=2", ""},
          {"GET", "/api/audit?befor=x", ""},
          {"GET", "/api/pauses?function=shop-f", ""},
          {"GET", "/api/schedules?function=shop-f", ""},
          {"GET", "/api/check?fix=true", ""},
          {"GET", "/api/runs?status=failed&st%61tus=odd", ""},
          {"GET", "/api/runs?app=a&%61pp=b", ""},
          {"GET", "/api/runs?repeated=maybe", ""},
          {"GET", "/api/runs?search=" + huge, ""},
          {"GET", "/api/runs?search=%ff", ""},
          {"GET", "/api/runs?from=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", ""},
          {"GET", "/api/runs/histogram?buckets=501", ""},
          {"GET", "/api/runs/histogram?buckets=-1", ""},
          {"GET", "/api/runs?tag=:x", ""},
      }) {
    CAPTURE(method, path, body.substr(0, 200));
    CHECK(status_of(method, path, body) == 400);
  }
  CHECK(status_of("POST", "/api/backup", R"({"file":"there.db"})") == 409);
  CHECK(status_of("POST", "/api/%70ause", R"({"app":"shop"})") == 404);
  CHECK(status_of("POST", "/api/pause/", R"({"app":"shop"})") == 404);
  CHECK(status_of("POST", "/api//pause", R"({"app":"shop"})") == 404);
  CHECK(engine.paused().empty());
  CHECK_FALSE(engine.is_draining());
  CHECK(engine.runs().size() == 1);
  CHECK(engine.runs()[0].status == run_status::sleeping);
  CHECK(engine.audit_trail().empty());
  std::string mine;
  CHECK((std::ifstream(place.path / "there.db") >> mine && mine == "mine"));
}
