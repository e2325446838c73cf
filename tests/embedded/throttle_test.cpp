// Throttles, in the scheduler: a run takes its place in the rate when its first call begins.
#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/scheduling/run_activity.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "embedded/scheduler_driver.hpp"

namespace {

using namespace std::chrono_literals;
using namespace scheduler_testing;
using scheduling::activity_of;

constexpr auto closed_gate = [](const function_definition&) { return false; };

json one_a_minute(json more = json::object()) {
  more["throttle"] = {{"limit", 1}, {"burst", 0}, {"period", "1m"}};
  return more;
}

json go(int n = 0, const std::string& k = "") {
  return {{"name", "throttle/go"}, {"data", {{"n", n}, {"k", k}}}};
}

int number_of(driver& at, const job& call) { return at.request_of(call)["event"]["data"]["n"].get<int>(); }

/// The numbers of the events whose runs begin now and end at once.
std::vector<int> begun_now(driver& at) {
  std::vector<int> out;
  while (const auto call = at.take()) {
    out.push_back(number_of(at, *call));
    at.answer(*call, 200, "1");
  }
  return out;
}

}  // namespace

TEST_CASE("runs that are cancelled before they begin take no place in a throttle", "[throttle]") {
  const bool restarts = GENERATE(false, true);
  driver at({on_event("f", "throttle/go", one_a_minute({{"timeouts", {{"start", "5m"}}}}))});
  std::size_t begun = 0;
  for (int i = 0; i < 60; ++i) {  // twice as many as the throttle allows
    if (restarts) at.restart();
    at.send(go(i));
    begun += begun_now(at).size();
    at.advance(30s);
  }
  CHECK(begun == 30);
}

TEST_CASE("a run that comes after cancelled ones does not wait for their turns", "[throttle]") {
  const bool restarts = GENERATE(false, true);
  driver at({on_event("f", "throttle/go", one_a_minute())});
  for (int i = 0; i < 50; ++i) at.send(go(i));
  CHECK(begun_now(at) == std::vector{0});
  for (const run& each : at.runs_of_function("f")) at->cancel(each.id, at.now);
  at.keep();
  at.send(go(50));
  CHECK(begun_now(at).empty());
  if (restarts) at.restart();
  at.advance(1min);
  CHECK(begun_now(at) == std::vector{50});
  CHECK(at->held().jobs == 0);
  at.advance(1min);
  CHECK_FALSE(at->next_due());
}

TEST_CASE("the runs that replace one another as a singleton wait for one turn", "[throttle]") {
  driver at({on_event("f", "throttle/go", one_a_minute({{"singleton", {{"mode", "cancel"}}}}))});
  at.send(go(0));
  CHECK(begun_now(at) == std::vector{0});
  for (int i = 1; i <= 10; ++i) {
    at.send(go(i));
    CHECK(begun_now(at).empty());
  }
  at.advance(1min);
  CHECK(begun_now(at) == std::vector{10});
}

TEST_CASE("runs that could not begin in time do not begin all at once later", "[throttle]") {
  enum class obstacle { stop, drain, app };
  const obstacle what = GENERATE(obstacle::stop, obstacle::drain, obstacle::app);
  CAPTURE(static_cast<int>(what));
  driver at({on_event("f", "throttle/go", one_a_minute())});
  at.send(go(0));
  CHECK(begun_now(at) == std::vector{0});
  if (what == obstacle::drain) at->drain();
  for (int i = 1; i <= 20; ++i) at.send(go(i));
  if (what == obstacle::app) {
    for (int i = 0; i < 60; ++i) {
      CHECK_FALSE(at->take_due(at.now, closed_gate));
      at.advance(1min);
    }
    at->retry_blocked();
  } else {
    at.advance(1h);
  }
  if (what == obstacle::stop) at.restart();
  if (what == obstacle::drain) {
    CHECK_FALSE(at.take());
    at->end_drain();
  }
  for (int i = 1; i <= 20; ++i) {
    CHECK(begun_now(at) == std::vector{i});
    at.advance(59s);
    CHECK(begun_now(at).empty());
    if (what == obstacle::stop) at.restart();
    at.advance(1s);
  }
  CHECK(begun_now(at).empty());
}

