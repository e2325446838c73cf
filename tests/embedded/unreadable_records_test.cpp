#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/find_api.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/page_api.hpp>
#include <inngest/embedded/detail/rerun_api.hpp>
#include <inngest/embedded/detail/scheduling/scheduler.hpp>
#include <inngest/embedded/detail/set_aside.hpp>
#include <inngest/embedded/memory_store.hpp>
#include <inngest/embedded/sqlite_store.hpp>

#include "catch.hpp"
#include "embedded/store_records.hpp"
#include "support/eventually.hpp"
#include "support/message_of.hpp"

// Records that can't be read are kept and listed, and everything else runs.

namespace {

using namespace std::chrono_literals;
using namespace store_records;
using Catch::Matchers::ContainsSubstring;
namespace sqlite = inngest::detail::sqlite;

struct nothing {};
INNGEST_FIELDS(nothing)
using go = inngest::event<"test/go", nothing>;

inngest::client make_client(inngest::log_sink sink = inngest::log_to_stderr,
                            inngest::log_level level = inngest::log_level::off) {
  return inngest::client({.id = "app",
                          .send_attempts = 1,
                          .log = inngest::logger(std::move(sink), level),
                          .environment = [](const char*) { return std::nullopt; }});
}

auto simple(const inngest::client& app) {
  return app.create_function({.id = "f"}, inngest::on<go>(), [](auto&) { return 7; });
}

std::string event_text(const std::string& id) {
  return R"({"data":{},"id":")" + id + R"(","name":"test/go","ts":1,"user":{}})";
}

run_record run_with(const std::string& id, const strings& events) {
  run_record out = run_of(id, events);
  out.run.event_name = "test/go";
  for (run_event& event : out.events) event.text = event_text(event.id);
  return out;
}

event_record sent(const std::string& id) {
  return {.id = id, .name = "test/go", .text = event_text(id), .received_at = at(1)};
}

timestamp in_an_hour() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now() + 1h);
}

const std::string registration =
    R"({"functions":[{"id":"other-g","name":"g","triggers":[{"event":"test/g"}],"steps":{"step":{"runtime":{"url":"http://localhost:1/x"}}}}]})";

/// A file in which "a" has all that a run can have, and "b" only has to be called.
void make_file(const std::filesystem::path& file) {
  sqlite_store store({.path = file, .sync = sqlite_options::synchronous::normal});
  run_record full = run_with("a", {"e1", "e2"});
  full.events[1].text = R"({"data":{"own":1},"id":"e2","name":"test/go","ts":1})";
  full.run.status = run_status::running;
  full.run.started_at = at(11);
  full.run.tags = {{.name = "customer", .value = "7"}};
  full.run.concurrency_keys = {"7"};
  full.deferred = {{.id = step("d"), .slug = "app-f", .input = "{}"}};
  job wake{.id = 1,
           .what = job::kind::wake,
           .run_id = "a",
           .step = step("nap"),
           .step_name = "nap",
           .due = in_an_hour(),
           .begun = at(20)};
  job timeout = wake;
  timeout.id = 2;
  timeout.what = job::kind::wait_timeout;
  timeout.step = step("wait");
  commit(store,
         {.events = {sent("e1"), sent("e2"), sent("e3")},
          .runs = {full, run_with("b", {"e3"})},
          .memos = {memo("a", "first", R"({"data":1})")},
          .added_jobs = {wake, timeout, call(3, "b")},
          .added_waits = {{.run_id = "a",
                           .step = step("wait"),
                           .step_name = "wait",
                           .event_name = "test/never",
                           .expression = "event.data.n == async.data.n",
                           .signal = "",
                           .begun = at(20)}},
          .timeline = {told("a", progress::run_started)},
          .values = {{.key = "once:app-f:1", .text = "e1", .expires = in_an_hour()}},
          .apps = {{.id = "other", .text = registration}},
          .notes = {note("a", 1, run_note::kind::metadata), note("a", 2)},
          .log_lines = {{.run_id = "a", .line = {.at = at(12), .step = "s", .text = "said"}, .position = 1}},
          .bulk_operations = {{.id = "bulk",
                               .state = bulk_state::completed,
                               .per_second = 1,
                               .problems = {{.run_id = "a", .text = "no"}},
                               .created_at = at(20),
                               .ended_at = in_an_hour()}},
          .audit = {{.actor = "program",
                     .action = "cancel run",
                     .target = "a",
                     .details = "{}",
                     .id = "00000001",
                     .at = at(13)}}});
}

