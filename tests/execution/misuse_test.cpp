#include <exception>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <inngest/embedded.hpp>
#include <inngest/inngest.hpp>
#include <inngest/testing.hpp>

#include "../catch.hpp"
#include "../support/eventually.hpp"
#include "../support/handler_driver.hpp"

// Steps on other threads, ids that differ between calls, and what is thrown that is no std::exception.

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using inngest::json;
using support::answer;
using support::run_driver;

using started = inngest::event<"misuse/started">;
using context = inngest::context<started>;

template <class Handler>
auto made(Handler handler, inngest::client_options options = support::quiet_options()) {
  return inngest::client(std::move(options))
      .create_function({.id = "f", .retries = 0}, inngest::on<started>(), std::move(handler));
}

/// Calls `use` on a thread of its own; gives the words of what it threw.
template <class Use>
std::string on_another_thread(Use use) {
  std::string problem;
  std::thread thread([&] {
    try {
      use();
    } catch (const inngest::wrong_thread_error& caught) {
      problem = caught.what();
    }
  });
  thread.join();
  return problem;
}

}  // namespace

// ---- threads --------------------------------------------------------------------------------------------

TEST_CASE("a step on another thread throws an error that can be caught there, and fails the run",
          "[misuse]") {
  const std::vector<std::pair<std::string, std::function<void(context&)>>> uses{
      {"run", [](context& ctx) { ctx.step.run("s", [] {}); }},
      {"start", [](context& ctx) { (void)ctx.step.start("s", [] { return 1; }); }},
      {"sleep", [](context& ctx) { ctx.step.sleep("s", 1s); }},
      {"wait", [](context& ctx) { ctx.step.wait_for_event<started>("s", {.timeout = 1s}); }},
      {"signal", [](context& ctx) { ctx.step.wait_for_signal("s", {.signal = "x", .timeout = 1s}); }},
      {"fetch", [](context& ctx) { ctx.step.fetch("s", {.url = "http://localhost"}); }},
      {"send_event", [](context& ctx) { ctx.step.send_event("s", started{}); }},
      {"experiment",
       [](context& ctx) {
         ctx.group.experiment("s", inngest::experiment::fixed("a"), inngest::variant("a", [] { return 1; }));
       }},
      {"parallel", [](context& ctx) { ctx.group.parallel([&] { ctx.step.run("s", [] {}); }); }},
      {"race", [](context& ctx) { ctx.group.race([&] { ctx.step.run("s", [] {}); }); }},
  };
  for (const auto& [name, use] : uses) {
    INFO(name);
    std::string problem;
    auto f = made([&, &use = use](context& ctx) {
      problem = on_another_thread([&, &use = use] { use(ctx); });
      return 1;
    });
    const answer reply = run_driver(f).discover();
    CHECK_THAT(problem, ContainsSubstring("thread other than") && ContainsSubstring("function \"f\""));
    if (name != "parallel" && name != "race") CHECK_THAT(problem, StartsWith("step \"s\""));
    CHECK(reply.status == 400);
    CHECK_THAT(reply.text, ContainsSubstring("inngest::wrong_thread_error"));
  }
}

TEST_CASE("a deferred call and a handle's get belong to the handler's thread too", "[misuse]") {
  const auto app = support::quiet_client();
  auto later = app.create_deferred_function<json>({.id = "later"}, [](auto&) {});
  auto deferring =
      made([&](context& ctx) { return on_another_thread([&] { ctx.defer("d", later, json::object()); }); });
  CHECK_THAT(run_driver(deferring).discover().text, ContainsSubstring("step \\\"d\\\""));
  auto getting = made([&](context& ctx) {
    auto handle = ctx.step.start("s", [] { return 1; });
    on_another_thread([&] { handle.get(); });
    return handle.get();
  });
  CHECK(run_driver(getting).result("s", 1).discover().status == 400);
  CHECK(run_driver(getting).discover().status == 400);
}

TEST_CASE("a step in std::async gives its error through the future", "[misuse]") {
  auto f = made([](context& ctx) {
    return std::async(std::launch::async, [&] { return ctx.step.run("s", [] { return 1; }); }).get();
  });
  for (const auto& run : {run_driver(f), run_driver(f).result("s", 1)}) {
    const answer reply = run.discover();
    CHECK(reply.status == 400);
    CHECK_THAT(reply.text, ContainsSubstring("thread other than"));
  }
}

