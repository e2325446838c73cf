#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <inngest/adapters/httplib.hpp>
#include <inngest/serve.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"
#include "support/http_client.hpp"
#include "support/message_of.hpp"

// What serving can do beyond one answer to one request: state that must be fetched, streamed answers, the
// strict mode, keys that change, dependencies.

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using inngest::http::request;
using inngest::http::response;
using support::answer;
using support::hash_of;
using support::post;
using test_event = inngest::event<"test/event">;
using strings = std::vector<std::string>;

const std::string key = "signkey-test-0123456789abcdef0123456789abcdef";
const std::string other_key = "signkey-test-ffffffffffffffffffffffffffffffff";

std::chrono::sys_seconds clock_now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

request signed_with(request r, const std::string& signing_key) {
  r.headers.add("X-Inngest-Signature", inngest::protocol::sign(r.body, signing_key, clock_now()));
  return r;
}

template <class Handler>
inngest::handler serving(inngest::client_options options, Handler body, inngest::serve_options serve = {}) {
  const inngest::client app(std::move(options));
  return inngest::handler(app, {app.create_function({.id = "f"}, inngest::on<test_event>(), std::move(body))},
                          std::move(serve));
}

inngest::client_options answering(support::fake_transport::answerer answer) {
  auto options = support::quiet_options();
  options.transport = std::make_shared<support::fake_transport>(std::move(answer));
  return options;
}

}  // namespace

// ---- state that must be fetched -------------------------------------------------------------------------

TEST_CASE("events and steps that are too large for a call are fetched", "[serve][use_api]") {
  strings asked;
  auto options = answering([&](const request& r) {
    asked.push_back(r.method + " " + r.path() + " " +
                    std::string(r.headers.find("authorization").value_or("")));
    if (r.path().ends_with("/batch"))
      return response{.body =
                          R"([{"name":"test/event","data":{"n":7}},{"name":"test/event","data":{"n":8}}])"};
    return response{.body = json{{hash_of("a"), {{"data", 35}}}}.dump()};
  });
  options.signing_key = key;
  options.mode = inngest::mode::dev;
  const auto handler = serving(options, [](inngest::context<test_event>& ctx) {
    const int a = ctx.step.run("a", [] { return 0; });
    return a + ctx.event.data.at("n").get<int>() + static_cast<int>(ctx.events.size());
  });
  const json body{{"event", json::object()},
                  {"events", json::array()},
                  {"steps", json::object()},
                  {"ctx", {{"run_id", "01RUN"}, {"attempt", 0}, {"use_api", true}}}};
  CHECK(answer(handler(post("app-f", body.dump()))).text == "44");
  REQUIRE(asked.size() == 2);
  CHECK_THAT(asked[0], ContainsSubstring("GET /v0/runs/01RUN/batch Bearer signkey-test-"));
  CHECK_THAT(asked[1], ContainsSubstring("GET /v0/runs/01RUN/actions Bearer signkey-test-"));
}

TEST_CASE("the fallback key is tried for fetched state", "[serve][use_api]") {
  std::atomic<int> refused = 0;
  auto options = answering([&](const request& r) {
    const std::string token(r.headers.find("authorization").value_or(""));
    if (token != "Bearer " + inngest::protocol::hashed_signing_key(other_key)) {
      ++refused;
      return response{.status = 401};
    }
    return response{.body = r.path().ends_with("/batch") ? R"([{"name":"test/event","data":{}}])" : "{}"};
  });
  options.signing_key = key;
  options.signing_key_fallback = other_key;
  const auto handler = serving(options, [](auto&) { return 1; });
  const std::string body = R"({"ctx":{"run_id":"R","use_api":true},"steps":{}})";
  CHECK(answer(handler(post("app-f", body))).status == 200);
  CHECK(refused == 2);
}

