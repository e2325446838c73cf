#include <inngest/embedded/store.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <inngest/embedded/memory_store.hpp>
#include <inngest/embedded/sqlite_store.hpp>

#include "catch.hpp"
#include "embedded/store_records.hpp"

// What every store does.

namespace {

using namespace store_records;

/// A store, and the one that the next engine has.
class in_memory {
 public:
  store& operator*() { return store_; }
  store* operator->() { return &store_; }
  void reopen() {}

 private:
  memory_store store_;
};

class on_disk {
 public:
  store& operator*() { return *store_; }
  store* operator->() { return store_.get(); }
  void reopen() {
    store_.reset();
    store_ = std::make_unique<sqlite_store>(sqlite_options{.path = place_.file});
  }

 private:
  folder place_;
  std::unique_ptr<sqlite_store> store_ = std::make_unique<sqlite_store>(sqlite_options{.path = place_.file});
};

}  // namespace

#define INNGEST_STORE_TEST(name) TEMPLATE_TEST_CASE(name, "[embedded][store]", in_memory, on_disk)

INNGEST_STORE_TEST("a new store has nothing") {
  TestType kept;
  CHECK(kept->runs().empty());
  CHECK(kept->find_runs({}).empty());
  CHECK(kept->find_events({}).empty());
  CHECK_FALSE(kept->find_event("e"));
  CHECK_FALSE(kept->find_run("r"));
  CHECK(kept->runs_of("e").empty());
  CHECK(kept->memos_of("r").empty());
  CHECK(kept->notes_of("r").empty());
  CHECK(kept->count_runs().queued == 0);
  const unfinished_work work = kept->load();
  CHECK(work.runs.size() + work.memos.size() + work.jobs.size() + work.waits.size() + work.values.size() +
            work.apps.size() ==
        0);
  kept->commit({});
  commit(*kept, {});
  kept->forget_before(at(1000));
}

INNGEST_STORE_TEST("a run is given back as it was put in, with all that it has") {
  TestType kept;
  run_record record = run_of("r1", {"e1", "e2"});
  record.run.status = run_status::failed;
  record.run.started_at = at(11);
  record.run.ended_at = at(-12);
  record.run.output_text = "[1]";
  record.run.error = run_error{.name = "Error", .message = "no", .text = "{\"stack\":\"...\"}"};
  record.parent = parent_step{.run_id = "r0", .step = step("invoke")};
  record.deferred = {{.id = step("d1"), .slug = "app-d", .input = "{\"a\":1}"},
                     {.id = step("d0"), .slug = "app-d", .input = "{}"}};
  record.gathering = "app-f:key";
  commit(*kept, {.events = {event("e1")}, .runs = {record}});
  commit(*kept, {.timeline = {told("r1", progress::run_queued), told("r1", progress::run_failed, "s")}});
  kept.reopen();
  record.run.timeline = {told("r1", progress::run_queued).entry, told("r1", progress::run_failed, "s").entry};
  CHECK(text(kept->find_run("r1").value()) == text(record));
  CHECK(texts(kept->runs()) == strings{text(record.run)});
  CHECK(texts(kept->runs_of("e2")) == strings{text(record.run)});
  record.run.timeline.clear();
  CHECK(texts(kept->find_runs({})) == strings{text(record.run)});
}

INNGEST_STORE_TEST("an empty error and an empty parent are not the same as none") {
  TestType kept;
  run_record record = run_of("r1", {"e1"});
  record.run.error = run_error{};
  record.parent = parent_step{};
  commit(*kept, {.runs = {record, run_of("r2", {"e1"})}});
  kept.reopen();
  CHECK(kept->find_run("r1")->run.error);
  CHECK(kept->find_run("r1")->parent);
  CHECK_FALSE(kept->find_run("r2")->run.error);
  CHECK_FALSE(kept->find_run("r2")->parent);
}

