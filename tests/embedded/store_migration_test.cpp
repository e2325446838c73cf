#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <inngest/embedded.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/embedded/store.hpp>

#include "catch.hpp"
#include "embedded/store_records.hpp"
#include "support/eventually.hpp"

// Files of earlier versions.

namespace {

using namespace std::chrono_literals;
using namespace store_records;
namespace sqlite = inngest::detail::sqlite;

/// As version 1 wrote them: not the library's own statements, which may change.
constexpr const char* version_1 = R"(
  PRAGMA application_id = 1229866836;
  CREATE TABLE events (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    received_at INTEGER NOT NULL, text TEXT NOT NULL);
  CREATE INDEX events_by_time ON events (received_at);
  CREATE TABLE runs (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, status INTEGER NOT NULL,
    function_slug TEXT NOT NULL, function_id TEXT NOT NULL, event_id TEXT NOT NULL, event_name TEXT NOT NULL,
    queued_at INTEGER NOT NULL, started_at INTEGER, ended_at INTEGER, gathering TEXT NOT NULL,
    parent_run_id TEXT, parent_step BLOB, error_name TEXT, error_message TEXT, error_text TEXT,
    output TEXT NOT NULL);
  CREATE INDEX runs_by_status ON runs (status, id);
  CREATE INDEX runs_by_function ON runs (function_slug, id);
  CREATE INDEX runs_by_end ON runs (ended_at) WHERE ended_at IS NOT NULL;
  CREATE TABLE run_events (run INTEGER NOT NULL, position INTEGER NOT NULL, event_id TEXT NOT NULL, text TEXT,
    PRIMARY KEY (run, position)) WITHOUT ROWID;
  CREATE INDEX run_events_by_event ON run_events (event_id);
  CREATE TABLE deferred_calls (run INTEGER NOT NULL, position INTEGER NOT NULL, step BLOB NOT NULL,
    slug TEXT NOT NULL, input TEXT NOT NULL, PRIMARY KEY (run, position)) WITHOUT ROWID;
  CREATE TABLE timeline (run INTEGER NOT NULL, position INTEGER NOT NULL, at INTEGER NOT NULL,
    what INTEGER NOT NULL, step TEXT NOT NULL, attempt INTEGER NOT NULL, duration INTEGER NOT NULL,
    detail TEXT NOT NULL, PRIMARY KEY (run, position)) WITHOUT ROWID;
  CREATE TABLE memos (number INTEGER PRIMARY KEY, run INTEGER NOT NULL, step BLOB NOT NULL, text TEXT NOT NULL);
  CREATE INDEX memos_by_run ON memos (run);
  CREATE TABLE jobs (id INTEGER PRIMARY KEY, what INTEGER NOT NULL, run_id TEXT NOT NULL, step BLOB,
    step_name TEXT NOT NULL, attempt INTEGER NOT NULL, due INTEGER NOT NULL, begun INTEGER NOT NULL,
    text TEXT NOT NULL);
  CREATE TABLE waits (run_id TEXT NOT NULL, step BLOB NOT NULL, step_name TEXT NOT NULL,
    event_name TEXT NOT NULL, expression TEXT NOT NULL, signal TEXT NOT NULL, begun INTEGER NOT NULL,
    PRIMARY KEY (run_id, step)) WITHOUT ROWID;
  CREATE TABLE remembered_values (key TEXT PRIMARY KEY NOT NULL, expires INTEGER NOT NULL,
    text TEXT NOT NULL) WITHOUT ROWID;
  CREATE INDEX remembered_values_by_end ON remembered_values (expires);
  CREATE TABLE apps (id TEXT PRIMARY KEY NOT NULL, text TEXT NOT NULL) WITHOUT ROWID;
  PRAGMA user_version = 1;

  INSERT INTO events VALUES (1, 'e1', 'test/go', 1, '{"data":{},"id":"e1","name":"test/go","ts":1,"user":{}}');
  INSERT INTO runs VALUES
    (1, 'p', 1, 'app-p', 'p', 'e1', 'test/go', 10, 11, NULL, '', NULL, NULL, NULL, NULL, NULL, ''),
    (2, 'c', 1, 'app-c', 'c', 'e1', 'test/go', 10, 11, NULL, '', 'p',
     x'a98d2a5e7ef6fb6a7e6ee7f4d9a4f1ec4a43e7ad', NULL, NULL, NULL, ''),
    (3, 'd', 2, 'app-c', 'c', 'e1', 'test/go', 10, 11, 12, '', NULL, NULL, NULL, NULL, NULL, '7');
  INSERT INTO run_events VALUES (1, 0, 'e1', NULL), (2, 0, 'e1', NULL), (3, 0, 'e1', NULL);
  INSERT INTO timeline VALUES (2, 1, 10, 0, '', 0, 0, 'test/go'), (2, 2, 11, 1, '', 0, 0, 'test/go'),
    (3, 1, 11, 3, 'a', 0, 0, '1');
  INSERT INTO memos VALUES
    (1, 2, x'0000000000000000000000000000000000000001', '{"data":"first"}'),
    (2, 2, x'0000000000000000000000000000000000000002', '{"data":"other"}'),
    (3, 2, x'0000000000000000000000000000000000000001', '{"data":"double"}'),
    (4, 3, x'0000000000000000000000000000000000000001', '{"data":"of another run"}');
  INSERT INTO jobs VALUES (9, 0, 'c', NULL, '', 0, 30, 29, '');
  INSERT INTO remembered_values VALUES ('k', 4102444800000, 'v');
)";

