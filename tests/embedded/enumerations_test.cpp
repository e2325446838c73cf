#include <inngest/detail/enumeration.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <inngest/embedded/memory_store.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/embedded/store.hpp>

#include "catch.hpp"
#include "embedded/store_records.hpp"

// Enumerations that are stored, and every value and kind of record on its way through a store.

namespace enumerations {

enum class half { first, second, third };
enum class whole { first, second };
enum class misplaced { first, second };

}  // namespace enumerations

namespace inngest::detail {

template <>
inline constexpr auto enumerators<enumerations::half> = std::to_array<enumerator<enumerations::half>>({
    {enumerations::half::first, "first"},
    {enumerations::half::second, "second"},
});
template <>
inline constexpr auto enumerators<enumerations::whole> = std::to_array<enumerator<enumerations::whole>>({
    {enumerations::whole::first, "first"},
    {enumerations::whole::second, "second"},
});
template <>
inline constexpr auto enumerators<enumerations::misplaced> =
    std::to_array<enumerator<enumerations::misplaced>>({
        {enumerations::misplaced::second, "second"},
        {enumerations::misplaced::first, "first"},
    });

}  // namespace inngest::detail

namespace {

using namespace store_records;
namespace detail = inngest::detail;

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

TEST_CASE("an enumeration's table is full or does not compile", "[embedded][enumeration]") {
  STATIC_REQUIRE(detail::has_full_table<enumerations::whole>());
  STATIC_REQUIRE_FALSE(detail::has_full_table<enumerations::half>());       // one has no row
  STATIC_REQUIRE_FALSE(detail::has_full_table<enumerations::misplaced>());  // rows are not in order
  STATIC_REQUIRE(detail::has_full_table<run_status>());
  STATIC_REQUIRE(detail::has_full_table<progress>());
  STATIC_REQUIRE(detail::has_full_table<job::kind>());
  STATIC_REQUIRE(detail::enumerator_of<run_status>(4) == run_status::cancelled);
  STATIC_REQUIRE(detail::enumerator_of<run_status>(7) == run_status::sleeping);
  STATIC_REQUIRE(detail::enumerator_of<run_status>(8) == run_status::paused);
  STATIC_REQUIRE_FALSE(detail::enumerator_of<run_status>(9));
  STATIC_REQUIRE_FALSE(detail::enumerator_of<run_status>(-1));
  STATIC_REQUIRE_FALSE(detail::enumerator_of<run_status>(std::int64_t{1} << 32));
  CHECK(to_string(static_cast<run_status>(99)).empty());
  CHECK(to_string(job::kind::request) == "request");
}

TEMPLATE_TEST_CASE("every value of every stored enumeration comes back", "[embedded][enumeration]", in_memory,
                   on_disk) {
  TestType kept;
  changes all;
  for (const auto& status : detail::enumerators<run_status>) {
    run_record record = run_of("r-" + std::string(status.name), {"e1"});
    record.run.status = status.value;
    if (record.run.ended()) record.run.ended_at = at(40);
    all.runs.push_back(record);
  }
  for (const auto& what : detail::enumerators<progress>)
    all.timeline.push_back(told("r-running", what.value, std::string(what.name)));
  for (const auto& kind : detail::enumerators<job::kind>) {
    job added = call(1 + static_cast<std::uint64_t>(kind.value), "r-running");
    added.what = kind.value;
    all.added_jobs.push_back(added);
  }
  commit(*kept, all);
  kept.reopen();

  for (const auto& status : detail::enumerators<run_status>) {
    CHECK(kept->find_run("r-" + std::string(status.name))->run.status == status.value);
    CHECK(ids(kept->find_runs({.status = status.value})) == strings{"r-" + std::string(status.name)});
    const bool counts_as_running = !is_end(status.value) && status.value != run_status::queued;
    CHECK(kept->count_runs().of(status.value) == (counts_as_running ? 4 : 1));
  }
  const auto timeline = kept->find_run("r-running")->run.timeline;
  REQUIRE(timeline.size() == detail::enumerators<progress>.size());
  for (std::size_t i = 0; i < timeline.size(); ++i) {
    CHECK(timeline[i].what == detail::enumerators<progress>[i].value);
    CHECK(to_string(timeline[i].what) == timeline[i].step);
  }
  const unfinished_work work = kept->load();
  REQUIRE(work.jobs.size() == detail::enumerators<job::kind>.size());
  for (std::size_t i = 0; i < work.jobs.size(); ++i)
    CHECK(work.jobs[i].what == detail::enumerators<job::kind>[i].value);
  CHECK(work.unreadable.empty());
  CHECK(kept->unreadable().empty());
}

TEMPLATE_TEST_CASE("every member of every kind of record comes back", "[embedded][enumeration]", in_memory,
                   on_disk) {
  TestType kept;
  event_record late = event("e2", 5);
  late.text = R"({"id":"given","name":"test/e2"})";
  late.dispatched = false;
  event_record later = event("e1", 4);
  later.dispatched = false;
  run_record record = run_of("r1", {"e1", "e2"});
  record.run.status = run_status::running;
  record.run.started_at = at(11);
  record.parent = parent_step{.run_id = "r0", .step = step("invoke"), .name = "invoke"};
  record.deferred = {{.id = step("d"), .slug = "app-d", .input = "{}"}};
  job request = call(7, "r1");
  request.what = job::kind::request;
  request.step = step("fetch");
  request.step_name = "fetch";
  request.attempt = 2;
  request.text = "{}";
  commit(*kept, {.events = {late, later},
                 .runs = {record},
                 .memos = {memo("r1", "a", "1")},
                 .added_jobs = {request, call(8, "r1")},
                 .started_jobs = {7},
                 .added_waits = {{.run_id = "r1",
                                  .step = step("w"),
                                  .step_name = "w",
                                  .event_name = "test/w",
                                  .expression = "true",
                                  .signal = "",
                                  .begun = at(3)}},
                 .timeline = {told("r1", progress::run_started)},
                 .values = {{.key = "k", .text = "v", .expires = at(9)}},
                 .apps = {{.id = "x", .text = "{}"}}});
  kept.reopen();
  const unfinished_work work = kept->load();
  CHECK(ids(work.events) == strings{"e2", "e1"});  // as they came
  CHECK(work.events.at(0).given_id == "given");
  CHECK(work.events.at(1).given_id.empty());  // the text's is the engine's
  CHECK_FALSE(work.events.at(0).dispatched);
  CHECK(texts(work.runs) == strings{text(record)});
  CHECK(work.runs.at(0).parent->name == "invoke");
  CHECK(work.runs.at(0).timeline_size == 1);
  CHECK(texts(work.memos) == strings{text(memo("r1", "a", "1"))});
  request.started = true;
  CHECK(texts(work.jobs) == strings{text(request), text(call(8, "r1"))});
  CHECK(work.jobs.at(0).started);
  CHECK_FALSE(work.jobs.at(1).started);
  CHECK(work.last_job == 8);
  CHECK(work.waits.size() == 1);
  CHECK(texts(work.values) == strings{"k|v|9"});
  CHECK(texts(work.apps) == strings{"x|{}"});

  commit(*kept, {.dispatched_events = {"e2"}});
  kept->forget_before(at(1000));
  kept.reopen();
  CHECK(ids(kept->load().events) == strings{"e1"});
  CHECK(kept->find_event("e2")->dispatched);
}

TEMPLATE_TEST_CASE("an event that was not dispatched is not forgotten, and one that was stays so",
                   "[embedded][store]", in_memory, on_disk) {
  TestType kept;
  event_record waiting = event("e1", 1);
  waiting.dispatched = false;
  commit(*kept, {.events = {waiting, event("e2", 1)}});
  kept->forget_before(at(1000));
  CHECK(ids(kept->find_events({})) == strings{"e1"});
  commit(*kept, {.dispatched_events = {"e1"}});
  commit(*kept, {.events = {waiting}});
  CHECK(kept->load().events.empty());
  kept->forget_before(at(1000));
  CHECK(kept->find_events({}).empty());
}