TEST_CASE("runs that a long one held back do not begin all at once after it", "[throttle]") {
  driver at({on_event("f", "throttle/go", one_a_minute({{"concurrency", {{{"limit", 1}}}}}))});
  for (int i = 0; i <= 5; ++i) at.send(go(i));
  const job longest = at.must_take();
  for (int i = 0; i < 60; ++i) {
    CHECK_FALSE(at.take());
    at.advance(1min);
  }
  at.answer(longest, 200, "1");
  for (int i = 1; i <= 5; ++i) {
    CHECK(begun_now(at) == std::vector{i});
    at.advance(59s);
    CHECK(begun_now(at).empty());
    at.advance(1s);
  }
}

TEST_CASE("a burst is for what really begins, and each key has its own", "[throttle]") {
  const bool restarts = GENERATE(false, true);
  driver at(
      {on_event("f", "throttle/go",
                {{"throttle", {{"limit", 2}, {"burst", 1}, {"period", "1m"}, {"key", "event.data.k"}}}})});
  for (int i = 0; i < 6; ++i) at.send({go(i, "a"), go(100 + i, "b")});
  if (restarts) {
    at.advance(1h);
    at.restart();
  }
  CHECK(begun_now(at) == std::vector{0, 100, 1, 101, 2, 102});
  at.advance(29s);
  CHECK(begun_now(at).empty());
  at.advance(1s);
  CHECK(begun_now(at) == std::vector{3, 103});
  at.advance(1min);
  CHECK(begun_now(at) == std::vector{4, 104, 5, 105});
}

TEST_CASE("a run that began in a process that was killed before it could say so takes its place again",
          "[throttle]") {
  driver at({on_event("f", "throttle/go", one_a_minute())});
  at.send({go(0), go(1)});
  REQUIRE(at->take_due(at.now));  // is not committed
  at.restart_without_keeping();
  at.keep();
  CHECK(begun_now(at) == std::vector{0});
  at.advance(1min);
  CHECK(begun_now(at) == std::vector{1});
}

TEST_CASE("waiting runs follow the throttle that their function has now", "[throttle]") {
  driver at({on_event("f", "throttle/go", {{"throttle", {{"limit", 1}, {"period", "24h"}}}})});
  for (int i = 0; i < 6; ++i) at.send(go(i));
  CHECK(begun_now(at) == std::vector{0});
  at.advance(1h);
  at.register_functions({on_event("f", "throttle/go", one_a_minute())});
  CHECK(begun_now(at).empty());
  at.advance(1min);
  CHECK(begun_now(at) == std::vector{1});
  CHECK(begun_now(at).empty());
  at.register_functions({on_event("f", "throttle/go")});
  CHECK(begun_now(at) == std::vector{2, 3, 4, 5});
}

TEST_CASE("a plan that an older version stored for a throttle is not in the way", "[throttle]") {
  driver at({on_event("f", "throttle/go", one_a_minute())});
  for (int i = 0; i < 4; ++i) at.send(go(i));
  CHECK(begun_now(at) == std::vector{0});
  unfinished_work left = at.left();
  const auto planned = at.now + 100min;  // by that version, of which all but these were cancelled
  for (job& each : left.jobs) each.due = planned + std::chrono::minutes(each.id);
  const std::string count = std::to_string(std::chrono::nanoseconds(planned.time_since_epoch()).count());
  int known = 0;
  for (remembered_value& value : left.values) {
    if (!value.key.starts_with("throttle:")) continue;
    value.text = count;
    value.expires = planned;
    ++known;
  }
  CHECK(known == 1);
  scheduler next(
      {}, std::move(left), [](int) { return std::chrono::seconds(1); }, at.now);
  CHECK_FALSE(next.take_due(at.now));
  CHECK_FALSE(next.take_due(at.now + 59s));
  CHECK(next.take_due(at.now + 1min));
  CHECK_FALSE(next.take_due(at.now + 1min));
  CHECK(next.take_due(at.now + 2min));
}

