// What an engine tells about itself: metrics, health, and what its runs do now.
#include <inngest/inngest.hpp>

#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/scheduling/run_meter.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/protocol/signature.hpp>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "embedded/store_records.hpp"
#include "support/background.hpp"
#include "support/eventually.hpp"
#include "support/forwarding_store.hpp"
#include "support/http_client.hpp"

namespace {

using namespace std::chrono_literals;
using namespace inngest::embedded;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using support::eventually;

struct numbered {
  int n = 0;
};
INNGEST_FIELDS(numbered, n)
using go = inngest::event<"metrics/go", numbered>;
using other = inngest::event<"metrics/other", numbered>;
using answered = inngest::event<"metrics/answered", numbered>;

inngest::client quiet_client() {
  return inngest::client({.id = "shop",
                          .send_attempts = 1,
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

/// Holds bodies until it is opened.
class gate {
 public:
  void pass() {
    ++waiting_;
    support::hold_until(open_);
    --waiting_;
  }
  void open() { open_ = true; }
  int waiting() const { return waiting_; }

 private:
  std::atomic<bool> open_{false};
  std::atomic<int> waiting_{0};
};

const function_metrics& of(const engine_metrics& all, const std::string& function) {
  for (const function_metrics& each : all.functions) {
    if (each.function == function) return each;
  }
  throw std::runtime_error("no metrics of function " + function);
}

/// A store that can't be written when a test says so.
class fragile_store final : public support::forwarding_store {
 public:
  std::atomic<bool> is_full{false};
  void commit(std::span<const changes> all) override {
    if (is_full) throw inngest::store_error("disk", "is full");
    memory.commit(all);
  }
  void try_to_write() override {
    if (is_full) throw inngest::store_error("disk", "is full");
  }
  std::uint64_t size_in_bytes() const override { return 4096; }
};

}  // namespace

TEST_CASE("a run that has not ended tells what it does now", "[embedded][status]") {
  gate door;
  inngest::client app = quiet_client();
  const auto works = app.create_function({.id = "works"}, inngest::on<go>(), [&](auto& ctx) {
    ctx.step.run("hold", [&] { door.pass(); });
    ctx.step.sleep("rest", 1h);
  });
  const auto waits = app.create_function({.id = "waits"}, inngest::on<other>(), [](auto& ctx) {
    ctx.step.template wait_for_event<answered>("answer", {.timeout = 2h});
  });
  const auto fails = app.create_function(
      {.id = "fails", .retries = 3}, inngest::on<answered>(),
      [](auto& ctx) { ctx.step.run("pay", []() -> int { throw std::runtime_error("no money"); }); });
  engine engine{app, {works, waits, fails}, {.workers = 1, .retry_delay = [](int) { return 1h; }}};
  const auto first = engine.send(go{}).ids.at(0);
  REQUIRE(eventually([&] { return door.waiting() == 1; }));
  CHECK(engine.runs_of(first).at(0).status == run_status::running);

  const auto second = engine.send(other{}).ids.at(0);  // the only worker is busy
  REQUIRE(eventually([&] { return !engine.runs_of(second).empty(); }));
  CHECK(engine.runs_of(second).at(0).status == run_status::queued);
  CHECK(engine.metrics().queued == 1);
  CHECK(engine.metrics().running == 1);

  door.open();
  REQUIRE(eventually([&] { return engine.runs_of(first).at(0).status == run_status::sleeping; }));
  const run sleeping = engine.runs_of(first).at(0);
  CHECK(!sleeping.ended());
  REQUIRE(sleeping.until);
  CHECK(*sleeping.until > sleeping.queued_at + 59min);

  REQUIRE(eventually([&] { return engine.runs_of(second).at(0).status == run_status::waiting; }));
  const run waiting = engine.runs_of(second).at(0);
  CHECK(waiting.waits_for == "event metrics/answered");
  REQUIRE(waiting.until);
  CHECK(*waiting.until > waiting.queued_at + 119min);

  const auto third = engine.send(answered{}).ids.at(0);
  REQUIRE(eventually([&] { return engine.runs_of(third).at(0).status == run_status::waiting; }));
  CHECK(engine.runs_of(third).at(0).waits_for == "attempt 2");
  CHECK(eventually([&] { return engine.runs_of(second).at(0).status == run_status::completed; }));
  CHECK(engine.find_run(engine.runs_of(second).at(0).id)->until == std::nullopt);

  const engine_metrics told = engine.metrics();
  CHECK(told.sleeping == 1);
  CHECK(told.waiting == 1);
  CHECK(of(told, "works").sleeping == 1);
  CHECK(of(told, "fails").waiting == 1);
  CHECK(of(told, "fails").attempts_retried == 1);
  CHECK(of(told, "waits").runs_completed == 1);
}

TEST_CASE("metrics count runs, steps and attempts by function and outcome", "[embedded][metrics]") {
  inngest::client app = quiet_client();
  const auto good = app.create_function({.id = "good"}, inngest::on<go>(), [](auto& ctx) {
    ctx.step.run("a", [] { return 1; });
    ctx.step.run("b", [] { return 2; });
    return 3;
  });
  const auto bad = app.create_function({.id = "bad", .retries = 1}, inngest::on<go>(), [](auto& ctx) {
    ctx.step.run("a", []() -> int { throw std::runtime_error("no"); });
  });
  const auto store = std::make_shared<fragile_store>();
  engine engine{app, {good, bad}, {.store = store, .retry_delay = [](int) { return 0ms; }}};
  const engine_metrics before = engine.metrics();
  CHECK(before.functions.size() == 2);  // a series begins with 0
  for (int i = 0; i < 5; ++i) engine.send(go{});
  REQUIRE(engine.wait_until_idle(support::patience));
  const engine_metrics after = engine.metrics();
  const function_metrics of_good = of(after, "good");
  CHECK(of_good.app == "shop");
  CHECK(of_good.runs_created == 5);
  CHECK(of_good.runs_completed == 5);
  CHECK(of_good.runs_failed == 0);
  CHECK(of_good.steps_completed == 10);
  CHECK(of_good.attempts_completed == 15);
  CHECK(of_good.run_durations.count() == 5);
  CHECK(of_good.queue_durations.count() == 5);
  CHECK(of_good.step_durations.count() == 10);
  const function_metrics of_bad = of(after, "bad");
  CHECK(of_bad.runs_failed == 5);
  CHECK(of_bad.attempts_retried == 5);
  CHECK(of_bad.attempts_failed == 10);  // of the steps, and of the functions that let the error pass
  CHECK(after.events_accepted == 5);
  CHECK(after.commits > 0);
  CHECK(after.commit_durations.count() == after.commits);
  CHECK(after.store_bytes == 4096);
  CHECK(after.queued + after.running + after.waiting + after.sleeping == 0);
}

TEST_CASE("histograms count durations by upper bounds", "[embedded][metrics]") {
  duration_histogram all;
  all.add(0us);
  all.add(1ms);
  all.add(1001us);
  all.add(2h);
  CHECK(all.counts[0] == 2);
  CHECK(all.counts[1] == 1);
  CHECK(all.counts.back() == 1);
  CHECK(all.count() == 4);
  CHECK(std::abs(all.sum - 7200.002001) < 1e-6);
  CHECK(all.quantile(0.5) == 0.001);
  CHECK(all.quantile(0.75) == 0.0025);
  CHECK(std::isinf(all.quantile(1)));
  CHECK(duration_histogram().quantile(0.5) == 0);
}

TEST_CASE("Prometheus's text has every sample of a metric together, and escapes names",
          "[embedded][metrics]") {
  engine_metrics told;
  told.functions.push_back({.app = "a\"b\\c\nd", .function = "f"});
  told.functions.push_back({.app = "other", .function = "g", .runs_completed = 12'345'678'901});
  told.functions.back().step_durations.add(3ms);
  const std::string text = prometheus_text(told);
  CHECK_THAT(text, ContainsSubstring("app=\"a\\\"b\\\\c"));
  CHECK_THAT(text, ContainsSubstring(
                       "inngest_engine_runs_ended_total{app=\"other\",function=\"g\",outcome=\"completed\"} "
                       "12345678901\n"));
  CHECK_THAT(text,
             ContainsSubstring("inngest_engine_step_duration_seconds_bucket{app=\"other\",function=\"g\",le="
                               "\"0.0025\"} 0\n"));
  CHECK_THAT(text,
             ContainsSubstring("inngest_engine_step_duration_seconds_bucket{app=\"other\",function=\"g\",le="
                               "\"+Inf\"} 1\n"));
  std::istringstream lines(text);
  std::set<std::string> begun;
  std::string name;
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    CHECK(!line.empty());
    if (line.starts_with("# HELP ")) {
      name = line.substr(7, line.find(' ', 7) - 7);
      CHECK(begun.insert(name).second);
    } else if (!line.starts_with("#")) {
      CHECK(line.starts_with(name));
    }
  }
  if (std::system("command -v promtool > /dev/null") == 0) {
    std::FILE* tool = popen("promtool check metrics", "w");
    REQUIRE(tool);
    std::fputs(text.c_str(), tool);
    CHECK(pclose(tool) == 0);
  }
}

TEST_CASE("functions beyond the limit are counted together", "[embedded][metrics]") {
  scheduling::run_meter meter;
  for (int i = 0; i < 600; ++i) {
    active_run run;
    run.function = std::make_shared<const function_definition>(function_definition{.slug = "s"});
    run.record.run.function_slug = "app-f" + std::to_string(i);
    meter.count(run, {.what = progress::run_queued});
  }
  CHECK(meter.all().size() == scheduling::run_meter::max_functions + 1);
  CHECK(meter.all().at("(others)").runs_created == 100);
}

TEST_CASE("concurrency slots and the oldest due call are told", "[embedded][metrics]") {
  gate door;
  inngest::client app = quiet_client();
  const auto slow = app.create_function({.id = "slow", .concurrency = {{.limit = 1}}}, inngest::on<go>(),
                                        [&](auto& ctx) { ctx.step.run("hold", [&] { door.pass(); }); });
  engine engine{app, {slow}, {.workers = 4}};
  for (int i = 0; i < 3; ++i) engine.send(go{});
  REQUIRE(eventually([&] { return door.waiting() == 1 && engine.metrics().slots_awaited == 2; }));
  const engine_metrics told = engine.metrics();
  CHECK(told.slots_in_use == 1);
  CHECK(told.calls == 1);
  CHECK(told.queued == 2);
  CHECK(eventually([&] { return engine.metrics().oldest_due_job > 20ms; }));
  CHECK(engine.health().ready);  // the limit holds the calls back, nothing is stuck
  door.open();
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(engine.metrics().oldest_due_job == 0ms);
  CHECK(engine.metrics().slots_in_use == 0);
}

TEST_CASE("an engine is ready while an app without workers has due calls", "[embedded][health]") {
  std::atomic<std::int64_t> offset{0};
  inngest::client app = quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<go>(), [](auto&) {});
  engine engine{app, {f}, {.workers = 2, .system_time = [&] {
                             return std::chrono::system_clock::now() + std::chrono::seconds(offset.load());
                           }}};
  // Without an http_server, no route leads to the app.
  engine.register_app("away",
                      R"({"functions":[{"id":"away-g","name":"g","triggers":[{"event":"test/away"}],)"
                      R"("steps":{"step":{"name":"step","runtime":{"url":"http://localhost:1/x"}}}}]})");
  engine.accept(R"([{"name":"test/away","data":{}},{"name":"test/away","data":{}}])");
  REQUIRE(eventually([&] { return engine.metrics().queued == 2; }));
  offset = 40;
  std::this_thread::sleep_for(1100ms);  // it checks at most once a second
  CHECK(engine.metrics().queued == 2);
  const engine_health found = engine.health();
  CHECK(found.ready);
  CHECK(engine.metrics().oldest_due_job == 0ms);
  REQUIRE(found.checks.size() == 5);
  CHECK(found.checks[4].ok);
  CHECK(found.checks[4].detail == "runs that wait for a worker of their app: 2 of app \"away\"");
  CHECK_THAT(prometheus_text(engine.metrics()),
             ContainsSubstring("inngest_engine_awaiting_worker{app=\"away\"} 2\n"));
}

TEST_CASE("an engine is ready while its store can be written and its clock is right", "[embedded][health]") {
  const auto store = std::make_shared<fragile_store>();
  std::atomic<std::int64_t> offset{0};
  inngest::client app = quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<go>(), [](auto&) {});
  engine engine{app, {f}, {.store = store, .system_time = [&] {
                             return std::chrono::system_clock::now() + std::chrono::seconds(offset.load());
                           }}};
  CHECK(engine.health().live);
  CHECK(engine.health().ready);
  REQUIRE(engine.health().checks.size() == 4);

  store->is_full = true;
  REQUIRE(eventually([&] { return !engine.health().ready; }));
  CHECK(engine.health().live);
  CHECK(!engine.health().checks.at(1).ok);
  CHECK_THAT(engine.health().checks.at(1).detail, ContainsSubstring("is full"));
  store->is_full = false;
  REQUIRE(eventually([&] { return engine.health().ready; }));

  offset = -3600;  // an hour back
  REQUIRE(eventually([&] { return !engine.health().ready; }));
  CHECK_THAT(engine.health().checks.at(3).detail, ContainsSubstring("set back"));
  offset = 0;
  REQUIRE(eventually([&] { return engine.health().ready; }));

  engine.stop(1s);
  CHECK(eventually([&] { return !engine.health().ready; }));
  CHECK(engine.health().live);
}

TEST_CASE("a server tells metrics and health to those who may know them",
          "[embedded][http_server][metrics]") {
  inngest::client app = quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<go>(), [](auto&) {});
  const auto store = std::make_shared<fragile_store>();
  engine engine{app, {f}, {.store = store}};
  const std::string signing_key = "signkey-test-0123456789abcdef0123456789abcdef";
  http_server server{engine, {.port = 0, .signing_key = signing_key, .metrics_key = "prometheus"}};
  support::http_client client(server.port());
  const auto get = [&](const std::string& path, const std::string& key) {
    const auto answer =
        key.empty() ? client.Get(path) : client.Get(path, {{"Authorization", "Bearer " + key}});
    REQUIRE(answer);
    return *answer;
  };
  CHECK(get("/metrics", "").status == 401);
  CHECK(get("/metrics", "wrong").status == 401);
  const auto told = get("/metrics", "prometheus");
  CHECK(told.status == 200);
  CHECK(told.get_header_value("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
  CHECK_THAT(told.body,
             ContainsSubstring("inngest_engine_runs{app=\"shop\",function=\"f\",status=\"queued\"} 0\n"));
  CHECK(get("/metrics", inngest::protocol::hashed_signing_key(signing_key)).status == 200);
  CHECK(get("/v1/runs/x", "prometheus").status == 401);  // it opens nothing else
  CHECK(get("/api/state", "prometheus").status == 401);

  CHECK(get("/health", "").status == 200);
  CHECK(get("/health/live", "").status == 200);
  CHECK(json::parse(get("/health/ready", "").body)["status"] == "ok");
  store->is_full = true;
  REQUIRE(eventually([&] { return get("/health/ready", "").status == 503; }));
  CHECK_THAT(get("/health/ready", "").body, !ContainsSubstring("is full"));
  CHECK_THAT(get("/health/ready", "prometheus").body, ContainsSubstring("is full"));
  CHECK(get("/health/live", "").status == 200);
  store->is_full = false;
}

TEST_CASE("after a restart runs still tell what they wait for, and metrics count on", "[embedded][metrics]") {
  store_records::folder place;
  std::string sleeping, waiting;
  const auto functions = [](inngest::client& app) {
    return std::vector<inngest::any_function>{
        app.create_function({.id = "sleeps"}, inngest::on<go>(),
                            [](auto& ctx) { ctx.step.sleep("rest", 1h); }),
        app.create_function({.id = "waits"}, inngest::on<other>(), [](auto& ctx) {
          ctx.step.template wait_for_event<answered>("answer", {.timeout = 2h});
        })};
  };
  for (int process = 0; process < 2; ++process) {
    inngest::client app = quiet_client();
    engine engine{
        app, functions(app), {.store = std::make_shared<sqlite_store>(sqlite_options{.path = place.file})}};
    if (process == 0) {
      sleeping = engine.send(go{}).ids.at(0);
      waiting = engine.send(other{}).ids.at(0);
    }
    REQUIRE(eventually([&] {
      return engine.runs_of(sleeping).at(0).status == run_status::sleeping &&
             engine.runs_of(waiting).at(0).status == run_status::waiting;
    }));
    CHECK(engine.runs_of(waiting).at(0).waits_for == "event metrics/answered");
    const engine_metrics told = engine.metrics();
    CHECK(told.sleeping == 1);
    CHECK(of(told, "waits").waiting == 1);
    CHECK(told.store_bytes > 0);
    CHECK(engine.health().ready);
    if (process == 0) continue;
    engine.send(answered{});
    REQUIRE(eventually([&] { return engine.runs_of(waiting).at(0).ended(); }));
    CHECK(eventually([&] { return of(engine.metrics(), "waits").runs_completed == 1; }));
  }
}

TEST_CASE("metrics agree with a thousand runs under load", "[embedded][metrics]") {
  inngest::client app = quiet_client();
  std::atomic<int> bodies{0};
  const auto f = app.create_function({.id = "f", .retries = 2}, inngest::on<go>(), [&](auto& ctx) {
    const int n = ctx.event.data.n;
    ctx.step.run("a", [&] { ++bodies; });
    ctx.step.run("b", [&] {
      if (n % 10 == 0) throw inngest::non_retriable_error("no");
    });
  });
  engine engine{app, {f}, {.workers = 4}};
  std::atomic<int> reads{0};
  support::background reader([&](const std::atomic<bool>& ends) {
    while (!ends) {
      const engine_metrics told = engine.metrics();
      if (told.functions.size() == 1) ++reads;
      prometheus_text(told);
      engine.health();
      engine.runs();
      std::this_thread::sleep_for(1ms);  // the others need the locks, too
    }
  });
  std::vector<std::thread> senders;
  for (int i = 0; i < 4; ++i) {
    senders.emplace_back([&, i] {
      for (int n = 0; n < 250; ++n) engine.send(go{{.n = i * 250 + n}});
    });
  }
  for (std::thread& sender : senders) sender.join();
  CHECK(engine.wait_until_idle(support::patience));
  reader.end();
  CHECK(reads > 0);
  const function_metrics told = of(engine.metrics(), "f");
  CHECK(told.runs_created == 1000);
  CHECK(told.runs_failed == 100);
  CHECK(told.runs_completed == 900);
  CHECK(told.steps_completed == 1900);
  CHECK(bodies == 1000);
  CHECK(told.queued + told.running + told.waiting + told.sleeping == 0);
}
