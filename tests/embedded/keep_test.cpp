// How long an engine keeps what has ended, copies of its store, and what it does not let in.
#include <inngest/inngest.hpp>

#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "embedded/store_records.hpp"
#include "support/background.hpp"
#include "support/eventually.hpp"
#include "support/http_client.hpp"
#include "support/message_of.hpp"

namespace {

using namespace std::chrono_literals;
using namespace inngest::embedded;
using namespace store_records;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using support::eventually;

struct numbered {
  int n = 0;
};
INNGEST_FIELDS(numbered, n)
using go = inngest::event<"keep/go", numbered>;

inngest::client quiet_client() {
  return inngest::client({.id = "shop",
                          .send_attempts = 1,
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

/// A store with ended runs "<slug>/<status>/<end in hours>".
void add_ended(store& kept, const std::string& slug, run_status status, int hours) {
  const std::string id = slug + "/" + std::string(to_string(status)) + "/" + std::to_string(hours);
  run_record record = run_of(id, {"e-" + id});
  record.run.function_slug = slug;
  record.run.status = status;
  record.run.ended_at = inngest::timestamp(std::chrono::hours(hours));
  const std::vector<changes> all{{.events = {{.id = "e-" + id,
                                              .name = "keep/go",
                                              .text = R"({"data":{},"name":"keep/go","ts":1})",
                                              .received_at = at(1)}},
                                  .runs = {record},
                                  .timeline = {{.run_id = id, .entry = {.at = at(2)}}}}};
  kept.commit(all);
}

std::vector<std::string> ids_of(const store& kept) {
  std::vector<std::string> out;
  for (const run& each : kept.runs()) out.push_back(each.id);
  return out;
}

/// A store that is empty, in memory or in the folder.
template <class Store>
std::shared_ptr<store> new_store(const folder& place) {
  if constexpr (std::is_same_v<Store, sqlite_store>)
    return std::make_shared<sqlite_store>(sqlite_options{.path = place.file});
  else
    return std::make_shared<memory_store>();
}

}  // namespace

TEST_CASE("of several rules the most specific one says how long a run is kept", "[embedded][retention]") {
  const retention kept{.history = 7h,
                       .rules = {{.status = run_status::failed, .keep = 30h},
                                 {.function = "a", .keep = 1h},
                                 {.function = "a", .status = run_status::failed, .keep = 2h},
                                 {.function = "a", .keep = 99h}}};
  CHECK(kept.keep_for("b", run_status::completed) == 7h);
  CHECK(kept.keep_for("b", run_status::failed) == 30h);
  CHECK(kept.keep_for("a", run_status::completed) == 1h);
  CHECK(kept.keep_for("a", run_status::failed) == 2h);
  CHECK(kept.shortest() == 1h);
  CHECK(kept.longest() == 99h);
  CHECK(time_before(at(5), 1h) == at(0));
}

TEMPLATE_TEST_CASE("stores keep runs by function and status", "[embedded][retention][store]", memory_store,
                   sqlite_store) {
  const folder place;
  const std::shared_ptr<store> kept = new_store<TestType>(place);
  for (const char* slug : {"a", "b"}) {
    for (const run_status status : {run_status::completed, run_status::failed, run_status::skipped}) {
      for (const int end : {10, 60, 90}) add_ended(*kept, slug, status, end);
    }
  }
  kept->commit(std::vector<changes>{{.runs = {run_of("active", {"x"})}}});
  kept->forget(
      {.history = 20h, .rules = {{.status = run_status::failed, .keep = 50h}, {.function = "b", .keep = 5h}}},
      inngest::timestamp(100h));
  CHECK(ids_of(*kept) ==
        std::vector<std::string>{"a/completed/90", "a/failed/60", "a/failed/90", "a/skipped/90", "active"});
  CHECK(!kept->find_event("e-b/failed/90"));
  CHECK(kept->find_event("e-a/failed/60"));
  CHECK(kept->count_runs().skipped == 1);
  CHECK(kept->unreadable().empty());
}

TEST_CASE("a store over its budget forgets the oldest ended runs, failed ones last, and shrinks",
          "[embedded][retention][store]") {
  const folder place;
  const auto kept = std::make_shared<sqlite_store>(
      sqlite_options{.path = place.file, .sync = sqlite_options::synchronous::normal});
  const std::string big(20'000, 'x');
  for (int i = 0; i < 600; ++i) {
    run_record record = run_of((i < 10 ? "failed" : "done") + std::to_string(1000 + i), {"e"});
    record.run.status = i < 10 ? run_status::failed : run_status::completed;
    record.run.ended_at = at(i);
    record.run.output_text = "\"" + big + "\"";
    kept->commit(std::vector<changes>{{.runs = {record}}});
  }
  kept->commit(std::vector<changes>{{.runs = {run_of("active", {"e"})}}});
  const std::uint64_t before = kept->size_in_bytes();
  REQUIRE(before > 12'000'000);
  CHECK(kept->forget_down_to(100'000'000) == 0);
  const std::size_t removed = kept->forget_down_to(3'000'000);
  CHECK(removed > 400);
  CHECK(removed < 590);
  CHECK(kept->count_runs().failed == 10);
  CHECK(kept->count_runs().queued == 1);
  CHECK(kept->find_run("done1599"));
  CHECK(!kept->find_run("done1010"));
  CHECK(std::filesystem::file_size(place.file) < 9'000'000);
  CHECK(kept->forget_down_to(1) > 0);  // failed ones, too, but not what has not ended
  CHECK(ids_of(*kept) == std::vector<std::string>{"active"});
}

TEMPLATE_TEST_CASE(
    "a run that was put right does not look unrepeated because its rerun is older than the history",
    "[embedded][retention][store]", memory_store, sqlite_store) {
  const folder place;
  const std::shared_ptr<store> kept = new_store<TestType>(place);
  const auto add = [&](const std::string& id, run_status status, int hours, const std::string& original) {
    run_record record = run_of(id, {"e-" + id});
    record.run.status = status;
    record.run.ended_at = inngest::timestamp(std::chrono::hours(hours));
    record.run.original_run_id = original;
    commit(*kept, {.runs = {record}});
  };
  add("a", run_status::failed, 1, "");
  add("a-again", run_status::completed, 2, "a");
  add("b", run_status::failed, 19, "");
  add("b-again", run_status::completed, 18, "b");  // the clock was set back
  add("c-again", run_status::completed, 2, "forgotten");
  add("d", run_status::completed, 1, "");
  add("d-again", run_status::failed, 18, "d");
  const retention rules{.history = 7h, .rules = {{.status = run_status::failed, .keep = 30h}}};
  kept->forget(rules, inngest::timestamp(30h));
  CHECK(ids_of(*kept) == strings{"a", "a-again", "b", "b-again", "d-again"});
  CHECK(ids(kept->find_runs({.statuses = {run_status::failed}, .is_repeated = false})) == strings{"d-again"});
  kept->forget(rules, inngest::timestamp(48h));
  CHECK(ids_of(*kept) == strings{"b", "b-again", "d-again"});
  kept->forget(rules, inngest::timestamp(60h));
  CHECK(ids_of(*kept).empty());
}

TEST_CASE("a store over its budget does not forget that a run was repeated", "[embedded][retention][store]") {
  const folder place;
  sqlite_store kept({.path = place.file, .sync = sqlite_options::synchronous::normal});
  const auto add = [&](const std::string& id, run_status status, int ended_at, const std::string& original) {
    run_record record = run_of(id, {"e"});
    record.run.status = status;
    record.run.ended_at = at(ended_at);
    record.run.original_run_id = original;
    record.run.output_text = "\"" + std::string(20'000, 'x') + "\"";
    commit(kept, {.runs = {record}});
  };
  add("a", run_status::failed, 1, "");
  add("a-again", run_status::completed, 2, "a");
  for (int i = 0; i < 200; ++i) add("done" + std::to_string(1000 + i), run_status::completed, 10 + i, "");
  CHECK(kept.forget_down_to(2'500'000) > 0);
  CHECK(kept.find_run("a-again"));
  CHECK(kept.find_runs({.statuses = {run_status::failed}, .is_repeated = false}).empty());
  CHECK(kept.forget_down_to(1) > 0);
  CHECK(ids_of(kept).empty());
}

TEST_CASE("a store over its budget with large events removes only as many runs as needed",
          "[embedded][retention][store]") {
  const folder place;
  sqlite_store kept({.path = place.file, .sync = sqlite_options::synchronous::normal});
  const std::string big = R"({"data":")" + std::string(50'000, 'x') + R"("})";
  const auto add_event = [&](const std::string& id, int received_at) {
    commit(kept, {.events = {{.id = id,
                              .name = "keep/go",
                              .text = big,
                              .received_at = at(received_at),
                              .dispatched = true}}});
  };
  const auto add_run = [&](const std::string& id, run_status status, int number, const strings& events) {
    run_record record = run_of(id, events);
    for (run_event& each : record.events) each.text = big;
    record.run.status = status;
    record.run.queued_at = at(number);
    record.run.ended_at = at(1000 + number);
    commit(kept, {.runs = {record}});
  };
  add_event("shared", 5);
  for (int i = 0; i < 10; ++i) {
    add_event("e-failed" + std::to_string(i), 10);
    add_run("failed" + std::to_string(i), run_status::failed, 10, {"e-failed" + std::to_string(i)});
  }
  for (int i = 100; i < 400; ++i) {
    add_event("e" + std::to_string(i), i);
    add_run("done" + std::to_string(i), run_status::completed, i, {"e" + std::to_string(i), "shared"});
  }
  SECTION("of the runs that use them") {
    const std::size_t removed = kept.forget_down_to(10'000'000);
    CHECK(removed >= 100);
    CHECK(removed <= 200);
    CHECK(kept.count_runs().failed == 10);
    CHECK(!kept.find_event("e100"));
    CHECK(kept.find_event("e399"));
    CHECK(kept.find_event("shared"));  // runs that are left use it
    CHECK(kept.events_of("done399").at(1).text == big);
  }
  SECTION("that no run uses") {
    for (int i = 0; i < 300; ++i) add_event("unused" + std::to_string(i), 50);
    CHECK(kept.forget_down_to(16'000'000) <= 50);
    CHECK(kept.count_runs().completed >= 250);
    CHECK(!kept.find_event("unused0"));
  }
}

TEST_CASE("a store forgets although times in damaged records are beyond all times",
          "[embedded][retention][store]") {
  const folder place;
  const std::string beyond = GENERATE("-9000000000000000000", "9000000000000000000");
  {
    sqlite_store kept({.path = place.file});
    for (const char* slug : {"a", "b", "c"}) add_ended(kept, slug, run_status::completed, 1);
    commit(kept, {.events = {{.id = "damaged", .name = "keep/go", .text = "{}", .dispatched = true},
                             {.id = "sound", .name = "keep/go", .text = "{}", .dispatched = true}}});
  }
  {
    inngest::detail::sqlite::database file(place.file.string(), inngest::detail::sqlite::access::writes);
    file.execute("UPDATE events SET received_at = " + beyond + " WHERE id = 'damaged'");
    file.execute("UPDATE runs SET queued_at = " + beyond + " WHERE function_slug = 'a'");
  }
  sqlite_store kept({.path = place.file});
  SECTION("what is too old") {
    CHECK_NOTHROW(kept.forget_before(at(1000)));
    CHECK(!kept.find_event("sound"));
  }
  SECTION("what is too large") {
    CHECK_NOTHROW(kept.forget_down_to(1));
    CHECK(!kept.find_run("b/completed/1"));
    CHECK(!kept.find_run("c/completed/1"));
  }
}

TEST_CASE("an engine applies rules and budget by itself", "[embedded][retention]") {
  const folder place;
  const auto kept = std::make_shared<sqlite_store>(sqlite_options{.path = place.file});
  add_ended(*kept, "a", run_status::completed, 1);
  add_ended(*kept, "a", run_status::failed, 1);
  inngest::client app = quiet_client();
  engine engine{
      app, {}, {.store = kept, .retention = {{.status = run_status::failed, .keep = 24h * 365 * 200}}}};
  CHECK(eventually([&] { return ids_of(*kept) == std::vector<std::string>{"a/failed/1"}; }));
}

namespace {

struct large {
  std::string text{};
};
INNGEST_FIELDS(large, text)
using large_go = inngest::event<"keep/large", large>;

/// A store of at most one megabyte, and the time of its engine.
struct small_store {
  folder place{};
  std::atomic<std::int64_t> hours = 0;
  std::function<std::chrono::system_clock::time_point()> clock = [this] {
    return std::chrono::system_clock::time_point(std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)) +
           std::chrono::hours(hours);
  };

  engine_options options() const {
    return {.workers = 1,
            .store = std::make_shared<sqlite_store>(sqlite_options{
                .path = place.file, .sync = sqlite_options::synchronous::normal, .max_size = 1024 * 1024}),
            .history = 1h,
            .system_time = clock};
  }

  /// Sends events, whose runs complete, until the store has no room.
  static bool fill(engine& running) {
    for (int i = 0; i < 1000; ++i) {
      if (!takes_event(running)) return true;
      running.wait_until_idle(100ms);
    }
    return false;
  }

  static bool takes_event(engine& running) {
    try {
      running.send(large_go{.data = {std::string(20'000, 'x')}});
      return true;
    } catch (const inngest::error&) {
      return false;
    }
  }

  static bool takes_event_soon(engine& running) {
    const auto end = std::chrono::steady_clock::now() + 15s;
    while (std::chrono::steady_clock::now() < end) {
      if (takes_event(running)) return true;
      std::this_thread::sleep_for(100ms);
    }
    return false;
  }
};

}  // namespace

TEST_CASE("a full store gets room again when the history of its runs has passed", "[embedded][retention]") {
  small_store full;
  inngest::client app = quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<large_go>(), [](auto&) { return 7; });
  engine engine{app, {f}, full.options()};
  REQUIRE(small_store::fill(engine));
  CHECK_FALSE(small_store::takes_event(engine));
  full.hours = 2;
  CHECK(small_store::takes_event_soon(engine));
  CHECK(engine.wait_until_idle(support::patience));
}

TEST_CASE("a full store gets room again when it exceeds its budget", "[embedded][retention]") {
  small_store full;
  inngest::client app = quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<large_go>(), [](auto&) { return 7; });
  engine_options options = full.options();
  options.size_budget = 500'000;
  engine engine{app, {f}, options};
  REQUIRE(small_store::fill(engine));
  CHECK(small_store::takes_event_soon(engine));
  CHECK(engine.wait_until_idle(support::patience));
}

TEST_CASE("an engine starts on a full store whose history has passed", "[embedded][retention]") {
  small_store full;
  inngest::client app = quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<large_go>(), [](auto&) { return 7; });
  {
    engine engine{app, {f}, full.options()};
    REQUIRE(small_store::fill(engine));
  }
  {
    // Not even one page is free for what an engine writes when it starts.
    sqlite_store store({.path = full.place.file, .max_size = 1024 * 1024});
    int next = 0;
    CHECK_THROWS_AS(([&] {
                      while (true) add_ended(store, "filler", run_status::completed, ++next);
                    })(),
                    inngest::store_error);
  }
  full.hours = 2;
  const auto hourly = [&](int n) {
    return app.create_function({.id = "hourly-" + std::to_string(n)}, inngest::cron("0 * * * *"),
                               [](auto&) {});
  };
  std::vector<inngest::any_function> all{f};
  for (int n = 0; n < 200; ++n) all.push_back(hourly(n));
  engine engine{app, all, full.options()};
  CHECK(small_store::takes_event_soon(engine));
}

TEMPLATE_TEST_CASE("what an engine will commit again is not removed to make room",
                   "[embedded][retention][store]", memory_store, sqlite_store) {
  const folder place;
  const std::shared_ptr<store> kept = new_store<TestType>(place);
  for (int hour = 1; hour <= 4; ++hour) add_ended(*kept, "a", run_status::completed, hour);
  const inngest::timestamp now(std::chrono::hours(10));
  const std::vector<std::string> named{"a/completed/1", "a/completed/3"};
  kept->make_room({.kept = {.history = 7h}, .spared = {named.begin(), named.end()}}, now);
  CHECK(ids_of(*kept) == std::vector<std::string>{"a/completed/1", "a/completed/3", "a/completed/4"});
  CHECK(kept->find_event("e-a/completed/1"));
  if (!std::is_same_v<TestType, sqlite_store>) return;  // a store in memory has no limit
  kept->make_room({.kept = {.history = 7h}, .bytes = 1, .spared = {named.begin(), named.end()}}, now);
  CHECK(ids_of(*kept) == named);
  kept->make_room({.kept = {.history = 7h}}, now + 1h);
  CHECK(ids_of(*kept).empty());
}

TEST_CASE("a backup of a working engine is a store with which another engine goes on", "[embedded][backup]") {
  const folder place;
  const std::filesystem::path copy = place.path / "copy.db";
  const std::filesystem::path later = place.path / "later.db";
  std::atomic<int> bodies{0};
  std::string sleeping;
  const auto functions = [&](inngest::client& app) {
    return std::vector<inngest::any_function>{
        app.create_function({.id = "quick"}, inngest::on<go>(),
                            [&](auto& ctx) {
                              ctx.step.run("a", [&] { ++bodies; });
                              return ctx.step.run("b", [&] { return ctx.event.data.n; });
                            }),
        app.create_function({.id = "sleeps"}, inngest::on<inngest::event<"keep/sleep", numbered>>(),
                            [](auto& ctx) {
                              const int n = ctx.step.run("before", [] { return 7; });
                              ctx.step.sleep("rest", 2s);
                              return n;
                            })};
  };
  {
    inngest::client app = quiet_client();
    engine engine{
        app, functions(app), {.store = std::make_shared<sqlite_store>(sqlite_options{.path = place.file})}};
    sleeping = engine.runs_of(engine.send(inngest::event<"keep/sleep", numbered>{}).ids.at(0)).at(0).id;
    REQUIRE(eventually([&] {  // or it has slept already
      const auto found = engine.find_run(sleeping);
      return found->status == run_status::sleeping || found->ended();
    }));
    support::background sender([&](const std::atomic<bool>& ends) {
      for (int n = 0; !ends; ++n) {
        engine.send(go{{.n = n}});
        eventually([&] { return ends || engine.queued_runs() < 100; });  // or the next process has much to do
      }
    });
    REQUIRE(eventually([&] { return bodies > 50; }));
    engine.backup_to(copy);
    CHECK_THAT(support::message_of<inngest::store_error>([&] { engine.backup_to(copy); }),
               ContainsSubstring("already exists"));
    CHECK_THROWS_AS(engine.backup_to(place.path / "no folder" / "copy.db"), inngest::store_error);
    sqlite_store::backup(place.file, later);  // as another program would
    sender.end();
    CHECK(engine.check().empty());
    CHECK(!std::filesystem::exists(copy.string() + ".unfinished"));
  }
  for (const auto& file : {copy, later}) {
    CAPTURE(file);
    inngest::client app = quiet_client();
    engine engine{
        app, functions(app), {.store = std::make_shared<sqlite_store>(sqlite_options{.path = file})}};
    CHECK(engine.check().empty());
    REQUIRE(engine.wait_until_idle(support::patience));
    CHECK(engine.wait_for(sleeping, support::patience).output<int>() == 7);
    std::size_t completed = 0;
    for (const run& each : engine.runs()) completed += each.status == run_status::completed ? 1 : 0;
    CHECK(completed == engine.runs().size());
    CHECK(completed > 1);
    CHECK((std::filesystem::status(file).permissions() & std::filesystem::perms::others_read) ==
          std::filesystem::perms::none);
  }
}

TEST_CASE("a process that is killed while it makes a backup leaves no half of one", "[embedded][backup]") {
  const folder place;
  {
    sqlite_store kept({.path = place.file, .sync = sqlite_options::synchronous::normal});
    std::vector<changes> all(1);
    for (int i = 0; i < 3000; ++i) {
      run_record record = run_of("r" + std::to_string(i), {"e"});
      record.run.output_text = "\"" + std::string(5000, 'x') + "\"";
      all[0].runs.push_back(record);
    }
    kept.commit(all);
  }
  const std::filesystem::path copy = place.path / "copy.db";
  for (int round = 0; round < 8; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        sqlite_store::backup(place.file, copy);
      } catch (...) {
      }
      ::_exit(0);
    }
    ::usleep(static_cast<useconds_t>(round * 4000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    if (!std::filesystem::exists(copy)) continue;
    sqlite_store restored({.path = copy});
    CHECK(restored.check().empty());
    CHECK(restored.runs().size() == 3000);
    std::filesystem::remove(copy);
  }
  sqlite_store::backup(place.file, copy);
  sqlite_store restored({.path = copy});
  CHECK(restored.runs().size() == 3000);
}

TEST_CASE("a store in memory makes no backups, and says so", "[embedded][backup]") {
  const folder place;
  inngest::client app = quiet_client();
  engine engine{app, {}};
  CHECK_THAT(support::message_of<inngest::store_error>([&] { engine.backup_to(place.path / "copy.db"); }),
             ContainsSubstring("does not support backups"));
  CHECK(engine.check().empty());
}

TEST_CASE("a check finds damage", "[embedded][backup]") {
  const folder place;
  {
    sqlite_store kept({.path = place.file});
    for (int i = 0; i < 100; ++i) add_ended(kept, "a" + std::to_string(i), run_status::completed, 1);
    CHECK(kept.check().empty());
  }
  inngest::detail::sqlite::database(place.file.string(), inngest::detail::sqlite::access::writes)
      .execute("UPDATE runs SET status = 99 WHERE function_slug = 'a5'");
  {
    const sqlite_store kept({.path = place.file});
    REQUIRE(kept.check().size() == 1);
    CHECK_THAT(kept.check().at(0), ContainsSubstring("runs where") && ContainsSubstring("99"));
  }
  std::int64_t page = 0;
  {
    inngest::detail::sqlite::database file(place.file.string(), inngest::detail::sqlite::access::writes);
    file.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    page = file.number("SELECT rootpage FROM sqlite_schema WHERE name = 'timeline'");
  }
  {
    std::fstream file(place.file, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp((page - 1) * 4096);
    file << std::string(4096, '\x5a');
  }
  const sqlite_store kept({.path = place.file});
  CHECK(!kept.check().empty());
}

TEST_CASE("a hundred thousand events in a POST are refused, and many POSTs meet back-pressure",
          "[embedded][http_server][intake]") {
  inngest::client app = quiet_client();
  std::atomic<bool> opens{false};
  const auto f = app.create_function({.id = "f"}, inngest::on<go>(), [&](auto& ctx) {
    ctx.step.run("hold", [&] { support::hold_until(opens); });
  });
  engine engine{app, {f}, {.workers = 2}};
  const http_server server{engine, {.port = 0, .max_queued_runs = 700}};
  support::http_client client(server.port());
  const auto events = [](int count) {
    std::string out = "[";
    for (int i = 0; i < count; ++i) out += std::string(i ? "," : "") + R"({"name":"keep/go","data":{"n":1}})";
    return out + "]";
  };
  const auto whole = client.Post("/e/key", events(100'000), "application/json");
  REQUIRE(whole);
  CHECK(whole->status == 400);
  CHECK(engine.queued_runs() == 0);

  int taken = 0;
  for (int i = 0; i < 20; ++i) {  // such events in pieces
    const auto answer = client.Post("/e/key", events(500), "application/json");
    REQUIRE(answer);
    if (answer->status == 200) {
      ++taken;
      continue;
    }
    CHECK(answer->status == 429);
    CHECK(answer->get_header_value("Retry-After") == "1");
  }
  CHECK(taken == 2);  // 1,000 runs, and then no more
  CHECK(engine.queued_runs() <= 1000);
  CHECK(engine.metrics().queued == engine.queued_runs());
  opens = true;
  CHECK(engine.wait_until_idle(support::patience));
  CHECK(engine.queued_runs() == 0);
  const auto again = client.Post("/e/key", events(10), "application/json");
  REQUIRE(again);
  CHECK(again->status == 200);
}

TEST_CASE("an engine refuses to keep runs for a negative time, which would remove them all",
          "[embedded][retention]") {
  const inngest::client app = quiet_client();
  const auto refused = [&](inngest::embedded::engine_options options) {
    return support::message_of<inngest::configuration_error>([&] { engine(app, {}, std::move(options)); });
  };
  CHECK(refused({.history = -1h}) == "engine_options::history must not be negative");
  CHECK(refused({.audit_history = -1ms}) == "engine_options::audit_history must not be negative");
  CHECK(refused({.retention = {{.keep = 1h}, {.keep = -1h}}}) ==
        "engine_options::retention[1].keep must not be negative");
}

TEST_CASE("runs that wait for their first call are counted after a restart, and when they are cancelled",
          "[embedded][intake]") {
  const folder place;
  for (int process = 0; process < 3; ++process) {
    inngest::client app = quiet_client();
    const auto f = app.create_function({.id = "f", .throttle = inngest::throttle{.limit = 1, .period = 1h}},
                                       inngest::on<go>(), [](auto&) {});
    engine engine{app, {f}, {.store = std::make_shared<sqlite_store>(sqlite_options{.path = place.file})}};
    if (process == 0) {
      for (int i = 0; i < 5; ++i) engine.send(go{});
    }
    const std::size_t expected = process < 2 ? 4 : 3;
    CHECK(eventually([&] { return engine.queued_runs() == expected; }));
    if (process == 1) {
      for (const run& each : engine.runs()) {
        if (each.started_at || each.ended()) continue;  // the first may still be on its way
        CHECK(engine.cancel(each.id));
        break;
      }
      CHECK(engine.queued_runs() == 3);
    }
  }
}
