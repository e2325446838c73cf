#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <inngest/embedded.hpp>
#include <inngest/inngest.hpp>
#include <inngest/middleware/encryption.hpp>
#include <inngest/testing.hpp>

#include "catch.hpp"
#include "embedded/scheduler_driver.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"

// Deferred calls that are taken back, and the runs that deferred functions were deferred by.

namespace deferred_abort {

using namespace std::chrono_literals;
using inngest::json;
using support::answer;
using support::hash_of;
using support::run_driver;

using started = inngest::event<"deferred/started">;
using context = inngest::context<started>;

struct note {
  std::string text;
};
INNGEST_FIELDS(note, text)

struct app_with_notes {
  explicit app_with_notes(inngest::client_options options = support::quiet_options())
      : app(std::move(options)) {}

  inngest::client app;
  std::vector<std::string> notes{};
  std::vector<inngest::deferred_parent> parents{};
  std::vector<json> raw{};
  inngest::deferred_function<note> write = app.create_deferred_function<note>(
      {.id = "write"}, [this](inngest::context<inngest::deferred<note>>& ctx) {
        const inngest::deferred_parent parent = inngest::parent_of(ctx);
        ctx.step.run("note", [&] {
          notes.push_back(ctx.event.data.text);
          parents.push_back(parent);
        });
      });
  inngest::deferred_function<json> keep = app.create_deferred_function<json>(
      {.id = "keep"}, [this](auto& ctx) { ctx.step.run("keep", [&] { raw.push_back(ctx.event.data); }); });
};

json defers(std::string_view id, bool abortable) { return {{hash_of(id), {{"abortable", abortable}}}}; }

/// A call in which the server already has deferred calls.
answer call_with(const inngest::any_function& f, const json& known) {
  json body = json::parse(support::call{}.text());
  body["defers"] = known;
  return answer(inngest::handler(support::quiet_client(), {f})(support::post(f.slug(), body.dump())));
}

}  // namespace deferred_abort

using namespace deferred_abort;

TEST_CASE("a deferred call that is taken back before it was reported is never reported", "[defer]") {
  app_with_notes with;
  auto f = with.app.create_function({.id = "f"}, inngest::on<started>(), [&](context& ctx) {
    auto first = ctx.defer("first", with.write, note{"1"});
    ctx.defer("second", with.write, note{"2"});
    first.abort();
    first.abort();
  });
  const json operations = call_with(f, json::object()).body();
  REQUIRE(operations.size() == 2);
  CHECK(operations[0].at("id") == hash_of("second"));
  CHECK(operations[1].at("op") == "RunComplete");
}

TEST_CASE("a deferred call that the server has is taken back by an operation", "[defer]") {
  app_with_notes with;
  auto f = with.app.create_function({.id = "f"}, inngest::on<started>(), [&](context& ctx) {
    auto call = ctx.defer({.id = "first", .name = "First"}, with.write, note{"1"});
    call.abort();
    call.abort();
  });
  const json operations = call_with(f, defers("first", true)).body();
  REQUIRE(operations.size() == 2);
  CHECK(operations[0].at("op") == "DeferAbort");
  CHECK(operations[0].at("id") == hash_of(hash_of("first") + ":abort"));
  CHECK(operations[0].at("displayName") == "First");
  CHECK(operations[0].at("userland").at("id") == "first");
  CHECK(operations[0].at("opts") ==
        json{{"target_hashed_id", hash_of("first")}, {"fn_slug", "app-write"}, {"id", "first"}});
  const answer too_late = call_with(f, defers("first", false));
  CHECK(too_late.status == 200);
  CHECK(too_late.text == "null");
  CHECK(call_with(f, {{hash_of("first"), 1}}).body().size() == 2);  // a server that does not say
}

TEST_CASE("a deferred function knows its parent, and its data are as they were given", "[defer][harness]") {
  for (const bool encrypted : {false, true}) {
    auto options = support::quiet_options();
    if (encrypted) options.middleware = {inngest::encryption({.key = "k", .every_event_field = true})};
    app_with_notes with(options);
    auto f = with.app.create_function({.id = "f"}, inngest::on<started>(), [&](context& ctx) {
      ctx.defer("plain", with.write, note{"plain"});
      ctx.defer("scored", with.write, note{"scored"}, {.experiment = inngest::experiment_ref{"e", "v"}});
      ctx.defer("raw", with.keep, json{{"a", 1}}, {.experiment = inngest::experiment_ref{"e", "v"}});
    });
    inngest::testing::harness t(with.app, {f, with.write, with.keep});
    auto run = t.send(started{});
    REQUIRE(run.completed());
    CHECK(with.notes == std::vector<std::string>{"plain", "scored"});
    REQUIRE(with.parents.size() == 2);
    for (const auto& parent : with.parents) {
      CHECK(parent.run_id == run.id());
      CHECK(parent.function_slug == "app-f");
    }
    CHECK_FALSE(with.parents[0].experiment.has_value());
    CHECK(with.parents[1].experiment == inngest::experiment_ref{"e", "v"});
    CHECK(with.raw == std::vector<json>{json{{"a", 1}}});
  }
}

