// Requests that are answered later, through a reply: what an adapter that does not block relies on.
#include <inngest/endpoint.hpp>
#include <inngest/inngest.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"
#include "support/replies.hpp"

using Catch::Matchers::ContainsSubstring;
using namespace std::chrono_literals;
using support::eventually;

namespace {

struct nothing {};
INNGEST_FIELDS(nothing)
using go = inngest::event<"test/go", nothing>;

using support::client;
using support::manual_executor;
using support::reply_to;

inngest::http::request call_of(const std::string& slug) {
  return {.method = "POST",
          .url = "/api/inngest?fnId=" + slug + "&stepId=step",
          .body = R"({"ctx":{"run_id":"r","attempt":0,"max_attempts":1,"stack":{"stack":[],"current":0}},)"
                  R"("event":{"name":"test/go","data":{}},"events":[{"name":"test/go","data":{}}],)"
                  R"("steps":{},"version":2})"};
}

struct served {
  explicit served(std::function<int(std::stop_token)> step, inngest::serve_options options = {},
                  inngest::client_options client_options = support::quiet_options())
      : app(std::move(client_options)),
        executor(std::make_shared<manual_executor>()),
        handler(app,
                {app.create_function({.id = "f"}, inngest::on<go>(),
                                     [step](inngest::context<go>& ctx) { return ctx.step.run("s", step); })},
                with(std::move(options), executor)) {}

  static inngest::serve_options with(inngest::serve_options options,
                                     const std::shared_ptr<manual_executor>& executor) {
    if (!options.executor) options.executor = executor;
    return options;
  }

  inngest::client app;
  std::shared_ptr<manual_executor> executor;
  inngest::handler handler;
};

int answers_seven(std::stop_token) { return 7; }

}  // namespace

TEST_CASE("a call is posted to the executor and answered when it has run", "[serve][reply]") {
  served s(answers_seven);
  const auto to = std::make_shared<client>();
  s.handler(call_of("app-f"), reply_to(to));
  CHECK_FALSE(to->has_answer());
  CHECK(s.executor->works.size() == 1);
  CHECK(s.handler.calls_under_way() == 1);
  s.executor->run_all();
  CHECK(to->answers == 1);
  CHECK(to->status == 206);
  CHECK_THAT(to->body, ContainsSubstring("\"data\":7"));
  CHECK(to->is_written);
  CHECK(s.handler.calls_under_way() == 0);
}

namespace {

/// Returns from post() when the work has begun to write its answer.
struct overtaking_executor final : inngest::executor {
  bool post(std::function<void()> work) override {
    thread = std::thread(std::move(work));
    support::hold_until(is_writing);
    return true;
  }
  std::atomic<bool> is_writing{false};
  std::thread thread;
};

}  // namespace

TEST_CASE("a thread that posts a call does not wait for the stream of its answer", "[serve][reply]") {
  const auto executor = std::make_shared<overtaking_executor>();
  std::atomic<bool> is_returned{false};
  bool was_free = false;
  const inngest::client app(support::quiet_options());
  const auto slow = inngest::endpoint(app, {.id = "e", .record_without_steps = false},
                                      [&](inngest::endpoint_context&) -> inngest::http::response {
                                        return {.stream = [&](const inngest::http::chunk_writer& write) {
                                          write("a");
                                          executor->is_writing = true;
                                          was_free = eventually([&] { return is_returned.load(); });
                                        }};
                                      });
  const auto handler = slow.serve({.executor = executor});
  const auto to = std::make_shared<client>();
  handler({.method = "GET", .url = "/e"}, reply_to(to));
  is_returned = true;
  CHECK(handler.drain(support::patience));
  executor->thread.join();  // its work may hold the last reference to the executor
  CHECK(was_free);
}