void execute(const std::filesystem::path& file, const std::string& statements) {
  sqlite::database(file.string(), sqlite::access::writes).execute(statements);
}

std::int64_t number_in(const std::filesystem::path& file, const std::string& question) {
  return sqlite::database(file.string(), sqlite::access::reads).number(question);
}

bool lists(const std::vector<unreadable_record>& all, const std::string& table) {
  return std::any_of(all.begin(), all.end(), [&](const unreadable_record& record) {
    return record.table == table && !record.key.empty() && !record.reason.empty();
  });
}

/// Starts an engine on a damaged file: it lists a record of the table, and runs what it can.
void check_goes_on(const std::filesystem::path& file, const std::string& table) {
  const auto store = std::make_shared<sqlite_store>(
      sqlite_options{.path = file, .sync = sqlite_options::synchronous::normal});
  const auto app = make_client();
  engine running(app, {simple(app)}, {.workers = 1, .store = store});
  CHECK(running.wait_for("b", support::patience).status == run_status::completed);
  CHECK(lists(running.unreadable(), table));
  // Nothing that is asked of the store fails, either.
  store->find_events({});
  store->find_runs({});
  store->runs_of("e1");
  store->memos_of("a");
  store->count_runs();
  store->find_event("e1");
  const page_api page(running);
  for (const char* list : {"/api/runs", "/api/events"})
    CHECK_NOTHROW(find_api(running).answer({.method = "GET", .url = list}).value().dump());
  CHECK_NOTHROW(page.state().dump());
  const auto shown = page.run_details("a");
  if (shown) CHECK_NOTHROW(shown->dump());
  const auto all = store->runs();
  CHECK(std::any_of(all.begin(), all.end(), [](const run& run) { return run.id == "b"; }));
  const auto damaged = store->find_run("a");
  if (damaged) CHECK_FALSE(damaged->run.ended());
  const auto sent_later = running.send(go{});
  CHECK(running.wait_for(running.runs_of(sent_later.ids.at(0)).at(0).id, support::patience).status ==
        run_status::completed);
}

}  // namespace

namespace {

/// Starts an engine on a damaged file: what it lists can be exported with its values, and removed.
void check_can_be_removed(const std::filesystem::path& file) {
  const auto store = std::make_shared<sqlite_store>(
      sqlite_options{.path = file, .sync = sqlite_options::synchronous::normal});
  const auto app = make_client();
  engine running(app, {simple(app)}, {.workers = 1, .store = store});
  for (auto all = running.unreadable(); !all.empty(); all = running.unreadable()) {
    const unreadable_record& record = all.front();
    INFO(record.table << " where " << record.key << ": " << record.reason);
    const std::string exported = running.export_unreadable();
    std::string line = line_of(record);
    line.pop_back();
    const bool went_with_its_run = record.table == "memos" && record.reason.starts_with("run_id is ");
    if (!went_with_its_run) CHECK_THAT(exported, ContainsSubstring(line + R"(,"values":{)"));
    CHECK_FALSE(running.remove_unreadable(record.table, record.key + "0"));
    REQUIRE(running.remove_unreadable(record.table, record.key) != went_with_its_run);
  }
  CHECK(running.metrics().unreadable_records == 0);
}

}  // namespace

