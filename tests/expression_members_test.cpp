#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <inngest/serve.hpp>

#include "catch.hpp"
#include "support/handler_driver.hpp"
#include "support/message_of.hpp"

// Expressions that ask for members which the events' types do not have.

namespace members {

struct item {
  std::string sku;
  int count = 0;
};
INNGEST_FIELDS(item, sku, count)

struct category {
  std::string title;
  std::vector<category> children;
};
INNGEST_FIELDS(category, title, children)

struct open {
  std::string id;
  inngest::extra_fields rest;
};
INNGEST_FIELDS(open, id, rest)

struct money {
  long cents = 0;
};
inline void to_json(inngest::json& out, const money& value) { out = {{"amount", value.cents}}; }
inline void from_json(const inngest::json& in, money& value) { value.cents = in.at("amount"); }

enum class color { red, green };
INNGEST_ENUM(color, {color::red, "red"}, {color::green, "green"})

struct order {
  std::string orderId;
  std::optional<item> first;
  std::vector<item> items;
  std::map<std::string, item> by_sku;
  std::tuple<int, item> pair;
  inngest::json raw;
  category tree;
  open more;
  money total;
  color paint = color::red;
  double weight = 0;
};
INNGEST_FIELDS(order, orderId, first, items, by_sku, pair, raw, tree, more, total, paint, weight)

struct refund {
  std::string refundId;
  std::string orderId;
};
INNGEST_FIELDS(refund, refundId, orderId)

using placed = inngest::event<"order/placed", order>;
using refunded = inngest::event<"order/refunded", refund>;
using anything = inngest::event<"order/anything">;

}  // namespace members

namespace {

using namespace std::chrono_literals;
using namespace members;
using Catch::Matchers::ContainsSubstring;
using inngest::function_options;
using support::message_of;
using support::run_driver;

const std::string taken = "(no exception)";

template <class... Events>
std::string refused(function_options options, inngest::trigger<Events...> trigger) {
  return message_of<inngest::configuration_error>([&] {
    static_cast<void>(
        support::quiet_client().create_function(std::move(options), std::move(trigger), [](auto&) {}));
  });
}

/// Of a key, which any expression may be.
template <class... Events>
std::string key_refused(std::string key) {
  return refused({.id = "f", .concurrency = {{.limit = 1, .key = std::move(key)}}}, inngest::on<Events...>());
}

}  // namespace

TEST_CASE("a member that the event's type does not have is refused, with those that it has", "[members]") {
  CHECK(key_refused<refunded>("event.data.orderID") ==
        "function \"f\": concurrency.key (event.data.orderID): event.data has no member \"orderID\" (did you "
        "mean \"orderId\"?): it has refundId, orderId, at column 12");
  CHECK_THAT(key_refused<refunded>("event.data.order_id"), ContainsSubstring("did you mean \"orderId\"?"));
  CHECK_THAT(key_refused<refunded>("event.data.refundid"), ContainsSubstring("did you mean \"refundId\"?"));
  CHECK_THAT(key_refused<refunded>("event.data.customer"),
             ContainsSubstring("no member \"customer\": it has refundId, orderId, at column 12"));
  CHECK_THAT(key_refused<refunded>("event.dat.orderId"),
             ContainsSubstring("event has no member \"dat\" (did you mean \"data\"?): it has data, id, meta, "
                               "name, ts, user, v, at column 7"));
  CHECK(key_refused<refunded>("event.data.orderId") == taken);
  CHECK(key_refused<refunded>("event.user.anything + event.id + event.name + string(event.ts)") == taken);
}

