// Calls of one run that overlap, and ends of runs that lead to ends of others.
#include <inngest/detail/hex.hpp>
#include <inngest/embedded/detail/engine_core.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/inngest.hpp>
#include <inngest/protocol/error_info.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "embedded/scheduler_driver.hpp"
#include "support/eventually.hpp"

using namespace std::chrono_literals;
using namespace scheduler_testing;

namespace {

bool only_plans(const json& request) {
  return request.at("ctx").at("disable_immediate_execution").get<bool>();
}

/// Two calls of one run that go through the whole function at once: each saw another sleep end.
struct overlap {
  driver engine{{on_event("f", "a/x")}};
  job first{}, second{};

  overlap() {
    engine.send({{"name", "a/x"}});
    engine.report(engine.must_take(), {operation("Sleep", 1, {{"opts", {{"duration", "100ms"}}}}),
                                       operation("Sleep", 2, {{"opts", {{"duration", "250ms"}}}})});
    engine.advance(100ms);
    first = engine.must_take();
    engine.advance(150ms);
    second = engine.must_take();
  }
};

/// The app "app" elsewhere, with a function that an event starts.
app_record app_with_f() {
  return {
      .id = "app",
      .text =
          json{{"functions",
                {on_event("app-f", "a/x", {{"steps", {{"step", {{"runtime", {{"url", "http://x/"}}}}}}}})}}}
              .dump()};
}

/// An engine's core in which a run of that function waits for its first call.
struct run_of_f {
  inngest::timestamp now = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);
  memory_store store;
  engine_core core{{}, store.load(), engine_core::options{}, now};

  run_of_f() {
    const app_record app = app_with_f();
    core.register_app(app, read_registration(app), now);
    keep();
    core.accept(R"({"name":"a/x"})", "", "", now, [&](const auto& id) { return store.find_event(id); },
                [&](std::uint64_t) { return keep(); });
  }

  bool keep() {
    while (core.has_uncommitted()) {
      auto batch = core.begin_commit();
      store.commit(batch.all);
      core.end_commit(std::move(batch), "", now);
    }
    return true;
  }

  std::optional<engine_core::call> take_after(std::chrono::milliseconds time) {
    now += time;
    auto out = core.take(now);
    keep();
    if (!out) out = core.take(now);  // what a timer led to
    keep();
    return out;
  }
};

/// An app's answer to a call of a step that its function doesn't reach.
std::string not_reached_text(const job& call) {
  const std::string step = inngest::protocol::unnamed_step(inngest::detail::to_hex(*call.step));
  return json{{"name", inngest::protocol::step_not_reached}, {"message", step + " was not reached"}}.dump();
}

}  // namespace

TEST_CASE("while another call of the run is under way, steps are only planned", "[embedded][calls]") {
  overlap it;
  CHECK(only_plans(it.engine.request_of(it.first)));
  CHECK(only_plans(it.engine.request_of(it.second)));
  it.engine.report(it.first, {operation("StepPlanned", 3)});
  it.engine.report(it.second, {operation("StepPlanned", 3)});
  const job step = it.engine.must_take();
  REQUIRE(step.step);
  CHECK_FALSE(it.engine.take());
  it.engine.report(step, {operation("StepRun", 3, {{"data", 1}})});
  const job last = it.engine.must_take();
  CHECK_FALSE(only_plans(it.engine.request_of(last)));
  it.engine.answer(last, 200, "1");
  CHECK(it.engine.only_run().status == run_status::completed);
}