INNGEST_STORE_TEST("a run that is written anew keeps its memos and its timeline, and changes its events") {
  TestType kept;
  commit(*kept, {.events = {event("e1"), event("e2"), event("e3")},
                 .runs = {run_of("r1", {"e1", "e2"})},
                 .memos = {memo("r1", "a")},
                 .timeline = {told("r1", progress::run_queued)}});
  run_record anew = run_of("r1", {"e3", "e2"}, "app-g");
  anew.run.status = run_status::running;
  anew.deferred = {{.id = step("d"), .slug = "app-d", .input = "{}"}};
  commit(*kept, {.runs = {anew}});
  anew.deferred.clear();
  commit(*kept, {.runs = {anew}});
  kept.reopen();
  anew.run.timeline = {told("r1", progress::run_queued).entry};
  CHECK(text(kept->find_run("r1").value()) == text(anew));
  CHECK(kept->memos_of("r1").size() == 1);
  CHECK(kept->runs_of("e1").empty());
  CHECK(ids(kept->runs_of("e2")) == strings{"r1"});
  CHECK(ids(kept->runs_of("e3")) == strings{"r1"});
  CHECK(kept->find_runs({.function = "app-f"}).empty());
  CHECK(ids(kept->find_runs({.function = "app-g"})) == strings{"r1"});
  CHECK(kept->count_runs().queued == 0);
  CHECK(kept->count_runs().running == 1);
}

INNGEST_STORE_TEST("an update changes what it names and nothing else") {
  TestType kept;
  run_record record = run_of("r1", {"e1"});
  record.gathering = "key";
  commit(*kept, {.runs = {record}});
  run_update update = ended("r1", run_status::failed, 40);
  update.error = run_error{.name = "Error", .message = "no", .text = "{}"};
  commit(*kept, {.run_updates = {update}});
  record.run.status = run_status::failed;
  record.run.started_at = at(11);
  record.run.ended_at = at(40);
  record.run.output_text = "\"r1\"";
  record.run.error = update.error;
  CHECK(text(kept->find_run("r1").value()) == text(record));
  commit(*kept, {.run_updates = {{.id = "r1", .status = run_status::running}}});
  record = run_of("r1", {"e1"});
  record.run.status = run_status::running;
  record.gathering = "key";
  CHECK(text(kept->find_run("r1").value()) == text(record));
}

INNGEST_STORE_TEST("an update counts after a run that is put in at the same time") {
  TestType kept;
  commit(*kept, {.runs = {run_of("r1", {"e1"})}, .run_updates = {ended("r1", run_status::completed, 40)}});
  CHECK(kept->find_run("r1")->run.status == run_status::completed);
}

INNGEST_STORE_TEST("what belongs to a run that is not there is left out") {
  TestType kept;
  commit(*kept, {.run_updates = {ended("r1", run_status::completed, 40)},
                 .memos = {memo("r1", "a")},
                 .timeline = {told("r1", progress::run_started)}});
  CHECK(kept->runs().empty());
  CHECK(kept->memos_of("r1").empty());
  const run_counts counts = kept->count_runs();
  CHECK(counts.queued + counts.completed == 0);
}

INNGEST_STORE_TEST("an event stays as it came first, also in its runs") {
  TestType kept;
  event_record other = event("e1");
  other.text = "{\"other\":true}";
  commit(*kept, {.events = {event("e1")}, .runs = {run_of("r1", {"e1"})}});
  commit(*kept, {.events = {other}});
  kept.reopen();
  CHECK(text(kept->find_event("e1").value()) == text(event("e1")));
  CHECK(kept->find_run("r1")->events.at(0).text == event("e1").text);
}

INNGEST_STORE_TEST("a run's own text of an event is kept beside the event's") {
  TestType kept;
  run_record record = run_of("r1", {"e1", "e1", "unknown"});
  record.events[1].text = "{\"other\":true}";
  commit(*kept, {.events = {event("e1")}, .runs = {record}});
  kept.reopen();
  CHECK(text(kept->find_run("r1").value()) == text(record));
  CHECK(texts(kept->load().runs) == strings{text(record)});
  CHECK(ids(kept->runs_of("e1")) == strings{"r1"});
  CHECK(ids(kept->runs_of("unknown")) == strings{"r1"});
}

