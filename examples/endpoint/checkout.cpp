// A shop's checkout as a durable endpoint, on the embedded engine: the client gets its receipt at once, or is
// redirected to it when the bank must confirm the payment.
//
//     curl -L http://127.0.0.1:3000/checkout -d '{"id":"o-1","cents":4200}'
//     curl -L http://127.0.0.1:3000/checkout -d '{"id":"o-2","cents":990000}'   # waits for the bank
//     curl http://127.0.0.1:3000/bank/o-2                                       # the bank confirms
// clang-format off

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <inngest/adapters/httplib.hpp>
#include <inngest/embedded.hpp>
#include <inngest/endpoint.hpp>
#include <inngest/inngest.hpp>

using namespace std::chrono_literals;

struct Order { std::string id; int cents = 0; };
INNGEST_FIELDS(Order, id, cents)

struct Receipt { std::string order; std::string payment; };
INNGEST_FIELDS(Receipt, order, payment)

int main() {
  inngest::client app{{.id = "shop", .mode = inngest::mode::dev}};

  // [endpoint]
  auto checkout = inngest::endpoint(app, {.id = "checkout"}, [](inngest::endpoint_context& ctx) {
    const auto order = ctx.body<Order>();  // answers with 400 when the body does not fit
    if (order.cents <= 0) throw inngest::http_error(422, "an order costs something");

    auto payment = ctx.step.run("charge-card", [&] {
      return "payment of " + std::to_string(order.cents) + " cents";
    });
    if (order.cents > 100'000) {  // from here on the client is redirected, and the engine continues
      auto confirmed = ctx.step.wait_for_signal<bool>(
          "wait-for-bank", {.signal = "payment of " + order.id, .timeout = 24h});
      if (!confirmed) throw inngest::http_error(402, "the bank has not confirmed the payment");
      payment += ", confirmed";
    }
    ctx.step.run("store-order", [&] { std::printf("order %s is stored\n", order.id.c_str()); });
    return Receipt{.order = order.id, .payment = payment};
  });

  inngest::embedded::engine engine{app, {checkout}};  // without an engine, an Inngest server continues the runs

  httplib::Server server;
  auto handler = inngest::serve(server, "/checkout", checkout);
  // [endpoint]
  server.Get("/bank/(.+)", [&](const httplib::Request& request, httplib::Response& response) {
    const bool was_awaited = app.send_signal("payment of " + request.matches[1].str(), true).has_value();
    response.set_content(was_awaited ? "confirmed\n" : "no order waits for it\n", "text/plain");
  });
  server.Get("/stop", [&](const httplib::Request&, httplib::Response&) { server.stop(); });

  const char* chosen = std::getenv("PORT");  // 0 for any free one
  int port = chosen ? std::atoi(chosen) : 3000;
  if (port == 0) port = server.bind_to_any_port("127.0.0.1");
  else if (!server.bind_to_port("127.0.0.1", port)) return 1;
  std::printf("http://127.0.0.1:%d/checkout\n", port);
  std::fflush(stdout);
  const bool listened = server.listen_after_bind();
  handler.drain(10s);
  return listened ? 0 : 1;
}