TEST_CASE("a value of the wrong type in any column of any table stops nothing else",
          "[embedded][store][unreadable]") {
  const folder place;
  const std::filesystem::path whole = place.path / "whole.db";
  make_file(whole);
  struct column {
    std::string table, name, type;
  };
  std::vector<column> columns;
  {
    sqlite::database file(whole.string(), sqlite::access::reads);
    sqlite::rows found = file.query(
        "SELECT m.name, p.name, p.type FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS p "
        "WHERE m.type = 'table' AND NOT (p.name = 'number' OR (m.name = 'jobs' AND p.name = 'id'))");
    while (found.next()) {
      column& each = columns.emplace_back();
      found.read(each.table, each.name, each.type);
    }
  }
  REQUIRE(columns.size() > 60);
  for (const column& each : columns) {
    const std::string bad = each.type == "BLOB" ? "'text'" : "x'ff'";
    INFO(each.table << "." << each.name << " = " << bad);
    std::filesystem::copy_file(whole, place.file, std::filesystem::copy_options::overwrite_existing);
    const std::string key = each.table == "runs"     ? "id = 'a'"
                            : each.table == "jobs"   ? "id = 1"
                            : each.table == "events" ? "id = 'e1'"
                                                     : "rowid IS NOT NULL OR 1";
    const bool has_rowid = each.table == "runs" || each.table == "jobs" || each.table == "events";
    execute(place.file,
            "UPDATE " + each.table + " SET " + each.name + " = " + bad + " WHERE " +
                (has_rowid ? key
                 : each.table == "run_events" || each.table == "deferred_calls" || each.table == "timeline" ||
                         each.table == "memos" || each.table == "notes"
                     ? "run = (SELECT number FROM runs WHERE id = 'a')" +
                           std::string(each.table == "run_events" ? " AND position = 0"
                                       : each.table == "notes"    ? " AND id = '00000001'"
                                                                  : "")
                     : "1"));
    check_goes_on(place.file, each.table);
    const std::string kept = "SELECT count(*) FROM " + each.table + " WHERE typeof(" + each.name + ") = '" +
                             (each.type == "BLOB" ? "text" : "blob") + "'";
    CHECK(number_in(place.file, kept) >= 1);
    check_can_be_removed(place.file);
    std::filesystem::remove(place.file);
  }
}

