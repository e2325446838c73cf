#include <inngest/group.hpp>

#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/handler_driver.hpp"

namespace {

using namespace std::chrono_literals;
using inngest::json;
using support::hash_of;
using support::run_driver;
using strings = std::vector<std::string>;
using test_event = inngest::event<"test/event">;

template <class Handler>
auto made(Handler handler) {
  return support::quiet_client().create_function({.id = "f"}, inngest::on<test_event>(), std::move(handler));
}

/// A range whose elements exist only while they are looked at (std::views::iota, had every compiler it).
struct counting {
  struct iterator {
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    int at;
    int operator*() const { return at; }
    iterator& operator++() {
      ++at;
      return *this;
    }
    bool operator==(const iterator&) const = default;
  };
  int first, last;
  iterator begin() const { return {first}; }
  iterator end() const { return {last}; }
};

}  // namespace

TEST_CASE("all next steps of a group's branches are planned together", "[group][parallel]") {
  auto f = made([](auto& ctx) {
    auto [a, b, c] = ctx.group.parallel(
        [&] { return ctx.step.run("a2", [n = ctx.step.run("a1", [] { return 1; })] { return n + 1; }); },
        [&] { return ctx.step.run("b", [] { return std::string("b"); }); },
        [&] { ctx.step.sleep("nap", 1s); });
    static_assert(std::is_same_v<decltype(c), std::monostate>);
    return b + std::to_string(a);
  });
  run_driver run(f);
  CHECK(run.discover().operations() == strings{"StepPlanned:a1", "StepPlanned:b", "Sleep:nap"});
  run.result("a1", 5);
  CHECK(run.discover().operations() == strings{"StepPlanned:a2", "StepPlanned:b", "Sleep:nap"});
  CHECK(run.finish().result == "b6");
}

TEST_CASE("a target in a group runs exactly that step and nothing after the group", "[group][target]") {
  strings ran;
  auto f = made([&](auto& ctx) {
    const auto step = [&](const char* id) { ctx.step.run(id, [&ran, id] { ran.emplace_back(id); }); };
    ctx.group.parallel(
        [&] {
          step("a1");
          step("a2");
        },
        [&] {
          step("b1");
          step("b2");
        });
    step("after");
  });
  run_driver run(f);
  CHECK(run.target("b1").operations() == strings{"StepRun:b1"});
  CHECK(ran == strings{"b1"});
  run.result("a1", nullptr).result("b1", nullptr);
  ran.clear();
  CHECK(run.target("a2").operations() == strings{"StepRun:a2"});
  CHECK(ran == strings{"a2"});
  run.result("a2", nullptr);
  ran.clear();
  CHECK(run.target("after").status == 500);  // b2 is still open
  CHECK(ran.empty());
  CHECK(run.target("b2").operations() == strings{"StepRun:b2"});
}

TEST_CASE("a step inside a group is planned even when it is the only one", "[group][parallel]") {
  int ran = 0;
  auto f = made([&](auto& ctx) { ctx.group.parallel([&] { ctx.step.run("a", [&] { ++ran; }); }); });
  run_driver run(f);
  CHECK(run.discover().operations() == strings{"StepPlanned:a"});
  CHECK(ran == 0);
}

TEST_CASE("a range of branches gives results in order", "[group][parallel]") {
  auto f = made([](auto& ctx) {
    const std::vector<std::string> nodes{"x", "y", "z"};
    const std::vector<std::string> out = ctx.group.parallel(nodes, [&](const std::string& node) {
      return ctx.step.run("node-" + node, [&] { return node + node; });
    });
    return out;
  });
  run_driver run(f);
  CHECK(run.discover().operations() ==
        strings{"StepPlanned:node-x", "StepPlanned:node-y", "StepPlanned:node-z"});
  CHECK(run.finish().result == json{"xx", "yy", "zz"});
}

