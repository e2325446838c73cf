// Endpoints whose runs the engine keeps and continues: in its process, and over HTTP.

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <inngest/adapters/httplib.hpp>
#include <inngest/embedded.hpp>
#include <inngest/embedded/detail/endpoint_runs.hpp>
#include <inngest/embedded/http_server.hpp>
#include <inngest/embedded/remote_apps.hpp>
#include <inngest/embedded/sqlite_store.hpp>
#include <inngest/endpoint.hpp>
#include <inngest/middleware/encryption.hpp>
#include <inngest/transport/httplib.hpp>

#include "catch.hpp"
#include "support/background.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"
#include "support/http_client.hpp"
#include "support/running_server.hpp"
#include "support/temporary_folder.hpp"

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::endpoint_context;
using inngest::json;
using inngest::embedded::engine;
using inngest::embedded::engine_options;
using inngest::embedded::run_status;
using inngest::http::request;
using inngest::http::response;

struct order {
  std::string id{};
  int amount = 0;
};
INNGEST_FIELDS(order, id, amount)

using paid = inngest::event<"shop/paid", order>;

inngest::client make_client(inngest::middleware_list middleware = {}) {
  inngest::client_options options = support::quiet_options();
  options.middleware = std::move(middleware);
  return inngest::client(std::move(options));
}

engine_options fast(std::shared_ptr<inngest::embedded::store> store = {}) {
  return {.workers = 4, .store = std::move(store), .retry_delay = [](int) { return 1ms; }};
}

request post(std::string body = R"({"id":"o1","amount":21})", std::string url = "/checkout?tag=t1") {
  return {.method = "POST",
          .url = std::move(url),
          .headers = {{"host", "shop.test"}, {"content-type", "application/json"}},
          .body = std::move(body)};
}

/// The handler with adapters that wait, such as cpp-httplib's.
response ask(const inngest::handler& handler, request asked) { return handler(std::move(asked)); }

/// Follows the redirects to a response, like a browser, for up to a minute.
response follow(const inngest::handler& handler, const response& first) {
  response out = first;
  const auto end = std::chrono::steady_clock::now() + 1min;
  while (out.status == 303 && std::chrono::steady_clock::now() < end) {
    const std::string location(out.headers.find("location").value_or(""));
    out = ask(handler, {.method = "GET", .url = "/checkout" + location});
  }
  return out;
}

std::string run_id_of(const response& answer) {
  return std::string(answer.headers.find("x-run-id").value_or("(absent)"));
}

/// How often each step ran.
struct counters {
  std::atomic<int> a{0}, b{0}, p{0}, q{0};
};

/// A checkout whose steps are continued after a sleep.
inngest::durable_endpoint sleepy(const inngest::client& app, const std::shared_ptr<counters>& ran,
                                 inngest::endpoint_options options = {.id = "checkout"}) {
  return inngest::endpoint(app, std::move(options), [ran](endpoint_context& ctx) -> response {
    const auto wanted = ctx.body<order>();
    const int first = ctx.step.run("a", [&] {
      ++ran->a;
      return wanted.amount;
    });
    ctx.step.sleep("nap", 1ms);
    const int second = ctx.step.run("b", [&] {
      ++ran->b;
      return first * 2;
    });
    const auto once = [](std::atomic<int>& count) {
      ++count;
      return 1;
    };
    const auto [p, q] = ctx.group.parallel([&] { return ctx.step.run("p", [&] { return once(ran->p); }); },
                                           [&] { return ctx.step.run("q", [&] { return once(ran->q); }); });
    return {.status = 201,
            .headers = {{"Content-Type", "text/plain"}, {"X-Mine", "yes"}},
            .body = wanted.id + " " + std::to_string(second + p + q) + " " + ctx.request.method + " " +
                    ctx.request.query("tag").value_or("-")};
  });
}

void check_sleepy(const response& answer) {
  CHECK(answer.status == 201);
  CHECK(answer.body == "o1 44 POST t1");
  CHECK(answer.headers.find("content-type") == "text/plain");
  CHECK(answer.headers.find("x-mine") == "yes");
  CHECK_FALSE(answer.headers.find("x-inngest-result"));
}

/// An app in another process that is a function.
class far_app final : public inngest::embedded::remote_apps {
 public:
  using answerer = std::function<response(request)>;
  explicit far_app(answerer answer) : answer_(std::move(answer)) {}
  std::unique_ptr<inngest::embedded::app_route> route_to(
      const inngest::embedded::function_definition&) override {
    class route final : public inngest::embedded::app_route {
     public:
      explicit route(answerer answer) : answer_(std::move(answer)) {}
      std::optional<response> call(inngest::embedded::remote_call made) override {
        return answer_(std::move(made.request));
      }

     private:
      answerer answer_;
    };
    return std::make_unique<route>(answer_);
  }

 private:
  answerer answer_;
};

std::shared_ptr<inngest::embedded::store> on_disk(const std::filesystem::path& file) {
  return std::make_shared<inngest::embedded::sqlite_store>(
      inngest::embedded::sqlite_options{.path = file.string()});
}

/// Says something of its run in every way, before its first saved step.
int tag_and_score(endpoint_context& ctx) {
  ctx.tag("customer", "c1");
  ctx.score("quality", 0.5);
  ctx.set_metadata("rows", {{"read", 3}});
  ctx.step.score("rate", "speed", 2);
  ctx.step.set_metadata("note", "state", {{"done", true}});
  return 1;
}

std::string tag_of(const engine& engine, const std::string& run_id) {
  const auto run = engine.find_run(run_id);
  return run && run->tags.size() == 1 ? run->tags.front().value : "(none)";
}

