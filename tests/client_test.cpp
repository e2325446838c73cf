#include <inngest/client.hpp>

#include <algorithm>
#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <inngest/options.hpp>

#include "catch.hpp"
#include "support/handler_driver.hpp"
#include "support/message_of.hpp"

namespace client_shop {

struct order {
  std::string id;
};
INNGEST_FIELDS(order, id)
using placed = inngest::event<"shop/placed", order>;
using plain = inngest::event<"shop/plain">;

}  // namespace client_shop

namespace {

using namespace std::chrono_literals;
using inngest::client;
using inngest::json;
using inngest::http::request;
using inngest::http::response;
using support::fake_transport;
using support::message_of;

struct sender {
  std::shared_ptr<fake_transport> transport;
  inngest::client_options options = support::quiet_options(inngest::mode::cloud);

  explicit sender(fake_transport::answerer answer)
      : transport(std::make_shared<fake_transport>(std::move(answer))) {
    options.event_key = "secret-event-key";
    options.transport = transport;
  }
  client app() const { return client(options); }
};

response ids(std::size_t count) {
  json list = json::array();
  for (std::size_t i = 0; i < count; ++i) list.push_back("id-" + std::to_string(i));
  return {.body = json{{"ids", list}, {"status", 200}}.dump()};
}

response ids_of(const request& r) { return ids(json::parse(r.body).size()); }

std::string header(const request& r, std::string_view name) {
  return std::string(r.headers.find(name).value_or("(absent)"));
}

}  // namespace

TEST_CASE("one event is sent with the key in the path and the SDK's headers", "[client][send]") {
  sender s(ids_of);
  s.options.env = "branch";
  CHECK(s.app().send(client_shop::placed{{"o1"}}).ids == std::vector<std::string>{"id-0"});
  REQUIRE(s.transport->requests().size() == 1);
  const request r = s.transport->requests().front();
  CHECK(r.method == "POST");
  CHECK(r.url == "https://inn.gs/e/secret-event-key");
  json body = json::parse(r.body);
  CHECK(body.at(0).erase("ts") == 1);
  CHECK(body == json::parse(R"([{"name":"shop/placed","data":{"id":"o1"}}])"));
  CHECK(header(r, "content-type") == "application/json");
  CHECK(header(r, "x-inngest-sdk") == std::string("cpp:v") + INNGEST_VERSION);
  CHECK(header(r, "user-agent") == std::string("cpp:v") + INNGEST_VERSION);
  CHECK(header(r, "x-inngest-env") == "branch");
}

TEST_CASE("many and mixed events go in one request and give their ids in order", "[client][send]") {
  sender s(ids_of);
  const client app = s.app();
  CHECK(app.send({client_shop::placed{{"o1"}}, client_shop::plain{{{"k", 1}}},
                  inngest::any_event("shop/made", json::object())})
            .ids == std::vector<std::string>{"id-0", "id-1", "id-2"});
  std::vector<inngest::any_event> list;
  for (int i = 0; i < 100; ++i) list.emplace_back(client_shop::placed{{std::to_string(i)}});
  CHECK(app.send(list).ids.size() == 100);
  CHECK(app.send({client_shop::placed{{"o1"}}}).ids.size() == 1);
  REQUIRE(s.transport->requests().size() == 3);
  CHECK(json::parse(s.transport->requests()[0].body).at(2).at("name") == "shop/made");
}

TEST_CASE("no events make no request", "[client][send]") {
  sender s(ids_of);
  CHECK(s.app().send(std::vector<inngest::any_event>{}).ids.empty());
  CHECK(s.transport->requests().empty());
}

TEST_CASE("a dev client needs no key", "[client][send]") {
  auto transport = std::make_shared<fake_transport>(ids_of);
  auto options = support::quiet_options();
  options.transport = transport;
  client(options).send(client_shop::placed{{"o1"}});
  CHECK(transport->requests().front().url == "http://127.0.0.1:8288/e/NO_EVENT_KEY_SET");
}