TEST_CASE("a call that was overtaken never ends its run", "[embedded][calls]") {
  overlap it;
  const auto [status, body] = GENERATE(table<int, std::string>({
      {200, "\"early\""},
      {500, R"({"name":"Error","message":"early"})"},
      {400, R"({"name":"stale_call"})"},
      {206, R"([{"op":"RunComplete","id":"0000000000000000000000000000000000000009","data":"early"}])"},
      {206, "<html>"},
  }));
  CAPTURE(status, body);
  const bool is_last = GENERATE(false, true);
  if (is_last) it.engine.report(it.second, {json{{"op", "None"}, {"id", ""}}});
  it.engine.answer(it.first, status, body, {{"x-inngest-no-retry", "true"}});
  CHECK(it.engine.only_run().status == run_status::running);
  it.engine.answer(is_last ? it.engine.must_take() : it.second, 200, "\"right\"");
  CHECK(it.engine.only_run().output_text == "\"right\"");
  CHECK(it.engine->is_idle());
}

TEST_CASE("of two such calls that a process did not survive, one is made again", "[embedded][calls]") {
  overlap it;
  it.engine.restart();
  const job again = it.engine.must_take();
  CHECK(again.attempt == 1);
  CHECK_FALSE(it.engine.take());
  CHECK_FALSE(only_plans(it.engine.request_of(again)));
  it.engine.answer(again, 200, "1");
  CHECK(it.engine.only_run().status == run_status::completed);
  CHECK(it.engine->is_idle());
}

TEST_CASE("a step after a race runs once although the loser ends while the function is slow",
          "[embedded][calls]") {
  const bool checkpointing = GENERATE(false, true);
  const bool started_steps = GENERATE(false, true);
  CAPTURE(checkpointing, started_steps);
  const inngest::client app({.id = "app",
                             .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                             .environment = [](const char*) { return std::nullopt; }});
  std::atomic<int> ran{0};
  const inngest::function_options options{.id = "f",
                                          .checkpointing = inngest::checkpointing{.enabled = checkpointing}};
  const auto f = app.create_function(options, inngest::on<inngest::event<"a/x", json>>(), [&](auto& ctx) {
    if (started_steps) {
      auto quick = ctx.step.start("quick", [] { std::this_thread::sleep_for(20ms); });
      auto slow = ctx.step.start("slow", [] { std::this_thread::sleep_for(60ms); });
      quick.get();
    } else {
      ctx.group.race([&] { ctx.step.sleep("short", 20ms); }, [&] { ctx.step.sleep("long", 60ms); });
    }
    std::this_thread::sleep_for(120ms);
    ctx.step.run("after", [&] { ++ran; });
    return 7;
  });
  engine engine(app, {f}, {.retry_delay = [](int) { return 1ms; }});
  const auto sent = engine.send(inngest::any_event("a/x", json::object()));
  REQUIRE(engine.wait_until_idle(support::patience));
  const run ended = engine.runs_of(sent.ids.front()).front();
  INFO(format_timeline(ended));
  CHECK(ended.status == run_status::completed);
  CHECK(ran == 1);
}

TEST_CASE("a parallel group is followed by one call, a race and old SDKs by one for each step",
          "[embedded][calls]") {
  const auto [version, mode, calls_after] = GENERATE(table<const char*, const char*, int>(
      {{"2", "wait", 1}, {"2", "race", 50}, {"2", "Race", 50}, {"1", "wait", 50}}));
  CAPTURE(version, mode);
  constexpr int steps = 50;
  driver engine({on_event("f", "a/x")});
  engine.send({{"name", "a/x"}});
  std::vector<json> plan;
  for (int i = 0; i < steps; ++i)
    plan.push_back(operation("StepPlanned", 10 + i, {{"opts", {{"parallelMode", mode}}}}));
  engine.answer(engine.must_take(), 206, json(plan).dump(), {{"x-inngest-req-version", version}});
  std::vector<job> under_way;
  for (int i = 0; i < steps; ++i) under_way.push_back(engine.must_take());
  int calls = 0;
  for (const job& step : under_way) {
    engine.report(step, {operation("StepRun", std::stoi(step.step_name.substr(5)), {{"data", 1}})});
    while (const auto call = engine.take()) {
      if (++calls == calls_after)
        engine.answer(*call, 200, "1");
      else
        engine.report(*call, {json{{"op", "None"}, {"id", ""}}});
    }
  }
  CHECK(calls == calls_after);
  CHECK(engine.only_run().status == run_status::completed);
}

