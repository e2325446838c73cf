#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <inngest/serve.hpp>

#include "catch.hpp"
#include "support/handler_driver.hpp"

// Results that are saved while a function goes on: what is sent to the server's API, and what is left for the
// answer.

namespace {

using namespace std::chrono_literals;
using inngest::json;
using support::answer;
using support::hash_of;
using strings = std::vector<std::string>;
using test_event = inngest::event<"test/event">;

/// A server's checkpoint API that answers as it is told, and what it was sent.
struct checkpoint_api {
  std::vector<int> statuses{};  // 200 when they are used up
  std::vector<json> saved{};

  inngest::http::response operator()(const inngest::http::request& request) {
    CHECK(request.path() == "/v1/checkpoint/01RUN/async");
    saved.push_back(json::parse(request.body));
    const int status = statuses.empty() ? 200 : statuses.front();
    if (!statuses.empty()) statuses.erase(statuses.begin());
    if (status == 0) throw inngest::unreachable("no server");
    return {.status = status, .body = R"({"error":"no"})"};
  }
  strings ids() const {
    strings out;
    for (const json& each : saved) {
      std::string list;
      for (const json& step : each.at("steps")) list += step.at("displayName").get<std::string>() + " ";
      out.push_back(list);
    }
    return out;
  }
};

/// A function served with checkpointing, and its calls.
template <class Handler>
struct served {
  std::shared_ptr<checkpoint_api> api = std::make_shared<checkpoint_api>();
  support::log_record log;
  inngest::handler handler;
  json ctx{{"run_id", "01RUN"},  {"fn_id", "uuid"},
           {"qi_id", "queue"},   {"request_id", "R"},
           {"attempt", 0},       {"max_attempts", 4},
           {"generation_id", 3}, {"stack", {{"stack", json::array()}, {"current", 0}}}};
  json steps = json::object();

  served(inngest::checkpointing chosen, Handler body) : handler(make(chosen, std::move(body))) {}

  inngest::handler make(inngest::checkpointing chosen, Handler body) {
    auto options = support::quiet_options();
    options.transport = std::make_shared<support::fake_transport>(
        [api = api](const inngest::http::request& request) { return (*api)(request); });
    options.log = log.logger();
    options.checkpointing = chosen;
    const inngest::client app(options);
    return inngest::handler(app,
                            {app.create_function({.id = "f"}, inngest::on<test_event>(), std::move(body))});
  }

  answer call(const std::string& target = "step") {
    const json event{{"name", "test/event"}, {"data", json::object()}};
    const json body{{"event", event}, {"events", {event}}, {"steps", steps}, {"ctx", ctx}, {"version", 2}};
    return answer(handler(support::post("app-f", body.dump(), target)));
  }
  served& remember(const std::string& id, json data) {
    steps[hash_of(id)] = {{"data", std::move(data)}};
    ctx["stack"]["stack"].push_back(hash_of(id));
    return *this;
  }
};

/// Three steps in a row, and how often each ran.
struct three_steps {
  std::shared_ptr<strings> ran = std::make_shared<strings>();
  int operator()(inngest::context<test_event>& ctx) const {
    int sum = 0;
    for (const char* id : {"a", "b", "c"}) {
      sum += ctx.step.run(id, [&] {
        ran->emplace_back(id);
        return static_cast<int>(ran->size());
      });
    }
    return sum;
  }
};

strings codes(const answer& reply) {
  strings out;
  for (const json& op : reply.body())
    out.push_back(op.at("op").get<std::string>() + ":" + op.value("displayName", ""));
  return out;
}

/// A deferred function of the app of `served`.
inngest::deferred_function<json> make_later() {
  return support::quiet_client().create_deferred_function<json>({.id = "later"}, [](auto&) {});
}

strings codes_alone(const json& operations) {
  strings out;
  for (const json& op : operations) out.push_back(op.at("op"));
  return out;
}

}  // namespace

TEST_CASE("each step's result is saved, and the function ends in the first call", "[checkpointing]") {
  three_steps body;
  served f({}, body);
  const answer reply = f.call();
  CHECK(reply.status == 206);
  REQUIRE(codes(reply) == strings{"RunComplete:"});
  CHECK(reply.op().at("data") == 6);
  CHECK(reply.op().at("id") == hash_of("complete"));
  CHECK(f.api->ids() == strings{"a ", "b ", "c "});
  CHECK(*body.ran == strings{"a", "b", "c"});

  const json& first = f.api->saved.front();
  CHECK(first.at("run_id") == "01RUN");
  CHECK(first.at("fn_id") == "uuid");
  CHECK(first.at("qi_id") == "queue");
  CHECK(first.at("request_id") == "R");
  CHECK(first.at("generation_id") == 3);
  CHECK(first.at("ts").get<std::int64_t>() >= first.at("request_started_at").get<std::int64_t>());
  CHECK(first.at("steps").at(0).at("op") == "StepRun");
  CHECK(first.at("steps").at(0).at("data") == 1);
  CHECK(first.at("steps").at(0).at("id") == hash_of("a"));
}

