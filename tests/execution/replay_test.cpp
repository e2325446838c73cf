// How a handler is left and called again: edge cases of suspension.
#include <inngest/execution/replay.hpp>

#include <algorithm>
#include <future>
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
using support::log_record;
using support::run_driver;
using strings = std::vector<std::string>;
using test_event = inngest::event<"test/event">;

template <class Handler>
auto made(Handler handler) {
  return support::quiet_client().create_function({.id = "f"}, inngest::on<test_event>(), std::move(handler));
}

/// A run whose log is kept.
struct logged {
  log_record log{};
  run_driver run;
  explicit logged(const inngest::any_function& f) : run(f, with(log)) {}

 private:
  static inngest::client_options with(const log_record& log) {
    auto options = support::quiet_options();
    options.log = log.logger();
    return options;
  }
};

constexpr const char* swallowed = "was swallowed";

}  // namespace

TEST_CASE("a catch of std::exception never sees the interrupt", "[suspension]") {
  bool seen = false;
  auto f = made([&](auto& ctx) {
    try {
      ctx.step.run("a", [] {});
      ctx.step.sleep("nap", 1s);
    } catch (const std::exception&) {
      seen = true;
    }
    return 1;
  });
  logged l(f);
  const auto end = l.run.finish();
  CHECK(end.result == 1);
  CHECK(end.history == strings{"StepRun:a", "Sleep:nap"});
  CHECK_FALSE(seen);
  CHECK(l.log.lines().empty());
}

TEST_CASE("destructors run whenever the handler is left", "[suspension]") {
  struct guard {
    int* open;
    explicit guard(int* count) : open(count) { ++*open; }
    guard(const guard&) = delete;
    guard& operator=(const guard&) = delete;
    ~guard() { --*open; }
  };
  int open = 0;
  int most = 0;
  auto f = made([&](auto& ctx) {
    const guard outer(&open);
    const auto heap = std::make_unique<guard>(&open);
    most = std::max(most, open);
    ctx.step.run("a", [] {});
    const guard inner(&open);
    ctx.step.sleep("nap", 1s);
    ctx.group.parallel(
        [&] {
          const guard branch(&open);
          ctx.step.run("b", [] {});
        },
        [&] {
          const guard branch(&open);
          ctx.step.run("c", [] {});
        });
  });
  run_driver run(f);
  run.finish();
  CHECK(open == 0);
  CHECK(most == 2);
}

TEST_CASE("a catch (...) that rethrows is right and not complained about", "[suspension]") {
  auto f = made([](auto& ctx) {
    try {
      ctx.step.run("a", [] {});
    } catch (...) {
      throw;
    }
    return 1;
  });
  logged l(f);
  CHECK(l.run.finish().result == 1);
  CHECK(l.log.lines().empty());
}

TEST_CASE("a swallowed interrupt before the return suspends all the same and is reported once",
          "[suspension]") {
  int line = 0;
  auto f = made([&](auto& ctx) {
    try {
      line = __LINE__ + 1;
      ctx.step.run("charge", [] {});
    } catch (...) {
    }
    return "too early";
  });
  logged l(f);
  const auto reply = l.run.discover();
  CHECK(reply.status == 206);
  CHECK(reply.operations() == strings{"StepRun:charge"});
  CHECK(l.log.count(swallowed) == 1);
  CHECK(l.log.count("warn: ") == 1);
  CHECK(l.log.count("\"charge\"") == 1);
  CHECK(l.log.count("replay_test.cpp:" + std::to_string(line)) == 1);
  CHECK(l.run.result("charge", nullptr).discover().text == R"("too early")");
  CHECK(l.log.count(swallowed) == 1);
}

TEST_CASE("a swallowed interrupt before other steps stops at the next one", "[suspension]") {
  int ran = 0;
  auto f = made([&](auto& ctx) {
    try {
      ctx.step.sleep("nap", 1s);
    } catch (...) {
    }
    ctx.step.run("after", [&] { ++ran; });
    ctx.step.run("later", [&] { ++ran; });
    return 1;
  });
  logged l(f);
  CHECK(l.run.discover().operations() == strings{"Sleep:nap"});
  CHECK(ran == 0);
  CHECK(l.log.count(swallowed) == 1);
  CHECK(l.log.count("\"nap\"") == 1);
  CHECK(l.run.finish().result == 1);
  CHECK(ran == 2);
}