TEST_CASE("a record that makes no sense stops nothing else, and its run is set aside",
          "[embedded][store][unreadable]") {
  struct damage {
    const char* statements;
    const char* table;
    bool sets_aside = true;
  };
  const damage all[] = {
      {"UPDATE runs SET status = 99 WHERE id = 'a'", "runs"},
      {"UPDATE runs SET status = -1 WHERE id = 'a'", "runs"},
      {"UPDATE runs SET queued_at = 9223372036854775807 WHERE id = 'a'", "runs"},
      {"UPDATE runs SET event_name = cast(x'ff' AS TEXT) WHERE id = 'a'", "runs"},
      {"DELETE FROM run_events WHERE run = (SELECT number FROM runs WHERE id = 'a')", "runs"},
      {"DELETE FROM events WHERE id = 'e1'; UPDATE run_events SET text = NULL WHERE event_id = 'e1'",
       "run_events"},
      {"UPDATE run_events SET text = '{\"name\":' WHERE event_id = 'e2'", "runs"},
      {"UPDATE run_events SET text = '[]' WHERE event_id = 'e2'", "runs"},
      {"UPDATE run_events SET text = '{\"ts\":\"soon\"}' WHERE event_id = 'e2'", "runs"},
      {"UPDATE run_events SET text = cast(x'7b22ff227d' AS TEXT) WHERE event_id = 'e2'", "runs"},
      {"UPDATE memos SET text = '{\"data\":'", "memos"},
      {"UPDATE memos SET text = ''", "memos"},
      {"UPDATE memos SET text = cast(x'22ff22' AS TEXT)", "memos"},
      {"UPDATE memos SET step = x'00'", "memos"},
      {"UPDATE deferred_calls SET input = '[]'", "runs"},
      {"UPDATE jobs SET what = 99 WHERE id = 1", "jobs"},
      {"UPDATE jobs SET what = 9 WHERE id = 1", "jobs"},
      {"UPDATE jobs SET what = -1 WHERE id = 1", "jobs"},
      {"UPDATE jobs SET what = 6 WHERE id = 1", "jobs"},  // gathered
      {"UPDATE jobs SET what = 8 WHERE id = 1", "jobs"},  // a request without its text
      {"UPDATE jobs SET step = NULL WHERE id = 1", "jobs"},
      {"UPDATE jobs SET attempt = -1 WHERE id = 1", "jobs"},
      {"UPDATE jobs SET attempt = 9223372036854775807 WHERE id = 1", "jobs"},
      {"UPDATE jobs SET due = -9223372036854775808 WHERE id = 1", "jobs"},
      {"UPDATE jobs SET started = 7 WHERE id = 1", "jobs"},
      {"UPDATE jobs SET started = 1 WHERE id = 1", "jobs"},  // a timer never is
      {"UPDATE jobs SET step_name = cast(x'ff' AS TEXT) WHERE id = 1", "jobs"},
      {"UPDATE jobs SET id = -5 WHERE id = 1", "jobs"},
      {"UPDATE jobs SET id = 9223372036854775807 WHERE id = 1", "jobs"},
      {"UPDATE waits SET expression = 'event.data.('", "waits"},
      {"UPDATE waits SET event_name = ''", "waits"},
      {"UPDATE waits SET begun = 1.5", "waits"},
      {"UPDATE jobs SET run_id = 'gone' WHERE id = 1", "jobs", false},
      {"UPDATE timeline SET what = 99", "timeline", false},
      {"UPDATE timeline SET step = cast(x'ff' AS TEXT), detail = x'ff'", "timeline", false},
      {"UPDATE notes SET what = 99", "notes", false},
      {"UPDATE notes SET text = x'ff', name = cast(x'ff' AS TEXT)", "notes", false},
      {"UPDATE events SET dispatched = 7 WHERE id = 'e1'", "events", false},
      {"UPDATE apps SET text = '{'", "apps", false},
      {"UPDATE apps SET text = '[1]'", "apps", false},
      {"UPDATE apps SET text = '{\"functions\":{}}'", "apps", false},
      {"UPDATE apps SET text = replace(text, '\"event\":\"test/g\"', '\"cron\":\"every day\"')", "apps",
       false},
      {"UPDATE apps SET text = replace(text, '\"event\":\"test/g\"', '\"cron\":\"TZ=No/Zone 0 9 * * *\"')",
       "apps", false},
      {"UPDATE remembered_values SET text = '9223372036854775807'", "remembered_values", false},
      {"UPDATE remembered_values SET expires = 9223372036854775807", "remembered_values", false},
      {"DELETE FROM runs WHERE id = 'a'", "jobs", false},
  };
  const folder place;
  const std::filesystem::path whole = place.path / "whole.db";
  make_file(whole);
  for (const damage& each : all) {
    INFO(each.statements);
    std::filesystem::copy_file(whole, place.file, std::filesystem::copy_options::overwrite_existing);
    execute(place.file, each.statements);
    const std::int64_t jobs = number_in(place.file, "SELECT count(*) FROM jobs WHERE run_id = 'a'");
    check_goes_on(place.file, each.table);
    if (each.sets_aside) {
      CHECK(number_in(place.file, "SELECT count(*) FROM jobs WHERE run_id = 'a'") == jobs);
      CHECK(number_in(place.file, "SELECT count(*) FROM waits WHERE run_id = 'a'") == 1);
      CHECK(number_in(place.file, "SELECT count(*) FROM runs WHERE id = 'a' AND ended_at IS NULL") == 1);
      CHECK(number_in(place.file, "SELECT count(*) FROM memos WHERE text <> 'null'") == 1);
    }
    check_can_be_removed(place.file);
    std::filesystem::remove(place.file);
  }
}

