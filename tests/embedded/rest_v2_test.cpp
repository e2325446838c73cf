// Version 2 of the REST API on the engine, and what it is for: lists, traces, repetitions from a step,
// invocations, bulk cancellations. The client is inngest::runs, as with a server.
#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/inngest.hpp>
#include <inngest/runs.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"
#include "embedded/scheduler_driver.hpp"
#include "embedded/store_records.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"
#include "support/http_client.hpp"

namespace rest_v2_testing {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using inngest::embedded::engine;
using inngest::embedded::engine_options;
using strings = std::vector<std::string>;
using started = inngest::event<"shop/started", json>;
using resumed = inngest::event<"shop/resumed", json>;

/// Functions of a shop, which count what their steps did.
struct shop {
  inngest::client app = support::quiet_client();
  std::atomic<int> firsts{0}, seconds{0};
  std::atomic<bool> fails{false};

  inngest::function<json, started> order = app.create_function(
      {.id = "order", .retries = 0}, inngest::on<started>(), [this](inngest::context<started>& ctx) -> json {
        const int first = ctx.step.run("first", [&] { return ++firsts; });
        const int second = ctx.step.run(
            "second",
            [&](int n) {
              ++seconds;
              if (fails) throw inngest::non_retriable_error("no money");
              return n * 10;
            },
            first);
        if (ctx.event.data.value("waits", false)) ctx.step.wait_for_event<resumed>("wait", {.timeout = 1h});
        const int third = ctx.step.run("third", [&] { return second + 1; });
        return {{"first", first}, {"second", second}, {"third", third}};
      });

  std::vector<inngest::any_function> functions() const { return {order}; }
};

engine_options on_disk(const store_records::folder& place) {
  return {.store = std::make_shared<inngest::embedded::sqlite_store>(
              inngest::embedded::sqlite_options{.path = place.file})};
}

bool waits(const inngest::embedded::run& run) {
  return !run.timeline.empty() && run.timeline.back().what == inngest::embedded::progress::wait_started;
}
void wait_until_it_waits(engine& engine, const std::string& run) {
  REQUIRE(support::eventually([&] { return waits(*engine.find_run(run)); }));
}

std::string only_run_of(engine& engine, const std::string& event) {
  REQUIRE(support::eventually([&] {
    const auto all = engine.runs_of(event);
    return all.size() == 1 && (all.front().ended() || waits(all.front()));
  }));
  return engine.runs_of(event).front().id;
}

strings ids_of(const std::vector<inngest::run_info>& runs) {
  strings out;
  for (const auto& run : runs) out.push_back(run.id);
  return out;
}

}  // namespace rest_v2_testing

using namespace rest_v2_testing;

TEST_CASE("a run is repeated from a step, with the results before it and other arguments", "[rest_v2]") {
  shop its;
  const bool is_stored = GENERATE(false, true);
  const store_records::folder place;
  engine engine{its.app, its.functions(), is_stored ? on_disk(place) : engine_options{}};
  const inngest::runs runs(its.app);
  const std::string event = its.app.send(started{json::object()}).ids.at(0);
  const std::string original = only_run_of(engine, event);
  REQUIRE(engine.find_run(original)->output<json>() == json{{"first", 1}, {"second", 10}, {"third", 11}});

  const auto repeat = [&](const std::string& step, const auto&... inputs) {
    const inngest::run_info ended = runs.wait(runs.rerun_from(original, step, inputs...), support::patience);
    const auto run = engine.find_run(ended.id);
    CHECK(run->original_run_id == original);
    CHECK(run->event_id == event);
    return ended.template output<json>();
  };
  CHECK(repeat("second") == json{{"first", 1}, {"second", 10}, {"third", 11}});
  CHECK(its.firsts == 1);
  CHECK(its.seconds == 2);
  CHECK(repeat("second", 7) == json{{"first", 1}, {"second", 70}, {"third", 71}});
  CHECK(repeat("third") == json{{"first", 1}, {"second", 10}, {"third", 11}});
  CHECK(its.seconds == 3);
  CHECK(repeat(inngest::detail::to_hex(inngest::detail::sha1::of("second")), 5)["third"] == 51);
  CHECK(repeat("first")["first"] == 2);  // everything again

  const std::string again = runs.rerun_from(original, "third");
  runs.wait(again, support::patience);
  const std::string of_repeated = runs.rerun_from(again, "third");
  runs.wait(of_repeated, support::patience);
  CHECK(engine.find_run(of_repeated)->original_run_id == original);  // not the one in between
  runs.wait(runs.rerun(original), support::patience);
  CHECK(engine.find_run(runs.rerun(original))->original_run_id == original);

  CHECK_THROWS_WITH(runs.rerun_from(original, "none"), ContainsSubstring("Step not found in original run"));
  CHECK_THROWS_AS(runs.rerun_from("01M89TPDS0F2HBQW0WB3ZVVKAZ", "third"), inngest::request_rejected);
  CHECK_THROWS_AS(engine.rerun(original, {.step = "second", .input = "7"}), inngest::payload_error);
  CHECK_THROWS_AS(engine.rerun(original, {.step = "second", .input = "[7"}), inngest::payload_error);
  CHECK(engine.runs_of(event).size() == 10);
}