/// Whether the engine has what tag_and_score() said, in order.
void check_notes(engine& engine, const std::string& run_id) {
  CHECK(tag_of(engine, run_id) == "c1");
  CHECK(engine.find_run(run_id)->status == run_status::completed);
  std::vector<std::string> kinds;
  for (const auto& note : engine.store().notes_of(run_id)) kinds.push_back(note.subject);
  CHECK(kinds == std::vector<std::string>{"userland.tags", "inngest.score", "userland.rows", "inngest.score",
                                          "userland.state"});
}

}  // namespace

TEST_CASE("an endpoint on the engine answers at once when its steps need no pause", "[endpoint][engine]") {
  const auto app = make_client();
  std::vector<std::string> ran;
  const auto checkout = inngest::endpoint(app, {.id = "checkout"}, [&](endpoint_context& ctx) {
    const auto wanted = ctx.body<order>();
    const int doubled = ctx.step.run("a", [&] { return ran.push_back("a"), wanted.amount * 2; });
    return order{wanted.id, ctx.step.run("b", [&] { return ran.push_back("b"), doubled + 1; })};
  });
  engine engine(app, {checkout}, fast());
  const response answer = ask(checkout.serve(), post());
  CHECK(answer.status == 200);
  CHECK(answer.body == R"({"id":"o1","amount":43})");
  CHECK(answer.headers.find("content-type") == "application/json");
  CHECK(ran == std::vector<std::string>{"a", "b"});

  const auto run = engine.find_run(run_id_of(answer));
  REQUIRE(run);
  CHECK(run->status == run_status::completed);
  CHECK(run->function_id == "checkout");
  CHECK(run->event_name == "inngest/http.request");
  const json stored = json::parse(run->output_text);
  CHECK(stored.at("status") == 200);
  CHECK(stored.at("body") == answer.body);
  const auto event = engine.store().find_event(run->event_id);
  REQUIRE(event);
  const json data = json::parse(event->text).at("data");
  CHECK(data.at("domain") == "http://shop.test");
  CHECK(data.at("method") == "POST");
  CHECK(data.at("path") == "/checkout");
  CHECK(data.at("query_params") == "tag=t1");
  CHECK(data.at("content_type") == "application/json");
  CHECK(data.at("body") == "eyJpZCI6Im8xIiwiYW1vdW50IjoyMX0=");
  CHECK(engine.wait_until_idle(support::patience));
}

TEST_CASE("an endpoint on the engine tags, scores and annotates its run before the first step",
          "[endpoint][engine][metadata]") {
  const auto app = make_client();
  const auto steps = inngest::endpoint(app, {.id = "steps", .retries = 0}, tag_and_score);
  const auto in_step = inngest::endpoint(app, {.id = "in-step", .retries = 0}, [](endpoint_context& ctx) {
    ctx.step.run("a", [&] { ctx.tag("customer", "c1"); });
    return 1;
  });
  const auto stepless = inngest::endpoint(app, {.id = "stepless", .retries = 0}, [](endpoint_context& ctx) {
    ctx.tag("customer", "c1");
    return 1;
  });
  const auto waiting = inngest::endpoint(app, {.id = "waiting"}, [](endpoint_context& ctx) {
    ctx.tag("customer", "c1");
    ctx.step.sleep("nap", 1ms);
    return 1;
  });
  const support::temporary_folder folder;
  const auto file = folder.path() / "engine.db";
  for (const auto& store : {std::shared_ptr<inngest::embedded::store>(), on_disk(file)}) {
    engine engine(app, {steps, in_step, stepless, waiting}, fast(store));
    const response answer = ask(steps.serve(), post());
    CHECK(answer.status == 200);
    check_notes(engine, run_id_of(answer));
    for (const auto& other : {in_step, stepless}) {
      const response tagged = ask(other.serve(), post());
      CHECK(tagged.status == 200);
      CHECK(tag_of(engine, run_id_of(tagged)) == "c1");
    }
    const response first = ask(waiting.serve(), post());
    REQUIRE(first.status == 303);
    CHECK(follow(waiting.serve(), first).status == 200);
    CHECK(tag_of(engine, run_id_of(first)) == "c1");
    CHECK(engine.wait_until_idle(support::patience));
  }
}

TEST_CASE("an endpoint tags its run at the engine of another process before the first step",
          "[endpoint][engine][http][metadata]") {
  engine engine(make_client(), {}, fast());
  inngest::embedded::http_server server(engine, {.port = 0});
  inngest::client_options options = support::quiet_options();
  options.api_base_url = server.url();
  options.event_api_base_url = server.url();
  options.transport = std::make_shared<inngest::httplib_transport>();
  const inngest::client app(options);
  const auto steps = inngest::endpoint(app, {.id = "steps", .retries = 0}, tag_and_score);
  httplib::Server web;
  const auto handler = inngest::serve(web, "/checkout", steps);
  support::running_server running(web);
  support::http_client browser(running.port());
  const auto answer = browser.Post("/checkout", "{}", "application/json");
  REQUIRE(answer);
  CHECK(answer->status == 200);
  check_notes(engine, answer->get_header_value("x-run-id"));
}

TEST_CASE("the engine continues the run of an endpoint after a sleep, and the client gets the response",
          "[endpoint][engine]") {
  const auto app = make_client();
  const auto ran = std::make_shared<counters>();
  const auto checkout = sleepy(app, ran);
  engine engine(app, {checkout}, fast());
  const auto handler = checkout.serve();
  const response first = ask(handler, post());
  REQUIRE(first.status == 303);
  check_sleepy(follow(handler, first));
  CHECK(ran->a == 1);
  CHECK(ran->b == 1);
  CHECK(ran->p == 1);
  CHECK(ran->q == 1);
  CHECK(engine.find_run(run_id_of(first))->status == run_status::completed);
}

