// What operators do, combined: every way to start a run with every way to repeat it; pauses with everything
// that decides when a run begins; removals, cancellations and drains while others wait. On both stores, with
// restarts.
#include <inngest/embedded.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/inngest.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "embedded/store_records.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"

namespace operate_matrix {

using namespace std::chrono_literals;
using namespace inngest::embedded;
using inngest::json;
using inngest::timestamp;
using support::eventually;

using single = inngest::event<"ops/single", json>;
using many = inngest::event<"ops/many", json>;
using calm = inngest::event<"ops/calm", json>;
using waits = inngest::event<"ops/waits", json>;
using packed = inngest::event<"ops/packed", json>;
using asks = inngest::event<"ops/asks", json>;
using child_go = inngest::event<"ops/child", json>;
using limited = inngest::event<"ops/limited", json>;
using sleeps = inngest::event<"ops/sleeps", json>;

const std::string yearly = "0 0 1 1 *";
const timestamp first_of_march = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);

/// A process after another on the same store, with a clock that only the test moves.
class lab {
 public:
  explicit lab(bool on_disk) : on_disk_(on_disk) {}

  void start(inngest::client app, std::vector<inngest::any_function> functions, std::size_t workers = 4) {
    app_ = std::move(app);
    functions_ = std::move(functions);
    workers_ = workers;
    restart();
  }
  /// Ends the engine, opens the store again, and begins another engine.
  void restart() {
    engine_.reset();
    if (on_disk_) store_.reset();
    if (!store_) store_ = new_store();
    const auto now = [moved = moved_] {
      return std::chrono::system_clock::time_point(first_of_march.time_since_epoch()) +
             std::chrono::seconds(*moved);
    };
    engine_ = std::make_unique<engine>(*app_, functions_,
                                       engine_options{.workers = workers_,
                                                      .store = store_,
                                                      .retry_delay = [](int) { return 1ms; },
                                                      .system_time = now});
  }
  void advance(std::chrono::seconds time) { *moved_ += time.count(); }

  engine& operator*() { return *engine_; }
  engine* operator->() { return engine_.get(); }

  run wait(const std::string& id) { return engine_->wait_for(id, support::patience); }
  std::vector<run> runs_of_function(const std::string& slug) {
    return engine_->find_runs({.function = slug, .limit = 1000, .oldest_first = true});
  }
  std::size_t count(const std::string& slug, run_status status) {
    return engine_->count_runs({.status = status, .function = slug});
  }
  bool reaches(const std::string& slug, run_status status, std::size_t count_wanted = 1) {
    return eventually([&] { return count(slug, status) == count_wanted; });
  }
  /// Nothing is left, and nothing is damaged.
  void check_all_is_well() {
    CHECK(engine_->wait_until_idle(support::patience));
    CHECK(engine_->check().empty());
    CHECK(engine_->metrics().slots_in_use == 0);
  }

 private:
  std::shared_ptr<store> new_store() const {
    if (!on_disk_) return std::make_shared<memory_store>();
    return std::make_shared<sqlite_store>(
        sqlite_options{.path = place_.file, .sync = sqlite_options::synchronous::normal});
  }

  store_records::folder place_{};
  const bool on_disk_;
  std::shared_ptr<std::atomic<std::int64_t>> moved_ = std::make_shared<std::atomic<std::int64_t>>(0);
  std::optional<inngest::client> app_{};
  std::vector<inngest::any_function> functions_{};
  std::size_t workers_ = 4;
  std::shared_ptr<store> store_{};
  std::unique_ptr<engine> engine_{};
};

// ---- every way to start a run ---------------------------------------------------------------------------

/// Functions that all do the same: a step that works, and one that fails until it is repaired.
struct works {
  inngest::client app = support::quiet_client();
  std::atomic<bool> fails{true};
  std::atomic<int> before{0}, acts{0};

  template <class Context>
  json work(Context& ctx) {
    const int kept = ctx.step.run("before", [&] { return ++before; });
    ctx.step.run("act", [&] {
      ++acts;
      if (fails) throw inngest::non_retriable_error("not yet repaired");
    });
    json numbers = json::array();
    for (std::size_t i = 0; i < ctx.events.size(); ++i)
      numbers.push_back(json::parse(ctx.events.text(i)).at("data").value("n", 0));
    return {{"kept", kept > 0}, {"numbers", numbers}};
  }