TEST_CASE("a function with a new step before a planned one runs the new step first, without a retry",
          "[embedded][calls]") {
  driver engine({on_event("f", "a/x", {{"retries", 0}})});
  engine.send({{"name", "a/x"}});
  const auto not_reached = [&](const job& call) {
    engine.answer(call, 500, not_reached_text(call), {{"x-inngest-no-retry", "false"}});
  };
  const auto plan = [&](const job& call, std::vector<int> steps) {
    std::vector<json> all;
    for (const int step : steps) all.push_back(operation("StepPlanned", step));
    engine.report(call, all);
  };
  plan(engine.must_take(), {1, 2});
  const job first = engine.must_take(), second = engine.must_take();
  not_reached(first);
  not_reached(second);
  const job whole = engine.must_take();
  CHECK_FALSE(whole.step);
  plan(whole, {3});
  const job added = engine.must_take();
  CHECK(added.step_name == "step-3");
  engine.report(added, {operation("StepRun", 3, {{"data", 1}})});
  plan(engine.must_take(), {1, 2});
  for (const int step : {1, 2}) {
    const job call = engine.must_take();
    CHECK(call.attempt == 0);
    engine.report(call, {operation("StepRun", step, {{"data", 1}})});
  }
  job last = engine.must_take();
  while (const auto later = engine.take()) {
    engine.report(last, {json{{"op", "None"}, {"id", ""}}});
    last = *later;
  }
  engine.answer(last, 200, "7");
  CHECK(engine.only_run().status == run_status::completed);
  CHECK(engine->is_idle());
}

TEST_CASE("a function whose steps have other ids in each call is not called in a loop", "[embedded][calls]") {
  driver engine({on_event("f", "a/x", {{"retries", 1}})});
  engine.send({{"name", "a/x"}});
  const bool has_results = GENERATE(false, true);  // each call has a new result
  int calls = 0;
  for (auto call = engine.take(); call; call = engine.take()) {
    REQUIRE(++calls < 20);
    if (call->step)
      engine.answer(*call, 500, not_reached_text(*call), {{"x-inngest-no-retry", "false"}});
    else if (has_results)
      engine.report(*call,
                    {operation("StepRun", 100 + calls, {{"data", 1}}), operation("StepPlanned", calls)});
    else
      engine.report(*call, {operation("StepPlanned", calls)});
    engine.advance(1s);
  }
  CHECK(engine.only_run().status == run_status::failed);
}

TEST_CASE("a planned step that a function never reaches fails the run with its name", "[embedded][calls]") {
  driver engine({on_event("f", "a/x", {{"retries", 0}})});
  engine.send({{"name", "a/x"}});
  engine.report(engine.must_take(), {operation("StepPlanned", 1)});
  int calls = 0;
  while (const auto call = engine.take()) {
    REQUIRE(++calls < 10);
    if (call->step)
      engine.answer(*call, 500, not_reached_text(*call), {{"x-inngest-no-retry", "false"}});
    else
      engine.report(*call, {operation("StepPlanned", 1)});
  }
  CHECK(engine.only_run().status == run_status::failed);
  REQUIRE(engine.only_run().error);
  CHECK_THAT(engine.only_run().error->message,
             Catch::Matchers::StartsWith("step \"step-1\" was not reached"));
}

