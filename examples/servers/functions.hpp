#pragma once

// The functions of all example servers. They don't depend on the HTTP framework.

#include <chrono>
#include <string>
#include <vector>

#include <inngest/inngest.hpp>

struct Order {
  std::string id;
  std::string customer;
};
INNGEST_FIELDS(Order, id, customer)

using OrderPlaced = inngest::event<"shop/order.placed", Order>;

inline std::vector<inngest::any_function> functions(const inngest::client& app) {
  return {app.create_function({.id = "confirm-order", .name = "Confirm an order"}, inngest::on<OrderPlaced>(),
                              [](inngest::context<OrderPlaced>& ctx) {
                                const Order& order = ctx.event.data;
                                ctx.step.sleep("time-to-cancel", std::chrono::seconds(10));
                                return ctx.step.run("send-mail", [&] {
                                  return "Thank you for " + order.id + ", " + order.customer + "!";
                                });
                              })};
}
