#include <inngest/embedded.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "support/eventually.hpp"

using namespace std::chrono_literals;
using inngest::embedded::engine;
using inngest::embedded::progress;
using inngest::embedded::run;
using inngest::embedded::run_status;

namespace {

struct number {
  int n = 0;
};
INNGEST_FIELDS(number, n)

using go = inngest::event<"test/go", number>;
using other = inngest::event<"test/other", number>;
using resume = inngest::event<"test/resume", number>;

inngest::client make_client() {
  return inngest::client({.id = "app",
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

inngest::embedded::engine_options quick() {
  return {.retry_delay = [](int) { return 5ms; }};
}

/// The one run that an event started, when it has ended.
run ended_run(const engine& engine, const inngest::sent_events& sent) {
  const auto started = engine.runs_of(sent.ids.at(0));
  REQUIRE(started.size() == 1);
  const run out = engine.wait_for(started[0].id, support::patience);
  REQUIRE(out.ended());
  return out;
}

/// How often something is in the timeline.
std::size_t count(const run& run, progress what, const std::string& step) {
  return static_cast<std::size_t>(
      std::count_if(run.timeline.begin(), run.timeline.end(),
                    [&](const auto& entry) { return entry.what == what && entry.step == step; }));
}

}  // namespace

TEST_CASE("an event runs every function that it triggers, and no other", "[embedded]") {
  const auto app = make_client();
  const auto first =
      app.create_function({.id = "first"}, inngest::on<go>(), [](auto& ctx) { return ctx.event.data.n; });
  const auto second = app.create_function({.id = "second"}, inngest::on<go, other>(),
                                          [](auto& ctx) { return std::string(ctx.event.name()); });
  const auto third = app.create_function({.id = "third"}, inngest::on<other>(), [](auto&) {});
  engine engine(app, {first, second, third}, quick());

  const auto sent = engine.send(go{{.n = 7}});
  REQUIRE(engine.wait_until_idle(support::patience));
  const auto runs = engine.runs_of(sent.ids.at(0));
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].function_id == "first");
  CHECK(runs[0].output<int>() == 7);
  CHECK(runs[1].function_id == "second");
  CHECK(runs[1].output<std::string>() == "test/go");
  CHECK(engine.runs().size() == 2);
}

TEST_CASE("a step's body runs once although the handler runs again for every step", "[embedded]") {
  const auto app = make_client();
  std::atomic<int> handler_calls = 0, body_calls = 0;
  const inngest::function_options options{.id = "steps",
                                          .checkpointing = inngest::checkpointing{.enabled = false}};
  const auto steps = app.create_function(options, inngest::on<go>(), [&](inngest::context<go>& ctx) {
    ++handler_calls;
    int sum = 0;
    for (int i = 0; i < 5; ++i) {
      sum += ctx.step.run("loop", [&] {
        ++body_calls;
        return i;
      });
    }
    return sum;
  });
  engine engine(app, {steps}, quick());
  const run ended = ended_run(engine, engine.send(go{}));
  CHECK(ended.output<int>() == 10);
  CHECK(body_calls == 5);
  CHECK(handler_calls == 6);
}

TEST_CASE("a failing step is tried again, and its attempts are counted from zero", "[embedded]") {
  const auto app = make_client();
  std::vector<int> attempts;
  const auto flaky = app.create_function({.id = "flaky", .retries = 3}, inngest::on<go>(), [&](auto& ctx) {
    ctx.step.run("before", [] {});
    return ctx.step.run("flaky", [&] {
      attempts.push_back(ctx.attempt);
      if (ctx.attempt < 2) throw std::runtime_error("not yet");
      return std::string("done");
    });
  });
  engine engine(app, {flaky}, quick());
  const run ended = ended_run(engine, engine.send(go{}));
  CHECK(ended.status == run_status::completed);
  CHECK(attempts == std::vector<int>{0, 1, 2});
  CHECK(count(ended, progress::step_retried, "flaky") == 2);
  CHECK(count(ended, progress::step_completed, "flaky") == 1);
}

TEST_CASE("a step that uses up its attempts fails its run with the original error", "[embedded]") {
  const auto app = make_client();
  std::atomic<int> calls = 0;
  const auto broken = app.create_function({.id = "broken", .retries = 2}, inngest::on<go>(), [&](auto& ctx) {
    ctx.step.run("broken", [&] {
      ++calls;
      throw std::range_error("out of reach");
    });
  });
  engine engine(app, {broken}, quick());
  const run ended = ended_run(engine, engine.send(go{}));
  CHECK(ended.status == run_status::failed);
  CHECK(calls == 3);
  REQUIRE(ended.error.has_value());
  CHECK(ended.error->name == "std::range_error");
  CHECK(ended.error->message == "out of reach");
}

TEST_CASE("a handler can catch a failed step, do another and rethrow", "[embedded]") {
  const auto app = make_client();
  std::string marked;
  const auto saga = app.create_function({.id = "saga", .retries = 0}, inngest::on<go>(), [&](auto& ctx) {
    try {
      ctx.step.run("work", [] { throw std::runtime_error("no luck"); });
    } catch (const std::exception& e) {
      ctx.step.run("mark-failed", [&] { marked = e.what(); });
      throw;
    }
  });
  engine engine(app, {saga}, quick());
  const run ended = ended_run(engine, engine.send(go{}));
  CHECK(marked == "no luck");
  CHECK(ended.status == run_status::failed);
  CHECK(ended.error->message == "no luck");
  CHECK(count(ended, progress::step_completed, "mark-failed") == 1);
}

TEST_CASE("a handler that throws is tried again as often as its function may be", "[embedded]") {
  const auto app = make_client();
  std::atomic<int> calls = 0;
  const auto broken = app.create_function({.id = "broken", .retries = 1}, inngest::on<go>(), [&](auto&) {
    ++calls;
    throw std::runtime_error("always");
  });
  engine engine(app, {broken}, quick());
  const run ended = ended_run(engine, engine.send(go{}));
  CHECK(ended.status == run_status::failed);
  CHECK(calls == 2);
  CHECK(count(ended, progress::run_retried, "") == 1);
}

TEST_CASE("a non-retriable error ends at once, a retry-after error sets the time", "[embedded]") {
  const auto app = make_client();
  std::atomic<int> calls = 0;
  const auto final = app.create_function({.id = "final"}, inngest::on<go>(), [&](auto& ctx) {
    ctx.step.run("final", [&] {
      ++calls;
      throw inngest::non_retriable_error("never");
    });
  });
  const auto later = app.create_function({.id = "later"}, inngest::on<other>(), [&](auto& ctx) {
    return ctx.step.run("later", [&] {
      if (ctx.attempt == 0) throw inngest::retry_after_error("in a second", 1s);
      return 1;
    });
  });
  engine engine(app, {final, later}, quick());
  CHECK(ended_run(engine, engine.send(go{})).status == run_status::failed);
  CHECK(calls == 1);
  const run ended = ended_run(engine, engine.send(other{}));
  CHECK(ended.status == run_status::completed);
  CHECK(*ended.ended_at - *ended.started_at >= 1s);
}

TEST_CASE("a payload that does not fit fails its run on the engine once, by the field's name", "[embedded]") {
  const auto app = make_client();
  const auto typed =
      app.create_function({.id = "typed"}, inngest::on<go>(), [](auto& ctx) { return ctx.event.data.n; });
  engine engine(app, {typed}, quick());
  const run ended = ended_run(engine, engine.send(inngest::any_event("test/go", {{"n", "three"}})));
  CHECK(ended.status == run_status::failed);
  CHECK(ended.error->message == "data.n: expected integer, found string");
  CHECK(count(ended, progress::run_retried, "") == 0);
}

TEST_CASE("sleeps take their time and are over when the engine says so", "[embedded]") {
  const auto app = make_client();
  const auto sleeper = app.create_function({.id = "sleeper"}, inngest::on<go>(), [](auto& ctx) {
    ctx.step.sleep("nap", 60ms);
    ctx.step.sleep_until("past", std::chrono::system_clock::now() - 1h);
    ctx.step.sleep_until("until", std::chrono::system_clock::now() + 40ms);
  });
  engine engine(app, {sleeper}, quick());
  const run ended = ended_run(engine, engine.send(go{}));
  CHECK(ended.status == run_status::completed);
  CHECK(*ended.ended_at - *ended.started_at >= 95ms);
  CHECK(count(ended, progress::sleep_ended, "nap") == 1);
}

TEST_CASE("a wait gets the event that comes after it began, or nothing in time", "[embedded]") {
  const auto app = make_client();
  const auto waiter = app.create_function({.id = "waiter"}, inngest::on<go>(), [](auto& ctx) {
    const auto got = ctx.step.template wait_for_event<resume>("wait", {.timeout = 1h});
    const auto none = ctx.step.template wait_for_event<resume>("in-vain", {.timeout = 20ms});
    return std::to_string(got ? got->data.n : -1) + (none ? " and more" : " only");
  });
  auto options = quick();
  options.on_progress = [&](const run&, const inngest::embedded::timeline_entry& entry) {
    if (entry.what == progress::wait_started && entry.step == "wait") app.send(resume{{.n = 42}});
  };
  engine engine(app, {waiter}, options);
  engine.send(resume{{.n = 1}});  // too early: nobody waits
  const run ended = ended_run(engine, engine.send(go{}));
  CHECK(ended.output<std::string>() == "42 only");
  CHECK(count(ended, progress::event_received, "wait") == 1);
  CHECK(count(ended, progress::wait_timed_out, "in-vain") == 1);
}

TEST_CASE("an invoked function's result and its failure come back to the step", "[embedded]") {
  const auto app = make_client();
  const auto child = app.create_function({.id = "child", .retries = 0}, inngest::on<other>(), [](auto& ctx) {
    if (ctx.event.data.n < 0) throw std::domain_error("negative");
    return ctx.event.data.n * 2;
  });
  const auto slow = app.create_function({.id = "slow"}, inngest::on<resume>(),
                                        [](auto& ctx) { ctx.step.sleep("long", 1h); });
  const auto absent = app.create_function({.id = "absent"}, inngest::on<resume>(), [](auto&) {});
  const auto parent = app.create_function({.id = "parent", .retries = 0}, inngest::on<go>(), [=](auto& ctx) {
    std::string out = std::to_string(ctx.step.invoke("good", child, {.n = 21}));
    const auto failure_of = [&](auto id, const auto& function, inngest::invoke_options options) {
      try {
        ctx.step.invoke(id, function, {.n = -1}, options);
        return std::string("nothing");
      } catch (const inngest::step_error& e) {
        return e.name();
      }
    };
    out += " " + failure_of(std::string("bad"), child, {});
    out += " " + failure_of(std::string("slow"), slow, {.timeout = 20ms});
    out += " " + failure_of(std::string("absent"), absent, {});
    return out;
  });
  engine engine(app, {child, slow, parent}, quick());
  const run ended = ended_run(engine, engine.send(go{}));
  CHECK(ended.output<std::string>() == "42 std::domain_error InngestInvokeTimeoutError Error");
}

TEST_CASE("events sent by a step start runs, once", "[embedded]") {
  const auto app = make_client();
  const auto sender = app.create_function({.id = "sender"}, inngest::on<go>(), [](auto& ctx) {
    const auto sent = ctx.step.send_event("send", {other{{.n = 1}}, other{{.n = 2}}});
    ctx.step.run("after", [] {});
    return sent.ids;
  });
  const auto sunk =
      app.create_function({.id = "sunk"}, inngest::on<other>(), [](auto& ctx) { return ctx.event.data.n; });
  engine engine(app, {sender, sunk}, quick());
  const run ended = ended_run(engine, engine.send(go{}));
  const auto ids = ended.output<std::vector<std::string>>();
  REQUIRE(ids.size() == 2);
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(engine.runs().size() == 3);
  CHECK(engine.runs_of(ids[0]).at(0).output<int>() == 1);
  CHECK(engine.runs_of(ids[1]).at(0).output<int>() == 2);
}

TEST_CASE("parallel steps run at the same time on several workers, and each runs once", "[embedded]") {
  const auto app = make_client();
  std::atomic<int> running = 0, most = 0;
  std::mutex mutex;
  std::map<std::string, int> calls;
  const auto busy = [&](const std::string& id, int together = 1) {
    const int now = ++running;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
    }
    // stays until the others are there as well; it gives up only if they never come
    support::eventually([&] { return most >= together; });
    --running;
    const std::lock_guard lock(mutex);
    return ++calls[id];
  };
  const auto parallel = app.create_function({.id = "parallel"}, inngest::on<go>(), [&](auto& ctx) {
    auto one = ctx.step.start("one", [&] { return busy("one", 2); });
    auto two = ctx.step.start("two", [&] { return busy("two", 2); });
    int sum = one.get() + two.get();
    for (const int each : ctx.group.parallel(std::vector<int>{1, 2, 3}, [&](int i) {
           const int first = ctx.step.run("first-" + std::to_string(i),
                                          [&] { return busy("first-" + std::to_string(i), 3); });
           return first + ctx.step.run("second-" + std::to_string(i),
                                       [&] { return busy("second-" + std::to_string(i)); });
         })) {
      sum += each;
    }
    return sum;
  });
  auto options = quick();
  options.workers = 3;
  engine engine(app, {parallel}, options);
  const run ended = ended_run(engine, engine.send(go{}));
  CHECK(ended.output<int>() == 8);
  CHECK(most == 3);  // as many as there are workers
  for (const auto& [id, times] : calls) {
    INFO(id);
    CHECK(times == 1);
  }
}

