// Flow control as a server does it, in a test's time. Each test would fail if its option were ignored.
#include <inngest/inngest.hpp>
#include <inngest/testing.hpp>

#include <chrono>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace std::chrono_literals;
using inngest::testing::harness;
using inngest::testing::run_status;
using inngest::testing::test_run;

namespace {

struct order {
  int n = 0;
  std::string user{};
};
INNGEST_FIELDS(order, n, user)
using placed = inngest::event<"order/placed", order>;
using dropped = inngest::event<"order/dropped", order>;
using any_order = inngest::event<"order/*", inngest::json>;

inngest::client make_client() {
  return inngest::client({.id = "app",
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

/// A function that takes an hour.
auto make_hour(const inngest::client& app, inngest::function_options options) {
  return app.create_function(std::move(options), inngest::on<placed>(), [](inngest::context<placed>& ctx) {
    ctx.step.sleep("hour", 1h);
    return ctx.event.data.n;
  });
}

std::size_t count(const harness& t, run_status status) {
  std::size_t out = 0;
  for (const test_run& each : t.runs()) out += each.status() == status ? 1 : 0;
  return out;
}

}  // namespace

TEST_CASE("a trigger's expression chooses its events", "[scheduling]") {
  const auto app = make_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<placed>({.expression = "event.data.n > 3"}),
                                     [](inngest::context<placed>& ctx) { return ctx.event.data.n; });
  harness t{app, {f}};
  CHECK_FALSE(t.send(placed{{.n = 3}}).started());
  CHECK(t.send(placed{{.n = 4}}).output<int>() == 4);
}

TEST_CASE("a pattern is triggered by every name that fits", "[scheduling]") {
  const auto app = make_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<any_order>(),
                                     [](auto& ctx) { return std::string(ctx.event.name); });
  harness t{app, {f}};
  CHECK(t.send(placed{}).started());
  CHECK(t.send(dropped{}).started());
  CHECK_FALSE(t.send(inngest::any_event("orders/placed", inngest::json::object())).started());
}

TEST_CASE("an event with the id of an earlier one starts nothing for a day", "[scheduling]") {
  const auto app = make_client();
  harness t{app, {make_hour(app, {.id = "hour"})}};
  CHECK(t.send(placed{.data = {.n = 1}, .id = "one"}).started());
  t.send(placed{.data = {.n = 2}, .id = "one"});
  CHECK(t.runs().size() == 1);
  t.advance(24h);
  t.send(placed{.data = {.n = 3}, .id = "one"});
  CHECK(t.runs().size() == 2);
}

TEST_CASE("idempotency lets a value start one run a day", "[scheduling]") {
  const auto app = make_client();
  harness t{app, {make_hour(app, {.id = "hour", .idempotency = "event.data.user"})}};
  CHECK(t.send(placed{{.user = "a"}}).started());
  CHECK_FALSE(t.send(placed{{.user = "a"}}).started());
  CHECK(t.send(placed{{.user = "b"}}).started());
  t.advance(24h);
  CHECK(t.send(placed{{.user = "a"}}).started());
}

TEST_CASE("a rate limit drops what is too much, for each key", "[scheduling]") {
  const auto app = make_client();
  harness t{app,
            {make_hour(app, {.id = "hour",
                             .rate_limit =
                                 inngest::rate_limit{.limit = 2, .period = 1h, .key = "event.data.user"}})}};
  CHECK(t.send(placed{{.user = "a"}}).started());
  CHECK_FALSE(t.send(placed{{.user = "a"}}).started());  // evenly: one in half an hour
  CHECK(t.send(placed{{.user = "b"}}).started());
  t.advance(30min);
  CHECK(t.send(placed{{.user = "a"}}).started());
}

TEST_CASE("a throttle lets runs wait for their turn, in order", "[scheduling]") {
  const auto app = make_client();
  const auto f = app.create_function({.id = "f", .throttle = inngest::throttle{.limit = 1, .period = 10s}},
                                     inngest::on<placed>(),
                                     [](inngest::context<placed>& ctx) { return ctx.event.data.n; });
  harness t{app, {f}};
  std::vector<test_run> runs;
  for (int i = 0; i < 4; ++i) runs.push_back(t.send(placed{{.n = i}}));
  CHECK(count(t, run_status::completed) == 1);
  CHECK(runs[1].status() == run_status::queued);
  t.advance(10s);
  CHECK(runs[1].completed());
  CHECK(runs[2].status() == run_status::queued);
  t.advance(20s);
  CHECK(count(t, run_status::completed) == 4);
}

TEST_CASE("a debounce runs once, with the last event, when no other came for a while", "[scheduling]") {
  const auto app = make_client();
  const auto f = app.create_function(
      {.id = "f", .debounce = inngest::debounce{.period = 10s, .key = "event.data.user", .timeout = 25s}},
      inngest::on<placed>(), [](inngest::context<placed>& ctx) { return ctx.event.data.n; });
  harness t{app, {f}};
  t.send(placed{{.n = 1, .user = "a"}});
  t.advance(9s);
  t.send(placed{{.n = 2, .user = "a"}});
  t.send(placed{{.n = 7, .user = "b"}});
  t.advance(9s);
  CHECK(count(t, run_status::completed) == 0);
  t.send(placed{{.n = 3, .user = "a"}});
  t.advance(1s);
  CHECK(count(t, run_status::completed) == 1);  // b's
  t.advance(5s);
  t.send(placed{{.n = 4, .user = "a"}});
  t.advance(1s);  // 25 s after a's first
  REQUIRE(t.runs().size() == 2);
  CHECK(t.runs()[0].output<int>() == 4);
  CHECK(t.runs()[1].output<int>() == 7);

  t.send(placed{{.n = 5, .user = "a"}});
  t.advance(1s);
  t.send(placed{.data = {.n = 6, .user = "a"}, .ts = t.now() - 2s});  // it happened before the other
  t.advance(9s);
  REQUIRE(t.runs().size() == 3);
  CHECK(t.runs()[2].output<int>() == 5);
}

TEST_CASE("a batch begins when it is full or its time is up, for each key", "[scheduling]") {
  const auto app = make_client();
  const auto f = app.create_function(
      {.id = "f", .batch = inngest::batch{.max_size = 3, .timeout = 10s, .key = "event.data.user"}},
      inngest::on<placed>(), [](inngest::context<placed>& ctx) {
        int sum = 0;
        for (const placed& each : ctx.events) sum += each.data.n;
        return sum;
      });
  harness t{app, {f}};
  t.send(placed{{.n = 1, .user = "a"}});
  t.send(placed{{.n = 2, .user = "a"}});
  t.send(placed{{.n = 10, .user = "b"}});
  CHECK(count(t, run_status::completed) == 0);
  t.send(placed{{.n = 4, .user = "a"}});
  CHECK(t.runs()[0].output<int>() == 7);
  t.send(placed{{.n = 8, .user = "a"}});
  t.advance(10s);
  REQUIRE(t.runs().size() == 3);
  CHECK(t.runs()[1].output<int>() == 10);
  CHECK(t.runs()[2].output<int>() == 8);
}

TEST_CASE("events that don't fulfil a batch's condition run alone", "[scheduling]") {
  const auto app = make_client();
  const auto f = app.create_function(
      {.id = "f", .batch = inngest::batch{.max_size = 2, .timeout = 10s, .condition = "event.data.n < 10"}},
      inngest::on<placed>(), [](inngest::context<placed>& ctx) { return ctx.events.size(); });
  harness t{app, {f}};
  CHECK(t.send(placed{{.n = 10}}).output<int>() == 1);
  t.send(placed{{.n = 1}});
  CHECK(t.send(placed{{.n = 2}}).output<int>() == 2);
}

TEST_CASE("a singleton skips a second run, or cancels the first", "[scheduling]") {
  const auto app = make_client();
  harness skips{app,
                {make_hour(app, {.id = "hour", .singleton = inngest::singleton{.key = "event.data.user"}})}};
  const auto first = skips.send(placed{{.user = "a"}});
  CHECK_FALSE(skips.send(placed{{.user = "a"}}).started());
  CHECK(skips.send(placed{{.user = "b"}}).started());
  skips.advance(1h);
  CHECK(first.completed());
  CHECK(skips.send(placed{{.user = "a"}}).started());

  const auto other = make_client();
  harness cancels{
      other,
      {make_hour(other,
                 {.id = "hour", .singleton = inngest::singleton{.mode = inngest::singleton_mode::cancel}})}};
  const auto before = cancels.send(placed{{.n = 1}});
  const auto after = cancels.send(placed{{.n = 2}});
  CHECK(before.cancelled());
  cancels.advance(1h);
  CHECK(after.output<int>() == 2);
}

TEST_CASE("an event cancels the runs that its expression is true for", "[scheduling]") {
  const auto app = make_client();
  harness t{
      app,
      {make_hour(app, {.id = "hour",
                       .cancel_on = {{.event = "order/dropped", .match = "data.user", .timeout = 30min}}})}};
  const auto a = t.send(placed{{.user = "a"}});
  const auto b = t.send(placed{{.user = "b"}});
  t.send(dropped{{.user = "a"}});
  CHECK(a.cancelled());
  CHECK(b.status() == run_status::running);
  t.advance(31min);
  t.send(dropped{{.user = "b"}});
  CHECK(b.status() == run_status::running);
  t.advance(1h);
  CHECK(b.completed());
}

TEST_CASE("timeouts cancel what does not start, or does not finish, in time", "[scheduling]") {
  const auto app = make_client();
  harness t{app, {make_hour(app, {.id = "hour", .timeouts = {.finish = 30min}})}};
  const auto run = t.send(placed{});
  t.advance(29min);
  CHECK(run.status() == run_status::running);
  t.advance(1min);
  CHECK(run.cancelled());

  const auto other = make_client();
  const inngest::throttle one_a_day{.limit = 1, .period = 24h};
  harness late{other, {make_hour(other, {.id = "hour", .throttle = one_a_day, .timeouts = {.start = 1h}})}};
  const auto first = late.send(placed{});
  const auto second = late.send(placed{});
  late.advance(1h);
  CHECK(first.completed());
  CHECK(second.cancelled());
}

TEST_CASE("a wait takes the event that its expression is true for", "[scheduling]") {
  const auto app = make_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<placed>(), [](inngest::context<placed>& ctx) {
    const auto found = ctx.step.wait_for_event<dropped>("wait", {.timeout = 1h, .match = "data.user"});
    return found ? found->data.n : -1;
  });
  harness t{app, {f}};
  const auto a = t.send(placed{{.user = "a"}});
  const auto b = t.send(placed{{.user = "b"}});
  t.send(dropped{{.n = 5, .user = "b"}});
  CHECK(b.output<int>() == 5);
  CHECK(a.waiting_on() == "wait");
  t.advance(1h);
  CHECK(a.output<int>() == -1);
}

