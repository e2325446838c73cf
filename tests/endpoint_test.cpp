// Durable endpoints, with a stand-in for the server: what is sent to it, what clients get, and failures.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <inngest/endpoint.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"
#include "support/replies.hpp"

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using inngest::endpoint_context;
using inngest::json;
using inngest::http::request;
using inngest::http::response;
using support::hash_of;
using strings = std::vector<std::string>;

struct basket {
  std::string id{};
  int amount = 0;
};
INNGEST_FIELDS(basket, id, amount)

/// A server's API for endpoints that answers as it is told, and what it was sent.
struct standin {
  std::vector<int> statuses{};  // 200 when they are used up; 0: no answer
  strings paths{};
  std::vector<json> bodies{};
  std::string token = "TOKEN";
  json events = json::array();
  json actions = json::object();
  response output{.status = 200};
  std::vector<int> metadata_statuses{};  // like `statuses`, for metadata of runs that have begun
  json metadata = json::array();         // that was accepted
  std::string begun{};                   // the run that is known
  std::string last_retry_after{};        // of the last request with operations

  response operator()(const request& asked) {
    paths.push_back(asked.method + " " + asked.url.substr(asked.url.find("/v")));
    if (asked.url.find("/batch") != std::string::npos) return {.body = events.dump()};
    if (asked.url.find("/actions") != std::string::npos) return {.body = actions.dump()};
    if (asked.url.find("/output") != std::string::npos) return output;
    if (asked.url.ends_with("/metadata")) return add_metadata(asked);
    bodies.push_back(json::parse(asked.body));
    last_retry_after = asked.headers.find("retry-after").value_or("(absent)");
    const int status = statuses.empty() ? 200 : statuses.front();
    if (!statuses.empty()) statuses.erase(statuses.begin());
    if (asked.url.ends_with("/checkpoint") && (status == 200 || status == 0))
      begun = bodies.back().at("run_id").get<std::string>();
    if (status == 0) throw inngest::unreachable("no server");
    if (status != 200) return {.status = status, .body = R"({"error":"refused"})"};
    const json data{{"fn_id", "FN"}, {"app_id", "APP"}, {"run_id", "R"}, {"token", token}};
    return {.body = json{{"data", data}}.dump()};
  }
  /// Like an engine, refuses metadata of a run that it does not know.
  response add_metadata(const request& asked) {
    if (begun.empty() || asked.url.find("/v1/runs/" + begun + "/") == std::string::npos)
      return {.status = 404, .body = R"({"error":"there is no such run"})"};
    const int status = metadata_statuses.empty() ? 200 : metadata_statuses.front();
    if (!metadata_statuses.empty()) metadata_statuses.erase(metadata_statuses.begin());
    if (status == 0) throw inngest::unreachable("no server");
    if (status != 200) return {.status = status, .body = R"({"error":"too large"})"};
    const json body = json::parse(asked.body);
    for (const json& added : body.at("metadata")) metadata.push_back(added);
    return {};
  }
  /// The kinds and values of the metadata that was accepted, in order.
  strings stored() const {
    strings out;
    for (const json& added : metadata)
      out.push_back(added.at("kind").get<std::string>() + " " + added.at("values").dump());
    return out;
  }
  /// The operations of each request.
  strings operations() const {
    strings out;
    for (const json& body : bodies) {
      std::string text;
      for (const json& op : body.at("steps"))
        text += op.at("op").get<std::string>() + ":" + op.value("displayName", "") + " ";
      out.push_back(text);
    }
    return out;
  }
};

struct app_with_server {
  std::shared_ptr<standin> server = std::make_shared<standin>();
  support::log_record log;
  inngest::client app;

  explicit app_with_server(inngest::client_options options = support::quiet_options())
      : app(make(std::move(options))) {}

  inngest::client make(inngest::client_options options) {
    options.transport = std::make_shared<support::fake_transport>(
        [server = server](const request& asked) { return (*server)(asked); });
    options.log = log.logger();
    return inngest::client(std::move(options));
  }
};

request post(std::string body = R"({"id":"o1","amount":21})", std::string url = "/checkout?tag=t1") {
  return {.method = "POST",
          .url = std::move(url),
          .headers = {{"host", "shop.test"},
                      {"content-type", "application/json"},
                      {"x-forwarded-for", "10.0.0.7, 10.0.0.1"},
                      {"authorization", "Bearer of-client"}},
          .body = std::move(body)};
}

/// A call by which the server continues a run.
request call_of(const std::string& run_id, inngest::http::headers more = {}) {
  request out = post();
  out.headers = {{"host", "shop.test"}, {"x-run-id", run_id}, {"x-inngest-req-version", "2"}};
  for (const auto& [name, value] : more) out.headers.add(name, value);
  return out;
}

/// A server that never answers.
struct slow_transport final : inngest::http::transport {
  response send(const request&, std::chrono::milliseconds timeout) override {
    std::this_thread::sleep_for(timeout);
    throw inngest::unreachable("no answer in time");
  }
};

constexpr const char* some_run = "01JZZZZZZZZZZZZZZZZZZZZZZZ";

std::string header(const response& answer, std::string_view name) {
  return std::string(answer.headers.find(name).value_or("(absent)"));
}

/// Two steps, and how often each ran.
struct two_steps {
  std::shared_ptr<strings> ran = std::make_shared<strings>();
  response operator()(endpoint_context& ctx) const {
    const int first = ctx.step.run("a", [&] { return ran->push_back("a"), 20; });
    const int second = ctx.step.run("b", [&] { return ran->push_back("b"), first + 1; });
    return {.status = 201, .headers = {{"X-Mine", "yes"}}, .body = std::to_string(second)};
  }
};

}  // namespace