TEST_CASE("state that can't be fetched is an error that is tried again", "[serve][use_api]") {
  const std::string body = R"({"ctx":{"run_id":"R","use_api":true}})";
  for (const int status : {500, 410, 401}) {
    const auto handler = serving(answering([&](const request&) { return response{.status = status}; }),
                                 [](auto&) { return 1; });
    const answer reply(handler(post("app-f", body)));
    CHECK(reply.status == 500);
    CHECK_THAT(reply.text, ContainsSubstring(std::to_string(status)));
  }
  for (const char* garbage : {"", "garbage", "{}", "[1]", "[{]", "null"}) {
    CAPTURE(garbage);
    const auto handler = serving(answering([&](const request&) { return response{.body = garbage}; }),
                                 [](auto&) { return 1; });
    CHECK(answer(handler(post("app-f", body))).status >= 400);
  }
}

// ---- streaming ------------------------------------------------------------------------------------------

TEST_CASE("a streamed answer is white space and then the answer", "[serve][streaming]") {
  auto options = support::quiet_options();
  options.signing_key = key;
  std::atomic<int> pieces = 0;
  const auto handler =
      serving(options,
              [&](inngest::context<test_event>& ctx) {
                ctx.step.run("slow", [&] { support::eventually([&] { return pieces > 1; }); });
              },
              {.streaming = true, .heartbeat = 5ms});
  const response reply = handler(signed_with(post("app-f", support::call().text()), key));
  CHECK(reply.status == 201);
  CHECK(reply.headers.find("x-inngest-sdk"));
  REQUIRE(reply.stream);
  std::string text;
  reply.stream([&](std::string_view chunk) {
    text += chunk;
    ++pieces;
    return true;
  });
  CHECK(pieces > 2);
  CHECK(text.front() == ' ');
  const json inner = json::parse(text);
  CHECK(inner.at("status") == 206);
  CHECK(json::parse(inner.at("body").get<std::string>()).at(0).at("op") == "StepRun");
  const std::string body = inner.at("body");
  CHECK(inner.at("headers").at("x-inngest-req-version") == "2");
  CHECK(inngest::protocol::verify(inner.at("headers").at("x-inngest-signature").get<std::string>(), body, key,
                                  clock_now()));
}

TEST_CASE("a stream that nobody listens to lets the function end", "[serve][streaming]") {
  std::atomic<bool> began = false, ended = false;
  const auto handler = serving(support::quiet_options(),
                               [&](inngest::context<test_event>& ctx) {
                                 ctx.step.run("slow", [&] {
                                   began = true;
                                   std::this_thread::sleep_for(20ms);
                                   ended = true;
                                 });
                               },
                               {.streaming = true, .heartbeat = 1ms});
  handler(post("app-f", support::call().text())).stream([&](std::string_view) {
    return !began;  // a step that has not begun when the client is gone does not begin
  });
  CHECK(ended);
}

TEST_CASE("a streamed answer over a real connection reads like the recorded ones",
          "[serve][streaming][httplib]") {
  httplib::Server server;
  const inngest::client app(support::quiet_options());
  inngest::serve(server, app,
                 {app.create_function({.id = "f"}, inngest::on<test_event>(),
                                      [](auto&) -> int { throw inngest::non_retriable_error("never"); })},
                 {.streaming = true, .heartbeat = 1ms});
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread thread([&] { server.listen_after_bind(); });
  support::http_client client(port);
  const auto reply =
      client.Post("/api/inngest?fnId=app-f&stepId=step", support::call().text(), "application/json");
  server.stop();
  thread.join();
  REQUIRE(reply);
  CHECK(reply->status == 201);
  const json inner = json::parse(reply->body);
  CHECK(inner.at("status") == 400);
  CHECK(inner.at("headers").at("x-inngest-no-retry") == "true");
}

TEST_CASE("unsigned calls in cloud mode are refused without a stream", "[serve][streaming]") {
  auto options = support::quiet_options(inngest::mode::cloud);
  options.signing_key = key;
  const auto handler = serving(options, [](auto&) {}, {.streaming = true});
  const response reply = handler(post("app-f", support::call().text()));
  CHECK(reply.status == 401);
  CHECK_FALSE(reply.stream);
}