TEST_CASE("a signal ends the wait for it, once", "[scheduling]") {
  const auto app = make_client();
  const auto f = app.create_function(
      {.id = "f", .retries = 0}, inngest::on<placed>(), [](inngest::context<placed>& ctx) {
        const auto got = ctx.step.template wait_for_signal<int>("wait", {.signal = "go", .timeout = 1h});
        return got ? *got : -1;
      });
  harness t{app, {f}};
  CHECK_FALSE(t.send_signal("go", 1));
  const auto run = t.send(placed{});
  CHECK(t.send_signal("go", 7));
  CHECK(run.output<int>() == 7);
  CHECK_FALSE(t.send_signal("go", 8));
}

TEST_CASE("a throttle starts as many at once as its limit and burst say", "[scheduling]") {
  const auto app = make_client();
  const auto f = app.create_function(
      {.id = "f", .throttle = inngest::throttle{.limit = 3, .period = 30s, .burst = 1}},
      inngest::on<placed>(), [](inngest::context<placed>& ctx) { return ctx.event.data.n; });
  harness t{app, {f}};
  for (int i = 0; i < 7; ++i) t.send(placed{{.n = i}});
  CHECK(count(t, run_status::completed) == 4);
  t.advance(10s);
  CHECK(count(t, run_status::completed) == 5);
  t.advance(20s);
  CHECK(count(t, run_status::completed) == 7);
}