TEST_CASE("an endpoint begins a run with its first step, saves every step, and reports the response",
          "[endpoint]") {
  app_with_server f;
  const two_steps body;
  const auto handler = inngest::endpoint(f.app, {.id = "checkout", .retries = 5}, body).serve();
  const response answer = handler(post());
  CHECK(answer.status == 201);
  CHECK(answer.body == "21");
  CHECK(header(answer, "x-mine") == "yes");
  CHECK(*body.ran == strings{"a", "b"});
  CHECK(f.server->operations() == strings{"StepRun:a ", "StepRun:b ", "RunComplete: "});

  const std::string run_id = header(answer, "x-run-id");
  CHECK(f.server->paths == strings{"POST /v1/checkpoint", "POST /v1/checkpoint/" + run_id + "/steps",
                                   "POST /v1/checkpoint/" + run_id + "/steps"});
  const json& begun = f.server->bodies.at(0);
  CHECK(begun.at("run_id") == run_id);
  CHECK(begun.at("retries") == 5);
  CHECK(begun.at("request_version") == 2);
  CHECK(begun.at("event").at("name") == "inngest/http.request");
  const json& data = begun.at("event").at("data");
  CHECK(data.at("domain") == "http://shop.test");
  CHECK(data.at("path") == "/checkout");
  CHECK(data.at("query_params") == "tag=t1");
  CHECK(data.at("fn") == "checkout");
  CHECK(data.at("ip") == "10.0.0.7");
  CHECK(data.at("body") == "eyJpZCI6Im8xIiwiYW1vdW50IjoyMX0=");  // servers decode it
  CHECK(f.server->bodies.at(1).at("fn_id") == "FN");
  CHECK(f.server->bodies.at(1).at("app_id") == "APP");
  const json& end = f.server->bodies.at(2).at("steps").at(0);
  CHECK(end.at("id") == hash_of("complete"));
  CHECK(end.at("data").at("status") == 201);
  CHECK(end.at("data").at("body") == "21");
  CHECK(end.at("data").at("headers").at("x-mine") == "yes");
}

TEST_CASE("the server continues a run at the origin of the settings, or where the client has reached it",
          "[endpoint]") {
  auto options = support::quiet_options(inngest::mode::cloud);
  options.signing_key = "signkey-test-00112233";
  const auto domain_of = [&](std::string origin, request asked) {
    options.serve_origin = std::move(origin);
    options.serve_path = "/api/inngest";  // of the functions
    app_with_server f(options);
    CHECK(inngest::endpoint(f.app, {.id = "e"}, two_steps{}).serve()(std::move(asked)).status == 201);
    const json& data = f.server->bodies.at(0).at("event").at("data");
    CHECK(data.at("path") == "/checkout");
    return std::pair(data.at("domain").get<std::string>(), f.log.count("INNGEST_SERVE_ORIGIN"));
  };
  CHECK(domain_of("https://shop.example", post()) ==
        std::pair(std::string("https://shop.example"), std::size_t{0}));
  CHECK(domain_of("", post()) == std::pair(std::string("http://shop.test"), std::size_t{1}));
  request proxied = post();
  proxied.headers.add("x-forwarded-proto", "https");
  CHECK(domain_of("", proxied).first == "https://shop.test");
}

TEST_CASE("an endpoint without steps is recorded, unless its options say otherwise", "[endpoint]") {
  app_with_server f;
  const auto hello = [](endpoint_context&) { return std::string("hello"); };
  CHECK(inngest::endpoint(f.app, {.id = "e"}, hello).serve()(post()).body == "\"hello\"");
  CHECK(f.server->operations() == strings{"RunComplete: "});
  const auto silent = inngest::endpoint(f.app, {.id = "e", .record_without_steps = false}, hello);
  CHECK(silent.serve()(post()).body == "\"hello\"");
  CHECK(f.server->bodies.size() == 1);
}

TEST_CASE("what needs the server ends the client's wait: it is redirected, gets a token, or a custom answer",
          "[endpoint]") {
  app_with_server f;
  f.server->token = "a+b";
  const auto sleepy = [](endpoint_context& ctx) {
    ctx.step.run("a", [] {});
    ctx.step.sleep("nap", 1h);
    return 0;
  };
  const response redirect = inngest::endpoint(f.app, {.id = "e"}, sleepy).serve()(post());
  CHECK(redirect.status == 303);
  const std::string run_id = header(redirect, "x-run-id");
  CHECK(header(redirect, "location") == "?inngestRun=" + run_id + "&inngestToken=a%2Bb");
  CHECK(header(redirect, "cache-control") == "no-store");
  CHECK(f.server->operations() == strings{"StepRun:a ", "Sleep:nap "});

  const auto elsewhere =
      inngest::endpoint(f.app, {.id = "e", .redirect_url = "/results?x=1"}, sleepy).serve()(post());
  CHECK_THAT(header(elsewhere, "location"), StartsWith("/results?x=1&runId="));
  CHECK_THAT(header(elsewhere, "location"), ContainsSubstring("&token=a%2Bb"));

  const auto token = inngest::endpoint(f.app, {.id = "e", .when_async = inngest::async_answer::token}, sleepy)
                         .serve()(post());
  CHECK(token.status == 200);
  CHECK(json::parse(token.body).at("token") == "a+b");
  CHECK(json::parse(token.body).at("run_id") == header(token, "x-run-id"));

  const auto custom = inngest::endpoint(f.app,
                                        {.id = "e",
                                         .custom_answer =
                                             [](const request& asked, const inngest::pending_response& run) {
                                               return response{.status = 202,
                                                               .headers = {{"Content-Type", "text/html"}},
                                                               .body = asked.url + run.token};
                                             }},
                                        sleepy)
                          .serve()(post());
  CHECK(custom.status == 202);
  CHECK(custom.body == "/checkout?tag=t1a+b");
  CHECK(custom.headers.begin()->first == "content-type");  // as adapters compare it
}

