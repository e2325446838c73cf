// An engine with a gateway, for workers elsewhere: says where its server listens, and ends when it is told
// to. Its leases are short, so that tests see what becomes of calls whose worker was killed.

#include <inngest/inngest.hpp>

#include <inngest/embedded.hpp>
#include <inngest/embedded/connect_gateway.hpp>
#include <inngest/embedded/http_server.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>

using namespace std::chrono_literals;

int main() {
  const inngest::client app({.id = "engine", .mode = inngest::mode::dev});
  inngest::embedded::engine engine{app, {}, {.retry_delay = [](int) { return 100ms; }}};
  const char* key = std::getenv("INNGEST_SIGNING_KEY");
  inngest::embedded::http_server_options options{.port = 0, .signing_key = key ? key : ""};
  if (key) options.event_keys = {"key"};
  inngest::embedded::http_server server{engine, options};
  inngest::embedded::connect_gateway gateway{
      server, {.port = 0, .heartbeat_interval = 1s, .lease = 4s, .lease_grace = 500ms}};
  std::printf("%s\n", server.url().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}
