#include <inngest/middleware/metrics.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/handler_driver.hpp"
#include "support/message_of.hpp"

namespace {

using Catch::Matchers::ContainsSubstring;
using inngest::any_function;
using inngest::measurement;
using inngest::metric_kind;
using support::answer;
using support::run_driver;

using ping = inngest::event<"test/event">;
using counts = std::map<std::string, double>;

/// Adds counters up, and keeps the values of histograms, by name and labels.
struct registry {
  std::mutex mutex;
  counts counters;
  std::map<std::string, std::vector<double>> histograms;

  void add(const measurement& each) {
    const std::lock_guard lock(mutex);
    std::string series(each.name);
    for (const auto& [name, value] : each.labels)
      series += " " + std::string(name) + "=" + std::string(value);
    if (each.kind == metric_kind::counter)
      counters[series] += each.value;
    else
      histograms[series].push_back(each.value);
  }

  inngest::client_options options() {
    auto out = support::quiet_options();
    out.checkpointing.enabled = false;
    out.middleware = {inngest::metrics([this](const measurement& each) { add(each); })};
    return out;
  }
};

template <class Handler>
any_function function_of(Handler handler) {
  return support::quiet_client().create_function({.id = "f"}, inngest::on<ping>(), std::move(handler));
}

any_function one_step() {
  return function_of([](auto& ctx) {
    ctx.step.run("work", [] { std::this_thread::sleep_for(std::chrono::milliseconds(3)); });
  });
}

}  // namespace

TEST_CASE("calls, runs and steps are counted once each", "[metrics]") {
  registry kept;
  run_driver run(one_step(), kept.options());
  REQUIRE(run.finish().status == 200);
  CHECK(kept.counters == counts{{"inngest_calls_total function=f outcome=continued", 1},
                                {"inngest_calls_total function=f outcome=completed", 1},
                                {"inngest_runs_started_total function=f", 1},
                                {"inngest_runs_completed_total function=f", 1},
                                {"inngest_steps_total function=f step_kind=run outcome=completed", 1}});
}

TEST_CASE("durations are in seconds", "[metrics]") {
  registry kept;
  run_driver run(one_step(), kept.options());
  const auto began = std::chrono::steady_clock::now();
  run.discover();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  REQUIRE(kept.histograms.size() == 2);
  const auto& steps =
      kept.histograms.at("inngest_step_duration_seconds function=f step_kind=run outcome=completed");
  const auto& calls = kept.histograms.at("inngest_call_duration_seconds function=f outcome=continued");
  REQUIRE(steps.size() == 1);
  REQUIRE(calls.size() == 1);
  CHECK(steps[0] >= 0.003);
  CHECK(calls[0] >= steps[0]);
  CHECK(calls[0] <= took.count());
}

TEST_CASE("failures tell those that are tried again from those that are not", "[metrics]") {
  registry kept;
  SECTION("of a step") {
    run_driver run(
        function_of([](auto& ctx) { ctx.step.run("work", [] { throw std::runtime_error("no"); }); }),
        kept.options());
    run.request.max_attempts = 3;
    run.finish();
    CHECK(kept.counters["inngest_steps_total function=f step_kind=run outcome=retried"] == 2);
    CHECK(kept.counters["inngest_steps_total function=f step_kind=run outcome=failed"] == 1);
    CHECK(kept.counters["inngest_runs_failed_total function=f"] == 1);
    CHECK(kept.counters["inngest_calls_total function=f outcome=failed"] == 1);
    CHECK(kept.counters.count("inngest_runs_completed_total function=f") == 0);
  }
  SECTION("of a function") {
    run_driver run(function_of([](auto&) { throw std::runtime_error("no"); }), kept.options());
    run.request.max_attempts = 3;
    run.finish();
    CHECK(kept.counters == counts{{"inngest_calls_total function=f outcome=retried", 2},
                                  {"inngest_calls_total function=f outcome=failed", 1},
                                  {"inngest_runs_started_total function=f", 1},
                                  {"inngest_runs_failed_total function=f", 1}});
  }
  SECTION("of a request that can't be read") {
    const auto function = one_step();
    const inngest::handler handler(inngest::client(kept.options()), {function});
    handler(support::post(function.slug(), "nonsense"));
    CHECK(kept.counters == counts{{"inngest_calls_total function= outcome=error", 1}});
  }
}

TEST_CASE("sent events are counted for the function that sends them", "[metrics]") {
  registry kept;
  auto options = kept.options();
  SECTION("by a step") {
    run_driver run(function_of([](auto& ctx) { ctx.step.send_event("tell", ping{}); }), options);
    run.discover();
    CHECK(kept.counters["inngest_events_sent_total function=f outcome=sent"] == 1);
    CHECK(kept.counters["inngest_steps_total function=f step_kind=send_event outcome=completed"] == 1);
  }
  SECTION("by the client") {
    options.transport = std::make_shared<support::fake_transport>([](const inngest::http::request&) {
      return inngest::http::response{.status = 200, .body = R"({"ids":["a","b"],"status":200})"};
    });
    inngest::client(options).send({ping{}, ping{}});
    CHECK(kept.counters == counts{{"inngest_events_sent_total function= outcome=sent", 2}});
  }
  SECTION("those that are refused, too") {
    options.transport = std::make_shared<support::fake_transport>(
        [](const inngest::http::request&) { return inngest::http::response{.status = 400, .body = "{}"}; });
    CHECK_THROWS_AS(inngest::client(options).send(ping{}), inngest::event_rejected);
    CHECK(kept.counters == counts{{"inngest_events_sent_total function= outcome=failed", 1}});
  }
}

TEST_CASE("no label holds a run's id or a step's", "[metrics]") {
  registry kept;
  run_driver run(one_step(), kept.options());
  run.finish();
  for (const auto& [series, value] : kept.counters) {
    CAPTURE(series, value);
    CHECK(series.find("01RUN") == std::string::npos);
    CHECK(series.find("work") == std::string::npos);
  }
}

TEST_CASE("calls on many threads are all counted", "[metrics]") {
  registry kept;
  const auto function = one_step();
  const inngest::handler handler(inngest::client(kept.options()), {function});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int call = 0; call < 10; ++call) handler(support::post(function.slug(), support::call().text()));
    });
  }
  for (auto& each : threads) each.join();
  CHECK(kept.counters["inngest_calls_total function=f outcome=continued"] == 40);
  CHECK(kept.counters["inngest_steps_total function=f step_kind=run outcome=completed"] == 40);
}

TEST_CASE("a metric sink that throws fails no run, and an empty one is refused", "[metrics]") {
  auto options = support::quiet_options();
  options.middleware = {inngest::metrics([](const measurement&) { throw std::runtime_error("full"); })};
  CHECK(run_driver(one_step(), options).finish().status == 200);
  CHECK_THAT(support::message_of<inngest::configuration_error>([] { inngest::metrics(nullptr); }),
             ContainsSubstring("sink"));
}
