#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <inngest/embedded.hpp>
#include <inngest/inngest.hpp>
#include <inngest/testing.hpp>

#include "../catch.hpp"
#include "../matrix/middleware_tables.hpp"
#include "../support/eventually.hpp"
#include "../support/handler_driver.hpp"

// What middleware does to results, as tests and callers read them. Every kind of step with every middleware
// is in tests/matrix/middleware_test.cpp.

namespace {

using namespace middleware_tables;
using Catch::Matchers::ContainsSubstring;
using inngest::testing::harness;

/// Whether the engine's only run waits: an event that is sent before does not reach it.
bool waits_for_event(const inngest::embedded::engine& engine) {
  const auto runs = engine.runs();
  return !runs.empty() && !runs.front().timeline.empty() &&
         runs.front().timeline.back().what == inngest::embedded::progress::wait_started;
}

}  // namespace

TEST_CASE("a run's output and its steps' results are read through the middleware", "[middleware][kinds]") {
  for (const auto& [name, middleware] : all_middleware()) {
    INFO(name);
    auto options = support::quiet_options();
    options.middleware = middleware();
    const inngest::client app(std::move(options));
    auto f = app.create_function({.id = "f"}, inngest::on<ordered>(), [](context& ctx) {
      const item made = ctx.step.run("make", [] { return item{"made", 3}; });
      const auto event = ctx.step.wait_for_event<answered>("wait", {.timeout = 1h});
      return item{made.name + event.value().data.name, made.count};
    });
    {
      harness t{app, {f}};
      auto run = t.send(ordered{{.name = "o"}});
      CHECK(run.step("make").output<item>().count == 3);
      t.send(answered{{.name = "!"}});
      INFO(run);
      CHECK(run.output<item>().name == "made!");
      CHECK(run.step("make").attempts() == 1);
    }
    inngest::embedded::engine engine(app, {f});
    engine.send(ordered{{.name = "o"}});
    REQUIRE(support::eventually([&] { return waits_for_event(engine); }));
    REQUIRE_FALSE(engine.wait_until_idle(0ms));
    engine.send(answered{{.name = "?"}});
    REQUIRE(engine.wait_until_idle(support::patience));
    const auto run = engine.runs().at(0);
    CHECK(run.output<item>().name == "made?");
    CHECK(engine.find_run(run.id)->output<item>().count == 3);
    CHECK(engine.wait_for(run.id, 1s).output<item>().count == 3);
    CHECK(engine.runs_of(run.event_id).at(0).output<item>().count == 3);
  }
}

TEST_CASE("mocks and failures find steps whose ids middleware changes", "[middleware][kinds]") {
  auto options = support::quiet_options();
  options.middleware = {std::make_shared<prefixing>()};
  const inngest::client app(std::move(options));
  auto f = app.create_function({.id = "f", .retries = 2}, inngest::on<ordered>(), [](context& ctx) {
    const int a = ctx.step.run("a", [] { return 1; });
    const auto page = ctx.step.fetch("page", {.url = "http://localhost/x"});
    return a + page.status_code;
  });
  harness t{app, {f}};
  t.mock_step("a", [] { return 10; });
  t.fail_step("a");
  t.mock_step("tenant/page", [] { return inngest::fetch_response{.status_code = 201}; });
  auto run = t.send(ordered{});
  t.execute(run);
  INFO(run);
  CHECK(run.output<int>() == 211);
  CHECK(run.step("a").attempts() == 2);
}

TEST_CASE("strict mode passes with middleware that changes ids and results", "[middleware][kinds]") {
  for (const auto& [name, middleware] : all_middleware()) {
    INFO(name);
    auto options = support::quiet_options();
    options.middleware = middleware();
    const inngest::client app(std::move(options));
    auto f = app.create_function({.id = "f"}, inngest::on<ordered>(), [](context& ctx) {
      const std::string a = ctx.step.run("a", [] { return std::string("x"); });
      return ctx.step.run("b-" + a, [] { return 1; });
    });
    const inngest::handler handler(app, {f}, {.strict = true});
    support::call call;
    call.event = {{"name", "kinds/ordered"}, {"data", {{"name", "o"}, {"count", 1}}}};
    for (int i = 0; i < 2; ++i) {
      const json op = support::answer(handler(support::post("app-f", call.text()))).op();
      CHECK(op.at("op") == "StepRun");
      call.steps[op.at("id").get<std::string>()] = {{"data", op.at("data")}};
      call.stack.push_back(op.at("id"));
    }
    CHECK(support::answer(handler(support::post("app-f", call.text()))).status == 200);
  }
}

