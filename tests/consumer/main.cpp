// A user's program: one function on the engine in the process.

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <inngest/embedded.hpp>
#include <inngest/inngest.hpp>

struct name {
  std::string text;
};
INNGEST_FIELDS(name, text)

using met = inngest::event<"consumer/met", name>;

int main() {
  const inngest::client app({.id = "consumer", .mode = inngest::mode::dev});
  const auto greet = app.create_function({.id = "greet"}, inngest::on<met>(), [](inngest::context<met>& ctx) {
    return ctx.step.run("greet", [&] { return "Hello " + ctx.event.data.text; });
  });
  inngest::embedded::engine engine(app, {greet});
  const auto sent = engine.send(met{{.text = "world"}});
  const auto run = engine.wait_for(engine.runs_of(sent.ids.front()).front().id, std::chrono::minutes(3));
  std::printf("inngest %s: %s\n", INNGEST_VERSION, run.output<std::string>().c_str());
  return run.output<std::string>() == "Hello world" ? EXIT_SUCCESS : EXIT_FAILURE;
}
