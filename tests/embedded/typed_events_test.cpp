#include <inngest/inngest.hpp>
#include <inngest/testing.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "catch.hpp"

// Names on the wire, types of the standard library, and keys and matches by members, through the engine.

namespace typed_events {

struct card {
  std::string number;
};
INNGEST_FIELDS(card, number)
struct transfer {
  std::string iban;
};
INNGEST_FIELDS(transfer, iban)
using method = std::variant<card, transfer>;
INNGEST_VARIANT(method, "kind", "card", "transfer")

struct order {
  std::string order_id{};
  std::string customer_name{};
  std::chrono::sys_time<std::chrono::milliseconds> placed_at{};
  std::optional<typed_events::method> paid_by{};
};
INNGEST_CAMEL_FIELDS(order, order_id, customer_name, placed_at, (paid_by, "paid-by"))
struct refund {
  std::string of_order{};
  int cents = 0;
};
INNGEST_CAMEL_FIELDS(refund, of_order, cents)

using placed = inngest::event<"order/placed", order>;
using refunded = inngest::event<"order/refunded", refund>;
using used = inngest::event<"method/used", method>;

}  // namespace typed_events

namespace {

using namespace std::chrono_literals;
using namespace typed_events;
using inngest::testing::harness;

inngest::client make_client() {
  return inngest::client({.id = "app",
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

}  // namespace

TEST_CASE("a wait's match by members compares two members of two types", "[scheduling][typed]") {
  const auto app = make_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<placed>(), [](inngest::context<placed>& ctx) {
    const auto found = ctx.step.wait_for_event<refunded>(
        "wait", {.timeout = 1h, .match = inngest::same<&order::order_id, &refund::of_order>});
    return found ? found->data.cents : -1;
  });
  harness t{app, {f}};
  const auto a = t.send(placed{{.order_id = "a"}});
  const auto b = t.send(placed{{.order_id = "b"}});
  t.send(refunded{{.of_order = "b", .cents = 5}});
  CHECK(b.output<int>() == 5);
  CHECK(a.waiting_on() == "wait");
}

TEST_CASE("cancel_on by members cancels the run of the same order", "[scheduling][typed]") {
  const auto app = make_client();
  const auto f = app.create_function(
      {.id = "f",
       .cancel_on = {{.event = "order/refunded",
                      .match = inngest::same<&order::order_id, &refund::of_order>}}},
      inngest::on<placed>(), [](inngest::context<placed>& ctx) { ctx.step.sleep("long", 1h); });
  harness t{app, {f}};
  const auto a = t.send(placed{{.order_id = "a"}});
  const auto b = t.send(placed{{.order_id = "b"}});
  t.send(refunded{{.of_order = "b"}});
  CHECK(b.cancelled());
  CHECK_FALSE(a.cancelled());
}

TEST_CASE("keys by members separate runs by the names on the wire", "[scheduling][typed]") {
  const auto app = make_client();
  const auto once = app.create_function({.id = "once", .idempotency = inngest::key<&order::customer_name>},
                                        inngest::on<placed>(), [](inngest::context<placed>&) {});
  const auto by_method =
      app.create_function({.id = "by-method", .idempotency = inngest::key<&order::paid_by>},
                          inngest::on<placed>(), [](inngest::context<placed>&) {});
  harness t{app, {once, by_method}};
  for (const char* customer : {"ann", "bob", "ann"}) {
    const method paid_by = customer[0] == 'a' ? method(card{"1"}) : method(transfer{"CH1"});
    t.send_to_all(placed{{.order_id = "o", .customer_name = customer, .paid_by = paid_by}});
  }
  CHECK(t.runs_of(once).size() == 2);
  CHECK(t.runs_of(by_method).size() == 2);
}

TEST_CASE("a variant is an event's data, and expressions see its members", "[scheduling][typed]") {
  const auto app = make_client();
  const auto f =
      app.create_function({.id = "f"}, inngest::on<used>({.expression = "event.data.kind == 'card'"}),
                          [](inngest::context<used>& ctx) { return ctx.event.data; });
  harness t{app, {f}};
  CHECK(t.send_to_all(used{transfer{"CH1"}}).empty());
  const auto run = t.send(used{card{"42"}});
  CHECK(std::get<card>(run.output<method>()).number == "42");
  CHECK(run.output<inngest::json>() == inngest::json{{"kind", "card"}, {"number", "42"}});
}

TEST_CASE("times, bytes and spans pass through steps", "[scheduling][typed]") {
  using bytes = std::vector<std::byte>;
  const auto app = make_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<placed>(), [](inngest::context<placed>& ctx) {
    const auto later = ctx.step.run("later", [&] { return ctx.event.data.placed_at + 90min; });
    const std::vector<int> numbers = {1, 2, 3};
    const int sum = ctx.step.run(
        "sum", [](std::vector<int> all) { return all[0] + all[1] + all[2]; }, std::span<const int>(numbers));
    const auto picture = ctx.step.run("picture", [] { return inngest::base64{bytes{std::byte{7}}}; });
    ctx.step.sleep_until("wait", later);
    return order{.order_id = std::to_string(sum + static_cast<int>(picture.bytes.at(0))), .placed_at = later};
  });
  harness t{app, {f}};
  const auto start = t.now();
  const auto run = t.send(placed{{.order_id = "a", .placed_at = start}});
  CHECK(run.waiting_on() == "wait");
  t.advance(90min);
  const auto result = run.output<order>();
  CHECK(result.order_id == "13");
  CHECK(result.placed_at == start + 90min);
}
