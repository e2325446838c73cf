// Frameworks of somebody's own, served through adapters that are as short as the docs say.

#include <inngest/inngest.hpp>

#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "catch.hpp"

namespace my {

using fields = std::map<std::string, std::string>;

struct request {
  std::string method;
  std::string target;
  fields headers{};
  std::string body{};
};

struct response {
  int status = 0;
  fields headers{};
  std::string body{};
  void set_header(const std::string& name, const std::string& value) { headers[name] = value; }
};

/// A server that is called instead of connected to.
struct server {
  std::map<std::string, std::function<void(const request&, response&)>> routes{};
  void on_any(const std::string& path, std::function<void(const request&, response&)> answer) {
    routes[path] = std::move(answer);
  }
};

/// A client that waits for an answer, which may come from any thread.
struct async_connection {
  std::promise<response> answer;
  void async_send(response out) { answer.set_value(std::move(out)); }
  bool is_connected() const { return true; }
};

struct async_server {
  std::map<std::string, std::function<void(request, std::shared_ptr<async_connection>)>> routes{};
  void on_any(const std::string& path,
              std::function<void(request, std::shared_ptr<async_connection>)> answer) {
    routes[path] = std::move(answer);
  }
};

/// A pool of threads, or the work of one.
struct pool {
  std::function<void(std::function<void()>)> submit;
};

}  // namespace my

// clang-format off
// [blocking]
template <>
struct inngest::adapter<my::server> {
  static constexpr const char* framework = "my";
  static void mount(my::server& server, const inngest::handler& handler) {
    server.on_any(handler.options().path, [handler](const my::request& in, my::response& out) {
      inngest::http::request request{.method = in.method, .url = in.target, .body = in.body};
      for (const auto& [name, value] : in.headers) request.headers.add(name, value);
      const auto answer = handler(std::move(request));
      out.status = answer.status;
      for (const auto& [name, value] : answer.headers) out.set_header(name, value);
      out.body = answer.body;
    });
  }
};
// [blocking]

// [asynchronous]
struct my_exchange final : inngest::http::exchange {
  explicit my_exchange(std::shared_ptr<my::async_connection> to) : connection(std::move(to)) {}
  void send(inngest::http::response answer) override {
    my::response out{.status = answer.status, .body = std::move(answer.body)};
    for (const auto& [name, value] : answer.headers) out.set_header(name, value);
    connection->async_send(std::move(out));
  }
  bool is_open() const override { return connection->is_connected(); }
  bool streams() const override { return false; }  // so that these are not called:
  void begin(inngest::http::response) override {}
  bool write(std::string) override { return false; }
  void end() override {}

  std::shared_ptr<my::async_connection> connection;
};

template <>
struct inngest::adapter<my::async_server> {
  static constexpr const char* framework = "my";
  static void mount(my::async_server& server, const inngest::handler& handler) {
    server.on_any(handler.options().path, [handler](my::request in, auto connection) {
      inngest::http::request request{.method = in.method, .url = in.target, .body = std::move(in.body)};
      for (const auto& [name, value] : in.headers) request.headers.add(name, value);
      handler(std::move(request), inngest::http::reply(std::make_shared<my_exchange>(connection)));
    });
  }
};
// [asynchronous]

// [executor]
struct my_executor final : inngest::executor {
  explicit my_executor(my::pool& pool) : threads(pool) {}
  bool post(std::function<void()> work) override {
    threads.submit(std::move(work));
    return true;
  }
  my::pool& threads;
};
// [executor]
// clang-format on

namespace {

using hello = inngest::event<"test/hello">;

const my::request call{
    .method = "POST",
    .target = "/jobs?fnId=app-greet&stepId=step",
    .headers = {{"content-type", "application/json"}},
    .body = R"({"event":{"name":"test/hello","data":{}},"steps":{},"ctx":{"run_id":"r","attempt":0}})"};

inngest::client make_app() { return inngest::client({.id = "app", .mode = inngest::mode::dev}); }

inngest::any_function greet(const inngest::client& app) {
  return app.create_function({.id = "greet"}, inngest::on<hello>(), [](auto& ctx) {
    return ctx.step.run("greet", [] { return std::string("hello"); });
  });
}

void check_answer(const my::response& answer) {
  CHECK(answer.status == 206);
  CHECK(answer.headers.at("x-inngest-framework") == "my");
  CHECK_THAT(answer.body, Catch::Matchers::ContainsSubstring("\"data\":\"hello\""));
}

}  // namespace

TEST_CASE("a server of another framework is served by specializing the adapter", "[serve]") {
  const auto app = make_app();
  my::server server;
  inngest::serve(server, app, {greet(app)}, {.path = "/jobs"});
  REQUIRE(server.routes.count("/jobs") == 1);
  my::response answer;
  server.routes["/jobs"](call, answer);
  check_answer(answer);
}

TEST_CASE(
    "a server of an asynchronous framework is served by an exchange, and calls run where the executor says",
    "[serve]") {
  const auto app = make_app();
  std::function<void()> posted;
  my::pool threads{.submit = [&](std::function<void()> work) { posted = std::move(work); }};
  my::async_server server;
  inngest::serve(server, app, {greet(app)},
                 {.path = "/jobs", .executor = std::make_shared<my_executor>(threads)});
  const auto connection = std::make_shared<my::async_connection>();
  auto answer = connection->answer.get_future();
  server.routes["/jobs"](call, connection);
  REQUIRE(posted);
  CHECK(answer.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
  posted();
  check_answer(answer.get());
}
