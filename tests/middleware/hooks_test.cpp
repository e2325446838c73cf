// The interface of middleware, end to end: call requests in, answers out.

#include <inngest/middleware.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/handler_driver.hpp"
#include "support/message_of.hpp"

namespace {

using Catch::Matchers::ContainsSubstring;
using inngest::any_event;
using inngest::any_function;
using inngest::call_info;
using inngest::client;
using inngest::failure_info;
using inngest::function_input;
using inngest::json;
using inngest::middleware_list;
using inngest::next_call;
using inngest::sent_events;
using inngest::step_info;
using inngest::step_input;
using support::answer;
using support::run_driver;

using ping = inngest::event<"test/event">;
using pong = inngest::event<"test/pong">;
using texts = std::vector<std::string>;

/// Writes down every hook under a name.
class recorder : public inngest::middleware {
 public:
  recorder(std::string name, texts& log) : name_(std::move(name)), log_(log) {}

  void on_register(const any_function& function) override { note("register " + function.id()); }
  inngest::http::response wrap_request(const inngest::http::request&,
                                       next_call<inngest::http::response> next) override {
    return around("request", next);
  }
  void transform_function_input(const call_info&, function_input&) override { note("transform input"); }
  void on_run_start(const call_info&) override { note("run start"); }
  std::string wrap_function_handler(const call_info&, next_call<std::string> next) override {
    return around("handler", next);
  }
  void on_memoization_end(const call_info&) override { note("memoization end"); }
  void on_run_complete(const call_info&, std::string_view output) override {
    note("run complete " + std::string(output));
  }
  void on_run_error(const call_info&, const failure_info& failure) override {
    note("run error " + std::string(failure.message) + (failure.is_final ? ", final" : ", to be retried"));
  }
  void transform_step_input(const call_info&, const step_info& step, step_input&) override {
    note("transform step " + std::string(step.id));
  }
  std::string wrap_step(const call_info&, const step_info& step, next_call<std::string> next) override {
    return around("step " + std::string(step.id), next);
  }
  void on_step_start(const call_info&, const step_info& step) override {
    note("step start " + std::string(step.id));
  }
  std::string wrap_step_handler(const call_info&, const step_info& step,
                                next_call<std::string> next) override {
    return around("body " + std::string(step.id), next);
  }
  void on_step_complete(const call_info&, const step_info& step, std::string_view output) override {
    note("step complete " + std::string(step.id) + " " + std::string(output));
  }
  void on_step_error(const call_info&, const step_info& step, const failure_info& failure) override {
    std::string text = "step error " + std::string(step.id) + " " + std::string(failure.message);
    text += failure.is_final ? ", final" : ", to be retried";
    if (failure.retry_after) text += " in " + std::to_string(failure.retry_after->count()) + " ms";
    note(text);
  }
  void transform_send_event(std::vector<any_event>& events) override {
    note("transform send " + std::to_string(events.size()));
  }
  sent_events wrap_send_event(const std::vector<any_event>&, next_call<sent_events> next) override {
    return around("send", next);
  }

 private:
  void note(const std::string& text) { log_.push_back(name_ + text); }

  template <class Result>
  Result around(const std::string& what, next_call<Result> next) {
    note(what + " {");
    struct end {
      recorder& self;
      const std::string& what;
      ~end() { self.note("} " + what); }
    } at_end{*this, what};
    return next();
  }

  std::string name_;
  texts& log_;
};

std::shared_ptr<recorder> record(texts& log, std::string name = "") {
  return std::make_shared<recorder>(std::move(name), log);
}

texts taken(texts& log) { return std::exchange(log, {}); }

inngest::client_options options_with(middleware_list list) {
  auto out = support::quiet_options();
  out.middleware = std::move(list);
  out.checkpointing.enabled = false;
  return out;
}

template <class Handler>
any_function function_of(Handler handler, middleware_list list = {}) {
  return support::quiet_client().create_function({.id = "f", .middleware = std::move(list)},
                                                 inngest::on<ping>(), std::move(handler));
}

any_function two_steps(middleware_list list = {}) {
  return function_of(
      [](auto& ctx) {
        const int one = ctx.step.run("one", [] { return 1; });
        const int two = ctx.step.run("two", [] { return 2; });
        return one + two;
      },
      std::move(list));
}

}  // namespace

