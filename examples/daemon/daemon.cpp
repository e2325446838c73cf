// A daemon: functions on the embedded engine, in a process that systemd starts, watches and stops. Its state
// survives crashes and restarts in $STATE_DIRECTORY (the current directory if it is not set).
//
//     STATE_DIRECTORY=/tmp/housekeeper daemon
//     curl -d '{"name":"house/room.used","data":{"room":"kitchen"}}' http://127.0.0.1:8288/e/local

#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>

#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/inngest.hpp>

using namespace std::chrono_literals;
namespace embedded = inngest::embedded;

struct room_used {
  std::string room;
};
INNGEST_FIELDS(room_used, room)
using room_used_event = inngest::event<"house/room.used", room_used>;

void sweep(const std::string& room, std::stop_token stop) {
  for (int metre = 0; metre < 10; ++metre) {
    if (stop.stop_requested())
      throw std::runtime_error("interrupted");  // the step runs again after the restart
    std::printf("sweeping metre %d of the %s\n", metre, room.c_str());
  }
}

int main() try {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // the journal gets whole lines
  // [daemon]
  sigset_t signals;  // blocked before threads start, so that only sigwait() receives them
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const inngest::client app({.id = "housekeeper", .mode = inngest::mode::dev});
  const auto clean = app.create_function(
      {.id = "clean-room",
       .retries = 10,
       .debounce = inngest::debounce{.period = 1s, .key = "event.data.room"}},
      inngest::on<room_used_event>(), [](inngest::context<room_used_event>& ctx) {
        ctx.step.run("sweep", [&](std::stop_token stop) { sweep(ctx.event.data.room, stop); });
        return ctx.event.data.room + " is clean";
      });

  const char* directory = std::getenv("STATE_DIRECTORY");  // set by systemd
  const std::string path = std::string(directory ? directory : ".") + "/engine.db";
  embedded::engine engine(
      app, {clean},
      {.store = std::make_shared<embedded::sqlite_store>(embedded::sqlite_options{.path = path})});
  const char* port = std::getenv("PORT");
  // The page, and events of other programs.
  const embedded::http_server server(engine, {.port = port ? std::atoi(port) : 8288});
  std::printf("housekeeper: %s\n", server.url().c_str());

  int received = 0;
  sigwait(&signals, &received);
  const bool all_ended = engine.stop(20s);  // less than the unit's TimeoutStopSec
  std::printf("housekeeper: stopped, %s\n",
              all_ended ? "no call is running" : "some calls did not end in time");
  return EXIT_SUCCESS;
  // [daemon]
} catch (const std::exception& problem) {
  std::fprintf(stderr, "housekeeper: %s\n", problem.what());
  return EXIT_FAILURE;
}