// ---- false alarms ---------------------------------------------------------------------------------------

TEST_CASE("middleware is told of a step once, although a harness goes through the handler twice",
          "[middleware][kinds]") {
  struct counting final : inngest::middleware {
    void on_run_start(const inngest::call_info&) override { ++runs; }
    void on_step_start(const inngest::call_info&, const inngest::step_info&) override { ++steps; }
    void on_run_complete(const inngest::call_info&, std::string_view) override { ++ends; }
    int runs = 0, steps = 0, ends = 0;
  };
  const auto counts = std::make_shared<counting>();
  auto options = support::quiet_options();
  options.middleware = {counts};
  const inngest::client app(std::move(options));
  auto f = app.create_function({.id = "f"}, inngest::on<ordered>(), [](context& ctx) {
    ctx.group.parallel([&] { ctx.step.run("a", [] {}); }, [&] { ctx.step.run("b", [] {}); });
  });
  harness t{app, {f}};
  CHECK(t.send(ordered{}).completed());
  CHECK(counts->runs == 1);
  CHECK(counts->steps == 2);
  CHECK(counts->ends == 1);
}

namespace {

/// Stores every result inside an object, and refuses results without one.
class packing : public inngest::middleware {
 public:
  std::string wrap_function_handler(const inngest::call_info&,
                                    inngest::next_call<std::string> next) override {
    return pack(next());
  }
  std::string wrap_step_handler(const inngest::call_info&, const inngest::step_info&,
                                inngest::next_call<std::string> next) override {
    return pack(next());
  }
  std::string wrap_step(const inngest::call_info& call, const inngest::step_info&,
                        inngest::next_call<std::string> next) override {
    if (!call.function) throw std::logic_error("every call of a handler has a function");
    return json::parse(next()).at("packed").dump();
  }

 private:
  static std::string pack(const std::string& result) {
    return json{{"packed", json::parse(result.empty() ? "null" : result)}}.dump();
  }
};

/// A function whose on_success handler notes the output that it gets.
auto noting(const inngest::client& app, std::vector<std::string>& seen, inngest::middleware_list own = {}) {
  return app.create_function(
      {.id = "f", .middleware = std::move(own)}, inngest::on<ordered>(),
      [](context& ctx) {
        return item{ctx.step.run("make", [] { return std::string("made"); }), 3};
      },
      inngest::on_success(
          [&seen](inngest::success_context<item, ordered>& ctx) {
            ctx.step.run("note", [&] { seen.push_back(ctx.output.name + std::to_string(ctx.output.count)); });
          },
          {.retries = 0}));
}

}  // namespace

TEST_CASE("an on_success handler gets the output as the middleware unpacks it", "[middleware][ends]") {
  const auto packs = std::make_shared<packing>();
  const auto encrypts = inngest::encryption({.key = "secret"});  // decrypts the event of the end as well
  const auto layers = GENERATE_REF(inngest::middleware_list{packs}, inngest::middleware_list{packs, encrypts},
                                   inngest::middleware_list{encrypts, packs});
  for (const bool of_client : {true, false}) {
    CAPTURE(layers.size(), of_client);
    auto options = support::quiet_options();
    if (of_client) options.middleware = layers;
    const inngest::client app(std::move(options));
    std::vector<std::string> seen;
    const auto f = noting(app, seen, of_client ? inngest::middleware_list() : layers);
    {
      harness t{app, {f}};
      t.send(ordered{{.name = "o"}});
      CHECK(seen == std::vector<std::string>{"made3"});
    }
    seen.clear();
    inngest::embedded::engine engine(app, {f});
    engine.send(ordered{{.name = "o"}});
    REQUIRE(engine.wait_until_idle(support::patience));
    CHECK(seen == std::vector<std::string>{"made3"});
  }
}

