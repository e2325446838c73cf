#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <inngest/inngest.hpp>
#include <inngest/testing.hpp>

#include "../catch.hpp"
#include "../support/handler_driver.hpp"

// The same step id in several branches: right where the order of the branches is fixed, an error elsewhere.

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using support::answer;
using support::hash_of;
using support::run_driver;
using strings = std::vector<std::string>;

using started = inngest::event<"branch/started">;
using context = inngest::context<started>;

template <class Handler>
auto made(Handler handler) {
  return support::quiet_client().create_function({.id = "f", .retries = 0}, inngest::on<started>(),
                                                 std::move(handler));
}

/// The function in a harness, to its end.
template <class Handler>
inngest::testing::test_run run_of(Handler handler) {
  const auto app = support::quiet_client();
  auto f = app.create_function({.id = "f", .retries = 0}, inngest::on<started>(), std::move(handler));
  inngest::testing::harness t{app, {f}};
  auto run = t.send(started{});
  t.execute(run);
  return run;
}

std::string step(context& ctx, inngest::step_id id, std::string result) {
  return ctx.step.run(id, [&] { return result; });
}

bool is_refused(const inngest::testing::test_run& run, const std::string& id) {
  return run.failed() && run.error().find("shared_step_id") != std::string::npos &&
         run.error().find("\"" + id + "\"") != std::string::npos &&
         run.error().find("branch 1") != std::string::npos &&
         run.error().find("branch 2") != std::string::npos;
}

}  // namespace

TEST_CASE("branches that come to the same id at once keep their own results", "[shared_ids]") {
  const auto run = run_of([](context& ctx) {
    auto [a, b] =
        ctx.group.parallel([&] { return step(ctx, "x", "A"); }, [&] { return step(ctx, "x", "B"); });
    return a + b;
  });
  INFO(run);
  CHECK(run.output<std::string>() == "AB");
}

TEST_CASE("an id that comes later in the second branch has a fixed order", "[shared_ids]") {
  const auto run = run_of([](context& ctx) {
    auto [a, b] = ctx.group.parallel([&] { return step(ctx, "x", "A"); },
                                     [&] {
                                       ctx.step.sleep("pre", 5s);
                                       return step(ctx, "x", "B");
                                     });
    return a + b;
  });
  INFO(run);
  CHECK(run.output<std::string>() == "AB");
}

TEST_CASE("an id that comes later in the first branch is refused, with both branches", "[shared_ids]") {
  const auto run = run_of([](context& ctx) {
    auto [a, b] = ctx.group.parallel(
        [&] {
          ctx.step.sleep("pre", 5s);
          return step(ctx, "x", "A");
        },
        [&] { return step(ctx, "x", "B"); });
    return a + b;
  });
  INFO(run);
  CHECK(is_refused(run, "x"));
  CHECK_THAT(run.error(), ContainsSubstring("shared_ids_test.cpp:") && ContainsSubstring("parallel group"));
}

TEST_CASE("the refusal does not depend on whose result arrives first", "[shared_ids]") {
  auto f = made([](context& ctx) {
    auto [a, b] = ctx.group.parallel(
        [&] {
          step(ctx, "pre", "");
          return step(ctx, "x", "A");
        },
        [&] { return step(ctx, "x", "B"); });
    return a + b;
  });
  run_driver late(f);
  late.result("x", "B").result("pre", "");
  const answer refused = late.discover();
  CHECK(refused.status == 400);
  CHECK_THAT(refused.text, ContainsSubstring("shared_step_id"));
  run_driver early(f);
  early.result("pre", "");
  CHECK(early.discover().text == refused.text);
}

TEST_CASE("two steps of the same ids in each of several branches are refused", "[shared_ids]") {
  const auto run = run_of([](context& ctx) {
    const strings items{"1", "2", "3"};
    return ctx.group.parallel(
        items, [&](const std::string& item) { return step(ctx, "save", step(ctx, "fetch", item)); });
  });
  INFO(run);
  CHECK(is_refused(run, "save"));
}

TEST_CASE("a loop within one branch may repeat its ids", "[shared_ids]") {
  const auto run = run_of([](context& ctx) {
    auto [a, b] = ctx.group.parallel(
        [&] {
          std::string out;
          for (int i = 0; i < 3; ++i) out += step(ctx, "loop", std::to_string(i));
          return out;
        },
        [&] { return step(ctx, "other", "B"); });
    return a + b + step(ctx, "loop", "3");
  });
  INFO(run);
  CHECK(run.output<std::string>() == "012B3");
}