TEST_CASE("the token of a response is refused for another run, when it was changed and when it has expired",
          "[endpoint][engine]") {
  const auto app = make_client();
  const auto checkout = sleepy(app, std::make_shared<counters>(),
                               {.id = "checkout", .when_async = inngest::async_answer::token});
  engine engine(app, {checkout}, fast());
  const auto handler = checkout.serve();
  const json first = json::parse(ask(handler, post()).body);
  const json second = json::parse(ask(handler, post()).body);
  const auto with = [&](const json& run, std::string token) {
    return ask(handler, {.method = "GET",
                         .url = "/checkout?inngestRun=" + run.at("run_id").get<std::string>() +
                                "&inngestToken=" + token});
  };
  const auto token = first.at("token").get<std::string>();
  CHECK(with(second, token).status == 401);
  CHECK(with(first, token.substr(0, token.size() - 1) + (token.back() == '0' ? "1" : "0")).status == 401);
  CHECK(with(first, "").status == 401);
  CHECK(with(first, "9" + token).status == 401);
  check_sleepy(with(first, token));

  using inngest::embedded::is_response_token;
  const std::string made = inngest::embedded::response_token("secret", "RUN", 1000);
  CHECK(is_response_token(made, "secret", "RUN", 1000));
  CHECK_FALSE(is_response_token(made, "secret", "RUN", 1001));
  CHECK_FALSE(is_response_token(made, "other", "RUN", 1000));
  for (const std::string garbage : {"", ".", "1000", "1000.", "x.y", "99999999999999999999.00"})
    CHECK_FALSE(is_response_token(garbage, "secret", "RUN", 0));
}

TEST_CASE("a failed step of an endpoint is retried in the background, and only that step runs again",
          "[endpoint][engine]") {
  const auto app = make_client();
  std::atomic<int> before{0}, tries{0};
  const auto flaky = inngest::endpoint(app, {.id = "checkout", .retries = 3}, [&](endpoint_context& ctx) {
    ctx.step.run("before", [&] { ++before; });
    return ctx.step.run("fails twice", [&] {
      if (++tries <= 2) throw std::runtime_error("busy");
      return 7;
    });
  });
  engine engine(app, {flaky}, fast());
  const auto handler = flaky.serve();
  const response first = ask(handler, post());
  CHECK(first.status == 303);
  const response answer = follow(handler, first);
  CHECK(answer.status == 200);
  CHECK(answer.body == "7");
  CHECK(before == 1);
  CHECK(tries == 3);
}

TEST_CASE("the run of an endpoint fails when its step has no attempts left, and the client gets the error",
          "[endpoint][engine]") {
  const auto app = make_client();
  const auto bad = inngest::endpoint(app, {.id = "checkout", .retries = 1}, [&](endpoint_context& ctx) {
    return ctx.step.run("always", [&]() -> int { throw std::runtime_error("no money"); });
  });
  engine engine(app, {bad}, fast());
  const auto handler = bad.serve();
  const response answer = follow(handler, ask(handler, post()));
  CHECK(answer.status == 500);
  CHECK_THAT(answer.body, ContainsSubstring("no money"));
}

TEST_CASE("a permanent failure of the handler ends the run in the first call", "[endpoint][engine]") {
  const auto app = make_client();
  const auto bad = inngest::endpoint(app, {.id = "checkout"}, [&](endpoint_context& ctx) -> int {
    ctx.step.run("a", [] {});
    throw inngest::non_retriable_error("sold out");
  });
  engine engine(app, {bad}, fast());
  const response answer = ask(bad.serve(), post());
  CHECK(answer.status == 500);
  CHECK(json::parse(answer.body).at("message") == "sold out");
  const auto run = engine.find_run(run_id_of(answer));
  CHECK(run->status == run_status::failed);
  CHECK_THAT(run->error->message, ContainsSubstring("500"));
}

TEST_CASE("an endpoint waits for an event, and its response is fetched through a proxy",
          "[endpoint][engine]") {
  const auto app = make_client();
  const auto checkout = inngest::endpoint(
      app, {.id = "checkout", .redirect_url = "https://shop.test/results"}, [&](endpoint_context& ctx) {
        const auto event = ctx.step.wait_for_event<paid>("paid", {.timeout = 1h});
        return event ? event->data.amount : -1;
      });
  engine engine(app, {checkout}, fast());
  const response first = ask(checkout.serve(), post());
  const std::string location(first.headers.find("location").value_or(""));
  REQUIRE_THAT(location, Catch::Matchers::StartsWith("https://shop.test/results?runId="));
  engine.send(paid{{.id = "o1", .amount = 5}});
  const auto proxy = inngest::endpoint_proxy(app).serve();
  const response answer = ask(proxy, {.method = "GET", .url = location.substr(17)});
  CHECK(answer.status == 200);
  CHECK(answer.body == "5");
  CHECK(answer.headers.find("access-control-allow-origin") == "*");
  CHECK(ask(proxy, {.method = "GET", .url = "/results?runId=x"}).status == 400);
  CHECK(ask(proxy, {.method = "POST", .url = location.substr(17)}).status == 405);
  const response preflight = ask(proxy, {.method = "OPTIONS", .url = "/results"});
  CHECK(preflight.status == 204);
  CHECK(preflight.headers.find("access-control-allow-methods") == "GET, OPTIONS");
}

TEST_CASE("a client that waits longer than a request is redirected to ask again", "[endpoint][engine]") {
  const auto app = make_client();
  const auto checkout = inngest::endpoint(app, {.id = "checkout", .wait = 20ms}, [&](endpoint_context& ctx) {
    return ctx.step.wait_for_event<paid>("paid", {.timeout = 1h}).has_value();
  });
  engine engine(app, {checkout}, fast());
  const auto handler = checkout.serve();
  const response first = ask(handler, post());
  const std::string location(first.headers.find("location").value_or(""));
  const response again = ask(handler, {.method = "GET", .url = "/checkout" + location});
  CHECK(again.status == 303);
  CHECK(again.headers.find("location") == location);
  engine.send(paid{});
  CHECK(follow(handler, first).body == "true");
}