TEST_CASE("parallel steps, retries and the time limit of an endpoint leave the rest to the server",
          "[endpoint]") {
  app_with_server f;
  const auto operations_of = [&](inngest::endpoint_options options, auto body) {
    f.server->bodies.clear();
    CHECK(inngest::endpoint(f.app, std::move(options), body).serve()(post()).status == 303);
    return f.server->operations();
  };
  CHECK(operations_of({.id = "e"}, [](endpoint_context& ctx) {
          const auto [a, b] = ctx.group.parallel([&] { return ctx.step.run("a", [] { return 1; }); },
                                                 [&] { return ctx.step.run("b", [] { return 2; }); });
          return a + b;
        }) == strings{"StepPlanned:a StepPlanned:b "});
  CHECK(operations_of({.id = "e"}, [](endpoint_context& ctx) {
          return ctx.step.run("a", []() -> int { throw std::runtime_error("busy"); });
        }) == strings{"StepError:a "});
  CHECK(operations_of({.id = "e", .retries = 0}, [](endpoint_context& ctx) {
          return ctx.step.run("a", []() -> int { throw std::runtime_error("busy"); });
        }) == strings{"StepFailed:a "});
  CHECK(operations_of({.id = "e"}, [](endpoint_context&) -> int { throw std::runtime_error("busy"); }) ==
        strings{"StepError: "});
  CHECK(f.server->bodies.at(0).at("steps").at(0).at("id") == hash_of("complete"));
  CHECK(operations_of({.id = "e", .max_runtime = 0ms}, [](endpoint_context& ctx) {
          return ctx.step.run("a", [] { return 1; });
        }) == strings{"StepPlanned:a "});
}

TEST_CASE("an error that is final is the response, and the server learns of it", "[endpoint]") {
  app_with_server f;
  const auto bad = inngest::endpoint(
      f.app, {.id = "e"}, [](endpoint_context&) -> int { throw inngest::non_retriable_error("sold out"); });
  const response answer = bad.serve()(post());
  CHECK(answer.status == 500);
  CHECK(json::parse(answer.body).at("message") == "sold out");
  CHECK(f.server->operations() == strings{"RunComplete: "});
  CHECK(f.server->bodies.at(0).at("steps").at(0).at("data").at("status") == 500);
  const auto once = inngest::endpoint(f.app, {.id = "e", .retries = 0}, [](endpoint_context&) -> int {
    throw std::runtime_error("no attempts left");
  });
  CHECK(once.serve()(post()).status == 500);
}

TEST_CASE("a body that does not fit its type, and an http_error, are answered with their status",
          "[endpoint]") {
  app_with_server f;
  const auto typed = inngest::endpoint(f.app, {.id = "e"}, [](endpoint_context& ctx) {
    const auto asked = ctx.body<basket>();
    if (asked.amount > 100) throw inngest::http_error(422, "too much");
    return asked.amount;
  });
  const auto handler = typed.serve();
  CHECK(handler(post()).body == "21");
  const response unfit = handler(post(R"({"id":"x","amount":"many"})"));
  CHECK(unfit.status == 400);
  CHECK_THAT(unfit.body, ContainsSubstring("body.amount"));
  CHECK(handler(post("garbage")).status == 400);
  const response refused = handler(post(R"({"id":"x","amount":101})"));
  CHECK(refused.status == 422);
  CHECK(json::parse(refused.body).at("message") == "too much");
}

TEST_CASE("a run stops when its progress can't be saved, and says so", "[endpoint][failures]") {
  app_with_server f;
  const auto attempts = [&](std::vector<int> statuses) {
    f.server->statuses = std::move(statuses);
    f.server->bodies.clear();
    const two_steps body;
    const response answer = inngest::endpoint(f.app, {.id = "e"}, body).serve()(post());
    return std::pair(answer, *body.ran);
  };
  // the first step ran, and no other begins
  const auto [unreachable, first] = attempts({0, 0, 0, 0, 0});
  CHECK(unreachable.status == 500);
  CHECK_THAT(unreachable.body, ContainsSubstring("could not be saved"));
  CHECK_THAT(unreachable.body, !ContainsSubstring("no server"));  // only the log says that
  CHECK(f.log.count("no server") == 1);
  CHECK(first == strings{"a"});
  CHECK(f.server->bodies.size() == 5);
  CHECK(attempts({400}).second == strings{"a"});
  CHECK(attempts({200, 401}).second == strings{"a", "b"});
  CHECK(attempts({200, 401}).first.status == 500);
  // short troubles are bridged
  CHECK(attempts({503, 0, 429, 200}).first.status == 201);
  // an attempt whose answer was lost has begun the run: nobody knows the run's token any more
  CHECK(attempts({0, 409}).first.status == 500);
  // the server continues the run already
  CHECK(attempts({200, 409}).first.status == 303);
}

TEST_CASE("a run whose first operations were taken, although the answer was lost, is not called stopped",
          "[endpoint][failures]") {
  app_with_server f;
  const auto sleepy = [](endpoint_context& ctx) {
    ctx.step.sleep("nap", 1h);
    return 1;
  };
  // no answer, one of a proxy, and one of a server that could not save the run before the next attempt
  for (const int lost : {0, 408, 500, 502, 503, 504}) {
    CAPTURE(lost);
    f.server->statuses = {lost, 409};
    const response answer = inngest::endpoint(f.app, {.id = "e"}, sleepy).serve()(post());
    REQUIRE(answer.status == 200);
    CHECK(json::parse(answer.body).at("run_id") == header(answer, "x-run-id"));
    CHECK(json::parse(answer.body).at("token") == "");
  }
  for (const std::vector<int>& refused : {std::vector<int>{409}, std::vector<int>{429, 409}}) {
    f.server->statuses = refused;
    CHECK(inngest::endpoint(f.app, {.id = "e"}, sleepy).serve()(post()).status == 500);
  }
}

TEST_CASE("a drain does not wait for clients that wait for a response", "[endpoint][drain]") {
  auto options = support::quiet_options();
  options.transport = std::make_shared<slow_transport>();
  const inngest::client app(std::move(options));
  const auto handler = inngest::endpoint(app, {.id = "e", .wait = 10min}, two_steps{}).serve();
  const auto client = std::make_shared<support::client>();
  handler({.method = "GET", .url = std::string("/checkout?inngestRun=") + some_run + "&inngestToken=t"},
          support::reply_to(client));
  REQUIRE(support::eventually([&] { return handler.calls_under_way() == 1; }));
  CHECK(handler.drain(support::patience));
  CHECK(client->status == 303);
}

