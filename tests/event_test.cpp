#include <inngest/event.hpp>

#include <stdexcept>
#include <string>
#include <vector>

#include <inngest/trigger.hpp>

#include "catch.hpp"
#include "support/handler_driver.hpp"
#include "support/message_of.hpp"

namespace event_shop {

struct order {
  std::string id;
  int total = 0;
};
INNGEST_FIELDS(order, id, total)

struct checked {
  int count = 1;
};
INNGEST_FIELDS(checked, count)
inline void validate(const checked& c) {
  if (c.count < 0) throw std::invalid_argument("count must not be negative");
}

struct point {
  double x = 0;
};
INNGEST_FIELDS(point, x)
struct node {
  point position;
};
INNGEST_FIELDS(node, position)
struct graph {
  std::vector<node> nodes;
};
INNGEST_FIELDS(graph, nodes)

using placed = inngest::event<"shop/order.placed", order>;
using cancelled = inngest::event<"shop/order.cancelled", order>;
using plain = inngest::event<"shop/plain">;
using counted = inngest::event<"shop/counted", checked>;
using drawn = inngest::event<"shop/drawn", graph>;
using any_order = inngest::event<"shop/order.*", inngest::json>;
using labelled = inngest::event<"shop/labelled", std::map<std::string, int>>;

}  // namespace event_shop

namespace {

using inngest::any_event;
using inngest::json;
using inngest::payload_error;
using support::message_of;

struct overload_label {
  std::string operator()(const event_shop::placed& e) const { return "placed " + e.data.id; }
  std::string operator()(const event_shop::cancelled& e) const { return "cancelled " + e.data.id; }
};

}  // namespace

TEST_CASE("an event's name and data type are known to the compiler", "[event]") {
  static_assert(event_shop::placed::name == "shop/order.placed");
  static_assert(std::is_same_v<event_shop::placed::data_type, event_shop::order>);
  static_assert(std::is_same_v<event_shop::plain::data_type, json>);
  static_assert(inngest::event_type<event_shop::placed>);
  static_assert(!inngest::event_type<event_shop::order>);
  SUCCEED();
}

TEST_CASE("an event is sent with its name and data, and with what else it has", "[event]") {
  CHECK(json::parse(any_event(event_shop::placed{{"o1", 5}}).text()) ==
        json::parse(R"({"name":"shop/order.placed","data":{"id":"o1","total":5}})"));
  const event_shop::placed full{.data = {"o1", 5},
                                .id = "once",
                                .ts = inngest::timestamp(std::chrono::milliseconds(1767225600123)),
                                .user = {{"email", "a@b.c"}},
                                .v = "2026-01"};
  CHECK(json::parse(any_event(full).text()) ==
        json::parse(R"({"name":"shop/order.placed","data":{"id":"o1","total":5},"id":"once",)"
                    R"("ts":1767225600123,"user":{"email":"a@b.c"},"v":"2026-01"})"));
  CHECK(any_event(full).name() == "shop/order.placed");
}

TEST_CASE("an event with plain JSON must carry an object", "[event]") {
  CHECK(json::parse(any_event(event_shop::plain{{{"a", 1}}}).text()).at("data") == json{{"a", 1}});
  CHECK_THROWS_AS(any_event("shop/made", json(nullptr)), payload_error);
  for (const json& data : {json(5), json("text"), json::array({1})}) {
    CHECK(message_of<payload_error>([&] { any_event{event_shop::plain{data}}; }) ==
          "data: an event's data must be a JSON object");
    CHECK_THROWS_AS(any_event("shop/made", data), payload_error);
  }
}

TEST_CASE("validate speaks up when an event is sent", "[event][validate]") {
  CHECK(message_of<payload_error>([] { any_event{event_shop::counted{{-1}}}; }) ==
        "data: count must not be negative");
}

TEST_CASE("an event with a name made at run time obeys the rules of literal names", "[event]") {
  CHECK(any_event("shop/made", json{{"a", 1}}).text() == R"({"name":"shop/made","data":{"a":1}})");
  for (const char* name :
       {"", "with space", "tab\t", "quote\"", "back\\slash", "inngest/own", "shop/*", "del\x7f"}) {
    CAPTURE(name);
    CHECK_THROWS_AS(any_event(name, json::object()), inngest::configuration_error);
  }
  CHECK_THROWS_AS(any_event(std::string(513, 'a'), json::object()), inngest::configuration_error);
  CHECK_NOTHROW(any_event(std::string(512, 'a'), json::object()));
}