TEST_CASE("the engine holds a request for a response no longer than its sender waits for the answer",
          "[endpoint][engine]") {
  const auto app = make_client();
  const auto checkout = inngest::endpoint(
      app, {.id = "checkout", .when_async = inngest::async_answer::token}, [&](endpoint_context& ctx) {
        return ctx.step.wait_for_event<paid>("paid", {.timeout = 1h}).has_value();
      });
  engine engine(app, {checkout}, fast());
  const json run = json::parse(ask(checkout.serve(), post()).body);
  const auto held_for = [&](std::string limit, std::chrono::milliseconds timeout) {
    request asked{.method = "GET",
                  .url = "/v1/http/runs/" + run.at("run_id").get<std::string>() +
                         "/output?token=" + run.at("token").get<std::string>(),
                  .headers = {{"x-inngest-cpp-longest-wait", std::move(limit)}}};
    const auto began = std::chrono::steady_clock::now();
    CHECK(app.call_api(std::move(asked), timeout).status == 302);
    return std::chrono::steady_clock::now() - began;
  };
  CHECK(held_for("1", support::patience) < support::patience);
  for (const std::string garbage : {"", "-1", "1s", "99999999999999999999"})
    CHECK(held_for(garbage, 20ms) >= 20ms);
}

/// An endpoint that waits for an event, on an engine. Its client has been redirected once.
struct waiting_endpoint {
  inngest::client app = make_client();
  inngest::durable_endpoint checkout;
  engine host;
  inngest::handler handler;
  std::string location{};

  explicit waiting_endpoint(std::chrono::milliseconds wait)
      : checkout(
            inngest::endpoint(app, {.id = "checkout", .wait = wait},
                              [](endpoint_context& ctx) {
                                return ctx.step.wait_for_event<paid>("paid", {.timeout = 1h}).has_value();
                              })),
        host(app, {checkout}, fast()),
        handler(checkout.serve()) {
    location = ask(handler, post()).headers.find("location").value_or("");
  }
  response poll() const { return ask(handler, {.method = "GET", .url = "/checkout" + location}); }
};

TEST_CASE("a client of an engine that has stopped is redirected only after the time of a request",
          "[endpoint][engine]") {
  waiting_endpoint f(300ms);
  CHECK(f.host.stop(support::patience));
  const auto began = std::chrono::steady_clock::now();
  CHECK(f.poll().status == 303);
  CHECK(std::chrono::steady_clock::now() - began >= 200ms);
}

TEST_CASE("a client that waits for an engine which ends is redirected, and asks no other server",
          "[endpoint][engine]") {
  const auto elsewhere = std::make_shared<std::atomic<int>>(0);
  auto options = support::quiet_options();
  options.transport = std::make_shared<support::fake_transport>([elsewhere](const request&) {
    ++*elsewhere;
    return response{.status = 401, .body = "{}"};
  });
  const inngest::client app(std::move(options));
  const auto checkout =
      inngest::endpoint(app, {.id = "checkout", .wait = support::patience}, [](endpoint_context& ctx) {
        return ctx.step.wait_for_event<paid>("paid", {.timeout = 1h}).has_value();
      });
  auto host = std::make_unique<engine>(app, std::vector<inngest::any_function>{checkout}, fast());
  const auto handler = checkout.serve();
  const std::string location(ask(handler, post()).headers.find("location").value_or(""));
  response told;
  std::thread client([&] { told = ask(handler, {.method = "GET", .url = "/checkout" + location}); });
  std::this_thread::sleep_for(100ms);
  host.reset();
  client.join();
  CHECK(told.status == 303);
  CHECK(*elsewhere == 0);
}

TEST_CASE("a deferred call of an endpoint rides with a step's result, and no step runs twice",
          "[endpoint][engine][defer]") {
  const auto app = make_client();
  const auto ran = std::make_shared<counters>();
  const auto later = app.create_deferred_function<json>({.id = "later"}, [ran](auto&) { ++ran->q; });
  const auto checkout = inngest::endpoint(app, {.id = "checkout"}, [ran, later](endpoint_context& ctx) {
    ++ran->p;
    auto kept = ctx.defer("kept", later, json{{"n", 1}});
    auto aborted = ctx.defer("aborted", later, json{{"n", 2}});
    ctx.step.run("a", [&] { return ++ran->a; });
    aborted.abort();
    ctx.step.run("b", [&] { return ++ran->b; });
    return "done";
  });
  engine host(app, {checkout, later}, fast());
  const response answer = ask(checkout.serve(), post());
  CHECK(answer.body == "\"done\"");
  CHECK(host.wait_until_idle(support::patience));
  CHECK(ran->a == 1);
  CHECK(ran->b == 1);
  CHECK(ran->p == 1);
  CHECK(ran->q == 1);
}

TEST_CASE("an engine that has stopped answers a request for a response after a pause, and no later",
          "[endpoint][engine]") {
  waiting_endpoint f(support::patience);
  CHECK(f.host.stop(support::patience));
  const auto ask_engine = [&] {
    const request polled{.method = "GET", .url = "/checkout" + f.location};
    return f.app.call_api({.method = "GET",
                           .url = "/v1/http/runs/" + polled.query("inngestRun").value_or("") +
                                  "/output?token=" + polled.query("inngestToken").value_or("")},
                          support::patience);
  };
  const auto began = std::chrono::steady_clock::now();
  const response told = ask_engine();
  CHECK(told.status == 302);
  CHECK(told.headers.find("retry-after") == "1");
  CHECK(std::chrono::steady_clock::now() - began >= 900ms);
  CHECK(std::chrono::steady_clock::now() - began < support::patience / 2);
}