TEST_CASE("a client waits on while the server answers that the run has not ended", "[endpoint]") {
  auto options = support::quiet_options();
  const response see_other{.status = 303}, found{.status = 302},
      running{.status = 200, .body = R"({"status":"running"})"},
      ended{.status = 302, .headers = {{"x-inngest-result", "plain"}}, .body = "moved"};
  const auto answers = std::make_shared<std::vector<response>>();
  std::string longest;
  options.transport = std::make_shared<support::fake_transport>([&, answers](const request& asked) {
    longest = asked.headers.find("x-inngest-cpp-longest-wait").value_or("");
    if (answers->empty()) throw inngest::unreachable("it restarts");
    const response out = answers->front();
    answers->erase(answers->begin());
    return out;
  });
  const inngest::client app(std::move(options));
  const std::string run = std::string(some_run);
  const auto endpoint = inngest::endpoint(app, {.id = "e", .wait = support::patience}, two_steps{}).serve();
  const request asked{.method = "GET", .url = "/checkout?inngestRun=" + run + "&inngestToken=t"};
  *answers = {see_other, found, running, ended};
  CHECK(endpoint(asked).body == "moved");
  CHECK(answers->empty());
  CHECK(longest == "4000");  // less than this side waits
  const auto impatient = inngest::endpoint(app, {.id = "i", .wait = 20ms}, two_steps{}).serve();
  CHECK(impatient(asked).status == 502);
  const auto proxy = inngest::endpoint_proxy(app, {.wait = support::patience}).serve();
  *answers = {running, ended};
  CHECK(proxy({.method = "GET", .url = "/results?runId=" + run + "&token=t"}).body == "moved");
}

TEST_CASE("a client is not redirected at once while the server stops, restarts or has a passing problem",
          "[endpoint]") {
  auto options = support::quiet_options();
  const response stops{.status = 302, .headers = {{"retry-after", "1"}}}, absent{.status = 0},
      busy{.status = 503}, ended{.status = 200, .headers = {{"x-inngest-result", "plain"}}, .body = "paid"};
  std::vector<response> answers;
  response last = ended;
  options.transport = std::make_shared<support::fake_transport>([&](const request&) {
    response out = last;
    if (!answers.empty()) {
      out = answers.front();
      answers.erase(answers.begin());
    }
    if (out.status == 0) throw inngest::unreachable("it restarts");
    return out;
  });
  const inngest::client app(std::move(options));
  const request asked{.method = "GET",
                      .url = std::string("/checkout?inngestRun=") + some_run + "&inngestToken=t"};
  const auto patient = inngest::endpoint(app, {.id = "e", .wait = support::patience}, two_steps{}).serve();
  for (const std::vector<response>& first :
       {std::vector<response>{stops}, {absent}, {busy}, {stops, absent, busy}}) {
    answers = first;
    CHECK(patient(asked).body == "paid");
  }
  const auto impatient = inngest::endpoint(app, {.id = "i", .wait = 200ms}, two_steps{}).serve();
  for (const auto& [always, status] : {std::pair{stops, 303}, {absent, 502}, {busy, 502}}) {
    last = always;
    const auto began = std::chrono::steady_clock::now();
    CHECK(impatient(asked).status == status);
    CHECK(std::chrono::steady_clock::now() - began >= 180ms);
  }
}

TEST_CASE("a drain ends the pause of a client whose server stops", "[endpoint][drain]") {
  auto options = support::quiet_options();
  std::atomic<int> asked{0};
  options.transport = std::make_shared<support::fake_transport>([&](const request&) {
    ++asked;
    return response{.status = 302, .headers = {{"retry-after", "1"}}};
  });
  const inngest::client app(std::move(options));
  const auto time_of_drain = [&] {
    asked = 0;
    const auto handler = inngest::endpoint(app, {.id = "e", .wait = 10min}, two_steps{}).serve();
    const auto client = std::make_shared<support::client>();
    handler({.method = "GET", .url = std::string("/checkout?inngestRun=") + some_run + "&inngestToken=t"},
            support::reply_to(client));
    REQUIRE(support::eventually([&] { return asked >= 1; }));
    std::this_thread::sleep_for(50ms);
    REQUIRE(handler.calls_under_way() == 1);
    const auto began = std::chrono::steady_clock::now();
    CHECK(handler.drain(support::patience));
    CHECK(client->status == 303);
    return std::chrono::steady_clock::now() - began;
  };
  // the shortest of several times, because other programs may slow one down
  std::chrono::nanoseconds shortest = time_of_drain();
  for (int i = 0; i < 5 && shortest >= 200ms; ++i)
    shortest = (std::min)(shortest, std::chrono::nanoseconds(time_of_drain()));
  CHECK(shortest < 200ms);  // less than the pause
}

TEST_CASE("a drain that begins while the server answers ends the client's wait", "[endpoint][drain]") {
  auto options = support::quiet_options();
  std::optional<inngest::handler> handler;
  options.transport = std::make_shared<support::fake_transport>([&](const request&) {
    handler->drain(0ms);
    return response{.status = 302};
  });
  const inngest::client app(std::move(options));
  handler = inngest::endpoint(app, {.id = "e", .wait = 10min}, two_steps{}).serve();
  const auto client = std::make_shared<support::client>();
  (*handler)({.method = "GET", .url = std::string("/checkout?inngestRun=") + some_run + "&inngestToken=t"},
             support::reply_to(client));
  CHECK(support::eventually([&] { return handler->calls_under_way() == 0; }));
  CHECK(client->status == 303);
}

