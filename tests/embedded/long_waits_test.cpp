#include <chrono>
#include <string>

#include <inngest/embedded.hpp>
#include <inngest/inngest.hpp>
#include <inngest/runs.hpp>
#include <inngest/testing.hpp>

#include "catch.hpp"

// Waits as long as can be said, in the engine and in tests.

namespace {

using namespace std::chrono_literals;
using std::chrono::hours;
using placed = inngest::event<"order/placed">;

inngest::client make_client() {
  return inngest::client({.id = "app",
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

}  // namespace

TEST_CASE("whoever waits for the engine without an end gets the result when it is there", "[waits]") {
  const auto app = make_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<placed>(), [](auto& ctx) {
    ctx.step.sleep("s", 20ms);
    return 7;
  });
  inngest::embedded::engine engine(app, {f}, {.request_timeout = hours::max(), .history = hours::max()});
  const std::string event = app.send(placed{}).ids.at(0);
  CHECK(engine.wait_until_idle(hours::max()));
  const auto runs = engine.runs_of(event);
  REQUIRE(runs.size() == 1);
  CHECK(engine.wait_for(runs[0].id, std::chrono::milliseconds::max()).output<int>() == 7);
}

TEST_CASE("a retry may be as late as can be said", "[waits]") {
  const auto app = make_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<placed>(),
                                     [](auto&) { throw std::runtime_error("never again"); });
  inngest::testing::harness t{app, {f}, {.retry_delay = [](int) { return hours::max(); }}};
  const auto run = t.send(placed{});
  t.advance(24h);
  CHECK(run.status() == inngest::testing::run_status::running);
}