INNGEST_STORE_TEST("only what is unfinished is loaded, without timelines") {
  TestType kept;
  run_record gathering = run_of("r1", {"e1", "e2"});
  gathering.gathering = "key";
  run_record deferring = run_of("r4", {"e2"});
  deferring.run.status = run_status::running;
  deferring.deferred = {{.id = step("d1"), .slug = "app-d", .input = "{}"},
                        {.id = step("d0"), .slug = "app-d", .input = "{\"b\":2}"}};
  deferring.parent = parent_step{.run_id = "r1", .step = step("invoke")};
  commit(*kept, {.events = {event("e1"), event("e2")},
                 .runs = {deferring, gathering, run_of("r2", {"e1"}), run_of("r3", {"e2"})},
                 .memos = {memo("r4", "a", "1"), memo("r3", "a"), memo("r4", "b", "2")},
                 .added_jobs = {call(7, "r1"), call(3, "r4")},
                 .timeline = {told("r1", progress::run_queued)}});
  commit(*kept,
         {.run_updates = {ended("r2", run_status::cancelled, 40), ended("r3", run_status::failed, 41)}});
  kept.reopen();
  const unfinished_work work = kept->load();
  CHECK(texts(work.runs) == strings{text(gathering), text(deferring)});
  CHECK(texts(work.memos) == strings{text(memo("r4", "a", "1")), text(memo("r4", "b", "2"))});
  CHECK(texts(work.jobs) == strings{text(call(3, "r4")), text(call(7, "r1"))});
}

INNGEST_STORE_TEST("a run's memos come in the order in which they were made") {
  TestType kept;
  commit(*kept, {.runs = {run_of("r1", {"e1"}), run_of("r2", {"e1"})}});
  for (const char* each : {"c", "a", "d", "b"}) {
    commit(*kept, {.memos = {memo("r1", each, each), memo("r2", each)}});
  }
  kept.reopen();
  std::string order;
  for (const memo_record& each : kept->load().memos) order += each.run_id == "r1" ? each.text : "";
  CHECK(order == "cadb");
  CHECK(texts(kept->memos_of("r1")) == strings{text(memo("r1", "c", "c")), text(memo("r1", "a", "a")),
                                               text(memo("r1", "d", "d")), text(memo("r1", "b", "b"))});
}

INNGEST_STORE_TEST("jobs of every kind are given back by id until they are removed") {
  TestType kept;
  changes all;
  for (int kind = 0; kind <= static_cast<int>(job::kind::schedule); ++kind) {
    job each{.id = static_cast<std::uint64_t>(20 - kind),
             .what = static_cast<job::kind>(kind),
             .run_id = "r" + std::to_string(kind),
             .step_name = "name",
             .attempt = kind,
             .due = at(100 + kind),
             .begun = at(50)};
    if (kind % 2 == 0) each.step = step("s");
    all.added_jobs.push_back(each);
  }
  commit(*kept, all);
  kept.reopen();
  const strings expected = texts(std::vector<job>(all.added_jobs.rbegin(), all.added_jobs.rend()));
  CHECK(texts(kept->load().jobs) == expected);
  commit(*kept, {.removed_jobs = {20, 13, 999}});
  kept.reopen();
  CHECK(texts(kept->load().jobs) == strings(expected.begin() + 1, expected.end() - 1));
}

INNGEST_STORE_TEST("changes are made in their order, those of one commit too") {
  TestType kept;
  job later = call(1, "r1");
  later.attempt = 4;
  std::vector<changes> all(4);
  all[0] = {.added_jobs = {call(1, "r1"), call(2, "r2")},
            .values = {{.key = "k", .text = "first", .expires = at(1)}}};
  all[1] = {.removed_jobs = {1, 2}, .removed_values = {"k"}};
  all[2] = {.added_jobs = {later}, .values = {{.key = "k", .text = "last", .expires = at(2)}}};
  all[3] = {.added_jobs = {call(3, "r3")}, .removed_jobs = {3}};
  kept->commit(all);
  CHECK(texts(kept->load().jobs) == strings{text(later)});
  CHECK(texts(kept->load().values) == strings{"k|last|2"});
}

