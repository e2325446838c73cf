// A local server for apps of any Inngest SDK, with a page that shows their runs:
//
//     dev_server [port] [file] [host] [gateway port]
//
// The defaults are port 8288, no file (state in memory) and host 127.0.0.1. The gateway's port is 8289, or a
// free one if the first port is not 8288.
//
// Then start an app with INNGEST_DEV=http://127.0.0.1:8288. If Boost and protozero are installed, workers can
// connect, too (Connect).
//
// With INNGEST_SIGNING_KEY and INNGEST_EVENT_KEY (a comma-separated list), apps and senders need these keys,
// and people sign in with the printed link. Only then may the host be an address that other machines can
// reach. SIGUSR1 prints another link. INNGEST_HOSTS is a comma-separated list of further host names to answer
// for.

#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <inngest/embedded.hpp>
#ifdef INNGEST_EXAMPLE_GATEWAY
#include <inngest/embedded/connect_gateway.hpp>
#endif
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/inngest.hpp>

namespace embedded = inngest::embedded;

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::vector<std::string> list(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) out.push_back(part);
  return out;
}

}  // namespace

int main(int count, char** arguments) try {
  sigset_t signals;  // blocked before threads start, so that only sigwait() receives them
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const int port = count > 1 ? std::stoi(arguments[1]) : 8288;
  std::shared_ptr<embedded::store> store = std::make_shared<embedded::memory_store>();
  if (count > 2 && *arguments[2] != '\0')
    store = std::make_shared<embedded::sqlite_store>(embedded::sqlite_options{.path = arguments[2]});

  const inngest::client app{{.id = "dev-server", .mode = inngest::mode::dev}};
  embedded::engine engine{app, {}, {.workers = 32, .store = store}};
  embedded::http_server server{engine,
                               {.host = count > 3 ? arguments[3] : "127.0.0.1",
                                .port = port,
                                .signing_key = variable("INNGEST_SIGNING_KEY"),
                                .event_keys = list(variable("INNGEST_EVENT_KEY")),
                                .hosts = list(variable("INNGEST_HOSTS"))}};
  std::printf("listening on %s; press Ctrl-C to stop\n", server.url().c_str());
#ifdef INNGEST_EXAMPLE_GATEWAY
  const int gateway_port = count > 4 ? std::stoi(arguments[4]) : port == 8288 ? 8289 : 0;
  embedded::connect_gateway gateway{server, {.port = gateway_port}};
  std::printf("workers connect to %s\n", gateway.url().c_str());
#endif

  int signal = SIGUSR1;
  while (signal == SIGUSR1) {
    std::printf("page: %s\n", server.sign_in_url().c_str());
    std::fflush(stdout);
    sigwait(&signals, &signal);
  }
  engine.stop();  // running calls have ten seconds; unfinished work stays in the file
  return EXIT_SUCCESS;
} catch (const std::exception& problem) {
  std::fprintf(stderr, "dev_server: %s\n", problem.what());
  return EXIT_FAILURE;
}