TEST_CASE("a cloud client without an event key says so before it sends", "[client][send]") {
  sender s(ids_of);
  s.options.event_key.clear();
  CHECK_THAT(message_of<inngest::configuration_error>([&] { s.app().send(client_shop::placed{{"o1"}}); }),
             Catch::Matchers::ContainsSubstring("INNGEST_EVENT_KEY"));
  CHECK(s.transport->requests().empty());
}

TEST_CASE("a key with odd characters stays one segment of the path", "[client][send]") {
  sender s(ids_of);
  s.options.event_key = "a/b?c#d e";
  s.app().send(client_shop::placed{{"o1"}});
  CHECK(s.transport->requests().front().url == "https://inn.gs/e/a%2Fb%3Fc%23d%20e");
}

TEST_CASE("what may pass is tried again with the same body and the same seed", "[client][send][retry]") {
  using clock = std::chrono::steady_clock;
  auto shortest = clock::duration::max();
  for (const int status : {500, 502, 503, 504, 429, 408}) {
    CAPTURE(status);
    std::vector<clock::time_point> calls;
    sender s([&, status](const request& r) {
      calls.push_back(clock::now());
      return calls.size() < 3 ? response{.status = status} : ids_of(r);
    });
    CHECK(s.app().send(client_shop::placed{{"o1"}}).ids.size() == 1);
    REQUIRE(calls.size() == 3);
    CHECK(calls[1] - calls[0] >= 100ms);
    CHECK(calls[2] - calls[1] >= 200ms);
    shortest = (std::min)(shortest, calls[2] - calls[0]);
    const auto sent = s.transport->requests();
    REQUIRE(sent.size() == 3);
    CHECK(header(sent[0], "x-inngest-event-id-seed") == header(sent[2], "x-inngest-event-id-seed"));
    CHECK(sent[0].body == sent[2].body);
  }
  CHECK(shortest < 2s);  // a busy machine makes some of them longer, and not all
}

TEST_CASE("the seed is a time and ten random bytes, another for each send", "[client][send]") {
  sender s(ids_of);
  const client app = s.app();
  app.send(client_shop::placed{{"o1"}});
  app.send(client_shop::placed{{"o1"}});
  const std::string a = header(s.transport->requests()[0], "x-inngest-event-id-seed");
  const std::string b = header(s.transport->requests()[1], "x-inngest-event-id-seed");
  CHECK(a != b);
  const auto comma = a.find(',');
  REQUIRE(comma != std::string::npos);
  CHECK(std::stoll(a.substr(0, comma)) > 1767225600000);
  CHECK(a.size() - comma - 1 == 16);  // base64 of 10 bytes
  CHECK(a.ends_with("=="));
}

TEST_CASE("a refused event is not tried again and the server's words come through",
          "[client][send][errors]") {
  for (const int status : {400, 404, 413, 422}) {
    sender s([status](const request&) {
      return response{.status = status, .body = R"({"error":"event too large"})"};
    });
    const std::string message =
        message_of<inngest::event_rejected>([&] { s.app().send(client_shop::placed{{"o1"}}); });
    CHECK_THAT(message, Catch::Matchers::ContainsSubstring("event too large") &&
                            Catch::Matchers::ContainsSubstring("shop/placed") &&
                            Catch::Matchers::ContainsSubstring(std::to_string(status)));
    CHECK(s.transport->requests().size() == 1);
  }
}

TEST_CASE("a refused key is unauthorized, at once", "[client][send][errors]") {
  for (const int status : {401, 403}) {
    sender s([status](const request&) {
      return response{.status = status, .body = R"({"error":"key not found"})"};
    });
    CHECK_THAT(message_of<inngest::unauthorized>([&] { s.app().send(client_shop::placed{{"o1"}}); }),
               Catch::Matchers::ContainsSubstring("key not found"));
    CHECK(s.transport->requests().size() == 1);
  }
}

