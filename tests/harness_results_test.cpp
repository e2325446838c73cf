// What a test gives the harness as the result of a step, and what it reads of one afterwards.
#include <inngest/ai.hpp>
#include <inngest/inngest.hpp>
#include <inngest/testing.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using inngest::testing::harness;
using inngest::testing::run_status;
using inngest::testing::test_run;
using strings = std::vector<std::string>;

namespace {

struct number {
  int value = 0;
};
INNGEST_FIELDS(number, value)
/// Has the members of an event.
struct upload {
  std::string name, data;
};
INNGEST_FIELDS(upload, name, data)
/// Has the members of a signal.
struct flag {
  std::string signal;
  int data = 0;
};
INNGEST_FIELDS(flag, signal, data)

using begun = inngest::event<"test/begun", number>;
using uploaded = inngest::event<"file/uploaded", upload>;
using context = inngest::context<begun>;

inngest::client make_client() {
  return inngest::client({.id = "app",
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

template <class Handler>
auto make_function(const inngest::client& app, Handler handler) {
  return app.create_function({.id = "f", .retries = 4}, inngest::on<begun>(), handler);
}

}  // namespace

TEST_CASE("a run that can't begin is an error of the test", "[testing]") {
  const auto app = make_client();
  const auto alone = app.create_function(
      {.id = "alone", .singleton = inngest::singleton{.mode = inngest::singleton_mode::skip}},
      inngest::on<begun>(), [](context& ctx) { ctx.step.sleep("wait", 1h); });
  harness t{app, {alone}};
  t.send(begun{});
  CHECK_THROWS_WITH(t.start(alone), ContainsSubstring("singleton that is already running"));
  CHECK_THROWS_WITH(t.replay(alone, {}), ContainsSubstring("needs an event"));
}

TEST_CASE("a mock may replace itself", "[testing]") {
  const auto app = make_client();
  const auto f = make_function(app, [](context& ctx) {
    return ctx.step.run("poll", [] { return std::string(); }) +
           ctx.step.run("poll", [] { return std::string(); });
  });
  harness t{app, {f}};
  const std::string first = "the first answer, which is too long to be kept within a string";
  t.mock_step("poll", [&t, first] {
    t.mock_step("poll", [] { return std::string(" and the second"); });
    return first;
  });
  CHECK(t.send(begun{}).output<std::string>() == first + " and the second");
}

TEST_CASE("a client is free when its harness is gone, although a run is still looked at", "[testing]") {
  const auto app = make_client();
  const auto f = make_function(app, [](context&) { return 7; });
  std::optional<test_run> run;
  {
    harness t{app, {f}};
    run = t.send(begun{});
    CHECK_THROWS_WITH((harness{app, {f}}), ContainsSubstring("an engine or a test harness"));
  }
  harness again{app, {f}};
  CHECK(again.send(begun{}).output<int>() == 7);
  CHECK(run->output<int>() == 7);
}

TEST_CASE("a mock's failure has the type and the words that a step's own has", "[testing]") {
  const auto app = make_client();
  const auto child = app.create_function({.id = "child"}, inngest::on<uploaded>(),
                                         [](inngest::context<uploaded>&) { return 1; });
  const auto f = make_function(app, [&](context& ctx) -> std::string {
    try {
      ctx.step.invoke("child", child, upload{});
    } catch (const inngest::step_error& problem) {
      std::string out = problem.name() + "|" + problem.what();
      for (const auto& cause : problem.causes()) out += "|" + cause.name + "|" + cause.message;
      return out;
    }
    return "none";
  });
  const auto caught = [&](const std::function<int()>& mock) {
    harness t{app, {f, child}};
    t.mock_step("child", mock);
    const test_run run = t.send(begun{});
    REQUIRE(run.completed());
    return run.output<std::string>();
  };
  CHECK_THAT(caught([]() -> int { throw std::out_of_range("boo"); }),
             ContainsSubstring("std::out_of_range|"));
  CHECK_THAT(caught([]() -> int { throw std::string("strange"); }), ContainsSubstring("strange"));
  CHECK_THAT(caught([]() -> int { throw inngest::step_error("x", "InngestInvokeTimeoutError", "too late"); }),
             ContainsSubstring("InngestInvokeTimeoutError|"));
  CHECK_THAT(caught([]() -> int { throw std::runtime_error("caf\xe9"); }), ContainsSubstring("caf?"));
  CHECK_THAT(caught([]() -> int {
               try {
                 throw std::logic_error("inner");
               } catch (...) {
                 std::throw_with_nested(std::runtime_error("outer"));
               }
             }),
             ContainsSubstring("|inner"));
}

TEST_CASE("a mocked fetch has the same result at its first attempt as after a retry", "[testing]") {
  const auto app = make_client();
  const auto f = make_function(app, [](context& ctx) {
    const auto got = ctx.step.fetch("x", {.url = "http://a/b"});
    return std::to_string(got.status_code) + " " + got.url + " " + got.body;
  });
  for (const int failures : {0, 1}) {
    harness t{app, {f}};
    t.mock_step("x", [] { return inngest::fetch_response{.body = "hi"}; });
    t.fail_step("x", failures);
    const test_run run = t.send(begun{});
    REQUIRE(t.execute(run));
    CHECK(run.output<std::string>() == "200 http://a/b hi");
    CHECK(run.step("x").attempts() == failures + 1);
  }
  harness t{app, {f}};
  t.mock_step("x", [] { return 5; });
  const test_run run = t.send(begun{});
  CHECK(run.status() == run_status::failed);
  CHECK_THAT(run.error(), ContainsSubstring("mock of step \"x\""));
}

TEST_CASE("typed data is data, whatever its members are called", "[testing]") {
  const auto app = make_client();
  const auto f = make_function(app, [](context& ctx) {
    const auto got = ctx.step.wait_for_event<uploaded>("w", {.timeout = 1h});
    const auto raised = ctx.step.wait_for_signal<flag>("s", {.signal = "up", .timeout = 1h});
    return (got ? got->data.name + got->data.data : "none") + (raised ? raised->signal : "none");
  });
  const upload file{.name = "a.txt", .data = "hello"};
  const flag up{.signal = "yes", .data = 1};
  SECTION("as mocks") {
    harness t{app, {f}};
    t.mock_step("w", [=] { return file; });
    t.mock_step("s", [=] { return up; });
    CHECK(t.send(begun{}).output<std::string>() == "a.txthelloyes");
  }
  SECTION("as stored results") {
    harness t{app, {f}};
    t.preload_step("w", file);
    t.preload_step("s", up);
    CHECK(t.send(begun{}).output<std::string>() == "a.txthelloyes");
  }
  SECTION("as events") {
    harness t{app, {f}};
    t.preload_step("w", uploaded{file});
    t.preload_step("s", up);
    CHECK(t.send(begun{}).output<std::string>() == "a.txthelloyes");
    t.preload_step("w", std::optional<uploaded>());
    CHECK(t.send(begun{}).output<std::string>() == "noneyes");
    t.preload_step("w", inngest::any_event(uploaded{file}));
    CHECK(t.send(begun{}).output<std::string>() == "a.txthelloyes");
  }
  SECTION("which is no event's data") {
    harness t{app, {f}};
    t.mock_step("w", [] { return 5; });
    const test_run run = t.send(begun{});
    CHECK_THAT(run.error(), ContainsSubstring("step \"w\": expected an event or its data"));
  }
}

TEST_CASE("steps of the server that have one name keep their own attempts", "[testing]") {
  const auto app = make_client();
  const auto f = make_function(app, [](context& ctx) {
    const auto load = [&](const char* id) {
      return ctx.step.fetch({.id = id, .name = "Load"}, {.url = "http://a/b"}).status_code;
    };
    const auto both = ctx.group.parallel([&] { return load("f1"); }, [&] { return load("f2"); });
    return std::get<0>(both) + std::get<1>(both);
  });
  harness t{app, {f}};
  for (const char* id : {"f1", "f2"})
    t.mock_step(id, [] { return inngest::fetch_response{.status_code = 200}; });
  t.fail_step("f1", 1, "one");
  t.fail_step("f2", 3, "two");
  const test_run run = t.send(begun{});
  REQUIRE(t.execute(run));
  CHECK(run.step("f1").attempts() == 2);
  CHECK(run.step("f2").attempts() == 4);
  CHECK_THAT(run.step("f1").error(), ContainsSubstring("one"));
  CHECK_THAT(run.step("f2").error(), ContainsSubstring("two"));
}

TEST_CASE("of steps that begin at the same time, a run waits on the first", "[testing]") {
  const auto app = make_client();
  const auto f = make_function(app, [](context& ctx) {
    ctx.group.parallel(
        [&] {
          ctx.step.sleep("slow", 2h);
          return 0;
        },
        [&] {
          ctx.step.sleep("fast", 1h);
          return 0;
        });
  });
  const auto g = app.create_function({.id = "g"}, inngest::on<begun>(), [](context& ctx) {
    ctx.group.parallel(
        [&] {
          ctx.step.sleep("fast", 1h);
          return 0;
        },
        [&] {
          ctx.step.sleep("slow", 2h);
          return 0;
        });
  });
  harness t{app, {f, g}};
  CHECK(t.start(f, json{{"value", 1}}).waiting_on() == "slow");
  CHECK(t.start(g, json{{"value", 1}}).waiting_on() == "fast");
}

TEST_CASE("a step may use the harness", "[testing]") {
  const auto app = make_client();
  harness* used = nullptr;
  const auto inner = app.create_function(
      {.id = "inner"}, inngest::on<uploaded>(),
      [](inngest::context<uploaded>& ctx) { return ctx.step.run("n", [] { return 1; }); });
  const auto outer = make_function(app, [&](context& ctx) {
    int total = 0;
    for (int i = 0; i < 130; ++i) {
      total += ctx.step.run("n", [&, i] {
        if (i >= 100) used->send(uploaded{});  // also in the call that ends the run
        return 1;
      });
    }
    return total;
  });
  harness t{app, {outer, inner}};
  used = &t;
  const test_run run = t.send(begun{});
  CHECK(run.error() == "");
  CHECK(run.output<int>() == 130);
}

TEST_CASE("a stored result has its form, and the results of others have theirs", "[testing]") {
  const auto app = make_client();
  const auto f = make_function(app, [](context& ctx) {
    const auto got = ctx.step.wait_for_event<uploaded>("w", {.timeout = 1h});
    return got ? got->data.name + "/" + got->data.data : std::string("none");
  });
  harness t{app, {f}};
  const test_run waiting = t.send(begun{});
  t.preload_step("w", upload{"p", "q"});  // for later runs
  t.send(uploaded{upload{"real", "d"}});
  CHECK(waiting.output<std::string>() == "real/d");
  CHECK(t.send(begun{}).output<std::string>() == "p/q");
  inngest::testing::recorded_run recorded;
  recorded.events = {inngest::any_event(begun{}).text()};
  recorded.results.emplace_back(inngest::detail::sha1::of("w"),
                                inngest::any_event(uploaded{upload{"rec", "d"}}).text());
  CHECK(t.replay(f, recorded).output<std::string>() == "rec/d");
}

TEST_CASE("a mocked fetch may say where its answer came from", "[testing]") {
  const auto app = make_client();
  const auto f =
      make_function(app, [](context& ctx) { return ctx.step.fetch("x", {.url = "http://a/b"}).url; });
  harness t{app, {f}};
  t.mock_step("x", [] { return inngest::fetch_response{.status_code = 404, .url = "http://final/"}; });
  CHECK(t.send(begun{}).output<std::string>() == "http://final/");
}

TEST_CASE("a stored result that is not reached causes no warning", "[testing][log]") {
  strings lines;
  const inngest::client app(
      {.id = "app",
       .log = inngest::logger([&](inngest::log_level, std::string_view line) { lines.emplace_back(line); }),
       .environment = [](const char*) { return std::nullopt; }});
  const auto with_price = make_function(app, [](context& ctx) {
    ctx.step.run("first", [] {});
    ctx.step.sleep("rest", 1h);
    return ctx.step.run("price", [] { return 1; });
  });
  const auto without = app.create_function({.id = "g"}, inngest::on<begun>(), [](context& ctx) {
    ctx.step.run("other", [] {});
    ctx.step.sleep("nap", 1h);
  });
  harness t{app, {with_price, without}};
  t.preload_step("price", 42);
  SECTION("by the hint that an id has changed, nor at the end") {
    for (const test_run& run : t.send_to_all(begun{})) REQUIRE(t.execute(run));
    REQUIRE(t.runs_of(with_price).size() == 1);
    CHECK(t.runs_of(with_price)[0].output<int>() == 42);
    CHECK(lines == strings{});
  }
  SECTION("but a recorded one does") {
    inngest::testing::recorded_run recorded;
    recorded.events = {inngest::any_event(begun{}).text()};
    recorded.results.emplace_back(inngest::detail::sha1::of("gone"), R"({"data":null})");
    t.replay(without, recorded);
    REQUIRE_FALSE(lines.empty());
    CHECK_THAT(lines[0], ContainsSubstring(inngest::detail::to_hex(inngest::detail::sha1::of("gone"))));
  }
}

TEST_CASE("a function that does not reach a stored result begins as any other", "[testing][log]") {
  struct noting : inngest::middleware {
    int starts = 0;
    void on_run_start(const inngest::call_info&) override { ++starts; }
  };
  strings lines;
  const auto noted = std::make_shared<noting>();
  const inngest::client app(
      {.id = "app",
       .log = inngest::logger([&](inngest::log_level, std::string_view line) { lines.emplace_back(line); }),
       .middleware = {noted},
       .environment = [](const char*) { return std::nullopt; }});
  const auto f = make_function(app, [](context& ctx) {
    ctx.log.info("one");
    ctx.step.sleep("rest", 1h);
    ctx.log.info("two");
  });
  harness t{app, {f}};
  t.preload_step("of another function", 42);
  REQUIRE(t.execute(t.send(begun{})));
  CHECK(lines == strings{"one", "two"});
  CHECK(noted->starts == 1);
}

TEST_CASE("a signal without data is a signal, and only an empty optional is a timeout", "[testing]") {
  const auto app = make_client();
  const auto f = make_function(app, [](context& ctx) {
    const auto got = ctx.step.wait_for_signal<json>("s", {.signal = "up", .timeout = 1h});
    return got ? "signal " + got->dump() : std::string("timeout");
  });
  const auto as_mock = [&](auto body) {
    harness t{app, {f}};
    t.mock_step("s", body);
    return t.send(begun{}).template output<std::string>();
  };
  const auto as_stored = [&](const auto& value) {
    harness t{app, {f}};
    t.preload_step("s", value);
    return t.send(begun{}).template output<std::string>();
  };
  const auto as_sent = [&] {
    harness t{app, {f}};
    const test_run sent = t.send(begun{});
    t.send_signal("up");
    return sent.output<std::string>();
  };
  CHECK(as_sent() == "signal null");
  CHECK(as_mock([] { return json(); }) == "signal null");
  CHECK(as_mock([] { return nullptr; }) == "signal null");
  CHECK(as_mock([] { return std::optional(json()); }) == "signal null");
  CHECK(as_mock([] { return std::optional<json>(); }) == "timeout");
  CHECK(as_mock([] {}) == "timeout");
  CHECK(as_stored(json()) == "signal null");
  CHECK(as_stored(nullptr) == "signal null");
  CHECK(as_stored(std::optional(json())) == "signal null");
  CHECK(as_stored(std::optional<int>()) == "timeout");
}

TEST_CASE("a mock that is set while a run waits ends the wait at the next call", "[testing]") {
  const auto app = make_client();
  const auto child = app.create_function({.id = "child"}, inngest::on_invoke<number>(), [](auto& ctx) {
    ctx.step.sleep("long", 10h);
    return 1;
  });
  const auto f = make_function(app, [&](context& ctx) -> std::string {
    try {
      const int which = ctx.event.data.value;
      if (which == 0) {
        const auto got = ctx.step.wait_for_event<uploaded>("w", {.timeout = 1h});
        return got ? got->data.name : "timeout";
      }
      if (which == 1) {
        const auto got = ctx.step.wait_for_signal<json>("w", {.signal = "up", .timeout = 1h});
        return got ? got->dump() : "timeout";
      }
      if (which == 2) return std::to_string(ctx.step.invoke("w", child, number{}));
      ctx.step.sleep("w", 1h);
      return "slept";
    } catch (const inngest::step_error& problem) {
      return problem.what();
    }
  });
  harness t{app, {f, child}};
  const auto before = t.now();
  const auto mock = [&](int which) {
    if (which == 0) t.mock_step("w", [] { return upload{"mocked", ""}; });
    if (which == 1) t.mock_step("w", [] { return json("mocked"); });
    if (which == 2) t.mock_step("w", [] { return 7; });
    if (which == 3) t.mock_step("w", [] {});
  };
  const strings expected{"mocked", "\"mocked\"", "7", "slept"};
  const int which = GENERATE(0, 1, 2, 3);
  CAPTURE(which);
  const test_run run = t.send(begun{{.value = which}});
  REQUIRE(run.waiting_on() == "w");
  SECTION("advance") {
    mock(which);
    CHECK(run.waiting_on() == "w");
    t.advance(0ms);
  }
  SECTION("advance_to_next") {
    mock(which);
    CHECK(t.advance_to_next());
  }
  SECTION("execute") {
    mock(which);
    CHECK(t.execute(run));
  }
  SECTION("an event or a signal comes too late") {
    mock(which);
    t.send(uploaded{upload{"real", ""}});
    CHECK_FALSE(t.send_signal("up", "real"));
  }
  INFO(run);
  CHECK(t.now() == before);
  REQUIRE(run.completed());
  CHECK(run.output<std::string>() == expected[static_cast<std::size_t>(which)]);
  CHECK(run.step("w").attempts() == 1);
}

TEST_CASE("a failure that is set while a run waits ends the wait", "[testing]") {
  const auto app = make_client();
  const auto f = make_function(app, [&](context& ctx) -> std::string {
    try {
      ctx.step.wait_for_event<uploaded>("w", {.timeout = 1h});
      return "none";
    } catch (const inngest::step_error& problem) {
      return problem.what();
    }
  });
  harness t{app, {f}};
  const test_run run = t.send(begun{});
  t.fail_step("w", 1, "no events");
  t.advance(0ms);
  REQUIRE(run.completed());
  CHECK(run.output<std::string>() == "no events");
  CHECK_THAT(run.step("w").error(), ContainsSubstring("no events"));
}

TEST_CASE("a mock that is set between the attempts of a body or a request is used by the next", "[testing]") {
  const auto app = make_client();
  const auto f = make_function(app, [](context& ctx) {
    const int first = ctx.step.run("b", []() -> int { throw std::runtime_error("no"); });
    return first + ctx.step.fetch("r", {.url = "http://a/b"}).status_code;
  });
  harness t{app, {f}};
  t.fail_step("r");
  const test_run run = t.send(begun{});
  CHECK(run.waiting_on() == "b");
  t.mock_step("b", [] { return 1; });
  t.advance_to_next();
  CHECK(run.waiting_on() == "r");
  t.mock_step("r", [] { return inngest::fetch_response{.status_code = 204}; });
  REQUIRE(t.execute(run));
  CHECK(run.output<int>() == 205);
}

TEST_CASE("the mock of a wait may use the harness, which runs other waiting runs", "[testing]") {
  const auto app = make_client();
  const auto f = make_function(app, [](context& ctx) {
    const auto got = ctx.step.wait_for_signal<int>(
        "w", {.signal = "up" + std::to_string(ctx.event.data.value), .timeout = 1h});
    return got.value_or(-1);
  });
  harness t{app, {f}};
  const test_run first = t.send(begun{{.value = 1}});
  const test_run second = t.send(begun{{.value = 2}});
  int calls = 0;
  t.mock_step("w", [&] {
    if (++calls == 1) t.send(begun{{.value = 3}});
    return 10;
  });
  t.advance(0ms);
  CHECK(first.output<int>() == 10);
  CHECK(second.output<int>() == 10);
  CHECK(calls == 3);
}

TEST_CASE("a mocked model needs no API key", "[testing]") {
  const auto app = make_client();
  const auto f = make_function(app, [](context& ctx) {
    const auto answer =
        ctx.step.ai.infer("ask", inngest::ai::grok{.model = "grok-4"}, {.messages = {{"user", "?"}}});
    return inngest::ai::text(answer);
  });
  harness t(app, {f});
  t.mock_step("ask", [] {
    return json{{"choices", {{{"message", {{"role", "assistant"}, {"content", "42"}}}}}}};
  });
  const test_run run = t.send(begun{});
  CHECK(t.execute(run));
  CHECK(run.error() == "");
  CHECK(run.output<std::string>() == "42");
}
