// The embedded engine: how fast, how large, how soon it is back. benchmarks/engine.sh makes a table of it.
//
//   engine_benchmark runs <store> <workers> <number>   runs of three steps
//   engine_benchmark latency <store> <number>          one run after the other, from send to its end
//   engine_benchmark loop <store> <steps>              one run of so many steps
//   engine_benchmark sleep <store> <number>            so many runs that sleep, and the memory of each
//   engine_benchmark wake <store>                      the sleeping ones of a file go on in another process
//   engine_benchmark serve <store> <port>              an engine as a server, until its input ends
//   engine_benchmark served <server> <port> <number>   the runs of three steps by a server, which calls
//   <port>
//
// <store> is "memory" or an SQLite file.
#include <inngest/inngest.hpp>

#include <inngest/adapters/httplib.hpp>
#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/sqlite_store.hpp>

#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

struct numbered {
  int n = 0;
};
INNGEST_FIELDS(numbered, n)
using asked = inngest::event<"bench/asked", numbered>;
using looped = inngest::event<"bench/looped", numbered>;
using rested = inngest::event<"bench/rested", numbered>;

std::atomic<int> ended{0};

std::vector<inngest::any_function> make_functions(const inngest::client& app,
                                                  std::chrono::milliseconds rest) {
  const auto three =
      app.create_function({.id = "three"}, inngest::on<asked>(), [](inngest::context<asked>& ctx) {
        const int a = ctx.step.run("a", [&] { return ctx.event.data.n; });
        const int b = ctx.step.run("b", [&] { return a + 1; });
        const int c = ctx.step.run("c", [&] { return b + 1; });
        ++ended;
        return c;
      });
  const auto loop =
      app.create_function({.id = "loop"}, inngest::on<looped>(), [](inngest::context<looped>& ctx) {
        int total = 0;
        for (int i = 0; i < ctx.event.data.n; ++i) total += ctx.step.run("step", [&] { return i % 7; });
        ++ended;
        return total;
      });
  const auto sleeper =
      app.create_function({.id = "sleeper"}, inngest::on<rested>(), [rest](inngest::context<rested>& ctx) {
        const int a = ctx.step.run("before", [&] { return ctx.event.data.n; });
        ctx.step.sleep("rest", rest);
        ++ended;
        return a;
      });
  return {three, loop, sleeper};
}

using clock_type = std::chrono::steady_clock;
double seconds_since(clock_type::time_point begun) {
  return std::chrono::duration<double>(clock_type::now() - begun).count();
}

std::size_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  in >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::shared_ptr<inngest::embedded::store> open_store(const std::string& name) {
  if (name == "memory") return std::make_shared<inngest::embedded::memory_store>();
  return std::make_shared<inngest::embedded::sqlite_store>(inngest::embedded::sqlite_options{.path = name});
}

/// An app and its engine.
struct bench {
  explicit bench(const std::string& store_name, std::size_t workers = 2,
                 std::chrono::milliseconds rest = std::chrono::hours(1))
      : store(open_store(store_name)),
        engine(app, make_functions(app, rest), {.workers = workers, .store = store}) {}

  inngest::client app{{.id = "bench", .mode = inngest::mode::dev}};
  std::shared_ptr<inngest::embedded::store> store;
  inngest::embedded::engine engine;
};

/// Sends so many events, some at a time, as a producer would.
template <class Event>
void send(const inngest::client& app, int number) {
  constexpr int at_once = 100;
  for (int sent = 0; sent < number; sent += at_once) {
    std::vector<inngest::any_event> events;
    for (int i = sent; i < std::min(sent + at_once, number); ++i) events.emplace_back(Event{{.n = i}});
    app.send(events);
  }
}

void wait_for_all(int number) {
  while (ended < number) std::this_thread::sleep_for(1ms);
}

void print_rate(const char* what, double count, double seconds) {
  std::printf("%s %.0f\n", what, count / seconds);
}

int runs(const std::string& store, std::size_t workers, int number) {
  bench on(store, workers);
  const auto begun = clock_type::now();
  send<asked>(on.app, number);
  on.engine.wait_until_idle(1h);
  const double took = seconds_since(begun);
  if (ended != number) return EXIT_FAILURE;
  print_rate("runs_per_second", number, took);
  print_rate("steps_per_second", 3.0 * number, took);
  return EXIT_SUCCESS;
}

