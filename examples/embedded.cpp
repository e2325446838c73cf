// A function on the embedded engine, in one process without a server. It retries, waits for an event, sleeps,
// and prints its timeline.
// clang-format off

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>

#include <inngest/embedded.hpp>
#include <inngest/inngest.hpp>

using namespace std::chrono_literals;

struct Order { std::string id; int cents = 0; };
INNGEST_FIELDS(Order, id, cents)

using OrderPlaced = inngest::event<"shop/order.placed", Order>;
using OrderPacked = inngest::event<"shop/order.packed", Order>;

int main() {
  inngest::client app{{.id = "shop"}};

  auto fulfil = app.create_function(
      {.id = "fulfil-order", .retries = 2},
      inngest::on<OrderPlaced>(),
      [](inngest::context<OrderPlaced>& ctx) {
        const auto& order = ctx.event.data;
        auto receipt = ctx.step.run("charge-card", [&] {
          if (ctx.attempt == 0) throw std::runtime_error("the bank did not answer");
          return "charged " + std::to_string(order.cents) + " cents";
        });
        auto packed = ctx.step.wait_for_event<OrderPacked>("wait-for-packing", {.timeout = 72h});
        ctx.step.sleep("let-the-courier-come", 100ms);
        return packed ? receipt + ", sent " + packed->data.id : receipt + ", never packed";
      });

  // [engine]
  inngest::embedded::engine engine{app, {fulfil}, {.retry_delay = [](int) { return 50ms; }}};
  const auto sent = engine.send(OrderPlaced{{.id = "o-1", .cents = 4200}});
  const auto run = engine.runs_of(sent.ids.front()).front();
  while (engine.find_run(run.id)->waits_for != "event shop/order.packed")
    std::this_thread::sleep_for(1ms);
  engine.send(OrderPacked{{.id = "o-1"}});
  const auto ended = engine.wait_for(run.id, 1min);
  std::printf("%s", inngest::embedded::format_timeline(ended).c_str());
  // [engine]
  return ended.status == inngest::embedded::run_status::completed ? 0 : 1;
}
