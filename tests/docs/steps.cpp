// Code of docs/steps.md.

#include <chrono>
#include <string>

#include <inngest/inngest.hpp>

using namespace std::chrono_literals;

namespace docs::steps {

struct Order { std::string id; };
INNGEST_FIELDS(Order, id)
using Ordered = inngest::event<"shop/ordered", Order>;

std::string charge(const Order& order, const inngest::stop_token& stop);

void options(inngest::context<Ordered>& ctx, const Order& order) {
  // [options]
  ctx.step.run({.id = "charge",
                .name = "Charge the card",
                .retries = 2,                                       // fewer than the function's
                .backoff = [](int attempt) { return 30s * (attempt + 1); },
                .deadline = 20s},
               [&](inngest::stop_token stop) { return charge(order, stop); });
  // [options]
}

}  // namespace docs::steps