// ---- strict mode ----------------------------------------------------------------------------------------

TEST_CASE("strict mode finds a handler that takes another way the second time", "[serve][strict]") {
  int times = 0;
  const auto handler = serving(support::quiet_options(),
                               [&](inngest::context<test_event>& ctx) {
                                 ctx.step.run("a", [] {});
                                 ctx.step.run(std::string(times++ % 2 == 0 ? "b" : "c"), [] {});
                               },
                               {.strict = true});
  support::call call;
  call.steps[hash_of("a")] = {{"data", nullptr}};
  call.stack.push_back(hash_of("a"));
  const answer reply(handler(post("app-f", call.text())));
  CHECK(reply.status == 400);
  CHECK(reply.header("x-inngest-no-retry") == "true");
  CHECK_THAT(reply.text, ContainsSubstring("its step 2") && ContainsSubstring("step \\\"b\\\"") &&
                             ContainsSubstring("step \\\"c\\\""));
}

TEST_CASE("strict mode lets a deterministic handler be and runs each step once", "[serve][strict]") {
  strings ran;
  const inngest::client app(support::quiet_options());
  auto f = app.create_function({.id = "f"}, inngest::on<test_event>(), [&](auto& ctx) {
    ctx.step.run("a", [&] { ran.push_back("a"); });
    ctx.group.parallel([&] { ctx.step.run("b", [&] { ran.push_back("b"); }); },
                       [&] { ctx.step.run("c", [&] { ran.push_back("c"); }); });
    return 1;
  });
  const inngest::handler handler(app, {f}, {.strict = true});
  support::call call;
  CHECK(answer(handler(post("app-f", call.text()))).operations() == strings{"StepRun:a"});
  call.steps[hash_of("a")] = {{"data", nullptr}};
  call.stack.push_back(hash_of("a"));
  CHECK(answer(handler(post("app-f", call.text()))).operations() ==
        strings{"StepPlanned:b", "StepPlanned:c"});
  CHECK(answer(handler(post("app-f", call.text(), hash_of("c")))).operations() == strings{"StepRun:c"});
  CHECK(ran == strings{"a", "c"});
}

// ---- keys, traces, dependencies, warnings -----------------------------------------------------------------

TEST_CASE("keys are rotated while the app serves", "[serve][signature]") {
  auto options = support::quiet_options(inngest::mode::cloud);
  options.signing_key = key;
  const inngest::client app(options);
  const inngest::handler handler(app,
                                 {app.create_function({.id = "f"}, inngest::on<test_event>(), [](auto&) {})});
  const auto status = [&](const std::string& with) {
    return handler(signed_with(post("app-f", support::call().text()), with)).status;
  };
  CHECK(status(key) == 200);
  CHECK(status(other_key) == 401);
  app.set_keys({.current = other_key, .fallback = key});
  CHECK(status(key) == 200);
  CHECK(status(other_key) == 200);
  app.set_keys({.current = other_key, .fallback = ""});
  CHECK(status(key) == 401);
  CHECK(status(other_key) == 200);
}

TEST_CASE("a trace goes through: into the handler's events and back with the answer", "[serve][trace]") {
  const std::string trace = "00-f58dd2a2f2eebc751a95fc20391769db-fec327f931df203f-01";
  std::string sent;
  const auto handler = serving(
      answering([&](const request& r) {
        sent = r.headers.find("traceparent").value_or("");
        return response{.body = R"({"ids":["1"]})"};
      }),
      [](inngest::context<test_event>& ctx) { ctx.step.send_event("send", inngest::event<"a/b">{}); });
  request r = post("app-f", support::call().text());
  r.headers.add("traceparent", trace);
  r.headers.add("tracestate", "inngest@fn=1");
  const answer reply(handler(r));
  CHECK(sent == trace);
  CHECK(reply.header("traceparent") == trace);
  CHECK(reply.header("tracestate") == "inngest@fn=1");
  CHECK_THAT(reply.header("server-timing"), ContainsSubstring("handler;dur="));
}