TEST_CASE("a repetition survives a restart in its middle, with its arguments and its link", "[rest_v2]") {
  const store_records::folder place;
  std::string original, again;
  {
    shop its;
    engine engine{its.app, its.functions(), on_disk(place)};
    original = only_run_of(engine, its.app.send(started{{{"waits", true}}}).ids.at(0));
    CHECK(its.firsts == 1);
    again = engine.rerun(original, {.step = "second", .input = "[7]"}).value();
    wait_until_it_waits(engine, again);
  }
  shop its;
  engine engine{its.app, its.functions(), on_disk(place)};
  REQUIRE(engine.cancel(original));
  CHECK(engine.find_run(again)->original_run_id == original);
  its.app.send(resumed{json::object()});
  CHECK(engine.wait_for(again, support::patience).output<json>() ==
        json{{"first", 1}, {"second", 70}, {"third", 71}});
  CHECK(its.firsts == 0);
  CHECK(its.seconds == 0);

  // a step that waited when its run was cancelled: the wait begins again
  const std::string from_wait = engine.rerun(original, {.step = "wait"}).value();
  wait_until_it_waits(engine, from_wait);
  CHECK(its.seconds == 0);
  its.app.send(resumed{json::object()});
  CHECK(engine.wait_for(from_wait, support::patience).output<json>()["third"] == 11);
}

TEST_CASE("a step that was cut off is repeated by its name, although the name is not its id", "[rest_v2]") {
  const store_records::folder place;
  const bool is_stored = GENERATE(false, true);
  const auto app = support::quiet_client();
  std::atomic<int> charges{0};
  const auto order = app.create_function(
      {.id = "order"}, inngest::on<started>(), [&](inngest::context<started>& ctx) -> json {
        const auto charged = [&] { return ++charges; };
        for (int i = 0; i < 2; ++i) ctx.step.run({.id = "charge", .name = "Charge the card"}, charged);
        const auto stock =
            ctx.step.wait_for_event<resumed>({.id = "stock", .name = "Await stock"}, {.timeout = 1h});
        return stock ? stock->data : json("timed out");
      });
  auto options = is_stored ? on_disk(place) : engine_options{};
  auto running = std::make_unique<engine>(app, std::vector<inngest::any_function>{order}, options);
  const std::string original = only_run_of(*running, app.send(started{json::object()}).ids.at(0));
  wait_until_it_waits(*running, original);
  REQUIRE(running->cancel(original));
  if (is_stored) {
    running.reset();
    options = {};  // lets go of the store
    options = on_disk(place);
    running = std::make_unique<engine>(app, std::vector<inngest::any_function>{order}, options);
  }
  const std::string by = GENERATE("Await stock", "hash");
  const std::string step = by == "hash" ? inngest::detail::to_hex(inngest::detail::sha1::of("stock")) : by;
  const std::string event = R"({"name":"shop/resumed","data":{"n":5}})";
  const std::string again = running->rerun(original, {.step = step, .result = event}).value();
  CHECK(running->wait_for(again, support::patience).output<json>() == json{{"n", 5}});
  CHECK(charges == 2);
  const std::string timed_out = running->rerun(original, {.step = step, .result = "null"}).value();
  CHECK(running->wait_for(timed_out, support::patience).output<json>() == "timed out");
  CHECK_THROWS_WITH(running->rerun(original, {.step = "Charge the card"}),
                    ContainsSubstring("multiple steps"));
  const std::string second = inngest::detail::to_hex(inngest::detail::sha1::of("charge:1"));
  const std::string charged_again = running->rerun(original, {.step = second}).value();
  wait_until_it_waits(*running, charged_again);
  CHECK(charges == 3);
}

