#include <inngest/endpoint.hpp>
#include <inngest/inngest.hpp>
#include <inngest/testing.hpp>
#include <inngest/testing/catch2.hpp>

#include <algorithm>
#include <chrono>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace std::chrono_literals;
using inngest::testing::harness;
using inngest::testing::run_status;

namespace {

struct user {
  std::string userId{};
};
INNGEST_FIELDS(user, userId)
struct receipt {
  int cents = 0;
};
INNGEST_FIELDS(receipt, cents)
struct result {
  std::string status{};
  int cents = 0;
};
INNGEST_FIELDS(result, status, cents)

using signed_up = inngest::event<"user/signed.up", user>;
using activated = inngest::event<"user/activated", user>;
using reminded = inngest::event<"user/reminded", user>;

inngest::client make_client() {
  return inngest::client({.id = "app",
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

auto make_onboarding(const inngest::client& app, int* charges = nullptr) {
  return app.create_function(
      {.id = "onboarding", .retries = 3}, inngest::on<signed_up>(),
      [charges](inngest::context<signed_up>& ctx) {
        const auto paid = ctx.step.run("charge-card", [&]() -> receipt {
          if (charges) ++*charges;
          return {.cents = 100};
        });
        const auto done = ctx.step.wait_for_event<activated>("wait-for-activation", {.timeout = 72h});
        if (done) return result{"activated", paid.cents};
        ctx.step.send_event("send-reminder", reminded{{.userId = ctx.event.data.userId}});
        return result{"reminded", paid.cents};
      });
}

}  // namespace

TEST_CASE("a test of three days takes no time, and looking moves nothing", "[testing]") {
  const auto app = make_client();
  harness t{app, {make_onboarding(app)}};
  t.mock_step("charge-card", [] { return receipt{.cents = 7}; });
  const auto run = t.send(signed_up{{.userId = "u1"}});
  REQUIRE(run.waiting_on() == "wait-for-activation");
  CHECK(run.status() == run_status::running);
  const auto before = t.now();
  t.advance(72h - 1ms);
  CHECK(run.waiting_on() == "wait-for-activation");
  t.advance(1ms);
  CHECK(t.now() - before == 72h);
  REQUIRE(run.completed());
  CHECK(run.output<result>().status == "reminded");
  CHECK(run.output<result>().cents == 7);
  CHECK(run.step("send-reminder").attempts() == 1);
  REQUIRE(t.sent<reminded>().size() == 1);
  CHECK(t.sent<reminded>()[0].data.userId == "u1");
  CHECK(run.steps() == std::vector<std::string>{"charge-card", "wait-for-activation", "send-reminder"});
}

TEST_CASE("an event of the test ends a wait", "[testing]") {
  const auto app = make_client();
  harness t{app, {make_onboarding(app)}};
  const auto run = t.send(signed_up{{.userId = "u1"}});
  CHECK_FALSE(t.send(activated{{.userId = "u1"}}).started());
  CHECK(run.output<result>().status == "activated");
  CHECK(run.step("charge-card").output<receipt>().cents == 100);
  CHECK(t.sent<reminded>().empty());
}

TEST_CASE("a step that is made to fail is tried again in a server's time", "[testing]") {
  const auto app = make_client();
  int charges = 0;
  harness t{app, {make_onboarding(app, &charges)}};
  t.fail_step("charge-card", 2, "no money");
  const auto run = t.send(signed_up{});
  CHECK(run.waiting_on() == "charge-card");
  CHECK(run.step("charge-card").error() == "std::runtime_error: no money");
  CHECK_FALSE(run.step("charge-card").ended());
  CHECK(charges == 0);
  t.advance(15s);
  CHECK(run.step("charge-card").attempts() == 2);
  t.advance(30s);
  CHECK(run.step("charge-card").attempts() == 3);
  CHECK(charges == 1);
  CHECK(run.waiting_on() == "wait-for-activation");
}

TEST_CASE("a step that is made to fail no times does not fail", "[testing]") {
  const auto app = make_client();
  harness t{app, {make_onboarding(app)}};
  t.fail_step("charge-card", 3);
  t.fail_step("charge-card", GENERATE(0, -1));
  const auto run = t.send(signed_up{});
  CHECK(run.waiting_on() == "wait-for-activation");
  CHECK(run.step("charge-card").attempts() == 1);
}

TEST_CASE("an event of the test that is refused does not hide the events that functions send", "[testing]") {
  const auto app = make_client();
  harness t{app, {make_onboarding(app)}};
  CHECK_THROWS_AS(t.send(signed_up{.ts = inngest::timestamp(1ms)}), inngest::payload_error);
  const auto run = t.send(signed_up{{.userId = "u1"}});
  REQUIRE(t.execute(run));
  CHECK(t.sent<reminded>().size() == 1);
}

TEST_CASE("a function's times are those of the test", "[testing]") {
  const auto app = make_client();
  const inngest::timestamp start = std::chrono::sys_days(std::chrono::year(2030) / 1 / 1);
  const auto naps =
      app.create_function({.id = "naps"}, inngest::on<signed_up>(), [&](inngest::context<signed_up>& ctx) {
        ctx.step.sleep_until("nap", start + 30 * 24h);
        ctx.step.run("later", [&, attempt = ctx.attempt] {
          if (attempt == 0) throw inngest::retry_after_error("busy", start + 31 * 24h);
        });
      });
  harness t{app, {naps}, {.start = start}};
  const auto run = t.send(signed_up{});
  CHECK(run.waiting_on() == "nap");
  t.advance(30 * 24h);
  CHECK(run.waiting_on() == "later");
  t.advance(24h - 1ms);
  CHECK_FALSE(run.ended());
  t.advance(1ms);
  CHECK(run.completed());
}

TEST_CASE("without retries the first failure counts", "[testing]") {
  const auto app = make_client();
  harness t{app, {make_onboarding(app)}, {.retries = false}};
  t.mock_step("charge-card", []() -> receipt { throw std::runtime_error("declined"); });
  const auto run = t.send(signed_up{});
  CHECK(run.failed());
  CHECK(run.error().find("declined") != std::string::npos);
  CHECK(run.step("charge-card").failed());
  CHECK(run.step("charge-card").attempts() == 1);
}

TEST_CASE("a test can begin in the middle", "[testing]") {
  const auto app = make_client();
  int charges = 0;
  harness t{app, {make_onboarding(app, &charges)}};
  t.preload_step("charge-card", receipt{.cents = 5});
  const auto run = t.send(signed_up{});
  CHECK(run.waiting_on() == "wait-for-activation");
  CHECK(charges == 0);
  CHECK(t.execute(run));
  CHECK(run.output<result>().cents == 5);
}

TEST_CASE("a stored result is in all later runs, whatever starts them", "[testing]") {
  const auto app = make_client();
  int lookups = 0;
  const auto price_of = [&lookups](auto& ctx) { return ctx.step.run("price", [&] { return ++lookups; }); };
  const auto priced = app.create_function({.id = "priced"}, inngest::on_invoke<user>(), price_of);
  const auto nightly = app.create_function({.id = "nightly"}, inngest::cron("0 3 * * *"), price_of);
  const auto batched =
      app.create_function({.id = "batched", .batch = inngest::batch{.max_size = 2, .timeout = 10s}},
                          inngest::on<activated>(), price_of);
  const auto parent = app.create_function(
      {.id = "parent", .retries = 0}, inngest::on<signed_up>(),
      [priced](auto& ctx) -> int {
        throw std::runtime_error(std::to_string(ctx.step.invoke("ask", priced, user{.userId = "u1"})));
      },
      inngest::on_failure([price_of](inngest::failure_context<signed_up>& ctx) { return price_of(ctx); }));
  harness t{app, {priced, nightly, batched, parent}};
  t.preload_step("price", 42);
  const auto run = t.send(signed_up{});
  CHECK(run.error() == "std::runtime_error: 42");
  t.send_to_all(activated{});
  t.advance(24h);
  CHECK(lookups == 0);
  std::vector<std::string> priced_runs;
  for (const auto& each : t.runs()) {
    if (each.completed() && each.output<int>() == 42) priced_runs.push_back(each.function_id());
  }
  std::sort(priced_runs.begin(), priced_runs.end());
  CHECK(priced_runs == std::vector<std::string>{"batched", "nightly", "parent-failure", "priced"});
}

TEST_CASE("steps are found by their ids, whatever their names are", "[testing]") {
  const auto app = make_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<signed_up>(), [](auto& ctx) {
    int sum = 0;
    for (int i = 1; i < 4; ++i) {
      const std::string id = "part-" + std::to_string(i);
      sum += ctx.step.run({.id = id, .name = "Part"}, [i] { return i; });
      ctx.step.sleep({.id = "rest-" + std::to_string(i), .name = "Rest"}, 1h);
    }
    return sum;
  });
  harness t{app, {f}};
  t.fail_step("part-2");
  const auto run = t.send(signed_up{});
  CHECK(run.waiting_on() == "rest-1");
  CHECK(run.waits_on("rest-1"));
  CHECK_FALSE(run.waits_on("rest-2"));
  t.advance(1h);
  CHECK(run.waiting_on() == "part-2");
  CHECK(run.waits_on("part-2"));
  CHECK(run.step("part-1").attempts() == 1);
  CHECK(run.step("part-2").attempts() == 1);
  CHECK(run.step("part-2").error() == "std::runtime_error: failed by the test");
  CHECK(run.step("part-3").attempts() == 0);
  REQUIRE(t.execute(run));
  CHECK(run.output<int>() == 6);
  CHECK_THAT(run,
             inngest::testing::reached_steps({"part-1", "rest-1", "part-2", "rest-2", "part-3", "rest-3"}));
  CHECK(run.step("part-2").attempts() == 2);
  CHECK(run.step("part-2").template output<int>() == 2);
  CHECK(run.step("part-3").attempts() == 1);
  CHECK(run.step("part-3").error().empty());
}

TEST_CASE("a request that is made to fail is retried, as by a server, while other branches go on",
          "[testing]") {
  const auto app = make_client();
  const auto f = app.create_function({.id = "f", .retries = 2}, inngest::on<signed_up>(), [](auto& ctx) {
    auto [status, done] = ctx.group.parallel(
        [&] {
          return ctx.step.fetch({.id = "load", .name = "Load"}, {.url = "https://example.com/"}).status_code;
        },
        [&] {
          ctx.step.run("b", [] {});
          ctx.step.sleep("rest", 1h);
          return true;
        });
    return status + (done ? 1000 : 0);
  });
  harness t{app, {f}};
  t.mock_step("load", [] { return inngest::fetch_response{.status_code = 204}; });
  t.fail_step("load", 2, "no network");
  const auto run = t.send(signed_up{});
  CHECK(run.waits_on("load"));
  CHECK(run.waits_on("rest"));
  CHECK_THAT(run.step("load").error(), Catch::Matchers::ContainsSubstring("no network"));
  REQUIRE(t.execute(run));
  CHECK(run.output<int>() == 1204);
  CHECK(run.step("load").attempts() == 3);

  t.mock_step("load", []() -> inngest::fetch_response { throw inngest::non_retriable_error("gone"); });
  const auto gone = t.send(signed_up{});
  CHECK(gone.step("load").failed());
  CHECK(gone.step("load").attempts() == 1);

  int tries = 0;
  t.mock_step("load", [&]() -> inngest::fetch_response {
    if (++tries == 1) throw inngest::retry_after_error("busy", 10min);
    return {.status_code = 200, .body = "ok"};
  });
  const auto busy = t.send(signed_up{});
  t.advance(9min);
  CHECK(busy.waits_on("load"));
  t.advance(2min);
  CHECK(busy.step("load").output<inngest::fetch_response>().body == "ok");
}

TEST_CASE("a request without a mock fails with the id to mock", "[testing]") {
  const auto app = make_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<signed_up>(), [](auto& ctx) {
    return ctx.step.fetch({.id = "load", .name = "Load"}, {.url = "https://example.com/"}).status_code;
  });
  harness t{app, {f}};
  CHECK_THAT(t.send(signed_up{}).error(), Catch::Matchers::ContainsSubstring("mock_step(\"load\""));
}

TEST_CASE("each use of an id has its own attempts, also side by side", "[testing]") {
  const auto app = make_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<signed_up>(), [](auto& ctx) {
    ctx.group.parallel(std::vector{1, 2}, [&](int) { ctx.step.run("resize", [] {}); });
  });
  harness t{app, {f}};
  t.fail_step("resize", 1, "no disk");
  const auto run = t.send(signed_up{});
  const std::size_t failed = run.step("resize", 0).attempts() == 1 && !run.step("resize", 0).ended() ? 0 : 1;
  CHECK(run.step("resize", failed).error() == "std::runtime_error: no disk");
  REQUIRE(t.execute(run));
  CHECK(run.step("resize", failed).attempts() == 2);
  CHECK(run.step("resize", 1 - failed).attempts() == 1);
  CHECK(run.step("resize", 1 - failed).error().empty());
}

