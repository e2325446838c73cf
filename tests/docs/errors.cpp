// Code of docs/errors.md.

#include <exception>
#include <string>

#include <inngest/inngest.hpp>

namespace docs::errors {

struct Order { std::string id; };
INNGEST_FIELDS(Order, id)
using Ordered = inngest::event<"shop/ordered", Order>;
void charge(const Order& order);
void mark_failed(const Order& order, const std::string& reason);

void failed_step(inngest::context<Ordered>& ctx, const Order& order) {
  // [failed-step]
  try {
    ctx.step.run("charge", [&] { charge(order); });
  } catch (const std::exception& e) {
    const std::string reason = e.what();
    ctx.step.run("mark-failed", [&] { mark_failed(order, reason); });
    throw;
  }
  // [failed-step]
}

}  // namespace docs::errors
