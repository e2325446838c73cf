// A worker: functions that an Inngest server calls over a WebSocket that this process opens. It needs no port
// that the server can reach, so it may run behind NAT, on a device, or beside other daemons.
//
//     npx inngest-cli@latest dev --no-discovery
//     INNGEST_DEV=1 connect_worker
//     curl -d '{"name":"sensor/read","data":{"place":"roof","celsius":31}}' http://127.0.0.1:8288/e/local

#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>

#include <inngest/connect.hpp>
#include <inngest/inngest.hpp>

using namespace std::chrono_literals;

struct reading {
  std::string place;
  double celsius = 0;
};
INNGEST_FIELDS(reading, place, celsius)
using sensor_read = inngest::event<"sensor/read", reading>;

void calibrate(const std::string& place, const inngest::stop_token& stop) {
  for (int i = 1; i <= 20; ++i) {
    if (stop.stop_requested())
      throw std::runtime_error("interrupted");  // the step runs again, here or on another worker
    std::this_thread::sleep_for(100ms);
  }
  std::printf("worker: the sensor of the %s is calibrated\n", place.c_str());
}

int main() try {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // the journal gets whole lines
  // [worker]
  sigset_t signals;  // blocked before threads start, so that only sigwait() receives them
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const inngest::client app({.id = "weather-station"});
  const auto check = app.create_function(
      {.id = "check-sensor", .retries = 5}, inngest::on<sensor_read>(),
      [](inngest::context<sensor_read>& ctx) {
        const reading& read = ctx.event.data;
        const bool is_plausible =
            ctx.step.run("judge", [&] { return read.celsius > -60 && read.celsius < 60; });
        if (is_plausible) return "the " + read.place + " has a good sensor";
        ctx.step.run("calibrate", [&](inngest::stop_token stop) { calibrate(read.place, stop); });
        return "the sensor of the " + read.place + " was calibrated";
      });

  inngest::connect::worker worker(app, {check},
                                  {.max_concurrency = 16,
                                   .grace = 20s,  // less than the unit's TimeoutStopSec
                                   .on_state_change = [](inngest::connect::worker_state state) {
                                     std::printf("worker: %s\n", std::string(to_string(state)).c_str());
                                   }});
  inngest::stop_source stop;
  std::thread([signals, stop]() mutable {
    int received = 0;
    sigwait(&signals, &received);
    stop.request_stop();
  }).detach();  // run() may also end because the server refuses the keys
  const bool all_ended = worker.run(stop.get_token());
  std::printf("worker: stopped, %s\n", all_ended ? "no call is running" : "some calls did not end in time");
  return EXIT_SUCCESS;
  // [worker]
} catch (const std::exception& problem) {
  std::fprintf(stderr, "worker: %s\n", problem.what());
  return EXIT_FAILURE;
}