TEST_CASE("nobody there is unreachable after all attempts", "[client][send][errors]") {
  sender s([](const request&) -> response { throw inngest::unreachable("connection refused"); });
  s.options.send_attempts = 3;
  const std::string message =
      message_of<inngest::unreachable>([&] { s.app().send(client_shop::placed{{"o1"}}); });
  CHECK_THAT(message, Catch::Matchers::ContainsSubstring("3 attempts") &&
                          Catch::Matchers::ContainsSubstring("connection refused"));
  CHECK(s.transport->requests().size() == 3);
}

TEST_CASE("a server that keeps failing is given up with its last words", "[client][send][errors]") {
  sender s([](const request&) { return response{.status = 503, .body = R"({"message":"busy"})"}; });
  s.options.send_attempts = 2;
  CHECK_THAT(message_of<inngest::unreachable>([&] { s.app().send(client_shop::placed{{"o1"}}); }),
             Catch::Matchers::ContainsSubstring("503") && Catch::Matchers::ContainsSubstring("busy"));
}

TEST_CASE("an answer without ids is not of the protocol", "[client][send][errors]") {
  for (const char* body :
       {"", "<html>", "{}", R"({"ids":null})", R"({"ids":[1]})", "[]", R"({"ids":["a"])"}) {
    CAPTURE(body);
    sender s([body](const request&) { return response{.body = body}; });
    CHECK_THROWS_AS(s.app().send(client_shop::placed{{"o1"}}), inngest::protocol_error);
  }
}

TEST_CASE("garbage from the server is never more than an error", "[client][send][errors]") {
  for (const std::string& body : {std::string("\xff\xfe"), std::string(100000, '['),
                                  std::string("{\"error\":5}"), std::string("null"), std::string(1, '\0')}) {
    sender s([&](const request&) { return response{.status = 400, .body = body}; });
    CHECK_THROWS_AS(s.app().send(client_shop::placed{{"o1"}}), inngest::event_rejected);
  }
}

TEST_CASE("keys are never in messages, whoever says them", "[client][errors][keys]") {
  const std::string key = "secret-event-key";
  const auto clean = [&](const std::string& message) { return message.find(key) == std::string::npos; };
  sender refused(
      [](const request&) { return response{.status = 401, .body = R"({"error":"unauthorized"})"}; });
  CHECK(clean(message_of<inngest::unauthorized>([&] { refused.app().send(client_shop::placed{{"o1"}}); })));
  sender absent([](const request&) -> response { throw inngest::unreachable("refused"); });
  absent.options.send_attempts = 1;
  CHECK(clean(message_of<inngest::unreachable>([&] { absent.app().send(client_shop::placed{{"o1"}}); })));
  CHECK(clean(refused.app().settings().describe()));
  sender echo([](const request& r) {
    return response{.status = 401, .body = json{{"error", "no such key in " + r.url}}.dump()};
  });
  CHECK(clean(message_of<inngest::unauthorized>([&] { echo.app().send(client_shop::placed{{"o1"}}); })));
  sender echo_rejects([](const request& r) {
    return response{.status = 404, .body = json{{"error", "404: " + r.url}}.dump()};
  });
  CHECK(clean(
      message_of<inngest::event_rejected>([&] { echo_rejects.app().send(client_shop::placed{{"o1"}}); })));
}

TEST_CASE("a key that looks like what stands for it is no trouble", "[client][errors][keys]") {
  for (const char* key : {"*", "***", "******"}) {
    sender echo([](const request& r) {
      return response{
          .status = 401,
          .body = json{{"error", "no such key in " + inngest::http::percent_decoded(r.url)}}.dump()};
    });
    echo.options.event_key = key;
    CHECK_THROWS_AS(echo.app().send(client_shop::placed{{"o1"}}), inngest::unauthorized);
  }
}