  inngest::any_function plain =
      app.create_function({.id = "plain", .retries = 0}, inngest::on<single>(),
                          [this](inngest::context<single>& ctx) { return work(ctx); });
  inngest::any_function batched = app.create_function(
      {.id = "batched", .retries = 0, .batch = inngest::batch{.max_size = 3, .timeout = 60s}},
      inngest::on<many>(), [this](inngest::context<many>& ctx) { return work(ctx); });
  inngest::any_function debounced =
      app.create_function({.id = "debounced", .retries = 0, .debounce = inngest::debounce{.period = 60s}},
                          inngest::on<calm>(), [this](inngest::context<calm>& ctx) { return work(ctx); });
  inngest::any_function nightly = app.create_function({.id = "nightly", .retries = 0}, inngest::cron(yearly),
                                                      [this](auto& ctx) { return work(ctx); });
  inngest::any_function waiter = app.create_function(
      {.id = "waiter", .retries = 0}, inngest::on<waits>(), [this](inngest::context<waits>& ctx) -> json {
        const auto event = ctx.step.wait_for_event<packed>("packed", {.timeout = 24h});
        json out = work(ctx);
        out["packed"] = event ? event->data : json();
        return out;
      });
  inngest::function<json, child_go> child =
      app.create_function({.id = "child", .retries = 0}, inngest::on<child_go>(),
                          [this](inngest::context<child_go>& ctx) { return work(ctx); });
  inngest::any_function parent = app.create_function(
      {.id = "parent", .retries = 0}, inngest::on<asks>(), [this](inngest::context<asks>& ctx) {
        return ctx.step.invoke("child", child, json{{"n", ctx.event.data.value("n", 0)}});
      });
  inngest::any_function guarded = app.create_function(
      {.id = "guarded",
       .retries = 0,
       .concurrency = {{.limit = 1, .key = "event.data.who"}},
       .rate_limit = inngest::rate_limit{.limit = 1, .period = 1h},
       .singleton = inngest::singleton{},
       .priority = "event.data.n",
       .idempotency = "event.data.who"},
      inngest::on<limited>(), [this](inngest::context<limited>& ctx) { return work(ctx); });

  std::vector<inngest::any_function> functions() const {
    return {plain, batched, debounced, nightly, waiter, child, parent, guarded};
  }
};

/// A way to start a run: returns the slug of the function. `numbers` are those of the run's events.
struct way {
  const char* name;
  std::string slug;
  std::function<void(lab&)> begin;
  json numbers;
};

std::vector<way> all_ways() {
  return {
      {"an event", "app-plain",
       [](lab& at) {
         at->send(single{{{"n", 1}}});
       },
       json::array({1})},
      {"an event, resent", "app-plain",
       [](lab& at) {
         const std::string id = at->send(inngest::any_event(single{{{"n", 1}}})).ids.at(0);
         at->wait_until_idle(support::patience);
         at->resend(id);
       },
       json::array({1})},
      {"a caller", "app-plain", [](lab& at) { at->invoke("app-plain", R"({"n":2})", "key"); },
       json::array({2})},
      {"a batch that is full", "app-batched",
       [](lab& at) {
         at->send({many{{{"n", 1}}}, many{{{"n", 2}}}, many{{{"n", 3}}}});
       },
       json::array({1, 2, 3})},
      {"a batch whose time is over", "app-batched",
       [](lab& at) {
         at->send({many{{{"n", 1}}}, many{{{"n", 2}}}});
         at.advance(61s);
       },
       json::array({1, 2})},
      {"a debounce", "app-debounced",
       [](lab& at) {
         at->send(calm{{{"n", 1}}});
         at->send(calm{{{"n", 2}}});
         at.advance(61s);
       },
       json::array({2})},
      {"a schedule by hand", "app-nightly", [](lab& at) { at->run_schedule("app-nightly", yearly); },
       json::array({0})},
      {"a backfill", "app-nightly",
       [](lab& at) { at->backfill("app-nightly", yearly, first_of_march - 24h * 100, first_of_march); },
       json::array({0})},
      {"an invoke step", "app-child",
       [](lab& at) {
         at->send(asks{{{"n", 5}}});
       },
       json::array({5})},
      {"a function with every limit", "app-guarded",
       [](lab& at) {
         at->send(limited{{{"n", 7}, {"who", "ann"}}});
       },
       json::array({7})},
      {"a wait for an event in front", "app-waiter",
       [](lab& at) {
         at->send(waits{{{"n", 4}}});
         REQUIRE(at.reaches("app-waiter", run_status::waiting));
         at->send(packed{{{"box", 9}}});
       },
       json::array({4})},
  };
}

}  // namespace operate_matrix

