// An engine for apps elsewhere, with a function of its own: says where it listens, and ends when it is told
// to.

#include <inngest/inngest.hpp>

#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>

#include <chrono>
#include <cstdio>

using namespace std::chrono_literals;

int main() {
  using nap_wanted = inngest::event<"engine/nap.wanted", inngest::json>;
  const inngest::client app({.id = "engine", .mode = inngest::mode::dev});
  const auto nap = app.create_function({.id = "nap"}, inngest::on<nap_wanted>(), [](auto& ctx) {
    ctx.step.run("undress", [] { return "pyjamas"; });
    ctx.step.sleep("nap", 10s);
    return "awake";
  });
  inngest::embedded::engine engine{app, {nap}, {.retry_delay = [](int) { return 100ms; }}};
  inngest::embedded::http_server server{engine, {.port = 0}};
  std::printf("%s\n", server.url().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}