TEST_CASE("the end of an engine does not wait for the clients that wait for its responses",
          "[endpoint][engine]") {
  auto f = std::make_unique<waiting_endpoint>(support::patience);
  const inngest::client app = f->app;
  const request polled{.method = "GET", .url = "/checkout" + f->location};
  response told;
  std::thread client([&] {
    told = app.call_api({.method = "GET",
                         .url = "/v1/http/runs/" + polled.query("inngestRun").value_or("") +
                                "/output?token=" + polled.query("inngestToken").value_or("")},
                        support::patience);
  });
  std::this_thread::sleep_for(100ms);
  const auto began = std::chrono::steady_clock::now();
  f.reset();
  CHECK(std::chrono::steady_clock::now() - began < support::patience / 2);
  client.join();
  CHECK(told.status == 302);
}

TEST_CASE("a client that follows its redirects gets the response of the process's next engine",
          "[endpoint][engine]") {
  const support::temporary_folder folder;
  const auto app = make_client();
  const auto checkout =
      inngest::endpoint(app, {.id = "checkout", .wait = support::patience}, [](endpoint_context& ctx) {
        return ctx.step.wait_for_event<paid>("paid", {.timeout = 1h}).has_value();
      });
  const auto handler = checkout.serve();
  auto first = std::make_unique<engine>(app, std::vector<inngest::any_function>{checkout},
                                        fast(on_disk(folder.path() / "engine.db")));
  const std::string location(ask(handler, post()).headers.find("location").value_or(""));
  response got;
  std::thread client([&] { got = ask(handler, {.method = "GET", .url = "/checkout" + location}); });
  first->stop(support::patience);
  std::this_thread::sleep_for(200ms);
  first.reset();
  client.join();
  CHECK(got.status == 303);
  engine second(app, {checkout}, fast(on_disk(folder.path() / "engine.db")));
  second.send(paid{});
  CHECK(follow(handler, got).body == "true");
}

TEST_CASE("responses that are no text, and statuses of 500, come back as they were", "[endpoint][engine]") {
  const auto app = make_client();
  const std::string bytes("\x00\xff\x80 picture", 11);
  const auto picture = inngest::endpoint(app, {.id = "picture"}, [&](endpoint_context& ctx) -> response {
    ctx.step.sleep("nap", 1ms);
    return {.headers = {{"content-type", "image/png"}}, .body = bytes};
  });
  const auto broken = inngest::endpoint(app, {.id = "broken"}, [&](endpoint_context& ctx) -> response {
    ctx.step.sleep("nap", 1ms);
    return {.status = 503, .headers = {{"retry-after", "9"}}, .body = "later"};
  });
  engine engine(app, {picture, broken}, fast());
  const auto of_picture = picture.serve(), of_broken = broken.serve();
  const response seen = follow(of_picture, ask(of_picture, post()));
  CHECK(seen.status == 200);
  CHECK((seen.body == bytes));
  CHECK(seen.headers.find("content-type") == "image/png");
  const response first = ask(of_broken, post());
  const response failed = follow(of_broken, first);
  CHECK(failed.status == 503);
  CHECK(failed.headers.find("retry-after") == "9");
  CHECK(failed.body == "later");
  CHECK(engine.find_run(run_id_of(first))->status == run_status::failed);
}

TEST_CASE("a response in pieces that is stored has no other body", "[endpoint][engine]") {
  const auto app = make_client();
  const auto pieces = inngest::endpoint(app, {.id = "pieces"}, [&](endpoint_context& ctx) -> response {
    ctx.step.sleep("nap", 1ms);
    return {.body = "not sent", .stream = [](const inngest::http::chunk_writer& write) {
              write("one ");
              write("two");
            }};
  });
  engine engine(app, {pieces}, fast());
  const auto of_pieces = pieces.serve();
  CHECK(follow(of_pieces, ask(of_pieces, post())).body == "one two");
}

TEST_CASE("with encryption the store has neither results nor responses, and the client reads them",
          "[endpoint][engine][encryption]") {
  const auto app = make_client({inngest::encryption({.key = "a secret key of enough length"})});
  const auto secret = inngest::endpoint(app, {.id = "checkout"}, [&](endpoint_context& ctx) -> response {
    const auto card = ctx.step.run("card", [] { return std::string("4242-4242"); });
    ctx.step.sleep("nap", 1ms);
    return {.status = 202, .headers = {{"set-cookie", "card=4242-4242"}}, .body = "paid with " + card};
  });
  const auto at_once = inngest::endpoint(app, {.id = "at-once"}, [&](endpoint_context& ctx) -> response {
    return {.body = ctx.step.run("card", [] { return std::string("4242-4242"); })};
  });
  engine engine(app, {secret, at_once}, fast());
  const auto handler = secret.serve();
  const response first = ask(handler, post());
  const response answer = follow(handler, first);
  CHECK(answer.status == 202);
  CHECK(answer.body == "paid with 4242-4242");
  CHECK(answer.headers.find("set-cookie") == "card=4242-4242");
  const response direct = ask(at_once.serve(), post());
  CHECK(direct.body == "4242-4242");
  for (const std::string& id : {run_id_of(first), run_id_of(direct)}) {
    const auto run = engine.find_run(id);
    CHECK(run->output_text.find("4242") == std::string::npos);
    for (const auto& memo : engine.store().memos_of(id)) CHECK(memo.text.find("4242") == std::string::npos);
  }
}