TEST_CASE("changed arguments are given at each attempt, and after a restart before the first", "[rest_v2]") {
  using namespace scheduler_testing;
  driver engine({on_event("f", "a/x")});
  engine.send({{"name", "a/x"}});
  engine.report(engine.must_take(), {operation("StepRun", 1, {{"data", 1}})});
  engine.report(engine.must_take(), {operation("StepRun", 2, {{"data", 2}})});
  engine.answer(engine.must_take(), 200, "1");
  const run_record earlier = engine.store().find_run(engine.only_run().id).value();
  const auto memos = engine.store().memos_of(earlier.run.id);
  const std::string again = engine->rerun(
      earlier, engine.now, plan_rerun(earlier, memos, {.step = "step-2", .input = R"([{"x":1}])"}));
  engine.keep();
  if (GENERATE(false, true)) engine.restart();
  const json expected = json::parse(
      R"({"0000000000000000000000000000000000000001":{"data":1},"0000000000000000000000000000000000000002":{"input":[{"x":1}]}})");
  const job call = engine.must_take();
  CHECK(call.run_id == again);
  CHECK(engine.request_of(call).at("steps") == expected);
  CHECK(engine.request_of(call).at("ctx").at("stack").at("stack").size() == 1);
  engine.report(call, {operation("StepError", 2, {{"error", {{"name", "E"}, {"message", "m"}}}})});
  engine.restart();
  engine.advance(10s);
  CHECK(engine.request_of(engine.must_take()).at("steps") == expected);
}

TEST_CASE("a step's name that several steps have is ambiguous, its hashed id is not", "[rest_v2]") {
  using namespace scheduler_testing;
  driver engine({on_event("f", "a/x")});
  engine.send({{"name", "a/x"}});
  for (int i = 1; i < 4; ++i)
    engine.report(engine.must_take(), {operation("StepRun", i, {{"data", i}, {"name", "loop"}})});
  engine.answer(engine.must_take(), 200, "1");
  const run_record earlier = engine.store().find_run(engine.only_run().id).value();
  const auto memos = engine.store().memos_of(earlier.run.id);
  CHECK_THROWS_WITH(plan_rerun(earlier, memos, {.step = "loop"}), ContainsSubstring("multiple steps"));
  CHECK(plan_rerun(earlier, memos, {.step = "0000000000000000000000000000000000000003"}).memos.size() == 2);
}

TEST_CASE("the end of a repeated run reaches listeners, but not the parent of the first one", "[rest_v2]") {
  using namespace scheduler_testing;
  driver engine({on_event("parent", "a/parent"), on_event("child", "a/child"),
                 on_event("after", "inngest/function.finished", {{"singleton", nullptr}})});
  engine.send({{"name", "a/parent"}});
  engine.report(engine.must_take(),
                {operation("InvokeFunction", 1, {{"opts", {{"function_id", "app-child"}}}})});
  const job child = engine.must_take();
  engine.report(child, {operation("StepRun", 2, {{"data", 1}})});
  engine.answer(engine.must_take(), 200, "7");
  int ended = 0;
  while (const auto call = engine.take()) {  // the parent and the listeners
    ++ended;
    engine.answer(*call, 200, "1");
  }
  CHECK(ended == 3);
  const run_record earlier = engine.store().find_run(child.run_id).value();
  engine->rerun(earlier, engine.now,
                plan_rerun(earlier, engine.store().memos_of(child.run_id), {.step = "step-2"}));
  engine.keep();
  engine.answer(engine.must_take(), 200, "8");
  const job listener = engine.must_take();
  CHECK(engine.request_of(listener).at("event").at("data").at("result") == 8);
  CHECK_FALSE(engine.take());
}