TEST_CASE("ranges may be temporaries, views, arrays and empty", "[group][parallel]") {
  auto f = made([](auto& ctx) {
    const auto step = [&](int i) { return ctx.step.run("s" + std::to_string(i), [i] { return i; }); };
    json out;
    out.push_back(ctx.group.parallel(std::vector<int>{1, 2}, step));
    out.push_back(ctx.group.parallel(counting{3, 5}, step));
    const int array[] = {5, 6};
    out.push_back(ctx.group.parallel(array, step));
    out.push_back(ctx.group.parallel(std::vector<int>{}, step));
    std::vector<int> changed{7, 8};
    ctx.group.parallel(changed, [&](int& i) { i = step(i) * 10; });
    out.push_back(changed);
    out.push_back(ctx.group.parallel(std::vector<bool>{true, false}, [&](bool b) { return b; }));
    return out;
  });
  CHECK(run_driver(f).finish().result == json::parse("[[1,2],[3,4],[5,6],[],[70,80],[true,false]]"));
}

TEST_CASE("branches without steps and groups of one are fine", "[group][parallel]") {
  auto f = made([](auto& ctx) {
    auto [a, b] = ctx.group.parallel([] { return 1; }, [] {});
    auto [c] = ctx.group.parallel([&] { return ctx.step.run("c", [] { return 3; }); });
    return a + c;
  });
  CHECK(run_driver(f).finish().result == 4);
}

TEST_CASE("results that can only be moved pass through a group", "[group][parallel]") {
  auto f = made([](auto& ctx) {
    auto all = ctx.group.parallel([&] { return std::make_unique<int>(ctx.step.run("a", [] { return 3; })); },
                                  [] { return 1; });
    return *std::get<0>(all) + std::get<1>(all);
  });
  CHECK(run_driver(f).finish().result == 4);
}

TEST_CASE("when a branch fails, the others still end before the failure is thrown",
          "[group][parallel][errors]") {
  auto f = made([](auto& ctx) {
    ctx.group.parallel([&] { ctx.step.run("a", [] { throw inngest::non_retriable_error("a failed"); }); },
                       [&] {
                         ctx.step.run("b1", [] {});
                         ctx.step.run("b2", [] {});
                       });
  });
  run_driver run(f);
  run.failure("a", "N", "a failed");
  CHECK(run.discover().operations() == strings{"StepPlanned:b1"});
  run.result("b1", nullptr);
  CHECK(run.discover().operations() == strings{"StepPlanned:b2"});
  run.result("b2", nullptr);
  const auto end = run.discover();
  CHECK(end.status == 400);
  CHECK(end.body().at("message") == "a failed");
}

TEST_CASE("of several failures the first branch's is thrown", "[group][parallel][errors]") {
  auto f = made([](auto& ctx) {
    try {
      ctx.group.parallel(std::vector<int>{1, 2, 3},
                         [&](int i) { ctx.step.run("s" + std::to_string(i), [] {}); });
    } catch (const inngest::step_error& e) {
      return ctx.step.run("report", [m = std::string(e.what())] { return m; });
    }
    return std::string();
  });
  run_driver run(f);
  run.failure("s3", "N", "third").result("s1", nullptr).failure("s2", "N", "second");
  CHECK(run.finish().result == "second");
}

TEST_CASE("a branch that throws by itself waits for the others", "[group][parallel][errors]") {
  auto f = made([](auto& ctx) {
    ctx.group.parallel([] { throw std::runtime_error("at once"); }, [&] { ctx.step.run("b", [] {}); });
  });
  run_driver run(f);
  CHECK(run.discover().operations() == strings{"StepPlanned:b"});
  CHECK(run.result("b", nullptr).discover().body().at("message") == "at once");
}

TEST_CASE("a branch may compensate its own failure", "[group][parallel][errors]") {
  auto f = made([](auto& ctx) {
    auto [a, b] = ctx.group.parallel(
        [&] {
          try {
            return ctx.step.run("a", []() -> int { throw inngest::non_retriable_error("no"); });
          } catch (const std::exception&) {
            return ctx.step.run("undo", [] { return -1; });
          }
        },
        [&] { return ctx.step.run("b", [] { return 2; }); });
    return json{a, b};
  });
  const auto end = run_driver(f).finish();
  CHECK(end.result == json{-1, 2});
}