TEST_CASE("a body of four megabytes is stored and read again after a sleep", "[endpoint][engine][size]") {
  const auto app = make_client();
  constexpr std::size_t size = 4 * 1024 * 1024;
  const auto sum =
      inngest::endpoint(app, {.id = "checkout", .max_body_size = size}, [&](endpoint_context& ctx) {
        ctx.step.sleep("nap", 1ms);
        return ctx.step.run("size", [&] { return ctx.request.body.size(); });
      });
  engine engine(app, {sum}, fast());
  const auto handler = sum.serve();
  CHECK(follow(handler, ask(handler, post(std::string(size, '\xff')))).body == std::to_string(size));
  CHECK(ask(handler, post(std::string(size + 1, 'x'))).status == 413);
}

TEST_CASE("an endpoint that does not keep the body reads it in a step", "[endpoint][engine]") {
  const auto app = make_client();
  const auto checkout =
      inngest::endpoint(app, {.id = "checkout", .keep_body = false}, [&](endpoint_context& ctx) {
        const auto wanted = ctx.step.run("order", [&] { return ctx.body<order>(); });
        ctx.step.sleep("nap", 1ms);
        return ctx.step.run("end", [&] { return wanted.id + ":" + ctx.request.body; });
      });
  engine engine(app, {checkout}, fast());
  const auto handler = checkout.serve();
  const response first = ask(handler, post());
  CHECK(follow(handler, first).body == "\"o1:\"");
  CHECK_THAT(engine.store().find_event(engine.find_run(run_id_of(first))->event_id)->text,
             ContainsSubstring("\"body\":\"\""));
}

TEST_CASE("an endpoint whose process ends in a step continues in the next process",
          "[endpoint][engine][restart]") {
  const support::temporary_folder folder;
  const auto file = folder.path() / "engine.db", copy = folder.path() / "copy.db";
  std::atomic<bool> in_step{false}, may_end{false};
  std::string run_id;
  {
    // The first process begins the run and stands in its second step while its file is copied: the copy is
    // what a killed process leaves.
    const auto app = make_client();
    const auto checkout = inngest::endpoint(app, {.id = "checkout"}, [&](endpoint_context& ctx) -> response {
      const int first = ctx.step.run("a", [] { return 20; });
      ctx.step.run("b", [&] {
        in_step = true;
        support::hold_until(may_end);
      });
      return {.body = std::to_string(first)};
    });
    engine engine(app, {checkout}, fast(on_disk(file)));
    support::background client([&](const std::atomic<bool>&) { ask(checkout.serve(), post()); });
    support::hold_until(in_step);
    for (const char* end : {"", "-wal"}) {
      if (std::filesystem::exists(file.string() + end))
        std::filesystem::copy_file(file.string() + end, copy.string() + end);
    }
    may_end = true;
    client.end();
    run_id = engine.runs().at(0).id;
  }
  const auto app = make_client();
  std::atomic<int> first_steps{0}, second_steps{0}, attempt{-1};
  const auto checkout = inngest::endpoint(app, {.id = "checkout"}, [&](endpoint_context& ctx) -> response {
    const int first = ctx.step.run("a", [&] { return ++first_steps; });
    ctx.step.run("b", [&] {
      ++second_steps;
      attempt = ctx.attempt;
    });
    return {.body = std::to_string(first)};
  });
  engine engine(app, {checkout}, fast(on_disk(copy)));
  const auto run = engine.wait_for(run_id, support::patience);
  CHECK(run.status == run_status::completed);
  CHECK(first_steps == 0);   // its result is in the file
  CHECK(second_steps == 1);  // the killed process did not end it
  CHECK(attempt == 1);       // the interrupted attempt counts, as it does for functions
  CHECK(json::parse(run.output_text).at("body") == "20");
}

TEST_CASE("the next process continues a sleeping endpoint, and knows the token of the last one",
          "[endpoint][engine][restart]") {
  const support::temporary_folder folder;
  const auto file = folder.path() / "engine.db";
  response first;
  {
    const auto app = make_client();
    const auto checkout = inngest::endpoint(app, {.id = "checkout"}, [&](endpoint_context& ctx) -> response {
      ctx.step.wait_for_event<paid>("paid", {.timeout = 1h});
      return {};
    });
    engine engine(app, {checkout}, fast(on_disk(file)));
    first = ask(checkout.serve(), post());
    CHECK(first.status == 303);
  }
  const auto app = make_client();
  const auto checkout = inngest::endpoint(app, {.id = "checkout"}, [&](endpoint_context& ctx) -> response {
    const auto event = ctx.step.wait_for_event<paid>("paid", {.timeout = 1h});
    return {.body = event->data.id + ctx.request.body};
  });
  engine engine(app, {checkout}, fast(on_disk(file)));
  engine.send(paid{{.id = "p"}});
  CHECK(follow(checkout.serve(), first).body == R"(p{"id":"o1","amount":21})");
}

TEST_CASE("an app that stops hands the runs of its endpoints over to the engine", "[endpoint][engine]") {
  const auto app = make_client();
  std::atomic<bool> in_step{false}, may_end{false};
  std::atomic<int> second{0};
  const auto checkout = inngest::endpoint(app, {.id = "checkout"}, [&](endpoint_context& ctx) {
    ctx.step.run("a", [&] {
      in_step = true;
      support::hold_until(may_end);
    });
    return ctx.step.run("b", [&] { return ++second; });
  });
  engine engine(app, {checkout}, fast());
  const auto handler = checkout.serve();
  response first;
  support::background client([&](const std::atomic<bool>&) { first = ask(handler, post()); });
  support::hold_until(in_step);
  CHECK_FALSE(handler.drain(1ms));
  may_end = true;
  client.end();
  CHECK(first.status == 303);
  CHECK(ask(handler, post()).status == 503);
  CHECK(engine.wait_for(run_id_of(first), support::patience).status == run_status::completed);
  CHECK(second == 1);
}

