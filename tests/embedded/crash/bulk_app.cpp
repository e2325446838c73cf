// An app that repeats its failed runs in bulk, and may be killed at any moment: bulk_app <store> <runs>. With
// a number of runs it makes them fail, and begins to repeat them; with 0 it goes on with what the store has,
// and ends when nothing is left to do.

#include <inngest/inngest.hpp>

#include <inngest/embedded.hpp>
#include <inngest/embedded/sqlite_store.hpp>

#include <chrono>
#include <cstdlib>
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
using begun = inngest::event<"crash/begun", numbered>;

bool has_bulk_work(const inngest::embedded::engine& engine) {
  for (const auto& each : engine.bulk_operations()) {
    if (each.state == inngest::embedded::bulk_state::running) return true;
  }
  return false;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return EXIT_FAILURE;
  const int runs = std::atoi(arguments[2]);
  const inngest::client app({.id = "crash",
                             .mode = inngest::mode::dev,
                             .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::error)});
  const auto f = app.create_function({.id = "f", .retries = 20}, inngest::on<begun>(),
                                     [&](inngest::context<begun>& ctx) {
                                       ctx.step.run("first", [] { return 1; });
                                       return ctx.step.run("second", [&] {
                                         if (runs > 0) throw inngest::non_retriable_error("not yet");
                                         return ctx.event.data.n;
                                       });
                                     });
  inngest::embedded::engine engine{app,
                                   {f},
                                   {.store = std::make_shared<inngest::embedded::sqlite_store>(
                                        inngest::embedded::sqlite_options{.path = arguments[1]}),
                                    .retry_delay = [](int) { return 2ms; }}};
  for (int n = 0; n < runs; ++n) engine.send(begun{{.n = n}});
  if (runs > 0) {
    if (!engine.wait_until_idle(10min)) return EXIT_FAILURE;
    engine.begin_bulk({.from_failed_step = true, .per_second = 150});
    return EXIT_SUCCESS;
  }
  while (has_bulk_work(engine)) std::this_thread::sleep_for(1ms);
  return engine.wait_until_idle(10min) ? EXIT_SUCCESS : EXIT_FAILURE;
}