TEST_CASE("buffered results are saved when enough have come, and the last ride with the answer",
          "[checkpointing]") {
  served f({.buffered_steps = 2}, three_steps());
  CHECK(codes(f.call()) == strings{"StepRun:c", "RunComplete:"});
  CHECK(f.api->ids() == strings{"a b "});
}

TEST_CASE("buffered results are saved when the interval is over", "[checkpointing]") {
  served always({.buffered_steps = 10, .max_interval = 0ms}, three_steps());
  always.call();
  CHECK(always.api->ids() == strings{"a ", "b ", "c "});
  served never({.buffered_steps = 10, .max_interval = 1h}, three_steps());
  CHECK(codes(never.call()) == strings{"StepRun:a", "StepRun:b", "StepRun:c", "RunComplete:"});
  CHECK(never.api->ids().empty());
}

TEST_CASE("a server that saves nothing gets the results in the answer, and nothing runs twice",
          "[checkpointing]") {
  three_steps body;
  served f({}, body);
  f.api->statuses = {400};
  const answer first = f.call();
  CHECK(codes(first) == strings{"StepRun:a"});
  CHECK(f.log.count("the server did not save a step's result") == 1);
  f.remember("a", 1);
  CHECK(codes(f.call()) == strings{"StepRun:b"});  // for a minute it is not asked again
  CHECK(f.api->saved.size() == 1);
  f.remember("b", 2);
  CHECK(codes(f.call()) == strings{"StepRun:c"});
  CHECK(f.remember("c", 3).call().text == "6");
  CHECK(*body.ran == strings{"a", "b", "c"});
}

TEST_CASE("all that was buffered goes into the answer when it can't be saved", "[checkpointing]") {
  three_steps body;
  served f({.buffered_steps = 2}, body);
  f.api->statuses = {404};
  CHECK(codes(f.call()) == strings{"StepRun:a", "StepRun:b"});
  CHECK(*body.ran == strings{"a", "b"});
}

TEST_CASE("a deferred call is saved with the next result, and is in the answer when it can't be saved",
          "[checkpointing][defer]") {
  const bool is_saved = GENERATE(true, false);
  const auto later = make_later();
  served f({}, [later](inngest::context<test_event>& ctx) {
    ctx.step.run("a", [] { return 1; });
    ctx.defer("clean-up", later, json{{"n", 1}});
    ctx.step.run("b", [] { return 2; });
    ctx.step.run("c", [] { return 3; });
  });
  if (!is_saved) f.api->statuses = {200, 400};
  const answer reply = f.call();
  REQUIRE(f.api->saved.size() == (is_saved ? 3U : 2U));
  CHECK(codes_alone(f.api->saved[1].at("steps")) == strings{"DeferAdd", "StepRun"});
  CHECK(codes_alone(reply.body()) == (is_saved ? strings{"RunComplete"} : strings{"DeferAdd", "StepRun"}));
}

TEST_CASE("a deferred call that could not be saved is reported with the failure of its run",
          "[checkpointing][defer]") {
  const auto later = make_later();
  served f({}, [later](inngest::context<test_event>& ctx) {
    ctx.defer("clean-up", later, json{{"n", 1}});
    try {
      ctx.step.run("a", [] { return 1; });
    } catch (...) {
      std::thread([&] {
        try {
          ctx.step.run("b", [] {});
        } catch (const inngest::wrong_thread_error&) {
        }
      }).join();
      throw;
    }
  });
  f.api->statuses = {400};
  const answer reply = f.call();
  CHECK(codes_alone(reply.body()) == strings{"DeferAdd", "StepFailed"});
}

TEST_CASE("a server that can't be reached for a moment is asked again", "[checkpointing]") {
  served f({.buffered_steps = 3}, three_steps());
  f.api->statuses = {500, 0, 503};
  CHECK(codes(f.call()) == strings{"RunComplete:"});
  CHECK(f.api->saved.size() == 4);
}

TEST_CASE("a call whose run was taken over by another stops at once, with an answer that ends nothing",
          "[checkpointing]") {
  three_steps body;
  served f({}, body);
  f.api->statuses = {409};
  const answer reply = f.call();
  CHECK(reply.status == 206);
  CHECK(codes(reply) == strings{"None:"});
  CHECK(reply.header("x-inngest-no-retry") == "(absent)");
  CHECK(*body.ran == strings{"a"});
}

TEST_CASE("no step begins after the longest runtime: it is planned", "[checkpointing]") {
  served f({.buffered_steps = 5, .max_runtime = 2s}, [](inngest::context<test_event>& ctx) {
    ctx.step.run("slow", [] { std::this_thread::sleep_for(2s); });
    ctx.step.run("next", [] { FAIL("must not run in this call"); });
  });
  CHECK(codes(f.call()) == strings{"StepPlanned:next"});
  CHECK(f.api->ids() == strings{"slow "});
}