TEST_CASE("a pause ends the first call of an endpoint after its step, and the response comes after the pause",
          "[endpoint][engine][pauses]") {
  const auto app = make_client();
  const support::temporary_folder folder;
  const auto file = folder.path() / "engine.db";
  counters ran;
  std::function<void()> in_second = [] {};
  const auto checkout = inngest::endpoint(app, {.id = "checkout"}, [&](endpoint_context& ctx) {
    const int a = ctx.step.run("a", [&] { return ++ran.a; });
    const int b = ctx.step.run("b", [&] {
      in_second();
      return ++ran.b;
    });
    ctx.step.run("p", [&] { ++ran.p; });
    return a + b;
  });
  const auto target = inngest::embedded::pause_target::function("app-checkout");
  const inngest::handler handler = checkout.serve();
  response first;
  {
    engine engine{app, {checkout}, fast(on_disk(file))};
    in_second = [&] { engine.pause(target); };
    first = ask(handler, post());
    CHECK(first.status == 303);
    CHECK(engine.find_run(run_id_of(first))->status == run_status::paused);
    CHECK(engine.store().memos_of(run_id_of(first)).size() == 2);
  }
  engine engine{app, {checkout}, fast(on_disk(file))};
  // a client that comes during the pause: its app works until the engine can tell it
  in_second = [] {};
  const response second = ask(handler, post());
  CHECK(second.status == 303);
  CHECK(engine.find_run(run_id_of(second))->status == run_status::paused);
  CHECK(ran.p == 0);
  CHECK(engine.resume(target));
  CHECK(follow(handler, first).body == "2");
  CHECK(follow(handler, second).body == "4");
  CHECK(ran.a == 2);
  CHECK(ran.b == 2);
  CHECK(ran.p == 2);
}

TEST_CASE("a run that was cancelled while its app worked leads to its end", "[endpoint][engine]") {
  const auto app = make_client();
  engine* running = nullptr;
  const auto checkout = inngest::endpoint(app, {.id = "checkout"}, [&](endpoint_context& ctx) {
    ctx.step.run("a", [] {});
    ctx.step.run("b", [&] { CHECK(running->cancel(ctx.run_id)); });
    ctx.step.run("c", [] { FAIL("the run was cancelled"); });
    return 0;
  });
  engine engine(app, {checkout}, fast());
  running = &engine;
  const auto handler = checkout.serve();
  const response first = ask(handler, post());
  CHECK(first.status == 303);
  const response answer = follow(handler, first);
  CHECK(answer.status == 500);
  CHECK_THAT(answer.body, ContainsSubstring("cancelled"));
  CHECK(engine.wait_until_idle(support::patience));
}

TEST_CASE("an engine's server continues an endpoint of another process, with a signature",
          "[endpoint][engine][http]") {
  // The server of another process: its engine has none of the functions.
  const std::string key = "signkey-test-00112233445566778899aabbccddeeff";
  const auto of_server = make_client();
  engine engine(of_server, {}, fast());
  inngest::embedded::http_server server(engine, {.port = 0, .signing_key = key, .event_keys = {"event-key"}});

  inngest::client_options options = support::quiet_options(inngest::mode::cloud);
  options.signing_key = key;
  options.event_key = "event-key";
  options.api_base_url = server.url();
  options.event_api_base_url = server.url();
  options.transport = std::make_shared<inngest::httplib_transport>();
  const inngest::client app(options);
  const auto ran = std::make_shared<counters>();
  const auto checkout = sleepy(app, ran);
  httplib::Server web;
  const auto handler = inngest::serve(web, "/checkout", checkout);
  support::running_server running(web);

  support::http_client browser(running.port());
  browser.set_read_timeout(support::patience);
  const auto first = browser.Post("/checkout?tag=t1", R"({"id":"o1","amount":21})", "application/json");
  REQUIRE(first);
  REQUIRE(first->status == 303);
  auto answer = browser.Get("/checkout" + first->get_header_value("location"));
  REQUIRE(answer);
  CHECK(answer->status == 201);
  CHECK(answer->body == "o1 44 POST t1");
  CHECK(answer->get_header_value("x-mine") == "yes");
  CHECK(ran->a == 1);
  CHECK(ran->b == 1);
  CHECK(ran->p == 1);
  CHECK(ran->q == 1);

  // without a good signature nobody continues a run
  const std::string run_id = first->get_header_value("x-run-id");
  for (const std::string signature : {"", "t=1&s=00", "nonsense"}) {
    const httplib::Headers headers{
        {"x-run-id", run_id}, {"x-inngest-signature", signature}, {"x-inngest-req-version", "2"}};
    const auto refused = browser.Post("/checkout", headers, "{}", "application/json");
    REQUIRE(refused);
    CHECK(refused->status == 401);
  }
  CHECK(ran->a == 1);

  // the engine shows it like any other run
  const auto run = engine.find_run(run_id);
  REQUIRE(run);
  CHECK(run->status == run_status::completed);
  CHECK(run->function_id == "checkout");
  support::http_client api(server.port());
  api.set_bearer_token_auth(inngest::protocol::hashed_signing_key(key));
  const auto shown = api.Get("/v1/runs/" + run_id);
  REQUIRE(shown);
  CHECK(json::parse(shown->body).at("data").at("output").at("status") == 201);

  // apps without the key begin no runs, and tokens are checked
  support::http_client stranger(server.port());
  CHECK(stranger.Post("/v1/checkpoint", "{}", "application/json")->status == 401);
  CHECK(stranger.Get("/v1/http/runs/" + run_id + "/output?token=x")->status == 401);
  const std::string location = first->get_header_value("location");
  const std::string token = location.substr(location.find("inngestToken=") + 13);
  const auto by_token = stranger.Get("/v1/http/runs/" + run_id + "/output?token=" + token);
  CHECK(by_token->status == 201);
  CHECK(by_token->body == "o1 44 POST t1");
  CHECK(stranger.Get("/v1/checkpoint/" + run_id + "/output?token=" + token)->status == 201);
  CHECK(api.Post("/v1/checkpoint", "{}", "application/json")->status == 400);
}