TEST_CASE("runs are listed with filters, orders and pages", "[rest_v2]") {
  shop its;
  const bool is_stored = GENERATE(false, true);
  const store_records::folder place;
  engine_options options = is_stored ? on_disk(place) : engine_options{};
  const auto other = its.app.create_function(
      {.id = "other", .retries = 0}, inngest::on<resumed>(),
      [](inngest::context<resumed>&) -> int { throw inngest::non_retriable_error("no"); });
  engine engine{its.app, {its.order, other}, options};
  const inngest::runs runs(its.app);
  strings all;
  for (int i = 0; i < 5; ++i)
    all.insert(all.begin(), only_run_of(engine, its.app.send(started{json::object()}).ids.at(0)));
  const std::string failed = only_run_of(engine, its.app.send(resumed{json::object()}).ids.at(0));
  all.insert(all.begin(), failed);

  CHECK(ids_of(runs.list().runs) == all);
  CHECK(runs.list().cursor.empty());
  for (const auto by : {inngest::run_time::queued, inngest::run_time::started, inngest::run_time::ended}) {
    for (const bool oldest_first : {false, true}) {
      strings found;
      inngest::run_filter filter{.by = by, .oldest_first = oldest_first, .limit = 2};
      do {
        const auto page = runs.list(filter);
        for (const auto& run : page.runs) found.push_back(run.id);
        filter.cursor = page.cursor;
      } while (!filter.cursor.empty());
      strings sorted = all;
      if (oldest_first) std::reverse(sorted.begin(), sorted.end());
      CHECK(found == sorted);
    }
  }
  CHECK(ids_of(runs.list({.statuses = {inngest::run_status::failed}}).runs) == strings{failed});
  CHECK(runs.list({.statuses = {inngest::run_status::failed, inngest::run_status::completed}}).runs.size() ==
        6);
  CHECK(runs.list({.statuses = {inngest::run_status::running}}).runs.empty());
  CHECK(ids_of(runs.list({.functions = {"other", "none"}}).runs) == strings{failed});
  CHECK(runs.list({.apps = {"elsewhere"}}).runs.empty());
  CHECK(runs.list({.apps = {"app"}}).runs.size() == 6);
  CHECK(runs.list({.is_deferred = true}).runs.empty());
  CHECK(runs.list({.is_deferred = false}).runs.size() == 6);
  const auto since = *engine.find_run(failed)->ended_at;
  CHECK(runs.list({.from = since + 1ms, .by = inngest::run_time::ended}).runs.empty());
  CHECK(runs.list({.until = since + 1ms, .by = inngest::run_time::ended}).runs.size() == 6);
  CHECK(ids_of(runs.list({.from = since, .by = inngest::run_time::ended, .limit = 1}).runs) ==
        strings{failed});
  const auto run = runs.list({.limit = 1}).runs.at(0);
  CHECK(run.function_id == "other");
  CHECK(json::parse(run.output_text).at("message") == "no");
  CHECK(runs.list({.with_output = false, .limit = 1}).runs.at(0).output_text.empty());
  for (const inngest::run_filter& wrong :
       {inngest::run_filter{.limit = 101}, inngest::run_filter{.limit = -1},
        inngest::run_filter{.cursor = "x"},
        inngest::run_filter{.from = inngest::timestamp(2ms), .until = inngest::timestamp(1ms)}})
    CHECK_THROWS_AS(runs.list(wrong), inngest::request_rejected);
}