inngest::client make_client() {
  return inngest::client({.id = "app",
                          .send_attempts = 1,
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

struct nothing {};
INNGEST_FIELDS(nothing)
using go = inngest::event<"test/go", nothing>;

}  // namespace

TEST_CASE("a file of the first version is upgraded in place and goes on", "[embedded][store][migration]") {
  const folder place;
  sqlite::database(place.file.string(), sqlite::access::creates).execute(version_1);
  const auto kept = std::make_shared<sqlite_store>(sqlite_options{.path = place.file});
  {
    sqlite::database file(place.file.string(), sqlite::access::reads);
    CHECK(file.number("PRAGMA user_version") == std::ssize(sqlite::store_migrations));
  }
  const unfinished_work work = kept->load();
  CHECK(work.events.empty());  // all that version 1 kept was dispatched
  CHECK(kept->find_event("e1")->dispatched);
  CHECK(run_ids(work) == strings{"c", "p"});
  CHECK(work.runs.at(0).timeline_size == 2);
  CHECK(work.runs.at(0).parent.value().name.empty());
  REQUIRE(work.memos.size() == 2);  // of doubles the first was used
  CHECK(work.memos[0].text == R"({"data":"first"})");
  CHECK(work.memos[1].text == R"({"data":"other"})");
  CHECK(kept->memos_of("d").size() == 1);
  CHECK(kept->memos_of("d")[0].name.empty());
  CHECK(work.runs.at(0).run.original_run_id.empty());
  CHECK_FALSE(work.runs.at(0).replaced);
  REQUIRE(work.jobs.size() == 1);
  CHECK_FALSE(work.jobs[0].started);
  CHECK(work.last_job == 9);
  CHECK(kept->notes_of("p").empty());
  const changes noted{.notes = {note("p", 1)}};
  kept->commit({&noted, 1});
  CHECK(kept->notes_of("p").size() == 1);
  CHECK(kept->logs_of("p").empty());
  CHECK(kept->check().empty());
  CHECK(kept->unreadable().empty());

  REQUIRE(kept->find_run("d")->run.timeline.size() == 1);
  CHECK_FALSE(kept->find_run("d")->run.timeline[0].step_id);

  const auto app = make_client();
  const auto child = app.create_function({.id = "c"}, inngest::on<go>(), [](auto&) { return 7; });
  const auto parent = app.create_function({.id = "p"}, inngest::cron("0 0 1 1 *"), [](auto&) { return 8; });
  engine running(app, {child, parent}, {.workers = 1, .store = kept});
  CHECK(running.wait_for("c", support::patience).status == run_status::completed);
  CHECK(running.wait_for("p", support::patience).status == run_status::completed);
  const auto timeline = running.find_run("p")->timeline;
  CHECK(std::any_of(timeline.begin(), timeline.end(), [](const timeline_entry& entry) {
    return entry.what == progress::invoke_completed && entry.step == "c";  // its name was not kept then
  }));
}

TEST_CASE("entries of older versions get the ids of their steps, also in a file that is full",
          "[embedded][store][migration]") {
  const folder place;
  {
    sqlite::database file(place.file.string(), sqlite::access::creates);
    file.execute(version_1);
    sqlite::migrate(file, std::span(sqlite::store_migrations).first(8));
    file.execute(R"(
      DELETE FROM timeline; DELETE FROM memos;
      INSERT INTO memos (number, run, step, text, name, begun) VALUES
        (1, 3, x'0000000000000000000000000000000000000001', 'null', 'loop', 1),
        (2, 3, x'0000000000000000000000000000000000000002', 'null', 'loop', 1),
        (3, 3, x'0000000000000000000000000000000000000003', 'null', 'loop', 1),
        (4, 3, x'0000000000000000000000000000000000000004', 'null', 'Nap', 1);
      INSERT INTO timeline VALUES
        (3, 1, 1, 0, '', 0, 0, ''), (3, 2, 1, 3, 'loop', 0, 0, ''), (3, 3, 1, 4, 'loop', 0, 0, ''),
        (3, 4, 1, 3, 'loop', 1, 0, ''), (3, 5, 1, 6, 'Nap', 0, 0, ''), (3, 6, 1, 7, 'Nap', 0, 0, ''),
        (3, 7, 1, 8, 'wait', 0, 0, '');
    )");
  }
  const sqlite_store kept{{.path = place.file, .max_size = 1}};
  std::vector<int> ids;
  const auto found = kept.find_run("d");
  for (const timeline_entry& entry : found->run.timeline)
    ids.push_back(entry.step_id ? entry.step_id->back() : -1);
  CHECK(ids == std::vector<int>{-1, 2, 3, 3, 4, 4, -1});  // the first result was kept by a rerun
  CHECK(kept.unreadable().empty());
}