TEST_CASE("what is buffered is saved before a step that the server does, and before a failure",
          "[checkpointing]") {
  served sleeping({.buffered_steps = 5}, [](inngest::context<test_event>& ctx) {
    ctx.step.run("a", [] {});
    ctx.step.sleep("nap", 1s);
  });
  CHECK(codes(sleeping.call()) == strings{"Sleep:nap"});
  CHECK(sleeping.api->ids() == strings{"a "});

  served failing({.buffered_steps = 5}, [](inngest::context<test_event>& ctx) {
    ctx.step.run("a", [] {});
    ctx.step.run("b", [] { throw std::runtime_error("broken"); });
  });
  const answer reply = failing.call();
  CHECK(codes(reply) == strings{"StepError:b"});
  CHECK(reply.header("x-inngest-no-retry") == "false");
  CHECK(failing.api->ids() == strings{"a "});
}

TEST_CASE("a failing function's results are reported before its error", "[checkpointing]") {
  served f({.buffered_steps = 5}, [](inngest::context<test_event>& ctx) {
    ctx.step.run("a", [] {});
    throw std::runtime_error("broken");
  });
  f.api->statuses = {400};
  CHECK(codes(f.call()) == strings{"StepRun:a"});  // the error comes again with the next call
  const answer reply = f.remember("a", nullptr).call();
  CHECK(reply.status == 500);
  CHECK(reply.body().at("message") == "broken");
}

TEST_CASE("after a retry the first step is answered, so that the server counts attempts anew",
          "[checkpointing]") {
  served f({}, three_steps());
  f.ctx["attempt"] = 1;
  CHECK(codes(f.call()) == strings{"StepRun:a"});
  CHECK(f.api->saved.empty());
}

TEST_CASE("groups, targeted steps and calls without the server's ids save nothing", "[checkpointing]") {
  served grouped({}, [](inngest::context<test_event>& ctx) {
    ctx.group.parallel([&] { ctx.step.run("a", [] {}); }, [&] { ctx.step.run("b", [] {}); });
  });
  CHECK(codes(grouped.call()) == strings{"StepPlanned:a", "StepPlanned:b"});
  CHECK(codes(grouped.call(hash_of("b"))) == strings{"StepRun:b"});
  served old({}, three_steps());
  old.ctx.erase("qi_id");
  CHECK(codes(old.call()) == strings{"StepRun:a"});
  served off({.enabled = false}, three_steps());
  CHECK(codes(off.call()) == strings{"StepRun:a"});
  CHECK(grouped.api->saved.size() + old.api->saved.size() + off.api->saved.size() == 0);
}

TEST_CASE("a result that was saved is read back as JSON, as later calls will read it", "[checkpointing]") {
  served f({}, [](inngest::context<test_event>& ctx) {
    const json value = ctx.step.run("a", [] { return json{{"n", 1.5}, {"text", "x"}}; });
    const std::string text = ctx.step.run("b", [] { return "pointed to"; });
    ctx.step.run("a", [] {});  // "a:1"
    return value.dump() + text;
  });
  const answer reply = f.call();
  CHECK(reply.op().at("data") == R"({"n":1.5,"text":"x"}pointed to)");
  CHECK(f.api->saved.at(2).at("steps").at(0).at("id") == hash_of("a:1"));
  CHECK(f.api->saved.at(2).at("steps").at(0).at("userland").at("index") == 1);
}

TEST_CASE("the time of a call is the app's unless the function or the client sets it", "[checkpointing]") {
  using std::chrono::minutes;
  using std::chrono::seconds;
  const auto runtime_of = [](std::optional<inngest::duration_ms> of_client,
                             std::optional<inngest::duration_ms> of_function,
                             inngest::serve_options options) -> std::chrono::milliseconds {
    auto chosen = support::quiet_options();
    chosen.checkpointing.max_runtime = of_client;
    const inngest::client app(std::move(chosen));
    inngest::function_options function{.id = "f"};
    if (of_function) function.checkpointing = inngest::checkpointing{.max_runtime = of_function};
    const auto f = app.create_function(function, inngest::on<test_event>(),
                                       [](inngest::context<test_event>&) { return 1; });
    const inngest::serving::served_app served(app, {f}, std::move(options));
    return *inngest::serving::checkpointing_of(served, served.functions.front()).max_runtime;
  };
  CHECK(runtime_of({}, {}, {}) == seconds(10));
  CHECK(runtime_of({}, {}, {.max_runtime = minutes(5)}) == minutes(5));
  CHECK(runtime_of(seconds(7), {}, {.max_runtime = minutes(5)}) == seconds(7));
  CHECK(runtime_of(seconds(7), seconds(8), {.max_runtime = minutes(5)}) == seconds(8));
}