TEST_CASE("groups nest, and all their next steps are planned together", "[group][parallel]") {
  auto f = made([](auto& ctx) {
    auto [inner, c] = ctx.group.parallel(
        [&] {
          auto [a, b] = ctx.group.parallel([&] { return ctx.step.run("a", [] { return 1; }); },
                                           [&] { return ctx.step.run("b", [] { return 2; }); });
          return ctx.step.run("sum", [s = a + b] { return s; });
        },
        [&] { return ctx.step.run("c", [] { return 10; }); });
    return ctx.step.run("total", [t = inner + c] { return t; });
  });
  run_driver run(f);
  CHECK(run.discover().operations() == strings{"StepPlanned:a", "StepPlanned:b", "StepPlanned:c"});
  CHECK(run.target("b").operations() == strings{"StepRun:b"});
  CHECK(run.target("c").operations() == strings{"StepRun:c"});
  run.result("c", 10).result("a", 1).result("b", 2);
  CHECK(run.discover().operations() == strings{"StepPlanned:sum"});
  run.result("sum", 3);
  CHECK(run.discover().operations() == strings{"StepRun:total"});
  CHECK(run.finish().result == 13);
}

TEST_CASE("steps may be started inside branches", "[group][parallel][start]") {
  auto f = made([](auto& ctx) {
    auto [a, b] = ctx.group.parallel(
        [&] {
          auto x = ctx.step.start("x", [] { return 1; });
          auto y = ctx.step.start("y", [] { return 2; });
          return x.get() + y.get();
        },
        [&] { return ctx.step.run("b", [] { return 3; }); });
    return a + b;
  });
  run_driver run(f);
  CHECK(run.discover().operations() == strings{"StepPlanned:x", "StepPlanned:y", "StepPlanned:b"});
  CHECK(run.finish().result == 6);
}

TEST_CASE("handles started before a group are asked inside it", "[group][parallel][start]") {
  auto f = made([](auto& ctx) {
    auto a = ctx.step.start("a", [] { return 1; });
    auto [x, y] =
        ctx.group.parallel([&] { return a.get(); }, [&] { return ctx.step.run("b", [] { return 2; }); });
    return x + y;
  });
  run_driver run(f);
  CHECK(run.discover().operations() == strings{"StepPlanned:a", "StepPlanned:b"});
  CHECK(run.finish().result == 3);
}

TEST_CASE("the same id in several branches is counted in the order of the branches",
          "[group][parallel][id]") {
  auto f = made([](auto& ctx) {
    return ctx.group.parallel(std::vector<int>{1, 2, 3},
                              [&](int i) { return ctx.step.run("same", [i] { return i; }); });
  });
  run_driver run(f);
  const json plan = run.discover().body();
  CHECK(plan.at(0).at("id") == hash_of("same"));
  CHECK(plan.at(1).at("id") == hash_of("same:1"));
  CHECK(plan.at(2).at("id") == hash_of("same:2"));
  CHECK(run.finish().result == json{1, 2, 3});
}

TEST_CASE("a group of no branches gives nothing", "[group][parallel]") {
  auto f = made([](auto& ctx) { return std::tuple_size_v<decltype(ctx.group.parallel())>; });
  CHECK(run_driver(f).discover().text == "0");
}

// ---- race -----------------------------------------------------------------------------------------------

TEST_CASE("the branch whose steps completed first wins a race, by the server's order", "[group][race]") {
  auto f = made([](auto& ctx) {
    return ctx.group.race([&] { return ctx.step.run("a", [] { return 1; }); },
                          [&] { return ctx.step.run("b", [] { return 2; }); },
                          [&] { return ctx.step.run("c", [] { return 3; }); });
  });
  run_driver run(f);
  CHECK(run.discover().operations() == strings{"StepPlanned:a", "StepPlanned:b", "StepPlanned:c"});
  run.result("c", 3).result("a", 1).result("b", 2);
  CHECK(run.discover().text == "3");
  run.request.stack = json{hash_of("b"), hash_of("c"), hash_of("a")};
  CHECK(run.discover().text == "2");
}

TEST_CASE("a branch of several steps ends with its last one", "[group][race]") {
  auto f = made([](auto& ctx) {
    return ctx.group.race(
        [&] {
          ctx.step.run("a1", [] {});
          return ctx.step.run("a2", [] { return std::string("a"); });
        },
        [&] { return ctx.step.run("b", [] { return std::string("b"); }); });
  });
  run_driver run(f);
  run.result("a1", nullptr).result("b", "b").result("a2", "a");
  CHECK(run.discover().text == R"("b")");
  run.request.stack = json{hash_of("a1"), hash_of("a2"), hash_of("b")};
  CHECK(run.discover().text == R"("a")");
}

