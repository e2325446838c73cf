// Pauses and schedules, in the scheduler: what waits, what goes on, and that nothing is lost.
#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/scheduling/run_activity.hpp>

#include <chrono>
#include <string>
#include <vector>

#include "catch.hpp"
#include "embedded/scheduler_driver.hpp"

namespace {

using namespace std::chrono_literals;
using namespace scheduler_testing;
using Catch::Matchers::ContainsSubstring;
using scheduling::activity_of;

const pause_target f = pause_target::function("app-f");

json go(int n = 0) { return {{"name", "pauses/go"}, {"data", {{"n", n}}}}; }

run_status status_of(driver& at, const std::string& run_id) {
  const active_run* run = at->find_run(run_id);
  REQUIRE(run);
  return activity_of(at->parts(), *run, at.now, true).status;
}

void pause(driver& at, const pause_target& target) {
  CHECK(at->pause(target, "test", at.now));
  at.keep();
}
void resume(driver& at, const pause_target& target) {
  CHECK(at->resume(target, at.now));
  at.keep();
}

json scheduled(const char* id, const std::string& cron, json more = json::object()) {
  more["id"] = id;
  more["triggers"] = {{{"cron", cron}}};
  return more;
}

}  // namespace

TEST_CASE("events of a paused function create runs that wait, and begin after its resume", "[pauses]") {
  driver at({on_event("f", "pauses/go"), on_event("g", "pauses/go")});
  pause(at, f);
  at.send(go());
  const job of_g = at.must_take();
  CHECK(of_g.run_id == at.runs_of_function("g").at(0).id);
  CHECK_FALSE(at.take());
  const run waiting = at.runs_of_function("f").at(0);
  CHECK(status_of(at, waiting.id) == run_status::paused);
  at.advance(1h);
  CHECK_FALSE(at.take());
  resume(at, f);
  CHECK(at.must_take().run_id == waiting.id);
}

TEST_CASE("pauses are in the store, and last in the next process", "[pauses]") {
  driver at({on_event("f", "pauses/go"), scheduled("s", "0 * * * *")});
  pause(at, f);
  pause(at, pause_target::app("app"));
  pause(at, pause_target::schedule("app-s", "0 * * * *"));
  at.send(go());
  at.advance(1min);
  at.restart();
  CHECK_FALSE(at.take());
  const auto all = at->parts().pauses.all();
  REQUIRE(all.size() == 3);
  for (const pause_record& pause : all) {
    CHECK(pause.by == "test");
    CHECK(pause.since == at.now - 1min);
  }
  resume(at, pause_target::app("app"));
  CHECK_FALSE(at.take());  // the function is paused, too
  resume(at, f);
  CHECK(at.take());
  at.restart();
  CHECK(at->parts().pauses.all().size() == 1);
}

TEST_CASE("a call under way ends during a pause, and the next one waits", "[pauses]") {
  driver at({on_event("f", "pauses/go")});
  at.send(go());
  const job first = at.must_take();
  pause(at, f);
  CHECK(status_of(at, first.run_id) == run_status::running);
  at.report(first, {operation("StepRun", 1, {{"data", 5}})});
  CHECK(at.store().memos_of(first.run_id).size() == 1);
  CHECK_FALSE(at.take());
  CHECK(status_of(at, first.run_id) == run_status::paused);
  resume(at, f);
  const job next = at.must_take();
  CHECK(at.request_of(next).at("steps").size() == 1);
  at.answer(next, 200, "7");
  CHECK(at.only_run().status == run_status::completed);
}

TEST_CASE("sleeps and waits elapse during a pause, and their run continues after it", "[pauses]") {
  driver at({on_event("f", "pauses/go")});
  at.send(go());
  const job first = at.must_take();
  at.report(first, {operation("Sleep", 1, {{"name", "1h"}, {"opts", {{"duration", "1h"}}}}),
                    operation("WaitForEvent", 2, {{"opts", {{"event", "pauses/ok"}, {"timeout", "2h"}}}})});
  pause(at, f);
  at.send({{"name", "pauses/ok"}});
  at.advance(90min);
  CHECK_FALSE(at.take());
  CHECK(at.store().memos_of(first.run_id).size() == 2);
  CHECK(status_of(at, first.run_id) == run_status::paused);
  resume(at, f);
  CHECK(at.take());
}