TEST_CASE("an API call is authorized by the hashed signing key, and by the fallback when that is refused",
          "[client][api]") {
  sender s([](const request& r) {
    const std::string bearer = header(r, "authorization");
    return response{.status = bearer.find("signkey-b-") != std::string::npos ? 200 : 401};
  });
  s.options.signing_key = "signkey-a-00ff";
  s.options.signing_key_fallback = "signkey-b-0102";
  CHECK(s.app().call_api({.method = "POST", .url = "/x", .headers = {{"own", "1"}}, .body = "b"}).status ==
        200);
  const auto sent = s.transport->requests();
  REQUIRE(sent.size() == 2);
  // the SHA-256 of the bytes 00 ff
  CHECK(header(sent[0], "authorization") ==
        "Bearer signkey-a-06eb7d6a69ee19e5fbdf749018d3d2abfa04bcbd1365db312eb86dc7169389b8");
  CHECK(sent[1].url == "https://api.inngest.com/x");
  CHECK(header(sent[1], "own") == "1");
  CHECK(std::count_if(sent[1].headers.begin(), sent[1].headers.end(),
                      [](const auto& each) { return each.first == "authorization"; }) == 1);
}

TEST_CASE("an API call without keys has no authorization, and a refusal is final", "[client][api]") {
  sender s([](const request&) { return response{.status = 401}; });
  CHECK(s.app().call_api({.url = "/x"}).status == 401);
  REQUIRE(s.transport->requests().size() == 1);
  CHECK(header(s.transport->requests()[0], "authorization") == "(absent)");
}

TEST_CASE("a client without transport says which header is missing", "[client][errors]") {
  auto options = support::quiet_options();
  options.transport = nullptr;
  const client app(options);
  if (inngest::detail::default_transport()) {
    SUCCEED("the default transport is included elsewhere in this program");
  } else {
    CHECK_THAT(message_of<inngest::configuration_error>([&] { app.send(client_shop::placed{{"o1"}}); }),
               Catch::Matchers::ContainsSubstring("transport"));
  }
}

TEST_CASE("the timeout is the transport's", "[client][send]") {
  sender s(ids_of);
  s.options.timeout = 1234ms;
  s.app().send(client_shop::placed{{"o1"}});
  CHECK(s.transport->timeouts().front() == 1234ms);
}

TEST_CASE("a client may be used from many threads at once", "[client][threads]") {
  sender s(ids_of);
  const client app = s.app();
  std::vector<std::thread> threads;
  std::atomic<int> sent = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, copy = app] {
      for (int i = 0; i < 50; ++i) sent += static_cast<int>(copy.send(client_shop::placed{{"o"}}).ids.size());
    });
  }
  for (std::thread& each : threads) each.join();
  CHECK(sent == 400);
}

// ---- functions ------------------------------------------------------------------------------------------

TEST_CASE("a function knows its id, slug, app, options and triggers", "[client][function]") {
  const client app = support::quiet_client();
  const auto f =
      app.create_function({.id = "greet", .name = "Greet", .retries = 3}, inngest::on<client_shop::placed>(),
                          [](auto&) { return std::string("x"); });
  CHECK(f.id() == "greet");
  CHECK(f.slug() == "app-greet");
  CHECK(f.app_id() == "app");
  CHECK(f.options().name == "Greet");
  CHECK(f.triggers().at(0).event == "shop/placed");
  static_assert(std::is_same_v<decltype(f)::output_type, std::string>);
}

TEST_CASE("handlers return nothing or a value, and take their context by name or as auto",
          "[client][function]") {
  const client app = support::quiet_client();
  auto nothing = app.create_function({.id = "a"}, inngest::on<client_shop::plain>(),
                                     [](inngest::context<client_shop::plain>&) {});
  auto named =
      app.create_function({.id = "b"}, inngest::on<client_shop::plain>(),
                          [](const inngest::context<client_shop::plain>& ctx) { return ctx.function_id; });
  auto generic = app.create_function({.id = "c"}, inngest::on<client_shop::plain>(), [](auto& ctx) {
    return json{ctx.run_id, ctx.attempt, *ctx.max_attempts};
  });
  static_assert(std::is_void_v<decltype(nothing)::output_type>);
  support::run_driver run(nothing);
  CHECK(run.discover().text == "null");
  CHECK(support::run_driver(named).discover().text == R"("b")");
  support::run_driver third(generic);
  third.request.attempt = 2;
  CHECK(third.discover().body() == json{"01RUN", 2, 4});
}

