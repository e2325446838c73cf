#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <inngest/serve.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"
#include "support/message_of.hpp"

// The steps beside run, sleep, wait, invoke and send, and what a step can say beside its id.

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using support::answer;
using support::hash_of;
using support::run_driver;
using strings = std::vector<std::string>;
using test_event = inngest::event<"test/event">;

struct position {
  int x = 0;
  int y = 0;
};
INNGEST_FIELDS(position, x, y)

template <class Handler>
auto made(Handler handler, inngest::function_options options = {.id = "f"}) {
  return support::quiet_client().create_function(std::move(options), inngest::on<test_event>(),
                                                 std::move(handler));
}

/// Options whose transport is the given function.
inngest::client_options answering(support::fake_transport::answerer answer) {
  auto options = support::quiet_options();
  options.transport = std::make_shared<support::fake_transport>(std::move(answer));
  return options;
}

}  // namespace

TEST_CASE("arguments of a step are recorded and given to its body", "[step][input]") {
  auto f = made([](auto& ctx) {
    return ctx.step.run(
        "area", [](const position& p, int scale) { return p.x * p.y * scale; }, position{2, 3}, 10);
  });
  run_driver run(f);
  const json op = run.discover().op();
  CHECK(op.at("data") == 60);
  CHECK(op.at("opts") == json{{"input", {{{"x", 2}, {"y", 3}}, 10}}});
}

TEST_CASE("a server's own input replaces a step's arguments", "[step][input]") {
  auto f = made([](auto& ctx) {
    return ctx.step.run(
        "double", [](int n) { return 2 * n; }, 1);
  });
  run_driver run(f);
  run.memo("double", {{"input", {21}}});
  CHECK(run.discover().op().at("data") == 42);
  run.request.steps[hash_of("double")] = {{"input", {"text"}}};
  const answer misfit = run.discover();
  CHECK(misfit.op().at("op") == "StepFailed");
  CHECK_THAT(misfit.op().at("error").at("message").get<std::string>(), ContainsSubstring("input[0]"));
}

TEST_CASE("a step waits for a signal and gives its data", "[step][signal]") {
  auto f = made([](auto& ctx) {
    const auto got = ctx.step.template wait_for_signal<position>(
        "sig", {.signal = "s/1", .timeout = 90s, .on_conflict = inngest::signal_conflict::replace});
    return got ? got->x : -1;
  });
  run_driver run(f);
  const json op = run.discover().op();
  CHECK(op.at("op") == "WaitForSignal");
  CHECK(op.at("opts") == json{{"signal", "s/1"}, {"timeout", "1m30s"}, {"conflict", "replace"}});
  run_driver timed_out(f);
  CHECK(timed_out.memo("sig", nullptr).discover().text == "-1");
  CHECK(run.memo("sig", {{"data", {{"signal", "s/1"}, {"data", {{"x", 4}, {"y", 0}}}}}}).discover().text ==
        "4");
}

TEST_CASE("a signal is sent once, through the server's API", "[step][signal]") {
  auto f = made([](auto& ctx) {
    return ctx.step.send_signal("wake", "s/1", position{1, 2}).run_id.value_or("nobody");
  });
  int status = 200;
  std::vector<inngest::http::request> sent;
  run_driver run(f, answering([&](const inngest::http::request& request) {
                   sent.push_back(request);
                   return inngest::http::response{.status = status, .body = R"({"data":{"run_id":"R9"}})"};
                 }));
  const json op = run.discover().op();
  CHECK(op.at("data") == json{{"runId", "R9"}});
  CHECK(op.at("name") == "sendSignal");
  CHECK(op.at("opts") == json{{"type", "step.sendSignal"}, {"signal", "s/1"}});
  CHECK(sent.at(0).path() == "/v1/signals");
  CHECK(json::parse(sent.at(0).body) == json{{"signal", "s/1"}, {"data", {{"x", 1}, {"y", 2}}}});
  status = 404;
  CHECK(run.discover().op().at("data") == json::object());
  status = 401;
  CHECK(run.discover().op().at("op") == "StepError");
}