TEST_CASE("a started step that nobody asks for still runs before its function ends", "[embedded]") {
  const auto app = make_client();
  std::atomic<int> calls = 0;
  const auto careless = app.create_function({.id = "careless"}, inngest::on<go>(), [&](auto& ctx) {
    const auto ignored = ctx.step.start("ignored", [&] { ++calls; });
    return 1;
  });
  engine engine(app, {careless}, quick());
  CHECK(ended_run(engine, engine.send(go{})).output<int>() == 1);
  CHECK(calls == 1);
}

TEST_CASE("a race is won by the branch whose steps ended first", "[embedded]") {
  const auto app = make_client();
  const auto race = app.create_function({.id = "race"}, inngest::on<go>(), [](auto& ctx) {
    return ctx.group.race(
        [&] {
          ctx.step.sleep("slow", 1h);
          return std::string("slow");
        },
        [&] { return ctx.step.run("fast", [] { return std::string("fast"); }); });
  });
  engine engine(app, {race}, quick());
  CHECK(ended_run(engine, engine.send(go{})).output<std::string>() == "fast");
}

TEST_CASE("functions start by hand whatever their triggers are, scheduled ones too", "[embedded]") {
  const auto app = make_client();
  const auto nightly = app.create_function({.id = "nightly"}, inngest::cron("0 4 * * 0"),
                                           [](auto& ctx) { return ctx.event.data.cron.value_or("by hand"); });
  const auto foreign = app.create_function({.id = "foreign"}, inngest::on<go>(), [](auto&) {});
  engine engine(app, {nightly}, quick());
  CHECK(engine.wait_for(engine.start(nightly), support::patience).output<std::string>() == "by hand");
  CHECK_THROWS_AS(engine.start(foreign), inngest::configuration_error);
}