TEST_CASE("a handler is given the whole event", "[event][serve]") {
  auto app = support::quiet_client();
  auto f = app.create_function({.id = "f"}, inngest::on<event_shop::placed>(),
                               [](inngest::context<event_shop::placed>& ctx) {
                                 const auto& e = ctx.event;
                                 return json{{"data", e.data.id},
                                             {"total", e.data.total},
                                             {"id", e.id.value_or("none")},
                                             {"ts", e.ts ? e.ts->time_since_epoch().count() : -1},
                                             {"user", e.user},
                                             {"v", e.v.value_or("none")}};
                               });
  support::run_driver run(f);
  run.with_event({{"name", "shop/order.placed"},
                  {"data", {{"id", "o1"}, {"total", 5}}},
                  {"id", "e1"},
                  {"ts", 1767225600123},
                  {"user", {{"n", 1}}},
                  {"v", "1"},
                  {"unknown", {{"ignored", true}}}});
  CHECK(run.discover().body() == json{{"data", "o1"},
                                      {"total", 5},
                                      {"id", "e1"},
                                      {"ts", 1767225600123},
                                      {"user", {{"n", 1}}},
                                      {"v", "1"}});
}

TEST_CASE("an event with only a name and data is enough, nulls count as missing", "[event][serve]") {
  auto app = support::quiet_client();
  auto f = app.create_function({.id = "f"}, inngest::on<event_shop::plain>(), [](auto& ctx) {
    return !ctx.event.id && !ctx.event.ts && ctx.event.user.is_null() && !ctx.event.v;
  });
  support::run_driver run(f);
  CHECK(run.with_event({{"name", "shop/plain"}, {"data", json::object()}}).discover().text == "true");
  CHECK(run.with_event({{"name", "shop/plain"}}).discover().text == "true");
  const json nulls{{"name", "shop/plain"}, {"data", nullptr}, {"id", nullptr},
                   {"ts", nullptr},        {"user", nullptr}, {"v", nullptr}};
  CHECK(run.with_event(nulls).discover().text == "true");
  CHECK(run.with_event({{"name", "shop/plain"}, {"data", json::object()}, {"ts", 1.7672256e12}})
            .discover()
            .status == 200);
}

TEST_CASE("a payload that does not fit fails the run once, naming the path", "[event][serve][errors]") {
  auto app = support::quiet_client();
  int called = 0;
  auto f = app.create_function({.id = "f"}, inngest::on<event_shop::drawn>(), [&](auto&) { ++called; });
  support::run_driver run(f);
  const auto reply =
      run.with_data(
             json::parse(R"({"nodes":[{"position":{"x":1}},{"position":{"x":2}},{"position":{"x":"far"}}]})"))
          .discover();
  CHECK(reply.status == 400);
  CHECK(reply.header("x-inngest-no-retry") == "true");
  CHECK(reply.header("x-inngest-sdk") == std::string("cpp:v") + INNGEST_VERSION);
  CHECK(reply.body().at("message") == "data.nodes[2].position.x: expected number, found string");
  CHECK(called == 0);
  run.with_event({{"name", "shop/drawn"}});
  CHECK(run.discover().body().at("message") == "data.nodes: expected array, found nothing");
}

TEST_CASE("validate refuses an event that arrives", "[event][serve][validate]") {
  auto app = support::quiet_client();
  auto f = app.create_function({.id = "f"}, inngest::on<event_shop::counted>(), [](auto&) {});
  support::run_driver run(f);
  const auto reply = run.with_data({{"count", -2}}).discover();
  CHECK(reply.status == 400);
  CHECK(reply.body().at("message") == "data: count must not be negative");
}

TEST_CASE("one of several events is matched by its name", "[event][serve]") {
  auto app = support::quiet_client();
  auto f = app.create_function(
      {.id = "f"}, inngest::on<event_shop::placed, event_shop::cancelled>(), [](auto& ctx) {
        return json{ctx.event.name(),
                    ctx.event.match([](const event_shop::placed& e) { return "p" + e.data.id; },
                                    [](const event_shop::cancelled& e) { return "c" + e.data.id; }),
                    ctx.event.match(overload_label{})};
      });
  support::run_driver run(f);
  run.with_event({{"name", "shop/order.placed"}, {"data", {{"id", "1"}, {"total", 1}}}});
  CHECK(run.discover().body() == json{"shop/order.placed", "p1", "placed 1"});
  run.with_event({{"name", "shop/order.cancelled"}, {"data", {{"id", "2"}, {"total", 1}}}});
  CHECK(run.discover().body() == json{"shop/order.cancelled", "c2", "cancelled 2"});
}