INNGEST_STORE_TEST("what is added and removed at once is gone, but a value is remembered anew") {
  TestType kept;
  const wait_record wait{.run_id = "r1", .step = step("w")};
  commit(*kept, {.added_jobs = {call(1, "r1")},
                 .removed_jobs = {1},
                 .added_waits = {wait},
                 .removed_waits = {{"r1", step("w")}},
                 .removed_values = {"k"},
                 .values = {{.key = "k", .text = "anew", .expires = at(1)}}});
  const unfinished_work work = kept->load();
  CHECK(work.jobs.empty());
  CHECK(work.waits.empty());
  CHECK(texts(work.values) == strings{"k|anew|1"});
}

INNGEST_STORE_TEST("waits are kept by run and step until they are removed") {
  TestType kept;
  const wait_record for_event{.run_id = "r1",
                              .step = step("a"),
                              .step_name = "a",
                              .event_name = "test/e",
                              .expression = "event.data.n == async.data.n",
                              .begun = at(5)};
  const wait_record for_signal{.run_id = "r1", .step = step("b"), .signal = "go", .begun = at(6)};
  const wait_record others{.run_id = "r0", .step = step("a"), .signal = "stop", .begun = at(7)};
  commit(*kept, {.added_waits = {for_event, for_signal, others}});
  commit(*kept, {.removed_waits = {{"r1", step("b")}, {"r9", step("a")}}});
  kept.reopen();
  CHECK(texts(kept->load().waits) == strings{text(others), text(for_event)});
}

INNGEST_STORE_TEST("values and apps are replaced by key, and values removed") {
  TestType kept;
  commit(*kept, {.values = {{.key = "b", .text = "1", .expires = at(1)}, {.key = "a", .text = "2"}},
                 .apps = {{.id = "y", .text = "{}"}, {.id = "x", .text = "{}"}}});
  commit(*kept, {.removed_values = {"a", "never"},
                 .values = {{.key = "b", .text = "3", .expires = at(9)}},
                 .apps = {{.id = "y", .text = "{\"n\":1}"}}});
  kept.reopen();
  CHECK(texts(kept->load().values) == strings{"b|3|9"});
  CHECK(texts(kept->load().apps) == strings{"x|{}", "y|{\"n\":1}"});
}

INNGEST_STORE_TEST("texts are kept as they are, with zeros, beyond ASCII and long") {
  TestType kept;
  const std::string odd("a\0b '\"; \xc3\xa4 \xf0\x9f\x9a\x80 \xff", 17);
  run_record record = run_of(odd, {odd}, odd);
  record.run.status = run_status::running;
  record.run.output_text = odd;
  record.run.error = run_error{.name = odd, .message = odd, .text = odd};
  record.gathering = odd;
  std::string large(4 * 1024 * 1024, 'x');
  large[large.size() / 2] = '\0';
  commit(*kept, {.events = {event(odd)},
                 .runs = {record},
                 .memos = {memo(odd, "large", large), memo(odd, "empty", ""), memo(odd, "odd", odd)},
                 .values = {{.key = odd, .text = odd}},
                 .apps = {{.id = odd, .text = odd}}});
  kept.reopen();
  CHECK(text(kept->find_event(odd).value()) == text(event(odd)));
  CHECK(text(kept->find_run(odd).value()) == text(record));
  CHECK(texts(kept->load().runs) == strings{text(record)});
  const auto memos = kept->memos_of(odd);
  REQUIRE(memos.size() == 3);
  CHECK((memos[0].text == large));
  CHECK(memos[1].text.empty());
  CHECK(memos[2].text == odd);
  CHECK(texts(kept->load().values) == strings{odd + "|" + odd + "|0"});
  CHECK(ids(kept->find_runs({.function = odd})) == strings{odd});
  CHECK(ids(kept->find_runs({.search = std::string("a\0b", 3)})) == strings{odd});
  CHECK(kept->find_runs({.search = std::string("a\0c", 3)}).empty());
  CHECK(ids(kept->runs_of(odd)) == strings{odd});
}

