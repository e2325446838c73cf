#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/testing.hpp>

#include "catch.hpp"
#include "embedded/store_records.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"

// What an engine makes of what an earlier one left in a store.

namespace {

using namespace std::chrono_literals;
using namespace store_records;
using Catch::Matchers::ContainsSubstring;
using support::eventually;

struct nothing {};
INNGEST_FIELDS(nothing)
using go = inngest::event<"test/go", nothing>;
using ended_badly = inngest::event<"inngest/function.failed", nothing>;

inngest::client make_app() {
  return inngest::client({.id = "app",
                          .send_attempts = 1,
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

/// An engine whose time is `ahead` of the system's: naps are so long that no process sees their end by
/// chance.
engine_options on(std::shared_ptr<store> kept, std::chrono::hours ahead = 0h,
                  std::chrono::milliseconds delay = 1ms) {
  return {.workers = 2,
          .store = std::move(kept),
          .retry_delay = [=](int) { return delay; },
          .system_time = [=] { return std::chrono::system_clock::now() + ahead; }};
}

std::size_t count(const run& run, progress what) {
  return static_cast<std::size_t>(
      std::count_if(run.timeline.begin(), run.timeline.end(),
                    [&](const timeline_entry& entry) { return entry.what == what; }));
}

/// Whether one of the runs has begun to sleep.
bool sleeps(const store& kept) {
  const auto runs = kept.runs();
  return std::any_of(runs.begin(), runs.end(),
                     [](const run& each) { return count(each, progress::sleep_started) == 1; });
}

/// Keeps everything, and then says that it failed, now and then.
class unsure_store final : public store {
 public:
  explicit unsure_store(std::shared_ptr<store> kept) : kept_(std::move(kept)) {}
  void commit(std::span<const changes> all) override {
    kept_->commit(all);
    if (++commits_ % 2 == 0) throw inngest::store_error("test.db", "failed: the outcome is unknown");
  }
  unfinished_work load() override { return kept_->load(); }
  bool is_on_disk() const override { return true; }
  void forget_before(inngest::timestamp time) override { kept_->forget_before(time); }
  std::optional<event_record> find_event(std::string_view id) const override { return kept_->find_event(id); }
  std::vector<event_record> find_events(const event_query& query) const override {
    return kept_->find_events(query);
  }
  std::optional<run_record> find_run(std::string_view id) const override { return kept_->find_run(id); }
  std::vector<run> find_runs(const run_query& query) const override { return kept_->find_runs(query); }
  std::vector<run> runs_of(std::string_view id) const override { return kept_->runs_of(id); }
  std::vector<run> runs() const override { return kept_->runs(); }
  std::vector<memo_record> memos_of(std::string_view id) const override { return kept_->memos_of(id); }
  run_counts count_runs() const override { return kept_->count_runs(); }

 private:
  std::shared_ptr<store> kept_;
  std::atomic<int> commits_{0};
};

}  // namespace

TEST_CASE("a run whose function is gone is retried, and then fails with its name", "[embedded][restart]") {
  const folder place;
  const bool on_disk = GENERATE(false, true);
  std::shared_ptr<store> kept = std::make_shared<memory_store>();
  if (on_disk) kept = std::make_shared<sqlite_store>(sqlite_options{.path = place.file});
  const auto app = make_app();
  const auto old = app.create_function({.id = "old"}, inngest::on<go>(), [](auto& ctx) {
    ctx.step.sleep("nap", 1h);
    return 1;
  });
  std::atomic<int> told{0};
  const auto listener =
      app.create_function({.id = "listener"}, inngest::on<ended_badly>(), [&](auto&) { ++told; });
  std::string id;
  {
    engine first(app, {old}, on(kept));
    id = first.start(old);
    REQUIRE(eventually([&] { return sleeps(*kept); }));
  }
  engine second(app, {listener}, on(kept, 2h));
  const run ended = second.wait_for(id, support::patience);
  REQUIRE(ended.status == run_status::failed);
  CHECK_THAT(ended.error.value().message, ContainsSubstring("\"app-old\""));
  CHECK(count(ended, progress::run_retried) == 4);
  CHECK(eventually([&] { return told == 1; }));
  CHECK(second.functions().size() == 1);
}

TEST_CASE("a run goes on when its function comes back in time", "[embedded][restart]") {
  const auto kept = std::make_shared<memory_store>();
  const auto app = make_app();
  const auto old = app.create_function({.id = "old"}, inngest::on<go>(), [](auto& ctx) {
    ctx.step.sleep("nap", 1h);
    return 1;
  });
  std::string id;
  {
    engine first(app, {old}, on(kept));
    id = first.start(old);
    REQUIRE(eventually([&] { return sleeps(*kept); }));
  }
  {
    engine second(app, {}, on(kept, 2h, 1h));
    REQUIRE(eventually([&] { return count(*second.find_run(id), progress::run_retried) == 1; }));
  }
  engine third(app, {old}, on(kept, 4h));
  CHECK(third.wait_for(id, support::patience).output<int>() == 1);
}

TEST_CASE("a run of an app whose registration can't be read does not fail for it", "[embedded][restart]") {
  const auto kept = std::make_shared<memory_store>();
  run_record record = run_of("r1", {"e1"}, "elsewhere-f");
  commit(*kept, {.runs = {record},
                 .added_jobs = {call(1, "r1")},
                 .apps = {{.id = "elsewhere", .text = "no registration"}}});
  engine running(make_app(), {}, on(kept));
  REQUIRE(eventually([&] { return count(*running.find_run("r1"), progress::run_retried) >= 8; }));
  CHECK_FALSE(running.find_run("r1")->ended());
  CHECK(running.unreadable().at(0).table == "apps");
}

TEST_CASE("an invoke step keeps its name over a restart", "[embedded][restart]") {
  const folder place;
  const bool on_disk = GENERATE(false, true);
  const auto app = make_app();
  const auto child = app.create_function({.id = "child"}, inngest::on<go>(), [](auto& ctx) {
    ctx.step.sleep("nap", 1h);
    return 5;
  });
  const auto parent = app.create_function({.id = "parent"}, inngest::cron("0 0 1 1 *"), [=](auto& ctx) {
    return ctx.step.invoke("ask the child", child, nothing{});
  });
  std::shared_ptr<store> kept = std::make_shared<memory_store>();
  if (on_disk) kept = std::make_shared<sqlite_store>(sqlite_options{.path = place.file});
  std::string id;
  {
    engine first(app, {child, parent}, on(kept));
    id = first.start(parent);
    REQUIRE(eventually([&] { return sleeps(*kept); }));  // the child does
  }
  if (on_disk) {
    kept.reset();
    kept = std::make_shared<sqlite_store>(sqlite_options{.path = place.file});
  }
  engine second(app, {child, parent}, on(kept, 2h));
  const run ended = second.wait_for(id, support::patience);
  REQUIRE(ended.status == run_status::completed);
  const auto returned = std::find_if(ended.timeline.begin(), ended.timeline.end(), [](const auto& entry) {
    return entry.what == progress::invoke_completed;
  });
  REQUIRE(returned != ended.timeline.end());
  CHECK(returned->step == "ask the child");
}

TEST_CASE("a store that keeps what it says it did not leaves nothing double",
          "[embedded][restart][idempotent]") {
  const folder place;
  const bool on_disk = GENERATE(false, true);
  std::shared_ptr<store> kept = std::make_shared<memory_store>();
  if (on_disk)
    kept = std::make_shared<sqlite_store>(
        sqlite_options{.path = place.file, .sync = sqlite_options::synchronous::normal});
  const auto app = make_app();
  std::atomic<int> bodies{0};
  const auto function = app.create_function({.id = "f"}, inngest::on<go>(), [&](auto& ctx) {
    int sum = 0;
    for (int i = 0; i < 4; ++i) sum += ctx.step.run("step", [&] { return ++bodies, 1; });
    ctx.step.sleep("nap", 1ms);
    return sum;
  });
  engine running(app, {function}, on(std::make_shared<unsure_store>(kept)));
  try {
    running.send(go{});
  } catch (const std::exception&) {  // it may have happened all the same: that is another question
  }
  REQUIRE(eventually([&] {
    const auto runs = kept->runs();
    return !runs.empty() && runs.front().ended();
  }));
  CHECK(running.wait_until_idle(support::patience));
  for (const run& run : kept->runs()) {
    CHECK(run.status == run_status::completed);
    CHECK(kept->memos_of(run.id).size() == 5);
    CHECK(count(run, progress::run_queued) == 1);
    CHECK(count(run, progress::step_completed) == 4);
    CHECK(count(run, progress::sleep_ended) == 1);
    CHECK(count(run, progress::run_completed) == 1);
  }
  CHECK(bodies == 4 * static_cast<int>(kept->runs().size()));
}

TEST_CASE("jobs of runs that ended meanwhile are cleared away", "[embedded][restart]") {
  const auto kept = std::make_shared<memory_store>();
  run_record record = run_of("r1", {"e1"});
  record.run.status = run_status::cancelled;
  record.run.ended_at = at(5);
  commit(*kept, {.runs = {record},
                 .added_jobs = {call(1, "r1")},
                 .added_waits = {{.run_id = "r1", .step = step("w"), .event_name = "test/w"}}});
  engine running(make_app(), {}, on(kept));
  CHECK(running.unreadable().empty());
  CHECK(eventually([&] { return kept->load().jobs.empty() && kept->load().waits.empty(); }));
}

TEST_CASE("the next engine follows the timeouts that the code has now", "[embedded][restart][timeouts]") {
  const auto [before, after, expected] = GENERATE(table<inngest::timeouts, inngest::timeouts, run_status>(
      {{{.finish = 1h}, {}, run_status::running},
       {{.finish = 1h}, {.finish = 3h}, run_status::running},
       {{.finish = 3h}, {.finish = 1h}, run_status::cancelled},
       {{}, {.finish = 1h}, run_status::cancelled}}));
  const auto kept = std::make_shared<memory_store>();
  const auto make = [](const inngest::client& app, const inngest::timeouts& timeouts) {
    return app.create_function({.id = "f", .timeouts = timeouts}, inngest::on<go>(),
                               [](auto& ctx) { ctx.step.sleep("nap", 24h); });
  };
  std::string id;
  {
    const auto app = make_app();
    engine first(app, {make(app, before)}, on(kept));
    id = first.runs_of(first.send(go{}).ids.at(0)).at(0).id;
    REQUIRE(eventually([&] { return sleeps(*kept); }));
  }
  const auto app = make_app();
  engine next(app, {make(app, after)}, on(kept, 2h));
  if (expected == run_status::cancelled) {
    CHECK(next.wait_for(id, support::patience).status == run_status::cancelled);
    return;
  }
  const std::string later = next.runs_of(next.send(go{}).ids.at(0)).at(0).id;  // after what was due before
  CHECK(eventually([&] { return next.find_run(later)->status == run_status::sleeping; }));
  CHECK(next.find_run(id)->status == run_status::sleeping);
}

TEST_CASE("what tells of the result of a step that changed code no longer has names the step",
          "[embedded][restart]") {
  const auto kept = std::make_shared<memory_store>();
  const auto make = [](const inngest::client& app, bool is_new) {
    return app.create_function({.id = "f"}, inngest::on<go>(), [is_new](auto& ctx) {
      if (!is_new) ctx.step.run("charge", [] {});
      ctx.step.sleep("nap", 1h);
      if (is_new) ctx.step.run("refund", [] {});
    });
  };
  std::string id;
  {
    const auto app = make_app();
    engine first(app, {make(app, false)}, on(kept));
    id = first.runs_of(first.send(go{}).ids.at(0)).at(0).id;
    REQUIRE(eventually([&] { return sleeps(*kept); }));
  }
  const std::string hash = inngest::detail::to_hex(inngest::detail::sha1::of("charge"));
  const auto recorded = inngest::testing::read_recorded_run(*kept, id);
  {
    const support::log_record log;
    const auto app = inngest::client({.id = "app", .log = log.logger()});
    const auto changed = make(app, true);
    inngest::testing::harness harness(app, {changed});
    const auto replayed = harness.replay(changed, recorded);
    harness.execute(replayed);
    CHECK(replayed.failed());
    CHECK_THAT(replayed.error(), ContainsSubstring("\"charge\"") && ContainsSubstring(hash));
    CHECK_THAT(log.text(), ContainsSubstring("\"charge\"") && ContainsSubstring(hash));
  }
  const support::log_record log;
  const auto app = inngest::client({.id = "app", .log = log.logger()});
  engine next(app, {make(app, true)}, on(kept, 2h));
  CHECK(next.wait_for(id, support::patience).status == run_status::completed);
  CHECK_THAT(log.text(), ContainsSubstring("\"charge\"") && ContainsSubstring(hash));
}