TEST_CASE("another engine on the same store goes on where the first one stopped", "[embedded]") {
  const auto app = make_client();
  std::atomic<int> calls = 0;
  const auto durable = app.create_function({.id = "durable"}, inngest::on<go>(), [&](auto& ctx) {
    const int first = ctx.step.run("first", [&] { return ++calls; });
    auto started = ctx.step.start("side", [&] { return ++calls; });
    ctx.step.sleep("nap", 1h);
    const auto event = ctx.step.template wait_for_event<resume>("wait", {.timeout = 24h});
    return first + started.get() + (event ? event->data.n : 0);
  });
  const auto parent = app.create_function({.id = "parent"}, inngest::on<other>(), [=](auto& ctx) {
    return ctx.step.invoke("invoke", durable, {.n = 0});
  });
  auto options = quick();
  options.store = std::make_shared<inngest::embedded::memory_store>();
  std::atomic<int> hours = 0;
  options.system_time = [&] { return std::chrono::system_clock::now() + std::chrono::hours(hours); };
  const auto reaches = [](const engine& engine, run_status status) {
    return support::eventually([&] {
      const auto runs = engine.runs();
      return std::any_of(runs.begin(), runs.end(), [&](const run& each) {
        return each.function_id == "durable" && each.status == status;
      });
    });
  };
  std::string run_id;
  {
    engine first(app, {durable, parent}, options);
    const auto sent = first.send(other{});
    run_id = first.runs_of(sent.ids.at(0)).at(0).id;
    REQUIRE(reaches(first, run_status::sleeping));
  }
  {
    hours = 2;
    engine second(app, {durable, parent}, options);
    CHECK_FALSE(second.find_run(run_id)->ended());
    REQUIRE(reaches(second, run_status::waiting));
  }
  engine third(app, {durable, parent}, options);
  third.send(resume{{.n = 100}});
  const run ended = third.wait_for(run_id, support::patience);
  REQUIRE(ended.status == run_status::completed);
  CHECK(ended.output<int>() == 103);
  CHECK(calls == 2);
}