TEST_CASE("the losers of a race begin no new steps", "[group][race]") {
  strings ran;
  auto f = made([&](auto& ctx) {
    const int won = ctx.group.race([&] { return ctx.step.run("fast", [] { return 1; }); },
                                   [&] {
                                     ctx.step.run("slow1", [&] { ran.push_back("slow1"); });
                                     ctx.step.run("slow2", [&] { ran.push_back("slow2"); });
                                     return 2;
                                   });
    return ctx.step.run("after", [won] { return won * 10; });
  });
  run_driver run(f);
  run.result("fast", 1).result("slow1", nullptr);
  CHECK(run.discover().operations() == strings{"StepRun:after"});
  CHECK(run.result("after", 10).discover().text == "10");
  CHECK(ran.empty());
}

TEST_CASE("a loser's step that was begun still runs when the server asks for it", "[group][race][target]") {
  auto f = made([](auto& ctx) {
    return ctx.group.race([&] { return ctx.step.run("fast", [] { return 1; }); },
                          [&] { return ctx.step.run("slow", [] { return 2; }); });
  });
  run_driver run(f);
  run.result("fast", 1);
  CHECK(run.target("slow").operations() == strings{"StepRun:slow"});
  CHECK(run.discover().text == "1");
}

TEST_CASE("a race against a sleep is a timeout", "[group][race]") {
  auto f = made([](auto& ctx) {
    return ctx.group.race([&] { return ctx.step.run("work", [] { return std::string("done"); }); },
                          [&] {
                            ctx.step.sleep("limit", 5s);
                            return std::string("late");
                          });
  });
  run_driver run(f);
  CHECK(run.discover().operations() == strings{"StepPlanned:work", "Sleep:limit"});
  CHECK(run.memo("limit", nullptr).result("work", "done").discover().text == R"("late")");
}

TEST_CASE("a race is lost by a branch that fails later and thrown by one that fails first",
          "[group][race][errors]") {
  auto f = made([](auto& ctx) {
    return ctx.group.race([&] { return ctx.step.run("a", [] { return 1; }); },
                          [&] { return ctx.step.run("b", [] { return 2; }); });
  });
  run_driver lost(f);
  CHECK(lost.result("a", 1).failure("b", "N", "b failed").discover().text == "1");
  run_driver thrown(f);
  const auto reply = thrown.failure("b", "N", "b failed").result("a", 1).discover();
  CHECK(reply.status == 400);
  CHECK(reply.body().at("message") == "b failed");
}

TEST_CASE("handles started before a race count for the branch that asks for them", "[group][race][start]") {
  auto f = made([](auto& ctx) {
    auto a = ctx.step.start("a", [] { return 1; });
    auto b = ctx.step.start("b", [] { return 2; });
    return ctx.group.race([&] { return a.get(); }, [&] { return b.get(); });
  });
  run_driver run(f);
  CHECK(run.result("b", 2).result("a", 1).discover().text == "2");
}

TEST_CASE("a step that the winner started is not forgotten", "[group][race][start]") {
  auto f = made([](auto& ctx) {
    ctx.group.race(
        [&] {
          ctx.step.run("a", [] {});
          auto background = ctx.step.start("background", [] {});
        },
        [&] { ctx.step.run("b", [] {}); });
    return 1;
  });
  run_driver run(f);
  CHECK(run.result("a", nullptr).discover().operations() == strings{"StepPlanned:background"});
  CHECK(run.result("background", nullptr).discover().text == "1");
}

TEST_CASE("a step that the winner started but never asked for does not decide the race",
          "[group][race][start]") {
  auto f = made([](auto& ctx) {
    return ctx.group.race(
        [&] {
          auto unasked = ctx.step.start("unasked", [] { return 0; });
          return ctx.step.run("a", [] { return 1; });
        },
        [&] { return ctx.step.run("b", [] { return 2; }); });
  });
  run_driver run(f);
  run.result("a", 1).result("b", 2);
  CHECK(run.discover().operations() == strings{"StepPlanned:unasked"});
  run.result("unasked", 0);
  CHECK(run.discover().body() == json(1));
}