TEST_CASE("an on_success handler gets the output with every middleware, and without", "[middleware][ends]") {
  for (const auto& [name, middleware] : all_middleware()) {
    INFO(name);
    auto options = support::quiet_options();
    options.middleware = middleware();
    const inngest::client app(std::move(options));
    std::vector<std::string> seen;
    const auto f = noting(app, seen);
    harness t{app, {f}};
    t.send(ordered{{.name = "o"}});
    CHECK(seen == std::vector<std::string>{"made3"});
  }
}

TEST_CASE("a hook that can't read the output fails the attempt of the on_success handler",
          "[middleware][ends]") {
  class refusing : public inngest::middleware {
   public:
    std::string wrap_step(const inngest::call_info&, const inngest::step_info& step,
                          inngest::next_call<std::string> next) override {
      if (step.id == "output") throw std::runtime_error("no output");
      return next();
    }
  };
  auto options = support::quiet_options();
  options.middleware = {std::make_shared<refusing>()};
  const inngest::client app(std::move(options));
  std::vector<std::string> seen;
  harness t{app, {noting(app, seen)}};
  t.send(ordered{{.name = "o"}});
  CHECK(seen.empty());
  std::vector<std::string> errors;
  for (const auto& run : t.runs()) {
    if (run.function_id() == "f-success" && run.failed()) errors.push_back(run.error());
  }
  CHECK(errors == std::vector<std::string>{"std::runtime_error: no output"});
}

TEST_CASE("a run's output says why there is none", "[testing]") {
  const inngest::client app(support::quiet_options());
  auto f = app.create_function({.id = "f", .retries = 0}, inngest::on<ordered>(), [](context& ctx) {
    if (ctx.event.data.count < 0) throw std::invalid_argument("less than nothing");
    ctx.step.sleep("rest", 1h);
    return 1;
  });
  harness t{app, {f}};
  const auto words = [](const auto& run) {
    try {
      run.template output<int>();
    } catch (const inngest::error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const auto failed = t.send(ordered{{.name = "o", .count = -1}});
  CHECK_THROWS_AS(failed.output<int>(), inngest::embedded::run_failed);
  CHECK_THAT(words(failed),
             ContainsSubstring("function \"f\" failed: std::invalid_argument: less than nothing"));
  const auto sleeping = t.send(ordered{});
  CHECK_THROWS_AS(sleeping.output<int>(), inngest::payload_error);
  CHECK_THAT(words(sleeping), ContainsSubstring("running"));
  t.cancel(sleeping);
  CHECK_THAT(words(sleeping), ContainsSubstring("was cancelled"));
}

TEST_CASE("a wait and a signal can be mocked by what their steps give", "[testing]") {
  const inngest::client app(support::quiet_options());
  auto f = app.create_function({.id = "f", .retries = 0}, inngest::on<ordered>(), [](context& ctx) {
    const auto event = ctx.step.wait_for_event<answered>("wait", {.timeout = 1h});
    const auto signal = ctx.step.wait_for_signal<item>("signal", {.signal = "go", .timeout = 1h});
    const auto number = ctx.step.wait_for_signal<int>("number", {.signal = "count", .timeout = 1h});
    return (event ? event->data.name : "none") + (signal ? signal->name : "none") +
           std::to_string(number.value_or(-1));
  });
  const auto result = [&](auto wait, auto signal, auto number) {
    harness t{app, {f}};
    t.mock_step("wait", wait);
    t.mock_step("signal", signal);
    t.mock_step("number", number);
    const auto run = t.send(ordered{});
    INFO(run);
    CHECK(run.completed());
    return run.completed() ? run.output<std::string>() : run.error();
  };
  CHECK(result([] { return answered{{.name = "E"}}; },
               [] {
                 return item{"S", 1};
               },
               [] { return 7; }) == "ES7");
  CHECK(result([] { return std::optional(answered{{.name = "E"}}); },
               [] {
                 return std::optional(item{"S", 1});
               },
               [] { return std::optional(0); }) == "ES0");
  CHECK(result([] { return std::optional<answered>(); }, [] { return std::optional<item>(); }, [] {}) ==
        "nonenone-1");
  CHECK(result(
            [] {
              return item{"D", 1};
            },
            [] {
              return json{{"signal", "go"}, {"data", {{"name", "W"}, {"count", 1}}}};
            },
            [] { return 1; }) == "DW1");
}