TEST_CASE("progress is told in order and never by two threads at once", "[embedded]") {
  const auto app = make_client();
  const auto steps = app.create_function({.id = "steps"}, inngest::on<go>(), [](auto& ctx) {
    ctx.step.run("a", [] {});
    ctx.step.run("b", [] {});
  });
  std::atomic<int> inside = 0;
  std::atomic<bool> overlapped = false;
  std::map<std::string, std::vector<progress>> told;
  auto options = quick();
  options.workers = 4;
  options.on_progress = [&](const run& run, const inngest::embedded::timeline_entry& entry) {
    if (++inside != 1) overlapped = true;
    told[run.id].push_back(entry.what);
    --inside;
  };
  engine engine(app, {steps}, options);
  for (int i = 0; i < 50; ++i) engine.send(go{});
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK_FALSE(overlapped);
  CHECK(told.size() == 50);
  for (const auto& [id, entries] : told) {
    CHECK(entries == std::vector<progress>{progress::run_queued, progress::run_started,
                                           progress::step_completed, progress::step_completed,
                                           progress::run_completed});
  }
}

TEST_CASE("many threads send to one engine and nothing is lost", "[embedded]") {
  const auto app = make_client();
  std::atomic<int> sum = 0;
  const auto add = app.create_function({.id = "add"}, inngest::on<go>(), [&](auto& ctx) {
    ctx.step.run("add", [&] { sum += ctx.event.data.n; });
  });
  engine engine(app, {add}, quick());
  std::vector<std::thread> senders;
  for (int t = 0; t < 4; ++t) {
    senders.emplace_back([&] {
      for (int i = 0; i < 50; ++i) app.send(go{{.n = 1}});
    });
  }
  for (auto& each : senders) each.join();
  REQUIRE(engine.wait_until_idle(support::patience));
  CHECK(sum == 200);
  CHECK(engine.runs().size() == 200);
}

