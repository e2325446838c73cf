#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <inngest/ai.hpp>
#include <inngest/embedded.hpp>
#include <inngest/inngest.hpp>
#include <inngest/middleware/encryption.hpp>
#include <inngest/testing.hpp>

#include "../catch.hpp"
#include "../support/handler_driver.hpp"

// Each kind of step with each kind of middleware gives what it gives without any.

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using inngest::testing::harness;

struct item {
  std::string name;
  int count = 0;
};
INNGEST_FIELDS(item, name, count)
using ordered = inngest::event<"kinds/ordered", item>;
using answered = inngest::event<"kinds/answered", item>;
using context = inngest::context<ordered>;

/// Wraps each result in an object, and takes it out again.
struct wrapping final : inngest::middleware {
  std::string wrap_step_handler(const inngest::call_info&, const inngest::step_info&,
                                inngest::next_call<std::string> next) override {
    return "{\"wrapped\":" + next() + "}";
  }
  std::string wrap_function_handler(const inngest::call_info&,
                                    inngest::next_call<std::string> next) override {
    return "{\"wrapped\":" + next() + "}";
  }
  std::string wrap_step(const inngest::call_info&, const inngest::step_info&,
                        inngest::next_call<std::string> next) override {
    const json result = json::parse(next());
    return (result.is_object() && result.contains("wrapped") ? result["wrapped"] : result).dump();
  }
};

/// Puts a prefix before each step's id.
struct prefixing final : inngest::middleware {
  void transform_step_input(const inngest::call_info&, const inngest::step_info&,
                            inngest::step_input& step) override {
    step.id = "tenant/" + step.id;
  }
};

using maker = std::function<inngest::middleware_list()>;
const std::vector<std::pair<std::string, maker>> all_middleware{
    {"no middleware", [] { return inngest::middleware_list{}; }},
    {"encryption", [] { return inngest::middleware_list{inngest::encryption({.key = "secret"})}; }},
    {"results in an object", [] { return inngest::middleware_list{std::make_shared<wrapping>()}; }},
    {"prefixed ids", [] { return inngest::middleware_list{std::make_shared<prefixing>()}; }},
    {"all of them",
     [] {
       return inngest::middleware_list{std::make_shared<prefixing>(), inngest::encryption({.key = "secret"}),
                                       std::make_shared<wrapping>()};
     }},
};