TEST_CASE("a drain does not wait for clients whose server answers at once that the run has not ended",
          "[endpoint][drain]") {
  auto options = support::quiet_options();
  std::atomic<int> asked{0};
  options.transport = std::make_shared<support::fake_transport>(
      [&](const request&) { return ++asked, response{.status = 302}; });
  const inngest::client app(std::move(options));
  const std::string run = std::string(some_run);
  const auto check = [&](const inngest::handler& handler, const std::string& url) {
    asked = 0;
    const auto client = std::make_shared<support::client>();
    handler({.method = "GET", .url = url}, support::reply_to(client));
    REQUIRE(support::eventually([&] { return asked >= 2; }));
    CHECK(handler.drain(support::patience));
    CHECK(client->status == 303);
  };
  check(inngest::endpoint(app, {.id = "e", .wait = 10min}, two_steps{}).serve(),
        "/checkout?inngestRun=" + run + "&inngestToken=t");
  check(inngest::endpoint_proxy(app, {.wait = 10min}).serve(), "/results?runId=" + run + "&token=t");
}

TEST_CASE("the response of a run that has ended reaches the client, though its end can't be saved",
          "[endpoint][failures]") {
  app_with_server f;
  f.server->statuses = {200, 200, 400};
  const response answer = inngest::endpoint(f.app, {.id = "e"}, two_steps{}).serve()(post());
  CHECK(answer.status == 201);
  CHECK(f.log.count("the end of the run could not be saved") == 1);
}

TEST_CASE("the server continues a run: steps are fetched, and one runs in each call", "[endpoint]") {
  app_with_server f;
  const two_steps body;
  const auto checkout = inngest::endpoint(f.app, {.id = "e"}, [body](endpoint_context& ctx) {
    CHECK_FALSE(ctx.client_waits());
    CHECK(ctx.run_id == some_run);
    CHECK(ctx.request.method == "PUT");
    CHECK(ctx.request.url == "/checkout?tag=t2");
    CHECK(ctx.body<basket>().id == "o1");
    CHECK(ctx.request.headers.find("content-type") == "text/plain");
    CHECK_FALSE(ctx.request.headers.find("authorization"));
    CHECK(ctx.client_address == "10.0.0.9");
    return body(ctx);
  });
  f.server->events = {{{"name", "inngest/http.request"},
                       {"data",
                        {{"domain", "http://shop.test"},
                         {"method", "PUT"},
                         {"path", "/checkout"},
                         {"query_params", "tag=t2"},
                         {"content_type", "text/plain"},
                         {"ip", "10.0.0.9"},
                         {"fn", "e"},
                         {"body", "eyJpZCI6Im8xIiwiYW1vdW50IjoyMX0="}}}}};
  const auto handler = checkout.serve();
  const response first = handler(call_of(some_run));
  CHECK(first.status == 206);
  CHECK(json::parse(first.body).at(0).at("op") == "StepRun");
  CHECK_THAT(header(first, "x-inngest-sdk"), StartsWith("cpp:"));
  CHECK(f.server->paths == strings{std::string("GET /v0/runs/") + some_run + "/batch",
                                   std::string("GET /v0/runs/") + some_run + "/actions"});
  f.server->actions[hash_of("a")] = {{"data", 20}};
  CHECK(json::parse(handler(call_of(some_run)).body).at(0).at("displayName") == "b");
  CHECK(
      json::parse(handler(call_of(some_run, {{"x-inngest-force-step-plan", "true"}})).body).at(0).at("op") ==
      "StepPlanned");
  const auto targeted = call_of(some_run, {{"x-inngest-step-id", hash_of("b")}});
  CHECK(json::parse(handler(targeted).body).at(0).at("op") == "StepRun");
  f.server->actions[hash_of("b")] = {{"data", 21}};
  const response last = handler(call_of(some_run));
  CHECK(last.status == 206);
  CHECK(json::parse(last.body).at("op") == "RunComplete");  // a server shows no other form
  CHECK(json::parse(last.body).at("data").at("status") == 201);
  CHECK(f.server->bodies.empty());

  CHECK(handler(call_of("not-a-run")).status == 400);
  CHECK(handler(call_of(some_run, {{"x-inngest-step-id", "zz"}})).status == 400);
}

TEST_CASE("what a handler says of its run before the server knows it is sent once the run has begun",
          "[endpoint][metadata]") {
  app_with_server f;
  const auto tagging = inngest::endpoint(f.app, {.id = "e", .retries = 0}, [&](endpoint_context& ctx) {
    ctx.tag("customer", "c1");
    ctx.score("quality", 0.5);
    ctx.set_metadata("rows", {{"read", 3}});
    ctx.step.score("rate", "speed", 2);
    ctx.step.run("a", [&] { ctx.tag("in", "step"); });
    ctx.tag("last", "yes");
    return 1;
  });
  const response answer = tagging.serve()(post());
  CHECK(answer.status == 200);
  CHECK(f.server->operations() == strings{"StepRun:rate ", "StepRun:a ", "RunComplete: "});
  CHECK(f.server->stored() == strings{R"(userland.tags {"customer":"c1"})",
                                      R"(inngest.score {"quality":{"value":0.5}})",
                                      R"(userland.rows {"read":3})", R"(inngest.score {"speed":{"value":2}})",
                                      R"(userland.tags {"in":"step"})", R"(userland.tags {"last":"yes"})"});
  const std::string run_id = header(answer, "x-run-id");
  const std::string metadata = "POST /v1/runs/" + run_id + "/metadata";
  const std::string steps = "POST /v1/checkpoint/" + run_id + "/steps";
  CHECK(f.server->paths == strings{"POST /v1/checkpoint", metadata, metadata, metadata, metadata, metadata,
                                   steps, metadata, steps});
}

