// The worker of real_gateway.py: functions of each kind that a gateway treats differently.
//
//     real_gateway_app <API URL> <instance id>

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <inngest/connect.hpp>
#include <inngest/inngest.hpp>

namespace {

using namespace std::chrono_literals;
using inngest::json;
template <inngest::detail::fixed_string Name>
using event = inngest::event<Name>;

volatile std::sig_atomic_t stop_signal = 0;

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::signal(SIGTERM, [](int number) { stop_signal = number; });
  const inngest::client app({.id = "connected",
                             .mode = inngest::mode::dev,
                             .api_base_url = argv[1],
                             .event_api_base_url = argv[1],
                             .app_version = "7"});

  const auto steps = app.create_function({.id = "steps"}, inngest::on<event<"test/steps">>(),
                                         [](inngest::context<event<"test/steps">>& ctx) {
                                           const int a = ctx.step.run("a", [] { return 1; });
                                           ctx.step.sleep("nap", 1s);
                                           return a + ctx.step.run("b", [] { return 2; });
                                         });
  const auto parallel = app.create_function({.id = "parallel"}, inngest::on<event<"test/parallel">>(),
                                            [](inngest::context<event<"test/parallel">>& ctx) {
                                              auto one = ctx.step.start("one", [] { return 1; });
                                              auto two = ctx.step.start("two", [] { return 2; });
                                              return one.get() + two.get();
                                            });
  const auto retry = app.create_function({.id = "retry"}, inngest::on<event<"test/retry">>(),
                                         [](inngest::context<event<"test/retry">>& ctx) {
                                           static std::atomic<int> attempts = 0;
                                           return ctx.step.run("flaky", [&] {
                                             if (++attempts == 1)
                                               throw inngest::retry_after_error("not yet", 1s);
                                             return ctx.attempt;
                                           });
                                         });
  const auto fails = app.create_function(
      {.id = "fails"}, inngest::on<event<"test/fails">>(),
      [](inngest::context<event<"test/fails">>&) -> int { throw inngest::non_retriable_error("never"); });
  const auto invokes = app.create_function({.id = "invokes"}, inngest::on<event<"test/invokes">>(),
                                           [&](inngest::context<event<"test/invokes">>& ctx) {
                                             return ctx.step.invoke("call", steps, json::object()) * 10;
                                           });
  const auto large = app.create_function(
      {.id = "large"}, inngest::on<event<"test/large">>(), [](inngest::context<event<"test/large">>& ctx) {
        std::size_t size = 0;
        for (int i = 0; i < 4; ++i)
          size +=
              ctx.step.run("part-" + std::to_string(i), [] { return std::string(1'500'000, 'x'); }).size();
        ctx.step.sleep("nap", 1s);  // the next call has more state than fits into its request
        return size;
      });
  const auto slow = app.create_function({.id = "slow"}, inngest::on<event<"test/slow">>(),
                                        [&](inngest::context<event<"test/slow">>& ctx) {
                                          ctx.step.run("first", [] { return 1; });
                                          return ctx.step.run("work", [&] {
                                            std::printf("slow has begun\n");
                                            for (int i = 0; i < 80; ++i) std::this_thread::sleep_for(100ms);
                                            return std::string(argv[2]);
                                          });
                                        });
  inngest::connect::worker worker(app, {steps, parallel, retry, fails, invokes, large, slow},
                                  {.max_concurrency = 16,
                                   .instance_id = argv[2],
                                   .on_state_change = [](inngest::connect::worker_state state) {
                                     std::printf("state: %s\n", std::string(to_string(state)).c_str());
                                   }});
  worker.start();
  while (stop_signal == 0) std::this_thread::sleep_for(20ms);
  const bool all_ended = worker.drain(30s);
  std::printf("drained: %s\n", all_ended ? "yes" : "no");
}