TEST_CASE("a stored result can be replaced, and has the form of a mock's", "[testing]") {
  const auto app = make_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<signed_up>(), [](auto& ctx) {
    const auto tier = ctx.step.run("tier", [] { return std::string("real"); });
    const auto by = ctx.step.template wait_for_signal<user>("approval", {.signal = "ok", .timeout = 1h});
    const auto seen = ctx.step.template wait_for_event<activated>("seen", {.timeout = 1h});
    const auto none = ctx.step.template wait_for_event<activated>("none", {.timeout = 1h});
    return tier + " " + (by ? by->userId : "nobody") + " " + (seen ? seen->data.userId : "unseen") +
           (none ? " some" : " none");
  });
  harness t{app, {f}};
  t.preload_step("approval", user{.userId = "ann"});
  t.preload_step("seen", user{.userId = "u2"});
  t.preload_step("none", nullptr);
  for (const std::string tier : {"free", "gold"}) {
    t.preload_step("tier", tier);
    CHECK(t.send(signed_up{}).output<std::string>() == tier + " ann u2 none");
  }
}

TEST_CASE("steps are found by the ids of their own run, which middleware may change", "[testing]") {
  struct prefixing : inngest::middleware {
    void transform_step_input(const inngest::call_info& call, const inngest::step_info&,
                              inngest::step_input& input) override {
      if (call.function_id == "g") input.id = "g/" + input.id;
    }
  };
  const auto app = make_client();
  const auto body = [](auto& ctx) {
    ctx.step.run("a", [] {});
    ctx.step.sleep("rest", 1h);
  };
  const auto f = app.create_function({.id = "f"}, inngest::on<signed_up>(), body);
  const auto g = app.create_function({.id = "g", .middleware = {std::make_shared<prefixing>()}},
                                     inngest::on<activated>(), body);
  harness t{app, {f, g}};
  const auto of_f = t.send(signed_up{});
  const auto of_g = t.send(activated{});
  CHECK(of_f.step("a").attempts() == 1);
  CHECK(of_g.step("a").attempts() == 1);
  CHECK(of_g.step("g/a").attempts() == 1);
  CHECK(of_f.waits_on("rest"));
  CHECK(of_g.waits_on("rest"));
  CHECK(of_g.waits_on("g/rest"));
  CHECK_FALSE(of_f.waits_on("g/rest"));
}

