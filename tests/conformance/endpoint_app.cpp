// Durable endpoints for endpoints.sh: endpoint_app <port>. Its server is the one of INNGEST_BASE_URL.

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <inngest/adapters/httplib.hpp>
#include <inngest/endpoint.hpp>
#include <inngest/inngest.hpp>

using namespace std::chrono_literals;
using inngest::endpoint_context;
using inngest::http::response;

int main(int argc, char** argv) {
  const inngest::client app({.id = "endpoints"});
  std::atomic<int> ran{0};
  const auto count = [&ran](int value) {
    ++ran;
    return value;
  };

  const auto at_once = inngest::endpoint(app, {.id = "at-once"}, [&](endpoint_context& ctx) {
    const int a = ctx.step.run("a", [&] { return count(20); });
    return ctx.step.run("b", [&] { return count(a + 1); });
  });
  const auto later = inngest::endpoint(app, {.id = "later"}, [&](endpoint_context& ctx) -> response {
    const int a = ctx.step.run("a", [&] { return count(20); });
    ctx.step.sleep("nap", 1s);
    const auto [b, c] = ctx.group.parallel([&] { return ctx.step.run("b", [&] { return count(1); }); },
                                           [&] { return ctx.step.run("c", [&] { return count(2); }); });
    return {.status = 201,
            .headers = {{"content-type", "text/plain"}},
            .body = ctx.request.method + " " + std::to_string(a + b + c) + " " +
                    ctx.request.query("tag").value_or("-") + " " + std::to_string(ctx.request.body.size())};
  });
  const auto waits = inngest::endpoint(app, {.id = "waits"}, [&](endpoint_context& ctx) {
    const auto number = ctx.step.wait_for_signal<int>("number", {.signal = "number", .timeout = 1min});
    return number.value_or(-1);
  });
  const auto retried =
      inngest::endpoint(app, {.id = "retried"}, [&, tries = 0](endpoint_context& ctx) mutable {
        return ctx.step.run("twice", [&] {
          if (++tries == 1) throw std::runtime_error("the first attempt fails");
          return tries;
        });
      });
  const auto failed_step =
      inngest::endpoint(app, {.id = "failed-step", .retries = 0}, [](endpoint_context& ctx) -> response {
        try {
          ctx.step.run("never", [] { throw std::runtime_error("no"); });
        } catch (const inngest::step_error& problem) {
          return {.status = 502, .body = std::string("caught: ") + problem.what()};
        }
        return {};
      });
  const auto fails = inngest::endpoint(app, {.id = "fails"}, [](endpoint_context& ctx) -> int {
    ctx.step.sleep("nap", 1s);
    throw inngest::non_retriable_error("sold out");
  });

  httplib::Server server;
  inngest::serve(server, "/at-once", at_once);
  inngest::serve(server, "/later", later);
  inngest::serve(server, "/waits", waits);
  inngest::serve(server, "/retried", retried);
  inngest::serve(server, "/failed-step", failed_step);
  inngest::serve(server, "/fails", fails);
  server.Get("/ran", [&](const httplib::Request&, httplib::Response& answer) {
    answer.set_content(std::to_string(ran), "text/plain");
  });
  server.Get("/signal", [&](const httplib::Request&, httplib::Response& answer) {
    answer.set_content(app.send_signal("number", 7) ? "sent" : "nobody waits", "text/plain");
  });
  return server.listen("127.0.0.1", argc > 1 ? std::atoi(argv[1]) : 3000) ? 0 : 1;
}