TEST_CASE("the next attempt waits for the end of a pause", "[pauses]") {
  driver at({on_event("f", "pauses/go")});
  at.send(go());
  const job first = at.must_take();
  at.answer(first, 500, R"({"name":"Error","message":"no"})");
  pause(at, f);
  at.advance(1h);
  CHECK_FALSE(at.take());
  at.restart();
  CHECK_FALSE(at.take());
  resume(at, f);
  CHECK(at.must_take().attempt == 1);
}

TEST_CASE("a step that invokes a paused function waits", "[pauses]") {
  driver at({on_event("f", "pauses/other"), on_event("parent", "pauses/go")});
  pause(at, f);
  at.send(go());
  const job call = at.must_take();
  at.report(call, {operation("InvokeFunction", 1, {{"opts", {{"function_id", "app-f"}, {"payload", {}}}}})});
  CHECK_FALSE(at.take());
  CHECK(status_of(at, call.run_id) == run_status::waiting);
  resume(at, f);
  const job child = at.must_take();
  at.answer(child, 200, "8");
  CHECK(at.must_take().run_id == call.run_id);
}

TEST_CASE("batches and debounces collect during a pause", "[pauses]") {
  driver at({on_event("f", "pauses/go", {{"batchEvents", {{"maxSize", 2}, {"timeout", "60s"}}}}),
             on_event("d", "pauses/go", {{"debounce", {{"period", "10s"}}}})});
  pause(at, pause_target::app("app"));
  at.send({go(1), go(2), go(3)});
  at.advance(2min);
  CHECK_FALSE(at.take());
  CHECK(at.runs_of_function("f").size() == 2);  // the batch of two, and the one whose time was over
  CHECK(at.runs_of_function("d").size() == 1);
  at.restart();
  resume(at, pause_target::app("app"));
  for (int i = 0; i < 3; ++i) CHECK(at.take());
  CHECK_FALSE(at.take());
}

TEST_CASE("the timeouts of runs do not count the time of a pause", "[pauses]") {
  driver at({on_event("f", "pauses/go", {{"timeouts", {{"start", "10m"}, {"finish", "10m"}}}})});
  at.send(go());
  const job begun = at.must_take();
  at.advance(5min);
  at.send(go());  // has not begun
  pause(at, f);
  at.advance(1h);
  at.send(go());  // was made during the pause
  CHECK_FALSE(at.take());
  at.restart();
  at.advance(1h);
  CHECK_FALSE(at.take());
  CHECK(at->held().runs == 3);
  resume(at, f);
  at.advance(4min);
  CHECK(at.take());
  CHECK(at->held().runs == 3);
  at.advance(7min);  // 11 minutes without the pause
  at.take();
  at.take();
  CHECK(at.store().find_run(begun.run_id)->run.status == run_status::cancelled);
}

TEST_CASE("overlapping pauses count once for timeouts", "[pauses]") {
  driver at({on_event("f", "pauses/go", {{"timeouts", {{"finish", "10m"}}}})});
  at.send(go());
  const job begun = at.must_take();
  at.answer(begun, 500, "{}");
  pause(at, f);
  at.advance(20min);
  pause(at, pause_target::app("app"));
  at.advance(20min);
  resume(at, f);
  at.advance(20min);
  CHECK_FALSE(at.take());
  resume(at, pause_target::app("app"));
  at.advance(9min);
  CHECK(at.take());
  CHECK(at->held().runs == 1);
  at.advance(2min);
  at.take();
  CHECK(at.only_run().status == run_status::cancelled);
}