TEST_CASE("the turn of a run that ends before its app takes it is the next one's", "[throttle]") {
  driver at({on_event("f", "throttle/go", {{"throttle", {{"limit", 1}, {"period", "24h"}}}})});
  at.send({go(0), go(1), go(2)});
  CHECK(begun_now(at) == std::vector{0});
  at.advance(24h);
  CHECK_FALSE(at->take_due(at.now, closed_gate));
  const run second = at.runs_of_function("f").at(1);
  CHECK(at->cancel(second.id, at.now));
  at.keep();
  CHECK_FALSE(at->take_due(at.now, closed_gate));
  at->retry_blocked();
  CHECK(begun_now(at) == std::vector{2});
}

TEST_CASE("a run that has no slot holds up others at most for one turn", "[throttle]") {
  const json slots{{"concurrency", {{{"limit", 1}, {"key", "event.data.k"}}}}};
  driver at({on_event("f", "throttle/go", one_a_minute(slots))});
  at.send({go(0, "a"), go(1, "a"), go(2, "b")});
  CHECK(number_of(at, at.must_take()) == 0);  // and goes on
  CHECK_FALSE(at.take());
  at.advance(1min);
  auto next = at.take();
  if (!next) {
    at.advance(1min);
    next = at.take();
  }
  REQUIRE(next);
  CHECK(number_of(at, *next) == 2);
}

TEST_CASE("a run that waits for its turn is queued until then, and nothing is late", "[throttle]") {
  driver at({on_event("f", "throttle/go", one_a_minute())});
  at.send({go(0), go(1), go(2)});
  CHECK(begun_now(at) == std::vector{0});
  const auto began = at.now;
  at.advance(40s);
  const auto runs = at.runs_of_function("f");
  for (const int place : {1, 2}) {
    const active_run* waiting = at->find_run(runs.at(static_cast<std::size_t>(place)).id);
    REQUIRE(waiting);
    const auto found = activity_of(at->parts(), *waiting, at.now, true);
    CHECK(found.status == run_status::queued);
    CHECK(found.until == began + std::chrono::minutes(place));
    CHECK_FALSE(found.due);
  }
  CHECK(at->next_due() == began + 1min);
}

TEST_CASE("runs in a throttle's line are paused while their function is", "[throttle][pauses]") {
  driver at({on_event("f", "throttle/go", one_a_minute())});
  for (int i = 0; i < 3; ++i) at.send(go(i));
  CHECK(begun_now(at) == std::vector{0});
  const auto statuses = [&] {
    std::vector<run_status> out;
    for (const run& each : at.runs_of_function("f")) {
      const auto* waiting = at->find_run(each.id);
      out.push_back(waiting ? activity_of(at->parts(), *waiting, at.now, true).status : each.status);
    }
    return out;
  };
  using list = std::vector<run_status>;
  CHECK(statuses() == list{run_status::completed, run_status::queued, run_status::queued});
  CHECK(at->pause(pause_target::function("app-f"), "test", at.now));
  CHECK(statuses() == list{run_status::completed, run_status::paused, run_status::paused});
  at.advance(1h);
  CHECK(begun_now(at).empty());
  CHECK(statuses() == list{run_status::completed, run_status::paused, run_status::paused});
  CHECK(at->resume(pause_target::function("app-f"), at.now));
  CHECK(begun_now(at).size() == 1);
  CHECK(statuses() == list{run_status::completed, run_status::completed, run_status::queued});
}