using namespace operate_matrix;

TEST_CASE("a failed run is repeated whole, from a step and from the failed step, however it was started",
          "[operate]") {
  const bool on_disk = GENERATE(false, true);
  for (const way& each : all_ways()) {
    CAPTURE(each.name, on_disk);
    lab at(on_disk);
    works its;
    at.start(its.app, its.functions());
    each.begin(at);
    REQUIRE(at->wait_until_idle(support::patience));  // a resent event starts a second run
    REQUIRE(at.runs_of_function(each.slug).back().status == run_status::failed);
    const run failed = at.runs_of_function(each.slug).back();
    at.restart();
    its.fails = false;
    const int before = its.before;
    const auto repeated = [&](const std::optional<std::string>& id) {
      REQUIRE(id);
      const run ended = at.wait(*id);
      CHECK(ended.status == run_status::completed);
      CHECK(ended.original_run_id == failed.id);
      CHECK(ended.output<json>()["numbers"] == each.numbers);
      CHECK(ended.event_id == failed.event_id);
      return ended;
    };
    repeated(at->rerun(failed.id, {.step = "act"}));
    const run from_failed = repeated(at->rerun(failed.id, {.from_failed_step = true}));
    CHECK(its.before == before);  // its result was kept
    at.restart();
    // a repetition is repeated like the first run
    repeated(at->rerun(from_failed.id, {.step = "act", .result = "null"}));
    CHECK(its.before == before);
    const auto whole = at->rerun(failed.id);
    if (each.slug == "app-waiter") {
      REQUIRE(at.reaches("app-waiter", run_status::waiting));
      at.restart();
      at->send(packed{{{"box", 10}}});
      CHECK(repeated(whole).output<json>()["packed"]["box"] == 10);
      CHECK(from_failed.output<json>()["packed"]["box"] == 9);
    } else {
      repeated(whole);
    }
    CHECK(its.before == before + 1);
    CHECK(at->reruns_of(failed.id).size() == 4);
    CHECK(at->count_runs({.function = each.slug, .is_repeated = true}) == 4);  // all but the last
    CHECK(at->find_run(failed.id)->status == run_status::failed);
    at.check_all_is_well();
  }
}

TEST_CASE("a repeated child does not answer its parent again, and a repeated parent has another child",
          "[operate]") {
  lab at(GENERATE(false, true));
  works its;
  at.start(its.app, its.functions());
  at->send(asks{{{"n", 5}}});
  REQUIRE(at.reaches("app-parent", run_status::failed));
  its.fails = false;
  const run parent = at.runs_of_function("app-parent").at(0), child = at.runs_of_function("app-child").at(0);
  CHECK(at.wait(at->rerun(child.id, {.from_failed_step = true}).value()).status == run_status::completed);
  at.restart();
  CHECK(at->find_run(parent.id)->status == run_status::failed);
  CHECK(at->store().memos_of(parent.id).size() == 1);
  const run again = at.wait(at->rerun(parent.id, {.from_failed_step = true}).value());
  CHECK(again.output<json>()["numbers"] == json::array({5}));
  CHECK(at.runs_of_function("app-child").size() == 3);
  at.check_all_is_well();
}

TEST_CASE("all failed runs are repeated at once, however they were started, and none twice",
          "[operate][bulk]") {
  lab at(GENERATE(false, true));
  works its;
  at.start(its.app, its.functions());
  for (const way& each : all_ways()) each.begin(at);
  at.advance(61s);
  REQUIRE(eventually([&] { return at->wait_until_idle(1s); }));
  const std::size_t failed = at->count_runs({.status = run_status::failed});
  CHECK(failed >= all_ways().size());
  its.fails = false;
  const bulk_request wanted{.runs = {.status = run_status::failed, .is_repeated = false},
                            .from_failed_step = true,
                            .per_second = 1000};
  for (int round = 0; round < 2; ++round) {
    const std::string id = at->begin_bulk(wanted).id;
    if (round == 0) at.restart();
    REQUIRE(eventually([&] { return at->find_bulk(id)->state != bulk_state::running; }));
    const bulk_operation done = *at->find_bulk(id);
    CHECK(done.done == (round == 0 ? failed : 0));
    CHECK(done.failed == 0);
  }
  at.check_all_is_well();
  CHECK(at->count_runs({.is_repeated = false}) == at->count_runs({.status = run_status::completed}));
}