TEST_CASE("metadata in the body of an endpoint's first step waits until the step is saved",
          "[endpoint][metadata]") {
  app_with_server f;
  const auto tagging = inngest::endpoint(f.app, {.id = "e"}, [&](endpoint_context& ctx) {
    return ctx.step.run("a", [&] {
      ctx.tag("customer", "c1");
      f.app.score({.run_id = ctx.run_id}, "quality", true, inngest::experiment_ref{"pricing", "new"});
      return 7;
    });
  });
  const response answer = tagging.serve()(post());
  CHECK(answer.status == 200);
  CHECK(answer.body == "7");
  CHECK(f.server->stored() == strings{R"(userland.tags {"customer":"c1"})",
                                      R"(inngest.experiment {"name":"pricing","variant":"new"})",
                                      R"(inngest.score {"quality":{"value":true}})"});
}

TEST_CASE("metadata of an endpoint without steps is stored with its run, or dropped without a run",
          "[endpoint][metadata]") {
  app_with_server f;
  const auto tags = [](endpoint_context& ctx) {
    ctx.tag("customer", "c1");
    ctx.score("quality", 1);
    return 1;
  };
  CHECK(inngest::endpoint(f.app, {.id = "e"}, tags).serve()(post()).status == 200);
  CHECK(f.server->operations() == strings{"RunComplete: "});
  CHECK(f.server->stored().size() == 2);
  f.server->paths.clear();
  const auto unrecorded = inngest::endpoint(f.app, {.id = "e", .record_without_steps = false}, tags);
  CHECK(unrecorded.serve()(post()).status == 200);
  CHECK(f.server->paths.empty());
  CHECK(f.log.count("warn") == 0);

  // the server has not saved the run, either
  f.server->statuses = {400};
  CHECK(inngest::endpoint(f.app, {.id = "e"}, tags).serve()(post()).status == 200);
  CHECK(f.server->paths == strings{"POST /v1/checkpoint"});
}

TEST_CASE("metadata of an endpoint that the server continues is sent when it is handed over",
          "[endpoint][metadata]") {
  app_with_server f;
  const auto sleepy = inngest::endpoint(f.app, {.id = "e"}, [](endpoint_context& ctx) {
    ctx.tag("customer", "c1");
    ctx.step.sleep("nap", 1h);
    return 1;
  });
  CHECK(sleepy.serve()(post()).status == 303);
  CHECK(f.server->stored().size() == 1);
  f.server->metadata = json::array();
  f.server->statuses = {0, 409};  // the run has begun, although the answer was lost
  CHECK(sleepy.serve()(post()).status == 200);
  CHECK(f.server->stored().size() == 1);
  const auto failing = inngest::endpoint(f.app, {.id = "e"}, [](endpoint_context& ctx) -> int {
    ctx.tag("customer", "c2");
    throw std::runtime_error("out of order");
  });
  CHECK(failing.serve()(post()).status == 303);
  CHECK(f.server->stored() ==
        strings{R"(userland.tags {"customer":"c1"})", R"(userland.tags {"customer":"c2"})"});
}

TEST_CASE("kept metadata that the server refuses is a warning, and what gets no answer is sent again",
          "[endpoint][metadata][failures]") {
  app_with_server f;
  const auto tagging = inngest::endpoint(f.app, {.id = "e"}, [](endpoint_context& ctx) {
    ctx.tag("a", "1");
    ctx.tag("b", "2");
    return ctx.step.run("a", [] { return 1; });
  });
  f.server->metadata_statuses = {413, 0, 503};
  const response answer = tagging.serve()(post());
  CHECK(answer.status == 200);
  CHECK(f.server->stored() == strings{R"(userland.tags {"b":"2"})"});
  CHECK(f.log.count("warn") == 1);
  CHECK(f.log.count("before the run had begun was not stored") == 1);
  CHECK(f.server->operations() == strings{"StepRun:a ", "RunComplete: "});

  // the client does not wait for the retries of each
  f.server->paths.clear();
  f.server->metadata_statuses = std::vector<int>(20, 503);
  CHECK(tagging.serve()(post()).status == 200);
  CHECK(f.server->paths.size() == 7);  // two saves, and five attempts for the first tag
  CHECK(f.log.count("the server has stopped answering") == 1);
}

TEST_CASE("anybody may begin a run, and only the server may continue one", "[endpoint][signature]") {
  constexpr const char* key = "signkey-test-00112233";
  auto options = support::quiet_options(inngest::mode::cloud);
  options.signing_key = key;
  app_with_server f(options);
  const two_steps body;
  const auto handler = inngest::endpoint(f.app, {.id = "e"}, body).serve();
  CHECK(handler(post()).status == 201);

  json data{{"domain", "http://shop.test"}, {"method", "POST"}, {"path", "/checkout"}, {"fn", "e"}};
  data["body"] = "eyJpZCI6Im8xIiwiYW1vdW50IjoyMX0=";
  f.server->events = {{{"name", "inngest/http.request"}, {"data", data}}};
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto signed_by = [&](const std::string& signature) {
    return handler(call_of(some_run, {{"x-inngest-signature", signature}}));
  };
  const std::string text = post().body;
  const response good = signed_by(inngest::protocol::sign(text, key, now));
  CHECK(good.status == 206);
  CHECK(inngest::protocol::verify(header(good, "x-inngest-signature"), good.body, key, now));
  const std::size_t ran = body.ran->size();
  for (const std::string& bad :
       {std::string(), std::string("nonsense"), inngest::protocol::sign(text + " ", key, now),
        inngest::protocol::sign(text, "signkey-test-99", now),
        inngest::protocol::sign(text, key, now - 10min)}) {
    CAPTURE(bad);
    CHECK(signed_by(bad).status == 401);
  }
  CHECK(handler(call_of(some_run)).status == 401);
  CHECK(body.ran->size() == ran);
  // a signature of another request, or for another endpoint, continues nothing
  const std::string of_run = inngest::protocol::sign(text, key, now);
  for (const auto& [name, value] : {std::pair("fn", "other"), std::pair("body", "b3RoZXI=")}) {
    json other = data;
    other[name] = value;
    f.server->events = {{{"name", "inngest/http.request"}, {"data", other}}};
    CHECK(signed_by(of_run).status == 400);
  }
  CHECK(body.ran->size() == ran);
  // a proxy's x-run-id means nothing
  request asked = post();
  asked.headers.add("x-run-id", some_run);
  CHECK(header(handler(asked), "x-run-id") != some_run);
}

