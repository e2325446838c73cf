// What apps elsewhere answer, in the protocol and outside of it.
#include <chrono>
#include <string>

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