// ---- pauses, and what decides when a run begins ---------------------------------------------------------

namespace {

/// One function, its calls in their order, and how many of a kind ran at the same time.
struct watched {
  inngest::client app = support::quiet_client();
  std::mutex mutex{};
  std::vector<std::vector<int>> calls{};  // the numbers of each call's events
  std::atomic<int> running{0}, most{0};

  inngest::any_function make(inngest::function_options options) {
    options.id = "f";
    return app.create_function(std::move(options), inngest::on<single>(),
                               [this](inngest::context<single>& ctx) {
                                 const int now = ++running;
                                 for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);)
                                   continue;
                                 std::vector<int> numbers;
                                 for (std::size_t i = 0; i < ctx.events.size(); ++i)
                                   numbers.push_back(ctx.events[i].data.at("n").get<int>());
                                 {
                                   const std::lock_guard lock(mutex);
                                   calls.push_back(std::move(numbers));
                                 }
                                 --running;
                                 return 1;
                               });
  }
};

const pause_target of_f = pause_target::function("app-f");

single numbered(int n, const std::string& who = "ann") { return single{{{"n", n}, {"who", who}}}; }

}  // namespace

TEST_CASE("a function is paused while its events gather, wait and compete, over a restart",
          "[operate][pauses]") {
  using numbers = std::vector<std::vector<int>>;
  struct row {
    const char* name;
    inngest::function_options options;
    std::size_t runs;  // that wait at the end of the pause, or have ended
    numbers calls;     // after it
  };
  const bool on_disk = GENERATE(false, true);
  const std::vector<row> rows{
      {"batch",
       {.id = "", .batch = inngest::batch{.max_size = 3, .timeout = 60s}},
       2,
       numbers{{1, 2, 3}, {4}}},
      {"debounce", {.id = "", .debounce = inngest::debounce{.period = 60s}}, 1, numbers{{4}}},
      {"rate limit",
       {.id = "", .rate_limit = inngest::rate_limit{.limit = 1, .period = 1h}},
       1,
       numbers{{1}}},
      {"idempotency", {.id = "", .idempotency = "event.data.who"}, 1, numbers{{1}}},
      {"singleton", {.id = "", .singleton = inngest::singleton{}}, 1, numbers{{1}}},
      {"the newest singleton",
       {.id = "", .singleton = inngest::singleton{.mode = inngest::singleton_mode::cancel}},
       4,
       numbers{{4}}},
      {"priority", {.id = "", .concurrency = 1, .priority = "event.data.n"}, 4, numbers{{4}, {3}, {2}, {1}}},
      {"concurrency",
       {.id = "", .concurrency = {{.limit = 1, .key = "event.data.who"}}},
       4,
       numbers{{1}, {2}, {3}, {4}}},
  };
  for (const row& each : rows) {
    CAPTURE(each.name, on_disk);
    lab at(on_disk);
    watched its;
    at.start(its.app, {its.make(each.options)}, each.name == std::string("concurrency") ? 4 : 1);
    REQUIRE(at->pause(of_f));
    at->send(numbered(1));
    at->send(numbered(2));
    at.restart();
    at->send(numbered(3));
    at->send(numbered(4));
    at.advance(61s);
    REQUIRE(eventually([&] {
      const auto all = at.runs_of_function("app-f");
      return all.size() == each.runs && std::all_of(all.begin(), all.end(), [](const run& waiting) {
               return waiting.status == run_status::paused || waiting.ended();
             });
    }));
    CHECK(its.calls.empty());
    at.restart();
    CHECK(at->paused().size() == 1);
    REQUIRE(at->resume(of_f));
    at.check_all_is_well();
    CHECK(its.calls == each.calls);
    CHECK(its.most == 1);
    CHECK(at.count("app-f", run_status::completed) == each.calls.size());
  }
}