TEST_CASE("an interrupt swallowed at every step suspends at each in turn, reported once a call",
          "[suspension]") {
  auto f = made([](auto& ctx) {
    int sum = 0;
    for (int i = 0; i < 3; ++i) {
      try {
        sum += ctx.step.run("s" + std::to_string(i), [&] { return i; });
      } catch (...) {
      }
    }
    return sum;
  });
  logged l(f);
  CHECK(l.run.discover().operations() == strings{"StepRun:s0"});
  CHECK(l.log.count(swallowed) == 1);
  logged again(f);
  const auto end = again.run.finish();
  CHECK(end.result == 0 + 1 + 2);
  CHECK(end.history == strings{"StepRun:s0", "StepRun:s1", "StepRun:s2"});
  CHECK(again.log.count(swallowed) == 3);
}

TEST_CASE("an interrupt turned into another exception suspends all the same", "[suspension]") {
  auto f = made([](auto& ctx) {
    try {
      ctx.step.run("a", [] {});
    } catch (...) {
      throw std::runtime_error("step failed");
    }
  });
  logged l(f);
  const auto reply = l.run.discover();
  CHECK(reply.status == 206);
  CHECK(reply.operations() == strings{"StepRun:a"});
  CHECK(l.log.count(swallowed) == 1);
  CHECK(l.run.result("a", nullptr).discover().status == 200);
}

TEST_CASE("a handle asked again after a swallowed interrupt does not run its step twice", "[suspension]") {
  int ran = 0;
  auto f = made([&](auto& ctx) {
    auto a = ctx.step.start("a", [&] { return ++ran; });
    try {
      a.get();
    } catch (...) {
    }
    return a.get();
  });
  logged l(f);
  CHECK(l.run.discover().operations() == strings{"StepRun:a"});
  CHECK(ran == 1);
  CHECK(l.log.count(swallowed) == 1);
}

TEST_CASE("a swallowed interrupt is reported with its own step when the handler goes on to a handle",
          "[suspension]") {
  auto f = made([](auto& ctx) {
    auto a = ctx.step.start("a", [] { return 1; });
    try {
      ctx.step.run("b", [] {});
    } catch (...) {
    }
    return a.get();
  });
  logged l(f);
  CHECK(l.run.discover().operations() == strings{"StepPlanned:a", "StepPlanned:b"});
  CHECK(l.log.count(swallowed) == 1);
  CHECK(l.log.count("\"b\"") == 1);
}

TEST_CASE("a swallowed interrupt holds for groups as well", "[suspension][group]") {
  auto f = made([](auto& ctx) {
    try {
      ctx.step.sleep("nap", 1s);
    } catch (...) {
    }
    ctx.group.parallel([&] { ctx.step.run("a", [] {}); }, [&] { ctx.step.run("b", [] {}); });
    return 1;
  });
  logged l(f);
  CHECK(l.run.discover().operations() == strings{"Sleep:nap"});
  CHECK(l.log.count(swallowed) == 1);
  CHECK(l.run.finish().result == 1);
}

TEST_CASE("a swallowed interrupt holds for races and ranges as well", "[suspension][group]") {
  auto f = made([](auto& ctx) {
    try {
      ctx.step.sleep("nap", 1s);
    } catch (...) {
    }
    try {
      ctx.group.race([&] { ctx.step.run("a", [] {}); }, [&] { ctx.step.run("b", [] {}); });
    } catch (...) {
    }
    ctx.group.parallel(std::vector<int>{1, 2}, [&](int i) { ctx.step.run("r" + std::to_string(i), [] {}); });
    return 1;
  });
  CHECK(run_driver(f).discover().operations() == strings{"Sleep:nap"});
}

TEST_CASE("an interrupt swallowed inside a branch leaves the branch unfinished", "[suspension][group]") {
  auto f = made([](auto& ctx) {
    auto [a, b] = ctx.group.parallel(
        [&] {
          try {
            return ctx.step.run("a", [] { return 1; });
          } catch (...) {
            return -1;
          }
        },
        [&] { return ctx.step.run("b", [] { return 2; }); });
    return a + b;
  });
  logged l(f);
  CHECK(l.run.discover().operations() == strings{"StepPlanned:a", "StepPlanned:b"});
  CHECK(l.log.count(swallowed) == 1);
  CHECK(l.run.finish().result == 3);
}