INNGEST_STORE_TEST("events come newest first, page by page") {
  TestType kept;
  commit(*kept, {.events = {event("e2"), event("e4"), event("e1"), event("e3")}});
  CHECK(ids(kept->find_events({.limit = 3})) == strings{"e4", "e3", "e2"});
  CHECK(ids(kept->find_events({.before = "e2", .limit = 3})) == strings{"e1"});
  CHECK(kept->find_events({.before = "e1"}).empty());
  CHECK(kept->find_events({.limit = 0}).empty());
  CHECK(ids(kept->find_events({.limit = static_cast<std::size_t>(-1)})).size() == 4);
}

INNGEST_STORE_TEST("a page of events goes on behind an event that was removed, by the time in its id") {
  TestType kept;
  commit(*kept, {.events = {event("01AAAAAAAA0000000000000001", 1'454'192'798'026),
                            event("01AAAAAAAB0000000000000001", 1'454'192'798'027)}});
  CHECK(ids(kept->find_events({.before = "01AAAAAAAA0000000000000002", .limit = 1})) ==
        strings{"01AAAAAAAA0000000000000001"});
}

INNGEST_STORE_TEST("runs are found by status, function and words, newest first, page by page") {
  TestType kept;
  changes all;
  for (int i = 1; i <= 9; ++i) {
    all.runs.push_back(
        run_of("r" + std::to_string(i), {"e" + std::to_string(i % 3)}, i % 2 == 0 ? "app-even" : "app-odd"));
    if (i > 6) all.run_updates.push_back(ended("r" + std::to_string(i), run_status::completed, 40));
  }
  commit(*kept, all);
  CHECK(ids(kept->find_runs({.limit = 2})) == strings{"r9", "r8"});
  CHECK(ids(kept->find_runs({.before = "r8", .limit = 2})) == strings{"r7", "r6"});
  CHECK(ids(kept->find_runs({.before = "r2"})) == strings{"r1"});
  CHECK(ids(kept->find_runs({.status = run_status::completed})) == strings{"r9", "r8", "r7"});
  CHECK(kept->find_runs({.status = run_status::failed}).empty());
  CHECK(ids(kept->find_runs({.function = "app-even"})) == strings{"r8", "r6", "r4", "r2"});
  CHECK(kept->find_runs({.function = "app"}).empty());
  CHECK(ids(kept->find_runs({.search = "r3"})) == strings{"r3"});
  CHECK(ids(kept->find_runs({.search = "e0"})) == strings{"r9", "r6", "r3"});
  CHECK(ids(kept->find_runs({.search = "test/e1"})) == strings{"r7", "r4", "r1"});
  CHECK(kept->find_runs({.search = "R3"}).empty());
  CHECK(kept->find_runs({.search = "%"}).empty());
  CHECK(ids(kept->find_runs({.status = run_status::queued,
                             .function = "app-even",
                             .search = "e",
                             .before = "r6",
                             .limit = 1})) == strings{"r4"});
}

INNGEST_STORE_TEST("the runs of any event of a batch are found, oldest first") {
  TestType kept;
  commit(*kept, {.runs = {run_of("r3", {"e1"}), run_of("r1", {"e0", "e1", "e2"}), run_of("r2", {"e2"})}});
  commit(*kept, {.runs = {run_of("r1", {"e0", "e1", "e2"})}});
  CHECK(ids(kept->runs_of("e1")) == strings{"r1", "r3"});
  CHECK(ids(kept->runs_of("e2")) == strings{"r1", "r2"});
  CHECK(kept->runs_of("e").empty());
  CHECK(ids(kept->runs()) == strings{"r1", "r2", "r3"});
}

INNGEST_STORE_TEST("runs are counted by status") {
  TestType kept;
  changes all;
  for (int i = 0; i < 10; ++i) all.runs.push_back(run_of(padded(i), {"e"}));
  all.run_updates = {
      {.id = padded(0), .status = run_status::running}, {.id = padded(1), .status = run_status::running},
      ended(padded(2), run_status::completed, 1),       ended(padded(3), run_status::failed, 1),
      ended(padded(4), run_status::cancelled, 1),       ended(padded(5), run_status::cancelled, 1),
      ended(padded(6), run_status::cancelled, 1)};
  commit(*kept, all);
  kept->forget_before(at(0));
  const run_counts counts = kept->count_runs();
  CHECK(counts.queued == 3);
  CHECK(counts.running == 2);
  CHECK(counts.completed == 1);
  CHECK(counts.failed == 1);
  CHECK(counts.cancelled == 3);
}

