// A local server for apps of any Inngest SDK, with a page of what they do:
//
//     dev_server [port] [file] [host]     8288, in memory when there is no file, and 127.0.0.1
//
// Then start an app with INNGEST_DEV=http://127.0.0.1:8288.
//
// With INNGEST_SIGNING_KEY and INNGEST_EVENT_KEY (several are separated by commas) apps and senders must
// show these keys, and people sign in with the link that is printed. Only then may the host be an address
// that others reach. SIGUSR1 prints another link. INNGEST_HOSTS names, separated by commas, further hosts
// that it answers for.

#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <inngest/embedded.hpp>
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
  sigset_t signals;  // before there are threads, which then leave these signals to us
  sigemptyset(&signals);
  for (const int each : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&signals, each);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const int port = count > 1 ? std::stoi(arguments[1]) : 8288;
  std::shared_ptr<embedded::store> store = std::make_shared<embedded::memory_store>();
  if (count > 2 && *arguments[2] != '\0')
    store = std::make_shared<embedded::sqlite_store>(embedded::sqlite_options{.path = arguments[2]});

  const inngest::client nobody{{.id = "dev-server", .mode = inngest::mode::dev}};
  embedded::engine engine{nobody, {}, {.workers = 32, .store = store}};
  embedded::http_server server{engine,
                               {.host = count > 3 ? arguments[3] : "127.0.0.1",
                                .port = port,
                                .signing_key = variable("INNGEST_SIGNING_KEY"),
                                .event_keys = list(variable("INNGEST_EVENT_KEY")),
                                .hosts = list(variable("INNGEST_HOSTS"))}};
  std::printf("%s, until Ctrl-C\n", server.url().c_str());

  int signal = SIGUSR1;
  while (signal == SIGUSR1) {
    std::printf("page: %s\n", server.sign_in_url().c_str());
    std::fflush(stdout);
    sigwait(&signals, &signal);
  }
  engine.stop();  // calls under way have ten seconds; what is unfinished stays in the file
  return EXIT_SUCCESS;
} catch (const std::exception& problem) {
  std::fprintf(stderr, "dev_server: %s\n", problem.what());
  return EXIT_FAILURE;
}
