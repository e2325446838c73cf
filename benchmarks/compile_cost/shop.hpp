#pragma once

// Six functions of a shop, as a new user writes them: for app.cpp and its test.

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <inngest/inngest.hpp>

namespace shop {

using namespace std::chrono_literals;

struct line {
  std::string article;
  int count = 1;
};
INNGEST_FIELDS(line, article, count)
struct order {
  std::string id, customer;
  std::vector<line> lines;
  int cents = 0;
};
INNGEST_FIELDS(order, id, customer, lines, cents)
struct parcel {
  std::string order;
  std::optional<std::string> carrier;
};
INNGEST_FIELDS(parcel, order, carrier)
struct receipt {
  std::string status;
  int cents = 0;
};
INNGEST_FIELDS(receipt, status, cents)

using order_placed = inngest::event<"shop/order.placed", order>;
using order_packed = inngest::event<"shop/order.packed", parcel>;
using order_sent = inngest::event<"shop/order.sent", parcel>;

inline int price_of(const line& one) { return 100 * one.count; }

inline std::vector<inngest::any_function> functions(inngest::client& app) {
  auto charge = app.create_function({.id = "charge", .retries = 2}, inngest::on<order_placed>(),
                                    [](inngest::context<order_placed>& ctx) {
                                      const auto& placed = ctx.event.data;
                                      const int sum = ctx.step.run("sum", [&] {
                                        int cents = 0;
                                        for (const line& one : placed.lines) cents += price_of(one);
                                        return cents;
                                      });
                                      return receipt{.status = "charged", .cents = sum};
                                    });
  auto fulfil = app.create_function(
      {.id = "fulfil", .concurrency = {{.limit = 5, .key = "event.data.customer"}}},
      inngest::on<order_placed>(), [charge](inngest::context<order_placed>& ctx) {
        const auto paid = ctx.step.invoke("charge", charge, ctx.event.data);
        const auto packed = ctx.step.wait_for_event<order_packed>(
            "wait-for-packing", {.timeout = 72h, .expression = "async.data.order == event.data.id"});
        if (!packed) return receipt{.status = "never packed"};
        ctx.step.send_event("tell", order_sent{{.order = ctx.event.data.id, .carrier = "post"}});
        return receipt{.status = "sent", .cents = paid.cents};
      });
  auto pack = app.create_function(
      {.id = "pack"}, inngest::on<order_placed>(), [](inngest::context<order_placed>& ctx) {
        const auto labels = ctx.group.parallel(ctx.event.data.lines, [&](const line& one) {
          return ctx.step.run("label-" + one.article, [&] { return one.article + " label"; });
        });
        ctx.step.sleep("dry", 1s);
        return labels;
      });
  auto notify =
      app.create_function({.id = "notify", .throttle = inngest::throttle{.limit = 10, .period = 1min}},
                          inngest::on<order_sent>(), [](inngest::context<order_sent>& ctx) {
                            return ctx.step.run("mail", [&] {
                              if (ctx.attempt == 0) throw std::runtime_error("no mail server");
                              return "mailed about " + ctx.event.data.order;
                            });
                          });
  auto clean = app.create_function(
      {.id = "clean"}, inngest::cron("0 4 * * *"),
      [](inngest::context<inngest::scheduled_timer>& ctx) { ctx.step.run("remove", [] { return 3; }); });
  auto count =
      app.create_function({.id = "count", .batch = inngest::batch{.max_size = 10, .timeout = 5s}},
                          inngest::on<order_sent>(), [](inngest::context<order_sent>& ctx) {
                            return ctx.step.run("count", [&] { return static_cast<int>(ctx.events.size()); });
                          });
  return {charge, fulfil, pack, notify, clean, count};
}

}  // namespace shop
