// Handlers that are drained, and calls whose answers nobody wants any more.
#include <inngest/inngest.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <stop_token>
#include <string>
#include <thread>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"

using namespace std::chrono_literals;

using support::eventually;

namespace {

struct nothing {};
INNGEST_FIELDS(nothing)
using go = inngest::event<"test/go", nothing>;

inngest::http::request call_of(const inngest::any_function& function) {
  return {.method = "POST",
          .url = "/api/inngest?fnId=" + function.slug() + "&stepId=step",
          .body = R"({"ctx":{"run_id":"r","attempt":0,"max_attempts":1,"stack":{"stack":[],"current":0}},)"
                  R"("event":{"name":"test/go","data":{}},"events":[{"name":"test/go","data":{}}],)"
                  R"("steps":{},"version":2})"};
}

}  // namespace

TEST_CASE("drain() asks calls to stop, waits for them and refuses new ones", "[serve][drain]") {
  const inngest::client app(support::quiet_options());
  std::atomic<bool> begun{false};
  const auto function = app.create_function({.id = "f"}, inngest::on<go>(), [&](inngest::context<go>& ctx) {
    ctx.step.run("work", [&](std::stop_token stop) {
      begun = true;
      eventually([&] { return stop.stop_requested(); });
      throw std::runtime_error("stopped");
    });
  });
  const inngest::handler handler(app, {function});
  const inngest::handler copy = handler;
  CHECK(handler.calls_under_way() == 0);
  auto answer = std::async(std::launch::async, [&] { return copy(call_of(function)); });
  REQUIRE(eventually([&] { return begun.load(); }));
  CHECK(handler.calls_under_way() == 1);
  CHECK(handler.drain(60s));
  CHECK(handler.calls_under_way() == 0);
  const auto stopped = answer.get();
  CHECK(stopped.status == 206);  // of its last attempt, and yet worth another one
  CHECK(stopped.headers.find("x-inngest-no-retry") == "false");
  CHECK(inngest::json::parse(stopped.body).at(0).at("op") == "StepError");

  const auto refused = copy(call_of(function));
  CHECK(refused.status == 503);
  CHECK(refused.headers.find("x-inngest-no-retry") == "false");
  CHECK(copy({.method = "GET", .url = "/api/inngest"}).status == 200);  // it is still there
}

TEST_CASE("drain() gives up when its grace is over", "[serve][drain]") {
  const inngest::client app(support::quiet_options());
  std::atomic<bool> begun{false}, released{false};
  const auto function = app.create_function({.id = "f"}, inngest::on<go>(), [&](inngest::context<go>&) {
    begun = true;
    eventually([&] { return released.load(); });
  });
  const inngest::handler handler(app, {function});
  auto answer = std::async(std::launch::async, [&] { return handler(call_of(function)); });
  REQUIRE(eventually([&] { return begun.load(); }));
  CHECK_FALSE(handler.drain(10ms));
  CHECK(handler.calls_under_way() == 1);
  released = true;
  CHECK(answer.get().status == 200);
  CHECK(handler.drain(std::chrono::milliseconds::max()));
}

TEST_CASE("a call is asked to stop when nobody listens to its stream any more", "[serve][streaming][drain]") {
  const inngest::client app(support::quiet_options());
  std::atomic<bool> begun{false}, asked{false}, went_on{false};
  const auto function = app.create_function({.id = "f"}, inngest::on<go>(), [&](inngest::context<go>& ctx) {
    ctx.step.run("work", [&] {
      begun = true;
      asked = eventually([&] { return ctx.stop_token().stop_requested(); });
    });
    ctx.step.run("after", [&] { went_on = true; });
  });
  const inngest::handler handler(app, {function}, {.streaming = true, .heartbeat = 1ms});
  const auto answer = handler(call_of(function));
  REQUIRE(answer.stream);
  answer.stream([&](std::string_view) { return !begun; });  // the client goes when the body runs
  CHECK(asked);
  CHECK_FALSE(went_on);
}

TEST_CASE("a deadline is told through the call's one token", "[step][deadline]") {
  const inngest::client app(support::quiet_options());
  std::atomic<bool> same{false}, asked{false};
  const auto function = app.create_function({.id = "f"}, inngest::on<go>(), [&](inngest::context<go>& ctx) {
    ctx.step.run({.id = "work", .deadline = 10ms}, [&](std::stop_token stop) {
      same = stop == ctx.stop_token();
      asked = eventually([&] { return ctx.stop_token().stop_requested(); });
    });
  });
  const inngest::handler handler(app, {function});
  const auto answer = handler(call_of(function));
  CHECK(same);
  CHECK(asked);
  CHECK(inngest::json::parse(answer.body).at(0).at("error").at("name") == "inngest::deadline_exceeded");
}