TEST_CASE("runs that a throttle planned during a pause do not begin all at once", "[pauses]") {
  driver at({on_event("f", "pauses/go", {{"throttle", {{"limit", 1}, {"burst", 0}, {"period", "1m"}}}})});
  pause(at, f);
  at.send({go(1), go(2), go(3)});
  at.advance(1h);
  CHECK_FALSE(at.take());
  resume(at, f);
  std::vector<int> order;
  const auto number = [&](const job& call) { return at.request_of(call)["event"]["data"]["n"].get<int>(); };
  const job first = at.must_take();
  order.push_back(number(first));
  CHECK_FALSE(at.take());
  at.answer(first, 200, "1");
  at.restart();
  CHECK_FALSE(at.take());
  at.advance(1min);
  order.push_back(number(at.must_take()));
  CHECK_FALSE(at.take());
  at.advance(1min);
  order.push_back(number(at.must_take()));
  CHECK(order == std::vector{1, 2, 3});
}

TEST_CASE("a paused function takes no slot of a limit from others", "[pauses]") {
  const json shared{{"concurrency", {{{"limit", 1}, {"scope", "account"}, {"key", "'one'"}}}}};
  driver at({on_event("f", "pauses/go", shared), on_event("g", "pauses/later", shared)});
  pause(at, f);
  at.send({go(), go()});
  CHECK_FALSE(at.take());
  at.send({{"name", "pauses/later"}});
  const job other = at.must_take();
  CHECK(other.run_id == at.runs_of_function("g").at(0).id);
  resume(at, f);
  CHECK_FALSE(at.take());
  at.answer(other, 200, "1");
  CHECK(at.take());
  CHECK_FALSE(at.take());
}

TEST_CASE("a paused run can be cancelled", "[pauses]") {
  driver at({on_event("f", "pauses/go", {{"cancel", {{{"event", "pauses/stop"}}}}})});
  pause(at, f);
  at.send(go());
  at.send(go());
  CHECK_FALSE(at.take());
  CHECK(at->cancel(at.runs_of_function("f").at(0).id, at.now));
  at.keep();
  at.send({{"name", "pauses/stop"}});
  CHECK(at->held().runs == 0);
  CHECK(at->held().jobs == 0);
  resume(at, f);
  CHECK_FALSE(at.take());
}

TEST_CASE("a pause of a function holds what handles its ends, too", "[pauses]") {
  const json own{{"event", "inngest/function.failed"}, {"expression", "event.data.function_id == 'app-f'"}};
  const json any{{"event", "inngest/function.failed"}};
  driver at({on_event("f", "pauses/go", {{"retries", 0}}),
             {{"id", "f-failure"}, {"triggers", {own}}},
             {{"id", "alarm-failure"}, {"triggers", {any}}}});
  const auto fail = [&] {
    at.send(go());
    return at.must_take();
  };
  const job first = fail();
  pause(at, f);
  at.answer(first, 500, R"({"name":"Error","message":"no"})");
  CHECK(at.runs_of_function("f").at(0).status == run_status::failed);
  const job alarm = at.must_take();  // is a function like others
  CHECK(alarm.run_id == at.runs_of_function("alarm-failure").at(0).id);
  at.answer(alarm, 200, "1");
  CHECK_FALSE(at.take());
  const std::string handling = at.runs_of_function("f-failure").at(0).id;
  CHECK(status_of(at, handling) == run_status::paused);
  at.restart();
  CHECK_FALSE(at.take());
  resume(at, f);
  CHECK(at.must_take().run_id == handling);
  CHECK_FALSE(at.take());
  // the handler alone can be paused, too
  pause(at, pause_target::function("app-f-failure"));
  at.answer(fail(), 500, R"({"name":"Error","message":"no"})");
  CHECK(at.must_take().run_id == at.runs_of_function("alarm-failure").at(1).id);
  CHECK_FALSE(at.take());
  pause(at, f);
  resume(at, pause_target::function("app-f-failure"));
  CHECK_FALSE(at.take());  // its function is paused now
  resume(at, f);
  CHECK(at.take());
}

