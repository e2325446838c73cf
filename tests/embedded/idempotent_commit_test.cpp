#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <inngest/embedded/memory_store.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/embedded/store.hpp>

#include "catch.hpp"
#include "embedded/store_records.hpp"

// A commit whose outcome is not known is made again: twice is as good as once.

namespace {

using namespace store_records;

/// All that a store can be asked, as text.
std::string state_of(store& kept) {
  std::string out;
  const auto add = [&](const std::string& title, const strings& lines) {
    out += title + "\n";
    for (const std::string& line : lines) out += "  " + line + "\n";
  };
  unfinished_work work = kept.load();
  std::stable_sort(
      work.memos.begin(), work.memos.end(),
      [](const memo_record& one, const memo_record& other) { return one.run_id < other.run_id; });
  add("undispatched", ids(work.events));
  add("unfinished", texts(work.runs));
  add("memos", texts(work.memos));
  add("jobs", texts(work.jobs));
  for (const job& job : work.jobs) out += job.started ? "+" : "-";
  for (const run_record& record : work.runs) out += " " + std::to_string(record.timeline_size);
  add("waits", texts(work.waits));
  add("values", texts(work.values));
  add("apps", texts(work.apps));
  add("events", texts(kept.find_events({.limit = 1000})));
  for (const run& run : kept.runs()) {
    add("run", {text(kept.find_run(run.id).value())});
    add("memos", texts(kept.memos_of(run.id)));
    add("notes", texts(kept.notes_of(run.id)));
  }
  run_counts counts = kept.count_runs();
  for (const auto& status : inngest::detail::enumerators<run_status>)
    out += std::string(status.name) + " " + std::to_string(counts.of(status.value)) + "\n";
  return out;
}

/// Changes as an engine makes them, and at random.
class random_changes {
 public:
  explicit random_changes(std::uint32_t seed) : random_(seed) {}

  std::vector<changes> batch() {
    std::vector<changes> out(1 + below(3));
    for (changes& each : out) fill(each);
    return out;
  }

 private:
  std::size_t below(std::size_t count) { return random_() % count; }
  std::string run_id() { return "r" + std::to_string(below(runs_)); }
  std::string step_id() { return std::string(1, static_cast<char>('a' + below(4))); }

  void fill(changes& out) {
    if (refused_ > 0 && below(3) == 0) out.withdrawn_events.push_back("w" + std::to_string(below(refused_)));
    if (below(3) == 0) {  // such events have started nothing
      event_record refused = event("w" + std::to_string(refused_++), static_cast<std::int64_t>(below(50)));
      refused.dispatched = false;
      out.events.push_back(refused);
    }
    if (below(2) == 0) {
      event_record added = event("e" + std::to_string(below(12)), static_cast<std::int64_t>(below(50)));
      added.dispatched = below(2) == 0;
      out.events.push_back(added);
      events_.push_back(added.id);
    }
    if (!events_.empty() && below(3) == 0) out.dispatched_events.push_back(events_[below(events_.size())]);
    if (below(2) == 0) {
      run_record record = run_of("r" + std::to_string(runs_++), {"e" + std::to_string(below(12))});
      if (below(3) == 0) record.gathering = "key";
      out.runs.push_back(record);
      out.timeline.push_back(next_entry(record.run.id));
    }
    if (runs_ == 0) return;
    if (below(4) == 0) {
      run_record anew = run_of(run_id(), {"e" + std::to_string(below(12)), "e1"});
      anew.deferred = {{.id = step(step_id()), .slug = "app-d", .input = "{}"}};
      out.runs.push_back(anew);
    }
    if (below(4) == 0) {
      const auto status = static_cast<run_status>(below(5));
      out.run_updates.push_back(ended(run_id(), status, static_cast<std::int64_t>(below(50))));
    }
    for (std::size_t i = below(3); i > 0; --i)
      out.memos.push_back(memo(run_id(), step_id(), std::to_string(below(100))));
    for (std::size_t i = below(3); i > 0; --i) out.added_jobs.push_back(call(++jobs_, run_id()));
    if (below(2) == 0) out.started_jobs.push_back(1 + below(jobs_ + 1));
    if (below(2) == 0) out.removed_jobs.push_back(1 + below(jobs_ + 1));
    if (below(3) == 0)
      out.added_waits.push_back({.run_id = run_id(), .step = step(step_id()), .event_name = "test/w"});
    if (below(3) == 0) out.removed_waits.emplace_back(run_id(), step(step_id()));
    for (std::size_t i = below(3); i > 0; --i) out.timeline.push_back(next_entry(run_id()));
    for (std::size_t i = below(4) == 0 ? below(120) : 0; i > 0; --i)
      out.notes.push_back(note(run_id(), ++notes_, static_cast<run_note::kind>(below(8) == 0 ? 0 : 1)));
    if (below(3) == 0) out.removed_values.push_back(step_id());
    if (below(3) == 0)
      out.values.push_back({.key = step_id(),
                            .text = std::to_string(below(9)),
                            .expires = at(static_cast<std::int64_t>(below(50)))});
    if (below(6) == 0) out.apps.push_back({.id = step_id(), .text = std::to_string(below(9))});
  }