TEST_CASE("a fetch is done by the server and gives the answer", "[step][fetch]") {
  auto f = made([](auto& ctx) {
    const auto got =
        ctx.step.fetch("get", {.url = "https://x.test/a", .headers = {{"accept", "text/plain"}}});
    return std::to_string(got.status_code) + " " + std::to_string(got.template json<position>().y);
  });
  run_driver run(f);
  const json op = run.discover().op();
  CHECK(op.at("op") == "Gateway");
  CHECK(op.at("opts") ==
        json{{"url", "https://x.test/a"}, {"method", "GET"}, {"headers", {{"accept", "text/plain"}}}});
  run.result("get", {{"status_code", 404},
                     {"body", R"({"x":1,"y":2})"},
                     {"headers", {{"Server", "s"}}},
                     {"url", "https://x.test/a"}});
  CHECK(run.discover().text == R"("404 2")");
  run_driver failed(f);
  const answer error = failed.failure("get", "GatewayError", "no route").discover();
  CHECK(error.body().at("message") == "no route");
}

TEST_CASE("a message is published once, with the run it comes from", "[step][publish]") {
  auto f = made([](auto& ctx) { ctx.step.publish("tell", "user:1", "progress", position{3, 4}); });
  std::vector<inngest::http::request> sent;
  run_driver run(f, answering([&](const inngest::http::request& request) {
                   sent.push_back(request);
                   return inngest::http::response{.status = 200};
                 }));
  const json op = run.discover().op();
  CHECK(op.at("opts") == json{{"type", "step.realtime.publish"}});
  CHECK(op.at("data") == json{{"x", 3}, {"y", 4}});
  CHECK(sent.at(0).path() == "/v1/realtime/publish");
  CHECK(sent.at(0).query("channel") == "user:1");
  CHECK(sent.at(0).query("topic") == "progress");
  CHECK(sent.at(0).query("run_id") == "01RUN");
}

TEST_CASE("a score and metadata go to the run through the server's API", "[step][metadata]") {
  auto f = made([](auto& ctx) {
    ctx.step.score("rate", "quality", 0.75);
    ctx.step.set_metadata("note", "review", {{"by", "me"}});
  });
  std::vector<inngest::http::request> sent;
  run_driver run(f, answering([&](const inngest::http::request& request) {
                   sent.push_back(request);
                   return inngest::http::response{.status = 200};
                 }));
  CHECK(run.finish().history == strings{"StepRun:rate", "StepRun:note"});
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].path() == "/v1/runs/01RUN/metadata");
  CHECK(json::parse(sent[0].body).at("metadata").at(0) ==
        json{{"kind", "inngest.score"}, {"op", "merge"}, {"values", {{"quality", {{"value", 0.75}}}}}});
  CHECK(json::parse(sent[1].body).at("metadata").at(0) ==
        json{{"kind", "userland.review"}, {"op", "set"}, {"values", {{"by", "me"}}}});
}

TEST_CASE("a function of another app is invoked by its ids", "[step][invoke]") {
  using scaled = inngest::event<"shop/scaled", position>;
  auto f = made([](auto& ctx) {
    const inngest::function_ref<scaled, int> area{"shop", "area"};
    return ctx.step.invoke("call", area, {.x = 2, .y = 5});
  });
  run_driver run(f);
  CHECK(run.discover().op().at("opts") ==
        json{{"function_id", "shop-area"}, {"payload", {{"data", {{"x", 2}, {"y", 5}}}}}});
  CHECK(run.result("call", 10).discover().text == "10");
}

TEST_CASE("a model call of one's own is shown as such, with its input", "[step][ai]") {
  auto f = made([](auto& ctx) {
    const std::string a = ctx.step.ai.wrap(
        "ask", [](const std::string& q) { return q + "!"; }, "hey");
    return ctx.step.ai.wrap("bare", [&] { return a; });
  });
  run_driver run(f);
  const json op = run.discover().op();
  CHECK(op.at("opts") == json{{"type", "step.ai.wrap"}, {"input", {"hey"}}});
  CHECK(op.at("data") == "hey!");
  CHECK(run.result("ask", "x").discover().op().at("opts") == json{{"type", "step.ai.wrap"}});
}

// ---- what a step can say beside its id ------------------------------------------------------------------

TEST_CASE("a step with fewer retries than its function fails for good earlier", "[step][retries]") {
  auto f = made(
      [](auto& ctx) { ctx.step.run({.id = "once", .retries = 0}, [] { throw std::runtime_error("no"); }); });
  run_driver run(f);
  const answer reply = run.discover();
  CHECK(reply.op().at("op") == "StepFailed");
  CHECK(reply.header("x-inngest-no-retry") == "true");
}

