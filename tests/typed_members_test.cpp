#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <inngest/members.hpp>
#include <inngest/topic.hpp>

#include "catch.hpp"
#include "support/handler_driver.hpp"
#include "support/message_of.hpp"

// Keys, matches and topics as types.

namespace typed_members {

struct customer {
  std::string user_id;
};
INNGEST_CAMEL_FIELDS(customer, user_id)

struct order {
  std::string order_id;
  std::optional<customer> bought_by;
  int total_cents = 0;
  std::string media_type;
  std::string in;
};
INNGEST_CAMEL_FIELDS(order, order_id, bought_by, total_cents, (media_type, "media-type"), in)

struct payment {
  std::string order_id;
  std::string payer;
};
INNGEST_CAMEL_FIELDS(payment, order_id, payer)

using placed = inngest::event<"order/placed", order>;
using paid = inngest::event<"order/paid", payment>;
using anything = inngest::event<"order/anything">;

struct card {
  std::string number;
  customer owner;
};
INNGEST_FIELDS(card, number, owner)
struct transfer {
  std::string iban;
  std::string owner;
};
INNGEST_FIELDS(transfer, iban, owner)
using method = std::variant<card, transfer>;
INNGEST_VARIANT(method, "kind", "card", "transfer")
using charged = inngest::event<"order/charged", method>;

struct times {
  std::chrono::sys_seconds at{};
  std::chrono::milliseconds took{};
  std::vector<std::byte> content;
};
INNGEST_FIELDS(times, at, took, (content, inngest::as_base64))
using timed = inngest::event<"order/timed", times>;

struct progress_data {
  int done_percent = 0;
};
INNGEST_CAMEL_FIELDS(progress_data, done_percent)
using progress = inngest::topic<"progress", progress_data>;

}  // namespace typed_members

namespace {

using namespace std::chrono_literals;
using namespace typed_members;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using support::message_of;

template <class... Events>
std::string refused(inngest::function_options options) {
  return message_of<inngest::configuration_error>([&] {
    static_cast<void>(
        support::quiet_client().create_function(std::move(options), inngest::on<Events...>(), [](auto&) {}));
  });
}

const std::string taken = "(no exception)";

}  // namespace

TEST_CASE("a key by member has the member's name on the wire", "[members][typed]") {
  CHECK(std::string(inngest::key<&order::order_id>) == "event.data.orderId");
  CHECK(std::string(inngest::key<&order::bought_by, &customer::user_id>) == "event.data.boughtBy.userId");
  CHECK(std::string(inngest::key<&order::media_type>) == "event.data[\"media-type\"]");
  CHECK(std::string(inngest::key<&order::in>) == "event.data[\"in\"]");
}

TEST_CASE("every option with a key takes a member", "[members][typed]") {
  CHECK(refused<placed>({.id = "f",
                         .concurrency = {{.limit = 1, .key = inngest::key<&order::order_id>}},
                         .throttle = inngest::throttle{.period = 1s, .key = inngest::key<&order::media_type>},
                         .debounce = inngest::debounce{.period = 1s, .key = inngest::key<&order::in>},
                         .singleton = inngest::singleton{.key = inngest::key<&order::total_cents>},
                         .idempotency = inngest::key<&order::bought_by, &customer::user_id>}) == taken);
  CHECK(refused<placed>({.id = "f",
                         .rate_limit = inngest::rate_limit{.period = 1s,
                                                           .key = inngest::key<&order::order_id>}}) == taken);
  CHECK(refused<placed>(
            {.id = "f", .batch = inngest::batch{.timeout = 1s, .key = inngest::key<&order::order_id>}}) ==
        taken);
}

TEST_CASE("a member of another event's type is refused when the function is created", "[members][typed]") {
  CHECK_THAT(
      refused<paid>({.id = "f", .idempotency = inngest::key<&order::total_cents>}),
      ContainsSubstring("idempotency (event.data.totalCents): event.data has no member \"totalCents\": it "
                        "has orderId, payer"));
}

TEST_CASE("expressions know the members of a variant and the forms of times and bytes", "[members][typed]") {
  const auto expression = [](auto trigger) {
    return message_of<inngest::configuration_error>([&] {
      static_cast<void>(
          support::quiet_client().create_function({.id = "f"}, std::move(trigger), [](auto&) {}));
    });
  };
  for (const char* good :
       {"event.data.kind == 'card'", "event.data.number == '1'", "event.data.owner.anything == 1"})
    CHECK(expression(inngest::on<charged>({.expression = good})) == taken);
  CHECK_THAT(expression(inngest::on<charged>({.expression = "event.data.nummer == '1'"})),
             ContainsSubstring("event.data has no member \"nummer\" (did you mean \"number\"?): it has kind, "
                               "number, owner, iban"));
  CHECK(expression(inngest::on<timed>({.expression = "event.data.at > '2026' && event.data.took > 5"})) ==
        taken);
  CHECK_THAT(expression(inngest::on<timed>({.expression = "event.data.content.size == 1"})),
             ContainsSubstring("event.data.content has no member \"size\": it is a text"));
  CHECK_THAT(expression(inngest::on<timed>({.expression = "event.data.took.ms == 1"})),
             ContainsSubstring("it is a number"));
}