  timeline_record next_entry(const std::string& run_id) {
    timeline_record out = told(run_id, progress::step_completed, std::to_string(below(100)));
    out.position = ++told_[run_id];
    return out;
  }

  std::mt19937 random_;
  std::vector<std::string> events_;
  std::size_t runs_ = 0;
  std::size_t refused_ = 0;
  std::uint64_t jobs_ = 0;
  int notes_ = 0;
  std::map<std::string, std::uint64_t> told_;
};

}  // namespace

TEST_CASE("stores agree on any changes, and a batch that is committed twice counts once",
          "[embedded][store][idempotent]") {
  for (std::uint32_t seed = 1; seed <= 12; ++seed) {
    INFO("seed " << seed);
    const folder place;
    memory_store once, twice;
    sqlite_store on_disk({.path = place.file, .sync = sqlite_options::synchronous::normal});
    random_changes source(seed);
    for (int round = 0; round < 25; ++round) {
      const std::vector<changes> batch = source.batch();
      once.commit(batch);
      twice.commit(batch);
      on_disk.commit(batch);
      std::vector<changes> retried = batch;  // together with what came since
      if (round % 3 == 0) {
        const std::vector<changes> more = source.batch();
        once.commit(more);
        retried.insert(retried.end(), more.begin(), more.end());
      }
      if (round % 2 == 0 || round % 3 == 0) {
        twice.commit(retried);
        on_disk.commit(retried);
      }
    }
    REQUIRE(state_of(twice) == state_of(once));
    REQUIRE(state_of(on_disk) == state_of(once));
    once.forget_before(at(25));
    twice.forget_before(at(25));
    on_disk.forget_before(at(25));
    REQUIRE(state_of(twice) == state_of(once));
    REQUIRE(state_of(on_disk) == state_of(once));
  }
}

TEST_CASE("a commit that only says which jobs were started outlives the store", "[embedded][store]") {
  const folder place;
  {
    sqlite_store store({.path = place.file});
    commit(store, {.runs = {run_of("r1", {"e1"})}, .added_jobs = {call(1, "r1"), call(2, "r1")}});
    const changes started{.started_jobs = {2}};
    CHECK(started.only_starts_jobs());
    CHECK_FALSE(changes{}.only_starts_jobs());
    CHECK_FALSE(changes{.started_jobs = {2}, .removed_jobs = {1}}.only_starts_jobs());
    commit(store, started);
    commit(store, {.memos = {memo("r1", "a")}});
  }
  sqlite_store store({.path = place.file});
  const unfinished_work work = store.load();
  REQUIRE(work.jobs.size() == 2);
  CHECK_FALSE(work.jobs[0].started);
  CHECK(work.jobs[1].started);
}