TEST_CASE(
    "an unreadable record is logged with its table, row and reason, and its run goes on when it is repaired",
    "[embedded][store][unreadable]") {
  const folder place;
  make_file(place.file);
  execute(place.file,
          "UPDATE jobs SET what = 99, due = 1 WHERE id = 1; DELETE FROM waits; "
          "DELETE FROM jobs WHERE id = 2");
  std::string logged;
  {
    const auto app = make_client([&](inngest::log_level, std::string_view line) { logged += line; },
                                 inngest::log_level::error);
    const engine running(
        app, {simple(app)},
        {.workers = 1, .store = std::make_shared<sqlite_store>(sqlite_options{.path = place.file})});
    const auto all = running.unreadable();
    REQUIRE(all.size() == 1);
    CHECK(all[0].table == "jobs");
    CHECK(all[0].key == "id = 1");
    CHECK(all[0].reason == "what is 99, not a value of its enumeration");
    CHECK(all[0].run_id == "a");
  }
  CHECK_THAT(logged,
             ContainsSubstring("jobs where id = 1: what is 99, not a value of its enumeration; run \"a\" is "
                               "set aside"));
  execute(place.file, "UPDATE jobs SET what = 1 WHERE id = 1");
  const auto app = make_client();
  engine running(app, {simple(app)},
                 {.workers = 1, .store = std::make_shared<sqlite_store>(sqlite_options{.path = place.file})});
  CHECK(running.unreadable().empty());
  CHECK(running.wait_for("a", support::patience).status == run_status::completed);
}

TEST_CASE("only the unreadable one of two records with similar keys is removed", "[embedded][unreadable]") {
  const folder place;
  const std::string start = GENERATE(as<std::string>(), "once:app-f:", std::string(200, 'x'));
  const std::string bad = start + "Ж", good = start + "Б";
  {
    sqlite_store store({.path = place.file});
    commit(store, {.values = {{.key = good, .text = "e1", .expires = in_an_hour()},
                              {.key = bad, .text = "9223372036854775807", .expires = in_an_hour()}}});
  }
  const auto app = make_client();
  const auto store = std::make_shared<sqlite_store>(sqlite_options{.path = place.file});
  engine running(app, {simple(app)}, {.workers = 1, .store = store});
  const auto all = running.unreadable();
  REQUIRE(all.size() == 1);
  REQUIRE(running.remove_unreadable(all[0].table, all[0].key));
  REQUIRE(store->load().values.size() == 1);
  CHECK(store->load().values[0].key == good);
}

namespace {

/// What makes an engine find a record of the table unreadable. The run "a" is called.
changes damage_of(std::string_view table) {
  changes out{.events = {sent("e1")}, .runs = {run_with("a", {"e1"})}, .added_jobs = {call(3, "a")}};
  out.events[0].dispatched = true;
  if (table == "apps") out.apps = {{.id = "other", .text = "{"}};
  if (table == "events")
    out.events.push_back(
        {.id = "e9", .name = "test/go", .text = "[]", .received_at = at(2), .dispatched = false});
  if (table == "remembered_values")
    out.values = {{.key = "once", .text = "9223372036854775807", .expires = in_an_hour()}};
  if (table == "runs") out.runs[0].events[0].text = R"({"ts":"soon"})";
  if (table == "memos") out.memos = {memo("a", "first", R"({"data":)"), memo("a", "second", "{}")};
  if (table == "jobs") out.added_jobs[0].attempt = -1;
  if (table == "waits") out.added_waits = {{.run_id = "a", .step = step("wait"), .begun = at(20)}};
  return out;
}

}  // namespace