TEST_CASE("a step of a group that waits for another attempt does not hold the others up",
          "[embedded][calls]") {
  driver engine({on_event("f", "a/x")});
  engine.send({{"name", "a/x"}});
  engine.answer(engine.must_take(), 206,
                json{operation("StepPlanned", 1), operation("StepPlanned", 2)}.dump(),
                {{"x-inngest-req-version", "2"}});
  const job first = engine.must_take();
  job second = engine.must_take();
  engine.report(first, {operation("StepRun", 1, {{"data", 1}})});
  CHECK_FALSE(engine.take());
  if (GENERATE(false, true)) {
    engine.restart();
    second = engine.must_take();
    REQUIRE(second.step);
  }
  engine.report(second, {operation("StepError", 2, {{"error", {{"name", "Error"}, {"message", "no"}}}})});
  const job replay = engine.must_take();
  CHECK_FALSE(replay.step);
  engine.report(replay, {json{{"op", "None"}, {"id", ""}}});
  engine.advance(1s);
  engine.report(engine.must_take(), {operation("StepRun", 2, {{"data", 2}})});
  engine.answer(engine.must_take(), 200, "1");
  CHECK(engine.only_run().status == run_status::completed);
}

// ---- ends that lead to ends -------------------------------------------------------------------------------

TEST_CASE("a singleton that is also started by cancelled runs never has two runs", "[embedded][calls]") {
  driver engine({{{"id", "one"},
                  {"triggers", {{{"event", "a/x"}}, {{"event", "inngest/function.cancelled"}}}},
                  {"singleton", {{"mode", "cancel"}}}}});
  for (int i = 0; i < 4; ++i) {
    engine.send({{"name", "a/x"}});
    int going_on = 0;
    for (const run& run : engine.store().runs()) going_on += run.ended() ? 0 : 1;
    CHECK(going_on == 1);
  }
}

TEST_CASE("runs that one event cancels may cancel each other", "[embedded][calls]") {
  driver engine({{{"id", "f"},
                  {"triggers", {{{"event", "a/x"}}}},
                  {"cancel", {{{"event", "a/stop"}}, {{"event", "inngest/function.cancelled"}}}}},
                 on_event("after", "inngest/function.cancelled", {{"singleton", {{"mode", "cancel"}}}})});
  for (int i = 0; i < 5; ++i) engine.send({{"name", "a/x"}});
  engine.send({{"name", "a/stop"}});
  for (const run& run : engine.runs_of_function("f")) CHECK(run.status == run_status::cancelled);
  int going_on = 0;
  for (const run& run : engine.runs_of_function("after")) going_on += run.ended() ? 0 : 1;
  CHECK(going_on == 1);
}

TEST_CASE("a singleton that invokes itself is cancelled by that", "[embedded][calls]") {
  driver engine({on_event("one", "a/x", {{"singleton", {{"mode", "cancel"}}}})});
  engine.send({{"name", "a/x"}});
  engine.report(engine.must_take(), {operation("InvokeFunction", 1, {{"opts", {{"function_id", "app-one"}}}}),
                                     operation("Sleep", 2, {{"opts", {{"duration", "1s"}}}})});
  const auto runs = engine.store().runs();
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].status == run_status::cancelled);
  CHECK_FALSE(runs[1].ended());
}

TEST_CASE("a call whose run is ended by a timer that is due before it is not made", "[embedded][calls]") {
  driver engine({on_event("late", "a/x",
                          {{"timeouts", {{"start", "1s"}}}, {"throttle", {{"limit", 1}, {"period", "1h"}}}}),
                 on_event("f", "a/y", {{"cancel", {{{"event", "inngest/function.cancelled"}}}}})});
  engine.send({{"name", "a/x"}});
  engine.answer(engine.must_take(), 200, "1");
  engine.send({{"name", "a/x"}});  // its turn is in an hour, and it is cancelled in a second
  engine.advance(1s);
  engine.send({{"name", "a/y"}});
  CHECK_FALSE(engine.take());
  CHECK(engine.runs_of_function("f").front().status == run_status::cancelled);
  CHECK(engine->is_idle());
  CHECK(engine->held().calls == 0);
  CHECK(engine->held().slots_in_use == 0);
}