TEST_CASE("a loop whose id the next branch uses too is refused", "[shared_ids]") {
  const auto run = run_of([](context& ctx) {
    ctx.group.parallel(
        [&] {
          step(ctx, "x", "0");
          step(ctx, "x", "1");
        },
        [&] { step(ctx, "x", "B"); });
  });
  INFO(run);
  CHECK(is_refused(run, "x"));
}

TEST_CASE("ids used before and behind a group have a fixed order", "[shared_ids]") {
  const auto run = run_of([](context& ctx) {
    std::string out = step(ctx, "x", "0");
    auto [a, b] = ctx.group.parallel(
        [&] {
          ctx.step.sleep("pre", 1s);
          return step(ctx, "x", "1");
        },
        [&] { return step(ctx, "y", "2"); });
    return out + a + b + step(ctx, "x", "3");
  });
  INFO(run);
  CHECK(run.output<std::string>() == "0123");
}

TEST_CASE("an id in a nested group is compared with the branches beside the outer one", "[shared_ids]") {
  const auto nested = [](bool waits) {
    return run_of([waits](context& ctx) {
      auto [a, b] = ctx.group.parallel(
          [&] {
            auto [c, d] = ctx.group.parallel([&] { return step(ctx, "c", "C"); },
                                             [&] {
                                               if (waits) ctx.step.sleep("pre", 1s);
                                               return step(ctx, "x", "D");
                                             });
            return c + d;
          },
          [&] { return step(ctx, "x", "B"); });
      return a + b;
    });
  };
  CHECK(nested(false).output<std::string>() == "CDB");
  const auto refused = nested(true);
  INFO(refused);
  CHECK(is_refused(refused, "x"));
}

TEST_CASE("an id behind a nested group is late", "[shared_ids]") {
  const auto run = run_of([](context& ctx) {
    ctx.group.parallel(
        [&] {
          ctx.group.parallel([&] { step(ctx, "c", ""); }, [&] { step(ctx, "d", ""); });
          step(ctx, "x", "A");
        },
        [&] { step(ctx, "x", "B"); });
  });
  INFO(run);
  CHECK(is_refused(run, "x"));
}

TEST_CASE("a started step that is not waited for does not make the next id late", "[shared_ids]") {
  const auto run = run_of([](context& ctx) {
    auto [a, b] = ctx.group.parallel(
        [&] {
          auto pre = ctx.step.start("pre", [] { return std::string("P"); });
          const std::string x = step(ctx, "x", "A");
          return pre.get() + x;
        },
        [&] { return step(ctx, "x", "B"); });
    return a + b;
  });
  INFO(run);
  CHECK(run.output<std::string>() == "PAB");
}

TEST_CASE("started steps that are waited for make an id late, unless all branches wait", "[shared_ids]") {
  const auto both = [](bool second_waits) {
    return run_of([second_waits](context& ctx) {
      auto pre = ctx.step.start("pre", [] { return std::string("P"); });
      auto [a, b] = ctx.group.parallel(
          [&] {
            pre.get();
            return step(ctx, "x", "A");
          },
          [&] {
            if (second_waits) pre.get();
            return step(ctx, "x", "B");
          });
      return a + b;
    });
  };
  CHECK(both(true).output<std::string>() == "AB");
  const auto refused = both(false);
  INFO(refused);
  CHECK(is_refused(refused, "x"));
}

TEST_CASE("a started step that was waited for before the group makes nothing late", "[shared_ids]") {
  const auto run = run_of([](context& ctx) {
    auto pre = ctx.step.start("pre", [] { return std::string("P"); });
    pre.get();
    auto [a, b] = ctx.group.parallel([&] { return pre.get() + step(ctx, "x", "A"); },
                                     [&] { return step(ctx, "x", "B"); });
    return a + b;
  });
  INFO(run);
  CHECK(run.output<std::string>() == "PAB");
}

TEST_CASE("an experiment's choice makes the ids of its variant late", "[shared_ids]") {
  const auto run = run_of([](context& ctx) {
    ctx.group.parallel(
        [&] {
          ctx.group.experiment("pick", inngest::experiment::fixed("only"),
                               inngest::variant("only", [&] { return step(ctx, "x", "A"); }));
        },
        [&] { step(ctx, "x", "B"); });
  });
  INFO(run);
  CHECK(is_refused(run, "x"));
}

TEST_CASE("branches of a race may not share a late id either", "[shared_ids]") {
  auto f = made([](context& ctx) {
    return ctx.group.race(
        [&] {
          ctx.step.sleep("pre", 5s);
          return step(ctx, "x", "A");
        },
        [&] { return step(ctx, "x", "B"); });
  });
  run_driver run(f);
  run.memo("pre", nullptr);
  const answer refused = run.discover();
  CHECK(refused.status == 400);
  CHECK_THAT(refused.text, ContainsSubstring("of a race") && ContainsSubstring("branch 2"));
}