TEST_CASE("every kind of record that an engine can find unreadable can be removed from every store",
          "[embedded][unreadable]") {
  const folder place;
  const bool on_disk = GENERATE(false, true);
  const auto table = GENERATE(from_range(checked_tables.begin(), checked_tables.end()));
  INFO(table << (on_disk ? " on disk" : " in memory"));
  std::shared_ptr<store> store = std::make_shared<memory_store>();
  if (on_disk) store = std::make_shared<sqlite_store>(sqlite_options{.path = place.file});
  commit(*store, damage_of(table));
  const auto app = make_client();
  {
    engine running(app, {simple(app)}, {.workers = 1, .store = store});
    const auto all = running.unreadable();
    REQUIRE(all.size() == 1);
    CHECK(all[0].table == table);
    CHECK_FALSE(store->remove_unreadable(all[0].table, all[0].key + "0"));
    REQUIRE(running.remove_unreadable(all[0].table, all[0].key));
    CHECK_FALSE(store->remove_unreadable(all[0].table, all[0].key));  // it is gone
    CHECK_THROWS_AS(store->remove_unreadable("nothing", all[0].key), inngest::store_error);
  }
  engine running(app, {simple(app)}, {.workers = 1, .store = store});
  CHECK(running.unreadable().empty());
  if (table == "runs") {
    CHECK_FALSE(running.find_run("a"));
    CHECK(running.runs_of("e1").empty());
    CHECK(store->load().jobs.empty());
    CHECK(store->count_runs().queued == 0);
  } else if (table != "jobs") {
    CHECK(running.wait_for("a", support::patience).status == run_status::completed);
  }
  CHECK(store->find_event("e9").has_value() == false);
  CHECK(store->memos_of("a").size() == (table == "memos" ? 1 : 0));
}

TEST_CASE("a registration is no longer unreadable when its app has registered again",
          "[embedded][unreadable]") {
  const auto app = make_client();
  const auto store = std::make_shared<memory_store>();
  commit(*store, {.apps = {{.id = "other", .text = "{"}, {.id = "gone", .text = "{"}}});
  engine running(app, {simple(app)}, {.workers = 1, .store = store});
  CHECK(running.unreadable().size() == 2);
  running.register_app("other",
                       R"({"functions":[{"id":"other-g","name":"g","triggers":[{"event":"test/g"}],)"
                       R"("steps":{"step":{"name":"step","runtime":{"url":"http://localhost:1/x"}}}}]})");
  REQUIRE(running.unreadable().size() == 1);
  CHECK_FALSE(running.remove_unreadable("apps", "id = \"other\""));
  CHECK(running.remove_unreadable("apps", "id = \"gone\""));
  REQUIRE(store->load().apps.size() == 1);
  CHECK(store->load().apps[0].id == "other");
}

TEST_CASE("a run that is set aside has not ended, and can be removed", "[embedded][unreadable]") {
  const folder place;
  make_file(place.file);
  execute(place.file, "DELETE FROM run_events WHERE run = (SELECT number FROM runs WHERE id = 'a')");
  const auto app = make_client();
  engine running(app, {simple(app)},
                 {.workers = 1, .store = std::make_shared<sqlite_store>(sqlite_options{.path = place.file})});
  const auto refused = rerun_api(running).answer({.method = "POST", .url = "/api/runs/a/cancel"});
  REQUIRE(refused);
  CHECK(refused->status == 409);
  CHECK_THAT(refused->body, ContainsSubstring("is set aside") && !ContainsSubstring("has ended"));
  const auto all = running.unreadable();
  REQUIRE(all.size() == 1);
  CHECK(running.remove_unreadable(all[0].table, all[0].key));
  CHECK_FALSE(running.find_run("a"));
  CHECK(number_in(place.file, "SELECT count(*) FROM memos") == 0);
  CHECK(number_in(place.file, "SELECT count(*) FROM jobs WHERE run_id = 'a'") == 0);
}

TEST_CASE("a page of runs is not shorter because of those that can't be read",
          "[embedded][store][unreadable]") {
  const folder place;
  {
    sqlite_store store({.path = place.file});
    changes all;
    for (int i = 0; i < 9; ++i) all.runs.push_back(run_of(padded(i), {padded(i)}));
    for (int i = 0; i < 9; ++i) all.events.push_back(event(padded(i)));
    commit(store, all);
  }
  execute(place.file,
          "UPDATE runs SET queued_at = 'x' WHERE number % 3 = 0; "
          "UPDATE events SET name = x'ff' WHERE number % 3 = 0");
  const sqlite_store store({.path = place.file});
  CHECK(store.find_runs({.limit = 4}).size() == 4);
  CHECK(store.find_runs({.limit = 50}).size() == 6);
  CHECK(store.find_events({.limit = 4}).size() == 4);
  CHECK(store.find_events({.limit = 50}).size() == 6);
  CHECK(store.runs().size() == 6);
  CHECK(store.unreadable().size() == 6);
}

TEST_CASE("a step that invoked a run that is set aside goes on waiting for it",
          "[embedded][store][unreadable]") {
  const folder place;
  {
    sqlite_store store({.path = place.file});
    run_record parent = run_with("p", {"e1"});
    parent.run.status = run_status::running;
    run_record child = run_with("c", {"e1"});
    child.parent = parent_step{.run_id = "p", .step = step("invoke"), .name = "invoke"};
    commit(store, {.events = {sent("e1")},
                   .runs = {parent, child},
                   .memos = {memo("c", "x", "{")},
                   .added_jobs = {call(1, "c")}});
  }
  sqlite_store store({.path = place.file});
  CHECK(store.load().steps_of_set_aside.empty());  // to the store a text is a text
  const auto app = make_client();
  const auto define_f = define(simple(app));
  scheduler going(
      {define_f}, store.load(), [](int) { return 1ms; }, at(100));
  CHECK(going.find_run("c") == nullptr);
  REQUIRE(going.find_run("p") != nullptr);
  CHECK(going.find_run("p")->pending.at(step("invoke")).name == "invoke");
}

// ---- what a machine lacks --------------------------------------------------------------------------------

TEST_CASE("a registration that makes no sense is refused without a trace", "[embedded][unreadable]") {
  const auto app = make_client();
  const auto store = std::make_shared<memory_store>();
  engine running(app, {simple(app)}, {.workers = 1, .store = store});
  const char* bad = GENERATE("TZ=No/Zone 0 9 * * *", "every day", "61 * * * *");
  const std::string text = R"({"functions":[{"id":"other-ok","triggers":[{"event":"test/x"}]},)"
                           R"({"id":"other-bad","triggers":[{"cron":")" +
                           std::string(bad) + R"("}]}]})";
  CHECK_THROWS_AS(running.register_app("other", text), inngest::configuration_error);
  CHECK(store->load().apps.empty());
  CHECK(store->load().jobs.empty());
  CHECK(running.functions().size() == 1);
}