TEST_CASE("a reply gives the same answer as the handler that blocks", "[serve][reply]") {
  served s(answers_seven);
  const std::vector<inngest::http::request> requests = {
      {.method = "GET", .url = "/api/inngest"},
      {.method = "HEAD", .url = "/api/inngest"},
      {.method = "OPTIONS", .url = "/api/inngest"},
      {.method = "POST", .url = "/api/inngest?fnId=app-f&probe=trust"},
      {.method = "POST", .url = "/api/inngest?fnId=app-f&probe=other"},
      {.method = "POST", .url = "/api/inngest"},
      {.method = "POST", .url = "/api/inngest?fnId=app-gone&stepId=step"},
      {.method = "POST", .url = "/api/inngest?fnId=app-f&stepId=step", .body = "garbage"},
      {.method = "PUT",
       .url = "/api/inngest",
       .headers = {{"x-inngest-sync-kind", "in_band"}},
       .body = R"({"url":"http://localhost/api/inngest"})"},
  };
  for (const auto& request : requests) {
    CAPTURE(request.method, request.url);
    const auto to = std::make_shared<client>();
    s.handler(request, reply_to(to));
    s.executor->run_all();
    const auto blocking = s.handler(request);
    CHECK(to->answers == 1);
    CHECK(to->status == blocking.status);
    CHECK(to->body == blocking.body);
    CHECK(std::vector(to->headers.begin(), to->headers.end()) ==
          std::vector(blocking.headers.begin(), blocking.headers.end()));
  }
}

TEST_CASE("what takes no time is answered at once, without the executor", "[serve][reply]") {
  auto options = support::quiet_options(inngest::mode::cloud);
  options.signing_key = "signkey-test-" + std::string(64, 'a');
  served s(answers_seven, {.max_body_size = 100}, options);
  const auto status_of = [&](inngest::http::request request) {
    const auto to = std::make_shared<client>();
    s.handler(std::move(request), reply_to(to));
    CHECK(s.executor->works.empty());
    CHECK(to->is_written);
    return to->status;
  };
  CHECK(status_of({.method = "PUT", .url = "/api/inngest"}) == 401);
  CHECK(status_of({.method = "POST", .url = "/api/inngest?fnId=app-f", .body = "{}"}) == 401);
  CHECK(status_of({.method = "POST", .url = "/api/inngest", .body = std::string(101, ' ')}) == 413);
}

namespace {

/// The answers of all three ways to call a handler.
std::vector<support::answer> all_answers(const inngest::handler& handler, const inngest::http::request& asked,
                                         const std::shared_ptr<manual_executor>& executor) {
  const auto to = std::make_shared<client>();
  handler(asked, reply_to(to));
  executor->run_all();
  REQUIRE(to->answers == 1);
  std::vector<support::answer> out{support::answer(handler(asked)), support::answer(handler(asked, {})), {}};
  out.back().status = to->status;
  out.back().text = to->body;
  out.back().headers = to->headers;
  return out;
}

}  // namespace

TEST_CASE("no answer to HEAD has a body, whatever its status", "[serve][reply]") {
  auto options = support::quiet_options(inngest::mode::cloud);
  options.signing_key = "signkey-test-" + std::string(64, 'a');
  served s(answers_seven, {.max_body_size = 100}, options);
  const inngest::http::request head{.method = "HEAD", .url = "/api/inngest"};
  for (const support::answer& refused : all_answers(s.handler, head, s.executor)) {
    CHECK(refused.status == 401);
    CHECK(refused.text.empty());
  }
  auto large = head;
  large.body = std::string(101, ' ');
  for (const support::answer& refused : all_answers(s.handler, large, s.executor)) {
    CHECK(refused.status == 413);
    CHECK(refused.text.empty());
  }
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  auto trusted = head;
  trusted.headers.add("x-inngest-signature", inngest::protocol::sign("", options.signing_key, now));
  for (const support::answer& good : all_answers(s.handler, trusted, s.executor)) {
    CHECK(good.status == 200);
    CHECK(good.text.empty());
    CHECK(inngest::protocol::verify(good.header("x-inngest-signature"), "", options.signing_key, now));
  }
}

TEST_CASE("an endpoint's answer to HEAD, or without content, has no body", "[serve][reply]") {
  const inngest::client app(support::quiet_options());
  const auto endpoint = inngest::endpoint(
      app, {.id = "e", .methods = {"GET", "HEAD", "POST"}, .record_without_steps = false},
      [](inngest::endpoint_context& ctx) -> inngest::http::response {
        const int status = std::stoi(ctx.request.query("status").value());
        if (!ctx.request.query("streams")) return {.status = status, .body = "a body"};
        return {.status = status,
                .stream = [](const inngest::http::chunk_writer& write) { write("a body"); }};
      });
  const auto executor = std::make_shared<manual_executor>();
  const auto handler = endpoint.serve({.executor = executor});
  struct {
    const char* method;
    int status;
    bool has_body;
  } const cases[] = {{"GET", 200, true},  {"HEAD", 200, false}, {"GET", 204, false},
                     {"GET", 304, false}, {"GET", 103, false},  {"POST", 200, true}};
  for (const auto& one : cases) {
    CAPTURE(one.method, one.status);
    for (const std::string streams : {"", "&streams=1"}) {
      const inngest::http::request asked{.method = one.method,
                                         .url = "/e?status=" + std::to_string(one.status) + streams};
      const auto to = std::make_shared<client>();
      handler(asked, reply_to(to));
      executor->run_all();
      CHECK(to->answers == 1);
      CHECK(to->status == one.status);
      CHECK((!to->body.empty() || !to->pieces.empty()) == one.has_body);
      const auto blocking = handler(asked);
      CHECK(blocking.status == one.status);
      CHECK((!blocking.body.empty() || blocking.stream) == one.has_body);
    }
  }
  CHECK(handler.drain(support::patience));
  const auto refused = handler({.method = "HEAD", .url = "/e?status=200"});
  CHECK(refused.status == 503);
  CHECK(refused.body.empty());
}

TEST_CASE("a full executor is answered with 503, and the server tries the call again", "[serve][reply]") {
  served s(answers_seven, {.streaming = GENERATE(false, true)});
  s.executor->is_full = true;
  const auto to = std::make_shared<client>();
  s.handler(call_of("app-f"), reply_to(to));
  CHECK(to->answers == 1);
  CHECK(to->status == 503);
  CHECK_FALSE(to->has_begun);
  CHECK(to->headers.find("retry-after") == "1");
  CHECK(to->headers.find("x-inngest-no-retry") == "false");
  CHECK(s.handler.calls_under_way() == 0);
}

TEST_CASE("an executor that throws is one that is full", "[serve][reply]") {
  served s(answers_seven);
  s.executor->throws = true;
  const auto to = std::make_shared<client>();
  s.handler(call_of("app-f"), reply_to(to));
  CHECK(to->status == 503);
}

TEST_CASE("a call that the executor drops is answered with 500", "[serve][reply]") {
  served s(answers_seven);
  const auto to = std::make_shared<client>();
  s.handler(call_of("app-f"), reply_to(to));
  s.executor->works.clear();
  CHECK(to->answers == 1);
  CHECK(to->status == 500);
  CHECK_THAT(to->body, ContainsSubstring("without an answer"));
  CHECK(s.handler.calls_under_way() == 0);
}

TEST_CASE("a streamed reply begins at once, is kept alive, and ends with the answer", "[serve][reply]") {
  served s(answers_seven, {.streaming = true, .heartbeat = 5ms});
  const auto to = std::make_shared<client>();
  s.handler(call_of("app-f"), reply_to(to));
  CHECK(to->read([&] { return to->has_begun; }));
  CHECK(to->status == 201);
  REQUIRE(eventually([&] { return to->read([&] { return to->pieces.size() >= 3; }); }));
  s.executor->run_all();
  CHECK(to->answers == 1);
  CHECK(to->has_ended);
  const auto last = inngest::json::parse(to->pieces.back());
  CHECK(last.at("status") == 206);
  CHECK_THAT(last.at("body").get<std::string>(), ContainsSubstring("\"data\":7"));
  to->pieces.pop_back();
  for (const std::string& piece : to->pieces) CHECK(piece == " ");
}

TEST_CASE("a streamed app answers as a whole where the framework can't send pieces", "[serve][reply]") {
  served s(answers_seven, {.streaming = true, .heartbeat = 1ms});
  const auto to = std::make_shared<client>();
  to->takes_pieces = false;
  s.handler(call_of("app-f"), reply_to(to));
  s.executor->run_all();
  CHECK(to->answers == 1);
  CHECK(to->status == 206);
  CHECK(to->pieces.empty());
}

TEST_CASE("a call is asked to stop when its client is gone", "[serve][reply]") {
  const bool streaming = GENERATE(false, true);
  CAPTURE(streaming);
  std::atomic<bool> runs{false}, was_asked{false};
  served s(
      [&](std::stop_token stop) {
        runs = true;
        was_asked = eventually([&] { return stop.stop_requested(); });
        return 1;
      },
      {.streaming = streaming, .heartbeat = 5ms, .executor = std::make_shared<inngest::thread_pool>()});
  const auto to = std::make_shared<client>();
  s.handler(call_of("app-f"), reply_to(to));
  REQUIRE(eventually([&] { return runs.load(); }));
  to->is_gone = true;
  CHECK(eventually([&] { return s.handler.calls_under_way() == 0; }));
  CHECK(was_asked);
}

TEST_CASE("a call whose client left before it began does not run", "[serve][reply]") {
  std::atomic<int> runs{0};
  served s([&](std::stop_token) { return ++runs; }, {.streaming = GENERATE(false, true), .heartbeat = 1ms});
  const auto to = std::make_shared<client>();
  auto request = call_of("app-f");
  SECTION("of the function") {}
  SECTION("of one step") {
    request.url.resize(request.url.size() - 4);
    request.url += inngest::detail::to_hex(inngest::detail::sha1::of("s"));
  }
  s.handler(std::move(request), reply_to(to));
  to->is_gone = true;
  std::this_thread::sleep_for(50ms);
  s.executor->run_all();
  CHECK(runs == 0);
  CHECK(s.handler.calls_under_way() == 0);
}

TEST_CASE("an endpoint whose client left before it began does not begin a run", "[serve][reply][endpoint]") {
  std::atomic<int> requests{0};
  auto options = support::quiet_options();
  options.transport = std::make_shared<support::fake_transport>([&](const inngest::http::request&) {
    ++requests;
    return inngest::http::response{.body = R"({"data":{"fn_id":"F","app_id":"A","token":"T"}})"};
  });
  const auto executor = std::make_shared<manual_executor>();
  const auto pay =
      inngest::endpoint(inngest::client(options), {.id = "pay"}, [](inngest::endpoint_context& ctx) {
        ctx.step.run("charge", [] { return 1; });
        ctx.step.sleep("nap", 1h);
        return 2;
      });
  const inngest::handler handler = pay.serve({.heartbeat = 1ms, .executor = executor});
  const auto to = std::make_shared<client>();
  handler({.method = "POST", .url = "/pay"}, reply_to(to));
  to->is_gone = true;
  std::this_thread::sleep_for(50ms);
  executor->run_all();
  CHECK(requests == 0);
}

TEST_CASE("a slow callback of a stop token delays no heartbeat of another call", "[serve][reply]") {
  std::atomic<bool> is_asked{false}, may_end{false};
  served s(
      [&](std::stop_token stop) {
        const std::stop_callback slow(stop, [&] {
          is_asked = true;
          eventually([&] { return may_end.load(); });
        });
        eventually([&] { return may_end.load(); });
        return 1;
      },
      {.streaming = true, .heartbeat = 2ms, .executor = std::make_shared<inngest::thread_pool>()});
  const auto gone = std::make_shared<client>(), stays = std::make_shared<client>();
  s.handler(call_of("app-f"), reply_to(gone));
  s.handler(call_of("app-f"), reply_to(stays));
  gone->is_gone = true;
  REQUIRE(eventually([&] { return is_asked.load(); }));
  const auto count = [&] { return stays->read([&] { return stays->pieces.size(); }); };
  const auto before = count();
  CHECK(eventually([&] { return count() > before + 3; }));
  may_end = true;
  CHECK(eventually([&] { return s.handler.calls_under_way() == 0; }));
}

TEST_CASE("a step that a drain kept from beginning is asked for again", "[serve][reply][drain]") {
  std::atomic<int> runs{0};
  served s([&](std::stop_token) { return ++runs; }, {.strict = GENERATE(false, true)});
  const auto to = std::make_shared<client>();
  auto request = call_of("app-f");
  request.url.resize(request.url.size() - 4);
  request.url += inngest::detail::to_hex(inngest::detail::sha1::of("s"));
  s.handler(std::move(request), reply_to(to));
  CHECK_FALSE(s.handler.drain(1ms));
  s.executor->run_all();
  CHECK(runs == 0);
  CHECK(to->status == 503);
  CHECK(to->headers.find("x-inngest-no-retry") == "false");
  CHECK_THAT(to->body, ContainsSubstring("asked to stop before its step began"));
}

TEST_CASE("while an app stops, a registration without a signature is refused like at any time",
          "[serve][reply][drain]") {
  auto cloud = support::quiet_options(inngest::mode::cloud);
  cloud.signing_key = "signkey-test-00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
  served s(answers_seven, {}, std::move(cloud));
  CHECK(s.handler.drain(0ms));
  const inngest::http::request registration{.method = "PUT", .url = "/api/inngest", .body = "{}"};
  const auto whole = s.handler(registration);
  CHECK(whole.status == 401);
  CHECK_FALSE(whole.headers.find("x-inngest-sdk"));
  const auto to = std::make_shared<client>();
  s.handler(registration, reply_to(to));
  CHECK(to->status == 401);
}

TEST_CASE("drain() waits for posted registrations, and refuses later ones", "[serve][reply][drain]") {
  served s(answers_seven);
  const inngest::http::request registration{.method = "PUT",
                                            .url = "/api/inngest",
                                            .headers = {{"x-inngest-sync-kind", "in_band"}},
                                            .body = R"({"url":"http://localhost/api/inngest"})"};
  const auto to = std::make_shared<client>();
  s.handler(registration, reply_to(to));
  CHECK_FALSE(s.handler.drain(1ms));
  const auto late = std::make_shared<client>();
  s.handler(registration, reply_to(late));
  CHECK(late->status == 503);
  CHECK(s.handler(registration).status == 503);
  s.executor->run_all();
  CHECK(to->status == 200);
  CHECK(s.handler.drain(support::patience));
}

TEST_CASE("drain() waits until the answers of posted calls are written", "[serve][reply][drain]") {
  served s(answers_seven);
  const auto to = std::make_shared<client>();
  s.handler(call_of("app-f"), reply_to(to));
  CHECK_FALSE(s.handler.drain(1ms));
  const auto late = std::make_shared<client>();
  s.handler(call_of("app-f"), reply_to(late));
  CHECK(late->status == 503);
  s.executor->run_all();
  CHECK(to->answers == 1);
  CHECK(s.handler.drain(support::patience));
}

TEST_CASE("an app may be destroyed while its calls run", "[serve][reply]") {
  std::atomic<bool> runs{false}, may_end{false};
  const auto to = std::make_shared<client>();
  {
    served s(
        [&](std::stop_token) {
          runs = true;
          eventually([&] { return may_end.load(); });
          return 7;
        },
        {.streaming = GENERATE(false, true),
         .heartbeat = 1ms,
         .executor = std::make_shared<inngest::thread_pool>()});
    s.handler(call_of("app-f"), reply_to(to));
    REQUIRE(eventually([&] { return runs.load(); }));
  }
  may_end = true;
  CHECK(eventually([&] { return to->has_answer(); }));
}

TEST_CASE("many calls run at the same time on the default executor", "[serve][reply]") {
  constexpr int calls = 64;
  std::atomic<int> running{0};
  inngest::client app(support::quiet_options());
  const inngest::handler handler(
      app, {app.create_function({.id = "f"}, inngest::on<go>(), [&](inngest::context<go>& ctx) {
        return ctx.step.run("s", [&] {
          ++running;
          return eventually([&] { return running == calls; });
        });
      })});
  std::vector<std::shared_ptr<client>> clients;
  for (int i = 0; i < calls; ++i) {
    clients.push_back(std::make_shared<client>());
    handler(call_of("app-f"), reply_to(clients.back()));
  }
  for (const auto& to : clients) {
    REQUIRE(eventually([&] { return to->has_answer(); }));
    CHECK_THAT(to->body, ContainsSubstring("\"data\":true"));
  }
}

TEST_CASE("a reply is given once, and a reply that is destroyed answers with 500", "[reply]") {
  const auto to = std::make_shared<client>();
  {
    auto first = reply_to(to);
    CHECK(first.is_open());
    const auto moved = std::move(first);
    CHECK_FALSE(first.is_open());
    first.send({.status = 200});  // it has nothing to answer any more
    CHECK_FALSE(to->has_answer());
  }
  CHECK(to->answers == 1);
  CHECK(to->status == 500);

  const auto other = std::make_shared<client>();
  {
    auto reply = reply_to(other);
    reply.send({.status = 204});
    reply.send({.status = 500});
    CHECK_FALSE(reply.write("late"));
  }
  CHECK(other->answers == 1);
  CHECK(other->status == 204);
}

TEST_CASE("a reply sends an answer with a stream in pieces", "[reply]") {
  const auto to = std::make_shared<client>();
  inngest::http::response answer{.status = 201};
  answer.stream = [](const inngest::http::chunk_writer& write) {
    write("a");
    write("b");
  };
  reply_to(to).send(std::move(answer));
  CHECK(to->pieces == std::vector<std::string>{"a", "b"});
  CHECK(to->has_ended);
}

TEST_CASE("a reply that has begun is not sent once more as a whole", "[reply]") {
  const auto to = std::make_shared<client>();
  {
    auto reply = reply_to(to);
    reply.begin({.status = 201});
    reply.write("a");
    reply.send({.status = 500, .body = "late"});
  }
  CHECK(to->answers == 1);
  CHECK(to->has_ended);
  CHECK(to->status == 201);
  CHECK(to->body.empty());
}

TEST_CASE("a reply sends an answer with a stream as a whole where the framework can't send pieces",
          "[reply]") {
  const auto to = std::make_shared<client>();
  to->takes_pieces = false;
  inngest::http::response answer{.status = 201};
  answer.stream = [](const inngest::http::chunk_writer& write) {
    CHECK(write("a"));
    CHECK(write("b"));
  };
  reply_to(to).send(std::move(answer));
  CHECK_FALSE(to->has_begun);
  CHECK(to->answers == 1);
  CHECK(to->status == 201);
  CHECK(to->body == "ab");
}

TEST_CASE("a streamed call that the executor drops ends with an answer that says so", "[serve][reply]") {
  served s(answers_seven, {.streaming = true});
  const auto to = std::make_shared<client>();
  s.handler(call_of("app-f"), reply_to(to));
  s.executor->works.clear();
  CHECK(to->answers == 1);
  CHECK(to->has_ended);
  REQUIRE_FALSE(to->pieces.empty());
  const auto last = inngest::json::parse(to->pieces.back());
  CHECK(last.at("status") == 500);
  CHECK_THAT(last.at("body").get<std::string>(), ContainsSubstring("without an answer"));
  CHECK(s.handler.calls_under_way() == 0);
}

TEST_CASE("a call that was refused does not run, even if its executor kept it", "[serve][reply]") {
  std::atomic<int> runs{0};
  served s([&](std::stop_token) { return ++runs; }, {.streaming = GENERATE(false, true)});
  s.executor->throws_late = true;
  const auto to = std::make_shared<client>();
  s.handler(call_of("app-f"), reply_to(to));
  CHECK(to->status == 503);
  s.executor->run_all();
  CHECK(runs == 0);
  CHECK(to->answers == 1);
  CHECK(s.handler.calls_under_way() == 0);
}

TEST_CASE("an executor that runs work within post() gives the same answers", "[serve][reply]") {
  const bool streaming = GENERATE(false, true);
  served s(answers_seven, {.streaming = streaming});
  s.executor->runs_at_once = true;
  const auto to = std::make_shared<client>();
  s.handler(call_of("app-f"), reply_to(to));
  CHECK(to->answers == 1);
  CHECK(to->status == (streaming ? 201 : 206));
  CHECK(to->pieces.size() == (streaming ? 1 : 0));
  CHECK(s.handler.calls_under_way() == 0);
}

namespace {

const std::string key = "signkey-test-0123456789abcdef0123456789abcdef";

inngest::client_options with_key() {
  auto options = support::quiet_options(inngest::mode::cloud);
  options.signing_key = key;
  return options;
}

inngest::http::request signed_call() {
  auto request = call_of("app-f");
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  request.headers.add("x-inngest-signature", inngest::protocol::sign(request.body, key, now));
  return request;
}

/// Whether the app's key has signed what the client received.
bool is_signed(const inngest::http::headers& headers, const std::string& body) {
  const auto signature = headers.find("x-inngest-signature");
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return signature && inngest::protocol::check_signature(*signature, body, {key}, now).is_good();
}

}  // namespace

TEST_CASE("every answer to a signed call is signed", "[serve][reply][signature]") {
  served s(answers_seven, {}, with_key());
  const auto to = std::make_shared<client>();
  SECTION("that of the function") {
    s.handler(signed_call(), reply_to(to));
    s.executor->run_all();
    CHECK(to->status == 206);
  }
  SECTION("that of a full executor") {
    s.executor->is_full = true;
    s.handler(signed_call(), reply_to(to));
    CHECK(to->status == 503);
  }
  SECTION("that of an executor that drops the call") {
    s.handler(signed_call(), reply_to(to));
    s.executor->works.clear();
    CHECK(to->status == 500);
  }
  SECTION("that of an app that stops") {
    s.handler.drain(0ms);
    s.handler(signed_call(), reply_to(to));
    CHECK(to->status == 503);
  }
  CHECK(to->answers == 1);
  CHECK(is_signed(to->headers, to->body));
}

TEST_CASE("the answer within a stream is signed", "[serve][reply][signature]") {
  served s(answers_seven, {.streaming = true}, with_key());
  const auto to = std::make_shared<client>();
  s.handler(signed_call(), reply_to(to));
  const bool is_dropped = GENERATE(false, true);
  is_dropped ? s.executor->works.clear() : s.executor->run_all();
  const auto last = inngest::json::parse(to->pieces.back());
  CHECK(last.at("status") == (is_dropped ? 500 : 206));
  const auto& signature = last.at("headers").at("x-inngest-signature");
  CHECK(
      is_signed({{"x-inngest-signature", signature.get<std::string>()}}, last.at("body").get<std::string>()));
}

TEST_CASE("the results of a posted call are saved while it runs", "[serve][reply][checkpointing]") {
  std::mutex mutex;
  std::vector<std::string> saved;
  auto options = support::quiet_options();
  options.transport = std::make_shared<support::fake_transport>([&](const inngest::http::request& request) {
    const std::lock_guard lock(mutex);
    saved.push_back(request.path());
    return inngest::http::response{.status = 200, .body = "{}"};
  });
  const inngest::client app(options);
  const auto executor = std::make_shared<manual_executor>();
  const bool streaming = GENERATE(false, true);
  const inngest::handler handler(app,
                                 {app.create_function({.id = "f"}, inngest::on<go>(),
                                                      [](inngest::context<go>& ctx) {
                                                        return ctx.step.run("a", [] { return 3; }) +
                                                               ctx.step.run("b", [] { return 4; });
                                                      })},
                                 {.streaming = streaming, .executor = executor});
  auto request = call_of("app-f");
  const std::string ids = R"("run_id":"r","fn_id":"uuid","qi_id":"queue","generation_id":1,)";
  request.body.replace(request.body.find(R"("run_id":"r",)"), 13, ids);
  const auto to = std::make_shared<client>();
  handler(std::move(request), reply_to(to));
  executor->run_all();
  CHECK(saved == std::vector<std::string>(2, "/v1/checkpoint/r/async"));
  const std::string body =
      streaming ? inngest::json::parse(to->pieces.back()).at("body").get<std::string>() : to->body;
  CHECK_THAT(body, ContainsSubstring("RunComplete") && ContainsSubstring("\"data\":7"));
}

TEST_CASE("middleware sees a posted call as it sees one that blocks", "[serve][reply][middleware]") {
  struct recorder final : inngest::middleware {
    inngest::http::response wrap_request(const inngest::http::request& request,
                                         inngest::next_call<inngest::http::response> next) override {
      seen.push_back(request.method + " " + request.url + " " + request.body);
      auto out = next();
      seen.push_back(std::to_string(out.status));
      out.headers.add("x-seen", "yes");
      return out;
    }
    std::vector<std::string> seen{};
  };
  const auto layer = std::make_shared<recorder>();
  auto options = support::quiet_options();
  options.middleware = {layer};
  served s(answers_seven, {}, options);
  s.handler(call_of("app-f"));
  const auto blocking = std::exchange(layer->seen, {});
  REQUIRE(blocking.size() == 2);
  const auto to = std::make_shared<client>();
  s.handler(call_of("app-f"), reply_to(to));
  CHECK(layer->seen.empty());
  s.executor->run_all();
  CHECK(layer->seen == blocking);
  CHECK(to->headers.find("x-seen") == "yes");
}

TEST_CASE("a handler may be destroyed while many calls run", "[serve][reply]") {
  constexpr int calls = 64;
  std::atomic<int> running{0};
  std::atomic<bool> may_end{false};
  std::vector<std::shared_ptr<client>> clients;
  {
    inngest::client app(support::quiet_options());
    const inngest::handler handler(app,
                                   {app.create_function({.id = "f"}, inngest::on<go>(),
                                                        [&](inngest::context<go>& ctx) {
                                                          return ctx.step.run("s", [&] {
                                                            ++running;
                                                            return eventually([&] { return may_end.load(); });
                                                          });
                                                        })},
                                   {.streaming = GENERATE(false, true), .heartbeat = 1ms});
    for (int i = 0; i < calls; ++i) {
      clients.push_back(std::make_shared<client>());
      handler(call_of("app-f"), reply_to(clients.back()));
    }
    REQUIRE(eventually([&] { return running == calls; }));
  }
  may_end = true;
  for (const auto& to : clients) {
    REQUIRE(eventually([&] { return to->read([&] { return to->is_written; }); }));
    CHECK(to->answers == 1);
  }
}

TEST_CASE("each call of a crowd gets one answer, those that find no place too", "[serve][reply]") {
  constexpr int threads = 8, calls = 60;
  std::atomic<int> runs{0};
  served s([&](std::stop_token) { return ++runs; },
           {.streaming = GENERATE(false, true),
            .heartbeat = 1ms,
            .executor = std::make_shared<inngest::thread_pool>(
                inngest::thread_pool_options{.threads = 2, .queue = 2, .max_idle = 1ms})});
  std::vector<std::vector<std::shared_ptr<client>>> crowd(threads);
  std::vector<std::thread> posting;
  for (auto& clients : crowd) {
    posting.emplace_back([&] {
      for (int i = 0; i < calls; ++i) {
        clients.push_back(std::make_shared<client>());
        s.handler(call_of("app-f"), reply_to(clients.back()));
      }
    });
  }
  for (std::thread& thread : posting) thread.join();
  CHECK(s.handler.drain(support::patience));
  CHECK(s.handler.calls_under_way() == 0);
  int refused = 0;
  for (const auto& clients : crowd) {
    for (const auto& to : clients) {
      CHECK(to->read([&] { return to->answers; }) == 1);
      CHECK(to->read([&] { return to->is_written; }));
      refused += to->status == 503 ? 1 : 0;
    }
  }
  CHECK(refused < threads * calls);
  CHECK(runs <= threads * calls - refused);  // drain() asks calls that wait to stop before their step
}

TEST_CASE("drain() within a call gives up when its grace is over", "[serve][reply][drain]") {
  std::atomic<bool> is_drained{true};
  const inngest::handler* self = nullptr;
  served s(
      [&](std::stop_token) {
        is_drained = self->drain(5ms);
        return 1;
      },
      {.executor = std::make_shared<inngest::thread_pool>()});
  self = &s.handler;
  const auto to = std::make_shared<client>();
  s.handler(call_of("app-f"), reply_to(to));
  CHECK(eventually([&] { return to->has_answer(); }));
  CHECK_FALSE(is_drained);
  CHECK(s.handler.drain(support::patience));
}
