#include <inngest/embedded/store.hpp>

#include <chrono>
#include <string>

#include "catch.hpp"
#include "embedded/scheduler_driver.hpp"

// Active runs follow the timeouts that their function has now, also when these change while runs wait.

namespace {

using namespace std::chrono_literals;
using namespace scheduler_testing;

json with_timeouts(const json& timeouts) { return on_event("f", "go", {{"timeouts", timeouts}}); }

/// Gives the function other timeouts: in the same process, or before another one begins.
void change(driver& at, const json& timeouts, bool restarts) {
  at.register_functions({with_timeouts(timeouts)});
  if (restarts) at.restart();
}

run_status status_of_f(const driver& at) { return at.only_run().status; }

}  // namespace

TEST_CASE("a run that has started follows a changed finish timeout", "[timeouts]") {
  const bool restarts = GENERATE(false, true);
  const auto [before, after, ends] =
      GENERATE(table<json, json, std::chrono::minutes>({{{{"finish", "10m"}}, {{"finish", "30m"}}, 30min},
                                                        {{{"finish", "30m"}}, {{"finish", "10m"}}, 10min},
                                                        {json::object(), {{"finish", "20m"}}, 20min},
                                                        {{{"finish", "20m"}}, {{"finish", "20m"}}, 20min},
                                                        {{{"finish", "10m"}}, json::object(), 0min}}));
  driver at({with_timeouts(before)});
  at.send({{"name", "go"}});
  at.report(at.must_take(), {operation("Sleep", 1, {{"name", "24h"}})});
  at.advance(5min);
  change(at, after, restarts);
  if (ends == 0min) {
    at.advance(23h);
    CHECK_FALSE(at.take());
    CHECK(status_of_f(at) == run_status::running);
    return;
  }
  at.advance(ends - 5min - 1s);
  CHECK_FALSE(at.take());
  CHECK(status_of_f(at) == run_status::running);
  at.advance(1s);
  CHECK_FALSE(at.take());
  CHECK(status_of_f(at) == run_status::cancelled);
}

TEST_CASE("a timeout that is already over when it is set ends the run at once", "[timeouts]") {
  driver at({with_timeouts(json::object())});
  at.send({{"name", "go"}});
  at.report(at.must_take(), {operation("Sleep", 1, {{"name", "24h"}})});
  at.advance(5min);
  change(at, {{"finish", "1m"}}, GENERATE(false, true));
  CHECK_FALSE(at.take());
  CHECK(status_of_f(at) == run_status::cancelled);
}

TEST_CASE("a run that has not started follows a changed start timeout", "[timeouts]") {
  const bool restarts = GENERATE(false, true);
  const auto [before, after, ends] =
      GENERATE(table<json, json, std::chrono::minutes>({{{{"start", "10m"}}, {{"start", "30m"}}, 30min},
                                                        {{{"start", "30m"}}, {{"start", "10m"}}, 10min},
                                                        {json::object(), {{"start", "20m"}}, 20min},
                                                        {{{"start", "10m"}}, json::object(), 0min}}));
  driver at({with_timeouts(before)});
  at->pause(pause_target::function("app-f"), "test", at.now);
  at.send({{"name", "go"}});
  at.keep();
  change(at, after, restarts);
  at->resume(pause_target::function("app-f"), at.now);
  at.keep();
  if (ends == 0min) {
    at.advance(23h);
    CHECK(at.take());
    return;
  }
  at.advance(ends);
  CHECK_FALSE(at.take());
  CHECK(status_of_f(at) == run_status::cancelled);
}

TEST_CASE("a changed timeout counts no pause, and comes back with its function", "[timeouts]") {
  driver at({with_timeouts({{"finish", "10m"}})});
  at.send({{"name", "go"}});
  at.report(at.must_take(), {operation("Sleep", 1, {{"name", "24h"}})});
  const pause_target f = pause_target::function("app-f");
  at->pause(f, "test", at.now);
  at.advance(1h);
  at->resume(f, at.now);
  at.keep();
  at.register_functions({on_event("g", "other", {})});  // f is gone for a while
  at.restart();
  change(at, {{"finish", "20m"}}, true);
  at.advance(19min);
  CHECK_FALSE(at.take());
  CHECK(status_of_f(at) == run_status::running);
  at.advance(2min);
  CHECK_FALSE(at.take());
  CHECK(status_of_f(at) == run_status::cancelled);
}
