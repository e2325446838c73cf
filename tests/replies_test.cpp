// Requests that are answered later, through a reply: what an adapter that does not block relies on.
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

using Catch::Matchers::ContainsSubstring;
using namespace std::chrono_literals;
using support::eventually;

namespace {

struct nothing {};
INNGEST_FIELDS(nothing)
using go = inngest::event<"test/go", nothing>;

/// What a client has received.
struct client {
  std::mutex mutex{};
  int answers = 0;
  int status = 0;
  inngest::http::headers headers{};
  std::string body{};
  std::vector<std::string> pieces{};
  bool has_begun = false, has_ended = false, is_written = false;
  std::atomic<bool> is_gone{false};

  template <class Read>
  auto read(Read read_it) {
    const std::lock_guard lock(mutex);
    return read_it();
  }
  bool has_answer() {
    return read([&] { return answers > 0; });
  }
};

/// Writes what it is given to a client that is a variable.
class to_client final : public inngest::http::exchange {
 public:
  explicit to_client(std::shared_ptr<client> to) : to_(std::move(to)) {}
  ~to_client() override {
    to_->read([&] { return to_->is_written = true; });
  }
  void send(inngest::http::response answer) override {
    const std::lock_guard lock(to_->mutex);
    ++to_->answers;
    to_->status = answer.status;
    to_->headers = answer.headers;
    to_->body = answer.body;
  }
  void begin(inngest::http::response head) override {
    const std::lock_guard lock(to_->mutex);
    to_->has_begun = true;
    to_->status = head.status;
  }
  bool write(std::string piece) override {
    const std::lock_guard lock(to_->mutex);
    to_->pieces.push_back(std::move(piece));
    return !to_->is_gone;
  }
  void end() override {
    const std::lock_guard lock(to_->mutex);
    ++to_->answers;
    to_->has_ended = true;
  }
  bool is_open() const override { return !to_->is_gone; }

 private:
  std::shared_ptr<client> to_;
};

inngest::http::reply reply_to(const std::shared_ptr<client>& to) {
  return inngest::http::reply(std::make_shared<to_client>(to));
}

/// Runs work when the test says so, or not at all.
struct manual_executor final : inngest::executor {
  bool post(std::function<void()> work) override {
    if (throws) throw std::runtime_error("out of order");
    if (is_full) return false;
    works.push_back(std::move(work));
    return true;
  }
  void run_all() {
    for (const auto& work : std::exchange(works, {})) work();
  }
  std::vector<std::function<void()>> works{};
  bool is_full = false;
  bool throws = false;
};

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
  CHECK(s.handler.drain(60s));
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