TEST_CASE("a repeated run of a paused function waits, also after a restart", "[operate][pauses]") {
  lab at(GENERATE(false, true));
  works its;
  at.start(its.app, its.functions());
  at->send(single{{{"n", 1}}});
  REQUIRE(at.reaches("app-plain", run_status::failed));
  its.fails = false;
  const std::string failed = at.runs_of_function("app-plain").at(0).id;
  REQUIRE(at->pause(pause_target::function("app-plain")));
  const std::string whole = at->rerun(failed).value();
  const std::string from_step = at->rerun(failed, {.step = "act"}).value();
  const std::string bulk =
      at->begin_bulk({.runs = {.status = run_status::failed}, .from_failed_step = true}).id;
  REQUIRE(eventually([&] { return at->find_bulk(bulk)->state == bulk_state::completed; }));
  REQUIRE(at.reaches("app-plain", run_status::paused, 3));
  at.restart();
  CHECK(at.count("app-plain", run_status::paused) == 3);
  CHECK(its.acts == 1);
  REQUIRE(at->resume(pause_target::function("app-plain")));
  CHECK(at.wait(whole).status == run_status::completed);
  CHECK(at.wait(from_step).status == run_status::completed);
  at.check_all_is_well();
  CHECK(its.before == 2);
  CHECK(its.acts == 4);
}

TEST_CASE("a backfill of a paused schedule, or of a paused function, begins after the pause and a restart",
          "[operate][schedules]") {
  lab at(GENERATE(false, true));
  works its;
  its.fails = false;
  at.start(its.app, its.functions());
  REQUIRE(at->pause(pause_target::schedule("app-nightly", yearly)));
  const timestamp from = first_of_march - 24h * 800;
  CHECK(at->backfill("app-nightly", yearly, from, first_of_march - 24h * 300).run_ids.size() == 2);
  CHECK(at->wait_until_idle(support::patience));
  CHECK(at.count("app-nightly", run_status::completed) == 2);  // the schedule is paused, not the function
  REQUIRE(at->pause(pause_target::function("app-nightly")));
  const auto rest = at->backfill("app-nightly", yearly, from, first_of_march);
  CHECK(rest.repeated == 2);
  CHECK(rest.run_ids.size() == 1);
  CHECK(at->run_schedule("app-nightly", yearly).what == invoked_run::outcome::started);
  REQUIRE(at.reaches("app-nightly", run_status::paused, 2));
  at.restart();
  CHECK(at->backfill("app-nightly", yearly, from, first_of_march).repeated == 3);
  CHECK(at->resume(pause_target::function("app-nightly")));
  at.check_all_is_well();
  CHECK(at.count("app-nightly", run_status::completed) == 4);
  CHECK(at->schedules().at(0).is_paused);
}

// ---- removals, cancellations, drains --------------------------------------------------------------------

TEST_CASE("a parent that waits for its child is cancelled and removed, and the child ends by itself",
          "[operate][bulk]") {
  lab at(GENERATE(false, true));
  works its;
  its.fails = false;
  at.start(its.app, its.functions());
  REQUIRE(at->pause(pause_target::function("app-child")));
  at->send(asks{{{"n", 1}}});
  REQUIRE(at.reaches("app-parent", run_status::waiting));
  REQUIRE(at.reaches("app-child", run_status::paused));
  const auto bulk = [&](bulk_request wanted) {
    const std::string id = at->begin_bulk(wanted).id;
    REQUIRE(eventually([&] { return at->find_bulk(id)->state == bulk_state::completed; }));
    return at->find_bulk(id)->done;
  };
  const run_query parents{.function = "app-parent"};
  CHECK(bulk({.what = bulk_action::remove, .runs = parents}) == 0);  // it has not ended
  CHECK(bulk({.what = bulk_action::cancel, .runs = parents}) == 1);
  at.restart();
  CHECK(bulk({.what = bulk_action::remove, .runs = parents}) == 1);
  CHECK(at.runs_of_function("app-parent").empty());
  at.restart();
  REQUIRE(at.count("app-child", run_status::paused) == 1);
  CHECK(at->resume(pause_target::function("app-child")));
  REQUIRE(at.reaches("app-child", run_status::completed));
  at.check_all_is_well();
  // and the other way round: a child that was removed has answered its parent before
  at->send(asks{{{"n", 2}}});
  REQUIRE(at.reaches("app-parent", run_status::completed));
  CHECK(bulk({.what = bulk_action::remove, .runs = {.function = "app-child"}}) == 2);
  CHECK(at.runs_of_function("app-parent").at(0).output<json>()["numbers"] == json::array({2}));
  at.restart();
  at.check_all_is_well();
}