INNGEST_STORE_TEST("what is over is forgotten, with all that belongs to it, and nothing else") {
  TestType kept;
  commit(*kept, {.events = {event("old", 10), event("batched", 10), event("used", 10), event("new", 50),
                            event("idle", 10)},
                 .runs = {run_of("r1", {"old", "batched"}), run_of("r2", {"batched", "used"}),
                          run_of("r3", {"used"}), run_of("r4", {"new"})},
                 .run_updates = {ended("r1", run_status::completed, 49), ended("r2", run_status::failed, 50),
                                 ended("r4", run_status::completed, 20)},
                 .memos = {memo("r1", "a"), memo("r2", "a"), memo("r3", "a")},
                 .timeline = {told("r1", progress::run_started), told("r2", progress::run_started)},
                 .values = {{.key = "over", .text = "", .expires = at(49)},
                            {.key = "left", .text = "", .expires = at(50)}},
                 .notes = {note("r1", 1), note("r2", 2)}});
  kept->forget_before(at(50));
  kept.reopen();
  CHECK(ids(kept->runs()) == strings{"r2", "r3"});
  CHECK(ids(kept->find_events({})) == strings{"new", "used", "batched"});
  CHECK(kept->memos_of("r1").empty());
  CHECK(kept->memos_of("r2").size() == 1);
  CHECK(kept->notes_of("r1").empty());
  CHECK(kept->notes_of("r2").size() == 1);
  CHECK(kept->runs_of("old").empty());
  CHECK(ids(kept->runs_of("batched")) == strings{"r2"});
  CHECK(kept->count_runs().completed == 0);
  CHECK(kept->count_runs().failed == 1);
  CHECK(texts(kept->load().values) == strings{"left||50"});
  CHECK(kept->find_run("r2")->run.timeline.size() == 1);
  // An id that was forgotten is as good as new.
  commit(*kept, {.runs = {run_of("r1", {"old"})}});
  CHECK(kept->find_run("r1")->run.timeline.empty());
  CHECK(kept->memos_of("r1").empty());
}

INNGEST_STORE_TEST("notes are given back in their order, with all that they have") {
  TestType kept;
  const auto metadata = run_note::kind::metadata;
  const std::vector<run_note> all{note("r1", 1, metadata), note("r1", 2), note("r1", 3, metadata)};
  commit(*kept, {.runs = {run_of("r1", {"e"}), run_of("r2", {"e"})},
                 .notes = {all[2], all[0], note("r2", 7), note("gone", 1)}});
  commit(*kept, {.notes = {all[1]}});
  run_note other = all[1];
  other.text = "other";
  commit(*kept, {.notes = {other}});  // a store ignores a note whose id its run has
  kept.reopen();
  CHECK(texts(kept->notes_of("r1")) == texts(all));
  CHECK(kept->notes_of("r2").size() == 1);
  CHECK(kept->notes_of("gone").empty());
  CHECK(kept->unreadable().empty());
}

INNGEST_STORE_TEST("of a run's messages the newest are kept, and all metadata") {
  TestType kept;
  commit(*kept, {.runs = {run_of("r1", {"e"}), run_of("r2", {"e"})},
                 .notes = {note("r1", 0, run_note::kind::metadata), note("r2", 0)}});
  changes many;
  const int count = static_cast<int>(max_run_messages) + 50;
  for (int i = 1; i <= count; ++i) many.notes.push_back(note("r1", i));
  commit(*kept, many);
  commit(*kept, many);  // as after a failure
  const auto notes = kept->notes_of("r1");
  REQUIRE(notes.size() == max_run_messages + 1);
  CHECK(notes.front().what == run_note::kind::metadata);
  CHECK(notes.at(1).text == "51");
  CHECK(notes.back().text == std::to_string(count));
  CHECK(kept->notes_of("r2").size() == 1);
}

