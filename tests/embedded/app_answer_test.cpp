// What apps elsewhere answer, in the protocol and outside of it.
#include <chrono>
#include <string>
#include <vector>

#include <inngest/embedded/detail/reported_operation.hpp>

#include "catch.hpp"
#include "embedded/scheduler_driver.hpp"

using namespace std::chrono_literals;
using namespace scheduler_testing;
using Catch::Matchers::ContainsSubstring;

namespace {

bool happened(const run& run, progress what) {
  for (const timeline_entry& entry : run.timeline) {
    if (entry.what == what) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("an answer with success completes a run: JSON as it is, other text as a string, nothing as null",
          "[embedded][answers]") {
  const auto [status, body, output] = GENERATE(table<int, std::string, std::string>({
      {200, R"({"a":1})", R"({"a":1})"},
      {200, "<html>", R"("<html>")"},
      {200, "", "null"},
      {202, "\n", "null"},
      {204, "", "null"},
      {200, R"({"a":"\ud83d"})", R"("{\"a\":\"\\ud83d\"}")"},
      {200, "1e999", R"("1e999")"},
      {200, "\"\xC3\x28\"", "\"\\\"\xEF\xBF\xBD(\\\"\""},
  }));
  CAPTURE(body);
  driver engine({on_event("f", "a/x"), on_event("after", "inngest/function.finished")});
  engine.send({{"name", "a/x"}});
  engine.answer(engine.must_take(), status, body);
  CHECK(engine.runs_of_function("f").front().output_text == output);
  const json after = engine.request_of(engine.must_take());  // it can be read by all who come after
  CHECK(after.at("event").at("data").at("result").dump() == json::parse(output).dump());
}

TEST_CASE("what is not of the protocol is a failed attempt, and is tried again", "[embedded][answers]") {
  const auto [status, body, problem] = GENERATE(table<int, std::string, std::string>({
      {206, "<html>", "operations"},
      {206, "", "JSON"},
      {206, R"([{"op":"StepRun","id":"0000000000000000000000000000000000000001","data":1)", "operations"},
      {206, R"([{"op":"Unheard","id":"0000000000000000000000000000000000000001"}])", "Unheard"},
      {206, R"([{"op":"StepRun","id":"short","data":1}])", "SHA-1"},
      {206, R"([{"op":"StepRun","id":"0000000000000000000000000000000000000001","data":"\ud83d"}])", "data"},
      {206, R"([{"op":"StepRun","id":"0000000000000000000000000000000000000001","data":1e999}])", "data"},
      {206,
       R"([{"op":"StepError","id":"0000000000000000000000000000000000000001","error":{"name":"\ud83d"}}])",
       "error"},
      {206, R"([{"op":"Sleep","id":"0000000000000000000000000000000000000001","opts":{"x":"\ud83d"}}])",
       "opts"},
      {206, "[]", "no operation"},
      {206,
       R"([{"op":"StepRun","id":"0000000000000000000000000000000000000001","data":1,"id":"0000000000000000000000000000000000000002"}])",
       "twice"},
      {206, R"([{"op":"DeferAdd","id":"0000000000000000000000000000000000000001"}])", "fn_slug"},
      {206, R"([{"op":"DeferAdd","id":"0000000000000000000000000000000000000001","opts":"text"}])", "opts"},
      {206, R"([{"op":"DeferAdd","id":"0000000000000000000000000000000000000001","opts":{"fn_slug":5}}])",
       "fn_slug"},
      {206, R"([{"op":"DeferAbort","id":"0000000000000000000000000000000000000001","opts":{}}])",
       "target_hashed_id"},
      {500, "<html>words</html>", "words"},
      {500, "", "500"},
      {302, "", "302"},
  }));
  CAPTURE(body);
  driver engine({on_event("f", "a/x")});
  engine.send({{"name", "a/x"}});
  engine.answer(engine.must_take(), status, body);
  CHECK(engine.only_run().status == run_status::running);
  CHECK(happened(engine.only_run(), progress::run_retried));
  CHECK_THAT(engine.only_run().timeline.back().detail, ContainsSubstring(problem));
  engine.advance(1s);
  engine.answer(engine.must_take(), 200, "1");
  CHECK(engine.only_run().status == run_status::completed);
}

TEST_CASE("a call for a step that gets no answer is shown as an attempt of the step", "[embedded][answers]") {
  driver engine({on_event("f", "a/x", {{"retries", 1}})});
  engine.send({{"name", "a/x"}});
  engine.report(engine.must_take(), {operation("StepPlanned", 1), operation("StepPlanned", 2)});
  engine.answer(engine.must_take(), 500, "gone");
  const timeline_entry failed = engine.only_run().timeline.back();
  CHECK(failed.what == progress::step_retried);
  CHECK(failed.step == "step-1");
  CHECK(failed.attempt == 0);
  CHECK_FALSE(happened(engine.only_run(), progress::run_retried));
  engine.report(engine.must_take(), {operation("StepRun", 2, {{"data", 2}})});
  engine.advance(1h);
  const job again = engine.must_take();
  CHECK(again.step);
  engine.answer(again, 500, "gone");
  CHECK(engine.only_run().status == run_status::failed);
}

TEST_CASE("an answer that is not an SDK's is a failed attempt", "[embedded][answers]") {
  const int status = GENERATE(200, 201, 204, 206);
  driver engine({on_event("f", "a/x", {{"retries", 0}})});
  engine.send({{"name", "a/x"}});
  const job call = engine.must_take();
  engine->finish(call, {.status = status, .body = "[]"}, engine.now);
  engine.keep();
  CHECK(engine.only_run().status == run_status::failed);
  CHECK_THAT(engine.only_run().error->message, ContainsSubstring("did not come from an Inngest SDK"));
}

TEST_CASE("whatever ends an invoked run, the run that invoked it goes on", "[embedded][answers]") {
  const auto [status, body] = GENERATE(table<int, std::string>({
      {200, "<html>"},
      {200, R"("\ud83d")"},
      {500, R"({"name":"\ud83d"})"},
      {500, "\xC3\x28"},
      {206, "<html>"},
  }));
  CAPTURE(body);
  driver engine({on_event("parent", "a/x"), on_event("child", "a/child", {{"retries", 0}}),
                 on_event("after", "inngest/function.finished")});
  engine.send({{"name", "a/x"}});
  engine.report(engine.must_take(),
                {operation("InvokeFunction", 1, {{"opts", {{"function_id", "app-child"}}}})});
  engine.answer(engine.must_take(), status, body);
  CHECK(engine.runs_of_function("child").front().ended());
  const job first = engine.must_take(), second = engine.must_take();
  const bool is_parent = engine->find_run(first.run_id)->function->slug == "app-parent";
  const json steps = engine.request_of(is_parent ? first : second).at("steps");
  CHECK(steps.size() == 1);
  CHECK(engine->find_run((is_parent ? second : first).run_id)->function->slug == "app-after");
}

TEST_CASE("an answer of more than 8 MB fails the run", "[embedded][answers]") {
  driver engine({on_event("f", "a/x")});
  engine.send({{"name", "a/x"}});
  engine.answer(engine.must_take(), 200, '"' + std::string(max_answer_size, 'x') + '"');
  CHECK(engine.only_run().status == run_status::failed);
  CHECK_THAT(engine.only_run().error->message, ContainsSubstring("exceeds the maximum size"));
}

TEST_CASE("a step's result of more than 4 MB is refused, whoever reports it", "[embedded][answers]") {
  driver engine({on_event("f", "a/x", {{"retries", 0}})});
  engine.send({{"name", "a/x"}});
  engine.report(engine.must_take(), {operation("StepRun", 1, {{"data", std::string(4'300'000, 'x')}})});
  CHECK(engine.only_run().status == run_status::failed);
  CHECK_THAT(engine.only_run().error->message,
             ContainsSubstring("step \"step-1\": its result has 4300002 bytes"));
}

TEST_CASE("an invoked event says which step invoked it", "[embedded][answers]") {
  driver engine({on_event("parent", "a/x"), on_event("child", "a/child")});
  engine.send({{"name", "a/x"}});
  const job parent = engine.must_take();
  engine.report(parent,
                {operation("InvokeFunction", 1,
                           {{"opts", {{"function_id", "app-child"}, {"payload", {{"data", {{"n", 7}}}}}}}})});
  const json data = engine.request_of(engine.must_take()).at("event").at("data");
  CHECK(data.at("n") == 7);
  CHECK(data.at("_inngest").at("fn_id") == "app-child");
  CHECK(data.at("_inngest").at("correlation_id") ==
        parent.run_id + ".0000000000000000000000000000000000000001");
}

TEST_CASE("operations without news ask for another call", "[embedded][answers]") {
  driver engine({on_event("f", "a/x")});
  engine.send({{"name", "a/x"}});
  engine.report(engine.must_take(), {json{{"op", "None"}, {"id", ""}}});
  engine.report(engine.must_take(),
                {json{{"op", "None"}, {"id", ""}}, operation("StepRun", 1, {{"data", 7}})});
  engine.answer(engine.must_take(), 200, "1");
  CHECK(engine.only_run().status == run_status::completed);
}

TEST_CASE("options that are empty fall back to the operation's name", "[embedded][answers]") {
  driver engine({on_event("f", "a/x")});
  engine.send({{"name", "a/x"}});
  engine.report(
      engine.must_take(),
      {operation("WaitForEvent", 1, {{"name", "a/y"}, {"opts", {{"event", ""}, {"timeout", "1h"}}}}),
       operation("Sleep", 2, {{"name", "10s"}, {"opts", {{"duration", ""}}}})});
  engine.send({{"name", "a/y"}, {"data", {{"n", 7}}}});
  CHECK(engine.request_of(engine.must_take()).at("steps").size() == 1);
  engine.advance(10s);
  CHECK(engine.request_of(engine.must_take()).at("steps").size() == 2);
}

TEST_CASE("times in more than a year fail the run, and nothing overflows", "[embedded][answers]") {
  const auto [op, options] = GENERATE(table<const char*, json>({
      {"Sleep", {{"duration", "730d"}}},
      {"Sleep", {{"duration", "106751991167d"}}},
      {"Sleep", {{"duration", "99999999999999999999h"}}},
      {"Sleep", {{"duration", "2199-01-01T00:00:00Z"}}},
      {"WaitForEvent", {{"event", "a/y"}, {"timeout", "9000h"}}},
      {"WaitForSignal", {{"signal", "s"}, {"timeout", "99999999999999999999h"}}},
      {"InvokeFunction", {{"function_id", "app-f"}, {"timeout", "106751991167d"}}},
  }));
  CAPTURE(op, options);
  driver engine({on_event("f", "a/x")});
  engine.send({{"name", "a/x"}});
  engine.report(engine.must_take(), {operation(op, 1, {{"opts", options}})});
  CHECK(engine.only_run().status == run_status::failed);
  CHECK_THAT(engine.only_run().error->message,
             ContainsSubstring("step \"step-1\"") || ContainsSubstring("more than one year"));
  CHECK(engine->is_idle());
}

TEST_CASE("a step's call whose answer has no result of the step is a failed attempt of the step",
          "[embedded][answers]") {
  driver engine({on_event("f", "a/x", {{"retries", 1}})});
  engine.send({{"name", "a/x"}});
  engine.report(engine.must_take(), {operation("StepPlanned", 1), operation("StepPlanned", 2)});
  engine.report(engine.must_take(), {operation("StepRun", 1, {{"data", 1}})});
  const json other = operation("StepRun", 3, {{"data", 3}});
  engine.report(engine.must_take(), {other});
  if (const auto again = engine.take(); again && !again->step)
    engine.report(*again, {operation("StepPlanned", 2)});
  engine.advance(2s);
  const job again = engine.must_take();
  CHECK(again.attempt == 1);
  CHECK(again.step_name == "step-2");

  SECTION("its next attempt gives it") {
    engine.report(again, {operation("StepRun", 2, {{"data", 2}})});
    engine.answer(engine.must_take(), 200, "7");
    CHECK(engine.only_run().output_text == "7");
  }
  SECTION("without another attempt the step fails, and the function may catch it") {
    engine.report(again, {other});
    const json call = engine.request_of(engine.must_take());
    CHECK_THAT(call.at("steps").dump(), ContainsSubstring("no result of the step"));
  }
}

TEST_CASE("a step's call whose app asks to be called again leads to a call that may plan the step anew",
          "[embedded][answers]") {
  driver engine({on_event("f", "a/x")});
  engine.send({{"name", "a/x"}});
  engine.report(engine.must_take(), {operation("StepPlanned", 1), operation("StepPlanned", 2)});
  engine.report(engine.must_take(), {operation("StepRun", 1, {{"data", 1}})});
  engine.report(engine.must_take(), {json{{"op", "None"}, {"id", ""}}});
  engine.report(engine.must_take(), {operation("StepRun", 2, {{"data", 2}})});
  engine.answer(engine.must_take(), 200, "7");
  CHECK(engine.only_run().output_text == "7");
}

namespace {

json deferred(int step) {
  return operation("DeferAdd", step, {{"opts", {{"fn_slug", "app-g"}, {"input", {{"n", 1}}}}}});
}

json abort_of(int step) {
  const json target = operation("DeferAdd", step).at("id");
  return operation("DeferAbort", 90 + step, {{"opts", {{"target_hashed_id", target}}}});
}

json call_again() { return {{"op", "None"}, {"id", ""}}; }

const json step_1 = operation("StepRun", 1, {{"data", 1}});

}  // namespace

TEST_CASE("an answer that reports only what the run already has is a failed attempt", "[embedded][answers]") {
  driver engine({on_event("f", "a/x", {{"retries", 2}})});
  engine.send({{"name", "a/x"}});
  engine.report(engine.must_take(), {step_1, deferred(2)});
  const auto [again, reported] = GENERATE(table<std::vector<json>, const char*>({
      {{step_1}, "StepRun \"step-1\""},
      {{operation("StepFailed", 1, {{"error", {{"name", "Error"}}}})}, "StepFailed \"step-1\""},
      {{operation("StepPlanned", 1)}, "StepPlanned \"step-1\""},
      {{operation("Sleep", 1, {{"opts", {{"duration", "1h"}}}})}, "Sleep \"step-1\""},
      {{deferred(2)}, "DeferAdd \"step-2\""},
      {{deferred(2), step_1}, "DeferAdd \"step-2\""},
      {{abort_of(3)}, "DeferAbort"},
      {{deferred(4), abort_of(4)}, "DeferAdd \"step-4\""},
  }));
  CAPTURE(again);
  for (int attempt = 0; attempt < 3; ++attempt) {
    const job call = engine.must_take();
    CHECK(call.attempt == attempt);
    engine.report(call, again);
    CHECK_FALSE(engine.take());
    engine.advance(1s);
  }
  CHECK(engine.only_run().status == run_status::failed);
  CHECK_THAT(engine.only_run().error->message,
             ContainsSubstring("reports only what the run already has: " + std::string(reported)));
  CHECK(engine->is_idle());
}

TEST_CASE("after an answer with nothing new the next attempt may report a new step", "[embedded][answers]") {
  driver engine({on_event("f", "a/x")});
  engine.send({{"name", "a/x"}});
  engine.report(engine.must_take(), {step_1});
  engine.report(engine.must_take(), {step_1});
  engine.advance(1s);
  engine.report(engine.must_take(), {operation("StepRun", 2, {{"data", 2}})});
  const job last = engine.must_take();
  CHECK(last.attempt == 0);
  engine.answer(last, 200, "7");
  CHECK(engine.only_run().output_text == "7");
}

TEST_CASE("an answer with a new deferred call alone leads to another call", "[embedded][answers]") {
  driver engine({on_event("f", "a/x")});
  engine.send({{"name", "a/x"}});
  engine.report(engine.must_take(), {deferred(1)});
  engine.report(engine.must_take(), {deferred(2)});
  const job last = engine.must_take();
  CHECK(last.attempt == 0);
  CHECK(engine.request_of(last).at("defers").size() == 2);
  engine.answer(last, 200, "7");
  CHECK(engine.only_run().status == run_status::completed);
}

TEST_CASE("a result that the call has saved before may be in its answer again", "[embedded][answers]") {
  const std::vector<json> saved = {step_1, deferred(2)};
  const auto answer = GENERATE(std::vector<json>{step_1}, std::vector<json>{deferred(2)},
                               std::vector<json>{step_1, deferred(2)}, std::vector<json>{call_again()});
  const bool is_asleep = GENERATE(false, true);
  CAPTURE(answer, is_asleep);
  driver engine({on_event("f", "a/x")});
  engine.send({{"name", "a/x"}});
  if (is_asleep) {
    engine.report(engine.must_take(), {operation("Sleep", 8, {{"opts", {{"duration", "1s"}}}}),
                                       operation("Sleep", 9, {{"opts", {{"duration", "1h"}}}})});
    engine.advance(1s);
  }
  const job call = engine.must_take();
  REQUIRE(engine->checkpoint(call.run_id, call.id, read_operations(json(saved).dump()), engine.now));
  engine.keep();
  engine.report(call, answer);
  const bool has_result = answer.front() == step_1;
  if (is_asleep && !has_result) engine.advance(1h);
  const job next = engine.must_take();
  CHECK(next.attempt == 0);
  engine.answer(next, 200, "7");
  CHECK(engine.only_run().status == run_status::completed);
}

TEST_CASE("a result that a run has is ignored while the run waits for something else",
          "[embedded][answers]") {
  driver engine({on_event("f", "a/x")});
  engine.send({{"name", "a/x"}});
  engine.report(engine.must_take(), {step_1});
  engine.report(engine.must_take(), {step_1, operation("Sleep", 2, {{"opts", {{"duration", "10s"}}}})});
  CHECK_FALSE(engine.take());
  engine.advance(10s);
  const job next = engine.must_take();
  CHECK(next.attempt == 0);
  engine.answer(next, 200, "7");
  CHECK(engine.only_run().status == run_status::completed);
}

TEST_CASE("two calls that report the same step at once cost no attempt", "[embedded][answers]") {
  const bool is_first_of_group = GENERATE(false, true);
  CAPTURE(is_first_of_group);
  driver engine({on_event("f", "a/x")});
  engine.send({{"name", "a/x"}});
  engine.report(engine.must_take(), {operation("StepPlanned", 1), operation("StepPlanned", 2)});
  const job first = engine.must_take(), second = engine.must_take();
  const json step_2 = operation("StepRun", 2, {{"data", 2}});
  engine.report(first, is_first_of_group ? std::vector<json>{step_1, step_2} : std::vector<json>{step_1});
  const job replay = engine.must_take();
  engine.report(replay, {step_2});
  engine.report(second, {step_2});
  while (const auto next = engine.take()) {
    CHECK(next->attempt == 0);
    engine.answer(*next, 200, "7");
  }
  CHECK(engine.only_run().output_text == "7");
  CHECK_FALSE(happened(engine.only_run(), progress::run_retried));
}

TEST_CASE("an app that asks for another call and has nothing new in it has used an attempt",
          "[embedded][answers]") {
  driver engine({on_event("f", "a/x", {{"retries", 1}})});
  engine.send({{"name", "a/x"}});
  engine.report(engine.must_take(), {call_again()});
  SECTION("of the run") {
    engine.report(engine.must_take(), {call_again()});
    CHECK_FALSE(engine.take());
    engine.advance(1s);
    engine.report(engine.must_take(), {call_again()});
    CHECK(engine.only_run().status == run_status::failed);
    CHECK_THAT(engine.only_run().error->message, ContainsSubstring("no operation"));
  }
  SECTION("unless there is a result in between") {
    engine.report(engine.must_take(), {step_1});
    engine.report(engine.must_take(), {call_again()});
    engine.answer(engine.must_take(), 200, "7");
    CHECK(engine.only_run().output_text == "7");
  }
  SECTION("of a step") {
    engine.report(engine.must_take(), {operation("StepPlanned", 1)});
    engine.report(engine.must_take(), {call_again()});
    engine.report(engine.must_take(), {operation("StepPlanned", 1)});
    for (int attempt = 0; attempt < 2; ++attempt) {
      const job step = engine.must_take();
      CHECK(step.attempt == attempt);
      engine.report(step, {call_again()});
      engine.advance(1s);
    }
    CHECK_THAT(engine.request_of(engine.must_take()).at("steps").dump(),
               ContainsSubstring("no result of the step"));
  }
}

TEST_CASE("a step's call that reports only deferred calls which the run has is a failed attempt of the step",
          "[embedded][answers]") {
  driver engine({on_event("f", "a/x", {{"retries", 1}})});
  engine.send({{"name", "a/x"}});
  engine.report(engine.must_take(), {deferred(2), operation("StepPlanned", 1)});
  engine.report(engine.must_take(), {deferred(2)});
  CHECK_FALSE(engine.take());
  engine.advance(1s);
  const job again = engine.must_take();
  CHECK(again.attempt == 1);
  engine.report(again, {step_1});
  engine.answer(engine.must_take(), 200, "7");
  CHECK(engine.only_run().output_text == "7");
}