TEST_CASE("a batch and a debounce that are cancelled while they gather make room for the next",
          "[operate][bulk]") {
  struct row {
    inngest::function_options options;
    std::vector<int> call;  // of what comes afterwards
  };
  const bool on_disk = GENERATE(false, true), restarts = GENERATE(false, true);
  for (const row& each : std::vector<row>{
           {{.id = "", .batch = inngest::batch{.max_size = 3, .timeout = 60s}}, {3, 4}},
           {{.id = "", .debounce = inngest::debounce{.period = 60s}}, {4}},
       }) {
    CAPTURE(on_disk, restarts, each.call);
    lab at(on_disk);
    watched its;
    at.start(its.app, {its.make(each.options)});
    REQUIRE(at->pause(of_f));
    at->send(numbered(1));
    at->send(numbered(2));
    REQUIRE(at.reaches("app-f", run_status::queued));
    if (restarts) at.restart();
    const std::string id =
        at->begin_bulk({.what = bulk_action::cancel, .runs = {.status = run_status::queued}}).id;
    REQUIRE(eventually([&] { return at->find_bulk(id)->state == bulk_state::completed; }));
    CHECK(at->find_bulk(id)->done == 1);
    if (restarts) at.restart();
    at->send(numbered(3));
    at->send(numbered(4));
    REQUIRE(at->resume(of_f));
    REQUIRE(at.reaches("app-f", run_status::queued));
    at.advance(61s);
    REQUIRE(at.reaches("app-f", run_status::completed));
    at.check_all_is_well();
    CHECK(its.calls == std::vector<std::vector<int>>{each.call});
    CHECK(at.count("app-f", run_status::cancelled) == 1);
    // what was cancelled is repeated at once, with its own events
    const std::string cancelled = at->find_runs({.status = run_status::cancelled}).at(0).id;
    CHECK(at.wait(at->rerun(cancelled).value()).status == run_status::completed);
    CHECK(its.calls.back() == (each.call.size() == 2 ? std::vector<int>{1, 2} : std::vector<int>{2}));
  }
}

TEST_CASE("runs that end while they are cancelled in bulk end once", "[operate][bulk]") {
  lab at(GENERATE(false, true));
  const auto app = support::quiet_client();
  std::atomic<int> ended{0};
  const auto f = app.create_function({.id = "f"}, inngest::on<single>(), [&](inngest::context<single>& ctx) {
    ctx.step.run("a", [] { return 1; });
    ctx.step.run("b", [] { return 2; });
    ++ended;
    return 3;
  });
  at.start(app, {f});
  std::vector<inngest::any_event> all;
  for (int n = 0; n < 400; ++n) all.push_back(single{{{"n", n}}});
  at->send(all);
  const std::string id =
      at->begin_bulk({.what = bulk_action::cancel, .runs = {.function = "app-f"}, .per_second = 10'000}).id;
  REQUIRE(eventually([&] { return at->find_bulk(id)->state == bulk_state::completed; }));
  at.check_all_is_well();
  const bulk_operation done = *at->find_bulk(id);
  CHECK(done.failed == 0);
  CHECK(at.count("app-f", run_status::cancelled) == done.done);
  CHECK(at.count("app-f", run_status::completed) + done.done == 400);
  for (const run& each : at->runs()) {
    const auto ends =
        std::count_if(each.timeline.begin(), each.timeline.end(), [](const timeline_entry& entry) {
          return entry.what == progress::run_completed || entry.what == progress::run_cancelled;
        });
    CHECK(ends == 1);
  }
}

TEST_CASE("a drain holds sleepers that wake up, and the next process continues them", "[operate]") {
  lab at(GENERATE(false, true));
  const auto app = support::quiet_client();
  std::atomic<int> awake{0};
  const auto f = app.create_function({.id = "f"}, inngest::on<sleeps>(), [&](inngest::context<sleeps>& ctx) {
    ctx.step.sleep("nap", 10min);
    ctx.step.run("after", [&] { return ++awake; });
    return 1;
  });
  at.start(app, {f});
  for (int n = 0; n < 5; ++n) at->send(sleeps{{{"n", n}}});
  REQUIRE(at.reaches("app-f", run_status::sleeping, 5));
  CHECK(at->drain(support::patience));  // sleepers are no calls
  at.advance(11min);
  REQUIRE(at.reaches("app-f", run_status::paused, 5));
  at->send(sleeps{{{"n", 5}}});
  REQUIRE(at.reaches("app-f", run_status::paused, 6));
  CHECK(awake == 0);
  at.restart();  // a drain is not stored
  CHECK_FALSE(at->is_draining());
  REQUIRE(at.reaches("app-f", run_status::completed, 5));
  CHECK(awake == 5);
  REQUIRE(at.reaches("app-f", run_status::sleeping));
  at.advance(11min);
  at.check_all_is_well();
  CHECK(awake == 6);
}