TEST_CASE("a trace shows steps, attempts and outputs", "[rest_v2]") {
  shop its;
  its.fails = true;
  engine engine{its.app, its.functions()};
  const inngest::runs runs(its.app);
  const std::string id = only_run_of(engine, its.app.send(started{json::object()}).ids.at(0));
  const auto trace = runs.trace(id).value();
  CHECK(trace.name == "Run");
  CHECK(trace.status == "FAILED");
  CHECK(trace.duration.has_value());
  CHECK(json::parse(trace.input_text).at("data").at(0).at("name") == "shop/started");
  CHECK(json::parse(trace.output_text).at("message") == "no money");
  REQUIRE(trace.children.size() == 3);
  CHECK(trace.children[0].name == "first");
  CHECK(trace.children[0].status == "COMPLETED");
  CHECK(trace.children[0].step_op == "RUN");
  CHECK(trace.children[0].step_id == inngest::detail::to_hex(inngest::detail::sha1::of("first")));
  CHECK(trace.children[0].output_text == R"({"data":1})");
  CHECK(trace.children[1].name == "second");
  CHECK(trace.children[1].status == "FAILED");
  CHECK(trace.children[1].children.at(0).name == "Attempt 0");
  CHECK(trace.children[2].name == "Finalization");
  CHECK(runs.trace(id, false)->children[0].output_text.empty());

  its.fails = false;
  const std::string waits = only_run_of(engine, its.app.send(started{{{"waits", true}}}).ids.at(0));
  CHECK(runs.trace(waits)->children.back().status == "WAITING");
  CHECK(runs.trace(waits)->children.back().step_op == "WAIT_FOR_EVENT");
  runs.cancel(waits);
  runs.cancel(waits);  // again has no effect
  CHECK(runs.trace(waits)->status == "CANCELLED");
  CHECK(runs.trace(waits)->children.back().status == "CANCELLED");
  CHECK_FALSE(runs.trace("01M89TPDS0F2HBQW0WB3ZVVKAZ"));
  CHECK_FALSE(runs.find("01M89TPDS0F2HBQW0WB3ZVVKAZ"));
  CHECK_FALSE(runs.find("no id"));
}

TEST_CASE("a function is invoked through the API, once for each key", "[rest_v2]") {
  const store_records::folder place;
  std::string id;
  {
    shop its;
    engine engine{its.app, its.functions(), on_disk(place)};
    const inngest::runs runs(its.app);
    CHECK(runs.invoke_and_wait(its.order, json::object(), support::patience)["first"] == 1);
    id = runs.invoke(its.order, json{{"k", 1}}, "key");
    CHECK(runs.invoke(its.order, json{{"k", 2}}, "key") == id);
    CHECK(runs.wait(id, support::patience).output<json>()["first"] == 2);
    CHECK(engine.find_run(id)->event_name == "inngest/function.invoked");
    CHECK_THROWS_AS(runs.invoke("app", "none", json::object()), inngest::request_rejected);
    CHECK_THROWS_WITH(runs.invoke(its.order, 5), ContainsSubstring("object"));
  }
  shop its;
  engine engine{its.app, its.functions(), on_disk(place)};
  CHECK(inngest::runs(its.app).invoke(its.order, json::object(), "key") == id);  // still known
  CHECK(engine.invoke("app-none").what == inngest::embedded::invoked_run::outcome::no_function);
  CHECK_THROWS_AS(engine.invoke("app-order", "{"), inngest::payload_error);
}

TEST_CASE("an invocation obeys rate limits and singletons", "[rest_v2]") {
  using namespace scheduler_testing;
  using outcome = invoked_run::outcome;
  driver engine({on_event("f", "a/x", {{"rateLimit", {{"limit", 1}, {"period", "1h"}}}}),
                 on_event("g", "a/y", {{"singleton", {{"mode", "skip"}}}})});
  CHECK(engine->invoke("app-f", "{}", "", engine.now).what == outcome::started);
  CHECK(engine->invoke("app-f", "{}", "", engine.now).what == outcome::rate_limited);
  CHECK(engine->invoke("app-g", "{}", "", engine.now).what == outcome::started);
  CHECK(engine->invoke("app-g", "{}", "", engine.now).what == outcome::skipped);
}

