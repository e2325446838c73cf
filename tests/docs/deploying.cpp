// Code of docs/deploying.md.

#include <signal.h>

#include <chrono>

#include <inngest/adapters/httplib.hpp>
#include <inngest/inngest.hpp>

using namespace std::chrono_literals;

namespace docs::deploying {

void shut_down(httplib::Server& server, inngest::handler& endpoint) {
  // [shut-down]
  sigset_t signals;                                  // before any thread starts
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // ... serve ...
  int received = 0;
  sigwait(&signals, &received);
  endpoint.drain(20s);
  server.stop();
  // [shut-down]
}

}  // namespace docs::deploying