TEST_CASE("the hooks of a run of two steps come in their documented order", "[middleware]") {
  texts log;
  run_driver run(two_steps(), options_with({record(log)}));
  CHECK(taken(log) == texts{"register f"});

  run.discover();
  CHECK(taken(log) == texts{"request {", "transform input", "run start", "memoization end", "handler {",
                            "transform step one", "step start one", "body one {", "} body one",
                            "step complete one 1", "} handler", "} request"});
  run.result("one", 1).discover();
  CHECK(taken(log) == texts{"request {", "transform input", "handler {", "transform step one", "step one {",
                            "} step one", "transform step two", "memoization end", "step start two",
                            "body two {", "} body two", "step complete two 2", "} handler", "} request"});
  run.result("two", 2).discover();
  CHECK(taken(log) == texts{"request {", "transform input", "handler {", "transform step one", "step one {",
                            "} step one", "transform step two", "step two {", "} step two", "memoization end",
                            "} handler", "run complete 3", "} request"});
}

TEST_CASE("a failing step tells whether and when another attempt follows", "[middleware]") {
  texts log;
  run_driver run(function_of([](auto& ctx) {
                   ctx.step.run("flaky",
                                [] { throw inngest::retry_after_error("busy", std::chrono::seconds(2)); });
                 }),
                 options_with({record(log)}));
  taken(log);
  run.discover();
  CHECK(log.at(log.size() - 3) == "step error flaky busy, to be retried in 2000 ms");
  taken(log);
  run.request.attempt = 3;
  run.discover();
  CHECK(log.at(log.size() - 3).starts_with("step error flaky busy, final"));
}

TEST_CASE("a failing function tells whether another attempt follows", "[middleware]") {
  texts log;
  run_driver run(function_of([](auto&) { throw std::runtime_error("broken"); }), options_with({record(log)}));
  taken(log);
  run.discover();
  CHECK(taken(log) == texts{"request {", "transform input", "run start", "memoization end", "handler {",
                            "} handler", "run error broken, to be retried", "} request"});
  run.request.attempt = 3;
  run.discover();
  CHECK(taken(log) == texts{"request {", "transform input", "memoization end", "handler {", "} handler",
                            "run error broken, final", "} request"});
}

TEST_CASE("the client's middleware is outside of the function's, but where results are undone",
          "[middleware]") {
  texts log;
  run_driver run(two_steps({record(log, "function: ")}), options_with({record(log, "client: ")}));
  taken(log);
  run.result("one", 1).discover();
  CHECK(log == texts{"client: request {",           "function: request {",
                     "client: transform input",     "function: transform input",
                     "client: handler {",           "function: handler {",
                     "client: transform step one",  "function: transform step one",
                     "function: step one {",        "client: step one {",
                     "client: } step one",          "function: } step one",
                     "client: transform step two",  "function: transform step two",
                     "client: memoization end",     "function: memoization end",
                     "client: step start two",      "function: step start two",
                     "client: body two {",          "function: body two {",
                     "function: } body two",        "client: } body two",
                     "client: step complete two 2", "function: step complete two 2",
                     "function: } handler",         "client: } handler",
                     "function: } request",         "client: } request"});
}

