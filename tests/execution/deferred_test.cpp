#include <stdexcept>
#include <string>
#include <vector>

#include <inngest/embedded.hpp>
#include <inngest/inngest.hpp>
#include <inngest/testing.hpp>

#include "../catch.hpp"
#include "../support/eventually.hpp"
#include "../support/handler_driver.hpp"

// Deferred calls of functions that fail.

namespace {

using inngest::json;
using support::answer;
using support::hash_of;
using support::run_driver;
using strings = std::vector<std::string>;

using started = inngest::event<"deferred/started">;
using context = inngest::context<started>;

struct note {
  std::string text;
};
INNGEST_FIELDS(note, text)

struct app_with_notes {
  inngest::client app = support::quiet_client();
  strings notes{};
  inngest::deferred_function<note> write = app.create_deferred_function<note>(
      {.id = "write"}, [this](auto& ctx) { notes.push_back(ctx.event.data.text); });
};

}  // namespace

TEST_CASE("a deferred call is told with the failure of its function", "[defer]") {
  app_with_notes with;
  auto f = with.app.create_function({.id = "f", .retries = 1}, inngest::on<started>(), [&](context& ctx) {
    ctx.defer("later", with.write, note{"n"});
    throw inngest::non_retriable_error("no");
  });
  run_driver run(f);
  const answer reply = run.discover();
  CHECK(reply.status == 206);
  CHECK(reply.header("x-inngest-no-retry") == "true");
  const json ops = reply.body();
  REQUIRE(ops.size() == 2);
  CHECK(ops[0].at("op") == "DeferAdd");
  CHECK(ops[1].at("op") == "StepFailed");
  CHECK(ops[1].at("id") == hash_of("complete"));
  CHECK(ops[1].at("error").at("message") == "no");
}

TEST_CASE("a failure that will be retried tells the deferred call as an error", "[defer]") {
  app_with_notes with;
  auto f = with.app.create_function({.id = "f", .retries = 1}, inngest::on<started>(), [&](context& ctx) {
    ctx.defer("later", with.write, note{"n"});
    throw std::runtime_error("again");
  });
  const answer reply = run_driver(f).discover();
  CHECK(reply.status == 206);
  CHECK(reply.header("x-inngest-no-retry") == "false");
  CHECK(reply.body().at(1).at("op") == "StepError");
}

TEST_CASE("a deferred function runs although the function that deferred it failed", "[defer]") {
  for (const bool after_a_step : {false, true}) {
    for (const int retries : {0, 2}) {
      app_with_notes with;
      int calls = 0;
      auto f = with.app.create_function({.id = "f", .retries = retries}, inngest::on<started>(),
                                        [&](context& ctx) {
                                          ctx.defer("later", with.write, note{"n"});
                                          if (after_a_step) ctx.step.run("s", [] {});
                                          ++calls;
                                          throw std::runtime_error("oh no");
                                        });
      inngest::testing::harness t{with.app, {f, with.write}, {.check_determinism = false}};
      auto run = t.send(started{});
      t.execute(run);
      INFO(run << after_a_step << retries);
      CHECK(run.error() == "std::runtime_error: oh no");
      CHECK(calls == retries + 1);
      CHECK(with.notes == strings{"n"});
    }
  }
}

TEST_CASE("a step that fails for good does not lose the deferred call", "[defer]") {
  app_with_notes with;
  auto f = with.app.create_function({.id = "f", .retries = 0}, inngest::on<started>(), [&](context& ctx) {
    ctx.step.run("first", [] {});
    ctx.defer("later", with.write, note{"n"});
    ctx.step.run("s", [] { throw std::runtime_error("oh no"); });
  });
  inngest::testing::harness t{with.app, {f, with.write}, {.check_determinism = false}};
  const auto run = t.send(started{});
  INFO(run);
  CHECK(run.error() == "std::runtime_error: oh no");
  CHECK(with.notes == strings{"n"});
}

TEST_CASE("the engine runs the deferred function and on_failure of a failed run", "[defer][embedded]") {
  app_with_notes with;
  strings failures;
  auto f = with.app.create_function(
      {.id = "f", .retries = 0}, inngest::on<started>(),
      [&](context& ctx) {
        ctx.defer("later", with.write, note{"n"});
        throw std::runtime_error("oh no");
      },
      inngest::on_failure([&](auto& ctx) { failures.push_back(ctx.error.message); }));
  inngest::embedded::engine engine(with.app, {f, with.write}, {.workers = 1});
  engine.send(started{});
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(with.notes == strings{"n"});
  CHECK(failures == strings{"oh no"});
}

TEST_CASE("a deferred call may have the id of a step", "[defer]") {
  app_with_notes with;
  auto f = with.app.create_function({.id = "f"}, inngest::on<started>(), [&](context& ctx) {
    ctx.step.run("s", [] {});
    ctx.defer("s", with.write, note{"n"});
  });
  inngest::testing::harness t{with.app, {f, with.write}, {.check_determinism = false}};
  const auto run = t.send(started{});
  INFO(run);
  CHECK(run.completed());
  CHECK(with.notes == strings{"n"});
}
