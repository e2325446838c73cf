#include <inngest/middleware.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/inngest.hpp>
#include <inngest/middleware/encryption.hpp>
#include <inngest/testing.hpp>

#include "catch.hpp"
#include "support/handler_driver.hpp"

// What hooks are told: the function, the run and its events, the sender, the step's input and options.

namespace hook_arguments {

using namespace std::chrono_literals;
using inngest::any_event;
using inngest::call_info;
using inngest::json;
using inngest::next_call;
using inngest::sent_events;
using inngest::step_info;
using inngest::http::response;
using support::run_driver;

struct item {
  std::string name;
  int size = 0;
};
INNGEST_FIELDS(item, name, size)
using put = inngest::event<"test/put", item>;
using taken = inngest::event<"test/taken", item>;

std::string name_of(const call_info* call) {
  return call == nullptr ? "client" : call->function->id() + "/" + std::string(call->run_id);
}

/// Notes what each hook is told.
class listener : public inngest::middleware {
 public:
  std::vector<std::string> notes{};
  std::vector<std::string> senders{};
  std::vector<std::string> inputs{};
  std::vector<std::string> events{};
  bool calls_twice = false;

  response wrap_request(const call_info& call, const inngest::http::request& request,
                        next_call<response> next) override {
    if (calls_twice) next();
    response out = next();
    notes.push_back("request " + name_of(&call) + " " + std::to_string(call.attempt) + " " +
                    std::to_string(request.body.size() > 2));
    events.emplace_back(call.event);  // still there after the call
    return out;
  }
  void on_run_start(const call_info& call) override {
    notes.push_back("start " + name_of(&call) + " " + std::to_string(call.function->triggers().size()));
    events.emplace_back(call.event);
    events.emplace_back(call.events);
  }
  void on_step_start(const call_info& call, const step_info& step) override {
    inputs.push_back(std::string(step.id) + std::string(step.input));
    if (step.retries) inputs.push_back("retries " + std::to_string(*step.retries));
    if (step.deadline) inputs.push_back("deadline " + std::to_string(step.deadline->count()));
    CHECK(call.function->id() == "f");
  }
  std::string wrap_step(const call_info&, const step_info& step, next_call<std::string> next) override {
    inputs.push_back("read " + std::string(step.id) + std::string(step.input));
    return next();
  }
  void transform_send_event(const call_info* sender, std::vector<any_event>&) override {
    senders.push_back("transform " + name_of(sender));
  }
  sent_events wrap_send_event(const call_info* sender, const std::vector<any_event>&,
                              next_call<sent_events> next) override {
    senders.push_back("wrap " + name_of(sender));
    return next();
  }
};

inngest::client_options options_with(inngest::middleware_list list) {
  auto out = support::quiet_options();
  out.middleware = std::move(list);
  out.checkpointing.enabled = false;
  return out;
}

/// A function with a step that takes arguments and one that sends an event.
inngest::any_function function_of(const inngest::client& app) {
  return app.create_function({.id = "f"}, inngest::on<put>(), [](inngest::context<put>& ctx) {
    const auto add = [](int a, const std::string& b) { return std::to_string(a) + b; };
    ctx.step.run({.id = "add", .retries = 2, .deadline = 3s}, add, ctx.event.data.size, std::string("b"));
    ctx.step.send_event("send", taken{ctx.event.data});
  });
}

const json put_event{{"name", "test/put"}, {"data", {{"name", "n"}, {"size", 1}}}};

}  // namespace hook_arguments

using namespace hook_arguments;

TEST_CASE("hooks of requests and runs are told the function, the run and its events", "[middleware]") {
  auto heard = std::make_shared<listener>();
  const auto options = options_with({heard});
  run_driver run(function_of(inngest::client(options)), options);
  run.with_event(put_event).discover();
  CHECK(heard->notes == std::vector<std::string>{"start f/01RUN 1", "request f/01RUN 0 1"});
  REQUIRE(heard->events.size() == 3);
  CHECK(json::parse(heard->events[0]) == put_event);
  CHECK(json::parse(heard->events[1]) == json::array({put_event}));
  CHECK(json::parse(heard->events[2]) == put_event);
}