TEST_CASE("the event can be changed before it is read into its type", "[middleware]") {
  struct change : inngest::middleware {
    void transform_function_input(const call_info& call, function_input& input) override {
      CHECK(call.function_id == "f");
      CHECK(call.run_id == "01RUN");
      CHECK(json::parse(input.events).size() == 1);
      input.event = R"({"name":"test/event","data":{"n":7}})";
      input.events = "[" + input.event + "," + input.event + "]";
    }
  };
  run_driver run(function_of([](inngest::context<ping>& ctx) {
                   return ctx.event.data.at("n").template get<int>() * 10 +
                          static_cast<int>(ctx.events.size());
                 }),
                 options_with({std::make_shared<change>()}));
  CHECK(run.discover().body() == 72);
}

TEST_CASE("results can be changed when they are made and when they are handed out", "[middleware]") {
  struct change : inngest::middleware {
    std::string wrap_step_handler(const call_info&, const step_info&, next_call<std::string> next) override {
      return "[" + next() + "]";
    }
    std::string wrap_step(const call_info&, const step_info& step, next_call<std::string> next) override {
      CHECK(step.memoized);
      const std::string text = next();
      return text.substr(1, text.size() - 2);
    }
    std::string wrap_function_handler(const call_info&, next_call<std::string> next) override {
      return "{\"changed\":" + next() + "}";
    }
  };
  run_driver run(two_steps(), options_with({std::make_shared<change>()}));
  CHECK(run.discover().op().at("data") == json{1});
  CHECK(run.finish().result == json{{"changed", 3}});

  SECTION("and with checkpoints, too, within one call") {
    auto options = options_with({std::make_shared<change>()});
    options.checkpointing.enabled = true;
    options.transport = std::make_shared<support::fake_transport>();
    const any_function function = two_steps();
    const inngest::handler handler(client(options), {function});
    json call = json::parse(support::call().text());
    call["ctx"]["qi_id"] = "q";
    const answer reply(handler(support::post(function.slug(), call.dump())));
    CHECK(reply.op().at("op") == "RunComplete");
    CHECK(reply.op().at("data") == json{{"changed", 3}});
  }
}

TEST_CASE("a step without a result passes no wrap_step", "[middleware]") {
  texts log;
  run_driver run(two_steps(), options_with({record(log)}));
  run.discover();
  for (const std::string& each : log) CHECK_FALSE(each.starts_with("step one"));
}

TEST_CASE("a step that failed for good throws through wrap_step", "[middleware]") {
  struct watch : inngest::middleware {
    std::string seen;
    std::string wrap_step(const call_info&, const step_info&, next_call<std::string> next) override {
      try {
        return next();
      } catch (const inngest::step_error& failed) {
        seen = failed.what();
        throw;
      }
    }
  };
  const auto watching = std::make_shared<watch>();
  run_driver run(two_steps(), options_with({watching}));
  run.failure("one", "Error", "no luck");
  CHECK(run.discover().status == 400);
  CHECK(watching->seen == "no luck");
}

TEST_CASE("a step's id, name and arguments can be changed", "[middleware]") {
  struct change : inngest::middleware {
    void transform_step_input(const call_info&, const step_info& step, step_input& called) override {
      CHECK(step.id == "add");
      CHECK(called.input == "[1,2]");
      called.id = "add-v2";
      called.name = "Addition";
      called.input = "[10,20]";
    }
  };
  run_driver run(function_of([](auto& ctx) {
                   return ctx.step.run(
                       "add", [](int a, int b) { return a + b; }, 1, 2);
                 }),
                 options_with({std::make_shared<change>()}));
  const json op = run.discover().op();
  CHECK(op.at("id") == support::hash_of("add-v2"));
  CHECK(op.at("displayName") == "Addition");
  CHECK(op.at("data") == 30);
  CHECK(run.finish().result == 30);
}