TEST_CASE("pending responses are fetched with the token, and the server's answers are understood",
          "[endpoint]") {
  app_with_server f;
  const auto handler = inngest::endpoint(f.app, {.id = "e", .wait = 5s}, two_steps{}).serve();
  const request asked{.method = "GET",
                      .url = std::string("/checkout?inngestRun=") + some_run + "&inngestToken=a%2Bb"};
  f.server->output = {.status = 418,
                      .headers = {{"x-inngest-result", "plain x-mine"}, {"x-mine", "1"}, {"date", "now"}},
                      .body = "tea"};
  const response tea = handler(asked);
  CHECK(tea.status == 418);
  CHECK(tea.body == "tea");
  CHECK(header(tea, "x-mine") == "1");
  CHECK(header(tea, "date") == "(absent)");
  CHECK(f.server->paths.back() == std::string("GET /v1/http/runs/") + some_run + "/output?token=a%2Bb");

  f.server->output = {.status = 401};
  CHECK(handler(asked).status == 401);
  const auto impatient = inngest::endpoint(f.app, {.id = "e", .wait = 1ms}, two_steps{}).serve();
  f.server->output = {.status = 200, .body = R"({"status":"running","message":"not yet"})"};
  CHECK(impatient(asked).status == 303);
  f.server->output = {.status = 302};
  CHECK(header(impatient(asked), "location") ==
        std::string("?inngestRun=") + some_run + "&inngestToken=a%2Bb");
  f.server->output = {.status = 200, .body = R"({"error":{"name":"Error","message":"no money"}})"};
  CHECK(handler(asked).status == 500);
  CHECK_THAT(handler(asked).body, ContainsSubstring("no money"));
  f.server->output = {.status = 200, .headers = {{"x-inngest-result", "base64"}}, .body = "!"};
  CHECK(handler(asked).status == 500);
  f.server->output = {.status = 503, .body = R"({"error":"secret detail"})"};
  CHECK(impatient(asked).status == 502);
  CHECK_THAT(impatient(asked).body, !ContainsSubstring("secret"));
  CHECK(handler({.method = "GET", .url = "/checkout?inngestRun=../x&inngestToken=t"}).status == 400);
}

TEST_CASE("the run of a client that has gone continues in the background", "[endpoint][drain]") {
  app_with_server f;
  const auto client = std::make_shared<support::client>();
  std::atomic<bool> second{false};
  const auto slow = inngest::endpoint(f.app, {.id = "e"}, [&](endpoint_context& ctx) {
    ctx.step.run("a", [&] {
      client->is_gone = true;
      return support::eventually([&] { return ctx.stop_token().stop_requested(); });
    });
    ctx.step.run("b", [&] { second = true; });
    return 0;
  });
  const auto handler = slow.serve({.heartbeat = 1ms});
  handler(post(), support::reply_to(client));
  REQUIRE(support::eventually([&] { return client->has_answer(); }));
  CHECK(f.server->operations() == strings{"StepRun:a ", "StepPlanned:b "});
  CHECK_FALSE(second);
}

TEST_CASE("a response in pieces is passed on, and stored without its body", "[endpoint]") {
  app_with_server f;
  const auto pieces = inngest::endpoint(f.app, {.id = "e"}, [](endpoint_context&) {
    return response{.stream = [](const inngest::http::chunk_writer& write) {
      write("one ");
      write("two");
    }};
  });
  const auto client = std::make_shared<support::client>();
  pieces.serve()(post(), support::reply_to(client));
  REQUIRE(support::eventually([&] { return client->has_answer(); }));
  CHECK(client->pieces == strings{"one ", "two"});
  CHECK(f.server->bodies.at(0).at("steps").at(0).at("data").at("body") == "");
}

TEST_CASE("methods that begin no run are refused, and OPTIONS is answered", "[endpoint]") {
  app_with_server f;
  const auto handler = inngest::endpoint(f.app, {.id = "e", .methods = {"POST"}}, two_steps{}).serve();
  request asked = post();
  asked.method = "DELETE";
  CHECK(handler(asked).status == 405);
  CHECK(header(handler(asked), "allow") == "OPTIONS, POST");
  asked.method = "OPTIONS";
  CHECK(handler(asked).status == 204);
  CHECK(f.server->bodies.empty());
  const auto small = inngest::endpoint(f.app, {.id = "e", .max_body_size = 5}, two_steps{}).serve();
  CHECK(small(post("123456")).status == 413);
  CHECK(small(post("12345")).status == 201);
}

TEST_CASE("an endpoint's middleware sees its requests, runs and steps", "[endpoint][middleware]") {
  struct notes final : inngest::middleware {
    strings seen;
    response wrap_request(const request& asked, inngest::next_call<response> next) override {
      seen.push_back("request " + asked.method);
      return next();
    }
    void on_run_start(const inngest::call_info&) override { seen.push_back("run"); }
    void on_step_complete(const inngest::call_info&, const inngest::step_info& step,
                          std::string_view) override {
      seen.push_back("step " + std::string(step.id));
    }
    void on_run_complete(const inngest::call_info&, std::string_view) override { seen.push_back("end"); }
  };
  app_with_server f;
  const auto layer = std::make_shared<notes>();
  inngest::endpoint(f.app, {.id = "e", .middleware = {layer}}, two_steps{}).serve()(post());
  CHECK(layer->seen == strings{"request POST", "run", "step a", "step b", "end"});
}