TEST_CASE("an invoked function with several events takes the first type that fits", "[event][serve]") {
  auto app = support::quiet_client();
  auto f = app.create_function({.id = "f"}, inngest::on<event_shop::drawn, event_shop::placed>(),
                               [](auto& ctx) { return std::string(ctx.event.name()); });
  support::run_driver run(f);
  run.with_event({{"name", "inngest/function.invoked"}, {"data", {{"id", "1"}, {"total", 1}}}});
  CHECK(run.discover().text == R"("shop/order.placed")");
  run.with_event({{"name", "inngest/function.invoked"}, {"data", {{"neither", 1}}}});
  const auto reply = run.discover();
  CHECK(reply.status == 400);
  CHECK_THAT(reply.text, Catch::Matchers::ContainsSubstring("data.nodes: expected array") &&
                             Catch::Matchers::ContainsSubstring("data.id: expected string"));
}

TEST_CASE("with several events, the name decides even if another type would fit too", "[event][serve]") {
  auto app = support::quiet_client();
  auto f = app.create_function({.id = "f"}, inngest::on<event_shop::plain, event_shop::placed>(),
                               [](auto& ctx) { return std::string(ctx.event.name()); });
  support::run_driver run(f);
  run.with_event({{"name", "shop/order.placed"}, {"data", {{"id", "1"}, {"total", 1}}}});
  CHECK(run.discover().text == R"("shop/order.placed")");
  run.with_event({{"data", {{"id", "1"}, {"total", "misfit"}}}, {"name", "shop/order.placed"}});
  CHECK(run.discover().body().at("message") == "data.total: expected integer, found string");
}

TEST_CASE("a pattern triggers on events of other names", "[event][serve]") {
  auto app = support::quiet_client();
  auto f = app.create_function({.id = "f"}, inngest::on<event_shop::any_order>(),
                               [](auto& ctx) { return ctx.event.data.at("id"); });
  support::run_driver run(f);
  run.with_event({{"name", "shop/order.shipped"}, {"data", {{"id", "7"}}}});
  CHECK(run.discover().text == R"("7")");
}

TEST_CASE("a scheduled function is given its schedule", "[event][serve]") {
  auto app = support::quiet_client();
  auto f = app.create_function({.id = "f"}, inngest::cron("0 4 * * 0"),
                               [](auto& ctx) { return ctx.event.data.cron.value_or("none"); });
  support::run_driver run(f);
  run.with_event({{"name", "inngest/scheduled.timer"}, {"data", {{"cron", "0 4 * * 0"}}}});
  CHECK(run.discover().text == R"("0 4 * * 0")");
  run.with_event({{"name", "inngest/scheduled.timer"}});
  CHECK(run.discover().text == R"("none")");
}

TEST_CASE("triggers join, and an event type that comes twice is one alternative", "[event][trigger]") {
  const auto joined =
      inngest::any_of(inngest::on<event_shop::placed>({.expression = "event.data.total > 3"}),
                      inngest::cron("0 4 * * 0"), inngest::on<event_shop::placed, event_shop::cancelled>());
  static_assert(
      std::is_same_v<std::decay_t<decltype(joined)>,
                     inngest::trigger<event_shop::placed, inngest::scheduled_timer, event_shop::cancelled>>);
  REQUIRE(joined.definitions.size() == 4);
  CHECK(joined.definitions[0].expression == "event.data.total > 3");
  CHECK(joined.definitions[1].cron == "0 4 * * 0");
  CHECK(joined.definitions[2].event == "shop/order.placed");
  CHECK(joined.definitions[3].event == "shop/order.cancelled");
  CHECK(inngest::any_of(inngest::on<event_shop::placed>()).definitions.size() == 1);
}

TEST_CASE("a map is data too", "[event]") {
  CHECK(any_event(event_shop::labelled{{{"a", 1}}}).text() == R"({"name":"shop/labelled","data":{"a":1}})");
}

TEST_CASE("a recursive payload nested too deeply is refused once, not fatal", "[event][serve][depth]") {
  auto app = support::quiet_client();
  auto f = app.create_function({.id = "f"}, inngest::on<event_shop::plain>(), [](auto&) {});
  inngest::handler handler(app, {f});
  std::string deep;
  for (int i = 0; i < 50'000; ++i) deep += R"({"a":[)";
  std::string closed = deep;
  for (int i = 0; i < 50'000; ++i) closed += "]}";
  const auto call = [&](const std::string& data) {
    return handler(support::post(
        "app-f", R"({"event":{"name":"shop/plain","data":)" + data + R"(},"steps":{},"ctx":{}})"));
  };
  const auto reply = call(closed);
  CHECK(reply.status == 400);
  CHECK_THAT(reply.body, Catch::Matchers::ContainsSubstring("nested deeper than"));
  CHECK(call(deep).status == 400);
}

TEST_CASE("an event of plain JSON that was given no data is sent with an empty object", "[event]") {
  CHECK(inngest::any_event(inngest::event<"test/empty">{}).text() == R"({"name":"test/empty","data":{}})");
}
