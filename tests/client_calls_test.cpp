#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <inngest/serve.hpp>

#include "catch.hpp"
#include "support/handler_driver.hpp"

// What a client can ask of its server beside sending events, and patterns of event names.

namespace {

using Catch::Matchers::ContainsSubstring;
using inngest::json;
using inngest::http::request;
using inngest::http::response;
using strings = std::vector<std::string>;

inngest::client client_of(support::fake_transport::answerer answer) {
  auto options = support::quiet_options();
  options.transport = std::make_shared<support::fake_transport>(std::move(answer));
  return inngest::client(options);
}

}  // namespace

TEST_CASE("a client sends signals, publishes messages and scores runs", "[client]") {
  std::vector<request> asked;
  int status = 200;
  const auto app = client_of([&](const request& r) {
    asked.push_back(r);
    return response{.status = status, .body = R"({"data":{"run_id":"R1"},"error":"no such thing"})"};
  });
  CHECK(app.send_signal("approve", json{{"by", "me"}}) == "R1");
  app.publish("user:1", "news", 42);
  app.score("R1", "quality", 1);
  REQUIRE(asked.size() == 3);
  CHECK(json::parse(asked[0].body) == json{{"signal", "approve"}, {"data", {{"by", "me"}}}});
  CHECK(asked[1].query("channel") == "user:1");
  CHECK_FALSE(asked[1].query("run_id"));
  CHECK(asked[1].body == "42");
  CHECK(asked[2].path() == "/v1/runs/R1/metadata");
  CHECK(json::parse(asked[2].body).at("target") == json::object());

  status = 404;
  CHECK_FALSE(app.send_signal("nobody-waits", 1));
  CHECK_THROWS_WITH(app.publish("c", "t", 1), ContainsSubstring("404 no such thing"));
  status = 401;
  CHECK_THROWS_AS(app.send_signal("s", 1), inngest::unauthorized);
  CHECK_THROWS_AS(app.score("R1", "quality", 1), inngest::unauthorized);
}

TEST_CASE("what a client publishes in a handler of its app belongs to the run", "[client]") {
  std::vector<request> asked;
  const auto app = client_of([&](const request& r) {
    asked.push_back(r);
    return response{};
  });
  const auto other = client_of([&](const request& r) {
    asked.push_back(r);
    return response{};
  });
  const auto f =
      app.create_function({.id = "f"}, inngest::on<inngest::event<"test/event">>(), [&](auto& ctx) {
        app.publish("c", "between-steps", 1);
        ctx.step.run("a", [&] {
          app.publish("c", "in-a-step", 2);
          other.publish("c", "of-another-app", 3);
        });
      });
  inngest::handler(app, {f})(support::post("app-f", support::call{}.text()));
  REQUIRE(asked.size() == 3);
  CHECK(asked[0].query("run_id") == "01RUN");
  CHECK(asked[1].query("run_id") == "01RUN");
  CHECK_FALSE(asked[2].query("run_id"));
}

TEST_CASE("a score's name and value must be such as a server takes", "[client]") {
  const auto app = client_of([](const request&) { return response{}; });
  CHECK_THROWS_AS(app.score("R1", "", 1), inngest::configuration_error);
  CHECK_THROWS_AS(app.score("R1", "it's", 1), inngest::configuration_error);
  CHECK_THROWS_AS(app.score("R1", std::string(129, 'x'), 1), inngest::configuration_error);
  CHECK_THROWS_AS(app.score("R1", "x", std::numeric_limits<double>::infinity()), inngest::payload_error);
}

TEST_CASE("an event that is too large is refused by name before anything is sent", "[client][limits]") {
  int asked = 0;
  auto options = support::quiet_options();
  options.transport = std::make_shared<support::fake_transport>([&](const request&) {
    ++asked;
    return response{.body = R"({"ids":["1","2"]})"};
  });
  options.limits.event = 100;
  const inngest::client app(options);
  using small = inngest::event<"test/small">;
  using large = inngest::event<"test/large">;
  CHECK_THROWS_WITH(app.send({small{}, large{{{"text", std::string(200, 'x')}}}}),
                    ContainsSubstring("\"test/large\"") && ContainsSubstring("100"));
  CHECK(asked == 0);
  app.send({small{}, small{}});
  CHECK(asked == 1);
}

TEST_CASE("events that the server took only in part are told apart", "[client][send]") {
  using hello = inngest::event<"test/hello">;
  const auto app =
      client_of([](const request&) { return response{.body = R"({"ids":["1"],"error":"too many"})"}; });
  try {
    app.send({hello{}, hello{}, hello{}});
    FAIL("must throw");
  } catch (const inngest::event_rejected& rejected) {
    CHECK(rejected.accepted() == strings{"1"});
    CHECK_THAT(rejected.what(), ContainsSubstring("1 of the 3") && ContainsSubstring("too many"));
  }
}

TEST_CASE("a pattern's function knows the name that came", "[function][pattern]") {
  using any_user = inngest::event<"user/*">;
  using deleted = inngest::event<"file/deleted">;
  const auto app = support::quiet_client();
  const auto one =
      app.create_function({.id = "one"}, inngest::on<any_user>(), [](auto& ctx) { return ctx.event_name(); });
  const auto two = app.create_function({.id = "two"}, inngest::on<any_user, deleted>(), [](auto& ctx) {
    return std::string(ctx.event.name()) + " " + ctx.event_name();
  });
  const inngest::handler handler(app, {one, two});
  support::call call;
  call.event["name"] = "user/created";
  CHECK(handler(support::post("app-one", call.text())).body == R"("user/created")");
  CHECK(handler(support::post("app-two", call.text())).body == R"("user/* user/created")");
  call.event["name"] = "file/deleted";
  CHECK(handler(support::post("app-two", call.text())).body == R"("file/deleted file/deleted")");
}