TEST_CASE("a result that JSON can't hold fails the run once", "[client][function][errors]") {
  const client app = support::quiet_client();
  auto f = app.create_function({.id = "a"}, inngest::on<client_shop::plain>(),
                               [](auto&) { return std::string("\xff"); });
  const auto reply = support::run_driver(f).discover();
  CHECK(reply.status == 400);
  CHECK(reply.header("x-inngest-no-retry") == "true");
  CHECK(reply.body().at("message") == "result: text that is not UTF-8 has no JSON form");
}

TEST_CASE("options that no server would take are refused", "[client][function][options]") {
  const client app = support::quiet_client();
  const auto handler = [](auto&) {};
  const auto refused = [&](inngest::function_options options) {
    return message_of<inngest::configuration_error>([&] {
      static_cast<void>(app.create_function(std::move(options), inngest::on<client_shop::plain>(), handler));
    });
  };
  using Catch::Matchers::ContainsSubstring;
  CHECK_THAT(refused({}), ContainsSubstring("id"));
  CHECK_THAT(refused({.id = "f", .retries = 21}), ContainsSubstring("retries") && ContainsSubstring("\"f\""));
  CHECK_THAT(refused({.id = "f", .retries = -1}), ContainsSubstring("retries"));
  CHECK_THAT(
      refused({.id = "f", .concurrency = {{.limit = 1}, {.limit = 2, .key = "a"}, {.limit = 3, .key = "b"}}}),
      ContainsSubstring("concurrency"));
  CHECK_THAT(refused({.id = "f", .concurrency = -1}), ContainsSubstring("concurrency"));
  CHECK_THAT(
      refused({.id = "f", .concurrency = {{.limit = 1, .scope = inngest::concurrency_scope::account}}}),
      ContainsSubstring("key"));
  CHECK_THAT(
      refused({.id = "f", .concurrency = {{.limit = 1, .scope = inngest::concurrency_scope::environment}}}),
      ContainsSubstring("key"));
  CHECK_THAT(refused({.id = "f", .rate_limit = inngest::rate_limit{.limit = 1, .period = 25h}}),
             ContainsSubstring("rate"));
  CHECK_THAT(refused({.id = "f", .debounce = inngest::debounce{.period = 0s}}),
             ContainsSubstring("debounce"));
  CHECK_THAT(refused({.id = "f", .debounce = inngest::debounce{.period = 24h * 8}}),
             ContainsSubstring("debounce"));
  CHECK_THAT(refused({.id = "f", .debounce = inngest::debounce{.period = 1s, .timeout = -1s}}),
             ContainsSubstring("debounce"));
  CHECK_THAT(refused({.id = "f", .timeouts = {.start = -1s}}), ContainsSubstring("timeouts"));
  CHECK_THAT(refused({.id = "f", .timeouts = {.finish = -1s}}), ContainsSubstring("timeouts"));
  CHECK_THAT(refused({.id = "f", .cancel_on = {{.event = "a", .timeout = -1s}}}),
             ContainsSubstring("cancel_on"));
  inngest::function_options cancels{.id = "f"};
  cancels.cancel_on.assign(6, {.event = "a"});
  CHECK_THAT(refused(cancels), ContainsSubstring("cancel_on"));
}

