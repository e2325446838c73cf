// A local server for apps of any Inngest SDK, with a page of what they do:
//
//     dev_server [port] [file]     8288, and in memory when there is no file
//
// Then start an app with INNGEST_DEV=http://127.0.0.1:8288.

#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>

#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/inngest.hpp>

namespace embedded = inngest::embedded;

int main(int count, char** arguments) try {
  sigset_t stop;  // before there are threads, which then leave these signals to us
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);

  const int port = count > 1 ? std::stoi(arguments[1]) : 8288;
  std::shared_ptr<embedded::store> store = std::make_shared<embedded::memory_store>();
  if (count > 2)
    store = std::make_shared<embedded::sqlite_store>(embedded::sqlite_options{.path = arguments[2]});

  const inngest::client nobody{{.id = "dev-server", .mode = inngest::mode::dev}};
  embedded::engine engine{nobody, {}, {.workers = 32, .store = store}};
  const embedded::http_server server{engine, {.port = port}};
  std::printf("%s, until Ctrl-C\n", server.url().c_str());
  std::fflush(stdout);

  int signal = 0;
  sigwait(&stop, &signal);
  return EXIT_SUCCESS;
} catch (const std::exception& problem) {
  std::fprintf(stderr, "dev_server: %s\n", problem.what());
  return EXIT_FAILURE;
}