TEST_CASE("a run that leaves a recorded result unused fails", "[testing]") {
  const auto app = make_client();
  int charges = 0;
  const auto make = [&](std::string id, bool in_group) {
    return app.create_function({.id = "f"}, inngest::on<signed_up>(), [&charges, id, in_group](auto& ctx) {
      const auto charge = [&] { ctx.step.run(id, [&] { ++charges; }); };
      if (in_group)
        ctx.group.parallel(charge, [&] { ctx.step.sleep("rest", 1h); });
      else
        charge();
    });
  };
  const auto body =
      R"({"ctx":{"run_id":"01J"},"event":{"name":"user/signed.up","data":{"userId":"u1"}},"steps":{")" +
      inngest::detail::to_hex(inngest::detail::sha1::of("charge")) + R"(":{"data":null}}})";
  const auto recorded = inngest::testing::read_recorded_run(body);
  const bool in_group = GENERATE(false, true);
  const auto same = make("charge", in_group), renamed = make("charge-card", in_group);
  harness t{app, {same}};
  const auto run = t.replay(same, recorded);
  REQUIRE(t.execute(run));
  CHECK(run.completed());
  CHECK(charges == 0);
  harness again{make_client(), {renamed}};
  const auto changed = again.replay(renamed, recorded);
  REQUIRE(again.execute(changed));
  CHECK(changed.failed());
  CHECK_THAT(changed.error(), Catch::Matchers::ContainsSubstring("inngest::unused_result"));
}