TEST_CASE("options at their limits are taken", "[client][function][options]") {
  const client app = support::quiet_client();
  const auto handler = [](auto&) {};
  const auto taken = [&](inngest::function_options options) {
    CHECK_NOTHROW(app.create_function(std::move(options), inngest::on<client_shop::plain>(), handler));
  };
  taken({.id = "f", .retries = 0});
  taken({.id = "f", .retries = 20});
  taken({.id = "f", .concurrency = 1});
  taken({.id = "f",
         .concurrency = {{.limit = 1},
                         {.limit = 5, .key = "event.data.a", .scope = inngest::concurrency_scope::account}}});
  taken({.id = "f", .rate_limit = inngest::rate_limit{.limit = 1, .period = 24h}});
  taken({.id = "f", .debounce = inngest::debounce{.period = 1s, .timeout = 1h}});
  taken({.id = "f", .debounce = inngest::debounce{.period = 24h * 7}});
  taken({.id = "f", .throttle = inngest::throttle{.limit = 1, .period = 1s, .burst = 3}});
  taken({.id = "f", .singleton = inngest::singleton{}});
  taken({.id = "f", .timeouts = {.start = 10s, .finish = 1h}});
}

TEST_CASE("schedules are checked for their five fields", "[client][function][cron]") {
  const client app = support::quiet_client();
  for (const char* good :
       {"0 4 * * 0", "*/5 * * * *", "TZ=Europe/Paris 0 9 * * 1-5", "0 0 1 1 *", "1,2,3 0-5 */2 * 6"}) {
    CAPTURE(good);
    CHECK_NOTHROW(app.create_function({.id = "f"}, inngest::cron(good), [](auto&) {}));
  }
  for (const char* bad : {"", " ", "not a cron", "* * * *", "* * * * * * *", "TZ=Europe/Paris"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(app.create_function({.id = "f"}, inngest::cron(bad), [](auto&) {}),
                    inngest::configuration_error);
  }
}

TEST_CASE("a trigger's event name has at most 255 characters", "[client][function][options]") {
  const client app = support::quiet_client();
  auto trigger = inngest::on<client_shop::plain>();
  trigger.definitions.front().event = std::string(255, 'a');
  CHECK_NOTHROW(app.create_function({.id = "f"}, trigger, [](auto&) {}));
  trigger.definitions.front().event += 'a';
  CHECK_THROWS_AS(app.create_function({.id = "f"}, trigger, [](auto&) {}), inngest::configuration_error);
}

TEST_CASE("at most ten triggers", "[client][function]") {
  const client app = support::quiet_client();
  auto ten = inngest::on<client_shop::plain>();
  for (int i = 0; i < 9; ++i) ten.definitions.push_back({.event = "e" + std::to_string(i)});
  CHECK_NOTHROW(app.create_function({.id = "f"}, ten, [](auto&) {}));
  ten.definitions.push_back({.event = "one too many"});
  CHECK_THROWS_AS(app.create_function({.id = "f"}, ten, [](auto&) {}), inngest::configuration_error);
}

TEST_CASE("taking over the transport lasts until it is given back, once at a time", "[client]") {
  sender s(ids_of);
  const client app = s.app();
  auto engine = std::make_shared<fake_transport>(ids_of);
  app.replace_transport(engine);
  CHECK_THROWS_AS(app.replace_transport(engine), inngest::configuration_error);
  app.send(client_shop::placed{{"o"}});
  CHECK(engine->requests().size() == 1);
  CHECK(s.transport->requests().empty());
  app.restore_transport();
  app.send(client_shop::placed{{"o"}});
  CHECK(s.transport->requests().size() == 1);
}

TEST_CASE("a key that is made of asterisks is hidden like any other", "[client]") {
  struct refusing final : inngest::http::transport {
    inngest::http::response send(const inngest::http::request&, std::chrono::milliseconds) override {
      return {.status = 400, .body = R"({"error":"no key *** or ******"})"};
    }
  };
  const inngest::client app({.id = "app",
                             .event_key = "***",
                             .mode = inngest::mode::dev,
                             .transport = std::make_shared<refusing>()});
  CHECK_THROWS_AS(app.send(inngest::event<"test/hello">{}), inngest::event_rejected);
}
