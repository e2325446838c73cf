#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <inngest/inngest.hpp>
#include <inngest/testing.hpp>

#include "catch.hpp"
#include "support/handler_driver.hpp"

// Functions of very many steps in a harness: the work grows with the number of steps.

namespace {

using namespace std::chrono_literals;
using inngest::testing::harness;
using started = inngest::event<"growth/started">;
using context = inngest::context<started>;

/// How often a handler of that many steps comes to a step.
std::size_t visits_of(int steps) {
  const inngest::client app(support::quiet_options());
  std::size_t visits = 0;
  auto f = app.create_function({.id = "f", .retries = 0}, inngest::on<started>(), [&](context& ctx) {
    int sum = 0;
    for (int i = 0; i < steps; ++i) {
      ++visits;
      sum += ctx.step.run("work", [] { return 1; });
    }
    return sum;
  });
  harness t{app, {f}};
  const auto run = t.send(started{});
  CHECK(run.output<int>() == steps);
  CHECK(run.steps().size() == 1);
  return visits;
}

}  // namespace

TEST_CASE("ten thousand steps in a harness take ten times as long as a thousand", "[testing][growth]") {
  const std::size_t thousand = visits_of(1'000);
  const std::size_t ten_thousand = visits_of(10'000);
  CHECK(ten_thousand < 20 * thousand);
  CHECK(ten_thousand < 400'000);
}

TEST_CASE("a run of many steps is checked to its end", "[testing][growth]") {
  const inngest::client app(support::quiet_options());
  int calls = 0;
  auto f = app.create_function({.id = "f", .retries = 0}, inngest::on<started>(), [&](context& ctx) {
    ++calls;
    for (int i = 0; i < 400; ++i) ctx.step.run("work", [] {});
    ctx.step.run("last-" + std::to_string(calls), [] {});
    ctx.step.sleep("rest", 1s);
  });
  harness t{app, {f}};
  auto run = t.send(started{});
  t.execute(run);
  INFO(run.error());
  CHECK(run.error().find("not deterministic") != std::string::npos);
}

TEST_CASE("steps of a long run fail, are retried and mocked like others", "[testing][growth]") {
  const inngest::client app(support::quiet_options());
  auto f = app.create_function({.id = "f", .retries = 3}, inngest::on<started>(), [&](context& ctx) {
    int sum = 0;
    for (int i = 0; i < 500; ++i) {
      const std::string id = "s" + std::to_string(i);
      sum += ctx.step.run(id, [] { return 1; });
      if (i % 100 == 0) ctx.step.sleep("rest-" + id, 1h);
    }
    return sum;
  });
  harness t{app, {f}};
  t.mock_step("s300", [] { return 1000; });
  t.fail_step("s400", 2);
  auto run = t.send(started{});
  t.execute(run);
  INFO(run.error());
  CHECK(run.output<int>() == 1499);
  CHECK(run.step("s400").attempts() == 3);
  CHECK(run.steps().size() == 505);
  CHECK(run.operations().size() == 508);
}