TEST_CASE("a client has one engine at a time", "[embedded]") {
  const auto app = make_client();
  const engine first(app, {});
  CHECK_THROWS_WITH(engine(app, {}), Catch::Matchers::ContainsSubstring("already has an engine"));
}

TEST_CASE("a run's timeline reads as a table", "[embedded]") {
  const auto app = make_client();
  const auto steps = app.create_function({.id = "steps", .retries = 1}, inngest::on<go>(), [](auto& ctx) {
    ctx.step.run("flaky", [&] {
      if (ctx.attempt == 0) throw std::runtime_error("first");
      return "second";
    });
  });
  engine engine(app, {steps}, quick());
  const std::string text = inngest::embedded::format_timeline(ended_run(engine, engine.send(go{})));
  CHECK_THAT(text, Catch::Matchers::ContainsSubstring("steps  run "));
  CHECK_THAT(text, Catch::Matchers::ContainsSubstring("will retry"));
  CHECK_THAT(text, Catch::Matchers::ContainsSubstring("attempt 2"));
  CHECK_THAT(text, Catch::Matchers::ContainsSubstring("\"second\""));
}

TEST_CASE("a failed child's causes reach the parent's handler", "[embedded]") {
  const auto app = make_client();
  const auto child = app.create_function({.id = "child", .retries = 0}, inngest::on<other>(), [](auto& ctx) {
    ctx.step.run("fails", [] {
      try {
        try {
          throw std::runtime_error("disk full");
        } catch (...) {
          std::throw_with_nested(std::runtime_error("can't write"));
        }
      } catch (...) {
        std::throw_with_nested(std::runtime_error("can't save"));
      }
    });
  });
  const auto parent = app.create_function({.id = "parent"}, inngest::on<go>(), [=](auto& ctx) {
    try {
      ctx.step.invoke("call", child, {});
    } catch (const inngest::step_error& e) {
      std::string out = e.what();
      for (const auto& cause : e.causes()) out += " < " + cause.message;
      return out;
    }
    return std::string("no error");
  });
  engine engine(app, {child, parent}, quick());
  const run ended = ended_run(engine, engine.send(go{}));
  CHECK(ended.output<std::string>() == "can't save < can't write < disk full");
}

TEST_CASE("a function that triggers itself without a pause is stopped by the limit on chains", "[embedded]") {
  const auto app = make_client();
  std::atomic<int> runs{0};
  const bool by_step = GENERATE(true, false);
  const auto f = app.create_function({.id = "f", .retries = 0}, inngest::on<go>(), [&](auto& ctx) {
    ++runs;
    if (by_step)
      ctx.step.send_event("again", go{});
    else
      app.send(go{});
  });
  auto options = quick();
  options.max_chain = 20;
  engine engine(app, {f}, options);
  engine.send(go{});
  REQUIRE(engine.wait_until_idle(support::patience));
  const auto all = engine.runs();
  CHECK(all.back().status == run_status::failed);
  CHECK_THAT(all.back().error.value().message, Catch::Matchers::ContainsSubstring("max_chain"));
  CHECK(runs >= 21);
}