TEST_CASE("who listens to all ends of runs is not told of his own", "[scheduling]") {
  const auto app = make_client();
  int ends = 0;
  const auto f = app.create_function({.id = "f"}, inngest::on<placed>(), [](auto&) {});
  const auto listener = app.create_function(
      {.id = "listener"}, inngest::on<inngest::event<"inngest/function.finished", inngest::json>>(),
      [&](auto& ctx) { ctx.step.run("count", [&] { ++ends; }); });
  harness t{app, {f, listener}};
  t.send(placed{});
  CHECK(ends == 1);
  CHECK(t.runs().size() == 2);
}

TEST_CASE("an event of the future starts its runs then", "[scheduling]") {
  const auto app = make_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<placed>(), [](auto&) {});
  harness t{app, {f}};
  const auto run = t.send(placed{.data = {}, .ts = t.now() + 3h});
  CHECK(run.status() == run_status::queued);
  t.advance(2h);
  CHECK(run.status() == run_status::queued);
  t.advance(1h);
  CHECK(run.completed());
}

TEST_CASE("runs that came first go on first", "[scheduling]") {
  const auto app = make_client();
  std::vector<std::string> order;
  const auto f = app.create_function({.id = "f", .concurrency = {{.limit = 1}}}, inngest::on<placed>(),
                                     [&](inngest::context<placed>& ctx) {
                                       const std::string n = std::to_string(ctx.event.data.n);
                                       ctx.step.run("a", [&] { order.push_back(n + "a"); });
                                       ctx.step.run("b", [&] { order.push_back(n + "b"); });
                                     });
  harness t{app, {f}};
  const auto later = t.now() + 1h;
  for (int i = 1; i <= 2; ++i) {
    t.send(placed{.data = {.n = i}, .ts = later});
    t.advance(1ms);
  }
  t.advance(1h);
  CHECK(order == std::vector<std::string>{"1a", "1b", "2a", "2b"});
}