TEST_CASE("members of members are known as far as types tell", "[members]") {
  for (const char* good : {"event.data.first.sku",
                           "event.data.items[0].sku",
                           "event.data.items[int(event.data.weight)].count",
                           "event.data.by_sku.anything.count",
                           "event.data.by_sku['any thing'].sku",
                           "event.data.pair[1].whatever",
                           "event.data.raw.a.b[0].c",
                           "event.data.tree.children[0].children[1].title",
                           "event.data.more.whatever",
                           "event.data.total.amount",
                           "event.data['orderId']",
                           "event['data'].orderId",
                           "event.data.items.exists(i, i.sku == 'a')",
                           "event.data.items.filter(i, i.count > 1)[0].sku",
                           "event.data.by_sku.all(k, k != 'a')",
                           "event.data.items.map(i, {'x': i.sku})[0].y",
                           "has(event.data.first.sku)",
                           "event.data.paint == 'red'",
                           "size(event.data.items) + int(event.data.weight)",
                           "event.data.orderId.startsWith('a') || event.data.items.size() > 1",
                           "event.data._inngest.fn_id"}) {
    CAPTURE(good);
    CHECK(key_refused<placed>(good) == taken);
  }
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"event.data.first.skus",
       "event.data.first has no member \"skus\" (did you mean \"sku\"?): it has sku, "
       "count, at column 18"},
      {"event.data.items[0].name",
       "event.data.items[] has no member \"name\": it has sku, count, at column 21"},
      {"event.data.items.sku", "event.data.items has no member \"sku\": it is a list, at column 18"},
      {"event.data.by_sku.a.skuu", "event.data.by_sku.a has no member \"skuu\" (did you mean \"sku\"?)"},
      {"event.data.by_sku['a'].skuu", "event.data.by_sku.a has no member \"skuu\""},
      {"event.data.tree.children[0].children[1].titel", "(did you mean \"title\"?)"},
      {"event.data.orderId.x", "event.data.orderId has no member \"x\": it is a text, at column 20"},
      {"event.data.weight.kg", "event.data.weight has no member \"kg\": it is a number"},
      {"event.data.paint.name", "event.data.paint has no member \"name\": it is a text"},
      {"event.data['orderid']", "event.data has no member \"orderid\" (did you mean \"orderId\"?)"},
      {"event.data.items.exists(i, i.skew == 'a')", "event.data.items[] has no member \"skew\""},
      {"event.data.items.filter(i, i.count > 1)[0].skus", "event.data.items[] has no member \"skus\""},
      {"has(event.data.first.skus)", "event.data.first has no member \"skus\""},
      {"[event.data.orderId, {'a': event.data.orderid}]", "no member \"orderid\""},
      {"event.data.weight > 1.0 ? event.data.orderId : event.data.oderId", "did you mean \"orderId\"?"}};
  for (const auto& [expression, problem] : bad) {
    CAPTURE(expression);
    CHECK_THAT(key_refused<placed>(expression), ContainsSubstring(problem));
  }
  // a macro's variable may be called as the event is
  CHECK(key_refused<placed>("event.data.items.exists(event, event.sku == 'a')") == taken);
}

TEST_CASE("with several events it is enough that any has the member", "[members]") {
  CHECK((key_refused<placed, refunded>("event.data.refundId")) == taken);
  CHECK((key_refused<placed, refunded>("event.data.first.sku")) == taken);
  CHECK_THAT((key_refused<placed, refunded>("event.data.refund")),
             ContainsSubstring("did you mean \"refundId\"?") && ContainsSubstring("orderId, first, items") &&
                 ContainsSubstring("weight, refundId"));
  CHECK((key_refused<refunded, anything>("event.data.whatever")) == taken);
  // both triggers of on<A, B> have the one expression, but a trigger's own is about its own event
  CHECK(refused({.id = "f"}, inngest::on<placed, refunded>({.expression = "event.data.refundId == 'a'"})) ==
        taken);
  CHECK_THAT(
      refused({.id = "f"}, inngest::any_of(inngest::on<placed>({.expression = "event.data.refundId == 'a'"}),
                                           inngest::on<refunded>())),
      ContainsSubstring("the expression of trigger \"order/placed\" (event.data.refundId == 'a'): "
                        "event.data has no member \"refundId\""));
}

TEST_CASE("every option with an expression is looked through", "[members]") {
  const std::string wrong = "event.data.id";
  const auto refused_by = [](function_options options, const std::string& option) {
    CHECK_THAT(refused(std::move(options), inngest::on<refunded>()),
               ContainsSubstring("function \"f\": " + option + " (") &&
                   ContainsSubstring("event.data has no member \"id\""));
  };
  refused_by({.id = "f", .concurrency = {{.limit = 1, .key = wrong}}}, "concurrency.key");
  refused_by({.id = "f", .throttle = inngest::throttle{.period = 1s, .key = wrong}}, "throttle.key");
  refused_by({.id = "f", .rate_limit = inngest::rate_limit{.period = 1s, .key = wrong}}, "rate_limit.key");
  refused_by({.id = "f", .debounce = inngest::debounce{.period = 1s, .key = wrong}}, "debounce.key");
  refused_by({.id = "f", .batch = inngest::batch{.timeout = 1s, .key = wrong}}, "batch.key");
  refused_by({.id = "f", .batch = inngest::batch{.timeout = 1s, .condition = wrong + " == 1"}},
             "batch.condition");
  refused_by({.id = "f", .singleton = inngest::singleton{.key = wrong}}, "singleton.key");
  refused_by({.id = "f", .priority = wrong}, "priority");
  refused_by({.id = "f", .idempotency = wrong}, "idempotency");
  refused_by({.id = "f", .cancel_on = {{.event = "order/gone", .expression = wrong + " == async.data.id"}}},
             "the expression of cancel_on \"order/gone\"");
  refused_by({.id = "f", .cancel_on = {{.event = "order/gone", .match = "data.id"}}},
             "the match of cancel_on \"order/gone\"");
  CHECK_THAT(refused({.id = "f"}, inngest::on<refunded>({.expression = wrong + " == 1"})),
             ContainsSubstring("the expression of trigger \"order/refunded\""));
}

