// Code of docs/expressions.md.

#include <chrono>
#include <string>

#include <inngest/expression/evaluation.hpp>
#include <inngest/inngest.hpp>

using namespace std::chrono_literals;

namespace docs::expressions {

struct Customer { std::string id; };
INNGEST_FIELDS(Customer, id)
struct Order { std::string id, customer_id, plan; Customer customer; double total = 0; bool test = false; };
INNGEST_CAMEL_FIELDS(Order, id, customer_id, plan, customer, total, test)
struct Payment { std::string id; };
INNGEST_FIELDS(Payment, id)
struct Refund { std::string order_id; };
INNGEST_CAMEL_FIELDS(Refund, order_id)
using Ordered = inngest::event<"shop/ordered", Order>;
using Paid = inngest::event<"shop/paid", Payment>;

void texts(const inngest::client& app) {
  // [options]
  auto charge = app.create_function(
      {.id = "charge",
       .concurrency = {{.limit = 5, .key = "event.data.customerId"}},
       .priority = "event.data.plan == 'enterprise' ? 120 : 0",
       .cancel_on = {{.event = "order/cancelled", .expression = "event.data.id == async.data.id"}}},
      inngest::on<Ordered>({.expression = "event.data.total > 100.0 && event.data.test != true"}),
      [](inngest::context<Ordered>& ctx) { /* ... */ });
  // [options]
}

void members(const inngest::client& app) {
  // [members]
  auto charge = app.create_function(
      {.id = "charge",
       .concurrency = {{.limit = 5, .key = inngest::key<&Order::customer_id>}},  // event.data.customerId
       .idempotency = inngest::key<&Order::customer, &Customer::id>,             // event.data.customer.id
       .cancel_on = {{.event = "order/refunded", .match = inngest::same<&Order::id, &Refund::order_id>}}},
      inngest::on<Ordered>(), [](inngest::context<Ordered>& ctx) {
        ctx.step.wait_for_event<Paid>("paid", {.timeout = 72h, .match = inngest::same<&Order::id>});
      });
  // [members]
}

void evaluation() {
  // [evaluation]
  #include <inngest/expression/evaluation.hpp>

  const inngest::expression adult("event.data.age >= 18");
  const bool is_adult = inngest::holds(adult, {{"event", {{"data", {{"age", 42}}}}}});  // true; false if evaluation fails

  const inngest::expression rule("user.age + 1", inngest::expression_names::any);
  const inngest::json sum =
      inngest::evaluate(rule, {{"user", {{"age", 42}}}}, inngest::missing_fields::are_errors);  // json 43
  // [evaluation]
}

}  // namespace docs::expressions