INNGEST_STORE_TEST("metadata that a later change of its kind and target sets is removed") {
  TestType kept;
  const auto change = [](int number, const std::string& op, const std::string& kind,
                         const std::string& target = {}) {
    run_note out = note("r1", number, run_note::kind::metadata);
    out.name = op;
    out.subject = kind;
    out.target = target;
    return out;
  };
  const changes all{.notes = {change(1, "merge", "a"), change(2, "set", "b"), change(3, "set", "a", "step"),
                              note("r1", 4), change(5, "set", "a"), change(6, "merge", "a"),
                              change(7, "set", "b")}};
  commit(*kept, {.runs = {run_of("r1", {"e"})}});
  commit(*kept, all);
  commit(*kept, all);  // as after a failure
  kept.reopen();
  const auto numbers = [&] {
    strings out;
    for (const run_note& each : kept->notes_of("r1")) out.push_back(each.text);
    return out;
  };
  CHECK(numbers() == strings{"3", "4", "5", "6", "7"});
  commit(*kept, {.notes = {change(8, "set", "a")}});
  CHECK(numbers() == strings{"3", "4", "7", "8"});
}

INNGEST_STORE_TEST("the amount of metadata of unfinished runs is loaded, but not of others") {
  TestType kept;
  run_record ended = run_of("ended", {"e1"});
  ended.run.status = run_status::completed;
  commit(*kept, {.runs = {run_of("r1", {"e1"}), run_of("r2", {"e1"}), ended}});
  const auto change = [](std::string run, std::string id, std::string subject, std::string target = {}) {
    return run_note{.run_id = std::move(run),
                    .id = std::move(id),
                    .what = run_note::kind::metadata,
                    .at = at(1),
                    .subject = std::move(subject),
                    .name = "merge",
                    .target = std::move(target),
                    .text = "\"\u00e9\""};
  };
  commit(*kept, {.notes = {change("r2", "1", "a"), change("r2", "2", "a"), change("r2", "3", "a", "{}"),
                           change("r1", "4", "b"), change("ended", "5", "a"), note("r1", 6)}});
  kept.reopen();
  strings found;
  for (const metadata_amount& amount : kept->load().metadata)
    found.push_back(amount.run_id + " " + amount.subject + " " + amount.target + " " +
                    std::to_string(amount.changes) + " " + std::to_string(amount.bytes));
  CHECK(found == strings{"r1 b  1 4", "r2 a  2 8", "r2 a {} 1 6"});
}

INNGEST_STORE_TEST("more is forgotten than fits into one slice") {
  TestType kept;
  changes all;
  for (int i = 0; i < 1300; ++i) {
    all.events.push_back(event(padded(i)));
    all.runs.push_back(run_of("r" + padded(i), {padded(i)}));
    if (i % 10 != 0) all.run_updates.push_back(ended("r" + padded(i), run_status::completed, 20));
    all.values.push_back({.key = padded(i), .text = "", .expires = at(i)});
  }
  commit(*kept, all);
  kept->forget_before(at(1200));
  CHECK(kept->runs().size() == 130);
  CHECK(kept->find_events({.limit = 2000}).size() == 130);
  CHECK(kept->load().values.size() == 100);
}

INNGEST_STORE_TEST("a question from another thread never sees half a commit") {
  TestType kept;
  commit(*kept, {.runs = {run_of("r1", {"e1"})}});
  std::atomic<bool> done = false;
  std::atomic<int> torn = 0;
  std::thread asks([&] {
    while (!done) {
      const auto found = kept->find_run("r1");
      if (found->run.output_text != std::string(found->run.timeline.size(), 'x')) ++torn;
      const run_counts counts = kept->count_runs();
      if (counts.queued != counts.completed + 1) ++torn;
    }
  });
  std::string output;
  for (int i = 0; i < 100; ++i) {
    output += 'x';
    commit(*kept, {.runs = {run_of(padded(i), {"e1"}), run_of("c" + padded(i), {"e1"})},
                   .run_updates = {ended("c" + padded(i), run_status::completed, 1),
                                   {.id = "r1", .status = run_status::queued, .output_text = output}},
                   .timeline = {told("r1", progress::step_completed)}});
  }
  done = true;
  asks.join();
  CHECK(torn == 0);
}
