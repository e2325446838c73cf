#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <inngest/embedded.hpp>
#ifdef INNGEST_ENGINE_GATEWAY
#include <inngest/embedded/connect_gateway.hpp>
#endif
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/inngest.hpp>

#include "session.hpp"

namespace terminal {
namespace {

namespace embedded = inngest::embedded;

struct serve_options {
  std::string host = "127.0.0.1";
  int port = 8288, gateway_port = 0;
  std::size_t workers = 32;
};

std::vector<std::string> list_in(const char* variable) {
  std::vector<std::string> out;
  const char* text = std::getenv(variable);
  std::istringstream parts(text == nullptr ? "" : text);
  for (std::string part; std::getline(parts, part, ',');) out.push_back(part);
  return out;
}

/// Waits for a signal to stop. SIGUSR1 prints another sign-in link.
void wait_for_end(embedded::http_server& server, const sigset_t& signals) {
  int signal = SIGUSR1;
  while (signal == SIGUSR1) {
    say("page: " + server.sign_in_url());
    std::fflush(stdout);
    sigwait(&signals, &signal);
  }
}

outcome serve(session& in, const serve_options& options) {
  sigset_t signals;  // blocked before threads start, so that only sigwait() receives them
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  std::shared_ptr<embedded::store> store = std::make_shared<embedded::memory_store>();
  if (!in.of.file.empty())
    store = std::make_shared<embedded::sqlite_store>(embedded::sqlite_options{.path = in.of.file});
  const inngest::client app{{.id = "inngest-engine", .mode = inngest::mode::dev}};
  embedded::engine engine{app, {}, {.workers = options.workers, .store = store}};
  embedded::http_server server{engine,
                               {.host = options.host,
                                .port = options.port,
                                .signing_key = in.signing_key(),
                                .event_keys = list_in("INNGEST_EVENT_KEY"),
                                .hosts = list_in("INNGEST_HOSTS")}};
  say("listening on " + server.url() + "; press Ctrl-C to stop");
#ifdef INNGEST_ENGINE_GATEWAY
  const int wanted = options.gateway_port == 0 && options.port == 8288 ? 8289 : options.gateway_port;
  embedded::connect_gateway gateway{server, {.port = wanted}};
  say("workers connect to " + gateway.url());
#endif
  wait_for_end(server, signals);
  engine.stop();  // running calls get ten seconds; unfinished work stays in the file
  return outcome::ok;
}

}  // namespace

void add_serve_command(CLI::App& program, session& to) {
  const auto options = std::make_shared<serve_options>();
  CLI::App* added =
      add_command(program, to, "serve", "Runs an engine for apps of any Inngest SDK", [=](session& in) {
        try {
          return serve(in, *options);
        } catch (const inngest::error& problem) {  // for example a port or file in use, or an invalid key
          throw failure(outcome::problem, problem.what());
        }
      });
  added->add_option("--port", options->port, "The port; 0 chooses a free one")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  added->add_option("--host", options->host, "The address; addresses other than loopback need keys")
      ->capture_default_str();
  added->add_option("--workers", options->workers, "Maximum number of concurrent function calls")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
#ifdef INNGEST_ENGINE_GATEWAY
  added
      ->add_option("--gateway-port", options->gateway_port,
                   "The port for connecting workers; default: 8289 with --port 8288, otherwise a free one")
      ->check(CLI::Range(0, 65535));
#endif
  added->footer(
      "--file keeps the state in a file; without it, it is in memory. INNGEST_SIGNING_KEY (or --key-file) "
      "and\n"
      "INNGEST_EVENT_KEY (a comma-separated list) are the keys that apps, senders and people need. "
      "INNGEST_HOSTS is a\n"
      "list of further host names to answer for. Apps register with INNGEST_DEV=http://127.0.0.1:8288.");
}

}  // namespace terminal