TEST_CASE("a hook that throws fails what it was called for", "[middleware]") {
  struct breaker : inngest::middleware {
    std::string where;
    void fail(const std::string& at) const {
      if (at == where) throw std::runtime_error("hook of " + at);
    }
    inngest::http::response wrap_request(const inngest::http::request&,
                                         next_call<inngest::http::response> next) override {
      fail("request");
      return next();
    }
    void transform_function_input(const call_info&, function_input&) override { fail("input"); }
    void on_run_start(const call_info&) override { fail("run start"); }
    std::string wrap_function_handler(const call_info&, next_call<std::string> next) override {
      fail("handler");
      return next();
    }
    void on_memoization_end(const call_info&) override { fail("memoization end"); }
    void transform_step_input(const call_info&, const step_info&, step_input&) override {
      fail("step input");
    }
    void on_step_start(const call_info&, const step_info&) override { fail("step start"); }
    std::string wrap_step_handler(const call_info&, const step_info&, next_call<std::string> next) override {
      fail("body");
      return next();
    }
    void on_step_complete(const call_info&, const step_info&, std::string_view) override {
      fail("step complete");
    }
    void on_step_error(const call_info&, const step_info&, const failure_info&) override {
      fail("step error");
    }
    void on_run_complete(const call_info&, std::string_view) override { fail("run complete"); }
    void on_run_error(const call_info&, const failure_info&) override { fail("run error"); }
  };
  const auto breaks = std::make_shared<breaker>();
  run_driver run(two_steps(), options_with({breaks}));
  const auto fails = [&](const char* where) {
    CAPTURE(where);
    breaks->where = where;
    const answer reply = run.discover();
    CHECK(reply.status == 500);
    CHECK(reply.body().at("message") == "hook of " + std::string(where));
  };
  SECTION("the request") {
    fails("request");
    fails("input");
  }
  SECTION("the run's attempt") {
    fails("run start");
    fails("handler");
    fails("memoization end");
    fails("step input");
  }
  SECTION("the step's attempt") {
    for (const char* where : {"step start", "body"}) {
      CAPTURE(where);
      breaks->where = where;
      const json op = run.discover().op();
      CHECK(op.at("op") == "StepError");
      CHECK(op.at("error").at("message") == "hook of " + std::string(where));
    }
  }
  SECTION("the request, at the run's end") {
    run.result("one", 1).result("two", 2);
    fails("run complete");
  }
}

TEST_CASE("a hook that throws after a step's body does not make the body run again unseen", "[middleware]") {
  struct breaker : inngest::middleware {
    void on_step_complete(const call_info&, const step_info&, std::string_view) override {
      throw std::runtime_error("hook");
    }
  };
  run_driver run(two_steps(), options_with({std::make_shared<breaker>()}));
  const answer reply = run.discover();
  REQUIRE(reply.status == 206);  // the step's attempt is what the hook was called for
  CHECK(reply.op().at("op") == "StepError");
  CHECK(reply.op().at("error").at("message") == "hook");
}

TEST_CASE("a hook that throws at a step's error leaves the step's own error to be reported", "[middleware]") {
  struct breaker : inngest::middleware {
    void on_step_error(const call_info&, const step_info&, const failure_info&) override {
      throw std::runtime_error("hook");
    }
  };
  run_driver run(function_of([](auto& ctx) { ctx.step.run("bad", [] { throw std::runtime_error("own"); }); }),
                 options_with({std::make_shared<breaker>()}));
  const answer reply = run.discover();
  REQUIRE(reply.status == 206);
  CHECK(reply.op().at("op") == "StepError");
}