struct database {
  std::string name;
};

TEST_CASE("a handler gets what it asks for by type: the function's own first", "[dependencies]") {
  database clients{"client's"};
  auto options = support::quiet_options();
  options.dependencies = {inngest::provide(clients), inngest::provide(std::make_shared<int>(42))};
  const inngest::client app(options);
  const auto named = [](inngest::context<test_event>& ctx) {
    return ctx.get<database>().name + std::to_string(ctx.get<int>());
  };
  const inngest::handler handler(
      app, {app.create_function({.id = "a"}, inngest::on<test_event>(), named),
            app.create_function(
                {.id = "b", .dependencies = {inngest::provide(std::make_shared<database>(database{"own"}))}},
                inngest::on<test_event>(), named),
            app.create_function({.id = "c"}, inngest::on<test_event>(),
                                [](auto& ctx) { return ctx.template get<double>(); })});
  CHECK(answer(handler(post("app-a", support::call().text()))).text == R"("client's42")");
  CHECK(answer(handler(post("app-b", support::call().text()))).text == R"("own42")");
  const answer missing(handler(post("app-c", support::call().text())));
  CHECK_THAT(missing.text, ContainsSubstring("function \\\"c\\\"") && ContainsSubstring("double"));
}

TEST_CASE("a function that ends without a step that the server remembers was changed: a warning", "[serve]") {
  support::log_record log;
  auto options = support::quiet_options();
  options.log = log.logger();
  const auto handler = serving(options, [](inngest::context<test_event>& ctx) { ctx.step.run("a", [] {}); });
  support::call call;
  for (const char* id : {"a", "gone"}) {
    call.steps[hash_of(id)] = {{"data", nullptr}};
    call.stack.push_back(hash_of(id));
  }
  CHECK(answer(handler(post("app-f", call.text()))).status == 200);
  CHECK(log.count("without 1 of the steps that have results on the server") == 1);
}

TEST_CASE("a dev server that asks a cloud app to register is told which is which", "[serve][sync]") {
  auto options = support::quiet_options(inngest::mode::cloud);
  options.signing_key = key;
  options.serve_origin = "https://jobs.example.com";
  const auto handler = serving(options, [](auto&) {});
  request put{.method = "PUT", .url = "/api/inngest"};
  put.headers.add("x-inngest-server-kind", "dev");
  const answer reply(handler(put));
  CHECK(reply.status == 400);
  CHECK_THAT(reply.text,
             ContainsSubstring("this app is in cloud mode") && ContainsSubstring("INNGEST_DEV=1"));

  const auto dev = serving(answering([](const request&) {
                             return response{.status = 400,
                                             .headers = {{"X-Inngest-Server-Kind", "cloud"}},
                                             .body = R"({"error":"expected dev"})"};
                           }),
                           [](auto&) {});
  const auto refused = dev.sync("http://localhost/api/inngest");
  CHECK_FALSE(refused.ok);
  CHECK_THAT(refused.message,
             ContainsSubstring("expected dev") && ContainsSubstring("this app is in dev mode"));
}

TEST_CASE("a refused signing key is never a reason to turn signatures off", "[serve][sync][security]") {
  const int status = GENERATE(401, 403);
  const std::string signing_key = GENERATE(as<std::string>(), key, "");
  auto options = support::quiet_options(inngest::mode::cloud);
  options.signing_key = signing_key;
  options.transport = std::make_shared<support::fake_transport>([&](const request&) {
    return response{.status = status,
                    .headers = {{"X-Inngest-Server-Kind", "dev"}},
                    .body = R"({"error":"the signing key is missing or wrong"})"};
  });
  const auto refused = serving(options, [](auto&) {}).sync("http://localhost/api/inngest");
  CHECK_FALSE(refused.ok);
  CHECK_THAT(refused.message, ContainsSubstring("compare the app's signing key (INNGEST_SIGNING_KEY)") &&
                                  !ContainsSubstring("INNGEST_DEV"));
}