TEST_CASE("many runs are cancelled by time, function and expression, and the list survives a restart",
          "[rest_v2]") {
  const store_records::folder place;
  std::string kept;
  {
    shop its;
    engine engine{its.app, its.functions(), on_disk(place)};
    const inngest::runs runs(its.app);
    strings ids;
    for (int n = 0; n < 4; ++n)
      ids.push_back(only_run_of(engine, its.app.send(started{{{"waits", true}, {"n", n}}}).ids.at(0)));
    const auto count = [&](inngest::embedded::run_status status) {
      return std::count_if(ids.begin(), ids.end(),
                           [&](const std::string& id) { return engine.find_run(id)->status == status; });
    };
    using inngest::embedded::run_status;
    const auto queued = [&](std::size_t i) { return engine.find_run(ids[i])->queued_at; };
    runs.cancel_many({.function = "order", .started_before = queued(0) - 1ms});
    runs.cancel_many({.function = "order", .condition = "event.data.n == 7"});
    CHECK(count(run_status::cancelled) == 0);
    runs.cancel_many({.function = "order", .condition = "event.data.n == 2"});
    CHECK(engine.find_run(ids[2])->status == run_status::cancelled);
    CHECK(count(run_status::cancelled) == 1);
    kept = runs.cancel_many({.function = "order", .started_after = queued(1), .started_before = queued(3)});
    CHECK(count(run_status::cancelled) >= 3);
    runs.cancel_many({.function = "order"});
    CHECK(count(run_status::cancelled) == 4);
    CHECK(runs.bulk_cancellations().size() == 5);

    CHECK_THROWS_WITH(runs.cancel_many({.function = "none"}), ContainsSubstring("function not found"));
    CHECK_THROWS_WITH(runs.cancel_many({.function = "order", .condition = "event.data.n =="}),
                      ContainsSubstring("invalid expression"));
    CHECK_THROWS_WITH(
        runs.cancel_many({.function = "order", .started_before = inngest::timestamp(queued(3) + 24h)}),
        ContainsSubstring("must be in the past"));
    CHECK(runs.bulk_cancellations().size() == 5);
  }
  shop its;
  engine engine{its.app, its.functions(), on_disk(place)};
  const inngest::runs runs(its.app);
  CHECK(runs.bulk_cancellations().size() == 5);
  CHECK(runs.remove_bulk_cancellation(kept));
  CHECK_FALSE(runs.remove_bulk_cancellation(kept));
  CHECK(runs.bulk_cancellations().size() == 4);
}

TEST_CASE("the routes refuse what is wrong like a server", "[rest_v2]") {
  shop its;
  engine engine{its.app, its.functions()};
  const inngest::embedded::http_server server{engine, {.port = 0}};
  support::http_client client(server.url());
  const std::string run = only_run_of(engine, its.app.send(started{json::object()}).ids.at(0));
  const auto refused = [&](const std::string& path, int status, const std::string& code,
                           const std::optional<std::string>& body = {}) {
    CAPTURE(path, body.value_or(""));
    const auto answer = body ? client.Post(path, *body, "application/json") : client.Get(path);
    REQUIRE(answer);
    CHECK(answer->status == status);
    CHECK(json::parse(answer->body).at("errors").at(0).at("code") == code);
  };
  refused("/v2/runs?limit=101", 400, "invalid_field_format");
  refused("/v2/runs?limit=x", 400, "api_error");
  refused("/v2/runs?limit=99999999999999999999", 400, "api_error");
  refused("/v2/runs?status=x", 400, "invalid_field_format");
  refused("/v2/runs?functionId=order", 400, "invalid_field_format");
  refused("/v2/runs?from=x", 400, "api_error");
  refused("/v2/runs?order=up", 400, "invalid_field_format");
  refused("/v2/runs/x", 400, "invalid_field_format");
  refused("/v2/runs/01M89TPDS0F2HBQW0WB3ZVVKAZ", 404, "not_found");
  refused("/v2/runs/" + run + "/rerun", 400, "missing_field", R"({"fromStep":{"stepId":""}})");
  refused("/v2/runs/" + run + "/rerun", 400, "api_error", R"({"fromStep":{"stepId":"first","input":5}})");
  refused("/v2/runs/" + run + "/rerun", 400, "api_error", R"({"from":1})");
  refused("/v2/runs/" + run + "/rerun", 400, "api_error", "{");
  refused("/v2/runs/" + run + "/rerun", 400, "api_error", "\xff");
  refused("/v2/runs/" + run + "/rerun", 400, "api_error", std::string(2000, '['));
  refused("/v2/runs/" + run + "/rerun", 400, "invalid_request", R"({"fromStep":{"stepId":"\u0000"}})");
  refused("/v2/runs/" + run + "/cancel", 409, "run_already_ended", "{}");
  refused("/v2/apps/app/functions/order/invoke", 400, "missing_field", "{}");
  refused("/v2/apps/app/functions/order/invoke", 400, "api_error", R"({"data":[]})");
  refused("/v2/apps/app/functions/none/invoke", 404, "not_found", R"({"data":{}})");
  CHECK(engine.runs().size() == 1);
  for (const char* body : {"", "{", "5", R"({"app_id":5})", R"({"app_id":"app","function_id":"order"})",
                           R"({"app_id":"app","function_id":"order","started_before":"soon"})"}) {
    CAPTURE(body);
    CHECK(client.Post("/v1/cancellations", body, "application/json")->status == 400);
  }
  // the page shows repeated runs as well
  const std::string again = engine.rerun(run, {.step = "third"}).value();
  engine.wait_for(again, support::patience);
  CHECK(json::parse(client.Get("/api/runs/" + again)->body).at("original_run_id") == run);
  CHECK(json::parse(client.Get("/api/runs")->body).at("runs").size() == 2);
}