TEST_CASE("a hook that throws where a handler reaches a step ends the attempt past the handler's catch",
          "[middleware]") {
  struct breaker : inngest::middleware {
    std::string where;
    void fail(const std::string& at) const {
      if (at == where) throw std::runtime_error("hook of " + at);
    }
    void transform_step_input(const call_info&, const step_info& step, step_input&) override {
      fail("input of " + std::string(step.id));
    }
    std::string wrap_step(const call_info&, const step_info& step, next_call<std::string> next) override {
      std::string result = next();
      fail("result of " + std::string(step.id));
      return result;
    }
    void on_memoization_end(const call_info&) override { fail("memoization end"); }
  };
  const auto breaks = std::make_shared<breaker>();
  const auto charge = [](auto& ctx) {
    try {
      ctx.step.run("charge", [] {});
    } catch (const std::exception&) {
      ctx.step.run("compensate", [] {});
    }
  };
  const auto fails = [&](run_driver& run, const char* where) {
    CAPTURE(where);
    breaks->where = where;
    const answer reply = run.discover();
    CHECK(reply.status == 500);
    CHECK(reply.header("x-inngest-no-retry") == "false");
    CHECK(reply.body().at("message") == "hook of " + std::string(where));
  };
  SECTION("in a sequence") {
    run_driver run(function_of([&](auto& ctx) {
                     ctx.step.run("one", [] {});
                     charge(ctx);
                   }),
                   options_with({breaks}));
    run.result("one", 1);
    fails(run, "memoization end");
    fails(run, "input of charge");
    run.result("charge", nullptr);
    fails(run, "result of charge");
  }
  SECTION("in a branch") {
    run_driver run(
        function_of([&](auto& ctx) { ctx.group.parallel([&] { charge(ctx); }, [&] { charge(ctx); }); }),
        options_with({breaks}));
    run.result("charge", nullptr);
    fails(run, "result of charge");
  }
  SECTION("and the error of the step itself still reaches the handler") {
    run_driver run(function_of(charge), options_with({breaks}));
    run.failure("charge", "Error", "no luck");
    CHECK(run.discover().operations() == texts{"StepRun:compensate"});
  }
}

TEST_CASE("a hook that throws at a run's error leaves the run's own error to be reported", "[middleware]") {
  struct breaker : inngest::middleware {
    void on_run_error(const call_info&, const failure_info&) override { throw std::runtime_error("hook"); }
  };
  support::log_record log;
  auto options = options_with({std::make_shared<breaker>()});
  options.log = log.logger();
  run_driver run(function_of([](auto&) { throw inngest::non_retriable_error("own"); }), options);
  const answer reply = run.discover();
  CHECK(reply.status == 400);
  CHECK(reply.header("x-inngest-no-retry") == "true");
  CHECK(reply.body().at("message") == "own");
  CHECK(log.count("middleware::on_run_error threw: hook") == 1);
}

TEST_CASE("a hook that throws at a run's end loses no results of the call", "[middleware][checkpointing]") {
  struct breaker : inngest::middleware {
    void on_run_complete(const call_info&, std::string_view) override { throw std::runtime_error("hook"); }
  };
  auto options = options_with({std::make_shared<breaker>()});
  options.checkpointing = {.buffered_steps = 5};
  const auto transport = std::make_shared<support::fake_transport>();
  options.transport = transport;
  const any_function function = two_steps();
  const inngest::handler handler(client(options), {function});
  json call = json::parse(support::call().text());
  call["ctx"]["qi_id"] = "q";
  const answer reply(handler(support::post(function.slug(), call.dump())));
  CHECK(reply.operations() == texts{"StepRun:one", "StepRun:two"});
  for (const char* id : {"one", "two"}) {
    call["steps"][support::hash_of(id)] = {{"data", 1}};
    call["ctx"]["stack"]["stack"].push_back(support::hash_of(id));
  }
  const answer next(handler(support::post(function.slug(), call.dump())));
  CHECK(next.status == 500);
  CHECK(next.body().at("message") == "hook");
}