TEST_CASE("limits with a key don't hold for events without it", "[scheduling]") {
  using loose = inngest::event<"order/loose", inngest::json>;
  const auto app = make_client();
  const auto make = [&](inngest::function_options options) {
    return app.create_function(std::move(options), inngest::on<loose>(),
                               [](auto& ctx) { ctx.step.sleep("s", 1h); });
  };
  harness t{app,
            {make({.id = "once", .idempotency = "event.data.id"}),
             make({.id = "rated",
                   .rate_limit = inngest::rate_limit{.limit = 1, .period = 1h, .key = "event.data.id"}}),
             make({.id = "single", .singleton = inngest::singleton{.key = "event.data.id"}})}};
  t.send(loose{{{"id", "a"}}});
  t.send(loose{{{"id", "a"}}});
  CHECK(t.runs().size() == 3);
  t.send(loose{{{"n", 1}}});
  t.send(loose{{{"n", 2}}});
  CHECK(t.runs().size() == 9);
}

TEST_CASE("an event that is sent twice is taken in twice, but starts a function once", "[scheduling]") {
  const auto app = make_client();
  const auto waiter =
      app.create_function({.id = "waiter"}, inngest::on<dropped>(), [](inngest::context<dropped>& ctx) {
        return ctx.step.wait_for_event<placed>("wait", {.timeout = 1h}).has_value();
      });
  const auto f = app.create_function({.id = "f"}, inngest::on<placed>(), [](auto&) {});
  harness t{app, {waiter, f}};
  CHECK(t.send(placed{.data = {}, .id = "same"}).started());
  const auto waiting = t.send(dropped{.data = {}, .id = "same"});  // of another name, for another function
  REQUIRE(waiting.started());
  CHECK_FALSE(t.send(placed{.data = {}, .id = "same"}).started());
  CHECK(waiting.output<bool>());
}

TEST_CASE("a debounced run takes its slot and its place when it begins", "[scheduling]") {
  const auto app = make_client();
  inngest::function_options options{.id = "f"};
  options.debounce = inngest::debounce{.period = 10s};
  options.singleton = inngest::singleton{.key = "event.data.user"};
  options.cancel_on = {{.event = "order/dropped"}};
  const auto f = app.create_function(std::move(options), inngest::on<placed>(),
                                     [](inngest::context<placed>& ctx) { ctx.step.sleep("s", 1h); });
  harness t{app, {f}};
  t.send(placed{{.user = "a"}});
  t.send(placed{{.user = "b"}});  // in the place of a's
  t.send(dropped{});              // there is no run yet
  t.advance(10s);
  t.send(placed{{.user = "a"}});
  t.advance(10s);
  CHECK(count(t, run_status::running) == 2);
  t.send(placed{{.user = "b"}});
  t.advance(10s);
  CHECK(count(t, run_status::running) == 2);
}