TEST_CASE("a server that names no parent is told so by an error", "[defer]") {
  app_with_notes with;
  run_driver run(with.write);
  run.request.max_attempts = 1;
  run.with_event({{"name", "inngest/deferred.schedule"}, {"data", {{"text", "t"}}}});
  const answer reply = run.discover();
  CHECK(reply.body().at("message").get<std::string>().find("did not name the run") != std::string::npos);
  CHECK(with.notes.empty());
}

TEST_CASE("an engine drops what was taken back, after a step, after a failure and beside on_failure",
          "[defer][engine]") {
  for (const bool fails : {false, true}) {
    for (const bool after_a_step : {false, true}) {
      CAPTURE(fails, after_a_step);
      app_with_notes with;
      bool ended = false;
      auto f = with.app.create_function(
          {.id = "f", .retries = 0}, inngest::on<started>(),
          [&](context& ctx) {
            auto first = ctx.defer("first", with.write, note{"1"});
            ctx.defer("second", with.write, note{"2"});
            if (after_a_step) ctx.step.sleep("nap", 1ms);  // the server has them now
            first.abort();
            if (fails) throw inngest::non_retriable_error("no");
          },
          inngest::on_failure([&](auto&) { ended = true; }));
      inngest::embedded::engine engine(with.app, {f, with.write});
      engine.send(started{});
      REQUIRE(engine.wait_until_idle(support::patience));
      CHECK(with.notes == std::vector<std::string>{"2"});
      CHECK(ended == fails);
    }
  }
}

TEST_CASE("a deferred call is kept although its run ends within the call that deferred it",
          "[defer][engine]") {
  app_with_notes with;
  std::atomic<bool> runs{false};
  const bool takes_back = GENERATE(false, true);
  auto f = with.app.create_function({.id = "f"}, inngest::on<started>(), [&](context& ctx) {
    auto first = ctx.defer("first", with.write, note{"1"});
    ctx.defer("second", with.write, note{"2"});
    ctx.step.run("a", [] { return 1; });
    ctx.defer("first", with.write, note{"again"});  // of no effect
    if (takes_back) first.abort();
    ctx.step.run("b", [] { return 2; });
    ctx.step.run("c", [&](std::stop_token stop) {
      runs = true;
      support::eventually([&] { return stop.stop_requested(); });
    });
  });
  inngest::embedded::engine engine{with.app, {f, with.write}};
  const std::string event = with.app.send(started{}).ids.at(0);
  REQUIRE(support::eventually([&] { return runs.load(); }));
  const std::string run = engine.runs_of(event).at(0).id;
  REQUIRE(engine.cancel(run));
  const auto deferred = [&] { return engine.find_runs({.function = "app-write"}); };
  const std::size_t expected = takes_back ? 1 : 2;
  REQUIRE(support::eventually([&] { return deferred().size() == expected; }));
  for (const auto& each : deferred())
    CHECK(engine.wait_for(each.id, support::patience).status == inngest::embedded::run_status::completed);
  std::sort(with.notes.begin(), with.notes.end());
  CHECK(with.notes == (takes_back ? std::vector<std::string>{"2"} : std::vector<std::string>{"1", "2"}));
}

TEST_CASE("a deferred call that was saved survives the end of the process on the last attempt",
          "[defer][engine]") {
  using namespace scheduler_testing;
  driver engine({on_event("f", "a/x", {{"retries", 0}}), on_event("write", "inngest/deferred.schedule")});
  engine.send({{"name", "a/x"}});
  const job call = engine.must_take();
  const json options{{"fn_slug", "app-write"}, {"input", {{"text", "1"}}}};
  const json saved{operation("DeferAdd", 1, {{"opts", options}}), operation("StepRun", 2, {{"data", 1}})};
  REQUIRE(engine->checkpoint(call.run_id, call.id, read_operations(saved.dump()), engine.now));
  engine.keep();
  engine.restart();
  const auto after = [&] { return engine.runs_of_function("f").front().status; };
  CHECK(after() == run_status::failed);
  CHECK(engine.must_take().run_id != call.run_id);
  CHECK(engine.runs_of_function("write").size() == 1);
}