using step_maker = std::function<std::string(context&, const inngest::any_function& called)>;
const std::vector<std::pair<std::string, step_maker>> all_kinds{
    {"run",
     [](context& ctx, auto&) {
       return ctx.step.run("s", [&] { return item{"r", 1}; }).name;
     }},
    {"run with arguments",
     [](context& ctx, auto&) {
       return ctx.step.run(
           "s", [](int n) { return std::to_string(n); }, 7);
     }},
    {"start",
     [](context& ctx, auto&) {
       auto a = ctx.step.start("a", [] { return std::string("A"); });
       auto b = ctx.step.start("b", [] { return std::string("B"); });
       return a.get() + b.get();
     }},
    {"parallel",
     [](context& ctx, auto&) {
       auto [a, b] = ctx.group.parallel([&] { return ctx.step.run("a", [] { return std::string("A"); }); },
                                        [&] { return ctx.step.run("b", [] { return std::string("B"); }); });
       return a + b;
     }},
    {"race",
     [](context& ctx, auto&) {
       return ctx.group.race([&] { return ctx.step.run("a", [] { return std::string("A"); }); },
                             [&] {
                               ctx.step.sleep("b", 10s);
                               return std::string("B");
                             });
     }},
    {"experiment",
     [](context& ctx, auto&) {
       const auto chosen = ctx.group.experiment(
           "pick", inngest::experiment::fixed("new"),
           inngest::variant("old", [&] { return ctx.step.run("old", [] { return std::string("O"); }); }),
           inngest::variant("new", [&] { return ctx.step.run("new", [] { return std::string("N"); }); }));
       return chosen.variant + chosen.result;
     }},
    {"sleep",
     [](context& ctx, auto&) {
       ctx.step.sleep("s", 1s);
       return std::string("slept");
     }},
    {"a wait in time",
     [](context& ctx, auto&) {
       const auto event = ctx.step.wait_for_event<answered>("wait", {.timeout = 1h});
       return event ? event->data.name : "none";
     }},
    {"a wait that times out",
     [](context& ctx, auto&) {
       const auto event = ctx.step.wait_for_event<answered>("never", {.timeout = 1s, .expression = "false"});
       return std::string(event ? "event" : "none");
     }},
    {"a signal",
     [](context& ctx, auto&) {
       const auto reply = ctx.step.wait_for_signal<item>("signal", {.signal = "kinds/go", .timeout = 1h});
       return reply ? reply->name : "none";
     }},
    {"invoke",
     [](context& ctx, auto& called) {
       const auto& typed = static_cast<const inngest::function<item, ordered>&>(called);
       return ctx.step.invoke("s", typed, item{"i", 2}).name;
     }},
    {"send_event",
     [](context& ctx, auto&) {
       return std::to_string(ctx.step.send_event("s", answered{{.name = "sent"}}).ids.size());
     }},
    {"fetch", [](context& ctx, auto&) { return ctx.step.fetch("page", {.url = "http://localhost/x"}).body; }},
    {"ai.wrap",
     [](context& ctx, auto&) { return ctx.step.ai.wrap("s", [] { return std::string("wrapped"); }); }},
    {"a failed step",
     [](context& ctx, auto&) {
       try {
         ctx.step.run("s", []() -> std::string { throw inngest::non_retriable_error("bad"); });
       } catch (const inngest::step_error& error) {
         return std::string(error.what());
       }
       return std::string("none");
     }},
};

/// What a function of one step of the kind gives.
std::string result_of(const step_maker& use, inngest::middleware_list middleware) {
  auto options = support::quiet_options();
  options.middleware = std::move(middleware);
  const inngest::client app(std::move(options));
  auto called =
      app.create_function({.id = "called"}, inngest::on<inngest::event<"kinds/none", item>>(), [](auto&) {
        return item{"invoked", 1};
      });
  auto f = app.create_function({.id = "f", .retries = 0}, inngest::on<ordered>(), [&](context& ctx) {
    const std::string before = ctx.step.run("before", [] { return std::string("<"); });
    const std::string result = use(ctx, called);
    return before + result + ctx.step.run("after", [] { return std::string(">"); });
  });
  harness t{app, {f, called}};
  t.mock_step("page", [] { return inngest::fetch_response{.status_code = 200, .body = "page"}; });
  auto run = t.send(ordered{{.name = "o"}});
  t.send(answered{{.name = "answer"}});
  t.send_signal("kinds/go", {{"name", "signalled"}, {"count", 1}});
  t.execute(run);
  INFO(run);
  CHECK(run.completed());
  return run.completed() ? run.output<std::string>() : run.error();
}

}  // namespace

TEST_CASE("each kind of step gives the same with each kind of middleware", "[middleware][kinds]") {
  for (const auto& [kind, use] : all_kinds) {
    const std::string plain = result_of(use, {});
    for (const auto& [name, middleware] : all_middleware) {
      INFO(kind << " with " << name);
      CHECK(result_of(use, middleware()) == plain);
    }
  }
}

TEST_CASE("a run's output and its steps' results are read through the middleware", "[middleware][kinds]") {
  for (const auto& [name, middleware] : all_middleware) {
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
    REQUIRE_FALSE(engine.wait_until_idle(100ms));
    engine.send(answered{{.name = "?"}});
    REQUIRE(engine.wait_until_idle(30s));
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
  for (const auto& [name, middleware] : all_middleware) {
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