TEST_CASE("a hook and a handler are told the server's ids of the call, and registration the client",
          "[middleware]") {
  struct ids : inngest::middleware {
    std::vector<std::string> seen{};
    void on_register(const inngest::client& app, const inngest::any_function& function) override {
      seen.push_back(app.id() + " " + function.id());
    }
    void on_run_start(const call_info& call) override {
      seen.push_back(std::string(call.request_id) + " " + std::string(call.job_id));
    }
  };
  auto heard = std::make_shared<ids>();
  const inngest::client app(options_with({heard}));
  auto f = app.create_function({.id = "f"}, inngest::on<put>(), [&](inngest::context<put>& ctx) {
    heard->seen.push_back(std::string(ctx.request_id()) + " " + std::string(ctx.job_id()));
  });
  const inngest::handler handler(app, {f});
  support::call body;
  body.event = put_event;
  auto request = support::post("app-f", body.text());
  request.headers.add("X-Request-Id", "r1");
  request.headers.add("X-Inngest-Job-Id", "j1");
  CHECK(handler(request).status == 200);
  CHECK(heard->seen == std::vector<std::string>{"app f", "r1 j1", "r1 j1"});
}

TEST_CASE("hooks of steps are told the step's input and options", "[middleware]") {
  auto heard = std::make_shared<listener>();
  const auto options = options_with({heard});
  run_driver run(function_of(inngest::client(options)), options);
  run.with_event(put_event).discover();
  CHECK(heard->inputs == std::vector<std::string>{R"(add[1,"b"])", "retries 2", "deadline 3000"});
  heard->inputs.clear();
  run.result("add", "1b").discover();
  CHECK(heard->inputs == std::vector<std::string>{R"(read add[1,"b"])", "send"});
}

TEST_CASE("an input that was edited on the server is the one that hooks are told", "[middleware]") {
  auto heard = std::make_shared<listener>();
  const auto options = options_with({heard});
  run_driver run(function_of(inngest::client(options)), options);
  run.with_event(put_event).memo("add", {{"input", json::array({7, "c"})}});
  CHECK(run.discover().op().at("data") == "7c");
  CHECK(heard->inputs.front() == R"(add[7,"c"])");
}

TEST_CASE("hooks of sends are told the sending function, and none for the client", "[middleware][send]") {
  auto heard = std::make_shared<listener>();
  const auto options = options_with({heard});
  const inngest::client app(options);
  run_driver run(function_of(app), options);
  run.with_event(put_event).result("add", "1b").discover();
  CHECK(heard->senders == std::vector<std::string>{"transform f/01RUN", "wrap f/01RUN"});
  app.send(taken{});
  CHECK(heard->senders.at(2) == "transform client");
  CHECK(heard->senders.at(3) == "wrap client");
}

TEST_CASE("the refusal of a request that can't be read is thrown through the hook", "[middleware]") {
  auto heard = std::make_shared<listener>();
  const inngest::client app(options_with({heard}));
  const inngest::handler handler(app, {function_of(app)});
  CHECK(handler(support::post("app-f", "{}")).status == 400);
  CHECK(handler(support::post("app-f", "{\"event\":{}}", "not a hash")).status == 400);
  CHECK(heard->notes.empty());
}

TEST_CASE("a hook may handle a request twice", "[middleware]") {
  auto heard = std::make_shared<listener>();
  heard->calls_twice = true;
  const auto options = options_with({heard});
  run_driver run(function_of(inngest::client(options)), options);
  CHECK(run.with_event(put_event).discover().op().at("data") == "1b");
  CHECK(heard->notes.size() == 3);
}

TEST_CASE("after decryption hooks are told the readable event, on a harness, too", "[middleware][harness]") {
  auto heard = std::make_shared<listener>();
  auto options = options_with({inngest::encryption({.key = "a key", .every_event_field = true}), heard});
  const inngest::client app(options);
  auto f = function_of(app);
  auto g = app.create_function({.id = "g"}, inngest::on<taken>(), [](inngest::context<taken>&) {});
  inngest::testing::harness t(app, {f, g});
  auto run = t.send(put{{.name = "name of it", .size = 4}});
  REQUIRE(run.completed());
  REQUIRE(t.runs_of(g).size() == 1);
  REQUIRE(t.sent<taken>().size() == 1);
  CHECK(t.sent<taken>()[0].data.name == "name of it");
  std::vector<std::string> of_g;
  for (const std::string& event : heard->events) {
    if (event.starts_with("{") && event.find("test/taken") != std::string::npos) of_g.push_back(event);
  }
  REQUIRE(of_g.size() == 2);
  CHECK(of_g[0].find("name of it") != std::string::npos);     // on_run_start
  CHECK(of_g[1].find("__ENCRYPTED__") != std::string::npos);  // wrap_request: as received
  CHECK(heard->senders.front() == "transform f/" + run.id());
}