TEST_CASE("events pass the client's middleware when the client sends them", "[middleware]") {
  texts log;
  struct change : inngest::middleware {
    void transform_send_event(std::vector<any_event>& events) override {
      for (any_event& each : events) each.set_data(R"({"changed":true})");
      events.emplace_back(pong{});
    }
    sent_events wrap_send_event(const std::vector<any_event>& events, next_call<sent_events> next) override {
      CHECK(events.size() == 2);
      sent_events out = next();
      out.ids.push_back("more");
      return out;
    }
  };
  const auto transport = std::make_shared<support::fake_transport>([](const inngest::http::request&) {
    return inngest::http::response{.status = 200, .body = R"({"ids":["a","b"],"status":200})"};
  });
  auto options = options_with({std::make_shared<change>(), record(log)});
  options.transport = transport;
  CHECK(client(options).send(ping{}).ids == texts{"a", "b", "more"});
  const json body = json::parse(transport->requests().at(0).body);
  REQUIRE(body.size() == 2);
  CHECK(body[0].at("data") == json{{"changed", true}});
  CHECK(body[1].at("name") == "test/pong");
  CHECK(log == texts{"transform send 2", "send {", "} send"});
}

TEST_CASE("nothing is sent when middleware removes all events", "[middleware]") {
  struct removing : inngest::middleware {
    void transform_send_event(std::vector<any_event>& events) override { events.clear(); }
  };
  texts log;
  auto options = options_with({std::make_shared<removing>(), record(log)});
  options.transport = std::make_shared<support::fake_transport>([](const inngest::http::request&) {
    FAIL_CHECK("there is nothing to send");
    return inngest::http::response{};
  });
  const client app(options);
  CHECK(app.send(ping{}).ids.empty());
  CHECK(app.send(std::vector<any_event>{ping{}, pong{}}).ids.empty());
}

TEST_CASE("events pass the client's and the function's middleware when a step sends them", "[middleware]") {
  texts log;
  const auto function =
      function_of([](auto& ctx) { ctx.step.send_event("tell", pong{}); }, {record(log, "function: ")});
  run_driver run(function, options_with({record(log, "client: ")}));
  taken(log);
  CHECK(run.discover().op().at("data").at("ids") == json{"sent-1"});
  texts sending;
  for (const std::string& each : log) {
    if (each.find("send") != std::string::npos) sending.push_back(each);
  }
  CHECK(sending == texts{"client: transform send 1", "function: transform send 1", "client: send {",
                         "function: send {", "function: } send", "client: } send"});
}

TEST_CASE("middleware that does not send gives its own answer", "[middleware]") {
  struct hold : inngest::middleware {
    sent_events wrap_send_event(const std::vector<any_event>&, next_call<sent_events>) override {
      return {{"held"}};
    }
  };
  const auto transport = std::make_shared<support::fake_transport>();
  auto options = options_with({std::make_shared<hold>()});
  options.transport = transport;
  CHECK(client(options).send(ping{}).ids == texts{"held"});
  CHECK(transport->requests().empty());
}

TEST_CASE("middleware may answer a request in place of the function", "[middleware]") {
  struct closed : inngest::middleware {
    inngest::http::response wrap_request(const inngest::http::request&,
                                         next_call<inngest::http::response>) override {
      return {.status = 503, .body = "{}"};
    }
  };
  CHECK(run_driver(two_steps(), options_with({std::make_shared<closed>()})).discover().status == 503);
}

TEST_CASE("what a function is invoked with can be changed by middleware", "[middleware]") {
  struct change : inngest::middleware {
    void transform_step_input(const call_info&, const step_info& step, step_input& called) override {
      if (step.kind == inngest::step_kind::invoke) called.input = R"([{"changed":true}])";
    }
  };
  run_driver run(function_of([](auto& ctx) {
                   ctx.step.invoke("call", inngest::function_ref<ping>{"app", "other"}, json::object());
                 }),
                 options_with({std::make_shared<change>()}));
  CHECK(run.discover().op().at("opts").at("payload").at("data") == json{{"changed", true}});
}

TEST_CASE("a sleep that is over passes wrap_step, too", "[middleware]") {
  texts log;
  run_driver run(function_of([](auto& ctx) { ctx.step.sleep("nap", std::chrono::seconds(1)); }),
                 options_with({record(log)}));
  run.memo("nap", nullptr).discover();
  CHECK(std::find(log.begin(), log.end(), "step nap {") != log.end());
}
