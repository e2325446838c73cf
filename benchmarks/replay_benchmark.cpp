// The cost of a call, without HTTP: a request body goes into the handler and the answer comes out.

#include <benchmark/benchmark.h>

#include <string>

#include <inngest/detail/hex.hpp>
#include <inngest/inngest.hpp>

namespace {

struct item {
  std::string name;
  std::string description;
  int quantity = 0;
  double price = 0;
};
INNGEST_FIELDS(item, name, description, quantity, price)

struct size {
  int steps = 0;
  std::size_t bytes = 0;
};
INNGEST_FIELDS(size, steps, bytes)

using replayed = inngest::event<"benchmark/replay", size>;

item make_item(std::size_t bytes) {
  return {.name = "item", .description = std::string(bytes, 'x'), .quantity = 3, .price = 9.99};
}

inngest::handler make_handler() {
  const inngest::client app({.id = "app", .mode = inngest::mode::dev});
  const auto loop =
      app.create_function({.id = "loop"}, inngest::on<replayed>(), [](inngest::context<replayed>& ctx) {
        int total = 0;
        for (int i = 0; i < ctx.event.data.steps; ++i) {
          const item got = ctx.step.run("step", [&] { return make_item(ctx.event.data.bytes); });
          total += got.quantity;
        }
        return total;
      });
  const auto plan =
      app.create_function({.id = "plan"}, inngest::on<replayed>(), [](inngest::context<replayed>& ctx) {
        std::vector<int> all(static_cast<std::size_t>(ctx.event.data.steps));
        return ctx.group.parallel(all, [&](int) { return ctx.step.run("step", [] { return 1; }); });
      });
  return inngest::handler(app, {loop, plan});
}

std::string body_of(int steps, std::size_t bytes, int remembered) {
  std::string out = "{\"ctx\":{\"attempt\":0,\"max_attempts\":4,\"run_id\":\"run\"},\"event\":{\"data\":" +
                    inngest::encode(size{steps, bytes}) + ",\"name\":\"benchmark/replay\"},\"steps\":{";
  for (int i = 0; i < remembered; ++i) {
    const std::string id = i == 0 ? "step" : "step:" + std::to_string(i);
    if (i > 0) out += ',';
    out += '"' + inngest::detail::to_hex(inngest::detail::sha1::of(id)) +
           "\":{\"data\":" + inngest::encode(make_item(bytes)) + "}";
  }
  return out + "}}";
}

void call(benchmark::State& state, const std::string& function, const std::string& body, int status) {
  const inngest::handler handler = make_handler();
  for (auto _ : state) {
    const auto answer =
        handler({.method = "POST", .url = "/?stepId=step&fnId=app-" + function, .body = body});
    if (answer.status != status) state.SkipWithError(answer.body.c_str());
    benchmark::DoNotOptimize(answer);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(body.size()) * state.iterations());
}

void no_steps(benchmark::State& state) { call(state, "loop", body_of(0, 0, 0), 200); }
void one_fresh_step(benchmark::State& state) { call(state, "loop", body_of(1, 140, 0), 206); }
void replay(benchmark::State& state) {
  const int steps = static_cast<int>(state.range(0));
  call(state, "loop", body_of(steps, static_cast<std::size_t>(state.range(1)), steps), 200);
}
void plan(benchmark::State& state) {
  call(state, "plan", body_of(static_cast<int>(state.range(0)), 0, 0), 206);
}

BENCHMARK(no_steps);
BENCHMARK(one_fresh_step);
BENCHMARK(replay)->Args({10, 140})->Args({100, 140})->Args({1000, 140})->Args({100, 40'000});
BENCHMARK(plan)->Arg(100);

}  // namespace

BENCHMARK_MAIN();