TEST_CASE("a match by members compares them by their names on the wire", "[members][typed]") {
  const inngest::event_match one = inngest::same<&order::order_id>;
  CHECK(one.of_event() == "data.orderId");
  CHECK(one.of_async() == "data.orderId");
  CHECK(one.text() == "data.orderId");
  const inngest::event_match two =
      inngest::same<inngest::key<&order::bought_by, &customer::user_id>, &payment::payer>;
  CHECK(two.of_event() == "data.boughtBy.userId");
  CHECK(two.of_async() == "data.payer");
  CHECK(two.text() == "data.boughtBy.userId == data.payer");
  const inngest::event_match text = "data.orderId";
  CHECK(text.of_async() == "data.orderId");
  CHECK(inngest::event_match().empty());
}

TEST_CASE("a wait's match by members is part of its expression", "[members][typed]") {
  const auto expression_of = [](inngest::event_match match) {
    const auto f = support::quiet_client().create_function(
        {.id = "f"}, inngest::on<placed>(), [match](inngest::context<placed>& ctx) {
          ctx.step.wait_for_event<paid>("paid", {.timeout = 1h, .match = match});
        });
    support::run_driver run(f);
    run.request.event = {{"name", "order/placed"},
                         {"data", {{"orderId", "o"}, {"totalCents", 1}, {"media-type", ""}, {"in", ""}}},
                         {"id", "e"}};
    const auto reply = run.discover();
    return reply.status == 206 ? reply.op().at("opts").at("if").get<std::string>()
                               : reply.body().at("message").get<std::string>();
  };
  CHECK(expression_of(inngest::same<&order::order_id>) == "event.data.orderId == async.data.orderId");
  CHECK(expression_of(inngest::same<&order::order_id, &payment::payer>) ==
        "event.data.orderId == async.data.payer");
  CHECK(expression_of(inngest::same<&order::media_type, &payment::payer>) ==
        "event.data[\"media-type\"] == async.data.payer");
  CHECK_THAT(expression_of(inngest::same<&order::media_type>),
             ContainsSubstring("async.data has no member \"media-type\""));
}

TEST_CASE("cancel_on takes a match by members", "[members][typed]") {
  const auto cancelled_by = [](inngest::event_match match) {
    return refused<placed, paid>({.id = "f", .cancel_on = {{.event = "order/paid", .match = match}}});
  };
  CHECK(cancelled_by(inngest::same<&payment::order_id>) == taken);
  CHECK(cancelled_by(inngest::same<&order::order_id, &payment::payer>) == taken);
  CHECK_THAT(cancelled_by(inngest::same<&order::media_type>),
             ContainsSubstring("the match of cancel_on \"order/paid\""));
  const auto f = support::quiet_client().create_function(
      {.id = "f",
       .cancel_on = {{.event = "order/paid", .match = inngest::same<&order::order_id, &payment::payer>}}},
      inngest::on<placed>(), [](auto&) {});
  static_cast<void>(f);
}

TEST_CASE("a topic carries its name and the type of its messages", "[typed]") {
  auto options = support::quiet_options();
  const auto transport = std::make_shared<support::fake_transport>(
      [](const inngest::http::request&) { return inngest::http::response{.status = 200, .body = "{}"}; });
  options.transport = transport;
  const inngest::client app(options);
  app.publish<progress>("import:1", {.done_percent = 40});
  const auto sent = transport->requests();
  REQUIRE(sent.size() == 1);
  CHECK_THAT(sent[0].url, ContainsSubstring("topic=progress"));
  CHECK(json::parse(sent[0].body) == json{{"donePercent", 40}});
}

TEST_CASE("a step publishes to a topic by its type", "[typed]") {
  auto options = support::quiet_options();
  const auto transport = std::make_shared<support::fake_transport>(
      [](const inngest::http::request&) { return inngest::http::response{.status = 200, .body = "{}"}; });
  options.transport = transport;
  const auto f = support::quiet_client().create_function(
      {.id = "f"}, inngest::on<anything>(), [](inngest::context<anything>& ctx) {
        ctx.step.publish<progress>("report", "import:1", {.done_percent = 40});
      });
  support::run_driver run(f, options);
  static_cast<void>(run.discover());
  const auto sent = transport->requests();
  REQUIRE(sent.size() == 1);
  CHECK_THAT(sent[0].url, ContainsSubstring("topic=progress"));
  CHECK(json::parse(sent[0].body) == json{{"donePercent", 40}});
}

TEST_CASE("a blank name of a signal, channel or topic is refused before anything is sent", "[typed]") {
  const auto transport = std::make_shared<support::fake_transport>();
  auto options = support::quiet_options();
  options.transport = transport;
  const inngest::client app(options);
  const auto problem = [](const auto& call) { return message_of<inngest::payload_error>(call); };
  for (const char* blank : {"", " ", "\t\n"}) {
    CHECK(problem([&] { static_cast<void>(app.send_signal(blank)); }) ==
          "the name of a signal must not be empty or blank");
    CHECK(problem([&] { app.publish(blank, "topic", 1); }) == "the channel must not be empty or blank");
    CHECK(problem([&] { app.publish("channel", blank, 1); }) == "the topic must not be empty or blank");
  }
  CHECK(transport->requests().empty());
  const auto f =
      app.create_function({.id = "f"}, inngest::on<anything>(), [](inngest::context<anything>& ctx) {
        static_cast<void>(ctx.step.wait_for_signal("wait", {.signal = " ", .timeout = 1h}));
      });
  support::run_driver run(f);
  const auto reply = run.discover();
  CHECK(reply.header("x-inngest-no-retry") == "true");
  CHECK_THAT(reply.text, ContainsSubstring("the name of a signal must not be empty or blank"));
}