TEST_CASE("requests by which apps begin runs are judged completely before anything changes",
          "[endpoint][engine]") {
  const auto app = make_client();
  engine engine(app, {}, fast());
  const auto begin = [&](const std::string& body) {
    return engine.answer_endpoint({.method = "POST", .url = "/v1/checkpoint", .body = body}, 0ms);
  };
  const json good{{"run_id", "01JZZZZZZZZZZZZZZZZZZZZZZZ"},
                  {"event",
                   {{"name", "http/run.started"},
                    {"data", {{"domain", "http://a.test"}, {"method", "GET"}, {"path", "/x"}}}}},
                  {"steps", json::array()}};
  const auto with = [&](const char* pointer, json value) {
    json out = good;
    out[json::json_pointer(pointer)] = std::move(value);
    return out.dump();
  };
  for (const std::string& bad :
       {std::string("garbage"), std::string("{}"), with("/run_id", "short"), with("/run_id", 7),
        with("/event", nullptr), with("/event/data", json::array()), with("/event/data/domain", ""),
        with("/event/data/domain", "ftp://a.test"), with("/event/data/domain", "a.test"),
        with("/event/data/path", "x"), with("/event/data/method", nullptr), with("/steps", "x"),
        with("/steps", {{{"op", "Nonsense"}}}), with("/retries", "x"), with("/steps", {1})}) {
    CAPTURE(bad);
    CHECK(begin(bad).status == 400);
  }
  CHECK(engine.runs().empty());
  CHECK(engine.functions().empty());
  const response begun = begin(good.dump());
  REQUIRE(begun.status == 200);
  const json ids = json::parse(begun.body).at("data");
  CHECK(ids.at("run_id") == good.at("run_id"));
  CHECK(ids.at("fn_id").get<std::string>().size() == 36);
  CHECK(begin(good.dump()).status == 409);
  CHECK(engine.functions().at(0).slug == "http://a.test-GET /x");

  const auto report = [&](json body) {
    return engine.answer_endpoint(
        {.method = "POST", .url = "/v1/http/runs/01JZZZZZZZZZZZZZZZZZZZZZZZ/steps", .body = body.dump()},
        0ms);
  };
  json steps{{"app_id", ids.at("app_id")},
             {"steps",
              {{{"op", "RunComplete"},
                {"id", support::hash_of("complete")},
                {"data", {{"status", 200}, {"body", "ok"}}}}}}};
  json of_other = steps;
  of_other["app_id"] = "00000000-0000-4000-8000-00000000ffff";
  CHECK(report(of_other).status == 409);
  of_other["app_id"] = "nonsense";
  CHECK(report(of_other).status == 409);
  CHECK(report({{"app_id", ids.at("app_id")}}).status == 400);
  CHECK(report(steps).status == 200);
  CHECK(report(steps).status == 409);
  const response output = engine.answer_endpoint(
      {.method = "GET",
       .url = "/v1/http/runs/01JZZZZZZZZZZZZZZZZZZZZZZZ/output?token=" + ids.at("token").get<std::string>()},
      0ms);
  CHECK(output.status == 200);
  CHECK(output.body == "ok");
}

TEST_CASE("the engine continues the run of an app that has died, after two hours", "[endpoint][engine]") {
  const auto app = make_client();
  std::atomic<int> hours{0};
  engine_options options = fast();
  options.system_time = [&] { return std::chrono::system_clock::now() + std::chrono::hours(hours); };
  engine engine(app, {}, options);
  std::mutex mutex;
  std::vector<request> calls;
  engine.reach_apps_by(std::make_shared<far_app>([&](request made) {
    const std::lock_guard lock(mutex);
    calls.push_back(std::move(made));
    return response{.status = 206,
                    .headers = {{"x-inngest-sdk", "test"}},
                    .body = R"({"op":"RunComplete","id":")" + support::hash_of("complete") +
                            R"(","data":{"status":200,"body":"late"}})"};
  }));
  const std::string id = "01JZZZZZZZZZZZZZZZZZZZZZZZ";
  const json data{{"domain", "http://a.test"},
                  {"method", "PUT"},
                  {"path", "/x"},
                  {"query_params", "a=1"},
                  {"body", "aGVsbG8="}};
  const json step{{"op", "StepRun"}, {"id", support::hash_of("a")}, {"data", 1}};
  const json begun{{"run_id", id},
                   {"event", {{"name", "http/run.started"}, {"data", data}}},
                   {"steps", {step}},
                   {"retries", 1}};
  const response answer =
      engine.answer_endpoint({.method = "POST", .url = "/v1/checkpoint", .body = begun.dump()}, 0ms);
  REQUIRE(answer.status == 200);
  const json ids = json::parse(answer.body).at("data");
  CHECK(engine.find_run(id)->status == run_status::running);
  hours = 3;
  CHECK(engine.wait_for(id, support::patience).status == run_status::completed);
  {
    const std::lock_guard lock(mutex);
    REQUIRE(calls.size() == 1);
    CHECK(calls.at(0).method == "PUT");
    CHECK(calls.at(0).url == "http://a.test/x?a=1");
    CHECK(calls.at(0).body == "hello");
    CHECK(calls.at(0).headers.find("x-run-id") == id);
  }
  // the app was only slow: it learns that it was given up
  const json late{{"app_id", ids.at("app_id")}, {"steps", {step}}};
  CHECK(engine
            .answer_endpoint(
                {.method = "POST", .url = "/v1/checkpoint/" + id + "/steps", .body = late.dump()}, 0ms)
            .status == 409);
}
