// Stopping reaches the bodies that run, and uses up no attempt.
#include <httplib.h>

#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/inngest.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/background.hpp"
#include "support/eventually.hpp"
#include "support/forwarding_store.hpp"
#include "support/running_server.hpp"

using namespace std::chrono_literals;
using namespace inngest::embedded;

using support::eventually;

namespace {

struct numbered {
  int n = 0;
};
INNGEST_FIELDS(numbered, n)
using go = inngest::event<"test/go", numbered>;
using halt = inngest::event<"test/halt", numbered>;

inngest::client quiet_client() {
  return inngest::client({.id = "app",
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

/// Waits until it is asked to stop, up to a minute; says whether it was.
bool asked_to_stop(const std::stop_token& stop) {
  return eventually([&] { return stop.stop_requested(); });
}

}  // namespace

TEST_CASE("stop() asks a body to stop, and the next engine runs it again as the same attempt",
          "[embedded][stop]") {
  const auto store = std::make_shared<memory_store>();
  std::atomic<int> begun{0};
  std::vector<int> attempts;
  std::string run_id;
  const auto by_parameter = GENERATE(true, false);
  const auto in_step = GENERATE(true, false);
  const auto retries = GENERATE(0, 3);
  const auto make = [&](const inngest::client& app) {
    return app.create_function(
        {.id = "f", .retries = retries}, inngest::on<go>(), [&](inngest::context<go>& ctx) {
          const auto work = [&](const std::stop_token& stop) {
            attempts.push_back(ctx.attempt);
            if (begun++ > 0) return 7;
            if (!asked_to_stop(stop)) throw std::logic_error("nobody asked");
            throw std::runtime_error("stopped");
          };
          if (!in_step) return work(ctx.stop_token());
          return by_parameter ? ctx.step.run("work", [&](std::stop_token stop) { return work(stop); })
                              : ctx.step.run("work", [&] { return work(ctx.stop_token()); });
        });
  };
  {
    const auto app = quiet_client();
    engine first(app, {make(app)}, {.store = store});
    first.send(go{});
    REQUIRE(eventually([&] { return begun == 1; }));
    CHECK(first.calls_under_way() == 1);
    CHECK(first.stop(60s));
    CHECK(first.calls_under_way() == 0);
    CHECK_FALSE(first.wait_until_idle(0ms));
    run_id = first.runs().at(0).id;
  }
  const auto app = quiet_client();
  engine second(app, {make(app)}, {.store = store, .retry_delay = [](int) { return 1ms; }});
  const auto run = second.wait_for(run_id, support::patience);
  CHECK(run.status == run_status::completed);
  CHECK(run.output<int>() == 7);
  CHECK(attempts == std::vector<int>{0, 0});
}

TEST_CASE("stop() does not wait for a body longer than the grace, but its result counts if it comes",
          "[embedded][stop]") {
  const auto store = std::make_shared<memory_store>();
  const auto app = quiet_client();
  std::atomic<bool> begun{false}, released{false};
  std::atomic<int> first_ran{0}, second_ran{0};
  const auto make = [&] {
    return app.create_function({.id = "f"}, inngest::on<go>(), [&](inngest::context<go>& ctx) {
      ctx.step.run("first", [&] {
        ++first_ran;
        begun = true;
        eventually([&] { return released.load(); });
      });
      ctx.step.run("second", [&] { ++second_ran; });
    });
  };
  {
    engine first(app, {make()}, {.store = store});
    first.send(go{});
    REQUIRE(eventually([&] { return begun.load(); }));
    CHECK_FALSE(first.stop(20ms));
    CHECK(first.calls_under_way() == 1);
    const auto jobs = store->load().jobs;
    REQUIRE(jobs.size() == 1);
    CHECK_FALSE(jobs[0].started);  // a process that is killed now has used up no attempt
    CHECK(jobs[0].attempt == 0);
    first.send(go{.data = {.n = 2}});  // events are still taken in
    released = true;
  }
  CHECK(first_ran == 1);
  CHECK(second_ran == 0);  // nothing begins any more
  engine second(app, {make()}, {.store = store});
  REQUIRE(second.wait_until_idle(support::patience));
  CHECK(first_ran == 2);  // once for each event
  CHECK(second_ran == 2);
}

TEST_CASE("a call that had not begun when the engine stopped is made by the next as the same attempt",
          "[embedded][stop]") {
  /// Says when a commit with a started job waits for it.
  struct gated_store final : support::forwarding_store {
    std::atomic<bool> waits{false}, opens{false};
    void commit(std::span<const changes> all) override {
      for (const changes& batch : all) {
        if (batch.started_jobs.empty() || opens) continue;
        waits = true;
        eventually([&] { return opens.load(); });
      }
      memory.commit(all);
    }
    bool is_on_disk() const override { return true; }
  };
  const auto app = quiet_client();
  const auto store = std::make_shared<gated_store>();
  std::vector<int> attempts;
  const auto function =
      app.create_function({.id = "f", .retries = 0}, inngest::on<go>(),
                          [&](inngest::context<go>& ctx) { attempts.push_back(ctx.attempt); });
  {
    engine first(app, {function}, {.store = store});
    first.send(go{});
    REQUIRE(eventually([&] { return store->waits.load(); }));
    // when the engine has begun to stop, which then waits for the commit
    support::background opener([&](const std::atomic<bool>&) {
      eventually([&] { return !first.health().ready; });
      store->opens = true;
    });
    first.stop(0ms);
    opener.end();
  }
  CHECK(attempts.empty());
  engine second(app, {function}, {.store = store});
  REQUIRE(second.wait_until_idle(support::patience));
  CHECK(attempts == std::vector<int>{0});
  CHECK(second.runs().at(0).status == run_status::completed);
}

TEST_CASE("a body is asked to stop when its run is cancelled or out of time", "[embedded][stop]") {
  const auto how = GENERATE("cancel", "event", "timeout", "singleton");
  INFO(how);
  const bool has_timeout = how == std::string("timeout"), is_singleton = how == std::string("singleton");
  const auto app = quiet_client();
  std::atomic<int> begun{0}, asked{0}, after{0};
  std::string first_id;
  inngest::function_options options{.id = "f", .cancel_on = {{.event = "test/halt"}}};
  if (has_timeout) options.timeouts = inngest::timeouts{.finish = 1h};
  if (is_singleton) options.singleton = inngest::singleton{.mode = inngest::singleton_mode::cancel};
  const auto function = app.create_function(options, inngest::on<go>(), [&](inngest::context<go>& ctx) {
    ctx.step.run("work", [&](std::stop_token stop) {
      if (begun++ > 0) return;
      first_id = ctx.run_id;
      if (asked_to_stop(stop) && ctx.stop_token().stop_requested()) ++asked;
    });
    if (ctx.event.data.n == 0) ctx.step.run("after", [&] { ++after; });
  });
  std::atomic<int> hours{0};
  engine engine(app, {function}, {.system_time = [&] {
                  return std::chrono::system_clock::now() + std::chrono::hours(hours);
                }});
  engine.send(go{});
  REQUIRE(eventually([&] { return begun == 1; }));
  if (has_timeout) hours = 2;
  if (how == std::string("cancel")) CHECK(engine.cancel(engine.runs().at(0).id));
  if (how == std::string("event")) engine.send(halt{});
  if (is_singleton) engine.send(go{.data = {.n = 1}});
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(asked == 1);
  CHECK(after == 0);
  CHECK(engine.find_run(first_id)->status == run_status::cancelled);
}

TEST_CASE("a permanent error is one, even when the engine stops", "[embedded][stop]") {
  const auto app = quiet_client();
  const auto store = std::make_shared<memory_store>();
  std::atomic<int> begun{0};
  const auto function = app.create_function({.id = "f"}, inngest::on<go>(), [&](inngest::context<go>& ctx) {
    ++begun;
    asked_to_stop(ctx.stop_token());
    throw inngest::non_retriable_error("broken");
  });
  engine engine(app, {function}, {.store = store});
  engine.send(go{});
  REQUIRE(eventually([&] { return begun == 1; }));
  CHECK(engine.stop(60s));
  CHECK(engine.runs().at(0).status == run_status::failed);
}

TEST_CASE("an engine can be stopped twice, and from its own body", "[embedded][stop]") {
  const auto app = quiet_client();
  std::atomic<bool> stopped{false}, all_ended{true};
  std::unique_ptr<engine> engine;
  const auto function = app.create_function({.id = "f"}, inngest::on<go>(), [&](inngest::context<go>&) {
    all_ended = engine->stop(10ms);
    stopped = true;
  });
  engine = std::make_unique<inngest::embedded::engine>(app, std::vector<inngest::any_function>{function});
  engine->send(go{});
  REQUIRE(eventually([&] { return stopped.load(); }));
  CHECK_FALSE(all_ended);
  CHECK(engine->stop(60s));
  CHECK(engine->stop(std::chrono::milliseconds::max()));
}

TEST_CASE("an engine that ends does not wait for an app over HTTP, and the next one calls it again",
          "[embedded][stop]") {
  std::atomic<int> calls{0};
  std::atomic<bool> released{false};
  std::mutex mutex;
  std::set<std::string> numbers;
  httplib::Server app;
  app.Post("/app", [&](const httplib::Request& request, httplib::Response& response) {
    {
      const std::lock_guard lock(mutex);
      numbers.insert(inngest::json::parse(request.body).at("ctx").at("qi_id"));
    }
    if (++calls == 1) eventually([&] { return released.load(); });
    response.set_header("x-inngest-sdk", "test:v1");
    response.set_content("7", "application/json");
  });
  const support::running_server running(app);
  const inngest::json function{
      {"id", "far-f"},
      {"name", "f"},
      {"triggers", {{{"event", "test/go"}}}},
      {"steps",
       {{"step",
         {{"id", "step"},
          {"name", "step"},
          {"runtime", {{"type", "http"}, {"url", running.url("/app?fnId=far-f&stepId=step")}}},
          {"retries", {{"attempts", 0}}}}}}}};
  const auto store = std::make_shared<memory_store>();
  std::string run_id;
  const auto began = std::chrono::steady_clock::now();
  {
    const auto client = quiet_client();
    engine first(client, {}, {.store = store});
    const http_server server(first, {.port = 0});
    first.register_app("far", inngest::json{{"functions", {function}}}.dump());
    first.send(go{});
    REQUIRE(eventually([&] { return calls == 1; }));
    run_id = first.runs().at(0).id;
    CHECK_FALSE(first.stop(20ms));
  }
  CHECK(std::chrono::steady_clock::now() - began < 30s);
  CHECK(calls == 1);
  const auto client = quiet_client();
  engine second(client, {}, {.store = store});
  const http_server server(second, {.port = 0});
  CHECK(second.wait_for(run_id, support::patience).status == run_status::completed);
  CHECK(calls == 2);
  const std::lock_guard lock(mutex);
  CHECK(numbers.size() == 2);  // what the first call may still save does not count for the second
  released = true;
}