TEST_CASE("of a call that a stop has put back and a later one only the later is made", "[embedded][calls]") {
  const app_record app = app_with_f();
  memory_store store;
  inngest::timestamp now = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);
  std::optional<engine_core> core;
  const auto keep = [&](std::uint64_t change = 0) {
    while (core->has_uncommitted()) {
      auto batch = core->begin_commit();
      store.commit(batch.all);
      core->end_commit(std::move(batch), "", now);
    }
    return core->committed() >= change;
  };
  const auto restart = [&] {
    core.emplace(std::vector<function_definition>(), store.load(), engine_core::options{}, now);
    keep();
  };
  restart();
  core->register_app(app, read_registration(app), now);
  keep();
  core->accept(R"({"name":"a/x"})", "", "", now, [&](const auto& id) { return store.find_event(id); }, keep);
  const auto call = core->take(now);
  REQUIRE(call);
  const json sleeps{operation("Sleep", 1, {{"opts", {{"duration", "100ms"}}}}),
                    operation("Sleep", 2, {{"opts", {{"duration", "250ms"}}}})};
  core->finish(*call, {.status = 206, .headers = {{"x-inngest-sdk", "test:v1"}}, .body = sleeps.dump()}, now);
  keep();
  const auto take_after = [&](std::chrono::milliseconds time) {
    now += time;
    auto out = core->take(now);
    keep();
    if (!out) out = core->take(now);  // what a timer led to
    keep();
    return out;
  };
  const auto first = take_after(100ms);
  REQUIRE(first);
  now += 150ms;
  CHECK_FALSE(core->take(now));  // the second sleep ends, and what it leads to is not taken yet
  keep();

  core->begin_to_stop();
  keep();
  restart();
  const auto next = take_after(0ms);
  REQUIRE(next);
  CHECK(next->what.id > first->what.id);
  CHECK(json::parse(next->request.body).at("steps").size() == 2);
  CHECK_FALSE(take_after(0ms));
}

TEST_CASE("a run that ends during a call leaves no job in the store, also if the engine stops meanwhile",
          "[embedded][calls]") {
  const bool stops = GENERATE(false, true);
  run_of_f its;
  engine_core& core = its.core;
  const auto call = core.take(its.now);
  REQUIRE(call);
  its.keep();
  REQUIRE(its.store.load().jobs.size() == 1);
  REQUIRE(core.cancel(call->what.run_id, its.now));
  its.keep();
  CHECK(its.store.load().jobs.empty());
  if (stops) core.begin_to_stop();
  its.keep();
  CHECK(its.store.load().jobs.empty());
  core.finish(*call, {.status = 200, .headers = {{"x-inngest-sdk", "test:v1"}}, .body = "1"}, its.now);
  its.keep();
  CHECK(its.store.load().jobs.empty());
}

TEST_CASE(
    "a run that ends while the engine stops leaves no job in the store, also not of a call that ended before",
    "[embedded][calls]") {
  run_of_f its;
  engine_core& core = its.core;
  const auto call = its.take_after(0ms);
  REQUIRE(call);
  const json sleeps{operation("Sleep", 1, {{"opts", {{"duration", "100ms"}}}}),
                    operation("Sleep", 2, {{"opts", {{"duration", "250ms"}}}})};
  core.finish(*call, {.status = 206, .headers = {{"x-inngest-sdk", "test:v1"}}, .body = sleeps.dump()},
              its.now);
  its.keep();
  const auto first = its.take_after(100ms);
  REQUIRE(first);
  const auto second = its.take_after(150ms);
  REQUIRE(second);
  core.begin_to_stop();
  its.keep();
  REQUIRE(its.store.load().jobs.size() == 2);
  core.postpone(*first, its.now);  // the next process makes it again, unless the run ends
  its.keep();
  REQUIRE(its.store.load().jobs.size() == 2);
  SECTION("cancelled") { REQUIRE(core.cancel(second->what.run_id, its.now)); }
  SECTION("completed by the other call") {
    core.finish(*second, {.status = 200, .headers = {{"x-inngest-sdk", "test:v1"}}, .body = "1"}, its.now);
  }
  its.keep();
  CHECK(its.store.load().jobs.empty());
}