TEST_CASE("a step's own back-off says when the next attempt starts", "[step][retries]") {
  auto f = made([](auto& ctx) {
    ctx.step.run({.id = "slowly", .retries = 2, .backoff = [](int attempt) { return (attempt + 1) * 10s; }},
                 [&] {
                   if (ctx.attempt == 1) throw inngest::retry_after_error("later", 7s);
                   throw std::runtime_error("no");
                 });
  });
  run_driver run(f);
  CHECK(run.discover().header("retry-after") == "10");
  run.request.attempt = 1;
  CHECK(run.discover().header("retry-after") == "7");  // what the body says comes first
  run.request.attempt = 2;
  CHECK(run.discover().op().at("op") == "StepFailed");
}

TEST_CASE("a step's body is told to stop at its deadline, and the attempt has failed", "[step][deadline]") {
  auto f = made([](auto& ctx) {
    ctx.step.run({.id = "endless", .deadline = 20ms}, [](inngest::stop_token stop) {
      support::eventually([&] { return stop.stop_requested(); });
      return 1;
    });
  });
  run_driver run(f);
  const json op = run.discover().op();
  CHECK(op.at("op") == "StepError");
  CHECK(op.at("error").at("name") == "inngest::deadline_exceeded");
  CHECK_THAT(op.at("error").at("message").get<std::string>(), ContainsSubstring("20 ms"));
}

TEST_CASE("what a body throws when it is told to stop is the cause", "[step][deadline]") {
  auto f = made([](auto& ctx) {
    ctx.step.run({.id = "a", .deadline = 5ms}, [](inngest::stop_token stop) {
      support::eventually([&] { return stop.stop_requested(); });
      throw std::runtime_error("interrupted download");
    });
  });
  const json error = run_driver(f).discover().op().at("error");
  CHECK(error.at("name") == "inngest::deadline_exceeded");
  CHECK(error.at("cause").at("message") == "interrupted download");
}

TEST_CASE("a body that ends in time knows nothing of its deadline", "[step][deadline]") {
  auto f = made([](auto& ctx) {
    ctx.step.run({.id = "a", .deadline = 1h}, [](inngest::stop_token stop) { return stop.stop_possible(); });
    ctx.step.run("b", [](inngest::stop_token stop) { return stop.stop_requested(); });
  });
  run_driver run(f);
  CHECK(run.discover().op().at("data") == true);
  CHECK(run.result("a", true).discover().op().at("data") == false);
}

TEST_CASE("a result that is larger than a server takes names the step", "[step][limits]") {
  auto options = support::quiet_options();
  options.limits.step_output = 100;
  auto f = made([](auto& ctx) { ctx.step.run("big", [] { return std::string(200, 'x'); }); });
  const json op = run_driver(f, options).discover().op();
  CHECK(op.at("op") == "StepFailed");
  CHECK_THAT(op.at("error").at("message").get<std::string>(),
             ContainsSubstring("step \"big\"") && ContainsSubstring("202 bytes"));

  options.limits = {.state = 150};
  auto g = made([](auto& ctx) {
    ctx.step.run("one", [] { return std::string(90, 'x'); });
    ctx.step.run("two", [] { return std::string(90, 'x'); });
  });
  run_driver run(g, options);
  run.result("one", std::string(90, 'x'));
  CHECK_THAT(run.discover().op().at("error").at("message").get<std::string>(),
             ContainsSubstring("step \"two\"") && ContainsSubstring("the run's state"));
}

TEST_CASE("more steps at once than a server takes are an error that says so", "[step][limits]") {
  auto options = support::quiet_options();
  options.limits.operations = 3;
  auto f = made([](auto& ctx) {
    std::vector<int> numbers{1, 2, 3, 4};
    ctx.group.parallel(numbers, [&](int n) { ctx.step.run("s" + std::to_string(n), [] {}); });
  });
  const answer reply = run_driver(f, options).discover();
  CHECK(reply.status == 400);
  CHECK_THAT(reply.text, ContainsSubstring("4 steps") && ContainsSubstring("3"));
}

// ---- deferred functions and experiments -----------------------------------------------------------------

TEST_CASE("deferred calls, scores and metadata need a name that is not blank", "[defer]") {
  const auto app = support::quiet_client();
  auto clean_up = app.create_deferred_function<position>(
      {.id = "clean-up"},
      [](inngest::context<inngest::deferred<position>>& ctx) { return ctx.event.data.x; });
  const auto refusal_of = [](auto handler) {
    run_driver run(made(handler));
    const auto reply = run.discover();
    CHECK(reply.status == 400);
    return reply.text;
  };
  const auto is_said = ContainsSubstring("must not be empty or blank");
  CHECK_THAT(refusal_of([&](auto& ctx) { ctx.defer(" ", clean_up, position{1, 2}); }), is_said);
  CHECK_THAT(refusal_of([](auto& ctx) { ctx.score(" ", 1); }), is_said);
  CHECK_THAT(refusal_of([](auto& ctx) { ctx.set_metadata(" ", inngest::json::object()); }), is_said);
}

