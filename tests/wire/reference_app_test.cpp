#include "reference_app.hpp"

#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <inngest/inngest.hpp>

#include "catch.hpp"
#include "recording.hpp"

namespace traffic::app {
namespace {

using inngest::context;
using inngest::event;
using inngest::json;

struct greeting_request {
  std::string name;
};
INNGEST_FIELDS(greeting_request, name)

struct greeting {
  std::string hello;
  int attempt = 0;
};
INNGEST_FIELDS(greeting, hello, attempt)

struct boxed {
  int value = 0;
};
INNGEST_FIELDS(boxed, value)

struct three_results {
  boxed a;
  int b = 0;
  std::monostate u;
};
INNGEST_FIELDS(three_results, a, b, u)

struct sum_and_product {
  int s = 0;
  int w = 0;
};
INNGEST_FIELDS(sum_and_product, s, w)

struct timed_out {
  bool timedOut = false;
};
INNGEST_FIELDS(timed_out, timedOut)

struct number {
  int n = 0;
};
INNGEST_FIELDS(number, n)

struct keyed_number {
  std::optional<std::string> id;
  int n = 0;
};
INNGEST_FIELDS(keyed_number, id, n)

struct both_sent {
  inngest::sent_events one;
  inngest::sent_events many;
};
INNGEST_FIELDS(both_sent, one, many)

struct caught_failure {
  std::string name;
  std::string message;
  bool isStepError = false;
  std::string stepId;
  std::string rec;
};
INNGEST_FIELDS(caught_failure, name, message, isStepError, stepId, rec)

struct retried {
  int n = 0;
  int attempt = 0;
};
INNGEST_FIELDS(retried, n, attempt)

using sunk = event<"cap/sunk", number>;

struct count_and_sum {
  int count = 0;
  int sum = 0;
  int first = 0;
};
INNGEST_FIELDS(count_and_sum, count, sum, first)

struct question {
  std::string q;
};
INNGEST_FIELDS(question, q)

struct answer {
  std::string answer;
};
INNGEST_FIELDS(answer, answer)

/// A model that is asked in OpenAI's format.
struct chat_model {
  using answer_type = json;
  std::string name;
  std::string api_key;
  std::string base_url;
};

struct chat_request {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string auth_key{};
  std::string format{};
  std::string body{};
};

inline chat_request make_request(const chat_model& model, json body) {
  body["model"] = model.name;
  return {.url = model.base_url + "chat/completions",
          .auth_key = model.api_key,
          .format = "openai-chat",
          .body = body.dump()};
}

/// Throws the error with another one as its cause.
template <class Error>
[[noreturn]] void throw_because_of(const std::string& cause, const Error& error) {
  try {
    throw std::runtime_error(cause);
  } catch (...) {
    std::throw_with_nested(error);
  }
}

template <class Event>
json as_json(const Event& event) {
  return {{"name", Event::name},
          {"data", json::parse(inngest::encode(event.data))},
          {"id", event.id.value_or("")},
          {"ts", event.ts ? event.ts->time_since_epoch().count() : 0},
          {"user", event.user}};
}

}  // namespace

std::vector<inngest::any_function> functions(const inngest::client& app,
                                             const std::function<inngest::timestamp()>& now,
                                             std::chrono::milliseconds step_time) {
  using namespace std::chrono_literals;
  using inngest::on;
  std::vector<inngest::any_function> out;

  const auto invoked = app.create_function(
      {.id = "invoked", .retries = 0}, on<event<"cap/invoked">>(), [](context<event<"cap/invoked">>& ctx) {
        if (ctx.event.data.value("fail", false)) {
          throw_because_of("root cause", inngest::non_retriable_error("invoked failed"));
        }
        return json{{"got", ctx.event.data}};
      });
  out.push_back(invoked);

  const auto slow = app.create_function({.id = "slow", .retries = 0}, on<event<"cap/slow">>(), [](auto& ctx) {
    ctx.step.sleep("zz", 5s);
    return 1;
  });
  out.push_back(slow);

  using greet = event<"cap/basic", greeting_request>;
  out.push_back(app.create_function({.id = "basic"}, on<greet>(), [](context<greet>& ctx) {
    return greeting{.hello = ctx.event.data.name, .attempt = ctx.attempt};
  }));

  out.push_back(
      app.create_function({.id = "returns-undefined"}, on<event<"cap/returns-undefined">>(), [](auto&) {}));

  out.push_back(app.create_function({.id = "steps"}, on<event<"cap/steps">>(), [](auto& ctx) {
    const boxed a = ctx.step.run("a", [] { return boxed{1}; });
    ctx.step.sleep("nap", 1s);
    const int b = ctx.step.run({.id = "b", .name = "Step B"}, [&] { return a.value + 1; });
    ctx.step.run("undef", [] {});
    return three_results{.a = a, .b = b, .u = {}};
  }));

  out.push_back(app.create_function({.id = "many-steps"}, on<event<"cap/many-steps">>(), [](auto& ctx) {
    int sum = 0;
    for (int i = 0; i < 5; ++i) sum += ctx.step.run("loop", [&] { return i; });
    const int product = ctx.step.run(
        "with-input", [](int x, int y) { return x * y; }, 6, 7);
    return sum_and_product{.s = sum, .w = product};
  }));

  out.push_back(app.create_function({.id = "sleep-until"}, on<event<"cap/sleep-until">>(), [now](auto& ctx) {
    ctx.step.sleep_until("until", now() + 1500ms);
    return "woke";
  }));

  out.push_back(app.create_function({.id = "parallel"}, on<event<"cap/parallel">>(), [](auto& ctx) {
    const auto results = ctx.group.parallel([&] { return ctx.step.run("p1", [] { return "one"; }); },
                                            [&] { return ctx.step.run("p2", [] { return "two"; }); },
                                            [&] { ctx.step.sleep("ps", 1s); });
    return ctx.step.run("after", [&] { return std::get<0>(results) + "+" + std::get<1>(results); });
  }));

  out.push_back(
      app.create_function({.id = "parallel-noopt"}, on<event<"cap/parallel-noopt">>(), [](auto& ctx) {
        auto p1 = ctx.step.start("p1", [] { return 1; });  // handles, where "parallel" has branches
        auto p2 = ctx.step.start("p2", [] { return 2; });
        std::vector<int> results{p1.get(), p2.get()};
        results.push_back(ctx.step.run("after", [] { return 3; }));
        return results;
      }));

  out.push_back(app.create_function({.id = "wait-match"}, on<event<"cap/wait-match">>(), [](auto& ctx) {
    const auto resumed =
        ctx.step.template wait_for_event<event<"cap/resume">>("wait", {.timeout = 20s, .match = "data.id"});
    return resumed ? as_json(*resumed) : json(nullptr);
  }));

  out.push_back(app.create_function({.id = "wait-if"}, on<event<"cap/wait-if">>(), [](auto& ctx) {
    const auto resumed = ctx.step.template wait_for_event<event<"cap/resume2">>(
        "wait", {.timeout = 20s, .expression = "async.data.id == event.data.id && async.data.ok == true"});
    return resumed ? as_json(*resumed) : json(nullptr);
  }));

  out.push_back(app.create_function({.id = "wait-timeout"}, on<event<"cap/wait-timeout">>(), [](auto& ctx) {
    const auto resumed = ctx.step.template wait_for_event<event<"cap/never">>("wait", {.timeout = 1s});
    return timed_out{.timedOut = !resumed};
  }));

  out.push_back(app.create_function({.id = "invoke"}, on<event<"cap/invoke">>(), [invoked](auto& ctx) {
    return ctx.step.invoke("call", invoked, json{{"x", 1}}, {.timeout = 30s});
  }));

  out.push_back(app.create_function({.id = "invoke-fail", .retries = 0}, on<event<"cap/invoke-fail">>(),
                                    [invoked](auto& ctx) -> json {
                                      try {
                                        ctx.step.invoke("call", invoked, json{{"fail", true}});
                                      } catch (const inngest::step_error& failed) {
                                        const auto& cause = failed.causes().at(0);
                                        return {{"caught", failed.what()},
                                                {"name", failed.name()},
                                                {"cause", cause.name + ": " + cause.message}};
                                      }
                                      return nullptr;
                                    }));

  out.push_back(app.create_function({.id = "invoke-timeout", .retries = 0}, on<event<"cap/invoke-timeout">>(),
                                    [slow](auto& ctx) -> json {
                                      try {
                                        return ctx.step.invoke("call", slow, json::object(), {.timeout = 1s});
                                      } catch (const inngest::step_error& failed) {
                                        return {{"caught", failed.what()}, {"name", failed.name()}};
                                      }
                                    }));

  out.push_back(app.create_function({.id = "send"}, on<event<"cap/send">>(), [now](auto& ctx) {
    const auto one = ctx.step.send_event("send-one", sunk{{1}});
    const auto many = ctx.step.send_event(
        "send-many", {sunk{.data = {2}, .id = "my-dedupe-id"}, sunk{.data = {3}, .ts = now()}});
    return both_sent{.one = one, .many = many};
  }));

  out.push_back(
      app.create_function({.id = "sunk"}, on<sunk>(), [](context<sunk>& ctx) { return ctx.event.data.n; }));

  out.push_back(
      app.create_function({.id = "step-retry", .retries = 2}, on<event<"cap/step-retry">>(), [](auto& ctx) {
        return ctx.step.run("flaky", [&] {
          const int n = ctx.attempt + 1;
          if (n < 3) {
            throw_because_of("inner", std::invalid_argument("flaky attempt " + std::to_string(n)));
          }
          return "ok after " + std::to_string(n);
        });
      }));

  out.push_back(app.create_function(
      {.id = "step-fail-caught", .retries = 1}, on<event<"cap/step-fail-caught">>(),
      [](auto& ctx) -> std::optional<caught_failure> {
        try {
          ctx.step.run("always", [] { throw std::out_of_range("always fails"); });
        } catch (const inngest::step_error& failed) {
          const auto recovered = ctx.step.run("recover", [] { return "recovered"; });
          return caught_failure{.name = failed.name(),
                                .message = failed.what(),
                                .isStepError = failed.code() == inngest::error_code::step_failed,
                                .stepId = failed.step_id(),
                                .rec = recovered};
        }
        return std::nullopt;
      }));

  out.push_back(app.create_function(
      {.id = "step-fail-uncaught", .retries = 1}, on<event<"cap/step-fail-uncaught">>(),
      [](auto& ctx) { ctx.step.run("always", [] { throw std::runtime_error("step always fails"); }); },
      inngest::on_failure([](auto& ctx) {
        ctx.step.run("on-failure-step", [] { return "cleanup"; });
        return json{{"failed", ctx.error.message}, {"fn", "cap-step-fail-uncaught"}};
      })));

  out.push_back(app.create_function(
      {.id = "fn-fail", .retries = 1}, on<event<"cap/fn-fail">>(),
      [](auto&) { throw std::runtime_error("function always fails"); },
      inngest::on_failure([](inngest::failure_context<event<"cap/fn-fail">>& ctx) {
        return json{{"handled", ctx.error.message}, {"orig", std::string(ctx.event.name)}};
      })));

  out.push_back(
      app.create_function({.id = "fn-retry", .retries = 2}, on<event<"cap/fn-retry">>(), [](auto& ctx) {
        const int n = ctx.attempt + 1;
        if (n < 2) throw std::runtime_error("first attempt fails");
        return retried{.n = n, .attempt = ctx.attempt};
      }));

  out.push_back(app.create_function(
      {.id = "nonretriable-fn", .retries = 3}, on<event<"cap/nonretriable-fn">>(),
      [](auto&) { throw_because_of("why", inngest::non_retriable_error("do not retry fn")); }));

  out.push_back(app.create_function(
      {.id = "nonretriable-step", .retries = 3}, on<event<"cap/nonretriable-step">>(),
      [](auto& ctx) { ctx.step.run("s", [] { throw inngest::non_retriable_error("do not retry step"); }); }));

  out.push_back(app.create_function({.id = "retry-after-fn", .retries = 1}, on<event<"cap/retry-after-fn">>(),
                                    [](auto& ctx) {
                                      const int n = ctx.attempt + 1;
                                      if (n < 2) throw inngest::retry_after_error("later fn", 2s);
                                      return n;
                                    }));

  out.push_back(app.create_function({.id = "retry-after-step", .retries = 1},
                                    on<event<"cap/retry-after-step">>(), [](auto& ctx) {
                                      return ctx.step.run("s", [&] {
                                        const int n = ctx.attempt + 1;
                                        if (n < 2) throw inngest::retry_after_error("later step", 2000ms);
                                        return n;
                                      });
                                    }));

  out.push_back(
      app.create_function({.id = "long-steps"}, on<event<"cap/long-steps">>(), [step_time](auto& ctx) {
        for (int i = 0; i < 4; ++i) {
          ctx.step.run("s" + std::to_string(i), [&] {
            std::this_thread::sleep_for(step_time);
            return i;
          });
        }
        return "done";
      }));

  out.push_back(app.create_function({.id = "race"}, on<event<"cap/race">>(), [](auto& ctx) {
    return ctx.group.race([&] { return ctx.step.run("fast", [] { return "fast"; }); },
                          [&] {
                            ctx.step.sleep("slow", 3s);
                            return std::string("slow");
                          });
  }));

  using numbered = event<"cap/batch", number>;
  out.push_back(app.create_function({.id = "batch", .batch = inngest::batch{.max_size = 3, .timeout = 3s}},
                                    on<numbered>(), [](context<numbered>& ctx) {
                                      const int sum = ctx.step.run("sum", [&] {
                                        int all = 0;
                                        for (const numbered& each : ctx.events) all += each.data.n;
                                        return all;
                                      });
                                      return count_and_sum{.count = static_cast<int>(ctx.events.size()),
                                                           .sum = sum,
                                                           .first = ctx.event.data.n};
                                    }));

  out.push_back(app.create_function(
      {.id = "cancel",
       .cancel_on = {{.event = "cap/cancel.please", .expression = "event.data.id == async.data.id"}}},
      on<event<"cap/cancel">>(), [](auto& ctx) {
        ctx.step.run("before", [] { return 1; });
        ctx.step.sleep("long", 30s);
        return "not cancelled";
      }));

  out.push_back(app.create_function({.id = "signal"}, on<event<"cap/signal">>(), [](auto& ctx) {
    const auto data = ctx.step.wait_for_signal(
        "sig", {.signal = "cap-signal", .timeout = 20s, .on_conflict = inngest::signal_conflict::replace});
    return json{{"signal", "cap-signal"}, {"data", data.value_or(nullptr)}};
  }));
  out.push_back(app.create_function({.id = "signal-send"}, on<event<"cap/signal-send">>(), [](auto& ctx) {
    return ctx.step.send_signal("sigsend", "cap-signal", json{{"from", "sender"}});
  }));

  out.push_back(app.create_function({.id = "fetch", .retries = 1}, on<event<"cap/fetch">>(), [](auto& ctx) {
    const auto got = ctx.step.fetch("step.fetch: 127.0.0.1", {.url = "http://127.0.0.1:3999/echo",
                                                              .method = "POST",
                                                              .headers = {{"x-a", "b"}},
                                                              .body = R"({"q":1})"});
    return json{{"status", got.status_code}, {"body", got.json()}};
  }));
  out.push_back(
      app.create_function({.id = "fetch-fail", .retries = 0}, on<event<"cap/fetch-fail">>(), [](auto& ctx) {
        try {
          return json(
              ctx.step.fetch("step.fetch: 127.0.0.1", {.url = "http://127.0.0.1:1/none"}).status_code);
        } catch (const inngest::step_error& failed) {
          return json{{"caught", failed.what()}, {"name", failed.name()}};
        }
      }));

  out.push_back(app.create_function({.id = "infer", .retries = 1}, on<event<"cap/infer">>(), [](auto& ctx) {
    return ctx.step.ai.infer("think", chat_model{"gpt-4o", "sk-test", "http://127.0.0.1:3999/v1/"},
                             json{{"messages", {{{"role", "user"}, {"content", "hi"}}}}});
  }));
  out.push_back(app.create_function({.id = "ai-wrap"}, on<event<"cap/ai-wrap">>(), [](auto& ctx) {
    return ctx.step.ai.wrap(
        "wrapped", [](const question& asked) { return answer{asked.q + "!"}; }, question{"hey"});
  }));

  out.push_back(app.create_function({.id = "big"}, on<event<"cap/big">>(), [](auto& ctx) {
    return ctx.step.run("big", [] { return std::string(200'000, 'x'); }).size();
  }));

  out.push_back(app.create_function(
      {.id = "config",
       .name = "Everything configured",
       .retries = 4,
       .concurrency = {{.limit = 5, .key = "event.data.id"},
                       {.limit = 10, .key = "'acct'", .scope = inngest::concurrency_scope::account}},
       .throttle = inngest::throttle{.limit = 10, .period = 1min, .key = "event.data.id", .burst = 2},
       .rate_limit = inngest::rate_limit{.limit = 100, .period = 1h, .key = "event.data.id"},
       .priority = "event.data.p",
       .idempotency = "event.data.idem",
       .cancel_on =
           {{.event = "cap/config.cancel", .expression = "async.data.id == event.data.id", .timeout = 1h}},
       .timeouts = {.start = 10min, .finish = 1h}},
      inngest::any_of(on<event<"cap/config">>({.expression = "event.data.n > 1"}),
                      on<event<"cap/config2">>()),
      [](auto&) { return "configured"; }));

  using debounced_number = event<"cap/debounced", keyed_number>;
  out.push_back(app.create_function(
      {.id = "debounced",
       .debounce = inngest::debounce{.period = 2s, .key = "event.data.id", .timeout = 10s}},
      on<debounced_number>(), [](context<debounced_number>& ctx) { return ctx.event.data.n; }));

  out.push_back(
      app.create_function({.id = "singleton", .singleton = inngest::singleton{.key = "event.data.id"}},
                          on<event<"cap/singleton">>(), [](auto& ctx) {
                            ctx.step.sleep("s", 2s);
                            return "single";
                          }));

  // Registered then, and no more: without attempts where they had the default.
  const auto registered = [&](const char* id, auto trigger, std::optional<int> retries) {
    out.push_back(app.create_function({.id = id, .retries = retries}, trigger, [](auto&) {}));
  };
  registered("parallel-fail", on<event<"cap/parallel-fail">>(), 1);
  registered("invoke-missing", on<event<"cap/invoke-missing">>(), 0);
  registered("fn-throws-nonerror", on<event<"cap/fn-throws-nonerror">>(), 0);
  registered("retry-after-date", on<event<"cap/retry-after-date">>(), 1);
  registered("step-then-error", on<event<"cap/step-then-error">>(), 1);
  registered("unicode", on<event<"cap/unicode">>(), std::nullopt);
  return out;
}

inngest::any_function scheduled(const inngest::client& app) {
  return app.create_function(
      {.id = "cron"},
      inngest::any_of(inngest::cron("* * * * *"), inngest::cron("TZ=Europe/Paris 0 12 * * 5")),
      [](context<inngest::scheduled_timer>& ctx) {
        const auto s = ctx.step.run("tick", [] { return "tock"; });
        return json{{"s", s}, {"event", as_json(ctx.event)}};
      });
}

}  // namespace traffic::app

TEST_CASE("the app has every function of which the registration was recorded, and no other", "[wire]") {
  const inngest::client client({.id = "cap", .mode = inngest::mode::dev});
  auto functions = traffic::app::functions(client, [] { return inngest::timestamp(); });
  functions.push_back(traffic::app::scheduled(client));
  const inngest::handler handler(client, functions);
  std::set<std::string> written;
  for (const auto& each : handler.functions()) written.insert(each.slug());
  std::set<std::string> recorded;
  for (const auto& each : traffic::recorded_functions(49, "http://x")) recorded.insert(each.at("id"));
  CHECK(written == recorded);
}