TEST_CASE("a recorded run has its results in the order in which they came", "[testing]") {
  const auto app = make_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<signed_up>(), [](auto& ctx) {
    return ctx.group.race([&] { return ctx.step.run("card", [] { return 1; }); },
                          [&] { return ctx.step.run("transfer", [] { return 2; }); });
  });
  const std::string card = inngest::detail::to_hex(inngest::detail::sha1::of("card"));
  const std::string transfer = inngest::detail::to_hex(inngest::detail::sha1::of("transfer"));
  const auto body = [&](const std::string& first, const std::string& second, const char* more = "") {
    return R"({"ctx":{"stack":{"stack":[")" + first + R"(",")" + second +
           R"("]}},"event":{"name":"user/signed.up","data":{"userId":"u1"}},"steps":{")" + card +
           R"(":{"data":1},")" + transfer + R"(":{"data":2}})" + more + "}";
  };
  harness t{app, {f}};
  CHECK(t.replay(f, inngest::testing::read_recorded_run(body(transfer, card))).output<int>() == 2);
  CHECK(t.replay(f, inngest::testing::read_recorded_run(body(card, transfer))).output<int>() == 1);
  CHECK_THROWS_AS(inngest::testing::read_recorded_run(body(card, transfer, R"(,"use_api":true)")),
                  inngest::payload_error);
  CHECK_THROWS_AS(inngest::testing::read_recorded_run(R"({"ctx":{"stack":null},"event":{},"steps":{")" +
                                                      card + R"(":{"input":[1]}}})"),
                  inngest::payload_error);
}