TEST_CASE("a loser's later steps do not move the id of a step behind the race", "[shared_ids]") {
  auto bodies = std::make_shared<strings>();
  const auto app = support::quiet_client();
  auto f = app.create_function({.id = "f", .retries = 0}, inngest::on<started>(), [bodies](context& ctx) {
    const auto traced = [&](inngest::step_id id, const char* body) {
      return ctx.step.run(id, [&] {
        bodies->push_back(body);
        return std::string(body);
      });
    };
    const std::string winner = ctx.group.race([&] { return traced("fast", "fast"); },
                                              [&] {
                                                ctx.step.sleep("limit", 1s);
                                                return traced("x", "loser");
                                              });
    const std::string after = traced("x", "after");
    ctx.step.sleep("rest", 10s);
    return winner + after + traced("x", "last");
  });
  inngest::testing::harness t{app, {f}};
  auto run = t.send(started{});
  t.execute(run);
  INFO(run);
  CHECK(run.output<std::string>() == "fastafterlast");
  CHECK(*bodies == strings{"fast", "after", "last"});
}

TEST_CASE("a loser's later result does not move the id of a step behind the race", "[shared_ids]") {
  auto f = made([](context& ctx) {
    ctx.group.race([&] { return step(ctx, "slow", "slow"); }, [&] { return step(ctx, "fast", "fast"); },
                   [&] { return step(ctx, "x", "loser"); });
    return step(ctx, "x", "after");
  });
  run_driver run(f);
  run.result("fast", "fast");
  CHECK(run.discover().op().at("id") == hash_of("x:1"));
  run.result("slow", "slow");
  CHECK(run.discover().op().at("id") == hash_of("x:1"));
}

TEST_CASE("ids that a run of another SDK has given go on by the same indexes", "[shared_ids]") {
  auto f = made([](context& ctx) {
    auto [a, b] =
        ctx.group.parallel([&] { return step(ctx, "x", "A"); }, [&] { return step(ctx, "x", "B"); });
    return a + b + step(ctx, "x", "C");
  });
  run_driver run(f);
  run.result("x:1", "b").result("x", "a");
  CHECK(run.discover().op().at("id") == hash_of("x:2"));
  CHECK(run.result("x:2", "c").discover().text == R"("abc")");
}

TEST_CASE("losers of a race that come to the same id after it was decided do no harm", "[shared_ids]") {
  const auto run = run_of([](context& ctx) {
    const auto slow = [&](inngest::step_id pause, std::chrono::milliseconds time) {
      ctx.step.sleep(pause, time);
      return step(ctx, "x", "loser");
    };
    const std::string won = ctx.group.race([&] { return step(ctx, "fast", "won"); },
                                           [&] { return slow("p", 1s); }, [&] { return slow("q", 2s); });
    ctx.step.sleep("rest", 10s);
    return won + step(ctx, "x", "after") + step(ctx, "x", "last");
  });
  INFO(run);
  CHECK(run.output<std::string>() == "wonafterlast");
}

TEST_CASE("races in races are refused where a late id is shared before they are decided", "[shared_ids]") {
  auto f = made([](context& ctx) {
    return ctx.group.race(
        [&] {
          return ctx.group.race(
              [&] {
                step(ctx, "pre", "");
                return step(ctx, "x", "A");
              },
              [&] { return step(ctx, "x", "B"); });
        },
        [&] {
          ctx.step.sleep("limit", 5s);
          return std::string("late");
        });
  });
  run_driver run(f);
  CHECK(run.discover().body().size() == 3);
  CHECK_THAT(run.result("pre", "").discover().text, ContainsSubstring("shared_step_id"));
  run_driver decided(f);  // the outer race is over before
  decided.memo("limit", nullptr).result("pre", "");
  CHECK(decided.discover().text == R"("late")");
}

TEST_CASE("an id that another branch's repeated id becomes is refused too", "[shared_ids]") {
  const auto repeated_first = run_of([](context& ctx) {
    ctx.group.parallel(
        [&] {
          ctx.step.sleep("pre", 1s);
          step(ctx, "x", "A");
          step(ctx, "x", "A1");
        },
        [&] { step(ctx, "x:1", "B"); });
  });
  INFO(repeated_first);
  CHECK(repeated_first.failed());
  CHECK_THAT(repeated_first.error(), ContainsSubstring("shared_step_id"));
  const auto named_first = run_of([](context& ctx) {
    ctx.group.parallel(
        [&] {
          ctx.step.sleep("pre", 1s);
          step(ctx, "x:1", "A");
        },
        [&] {
          step(ctx, "x", "B");
          step(ctx, "x", "B1");
        });
  });
  CHECK_THAT(named_first.error(), ContainsSubstring("shared_step_id"));
}