namespace rest_v2_testing {

/// Changes what functions return, like encryption: {"sealed": "text"}.
class sealing final : public inngest::middleware {
 public:
  explicit sealing(std::string name) : name_(std::move(name)) {}

  std::string wrap_function_handler(const inngest::call_info&,
                                    inngest::next_call<std::string> next) override {
    return inngest::encode(json{{name_, next()}});
  }
  std::string wrap_step(const inngest::call_info& call, const inngest::step_info& step,
                        inngest::next_call<std::string> next) override {
    const std::string result = next();
    if (step.kind != inngest::step_kind::invoke || !call.run_id.starts_with("0")) return result;
    return inngest::decode<json>(result).at(name_).get<std::string>();
  }

 private:
  std::string name_;
};

}  // namespace rest_v2_testing

TEST_CASE("outputs that middleware has changed are read as the function returned them", "[rest_v2]") {
  auto options = support::quiet_options();
  options.middleware = {std::make_shared<sealing>("of_client")};
  const inngest::client app(options);
  const bool of_function = GENERATE(false, true);
  inngest::middleware_list own;
  if (of_function) own.push_back(std::make_shared<sealing>("of_function"));
  const auto add = app.create_function({.id = "add", .retries = 0, .middleware = own}, inngest::on<started>(),
                                       [](inngest::context<started>& ctx) -> int {
                                         if (ctx.event.data.value("fails", false))
                                           throw inngest::non_retriable_error("no money");
                                         return ctx.event.data.value("n", 0) + 1;
                                       });
  engine engine{app, {add}};
  const inngest::runs runs(app);

  CHECK(runs.send_and_wait(add, started{{{"n", 1}}}, support::patience) == 2);
  CHECK(runs.invoke_and_wait(add, json{{"n", 2}}, support::patience) == 3);
  const std::string event = app.send(started{{{"n", 3}}}).ids.at(0);
  const std::string id = only_run_of(engine, event);
  CHECK_THAT(runs.find(id)->output_text, ContainsSubstring("of_client"));
  if (!of_function) {  // a run that is looked up by its id does not know its function's middleware
    CHECK(runs.wait(id, support::patience).output<int>() == 4);
    CHECK(runs.of_event(event).at(0).output<int>() == 4);
    for (const auto& run : runs.list({.with_output = true}).runs) CHECK(run.output<int>() > 1);
  }
  try {
    runs.send_and_wait(add, started{{{"fails", true}}}, support::patience);
    FAIL("the run has failed");
  } catch (const inngest::run_not_completed& problem) {  // errors are as they are
    CHECK_THAT(problem.what(), ContainsSubstring("no money"));
  }
}