TEST_CASE("eight threads that use steps at once do no harm", "[misuse]") {
  auto f = made([](context& ctx) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&ctx, i] {
        const std::string id = "s" + std::to_string(i);
        for (int n = 0; n < 50; ++n) {
          try {
            ctx.step.run(id, [] {});
          } catch (const inngest::wrong_thread_error&) {
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    return ctx.step.run("own", [] { return 1; });
  });
  const answer reply = run_driver(f).discover();
  CHECK(reply.status == 400);
  CHECK_THAT(reply.text, ContainsSubstring("thread other than"));
}

TEST_CASE("a body may use threads, as long as they use no steps", "[misuse]") {
  auto f = made([](context& ctx) {
    return ctx.step.run("s", [] { return std::async(std::launch::async, [] { return 7; }).get(); });
  });
  CHECK(run_driver(f).finish().result == 7);
}

// ---- ids that differ ------------------------------------------------------------------------------------

TEST_CASE("a step id that differs between calls is warned of, with the id that was found", "[misuse]") {
  support::log_record log;
  auto options = support::quiet_options();
  options.log = log.logger();
  int calls = 0;
  auto f = made([&](context& ctx) {
    const int sum = ctx.step.run("charge-" + std::to_string(++calls), [] { return 1; });
    return sum + ctx.step.run("end", [] { return 1; });
  });
  run_driver run(f, options);
  CHECK(run.discover().op().at("id") == support::hash_of("charge-1"));
  CHECK(log.lines().empty());
  run.result("charge-1", 1).discover();
  CHECK_THAT(log.text(), ContainsSubstring("step \"charge-2\"") && ContainsSubstring("misuse_test.cpp:") &&
                             ContainsSubstring(support::hash_of("charge-1")) &&
                             ContainsSubstring("must not differ between the calls"));
}

TEST_CASE("a run that ends without its remembered steps is warned of", "[misuse]") {
  support::log_record log;
  auto options = support::quiet_options();
  options.log = log.logger();
  auto f = made([](context&) { return 1; });
  CHECK(run_driver(f, options).result("gone", 1).discover().text == "1");
  CHECK_THAT(log.text(), ContainsSubstring("without 1 of the steps") &&
                             ContainsSubstring(support::hash_of("gone")) &&
                             ContainsSubstring("must not differ between the calls"));
}

TEST_CASE("stable ids are not warned of: started steps, branches and races", "[misuse]") {
  support::log_record log;
  auto options = support::quiet_options();
  options.log = log.logger();
  const inngest::client app(options);
  auto f = app.create_function({.id = "f"}, inngest::on<started>(), [](context& ctx) {
    auto a = ctx.step.start("a", [] { return 1; });
    auto b = ctx.step.start("b", [] { return 1; });
    int sum = b.get() + a.get();
    ctx.group.parallel([&] { ctx.step.sleep("c", 1s); }, [&] { ctx.step.run("d", [] {}); });
    ctx.group.race([&] { ctx.step.sleep("e", 1s); },
                   [&] {
                     ctx.step.sleep("f", 10s);
                     ctx.step.run("g", [] {});
                   });
    for (int i = 0; i < 3; ++i) sum += ctx.step.run("loop", [] { return 1; });
    ctx.step.sleep("h", 20s);
    return sum + ctx.step.run("i", [] { return 1; });
  });
  inngest::testing::harness t{app, {f}};
  auto run = t.send(started{});
  t.execute(run);
  INFO(run);
  CHECK(run.output<int>() == 6);
  CHECK(log.text() == "");
}

// ---- what is thrown -------------------------------------------------------------------------------------

namespace {
struct out_of_paper {
  int tray = 2;
};
enum class colour { red };

template <class Thrown>
std::pair<json, json> errors_of(const Thrown& thrown) {
  auto of_step = made([thrown](context& ctx) { ctx.step.run("print", [&] { throw thrown; }); });
  auto of_handler = made([thrown](context&) { throw thrown; });
  run_driver run(of_step);
  run.request.max_attempts = 1;
  return {run.discover().op().at("error"), run_driver(of_handler).discover().body()};
}
}  // namespace

TEST_CASE("what is thrown that is no std::exception is reported with its text or type", "[misuse]") {
  const auto check = [](const std::pair<json, json>& errors, const std::string& name,
                        const std::string& text) {
    INFO(errors.first << " " << errors.second);
    for (const json& error : {errors.first, errors.second}) {
      CHECK(error.at("name") == name);
      const std::string message = error.at("message");
      CHECK_THAT(message, StartsWith(text) && ContainsSubstring("\"" + name + "\"") &&
                              ContainsSubstring("function \"f\""));
    }
    CHECK_THAT(errors.first.at("message").get<std::string>(), ContainsSubstring("step \"print\""));
  };
  check(errors_of<const char*>("out of paper"), "char const*", "out of paper (");
  check(errors_of(std::string("out of ink")), "std::string", "out of ink (");
  check(errors_of(42), "int", "42 (");
  check(errors_of(-7L), "long", "-7 (");
  check(errors_of(1.5), "double", "1.5");
  check(errors_of(std::make_error_code(std::errc::timed_out)), "std::error_code", "");
  const auto [of_object, of_handler] = errors_of(out_of_paper{});
  CHECK_THAT(of_object.at("message").get<std::string>(),
             ContainsSubstring("out_of_paper") && ContainsSubstring("step \"print\" of function \"f\""));
  CHECK_THAT(of_handler.at("name").get<std::string>(), ContainsSubstring("out_of_paper"));
  CHECK_THAT(errors_of(colour::red).first.at("name").get<std::string>(), ContainsSubstring("colour"));
}

TEST_CASE("a cause that is no std::exception has its text and type", "[misuse]") {
  auto f = made([](context& ctx) {
    ctx.step.run("print", [] {
      try {
        throw "no paper";
      } catch (...) {
        std::throw_with_nested(std::runtime_error("printing failed"));
      }
    });
  });
  const json error = run_driver(f).discover().op().at("error");
  CHECK(error.at("cause") == json{{"name", "char const*"}, {"message", "no paper"}});
}

TEST_CASE("an engine's run and its timeline say what was thrown", "[misuse][embedded]") {
  const auto app = support::quiet_client();
  auto f = app.create_function({.id = "f", .retries = 0}, inngest::on<started>(),
                               [](context& ctx) { ctx.step.run("print", [] { throw 42; }); });
  inngest::embedded::engine engine(app, {f});
  engine.send(started{});
  REQUIRE(engine.wait_until_idle(support::patience));
  const auto run = engine.find_run(engine.runs().at(0).id).value();
  REQUIRE(run.error);
  CHECK(run.error->name == "int");
  CHECK_THAT(run.error->message, StartsWith("42 (step \"print\" of function \"f\""));
  CHECK_THAT(inngest::embedded::format_timeline(run), ContainsSubstring("42 (step \"print\""));
}

TEST_CASE("middleware that throws no std::exception fails what it is called for", "[misuse]") {
  struct rude final : inngest::middleware {
    void on_step_error(const inngest::call_info&, const inngest::step_info&,
                       const inngest::failure_info&) override {
      throw 13;
    }
    inngest::http::response wrap_request(const inngest::http::request& request,
                                         inngest::next_call<inngest::http::response> next) override {
      if (request.url.find("rude") != std::string::npos) throw "rude";
      return next();
    }
  };
  support::log_record log;
  auto options = support::quiet_options();
  options.log = log.logger();
  options.middleware = {std::make_shared<rude>()};
  const inngest::client app(options);
  auto f = app.create_function({.id = "f"}, inngest::on<started>(), [](context& ctx) {
    ctx.step.run("s", [] { throw std::runtime_error("own"); });
  });
  const inngest::handler handler(app, {f});
  support::call call;
  const answer reply(handler(support::post("app-f", call.text())));
  CHECK(reply.op().at("error").at("message") == "own");
  CHECK_THAT(log.text(), ContainsSubstring("on_step_error threw at step \"s\": 13"));
  auto request = support::post("app-f", call.text());
  request.url += "&rude=1";
  CHECK(handler(request).status == 500);
  CHECK_THAT(log.text(), ContainsSubstring("rude"));
}

TEST_CASE("a planned step that is not found again is named by its hash, with those that were found",
          "[misuse]") {
  int calls = 0;
  auto f = made([&](context& ctx) {
    const std::string id = "part-" + std::to_string(++calls);
    auto a = ctx.step.start(id, [] { return 1; });
    auto b = ctx.step.start("other", [] { return 1; });
    return a.get() + b.get();
  });
  run_driver run(f);
  run.discover();
  const answer reply = run.target("part-1");
  CHECK(reply.status == 500);
  CHECK_THAT(reply.text, ContainsSubstring(support::hash_of("part-1")) &&
                             ContainsSubstring(R"(\"part-2\", \"other\")") &&
                             ContainsSubstring("must not differ"));
}

TEST_CASE("a body that throws no std::exception after its deadline has exceeded it", "[misuse]") {
  auto f = made([](context& ctx) {
    ctx.step.run({.id = "slow", .deadline = 1ms}, [](std::stop_token stop) {
      support::eventually([&] { return stop.stop_requested(); });
      throw 42;
    });
  });
  const json error = run_driver(f).discover().op().at("error");
  CHECK(error.at("name") == "inngest::deadline_exceeded");
  CHECK(error.at("cause") == json{{"name", "int"}, {"message", "42"}});
}