TEST_CASE("a race without results of its own may return nothing", "[group][race]") {
  auto f = made([](auto& ctx) {
    static_assert(std::is_void_v<decltype(ctx.group.race([] {}, [] {}))>);
    ctx.group.race([&] { ctx.step.run("a", [] {}); }, [&] { ctx.step.sleep("b", 1s); });
    return 1;
  });
  CHECK(run_driver(f).finish().result == 1);
}

TEST_CASE("races and groups nest in each other", "[group][race]") {
  auto f = made([](auto& ctx) {
    return ctx.group.race(
        [&] {
          auto [a, b] = ctx.group.parallel([&] { return ctx.step.run("a", [] { return 1; }); },
                                           [&] { return ctx.step.run("b", [] { return 2; }); });
          return a + b;
        },
        [&] {
          return ctx.group.race([&] { return ctx.step.run("c", [] { return 10; }); },
                                [&] { return ctx.step.run("d", [] { return 20; }); });
        });
  });
  run_driver run(f);
  CHECK(run.discover().body().size() == 4);
  run.result("a", 1);
  CHECK(run.discover().operations() == strings{"StepPlanned:b", "StepPlanned:c", "StepPlanned:d"});
  run.result("d", 20).result("b", 2).result("c", 10);
  CHECK(run.discover().text == "20");
  run.request.stack = json{hash_of("b"), hash_of("a"), hash_of("d"), hash_of("c")};
  CHECK(run.discover().text == "3");
}

TEST_CASE("a nested race's loser does not count for the time of its branch", "[group][race]") {
  auto f = made([](auto& ctx) {
    return ctx.group.race(
        [&] {
          return ctx.group.race([&] { return ctx.step.run("fast", [] { return 1; }); },
                                [&] { return ctx.step.run("slow", [] { return 2; }); });
        },
        [&] { return ctx.step.run("middle", [] { return 3; }); });
  });
  run_driver run(f);
  // the inner race was decided by "fast", before "middle"; that "slow" ended after it changes nothing
  run.result("fast", 1).result("middle", 3).result("slow", 2);
  CHECK(run.discover().text == "1");
}

TEST_CASE("a race decided once is decided alike when later results come in", "[group][race]") {
  auto f = made([](auto& ctx) {
    const int won = ctx.group.race([&] { return ctx.step.run("a", [] { return 1; }); },
                                   [&] { return ctx.step.run("b", [] { return 2; }); });
    return ctx.step.run("after", [won] { return won; });
  });
  run_driver run(f);
  run.result("b", 2);
  CHECK(run.discover().operations() == strings{"StepPlanned:after"});
  run.result("a", 1);
  CHECK(run.discover().op().at("data") == 2);
}

TEST_CASE("while a loser's step is on its way, what follows a race is planned", "[group][race]") {
  // The server calls for the winner and, once more, for the loser: were "after" run at once, it could run
  // twice.
  strings ran;
  auto f = made([&](auto& ctx) {
    const int won = ctx.group.race([&] { return ctx.step.run("a", [] { return 1; }); },
                                   [&] {
                                     ctx.step.run("b1", [] {});
                                     return ctx.step.run("b2", [] { return 2; });
                                   });
    return ctx.step.run("after", [&] {
      ran.push_back("after");
      return won;
    });
  });
  run_driver run(f);
  run.result("b1", nullptr).result("a", 1);  // b2 was told to the server when b1 ended
  CHECK(run.discover().operations() == strings{"StepPlanned:after"});
  CHECK(ran.empty());
  CHECK(run.target("after").operations() == strings{"StepRun:after"});
  CHECK(ran == strings{"after"});
}

TEST_CASE("the server is told that steps belong to a race", "[group][race]") {
  auto f = made([](auto& ctx) {
    ctx.group.race([&] { return ctx.step.run("a", [] { return 1; }); },
                   [&] {
                     ctx.step.sleep("b", 1s);
                     return 2;
                   });
    return ctx.group.parallel([&] { return ctx.step.run("c", [] { return 1; }); });
  });
  run_driver run(f);
  for (const auto& op : json::parse(run.discover().text)) CHECK(op.at("opts").at("parallelMode") == "race");
  run.result("b", nullptr).result("a", 1);
  for (const auto& op : json::parse(run.discover().text)) CHECK_FALSE(op.contains("opts"));
}