TEST_CASE("an interrupt swallowed inside a branch that goes on stops at its next step",
          "[suspension][group]") {
  auto f = made([](auto& ctx) {
    ctx.group.parallel(
        [&] {
          try {
            ctx.step.run("a1", [] {});
          } catch (...) {
          }
          ctx.step.run("a2", [] {});
        },
        [&] { ctx.step.run("b", [] {}); });
    return 1;
  });
  run_driver run(f);
  CHECK(run.discover().operations() == strings{"StepPlanned:a1", "StepPlanned:b"});
  CHECK(run.target("a1").operations() == strings{"StepRun:a1"});
  CHECK(run.target("b").operations() == strings{"StepRun:b"});
  CHECK(run.target("a2").status == 500);
  CHECK(run.finish().result == 1);
}

TEST_CASE("a target that ran under a swallowing catch is answered alone", "[suspension][target]") {
  int ran = 0;
  auto f = made([&](auto& ctx) {
    auto go = [&](const char* id) {
      try {
        ctx.step.run(id, [&] { ++ran; });
      } catch (...) {
      }
    };
    ctx.group.parallel(
        [&] {
          go("a");
          go("a2");
        },
        [&] { go("b"); });
    ctx.step.run("after", [&] { ++ran; });
    return 1;
  });
  run_driver run(f);
  CHECK(run.target("a").operations() == strings{"StepRun:a"});
  CHECK(ran == 1);
  CHECK(run.target("b").operations() == strings{"StepRun:b"});
  CHECK(ran == 2);
  CHECK(run.finish().result == 1);
}

TEST_CASE("a catch (...) around a whole group suspends all the same", "[suspension][group]") {
  auto f = made([](auto& ctx) {
    try {
      ctx.group.parallel([&] { ctx.step.run("a", [] {}); }, [&] { ctx.step.run("b", [] {}); });
    } catch (...) {
    }
    return ctx.step.run("after", [] { return 1; });
  });
  logged l(f);
  CHECK(l.run.discover().operations() == strings{"StepPlanned:a", "StepPlanned:b"});
  CHECK(l.log.count(swallowed) == 1);
  CHECK(l.run.finish().result == 1);
}

TEST_CASE("a catch (...) around an inner group holds within its branch only", "[suspension][group]") {
  auto f = made([](auto& ctx) {
    ctx.group.parallel(
        [&] {
          try {
            ctx.group.parallel([&] { ctx.step.run("a", [] {}); }, [&] { ctx.step.run("b", [] {}); });
          } catch (...) {
          }
          ctx.step.run("after", [] {});
        },
        [&] { ctx.step.run("c", [] {}); });
    return 1;
  });
  run_driver run(f);
  CHECK(run.discover().operations() == strings{"StepPlanned:a", "StepPlanned:b", "StepPlanned:c"});
  CHECK(run.target("b").operations() == strings{"StepRun:b"});
  CHECK(run.target("c").operations() == strings{"StepRun:c"});
  CHECK(run.finish().result == 1);
}

TEST_CASE("steps may run inside a deferred std::async, and its get passes the interrupt on", "[suspension]") {
  auto f = made([](auto& ctx) {
    return std::async(std::launch::deferred, [&] { return ctx.step.run("a", [] { return 1; }); }).get() +
           std::async(std::launch::deferred, [&] { return ctx.step.run("b", [] { return 2; }); }).get();
  });
  const auto end = run_driver(f).finish();
  CHECK(end.result == 3);
  CHECK(end.history == strings{"StepRun:a", "StepRun:b"});
}

TEST_CASE("a stored exception pointer of an interrupt does no harm", "[suspension]") {
  std::exception_ptr kept;
  auto f = made([&](auto& ctx) {
    try {
      ctx.step.run("a", [] {});
    } catch (...) {
      kept = std::current_exception();
      throw;
    }
    return 1;
  });
  logged l(f);
  CHECK(l.run.finish().result == 1);
  CHECK(l.log.lines().empty());
}