TEST_CASE("what does not exist is not paused", "[pauses]") {
  driver at({scheduled("s", "0 * * * *")});
  CHECK_THROWS_WITH(at->pause(pause_target::function("app-x"), "", at.now),
                    ContainsSubstring("no function \"app-x\""));
  CHECK_THROWS_WITH(at->pause(pause_target::app("x"), "", at.now), ContainsSubstring("no app \"x\""));
  CHECK_THROWS_WITH(at->pause(pause_target::schedule("app-s", "1 * * * *"), "", at.now),
                    ContainsSubstring("no schedule \"1 * * * *\""));
  CHECK_FALSE(at->resume(f, at.now));
  const pause_target s = pause_target::function("app-s");
  CHECK(at->pause(s, "", at.now));
  CHECK_FALSE(at->pause(s, "", at.now));
}

TEST_CASE("a paused schedule skips its times, and a paused function keeps them", "[pauses]") {
  driver at({scheduled("s", "0 * * * *"), scheduled("t", "0 * * * *")});
  const pause_target schedule = pause_target::schedule("app-s", "0 * * * *");
  pause(at, schedule);
  pause(at, pause_target::function("app-t"));
  for (int hour = 0; hour < 3; ++hour) {
    at.advance(1h);
    CHECK_FALSE(at.take());
  }
  CHECK(at.runs_of_function("s").empty());
  CHECK(at.runs_of_function("t").size() == 3);
  at.restart();
  resume(at, schedule);
  CHECK_FALSE(at.take());
  at.advance(1h);
  CHECK(at.take());
  CHECK(at.runs_of_function("s").size() == 1);
}

TEST_CASE("a drained engine begins no call, and goes on when the drain ends", "[pauses]") {
  driver at({on_event("f", "pauses/go"), on_event("g", "pauses/go")});
  at.send(go());
  const job under_way = at.must_take();
  at->drain();
  CHECK_FALSE(at.take());
  at.answer(under_way, 200, "1");
  CHECK_FALSE(at.take());
  CHECK(status_of(at, at->parts().runs.all().begin()->first) == run_status::paused);
  pause(at, f);
  at->end_drain();
  const bool is_f_done = at.runs_of_function("f").at(0).ended();
  CHECK(at.take().has_value() == is_f_done);
}

TEST_CASE("a schedule can be started by hand, also twice in a moment, and while it is paused",
          "[schedules]") {
  driver at({scheduled("s", "TZ=Europe/Paris 30 9 * * *")});
  const std::string cron = "TZ=Europe/Paris 30 9 * * *";
  pause(at, pause_target::schedule("app-s", cron));
  CHECK(at->run_schedule("app-s", cron, at.now).what == invoked_run::outcome::started);
  CHECK(at->run_schedule("app-s", cron, at.now).what == invoked_run::outcome::started);
  CHECK(at->run_schedule("app-s", "30 9 * * *", at.now).what == invoked_run::outcome::no_function);
  at.keep();
  const job call = at.must_take();
  CHECK(at.request_of(call)["event"]["data"]["cron"] == cron);
  CHECK(at.take());
  CHECK_FALSE(at.take());
}

TEST_CASE("schedules are listed with their next times", "[schedules]") {
  driver at({scheduled("s", "TZ=Europe/Paris 30 9 * * *"), scheduled("t", "0 0 29 2 *"), on_event("f", "x")});
  const auto all = at->schedules().all(at.now);
  REQUIRE(all.size() == 2);
  CHECK(all[0].function == "app-s");
  CHECK(all[0].time_zone == "Europe/Paris");
  CHECK_FALSE(all[0].is_paused);
  REQUIRE(all[0].next.size() == 5);
  CHECK(inngest::to_text(all[0].next[0]) == "2026-03-01T08:30:00.000Z");
  CHECK(inngest::to_text(all[0].next[4]) == "2026-03-05T08:30:00.000Z");
  REQUIRE(all[1].next.size() == 5);
  CHECK(inngest::to_text(all[1].next[0]) == "2028-02-29T00:00:00.000Z");
  pause(at, pause_target::schedule("app-s", all[0].cron));
  CHECK(at->schedules().all(at.now)[0].is_paused);
}
