// A shop with six functions on the embedded engine, for night.sh: its orders are charged, packed, announced,
// booked and reported. Cards without a country break the function `charge`; with --fixed they don't.
//
//     service --file shop.db --port 8288 [--fixed]
//
// The API needs the signing key INNGEST_SIGNING_KEY.

#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/inngest.hpp>
#include <inngest/log/sinks.hpp>

using namespace std::chrono_literals;
namespace embedded = inngest::embedded;

struct Order {
  std::string order, customer, country;
  int cents = 0;
};
INNGEST_FIELDS(Order, order, customer, country, cents)

struct Price {
  int cents = 0, tax = 0;
};
INNGEST_FIELDS(Price, cents, tax)

using OrderPlaced = inngest::event<"shop/order.placed", Order>;
using OrderPaid = inngest::event<"shop/order.paid", Order>;

namespace {

struct settings {
  std::string file = "shop.db";
  int port = 8288;
  bool is_fixed = false;
};

settings read_settings(int count, char** arguments) {
  settings out;
  for (int at = 1; at < count; ++at) {
    const std::string name = arguments[at];
    if (name == "--fixed")
      out.is_fixed = true;
    else if (name == "--file" && at + 1 < count)
      out.file = arguments[++at];
    else if (name == "--port" && at + 1 < count)
      out.port = std::atoi(arguments[++at]);
    else
      throw std::invalid_argument("unknown argument " + name);
  }
  return out;
}

int tax_rate(const std::string& country) {
  if (country == "DE") return 19;
  if (country == "FR") return 20;
  throw std::invalid_argument("there is no tax rate for the country \"" + country + "\"");
}

/// The fault: some cards have no country. The fix uses the shop's country instead.
int tax_rate_of(const Order& order, bool is_fixed) {
  return tax_rate(is_fixed && order.country.empty() ? "DE" : order.country);
}

inngest::any_function charge(const inngest::client& app, bool is_fixed) {
  return app.create_function(
      {.id = "charge", .retries = 1, .tags = {{.name = "customer", .value = "event.data.customer"}}},
      inngest::on<OrderPlaced>(), [is_fixed](inngest::context<OrderPlaced>& ctx) {
        const Order& order = ctx.event.data;
        const auto reserved = ctx.step.run("reserve-goods", [&] { return "shelf " + order.order; });
        const auto price = ctx.step.run("compute-tax", [&] {
          return Price{.cents = order.cents, .tax = order.cents * tax_rate_of(order, is_fixed) / 100};
        });
        ctx.step.run("charge-card", [&] { return price.cents + price.tax; });
        ctx.step.send_event("announce", OrderPaid{order});
        return reserved;
      });
}

/// A function with one step for each paid order.
inngest::any_function for_paid_orders(const inngest::client& app, const std::string& id,
                                      const std::string& step) {
  return app.create_function({.id = id, .tags = {{.name = "customer", .value = "event.data.customer"}}},
                             inngest::on<OrderPaid>(), [step](inngest::context<OrderPaid>& ctx) {
                               return ctx.step.run(step, [&] { return step + " " + ctx.event.data.order; });
                             });
}

std::vector<inngest::any_function> functions_of(const inngest::client& app, bool is_fixed) {
  return {charge(app, is_fixed),
          for_paid_orders(app, "pack", "print-label"),
          for_paid_orders(app, "notify", "send-mail"),
          for_paid_orders(app, "book", "add-to-ledger"),
          for_paid_orders(app, "restock", "count-shelf"),
          app.create_function({.id = "report"}, inngest::cron("0 6 * * *"), [](auto& ctx) {
            return ctx.step.run("sum-up", [] { return std::string("reported"); });
          })};
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

int main(int count, char** arguments) try {
  sigset_t signals;  // blocked before threads start, so that only sigwait() receives them
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const settings chosen = read_settings(count, arguments);
  const inngest::client app({.id = "shop",
                             .mode = inngest::mode::dev,
                             .log = inngest::logger(inngest::text_log(), inngest::log_level::warn)});
  embedded::engine engine(
      app, functions_of(app, chosen.is_fixed),
      {.store = std::make_shared<embedded::sqlite_store>(embedded::sqlite_options{.path = chosen.file}),
       .retry_delay = [](int) { return 100ms; }});
  const embedded::http_server server(engine,
                                     {.port = chosen.port, .signing_key = variable("INNGEST_SIGNING_KEY")});
  std::printf("service: %s\n", server.url().c_str());
  std::fflush(stdout);
  int received = 0;
  sigwait(&signals, &received);
  engine.stop(10s);
  return EXIT_SUCCESS;
} catch (const std::exception& problem) {
  std::fprintf(stderr, "service: %s\n", problem.what());
  return EXIT_FAILURE;
}