TEST_CASE("a deferred call rides along with the answer, once", "[defer]") {
  const auto app = support::quiet_client();
  auto clean_up = app.create_deferred_function<position>(
      {.id = "clean-up"},
      [](inngest::context<inngest::deferred<position>>& ctx) { return ctx.event.data.x; });
  auto f = made([clean_up](auto& ctx) {
    ctx.defer("later", clean_up, position{1, 2});
    ctx.step.run("a", [] {});
    return 5;
  });
  run_driver run(f);
  const json ops = run.discover().body();
  REQUIRE(ops.size() == 2);
  CHECK(ops[0].at("op") == "StepRun");
  CHECK(ops[1].at("op") == "DeferAdd");
  CHECK(ops[1].at("opts") == json{{"fn_slug", "app-clean-up"}, {"input", {{"x", 1}, {"y", 2}}}});
  CHECK(ops[1].at("id") == hash_of("later"));

  run.result("a", nullptr);
  const json last = run.discover().body();  // this server says nothing of what it took before
  REQUIRE(last.size() == 2);
  CHECK(last[1].at("op") == "RunComplete");
  CHECK(last[1].at("data") == 5);
  CHECK(clean_up.triggers().front().expression == "event.data._inngest.fn_slug == 'app-clean-up'");
}

TEST_CASE("an experiment chooses once and marks the variant's steps", "[experiment]") {
  namespace experiment = inngest::experiment;
  auto f = made([](auto& ctx) {
    auto [chosen, price] = ctx.group.experiment(
        "pricing", experiment::fixed("new"),
        inngest::variant("old", [&] { return ctx.step.run("old-price", [] { return 1; }); }),
        inngest::variant("new", [&] { return ctx.step.run("new-price", [] { return 2; }); }));
    const int after = ctx.step.run("after", [] { return 3; });
    return chosen + std::to_string(price + after);
  });
  run_driver run(f);
  const json op = run.discover().op();
  CHECK(op.at("data") == "new");
  CHECK(op.at("opts") == json{{"type", "group.experiment"}});
  CHECK(op.at("metadata").at(0).at("kind") == "inngest.experiment");
  CHECK(op.at("metadata").at(0).at("values").at("variant") == "new");
  CHECK(op.at("metadata").at(0).at("values").at("available_variants") == json{"old", "new"});
  const json step = run.result("pricing", "new").discover().op();
  CHECK(step.at("displayName") == "new-price");
  CHECK(step.at("opts") == json{{"experimentStepID", hash_of("pricing")},
                                {"experimentName", "pricing"},
                                {"variant", "new"},
                                {"selectionStrategy", "fixed"}});
  CHECK_FALSE(run.result("new-price", 2).discover().op().contains("opts"));
  CHECK(run.result("after", 3).discover().text == R"("new5")");
}

TEST_CASE("weights and values choose alike every time, in proportion", "[experiment]") {
  namespace experiment = inngest::experiment;
  const auto weighted = experiment::weighted({{"a", 3}, {"b", 1}});
  int a = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string run = "run-" + std::to_string(i);
    const std::string chosen = weighted.choose(run, {"a", "b"});
    CHECK(chosen == weighted.choose(run, {"a", "b"}));
    a += chosen == "a" ? 1 : 0;
  }
  CHECK(a > 680);
  CHECK(a < 820);
  CHECK(experiment::bucket("user-1").choose("r1", {"a", "b"}) ==
        experiment::bucket("user-1").choose("r2", {"a", "b"}));
  CHECK_THROWS_AS(experiment::weighted({{"a", 0}}), inngest::configuration_error);
  CHECK_THROWS_AS(experiment::weighted({{"a", -1}, {"b", 2}}), inngest::configuration_error);
}

TEST_CASE("a choice that is no variant fails the step for good", "[experiment]") {
  auto f = made([](auto& ctx) {
    ctx.group.experiment("e", inngest::experiment::custom([](const auto&) { return std::string("c"); }),
                         inngest::variant("a", [] { return 1; }), inngest::variant("b", [] { return 2; }));
  });
  const json op = run_driver(f).discover().op();
  CHECK(op.at("op") == "StepFailed");
  CHECK_THAT(op.at("error").at("message").get<std::string>(), ContainsSubstring("\"c\""));
}