TEST_CASE("a continued endpoint run ends when middleware refuses its input for good",
          "[endpoint][middleware]") {
  struct refusing final : inngest::middleware {
    int errors = 0;
    void transform_function_input(const inngest::call_info&, inngest::function_input&) override {
      throw inngest::non_retriable_error("denied");
    }
    void on_run_error(const inngest::call_info&, const inngest::failure_info&) override { ++errors; }
  };
  const auto layer = std::make_shared<refusing>();
  app_with_server f;
  json data{{"domain", "http://shop.test"}, {"method", "POST"}, {"path", "/checkout"}, {"fn", "e"}};
  data["body"] = "eyJpZCI6Im8xIiwiYW1vdW50IjoyMX0=";
  f.server->events = {{{"name", "inngest/http.request"}, {"data", data}}};
  const auto handler = inngest::endpoint(f.app, {.id = "e", .middleware = {layer}}, two_steps{}).serve();
  const response refused = handler(call_of(some_run));
  CHECK(refused.status == 400);
  CHECK(header(refused, "x-inngest-no-retry") == "true");
  CHECK(json::parse(refused.body).at("name") == "NonRetriableError");
  CHECK(layer->errors == 1);
}

TEST_CASE("a new endpoint run whose input middleware refuses fails like one whose handler throws",
          "[endpoint][middleware][failures]") {
  struct refusing final : inngest::middleware {
    std::function<void()> refuse;
    int errors = 0;
    bool is_final = false;
    void transform_function_input(const inngest::call_info&, inngest::function_input&) override { refuse(); }
    void on_run_error(const inngest::call_info&, const inngest::failure_info& failure) override {
      ++errors;
      is_final = failure.is_final;
    }
  };
  const auto layer = std::make_shared<refusing>();
  app_with_server f;
  const auto answer_of = [&](std::function<void()> refuse, int retries) {
    *f.server = {};
    layer->errors = 0;
    layer->refuse = std::move(refuse);
    const auto checkout =
        inngest::endpoint(f.app, {.id = "e", .retries = retries, .middleware = {layer}}, two_steps{});
    return checkout.serve()(post());
  };
  const auto is_busy = [] { throw std::runtime_error("busy"); };

  const response retried = answer_of(is_busy, 3);  // in the background
  CHECK(retried.status == 303);
  CHECK_THAT(header(retried, "location"), ContainsSubstring("&inngestToken=TOKEN"));
  CHECK(f.server->operations() == strings{"StepError: "});
  CHECK(f.server->last_retry_after == "(absent)");
  CHECK(layer->errors == 1);
  CHECK_FALSE(layer->is_final);

  CHECK(answer_of([] { throw inngest::retry_after_error("later", 90s); }, 3).status == 303);
  CHECK(f.server->last_retry_after == "90");

  const response last = answer_of(is_busy, 0);
  CHECK(last.status == 500);
  CHECK(json::parse(last.body).at("message") == "busy");
  CHECK(f.server->operations() == strings{"RunComplete: "});
  CHECK(layer->is_final);

  const response denied = answer_of([] { throw inngest::non_retriable_error("denied"); }, 3);
  CHECK(denied.status == 500);
  CHECK(json::parse(denied.body).at("name") == "NonRetriableError");
  CHECK(header(denied, "x-run-id") != "(absent)");
  CHECK(f.server->operations() == strings{"RunComplete: "});
  CHECK(f.server->bodies.at(0).at("steps").at(0).at("data").at("status") == 500);
  CHECK(layer->errors == 1);
}

TEST_CASE("a run with saved steps goes on at the server when middleware throws at its end",
          "[endpoint][middleware][failures]") {
  struct throwing final : inngest::middleware {
    void on_run_complete(const inngest::call_info&, std::string_view) override {
      throw std::runtime_error("no disk space");
    }
  };
  auto options = support::quiet_options();
  options.middleware = {std::make_shared<throwing>()};
  app_with_server f(std::move(options));
  const response answer = inngest::endpoint(f.app, {.id = "e"}, two_steps{}).serve()(post());
  CHECK(answer.status == 303);
  CHECK_THAT(header(answer, "location"), ContainsSubstring("&inngestToken=TOKEN"));
  CHECK(f.server->operations() == strings{"StepRun:a ", "StepRun:b ", "StepError: "});
  f.server->bodies.clear();
  const response final = inngest::endpoint(f.app, {.id = "e", .retries = 0}, two_steps{}).serve()(post());
  CHECK(final.status == 500);
  CHECK(f.server->operations() == strings{"StepRun:a ", "StepRun:b ", "RunComplete: "});
  f.server->bodies.clear();
  const auto stepless = inngest::endpoint(f.app, {.id = "e"}, [](endpoint_context&) { return 1; });
  CHECK(stepless.serve()(post()).status == 303);  // as when the handler itself fails
  CHECK(f.server->operations() == strings{"StepError: "});
}

TEST_CASE("endpoints are no functions for the server, and wrong options are refused", "[endpoint]") {
  app_with_server f;
  const auto checkout = inngest::endpoint(f.app, {.id = "e"}, two_steps{});
  CHECK(checkout.slug() == "app-e");
  const auto synced = checkout.serve().sync("http://shop.test/checkout");
  CHECK_FALSE(synced.ok);
  CHECK_THAT(synced.message, ContainsSubstring("no registration"));
  CHECK(f.server->paths.empty());
  const inngest::handler functions(f.app, {checkout});
  const response registered =
      functions({.method = "PUT", .url = "/api/inngest", .headers = {{"x-inngest-sync-kind", "in_band"}}});
  CHECK(json::parse(registered.body).at("functions").empty());

  const auto make = [&](inngest::endpoint_options options) {
    return inngest::endpoint(f.app, std::move(options), two_steps{});
  };
  CHECK_THROWS_AS(make({.id = ""}), inngest::configuration_error);
  CHECK_THROWS_AS(make({.id = "\xff"}), inngest::configuration_error);
  CHECK_THROWS_AS(make({.id = "e", .retries = 21}), inngest::configuration_error);
  CHECK_THROWS_AS(make({.id = "e", .retries = -1}), inngest::configuration_error);
  CHECK_THROWS_AS(make({.id = "e", .wait = 0ms}), inngest::configuration_error);
  CHECK_THROWS_AS(make({.id = "e", .methods = {}}), inngest::configuration_error);
}