TEST_CASE("an invoked function has its rate limit, too", "[scheduling]") {
  const auto app = make_client();
  const auto child = app.create_function(
      {.id = "child", .rate_limit = inngest::rate_limit{.limit = 1, .period = 1h}}, inngest::on<placed>(),
      [](inngest::context<placed>& ctx) { return ctx.event.data.n; });
  const auto parent = app.create_function({.id = "parent", .retries = 0}, inngest::on<dropped>(),
                                          [child](inngest::context<dropped>& ctx) {
                                            ctx.step.invoke("first", child, order{.n = 1});
                                            ctx.step.invoke("second", child, order{.n = 2});
                                          });
  harness t{app, {parent, child}};
  const auto run = t.send(dropped{});
  INFO(run);
  REQUIRE(run.failed());
  CHECK(run.error().find("invoked function is rate limited") != std::string::npos);
}

TEST_CASE("a signal has one run that waits for it: a second one fails, or takes its place", "[scheduling]") {
  const auto app = make_client();
  const auto make = [&](const char* id, inngest::signal_conflict conflict) {
    return app.create_function({.id = id, .retries = 0}, inngest::on<placed>(),
                               [conflict](inngest::context<placed>& ctx) {
                                 const auto got = ctx.step.template wait_for_signal<int>(
                                     "wait", {.signal = "go", .timeout = 1h, .on_conflict = conflict});
                                 return got ? *got : -1;
                               });
  };
  const auto fails = make("fails", inngest::signal_conflict::fail);
  const auto replaces = make("replaces", inngest::signal_conflict::replace);
  harness t{app, {fails, replaces}};
  const inngest::json one{{"n", 1}, {"user", ""}};
  const auto first = t.start(fails, one);
  const auto second = t.start(fails, one);
  CHECK(first.waiting_on() == "wait");
  REQUIRE(second.failed());
  CHECK(second.error() == "Error: Signal conflict; signal wait already exists for another run");
  const auto third = t.start(replaces, one);
  CHECK(t.send_signal("go", 7));
  CHECK(third.output<int>() == 7);
  CHECK_FALSE(first.ended());
  t.advance(1h);
  CHECK(first.output<int>() == -1);
}

TEST_CASE("schedules start their functions at their times, with the schedule", "[scheduling]") {
  const auto app = make_client();
  const auto f = app.create_function({.id = "f"}, inngest::cron("30 4 * * *"), [](auto& ctx) {
    CHECK(ctx.event.data.fire_at == ctx.event.data.scheduled_at);
    CHECK(inngest::to_text(ctx.event.data.scheduled_at.value()).find("T04:30:00") != std::string::npos);
    return ctx.event.data.cron;
  });
  harness t{app, {f}};  // from midnight
  t.advance(4h);
  CHECK(t.runs().empty());
  t.advance(30min);
  REQUIRE(t.runs().size() == 1);
  CHECK(t.runs()[0].output<std::string>() == "30 4 * * *");
  t.advance(48h);
  CHECK(t.runs().size() == 3);
}

TEST_CASE("jitter makes schedules late, each time by another time", "[scheduling]") {
  const auto app = make_client();
  const auto f = app.create_function({.id = "f"}, inngest::cron("0 * * * *", {.jitter = 5min}), [](auto&) {});
  harness t{app, {f}};
  const auto begun = t.now();
  bool varies = false;
  for (int hour = 1; hour <= 24; ++hour) {
    REQUIRE(t.advance_to_next());
    const auto late = t.now() - begun - std::chrono::hours(hour);
    CHECK(late >= 0min);
    CHECK(late <= 5min);
    varies = varies || (late > 0min && late < 5min);
  }
  CHECK(varies);
  CHECK(t.runs().size() == 24);
}

TEST_CASE("handlers of a run's end run for their function alone", "[scheduling]") {
  const auto app = make_client();
  int failures = 0, cancellations = 0, successes = 0;
  const auto make = [&](const char* id, bool fails) {
    return app.create_function(
        {.id = id, .retries = 0, .cancel_on = {{.event = "order/dropped"}}}, inngest::on<placed>(),
        [fails](inngest::context<placed>& ctx) {
          ctx.step.sleep("rest", 1h);
          if (fails) throw std::runtime_error("no");
        },
        inngest::on_failure([&](auto&) { ++failures; }), inngest::on_cancel([&](auto&) { ++cancellations; }),
        inngest::on_success([&](auto&) { ++successes; }));
  };
  harness t{app, {make("good", false), make("bad", true)}, {.check_determinism = false}};  // it counts
  t.send(placed{});
  t.advance(1h);
  CHECK(failures == 1);
  CHECK(successes == 1);
  CHECK(cancellations == 0);
  t.send(placed{});
  t.send(dropped{});
  CHECK(cancellations == 2);
}