TEST_CASE("a run waits on each of the steps that have not ended, and on those that a race has left behind",
          "[testing]") {
  const auto app = make_client();
  const auto quote =
      app.create_function({.id = "quote"}, inngest::on<signed_up>(), [](inngest::context<signed_up>& ctx) {
        ctx.group.race([&] { ctx.step.sleep("slow", 5s); }, [&] { ctx.step.sleep("fast", 1s); });
        return ctx.step.wait_for_event<activated>("decision", {.timeout = 1h}).has_value();
      });
  harness t{app, {quote}};
  auto run = t.send(signed_up{{.userId = "u1"}});
  CHECK_THAT(run, inngest::testing::waits_on("slow") && inngest::testing::waits_on("fast") &&
                      !inngest::testing::waits_on("decision"));
  t.advance(1s);
  CHECK(run.waiting_on() == "slow");
  CHECK(run.waits_on("decision"));
  CHECK_FALSE(run.waits_on("fast"));
  t.send_to_all(activated{{.userId = "u1"}});
  REQUIRE_THAT(run, inngest::testing::completed());
  CHECK_FALSE(run.waits_on("decision"));
}

TEST_CASE("a run goes on where a recorded one was", "[testing]") {
  const auto app = make_client();
  int charges = 0;
  const auto onboarding = make_onboarding(app, &charges);
  harness t{app, {onboarding}};
  const auto call = [](const std::string& id) {
    return R"({"ctx":{"run_id":"01J"},"event":{"name":"user/signed.up","data":{"userId":"u1"}},"steps":{")" +
           id + R"(":{"data":{"cents":7}}}})";
  };
  const auto recorded = inngest::testing::read_recorded_run(
      call(inngest::detail::to_hex(inngest::detail::sha1::of("charge-card"))));
  auto run = t.replay(onboarding, recorded);
  REQUIRE_THAT(run, inngest::testing::waits_on("wait-for-activation"));
  t.advance(72h);
  REQUIRE_THAT(run, inngest::testing::completed());
  CHECK(run.output<result>().cents == 7);
  CHECK(t.sent<reminded>().at(0).data.userId == "u1");
  CHECK(charges == 0);

  CHECK_THROWS_WITH(inngest::testing::read_recorded_run(call("charge-card")),
                    Catch::Matchers::ContainsSubstring("steps.charge-card"));
  CHECK_THROWS_WITH(inngest::testing::read_recorded_run("{}"), Catch::Matchers::ContainsSubstring("event"));
}