TEST_CASE("an interrupt passes through nested catches of many kinds", "[suspension]") {
  struct other {};
  auto f = made([](auto& ctx) {
    try {
      try {
        ctx.step.run("a", [] {});
      } catch (const inngest::error&) {
      } catch (const std::runtime_error&) {
      } catch (int) {
      } catch (const other&) {
      }
    } catch (const std::exception&) {
    }
    return 1;
  });
  CHECK(run_driver(f).finish().result == 1);
}

TEST_CASE("an error of the handler itself is tried again", "[suspension][errors]") {
  int called = 0;
  auto f = made([&](auto&) {
    ++called;
    throw std::runtime_error("flaky");
  });
  run_driver run(f);
  const auto reply = run.discover();
  CHECK(reply.status == 500);
  CHECK(reply.header("x-inngest-no-retry") == "false");
  CHECK(reply.body().at("name") == "std::runtime_error");
  CHECK(reply.body().at("message") == "flaky");
  run.request.attempt = 3;
  const auto last = run.discover();
  CHECK(last.header("x-inngest-no-retry") == "true");
  CHECK(last.status == 400);
}

TEST_CASE("non_retriable_error and retry_after_error are the handler's to throw too",
          "[suspension][errors]") {
  auto never = made([](auto&) { throw inngest::non_retriable_error("never"); });
  const auto refused = run_driver(never).discover();
  CHECK(refused.status == 400);
  CHECK(refused.header("x-inngest-no-retry") == "true");
  CHECK(refused.body().at("name") == "NonRetriableError");
  auto later = made([](auto&) { throw inngest::retry_after_error("later", 90s); });
  const auto delayed = run_driver(later).discover();
  CHECK(delayed.status == 500);
  CHECK(delayed.header("retry-after") == "90");
  CHECK(delayed.header("x-inngest-no-retry") == "false");
}

// ---- steps in steps -------------------------------------------------------------------------------------

TEST_CASE("a step inside a step's body is refused for good, by name", "[suspension][nesting]") {
  int ran = 0;
  auto f = made([&](auto& ctx) { ctx.step.run("outer", [&] { ctx.step.run("inner", [&] { ++ran; }); }); });
  const auto reply = run_driver(f).discover();
  CHECK(reply.status == 206);
  CHECK(reply.operations() == strings{"StepFailed:outer"});
  CHECK(reply.header("x-inngest-no-retry") == "true");
  CHECK(reply.op().at("error").at("name") == "inngest::nested_step_error");
  CHECK_THAT(
      reply.op().at("error").at("message").get<std::string>(),
      Catch::Matchers::ContainsSubstring("\"inner\"") && Catch::Matchers::ContainsSubstring("\"outer\""));
  CHECK(ran == 0);
}

TEST_CASE("every kind of step is refused inside a body", "[suspension][nesting]") {
  auto app = support::quiet_client();
  auto child = app.create_function({.id = "child"}, inngest::on<test_event>(), [](auto&) {});
  int kind = 0;
  auto f = app.create_function({.id = "f"}, inngest::on<test_event>(), [&, child](auto& ctx) {
    ctx.step.run("outer", [&] {
      switch (kind) {
        case 0:
          return ctx.step.sleep("inner", 1s);
        case 1:
          return ctx.step.sleep_until("inner", std::chrono::system_clock::now());
        case 2:
          ctx.step.template wait_for_event<test_event>("inner", {.timeout = 1s});
          return;
        case 3:
          return ctx.step.invoke("inner", child, json::object());
        case 4:
          ctx.step.send_event("inner", test_event{json::object()});
          return;
        case 5: {
          auto handle = ctx.step.start("inner", [] {});
          return;
        }
        case 6:
          ctx.group.parallel([&] { ctx.step.run("inner", [] {}); });
          return;
        default:
          return ctx.group.race([&] { ctx.step.run("inner", [] {}); });
      }
    });
  });
  for (kind = 0; kind < 8; ++kind) {
    CAPTURE(kind);
    const auto reply = run_driver(f).discover();
    CHECK(reply.operations() == strings{"StepFailed:outer"});
    CHECK(reply.op().at("error").at("name") == "inngest::nested_step_error");
  }
}

TEST_CASE("a step with a memo is refused inside a body as well", "[suspension][nesting]") {
  auto f =
      made([](auto& ctx) { ctx.step.run("outer", [&] { return ctx.step.run("inner", [] { return 1; }); }); });
  run_driver run(f);
  CHECK(run.result("inner", 1).discover().operations() == strings{"StepFailed:outer"});
}

