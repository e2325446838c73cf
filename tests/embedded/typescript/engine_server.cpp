// An engine for apps elsewhere, with a function of its own: says where it listens, and ends when it is told
// to. With the argument "guarded" it has keys, and says its sign-in link.

#include <inngest/inngest.hpp>

#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>

#include <chrono>
#include <cstdio>
#include <string_view>

using namespace std::chrono_literals;

int main(int count, char** arguments) {
  using nap_wanted = inngest::event<"engine/nap.wanted", inngest::json>;
  const inngest::client app({.id = "engine", .mode = inngest::mode::dev});
  const auto nap = app.create_function({.id = "nap"}, inngest::on<nap_wanted>(), [](auto& ctx) {
    ctx.step.run("undress", [] { return "pyjamas"; });
    ctx.step.sleep("nap", 10s);
    return "awake";
  });
  inngest::embedded::engine engine{app, {nap}, {.retry_delay = [](int) { return 100ms; }}};
  inngest::embedded::http_server_options options{.port = 0};
  if (count > 1 && std::string_view(arguments[1]) == "guarded") {
    options.signing_key = "signkey-test-0123456789abcdef";
    options.event_keys = {"event-key"};
  }
  inngest::embedded::http_server server{engine, options};
  std::printf("%s\n", server.sign_in_url().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}