TEST_CASE("matchers say what a run should have done, and show what it did", "[testing]") {
  using namespace inngest::testing;
  const auto app = make_client();
  harness t{app, {make_onboarding(app)}};
  const auto run = t.send(signed_up{});
  CHECK_THAT(run, reached_steps({"charge-card", "wait-for-activation"}));
  CHECK_THAT(run, !completed() && !cancelled());
  CHECK(completed().describe() == "has completed");
  CHECK(Catch::Detail::stringify(run).find("wait-for-activation") != std::string::npos);
  t.cancel(run);
  CHECK_THAT(run, cancelled());

  t.fail_step("charge-card", 4, "the bank is closed");
  const auto failing = t.send(signed_up{});
  t.execute(failing);
  CHECK_THAT(failing, failed_with("the bank is closed"));
  CHECK_THAT(failing, !failed_with("the bank is open"));
}

TEST_CASE("a function that is not deterministic is found out", "[testing]") {
  const auto app = make_client();
  int call = 0;
  const auto shaky =
      app.create_function({.id = "shaky", .retries = 0}, inngest::on<signed_up>(), [&](auto& ctx) {
        ctx.step.run("a", [] {});
        ctx.step.run(std::string(++call % 2 == 0 ? "b" : "c"), [] {});
        ctx.step.run("d", [] {});
      });
  harness t{app, {shaky}};
  const auto run = t.send(signed_up{});
  CHECK(run.failed());
  CHECK(run.error().find("not deterministic") != std::string::npos);
}

TEST_CASE("steps of a server can be mocked", "[testing]") {
  const auto app = make_client();
  const inngest::function_ref<inngest::event<"x/y">, receipt> elsewhere{"other", "fn"};
  const auto f = app.create_function({.id = "f", .retries = 0}, inngest::on<signed_up>(), [&](auto& ctx) {
    const auto paid = ctx.step.invoke("pay", elsewhere, inngest::json::object());
    ctx.step.sleep("rest", 24h);
    return paid.cents;
  });
  harness t{app, {f}};
  t.mock_step("pay", [] { return receipt{.cents = 3}; });
  const auto run = t.send(signed_up{});
  CHECK(run.waiting_on() == "rest");
  CHECK(t.advance_to_next());
  CHECK(run.output<int>() == 3);

  harness again{make_client(), {f}};
  again.mock_step("pay", []() -> receipt { throw std::runtime_error("closed"); });
  CHECK(again.send(signed_up{}).failed());
}

TEST_CASE("a run prints its timeline", "[testing]") {
  const auto app = make_client();
  harness t{app, {make_onboarding(app)}};
  std::ostringstream out;
  out << t.send(signed_up{});
  CHECK(out.str().find("wait-for-activation") != std::string::npos);
  CHECK(out.str().find("onboarding") == 0);
  CHECK(out.str().find("2026-01-01") == std::string::npos);
  t.advance(72h);
  CHECK(t.runs().at(0).timeline().find("2026-01-04 00:00:00.000") != std::string::npos);
}

