#include <inngest/step.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/handler_driver.hpp"
#include "support/message_of.hpp"

namespace step_shop {

struct receipt {
  std::string id;
  int cents = 0;
};
INNGEST_FIELDS(receipt, id, cents)

struct order {
  std::string id;
};
INNGEST_FIELDS(order, id)

using test_event = inngest::event<"test/event">;
using paid = inngest::event<"shop/paid", receipt>;
using placed = inngest::event<"shop/placed", order>;

class card_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace step_shop

namespace {

using namespace std::chrono_literals;
using inngest::json;
using step_shop::test_event;
using support::hash_of;
using support::quiet_client;
using support::run_driver;
using strings = std::vector<std::string>;

template <class Handler>
auto made(Handler handler) {
  return quiet_client().create_function({.id = "f"}, inngest::on<test_event>(), std::move(handler));
}

}  // namespace

// ---- run ------------------------------------------------------------------------------------------------

TEST_CASE("a step that is alone runs at once and is reported with its result", "[step][run]") {
  auto f = made([](inngest::context<test_event>& ctx) {
    return ctx.step.run("charge", [] { return step_shop::receipt{"r1", 500}; }).cents;
  });
  run_driver run(f);
  const auto reply = run.discover();
  CHECK(reply.status == 206);
  REQUIRE(reply.body().size() == 1);
  const json op = reply.op();
  CHECK(op.at("op") == "StepRun");
  CHECK(op.at("id") == hash_of("charge"));
  CHECK(op.at("name") == "charge");
  CHECK(op.at("displayName") == "charge");
  CHECK(op.at("userland").at("id") == "charge");
  CHECK_FALSE(op.at("userland").contains("index"));
  CHECK(op.at("data") == json{{"id", "r1"}, {"cents", 500}});
  CHECK(op.at("timing").at("a").get<std::int64_t>() > 1767225600000000000);
  CHECK(op.at("timing").at("b").get<std::int64_t>() >= 0);
  CHECK(reply.header("x-inngest-sdk") == std::string("cpp:v") + INNGEST_VERSION);
  CHECK(reply.header("x-inngest-req-version") == "2");
  CHECK(run.result("charge", {{"id", "r1"}, {"cents", 500}}).discover().text == "500");
}

TEST_CASE("a remembered step does not run again", "[step][run]") {
  int ran = 0;
  auto f = made([&](auto& ctx) { return ctx.step.run("a", [&] { return ++ran; }); });
  run_driver run(f);
  run.result("a", 41);
  CHECK(run.discover().text == "41");
  CHECK(ran == 0);
}

TEST_CASE("every kind of result comes back with its type", "[step][run]") {
  auto f = made([](auto& ctx) {
    const char* literal = "pointed";
    static_assert(std::is_same_v<decltype(ctx.step.run("s", [&] { return literal; })), std::string>);
    static_assert(std::is_same_v<decltype(ctx.step.run("s", [] {})), void>);
    static_assert(std::is_same_v<decltype(ctx.step.run("s", [] { return true; })), bool>);
    ctx.step.run("void", [] {});
    const std::string text = ctx.step.run("text", [&] { return literal; });
    const auto maybe = ctx.step.run("maybe", [] { return std::optional<int>(); });
    const auto list = ctx.step.run("list", [] { return std::vector<step_shop::receipt>{{"a", 1}}; });
    const json dom = ctx.step.run("dom", [] { return json{{"k", nullptr}}; });
    const std::vector<int> reference{1, 2};
    const auto copied = ctx.step.run("reference", [&]() -> const std::vector<int>& { return reference; });
    return json{text, maybe.has_value(), list.at(0).id, dom, copied};
  });
  run_driver run(f);
  const auto end = run.finish();
  CHECK(end.result == json{"pointed", false, "a", json{{"k", nullptr}}, json{1, 2}});
  CHECK(end.history == strings{"StepRun:void", "StepRun:text", "StepRun:maybe", "StepRun:list", "StepRun:dom",
                               "StepRun:reference"});
}

TEST_CASE("a void step reports null and its memo may hold anything", "[step][run]") {
  auto f = made([](auto& ctx) {
    ctx.step.run("a", [] {});
    return "done";
  });
  CHECK(run_driver(f).discover().op().at("data").is_null());
  for (const json& memo : {json(nullptr), json{{"data", nullptr}}, json{{"data", {1, 2}}},
                           json{{"data", "x"}, {"type", "data"}}}) {
    run_driver run(f);
    CAPTURE(memo);
    CHECK(run.memo("a", memo).discover().text == R"("done")");
  }
}

TEST_CASE("bodies may be anything that is called without arguments", "[step][run]") {
  static int calls = 0;
  calls = 0;
  struct functor {
    int operator()() { return ++calls; }
  };
  auto f = made([](auto& ctx) {
    auto owned = std::make_unique<int>(5);
    functor lvalue;
    const std::function<int()> erased = [] { return 3; };
    int sum = ctx.step.run("lvalue", lvalue);
    sum += ctx.step.run("function", erased);
    sum += ctx.step.run("move-only", [owned = std::move(owned)] { return *owned; });
    sum += ctx.step.run(
        "pointer", +[] { return 10; });
    int (*reference)() = [] { return 20; };
    sum += ctx.step.run("free", *reference);
    sum += ctx.step.run("mutable", [n = 0]() mutable { return ++n; });
    return sum;
  });
  CHECK(run_driver(f).finish().result == 1 + 3 + 5 + 10 + 20 + 1);
  CHECK(calls == 1);
}

TEST_CASE("a step may be called from a plain helper and from an algorithm", "[step][run]") {
  auto f = made([](auto& ctx) {
    const std::vector<int> in{1, 2, 3};
    std::vector<int> out;
    std::transform(in.begin(), in.end(), std::back_inserter(out),
                   [&](int i) { return ctx.step.run("double-" + std::to_string(i), [&] { return 2 * i; }); });
    return out;
  });
  const auto end = run_driver(f).finish();
  CHECK(end.result == json{2, 4, 6});
  CHECK(end.history.size() == 3);
}

TEST_CASE("a step's name is shown in place of its id", "[step][run]") {
  auto f = made([](auto& ctx) { ctx.step.run({.id = "charge", .name = "Charge the card"}, [] {}); });
  const json op = run_driver(f).discover().op();
  CHECK(op.at("displayName") == "Charge the card");
  CHECK(op.at("id") == hash_of("charge"));
  CHECK(op.at("userland").at("id") == "charge");
}

TEST_CASE("an id with any text survives", "[step][run]") {
  const std::string id = "größe \"quoted\" \\ \n 🙂";
  auto f = made([&](auto& ctx) { return ctx.step.run(id, [] { return 1; }); });
  run_driver run(f);
  CHECK(run.discover().op().at("userland").at("id") == id);
  CHECK(run.discover().op().at("id") == hash_of(id));
  CHECK(run.finish().result == 1);
}

TEST_CASE("the memo of an unknown shape is the result itself", "[step][memo]") {
  auto f = made([](auto& ctx) { return ctx.step.run("a", [] { return json(); }); });
  for (const json& memo : {json(5), json("x"), json::array({1}), json{{"other", 1}}, json(nullptr)}) {
    run_driver run(f);
    CAPTURE(memo);
    CHECK(run.memo("a", memo).discover().body() == memo);
  }
}

TEST_CASE("a step with replacement input is still to be run", "[step][memo]") {
  int ran = 0;
  auto f = made([&](auto& ctx) { return ctx.step.run("a", [&] { return ++ran; }); });
  run_driver run(f);
  run.request.steps[hash_of("a")] = {{"input", json::array({1})}};
  CHECK(run.discover().operations() == strings{"StepRun:a"});
  CHECK(ran == 1);
}

TEST_CASE("a remembered result that no longer fits names the step and the place, and is not retried",
          "[step][memo][errors]") {
  auto f = made([](auto& ctx) { return ctx.step.run("index", [] { return step_shop::receipt{}; }); });
  run_driver run(f);
  const auto reply = run.result("index", {{"id", "r"}, {"cents", "many"}}).discover();
  CHECK(reply.status == 400);
  CHECK(reply.header("x-inngest-no-retry") == "true");
  CHECK(reply.body().at("message") == R"(steps["index"].cents: expected integer, found string)");
  run_driver other(f);
  CHECK(other.result("index", 5).discover().body().at("message") ==
        R"(steps["index"]: expected object, found number)");
}

TEST_CASE("a result that JSON can't hold fails its step for good", "[step][errors]") {
  auto f = made([](auto& ctx) { ctx.step.run("a", [] { return 0.0 / 0.0 * 1; }); });
  const auto reply = run_driver(f).discover();
  CHECK(reply.operations() == strings{"StepFailed:a"});
  CHECK(reply.op().at("error").at("message") == "result: a number that is not finite has no JSON form");
  CHECK(reply.op().at("data").is_null());
  CHECK(reply.header("x-inngest-no-retry") == "true");
}

// ---- identity -------------------------------------------------------------------------------------------

TEST_CASE("a repeated id becomes id:1, id:2, and says its index", "[step][id]") {
  auto f = made([](auto& ctx) {
    int sum = 0;
    for (int i = 0; i < 3; ++i) sum += ctx.step.run("a", [&] { return i + 1; });
    return sum;
  });
  run_driver run(f);
  run.result("a", 10);
  json op = run.discover().op();
  CHECK(op.at("id") == hash_of("a:1"));
  CHECK(op.at("userland") == json{{"id", "a"}, {"index", 1}});
  CHECK(op.at("displayName") == "a");
  run.result("a:1", 20);
  op = run.discover().op();
  CHECK(op.at("id") == hash_of("a:2"));
  CHECK(op.at("userland").at("index") == 2);
  CHECK(run.result("a:2", 30).discover().text == "60");
}

TEST_CASE("repeats count for every kind of step together", "[step][id]") {
  auto f = made([](auto& ctx) {
    ctx.step.sleep("a", 1s);
    ctx.step.run("a", [] {});
    ctx.step.template wait_for_event<step_shop::paid>("a", {.timeout = 1h});
  });
  run_driver run(f);
  CHECK(run.discover().op().at("id") == hash_of("a"));
  CHECK(run.memo("a", nullptr).discover().op().at("id") == hash_of("a:1"));
  CHECK(run.result("a:1", nullptr).discover().op().at("id") == hash_of("a:2"));
}

TEST_CASE("a literal id and the same text made at run time are one id", "[step][id]") {
  auto f = made([](auto& ctx) {
    const std::string id = "a";
    ctx.step.run(id, [] {});
    ctx.step.run("a", [] {});
  });
  run_driver run(f);
  CHECK(run.discover().op().at("id") == "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8");
  CHECK(run.result("a", nullptr).discover().op().at("id") == hash_of("a:1"));
}

TEST_CASE("an id that looks like a repeat is a step of its own", "[step][id]") {
  auto f = made([](auto& ctx) {
    json out;
    out.push_back(ctx.step.run("a", [] { return 1; }));
    out.push_back(ctx.step.run("a:1", [] { return 2; }));
    out.push_back(ctx.step.run("a", [] { return 3; }));
    return out;
  });
  const auto end = run_driver(f).finish();
  CHECK(end.result == json{1, 2, 3});
  CHECK(end.history.size() == 3);
}

TEST_CASE("a repeat keeps its place when the look-alike comes after it", "[step][id]") {
  auto f = made([](auto& ctx) {
    json out;
    out.push_back(ctx.step.run("a", [] { return 1; }));
    out.push_back(ctx.step.run("a", [] { return 2; }));
    out.push_back(ctx.step.run("a:1", [] { return 3; }));
    out.push_back(ctx.step.run("a", [] { return 4; }));
    return out;
  });
  CHECK(run_driver(f).finish().result == json{1, 2, 3, 4});
}

// ---- sleep, wait, invoke, send --------------------------------------------------------------------------

TEST_CASE("a sleep is reported with its time and ends with null", "[step][sleep]") {
  auto f = made([](auto& ctx) {
    ctx.step.sleep("nap", 90min);
    return "awake";
  });
  run_driver run(f);
  const json op = run.discover().op();
  CHECK(op.at("op") == "Sleep");
  CHECK(op.at("name") == "1h30m");
  CHECK(op.at("displayName") == "nap");
  CHECK(op.at("data").is_null());
  CHECK(run.memo("nap", nullptr).discover().text == R"("awake")");
}

TEST_CASE("a sleep until a time is reported as that time", "[step][sleep]") {
  auto f = made([](auto& ctx) {
    ctx.step.sleep_until("party", inngest::timestamp(std::chrono::milliseconds(1767225600000)));
  });
  CHECK(run_driver(f).discover().op().at("name") == "2026-01-01T00:00:00.000Z");
}

TEST_CASE("a sleep whose time has passed since does not fail on replay", "[step][sleep]") {
  auto f = made([](auto& ctx) {
    ctx.step.sleep("nap", -5s);
    return 1;
  });
  run_driver run(f);
  CHECK(run.discover().op().at("name") == "0s");
  CHECK(run.memo("nap", nullptr).discover().text == "1");
}

TEST_CASE("a wait is reported with its event, timeout and expression", "[step][wait]") {
  auto f = made([](auto& ctx) {
    const auto e = ctx.step.template wait_for_event<step_shop::paid>(
        "wait", {.timeout = 72h, .expression = "async.data.cents > 1", .match = "data.id"});
    return e ? e->data.cents : -1;
  });
  run_driver run(f);
  const json op = run.discover().op();
  CHECK(op.at("op") == "WaitForEvent");
  CHECK(op.at("opts").at("event") == "shop/paid");
  CHECK(op.at("opts").at("timeout") == "72h");
  CHECK(op.at("opts").at("if") == "(async.data.cents > 1) && event.data.id == async.data.id");
  CHECK(
      run.memo("wait", {{"name", "shop/paid"}, {"data", {{"id", "r"}, {"cents", 7}}}, {"id", "e"}, {"ts", 1}})
          .discover()
          .text == "7");
  run_driver late(f);
  CHECK(late.memo("wait", nullptr).discover().text == "-1");
}

TEST_CASE("a wait without expression says none, with a match only says that", "[step][wait]") {
  auto bare =
      made([](auto& ctx) { ctx.step.template wait_for_event<step_shop::paid>("w", {.timeout = 1s}); });
  CHECK_FALSE(run_driver(bare).discover().op().at("opts").contains("if"));
  auto match = made([](auto& ctx) {
    ctx.step.template wait_for_event<step_shop::paid>("w", {.timeout = 1s, .match = "data.id"});
  });
  CHECK(run_driver(match).discover().op().at("opts").at("if") == "event.data.id == async.data.id");
}

TEST_CASE("a received event that does not fit names the path", "[step][wait][errors]") {
  auto f = made([](auto& ctx) { ctx.step.template wait_for_event<step_shop::paid>("w", {.timeout = 1s}); });
  run_driver run(f);
  const auto reply = run.memo("w", {{"name", "shop/paid"}, {"data", {{"id", 5}, {"cents", 7}}}}).discover();
  CHECK(reply.status == 400);
  CHECK_THAT(reply.text, Catch::Matchers::ContainsSubstring("data.id: expected string, found number"));
}

TEST_CASE("an event whose data is called error or data is still an event", "[step][wait]") {
  auto f = made([](auto& ctx) {
    const auto e = ctx.step.template wait_for_event<inngest::event<"any">>("w", {.timeout = 1s});
    return e->data;
  });
  run_driver run(f);
  run.memo("w", {{"name", "any"}, {"data", {{"error", {{"message", "no failure"}}}}}});
  CHECK(run.discover().body() == json::parse(R"({"error":{"message":"no failure"}})"));
}

TEST_CASE("a function object is invoked with typed data and gives its output", "[step][invoke]") {
  auto app = quiet_client();
  auto child = app.create_function({.id = "child"}, inngest::on<step_shop::placed>(),
                                   [](auto&) { return step_shop::receipt{}; });
  auto f = app.create_function({.id = "f"}, inngest::on<test_event>(), [child](auto& ctx) {
    static_assert(std::is_same_v<decltype(ctx.step.invoke("c", child, {.id = "o"})), step_shop::receipt>);
    return ctx.step.invoke("call", child, {.id = "o1"}, {.timeout = 10min}).cents;
  });
  run_driver run(f);
  const json op = run.discover().op();
  CHECK(op.at("op") == "InvokeFunction");
  CHECK(op.at("opts") ==
        json::parse(R"({"function_id":"app-child","payload":{"data":{"id":"o1"}},"timeout":"10m"})"));
  CHECK(run.result("call", {{"id", "r"}, {"cents", 9}}).discover().text == "9");
}

TEST_CASE("an invoked function that failed or is late throws a step_error", "[step][invoke][errors]") {
  auto app = quiet_client();
  auto child = app.create_function({.id = "child"}, inngest::on<step_shop::placed>(), [](auto&) {});
  auto f = app.create_function({.id = "f"}, inngest::on<test_event>(), [child](auto& ctx) {
    static_assert(std::is_void_v<decltype(ctx.step.invoke("c", child, {.id = "o"}))>);
    try {
      ctx.step.invoke("call", child, {.id = "o1"});
      return std::string("fine");
    } catch (const inngest::step_error& e) {
      return e.step_id() + "|" + e.name() + "|" + e.what();
    }
  });
  run_driver run(f);
  CHECK_FALSE(run.discover().op().at("opts").contains("timeout"));
  run.failure("call", "InngestInvokeTimeoutError", "timed out");
  CHECK(run.discover().text == R"("call|InngestInvokeTimeoutError|timed out")");
  run_driver fine(f);
  CHECK(fine.result("call", nullptr).discover().text == R"("fine")");
}

TEST_CASE("events are sent once from a step, in any form of call", "[step][send]") {
  auto options = support::quiet_options();
  auto transport = std::make_shared<support::fake_transport>([](const inngest::http::request&) {
    return inngest::http::response{.body = R"({"ids":["i1","i2"],"status":200})"};
  });
  options.transport = transport;
  inngest::client app(options);
  auto f = app.create_function({.id = "f"}, inngest::on<test_event>(), [](auto& ctx) {
    auto ids = ctx.step.send_event("one", step_shop::placed{{"o1"}}).ids;
    ctx.step.send_event("braces", {step_shop::placed{{"o1"}}});
    ctx.step.send_event("mixed", {step_shop::placed{{"o1"}}, step_shop::paid{{"r", 1}}});
    ctx.step.send_event({.id = "list", .name = "a list"},
                        std::vector<inngest::any_event>{step_shop::placed{{"o2"}}});
    return ids;
  });
  run_driver run(f, options);
  const json op = run.discover().op();
  CHECK(op.at("op") == "StepRun");
  CHECK(op.at("name") == "sendEvent");
  CHECK(op.at("displayName") == "one");
  CHECK(op.at("opts") == json{{"type", "step.sendEvent"}});
  CHECK(op.at("data") == json{{"ids", {"i1", "i2"}}});
  CHECK(run.finish().result == json{"i1", "i2"});
  REQUIRE(transport->requests().size() == 5);  // one of them by discover() above
  CHECK(json::parse(transport->requests().at(3).body).size() == 2);
}

TEST_CASE("sending that fails is a step that failed", "[step][send][errors]") {
  auto options = support::quiet_options();
  options.transport = std::make_shared<support::fake_transport>([](const inngest::http::request&) {
    return inngest::http::response{.status = 400, .body = R"({"error":"too big"})"};
  });
  inngest::client app(options);
  auto f = app.create_function({.id = "f"}, inngest::on<test_event>(),
                               [](auto& ctx) { ctx.step.send_event("one", step_shop::placed{{"o1"}}); });
  const auto reply = run_driver(f, options).discover();
  CHECK(reply.operations() == strings{"StepError:one"});
  CHECK(reply.op().at("error").at("name") == "inngest::event_rejected");
  CHECK_THAT(reply.op().at("error").at("message").get<std::string>(),
             Catch::Matchers::ContainsSubstring("too big"));
}

// ---- start ----------------------------------------------------------------------------------------------

TEST_CASE("started steps are planned together and run one by one when asked for", "[step][start]") {
  int a_ran = 0;
  int b_ran = 0;
  auto f = made([&](auto& ctx) {
    auto a = ctx.step.start("a", [&] { return ++a_ran; });
    auto b = ctx.step.start("b", [&] { return 10 * ++b_ran; });
    return a.get() + b.get();
  });
  run_driver run(f);
  CHECK(run.discover().operations() == strings{"StepPlanned:a", "StepPlanned:b"});
  CHECK(a_ran + b_ran == 0);
  const auto only_b = run.target("b");
  CHECK(only_b.operations() == strings{"StepRun:b"});
  CHECK(a_ran == 0);
  CHECK(b_ran == 1);
  CHECK(run.finish().result == 1 + 20);
}

TEST_CASE("steps are started in loops and kept in vectors", "[step][start]") {
  auto f = made([](auto& ctx) {
    const auto start = [&](int i) { return ctx.step.start("s" + std::to_string(i), [i] { return i * i; }); };
    std::vector<decltype(start(0))> handles;
    for (int i = 0; i < 5; ++i) handles.push_back(start(i));
    int sum = 0;
    for (auto& each : handles) sum += each.get();
    return sum;
  });
  run_driver run(f);
  CHECK(run.discover().body().size() == 5);
  CHECK(run.finish().result == 0 + 1 + 4 + 9 + 16);
}

TEST_CASE("a started step that is alone runs at once when its result is asked for", "[step][start]") {
  auto f = made([](auto& ctx) {
    auto a = ctx.step.start("a", [] { return 1; });
    return a.get();
  });
  run_driver run(f);
  CHECK(run.discover().operations() == strings{"StepRun:a"});
  run.request.plan_only = true;
  CHECK(run.discover().operations() == strings{"StepPlanned:a"});
}

TEST_CASE("the function does not finish while a started step is outstanding", "[step][start]") {
  int ran = 0;
  auto f = made([&](auto& ctx) {
    auto never_asked = ctx.step.start("a", [&] { ++ran; });
    return "early";
  });
  run_driver run(f);
  CHECK(run.discover().operations() == strings{"StepPlanned:a"});
  const auto end = run.finish();
  CHECK(end.result == "early");
  CHECK(ran == 1);
}

TEST_CASE("an outstanding started step beats an error of the handler", "[step][start]") {
  auto f = made([](auto& ctx) {
    auto never_asked = ctx.step.start("a", [] {});
    throw std::runtime_error("too early");
  });
  run_driver run(f);
  CHECK(run.discover().operations() == strings{"StepPlanned:a"});
  CHECK(run.result("a", nullptr).discover().status == 500);
}

TEST_CASE("a started step with other kinds of steps is planned beside them", "[step][start]") {
  auto f = made([](auto& ctx) {
    auto a = ctx.step.start("a", [] { return 1; });
    ctx.step.sleep("nap", 1s);
    return a.get();
  });
  run_driver run(f);
  CHECK(run.discover().operations() == strings{"StepPlanned:a", "Sleep:nap"});
  CHECK(run.finish().result == 1);
}

TEST_CASE("a handle gives its result as often as it is asked", "[step][start]") {
  auto f = made([](auto& ctx) {
    auto a = ctx.step.start("a", [] { return std::string("x"); });
    return a.get() + a.get();
  });
  CHECK(run_driver(f).finish().result == "xx");
}

TEST_CASE("a started step that failed throws when its result is asked for", "[step][start][errors]") {
  auto f = made([](auto& ctx) {
    auto a = ctx.step.start("a", [] { return 1; });
    auto b = ctx.step.start("b", [] {});
    b.get();
    try {
      return a.get();
    } catch (const inngest::step_error& e) {
      return e.name() == "Bad" ? -1 : -2;
    }
  });
  run_driver run(f);
  CHECK(run.failure("a", "Bad", "bad").result("b", nullptr).discover().text == "-1");
}

// ---- targets --------------------------------------------------------------------------------------------

TEST_CASE("a target that the function does not reach is a retriable error that says so", "[step][target]") {
  auto f = made([](auto& ctx) { ctx.step.run("a", [] {}); });
  run_driver run(f);
  const auto reply = run.target("gone");
  CHECK(reply.status == 500);
  CHECK(reply.header("x-inngest-no-retry") == "false");
  CHECK_THAT(reply.body().at("message").get<std::string>(),
             Catch::Matchers::ContainsSubstring("not reached"));
  CHECK_THAT(reply.body().at("message").get<std::string>(),
             Catch::Matchers::ContainsSubstring(hash_of("gone")));
  run.result("a", nullptr);
  CHECK(run.target("gone").status == 500);  // though the function would complete
  CHECK(run.target("a").status == 500);     // remembered already: there is nothing to run
}

TEST_CASE("a target behind a step without a result is not reached", "[step][target]") {
  int ran = 0;
  auto f = made([&](auto& ctx) {
    ctx.step.run("a", [&] { ++ran; });
    ctx.step.run("b", [&] { ++ran; });
  });
  run_driver run(f);
  CHECK(run.target("b").status == 500);
  CHECK(ran == 0);
  CHECK(run.target("a").operations() == strings{"StepRun:a"});
}

TEST_CASE("a target that is a sleep or a wait is reported alone", "[step][target]") {
  auto f = made([](auto& ctx) {
    ctx.group.parallel([&] { ctx.step.sleep("nap", 1s); },
                       [&] { ctx.step.template wait_for_event<step_shop::paid>("wait", {.timeout = 1s}); });
  });
  run_driver run(f);
  CHECK(run.target("wait").operations() == strings{"WaitForEvent:wait"});
  CHECK(run.target("nap").operations() == strings{"Sleep:nap"});
}

TEST_CASE("a repeated step is a target by its own hash", "[step][target]") {
  auto f = made([](auto& ctx) {
    auto first = ctx.step.start("a", [] { return 1; });
    auto second = ctx.step.start("a", [] { return 2; });
    return first.get() + second.get();
  });
  run_driver run(f);
  CHECK(run.target("a:1").op().at("data") == 2);
  CHECK(run.target("a").op().at("data") == 1);
}

TEST_CASE("a target runs even while steps must only be planned", "[step][target]") {
  auto f = made([](auto& ctx) { ctx.step.run("a", [] {}); });
  run_driver run(f);
  run.request.plan_only = true;
  CHECK(run.discover().operations() == strings{"StepPlanned:a"});
  CHECK(run.target("a").operations() == strings{"StepRun:a"});
}

TEST_CASE("a stepId that is no hash is a bad request", "[step][target]") {
  auto f = made([](auto&) {});
  inngest::handler handler(quiet_client(), {f});
  for (const char* id :
       {"abc", "zz", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8a",
        "zzf7e437faa5a7fce15d1ddcb9eaeaea377667b8"}) {
    CAPTURE(id);
    CHECK(handler(support::post("app-f", support::call().text(), id)).status == 400);
  }
}

// ---- errors ---------------------------------------------------------------------------------------------

TEST_CASE("an error of a step is reported with its type, message and place, and tried again",
          "[step][errors]") {
  auto f =
      made([](auto& ctx) { ctx.step.run("pay", []() -> int { throw step_shop::card_error("declined"); }); });
  const auto reply = run_driver(f).discover();
  CHECK(reply.status == 206);
  CHECK(reply.operations() == strings{"StepError:pay"});
  const json error = reply.op().at("error");
  CHECK(error.at("name") == "step_shop::card_error");
  CHECK(error.at("message") == "declined");
  CHECK_THAT(error.at("stack").get<std::string>(), Catch::Matchers::ContainsSubstring("step_test.cpp"));
  CHECK(reply.header("x-inngest-no-retry") == "false");
  CHECK(reply.header("retry-after") == "(absent)");
}

TEST_CASE("at the last attempt a step fails for good", "[step][errors]") {
  auto f = made([](auto& ctx) { ctx.step.run("pay", [] { throw step_shop::card_error("declined"); }); });
  run_driver run(f);
  run.request.attempt = 2;
  CHECK(run.discover().operations() == strings{"StepError:pay"});
  run.request.attempt = 3;
  const auto last = run.discover();
  CHECK(last.operations() == strings{"StepFailed:pay"});
  CHECK(last.header("x-inngest-no-retry") == "true");
  run.request.attempt = 0;
  run.request.max_attempts = 1;
  CHECK(run.discover().operations() == strings{"StepFailed:pay"});
  run.request.attempt = 99;
  run.request.max_attempts.reset();  // an old server does not say
  CHECK(run.discover().operations() == strings{"StepError:pay"});
}

TEST_CASE("attempts at the limits of integers do no harm", "[step][errors]") {
  auto f = made([](auto& ctx) { ctx.step.run("pay", [] { throw step_shop::card_error("declined"); }); });
  run_driver run(f);
  for (const int attempt : {-1, 0, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()}) {
    for (const int most : {-1, 0, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()}) {
      CAPTURE(attempt, most);
      run.request.attempt = attempt;
      run.request.max_attempts = most;
      CHECK(run.discover().status == 206);
    }
  }
}

TEST_CASE("non_retriable_error fails a step at once", "[step][errors]") {
  auto f = made([](auto& ctx) { ctx.step.run("pay", [] { throw inngest::non_retriable_error("never"); }); });
  const auto reply = run_driver(f).discover();
  CHECK(reply.operations() == strings{"StepFailed:pay"});
  CHECK(reply.header("x-inngest-no-retry") == "true");
}

TEST_CASE("retry_after_error says when, in whole seconds", "[step][errors]") {
  auto wait = std::chrono::milliseconds(1500);
  auto f =
      made([&](auto& ctx) { ctx.step.run("pay", [&] { throw inngest::retry_after_error("later", wait); }); });
  run_driver run(f);
  const auto reply = run.discover();
  CHECK(reply.operations() == strings{"StepError:pay"});
  CHECK(reply.header("retry-after") == "2");
  CHECK(reply.header("x-inngest-no-retry") == "false");
  wait = -1h;
  CHECK(run.discover().header("retry-after") == "1");
  wait = 24h * 365 * 100;
  CHECK(run.discover().header("retry-after") == "86400");
  wait = 30s;
  run.request.attempt = 3;
  CHECK(run.discover().operations() == strings{"StepFailed:pay"});
}

TEST_CASE("retry_after_error takes a moment too, however far", "[step][errors]") {
  using clock = std::chrono::system_clock;
  const auto seconds_from = [](clock::duration time) {
    return std::chrono::ceil<std::chrono::seconds>(time).count();
  };
  const auto before = clock::now();
  auto at = before + 99500ms;  // told in whole seconds, rounded up
  auto f =
      made([&](auto& ctx) { ctx.step.run("pay", [&] { throw inngest::retry_after_error("later", at); }); });
  run_driver run(f);
  const int seconds = std::stoi(run.discover().header("retry-after"));
  CHECK(seconds <= seconds_from(at - before));
  CHECK(seconds >= seconds_from(at - clock::now()));
  at = std::chrono::system_clock::time_point::max();
  CHECK(run.discover().header("retry-after") == "86400");
  at = std::chrono::system_clock::now() - 1h;
  CHECK(run.discover().header("retry-after") == "1");
}

TEST_CASE("retry_after_error with a moment in whole seconds asks for no second more", "[step][errors]") {
  using clock = std::chrono::system_clock;
  clock::time_point thrown;
  auto f = made([&](auto& ctx) {
    ctx.step.run("pay", [&] {
      thrown = clock::now();
      throw inngest::retry_after_error("later", thrown + 99s);
    });
  });
  for (int i = 0; i < 20; ++i) {
    const int seconds = std::stoi(run_driver(f).discover().header("retry-after"));
    const auto passed = std::chrono::floor<std::chrono::seconds>(clock::now() - thrown);
    CHECK(seconds <= 99);
    CHECK(seconds >= 99 - passed.count());  // 99, unless the machine was busy for a second
  }
}

TEST_CASE("what is thrown need not be a std::exception", "[step][errors]") {
  auto f = made([](auto& ctx) { ctx.step.run("pay", [] { throw 5; }); });
  const auto reply = run_driver(f).discover();
  CHECK(reply.operations() == strings{"StepError:pay"});
  CHECK(reply.op().at("error").at("message") != "");
}

TEST_CASE("a failed step is rethrown with the original's name and message", "[step][errors]") {
  auto f = made([](auto& ctx) {
    try {
      ctx.step.run("pay", [] {});
    } catch (const inngest::step_error& e) {
      return e.step_id() + "|" + e.name() + "|" + e.what() + "|" + std::string(to_string(e.code()));
    }
    return std::string();
  });
  run_driver run(f);
  CHECK(run.failure("pay", "step_shop::card_error", "declined").discover().text ==
        R"("pay|step_shop::card_error|declined|step_failed")");
}

TEST_CASE("a failure of any shape is a step_error", "[step][errors]") {
  auto f = made([](auto& ctx) {
    try {
      ctx.step.run("pay", [] { return 1; });
    } catch (const inngest::step_error& e) {
      return e.name() + "|" + e.what();
    }
    return std::string("fine");
  });
  const auto with = [&](const json& error) {
    run_driver run(f);
    return run.memo("pay", {{"error", error}}).discover().body();
  };
  CHECK(with({{"name", "N"}, {"message", "m"}, {"stack", "s"}, {"cause", {{"name", "C"}}}}) == "N|m");
  CHECK(with({{"message", "m"}}) == "Error|m");
  CHECK(with("text") == "Error|\"text\"");
  CHECK(with(nullptr) == "Error|null");
  CHECK(with({{"name", 5}, {"message", nullptr}}) == "Error|");
}

TEST_CASE("a failed step's causes come with it and leave with it", "[step][errors]") {
  const json error = json::parse(
      R"({"name":"N","message":"m","cause":{"name":"C","message":"c","cause":{"name":"D","message":"d"}}})");
  auto caught = made([](auto& ctx) {
    json out;
    try {
      ctx.step.run("pay", [] {});
    } catch (const inngest::step_error& e) {
      for (const auto& cause : e.causes()) out.push_back(cause.name + ":" + cause.message);
    }
    return out;
  });
  CHECK(run_driver(caught).memo("pay", {{"error", error}}).discover().body() == json{"C:c", "D:d"});
  auto passed = made([](auto& ctx) { ctx.step.run("pay", [] {}); });
  const json left = run_driver(passed).memo("pay", {{"error", error}}).discover().body();
  CHECK(left.at("cause").at("cause").at("name") == "D");
  json deep{{"name", "innermost"}};
  for (int i = 0; i < 400; ++i) deep = {{"name", "N"}, {"message", "m"}, {"cause", deep}};
  CHECK(run_driver(caught).memo("pay", {{"error", deep}}).discover().body().size() == 5);
}

TEST_CASE("failed sleeps and waits throw as well", "[step][errors]") {
  auto f = made([](auto& ctx) {
    json out;
    try {
      ctx.step.sleep("nap", 1s);
    } catch (const inngest::step_error& e) {
      out.push_back(e.what());
    }
    try {
      ctx.step.template wait_for_event<step_shop::paid>("wait", {.timeout = 1s});
    } catch (const inngest::step_error& e) {
      out.push_back(e.what());
    }
    return out;
  });
  run_driver run(f);
  CHECK(run.failure("nap", "A", "a").failure("wait", "B", "b").discover().body() == json{"a", "b"});
}

TEST_CASE("a step_error that leaves the handler fails the run at once with the original's name",
          "[step][errors]") {
  auto f = made([](auto& ctx) { ctx.step.run("pay", [] {}); });
  run_driver run(f);
  const auto reply = run.failure("pay", "step_shop::card_error", "declined").discover();
  CHECK(reply.status == 400);
  CHECK(reply.header("x-inngest-no-retry") == "true");
  CHECK(reply.body().at("name") == "step_shop::card_error");
  CHECK(reply.body().at("message") == "declined");
}

TEST_CASE("compensation in a catch block works through a whole run", "[step][errors][suspension]") {
  std::vector<std::string> done;
  auto f = made([&](auto& ctx) {
    ctx.step.run("reserve", [&] { done.push_back("reserve"); });
    try {
      ctx.step.run("charge", [&] {
        done.push_back("charge");
        throw step_shop::card_error("declined");
      });
    } catch (const std::exception& e) {
      const std::string reason = e.what();
      ctx.step.run("mark-failed", [&] { done.push_back("mark-failed: " + reason); });
      throw;
    }
  });
  run_driver run(f);

  CHECK(run.discover().operations() == strings{"StepRun:reserve"});
  run.result("reserve", nullptr);
  for (run.request.attempt = 0; run.request.attempt < 3; ++run.request.attempt)
    CHECK(run.discover().operations() == strings{"StepError:charge"});
  CHECK(run.discover().operations() == strings{"StepFailed:charge"});
  run.request.attempt = 0;
  run.failure("charge", "step_shop::card_error", "declined");
  CHECK(run.discover().operations() == strings{"StepRun:mark-failed"});
  run.result("mark-failed", nullptr);
  const auto end = run.discover();
  CHECK(end.status == 400);
  CHECK(end.header("x-inngest-no-retry") == "true");
  CHECK(end.body().at("name") == "step_shop::card_error");
  CHECK(end.body().at("message") == "declined");
  CHECK(done == strings{"reserve", "charge", "charge", "charge", "charge", "mark-failed: declined"});

  done.clear();
  const auto again = run_driver(f).finish();  // the same with the driver in the server's place
  CHECK(again.history == strings{"StepRun:reserve", "StepError:charge", "StepError:charge",
                                 "StepError:charge", "StepFailed:charge", "StepRun:mark-failed"});
  CHECK(again.status == 400);
}