TEST_CASE("a match names a field that both events have, with the place in it", "[members]") {
  const auto match = [](std::string event, std::string field) {
    return refused({.id = "f", .cancel_on = {{.event = std::move(event), .match = std::move(field)}}},
                   inngest::on<refunded>());
  };
  CHECK(match("order/gone", "data.orderID") ==
        "function \"f\": the match of cancel_on \"order/gone\" (data.orderID): event.data has no member "
        "\"orderID\" (did you mean \"orderId\"?): it has refundId, orderId, at column 6");
  CHECK(match("order/gone", "data.orderId") == taken);
  CHECK(match("order/gone", "data['orderId']") == taken);
  CHECK_THAT(match("order/gone", "data.orderId ||"), ContainsSubstring("the match of cancel_on"));
  CHECK_THAT(match("order/gone", "data.orderId == 'a'"),
             ContainsSubstring("a match is a field, such as data.userId, at column 14"));
  CHECK_THAT(match("order/gone", "orderId"), ContainsSubstring("event has no member \"orderId\""));
}

TEST_CASE("a deferred function's data are known, and what the server adds", "[members]") {
  const auto app = support::quiet_client();
  const auto made = [&](std::string key) {
    return message_of<inngest::configuration_error>([&] {
      static_cast<void>(app.create_deferred_function<refund>(
          {.id = "f", .concurrency = {{.limit = 1, .key = std::move(key)}}}, [](auto&) {}));
    });
  };
  CHECK(made("event.data.orderId") == taken);
  CHECK(made("event.data._inngest.parent_run_id") == taken);
  CHECK_THAT(made("event.data.orderid"), ContainsSubstring("did you mean \"orderId\"?"));
}

TEST_CASE("of a schedule's event and of a server's own", "[members]") {
  using failed = inngest::event<"inngest/function.failed", refund>;
  CHECK(key_refused<failed>("event.data.function_id") == taken);
  const auto scheduled = [](std::string key) {
    return refused({.id = "f", .concurrency = {{.limit = 1, .key = std::move(key)}}},
                   inngest::any_of(inngest::on<refunded>(), inngest::cron("0 4 * * *")));
  };
  CHECK(scheduled("event.data.cron") == taken);
  CHECK(scheduled("event.data.orderId") == taken);
  CHECK_THAT(scheduled("event.data.orderid"), ContainsSubstring("did you mean \"orderId\"?"));
}

namespace {

/// The answer to the first call of a function that waits for a refund of its order.
support::answer waiting(inngest::wait_options wait) {
  const auto f = support::quiet_client().create_function({.id = "f"}, inngest::on<refunded>(),
                                                         [wait](inngest::context<refunded>& ctx) {
                                                           ctx.step.run("before", [] { return 1; });
                                                           ctx.step.wait_for_event<placed>("wait", wait);
                                                         });
  run_driver run(f);
  run.request.event = {
      {"name", "order/refunded"}, {"data", {{"refundId", "r"}, {"orderId", "o"}}}, {"id", "e"}};
  run.request.steps[support::hash_of("before")] = {{"type", "data"}, {"data", 1}};
  run.request.stack.push_back(support::hash_of("before"));
  return run.discover();
}

std::string wait_refused(inngest::wait_options wait) {
  const auto reply = waiting(wait);
  if (reply.status == 206) return taken;
  CHECK(reply.status == 400);
  CHECK(reply.header("x-inngest-no-retry") == "true");
  return reply.body().at("message");
}

}  // namespace

TEST_CASE("a wait's expression is checked before anything is sent", "[members]") {
  CHECK(wait_refused({.timeout = 1h, .expression = "event.data.orderId =="}) ==
        "step \"wait\": the expression of its wait (event.data.orderId ==): expected a value after \"==\", "
        "found "
        "the end, at column 22");
  CHECK(wait_refused({.timeout = 1h, .expression = "user.id == 1"}) ==
        "step \"wait\": the expression of its wait (user.id == 1): there is no variable \"user\": an "
        "expression "
        "is over event (and async), at column 1");
  CHECK(wait_refused({.timeout = 1h, .expression = "event.data.orderid == async.data.orderId"}) ==
        "step \"wait\": the expression of its wait (event.data.orderid == async.data.orderId): event.data "
        "has no "
        "member \"orderid\" (did you mean \"orderId\"?): it has refundId, orderId, at column 12");
  CHECK_THAT(wait_refused({.timeout = 1h, .expression = "event.data.orderId == async.data.refundId"}),
             ContainsSubstring("async.data has no member \"refundId\"") && ContainsSubstring("at column 34"));
  CHECK(wait_refused({.timeout = 1h, .expression = "event.data.orderId == async.data.orderId"}) == taken);
}

TEST_CASE("a wait's match is checked for both events before anything is sent", "[members]") {
  CHECK(wait_refused({.timeout = 1h, .match = "data.orderId"}) == taken);
  CHECK(
      wait_refused({.timeout = 1h, .match = "data.oderId"}) ==
      "step \"wait\": the match of its wait (data.oderId): event.data has no member \"oderId\" (did you mean "
      "\"orderId\"?): it has refundId, orderId, at column 6");
  CHECK_THAT(
      wait_refused({.timeout = 1h, .match = "data.refundId"}),
      ContainsSubstring("the match of its wait (data.refundId): async.data has no member \"refundId\""));
  CHECK_THAT(wait_refused({.timeout = 1h, .match = "data."}),
             ContainsSubstring("the match of its wait (data.)"));
}