TEST_CASE("a handle that is asked inside another step's body is refused", "[suspension][nesting]") {
  auto f = made([](auto& ctx) {
    auto a = ctx.step.start("a", [] { return 1; });
    return ctx.step.run("outer", [&] { return a.get(); });
  });
  run_driver run(f);
  CHECK(run.discover().operations() == strings{"StepPlanned:a", "StepPlanned:outer"});
  const auto reply = run.target("outer");
  CHECK(reply.operations() == strings{"StepFailed:outer"});
  CHECK(reply.op().at("error").at("name") == "inngest::nested_step_error");
}

TEST_CASE("a body that swallows the nesting error simply goes on", "[suspension][nesting]") {
  auto f = made([](auto& ctx) {
    return ctx.step.run("outer", [&] {
      try {
        ctx.step.run("inner", [] {});
      } catch (const std::exception&) {
      }
      return 5;
    });
  });
  const auto reply = run_driver(f).discover();
  CHECK(reply.operations() == strings{"StepRun:outer"});
  CHECK(reply.op().at("data") == 5);
}

TEST_CASE("the nesting error reaches the handler as a step_error", "[suspension][nesting]") {
  auto f = made([](auto& ctx) {
    try {
      ctx.step.run("outer", [&] { ctx.step.run("inner", [] {}); });
    } catch (const inngest::step_error& e) {
      return e.name();
    }
    return std::string();
  });
  CHECK(run_driver(f).finish().result == "inngest::nested_step_error");
}

// ---- the log of a handler -------------------------------------------------------------------------------

TEST_CASE("each message of a handler appears once", "[suspension][log]") {
  auto f = made([](auto& ctx) {
    ctx.log.info("one");
    ctx.step.run("a", [] {});
    ctx.log.info("two");
    ctx.step.sleep("nap", 1s);
    ctx.log.info("three");
    ctx.group.parallel([&] { ctx.step.run("b", [] {}); }, [&] { ctx.step.run("c", [] {}); });
    ctx.log.info("four");
  });
  logged l(f);
  l.run.discover();
  l.run.result("a", nullptr).discover();
  l.run.memo("nap", nullptr).discover();
  l.run.result("b", nullptr).result("c", nullptr).discover();
  CHECK(l.log.lines() == strings{"info: one", "info: two", "info: three", "info: four"});
}

TEST_CASE("what a step's body logs is never lost, also when another branch has a later result",
          "[suspension][log]") {
  auto f = made([](auto& ctx) {
    ctx.group.parallel([&] { ctx.step.run("b", [&] { ctx.log.info("in b"); }); },
                       [&] { ctx.step.run("c", [&] { ctx.log.info("in c"); }); });
  });
  logged l(f);
  l.run.discover();
  l.run.target("c");
  l.run.result("c", nullptr).target("b");  // whose body runs before the handler reaches the newest result
  CHECK(l.log.lines() == strings{"info: in c", "info: in b"});
}

TEST_CASE("a tag that a step's body sets is sent in a call for that step", "[suspension][log]") {
  auto f = made([](auto& ctx) {
    ctx.group.parallel([&] { ctx.step.run("a", [&] { ctx.tag("colour", "red"); }); },
                       [&] { ctx.step.run("b", [] {}); });
  });
  auto options = support::quiet_options();
  const auto transport = std::make_shared<support::fake_transport>();
  options.transport = transport;
  run_driver run(f, options);
  run.result("b", nullptr).target("a");
  CHECK(transport->requests().size() == 1);
}

TEST_CASE("messages before a step with replacement input are not lost", "[suspension][log]") {
  auto f = made([](auto& ctx) {
    ctx.log.info("before");
    ctx.step.run("a", [] {});
    ctx.log.info("after");
  });
  logged l(f);
  l.run.request.steps[hash_of("a")] = {{"input", json::array({1})}};
  l.run.discover();
  CHECK(l.log.count("before") == 1);
}

TEST_CASE("a memo of a step that the code no longer has does not silence the log for good",
          "[suspension][log]") {
  auto f = made([](auto& ctx) {
    ctx.step.run("a", [] {});
    ctx.log.info("after");
  });
  logged l(f);
  l.run.result("removed", 1).result("a", nullptr).discover();
  CHECK(l.log.count("after") == 1);
}