TEST_CASE("without a time-zone database schedules with a zone are refused, and stored ones set aside",
          "[embedded][unreadable]") {
  // No other test may name this zone: a process remembers the zones that it has read.
  const folder place;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (::chroot(place.path.c_str()) != 0) ::_exit(77);  // for root only
    int status = 1;
    try {
      const std::string text =
          R"({"functions":[{"id":"other-z","triggers":[{"cron":"TZ=America/Paramaribo 0 9 * * *"}]}]})";
      const auto app = make_client();
      const auto store = std::make_shared<memory_store>();
      {
        engine running(app, {simple(app)}, {.workers = 1, .store = store});
        try {
          running.register_app("other", text);
          status = 2;
        } catch (const inngest::configuration_error&) {
          status = store->load().apps.empty() && running.functions().size() == 1 ? 0 : 3;
        }
      }
      commit(*store, {.apps = {{.id = "other", .text = text}}});
      engine next(app, {simple(app)}, {.workers = 1, .store = store});
      if (!lists(next.unreadable(), "apps")) status = 4;
      const auto sent_later = next.send(go{});
      if (next.wait_for(next.runs_of(sent_later.ids.at(0)).at(0).id, support::patience).status !=
          run_status::completed)
        status = 5;
      const auto zoned =
          app.create_function({.id = "z"}, inngest::cron("TZ=America/Paramaribo 0 9 * * *"), [](auto&) {});
      if (support::message_of<inngest::configuration_error>([&] {
            engine third(app, {zoned});
          }).find("America/Paramaribo") == std::string::npos)
        status = 6;
    } catch (...) {
      status = 9;
    }
    ::_exit(status);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77)
    WARN("needs root for chroot");
  else
    CHECK(WEXITSTATUS(status) == 0);
}