int latency(const std::string& store, int number) {
  bench on(store);
  std::vector<double> took;
  for (int i = 0; i < number; ++i) {
    const auto begun = clock_type::now();
    const auto sent = on.engine.send(asked{{.n = i}});
    on.engine.wait_until_idle(1min);
    took.push_back(seconds_since(begun) * 1e6);
  }
  std::sort(took.begin(), took.end());
  std::printf("median_us %.0f\n", took[took.size() / 2]);
  std::printf("p99_us %.0f\n", took[took.size() * 99 / 100]);
  return EXIT_SUCCESS;
}

int loop(const std::string& store, int steps) {
  bench on(store);
  const auto begun = clock_type::now();
  on.engine.send(looped{{.n = steps}});
  on.engine.wait_until_idle(1h);
  std::printf("ms %.0f\n", seconds_since(begun) * 1e3);
  return ended == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/// How many runs are asleep.
std::size_t sleeping(const bench& on) { return on.store->count_runs().running; }

int sleep(const std::string& store, int number) {
  bench on(store);
  send<rested>(on.app, 1000);  // what is there once
  while (sleeping(on) < 1000) std::this_thread::sleep_for(10ms);
  const std::size_t before = resident_bytes();
  send<rested>(on.app, number);
  const auto all = static_cast<std::size_t>(number) + 1000;
  while (sleeping(on) < all) std::this_thread::sleep_for(100ms);
  std::printf("bytes_each %zu\n", (resident_bytes() - before) / static_cast<std::size_t>(number));
  return EXIT_SUCCESS;
}

/// The hour of those that sleep in the file is over.
void end_the_hour(const std::string& file) {
  sqlite3* database = nullptr;
  sqlite3_open(file.c_str(), &database);
  sqlite3_exec(database, "UPDATE jobs SET due = 0", nullptr, nullptr, nullptr);
  sqlite3_close(database);
}

int wake(const std::string& store) {
  end_the_hour(store);
  const auto begun = clock_type::now();
  bench on(store);
  std::printf("ready_ms %.0f\n", seconds_since(begun) * 1e3);
  const auto number = static_cast<int>(sleeping(on));
  on.engine.wait_until_idle(1h);
  std::printf("runs %d\nall_ended_ms %.0f\n", number, seconds_since(begun) * 1e3);
  return ended > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int serve(const std::string& store, int port) {
  const inngest::client nobody({.id = "engine", .mode = inngest::mode::dev});
  inngest::embedded::engine engine{nobody, {}, {.store = open_store(store)}};
  const inngest::embedded::http_server server{engine, {.port = port}};
  while (std::getchar() != EOF) {
  }
  return EXIT_SUCCESS;
}

int served(const std::string& server_url, int port, int number) {
  inngest::client app{{.id = "bench",
                       .mode = inngest::mode::dev,
                       .api_base_url = server_url,
                       .event_api_base_url = server_url}};
  httplib::Server server;
  server.new_task_queue = [] { return new httplib::ThreadPool(64); };
  server.set_keep_alive_max_count(1'000'000);
  const inngest::handler handler = inngest::serve(server, app, make_functions(app, 1h));
  if (!server.bind_to_port("127.0.0.1", port)) return EXIT_FAILURE;
  std::thread listening([&] { server.listen_after_bind(); });
  while (!server.is_running()) std::this_thread::yield();
  const auto registered = handler.sync("http://127.0.0.1:" + std::to_string(port) + "/api/inngest");
  std::fprintf(stderr, "%s\n", registered.message.c_str());
  if (registered.ok) {
    const auto begun = clock_type::now();
    send<asked>(app, number);
    wait_for_all(number);
    const double took = seconds_since(begun);
    print_rate("runs_per_second", number, took);
    print_rate("steps_per_second", 3.0 * number, took);
  }
  server.stop();
  listening.join();
  return registered.ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> given(arguments + 1, arguments + count);
  const auto is = [&](const char* what, std::size_t size) {
    return given.size() == size && given[0] == what;
  };
  if (is("runs", 4)) return runs(given[1], std::stoul(given[2]), std::stoi(given[3]));
  if (is("latency", 3)) return latency(given[1], std::stoi(given[2]));
  if (is("loop", 3)) return loop(given[1], std::stoi(given[2]));
  if (is("sleep", 3)) return sleep(given[1], std::stoi(given[2]));
  if (is("wake", 2)) return wake(given[1]);
  if (is("serve", 3)) return serve(given[1], std::stoi(given[2]));
  if (is("served", 4)) return served(given[1], std::stoi(given[2]), std::stoi(given[3]));
  std::fprintf(stderr, "see the top of engine_benchmark.cpp\n");
  return EXIT_FAILURE;
}