TEST_CASE("three hundred steps in thirty days are gone through from the start each time", "[testing]") {
  const auto app = make_client();
  const auto month = app.create_function({.id = "month"}, inngest::on<signed_up>(), [](auto& ctx) {
    int sum = 0;
    for (int i = 0; i < 150; ++i) {
      sum += ctx.step.run("work", [&] { return i; });
      ctx.step.sleep("rest", 288min);
    }
    return sum;
  });
  harness t{app, {month}};
  const auto run = t.send(signed_up{});
  CHECK(t.execute(run));
  CHECK(run.output<int>() == 11'175);
  CHECK(run.step("work", 149).template output<int>() == 149);
}

TEST_CASE("an endpoint is called in virtual time, and its response is what its client gets",
          "[harness][endpoint]") {
  const auto app = make_client();
  const auto remind = inngest::endpoint(app, {.id = "remind"}, [](inngest::endpoint_context& ctx) {
    const auto asked = ctx.body<user>();
    ctx.step.sleep("a-month", 30 * 24h);
    const auto cents = ctx.step.run("price", [] { return 5; });
    if (ctx.request.query("fail")) throw inngest::http_error(503, "closed");
    return result{asked.userId, cents};
  });
  harness t(app, {remind});
  t.mock_step("price", [] { return 7; });
  auto run = t.call(remind, {.method = "POST", .url = "/remind", .body = R"({"userId":"u1"})"});
  CHECK(run.waiting_on() == "a-month");
  CHECK_THROWS_AS(run.response(), inngest::payload_error);
  REQUIRE(t.execute(run));
  CHECK(run.completed());
  CHECK(run.response().status == 200);
  CHECK(run.response().body == R"({"status":"u1","cents":7})");

  auto failed = t.call(remind, {.method = "POST", .url = "/remind?fail=1", .body = R"({"userId":"u1"})"});
  REQUIRE(t.execute(failed));
  CHECK(failed.failed());
  CHECK(failed.response().status == 503);
  auto unfit = t.call(remind, {.method = "POST", .url = "/remind", .body = "[]"});
  CHECK(unfit.response().status == 400);
}

TEST_CASE("a handler logs each message once, although the harness runs it twice", "[testing][log]") {
  std::vector<std::string> lines;
  const inngest::client app(
      {.id = "app",
       .log = inngest::logger([&](inngest::log_level, std::string_view line) { lines.emplace_back(line); }),
       .environment = [](const char*) { return std::nullopt; }});
  const auto f = app.create_function({.id = "f"}, inngest::on<signed_up>(), [](auto& ctx) {
    ctx.log.info("one");
    ctx.step.run("a", [&] { ctx.log.info("in a"); });
    ctx.log.info("two");
    ctx.step.sleep("rest", 1h);
    ctx.log.info("end");
  });
  harness t{app, {f}};
  t.execute(t.send(signed_up{}));
  CHECK(lines == std::vector<std::string>{"one", "in a", "two", "end"});
}

TEST_CASE("a step may have its own run cancelled", "[testing]") {
  const auto app = make_client();
  const auto f = app.create_function(
      {.id = "f", .cancel_on = {{.event = "user/activated"}}}, inngest::on<signed_up>(), [app](auto& ctx) {
        const int status = ctx.step.fetch("load", {.url = "https://example.com/"}).status_code;
        ctx.step.run("stop", [&] { app.send(activated{}); });
        return status;
      });
  const bool is_last = GENERATE(false, true);
  const auto g = app.create_function(
      {.id = "g", .cancel_on = {{.event = "user/activated"}}}, inngest::on<reminded>(), [app](auto& ctx) {
        app.send(activated{});
        return ctx.step.fetch("load", {.url = "https://example.com/"}).status_code;
      });
  harness t{app, {f, g}};
  t.mock_step("load", [] { return inngest::fetch_response{.status_code = 204}; });
  CHECK((is_last ? t.send(signed_up{}) : t.send(reminded{})).cancelled());
}

TEST_CASE("a loop that has become shorter leaves recorded results unused", "[testing]") {
  const auto app = make_client();
  const auto make = [&](int parts) {
    return app.create_function({.id = "f"}, inngest::on<signed_up>(), [parts](auto& ctx) {
      ctx.step.run("part:1", [] {});  // so the second use of "part" is "part:2"
      for (int i = 0; i < parts; ++i) ctx.step.run("part", [] {});
      [[maybe_unused]] auto mail = ctx.step.start("mail", [] {});  // nobody waits for it
    });
  };
  const auto long_loop = make(4), short_loop = make(2);
  harness first{make_client(), {long_loop}};
  const auto run = first.send(signed_up{});
  REQUIRE(run.completed());
  inngest::testing::recorded_run recorded;
  recorded.events = {R"({"name":"user/signed.up","data":{"userId":"u1"}})"};
  for (const char* id : {"part:1", "part", "part:2", "part:3", "part:4", "mail"})
    recorded.results.emplace_back(inngest::detail::sha1::of(id), R"({"data":null})");
  harness same{make_client(), {long_loop}};
  CHECK(same.replay(long_loop, recorded).completed());
  harness shorter{make_client(), {short_loop}};
  CHECK(shorter.replay(short_loop, recorded).failed());
}
