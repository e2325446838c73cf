// Text that is not UTF-8, wherever a user may give it: refused before anything happens, and named.

#include <inngest/client.hpp>
#include <inngest/context.hpp>
#include <inngest/experiment.hpp>
#include <inngest/function.hpp>
#include <inngest/middleware.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/handler_driver.hpp"
#include "support/message_of.hpp"

namespace broken_text {

using namespace std::chrono_literals;
using inngest::configuration_error;
using inngest::json;
using inngest::payload_error;
using test_event = inngest::event<"test/event">;
using context = inngest::context<test_event>;

const std::string latin = "caf\xe9";       // how other encodings write café
const std::string half = "a\xed\xa0\xbd";  // half of a surrogate pair
const std::string cut = "\xe2\x82";        // the beginning of a euro sign

/// Calls a function once; it must fail for good, and its error must be JSON that names the step.
json failure_of(std::function<void(context&)> body,
                inngest::client_options options = support::quiet_options()) {
  const inngest::client app(options);
  support::run_driver run(app.create_function({.id = "f", .retries = 3}, inngest::on<test_event>(),
                                              [body = std::move(body)](context& ctx) { body(ctx); }),
                          options);
  const support::answer reply = run.discover();
  CAPTURE(reply.text);
  CHECK(reply.header("x-inngest-no-retry") == "true");
  const json out = reply.body();
  return out.is_array() ? out.at(0).at("error") : out;
}

std::string message_of(std::function<void(context&)> body) {
  return failure_of(std::move(body)).at("message").get<std::string>();
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace broken_text

using namespace broken_text;

TEST_CASE("a step whose id is not UTF-8 is refused before its body runs, and named", "[step][text]") {
  for (const std::string& id : {latin, half, cut}) {
    int runs = 0;
    const json error = failure_of([&](context& ctx) { ctx.step.run(id, [&] { ++runs; }); });
    CHECK(runs == 0);
    CHECK(has(error.at("name"), "payload_error"));
    CHECK(has(error.at("message"), "step \"" + inngest::detail::to_printable(id) + "\""));
    CHECK(has(error.at("message"), "its id is not UTF-8"));
  }
  CHECK(has(message_of([](context& ctx) { ctx.step.run(latin, [] {}); }), "step \"caf?\""));
}

TEST_CASE("a step whose name is not UTF-8 is refused before its body runs", "[step][text]") {
  int runs = 0;
  const std::string text =
      message_of([&](context& ctx) { ctx.step.run({.id = "charge", .name = latin}, [&] { ++runs; }); });
  CHECK(runs == 0);
  CHECK(has(text, "step \"charge\": its name is not UTF-8"));
  CHECK(has(text, "caf?"));
}

TEST_CASE("every kind of step refuses an id that is not UTF-8", "[step][text]") {
  int sent = 0;
  auto options = support::quiet_options();
  options.transport = std::make_shared<support::fake_transport>([&](const inngest::http::request&) {
    ++sent;
    return inngest::http::response{.status = 200, .body = R"({"ids":["1"]})"};
  });
  const inngest::client app(options);
  const auto child = app.create_function({.id = "child"}, inngest::on<test_event>(), [](auto&) { return 1; });
  const auto later = app.create_deferred_function<json>({.id = "later"}, [](auto&) {});
  const std::vector<std::function<void(context&)>> kinds = {
      [](context& ctx) { ctx.step.start(latin, [] { return 1; }).get(); },
      [](context& ctx) { ctx.step.sleep(latin, 1s); },
      [](context& ctx) { ctx.step.sleep_until(latin, std::chrono::system_clock::time_point(1h)); },
      [](context& ctx) { ctx.step.wait_for_event<test_event>(latin, {.timeout = 1s}); },
      [](context& ctx) { ctx.step.wait_for_signal(latin, {.signal = "s", .timeout = 1s}); },
      [](context& ctx) { ctx.step.send_signal(latin, "s"); },
      [&](context& ctx) { ctx.step.invoke(latin, child, json::object()); },
      [](context& ctx) { ctx.step.send_event(latin, test_event{}); },
      [](context& ctx) { ctx.step.fetch(latin, {.url = "http://x"}); },
      [](context& ctx) { ctx.step.publish(latin, "c", "t", 1); },
      [](context& ctx) { ctx.step.score(latin, "s", 1); },
      [](context& ctx) { ctx.step.set_metadata(latin, "k", json::object()); },
      [](context& ctx) { ctx.step.ai.wrap(latin, [] { return 1; }); },
      [&](context& ctx) { ctx.defer(latin, later, json::object()); }};
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    CAPTURE(i);
    const std::string text = failure_of(kinds[i], options).at("message").get<std::string>();
    CHECK(has(text, "step \"caf?\": its id is not UTF-8"));
  }
  CHECK(sent == 0);
}

TEST_CASE("what a step tells a server is refused when it is not UTF-8, not changed", "[step][text]") {
  const inngest::function_ref<test_event, json> elsewhere{.app_id = latin, .function_id = "f"};
  const std::pair<const char*, std::function<void(context&)>> cases[] = {
      {"signal", [](context& ctx) { ctx.step.wait_for_signal("my-step", {.signal = latin, .timeout = 1s}); }},
      {"signal", [](context& ctx) { ctx.step.send_signal("my-step", latin); }},
      {"function_id", [&](context& ctx) { ctx.step.invoke("my-step", elsewhere, json::object()); }},
      {"the expression of its wait",
       [](context& ctx) {
         ctx.step.wait_for_event<test_event>(
             "my-step", {.timeout = 1s, .expression = "async.data.name == '" + latin + "'"});
       }},
      {"the match of its wait",
       [](context& ctx) {
         ctx.step.wait_for_event<test_event>("my-step", {.timeout = 1s, .match = "data." + latin});
       }},
      {"url", [](context& ctx) { ctx.step.fetch("my-step", {.url = "http://x/" + latin}); }},
      {"body", [](context& ctx) { ctx.step.fetch("my-step", {.url = "http://x", .body = latin}); }}};
  for (const auto& [what, body] : cases) {
    CAPTURE(what);
    const std::string text = message_of(body);
    CAPTURE(text);
    CHECK(has(text, "my-step"));
    CHECK(has(text, what));
    CHECK(has(text, "not UTF-8"));
    CHECK(has(text, "caf?"));
  }
}

TEST_CASE("channels, topics, scores and kinds that are not UTF-8 are not sent", "[step][client][text]") {
  auto options = support::quiet_options();
  const auto transport = std::make_shared<support::fake_transport>();
  options.transport = transport;
  const inngest::client app(options);
  CHECK_THROWS_AS(app.send_signal(latin), payload_error);
  CHECK_THROWS_AS(app.publish(latin, "topic", 1), payload_error);
  CHECK_THROWS_AS(app.publish("channel", latin, 1), payload_error);
  CHECK_THROWS_AS(app.score("run", latin, 1), payload_error);
  for (const std::function<void(context&)>& body : std::vector<std::function<void(context&)>>{
           [](context& ctx) { ctx.step.publish("p", latin, "topic", 1); },
           [](context& ctx) { ctx.step.score("s", latin, 1); },
           [](context& ctx) { ctx.step.set_metadata("m", latin, json::object()); }})
    CHECK(has(failure_of(body, options).at("message"), "not UTF-8"));
  CHECK(transport->requests().empty());
}

TEST_CASE("an id that middleware makes is checked as well", "[middleware][text]") {
  struct renamer : inngest::middleware {
    void transform_step_input(const inngest::call_info&, const inngest::step_info&,
                              inngest::step_input& input) override {
      input.id = latin;
    }
  };
  auto options = support::quiet_options();
  options.middleware = {std::make_shared<renamer>()};
  int runs = 0;
  const json error = failure_of([&](context& ctx) { ctx.step.run("fine", [&] { ++runs; }); }, options);
  CHECK(runs == 0);
  CHECK(has(error.at("message"), "step \"caf?\": its id is not UTF-8"));
}

TEST_CASE("events with a name, an id or a version that is not UTF-8 are refused", "[event][text]") {
  CHECK(support::message_of<configuration_error>([] { inngest::any_event(latin, json::object()); }) ==
        "not a valid name for a sent event: \"caf?\"");
  for (const std::string& text : {latin, half, cut}) {
    CHECK(
        has(support::message_of<payload_error>([&] { inngest::any_event{test_event{.id = text}}; }), "id: "));
    CHECK(has(support::message_of<payload_error>([&] { inngest::any_event{test_event{.v = text}}; }), "v: "));
    CHECK(has(support::message_of<payload_error>([&] { inngest::any_event{test_event{.user = text}}; }),
              "user"));
    CHECK(has(support::message_of<payload_error>([&] {
                inngest::any_event{test_event{{{"k", text}}}};
              }),
              "data"));
  }
}

TEST_CASE("options of functions that are not UTF-8 are refused at creation", "[function][text]") {
  const inngest::client app = support::quiet_client();
  const auto problem = [&](inngest::function_options options, inngest::trigger_options trigger = {}) {
    return support::message_of<configuration_error>([&] {
      static_cast<void>(
          app.create_function(std::move(options), inngest::on<test_event>(trigger), [](context&) {}));
    });
  };
  CHECK(has(problem({.id = latin}), "function \"caf?\": its id must be UTF-8"));
  CHECK(has(problem({.id = "f", .name = latin}), "its name must be UTF-8"));
  const std::string expression = "event.data.name == '" + latin + "'";
  CHECK(has(problem({.id = "f"}, {.expression = expression}), "must be UTF-8"));
  CHECK(has(problem({.id = "f", .priority = "event.data.name == '" + latin + "' ? 1 : 0"}), "must be UTF-8"));
  CHECK(has(problem({.id = "f", .idempotency = expression}), "must be UTF-8"));
  CHECK(has(problem({.id = "f", .cancel_on = {{.event = latin}}}), "must be UTF-8"));
}

TEST_CASE("ids and names in any language are fine", "[step][text]") {
  const inngest::client app = support::quiet_client();
  support::run_driver run(app.create_function({.id = "f"}, inngest::on<test_event>(), [](context& ctx) {
    ctx.step.run({.id = "café", .name = "Kaffee \U0001f602"}, [] {});
  }));
  CHECK(run.discover().operations() == std::vector<std::string>{"StepRun:Kaffee \U0001f602"});
}
