#include <inngest/adapters/civetweb.hpp>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "adapters/suite.hpp"
#include "catch.hpp"
#include "support/handler_driver.hpp"
#include "support/http_connection.hpp"

namespace {

using Catch::Matchers::ContainsSubstring;
using support::http_answer;
using support::http_connection;
using support::request_text;
using test_event = inngest::event<"test/event">;

struct stop_context {
  void operator()(mg_context* context) const { mg_stop(context); }
};
using context_pointer = std::unique_ptr<mg_context, stop_context>;

/// A CivetWeb server on 127.0.0.1 with more threads than by default.
context_pointer start_civetweb(int port = 0, const char* keep_alive = "yes") {
  const std::string listening = "127.0.0.1:" + std::to_string(port);
  const char* options[] = {"listening_ports",
                           listening.c_str(),
                           "num_threads",
                           "128",
                           "connection_queue",
                           "256",
                           "tcp_nodelay",
                           "1",
                           "enable_keep_alive",
                           keep_alive,
                           "keep_alive_timeout_ms",
                           "20000",
                           nullptr};
  const mg_callbacks callbacks{};
  context_pointer out(mg_start(&callbacks, nullptr, options));
  if (!out) throw std::runtime_error("CivetWeb has not started");
  return out;
}

int port_of(const mg_context& context) {
  mg_server_port port{};
  mg_get_server_ports(&context, 1, &port);
  return port.port;
}

class running final : public suite::running_server {
 public:
  running(const inngest::client& app, std::vector<inngest::any_function> functions,
          inngest::serve_options options, int port)
      : context_(start_civetweb(port)),
        handler_(suite::serve(*context_, app, std::move(functions), std::move(options))),
        port_(port_of(*context_)) {}
  ~running() override { stop(); }

  int port() const override { return port_; }
  const inngest::handler& handler() const override { return handler_; }
  void stop() override {
    if (context_) inngest::stop_serving(*context_, handler_);
    context_.reset();
  }

 private:
  context_pointer context_;
  inngest::handler handler_;
  int port_;
};

http_answer ask(int port, const std::string& request) {
  http_connection connection(port);
  connection.send(request);
  return connection.read_answer();
}

inngest::any_function counting(const inngest::client& app, const std::shared_ptr<std::atomic<int>>& calls) {
  return app.create_function({.id = "f"}, inngest::on<test_event>(), [calls](auto&) { return ++*calls; });
}

constexpr const char* target = "/api/inngest?fnId=app-f&stepId=step";

}  // namespace

const suite::framework& suite::traits() {
  static const framework out{
      .name = "civetweb", .streams = true, .uses_executor = false, .notices_gone_clients = false};
  return out;
}

std::unique_ptr<suite::running_server> suite::start(const inngest::client& app,
                                                    std::vector<inngest::any_function> functions,
                                                    inngest::serve_options options, int port) {
  return std::make_unique<running>(app, std::move(functions), std::move(options), port);
}

TEST_CASE("CivetWeb: without keep-alive every connection is closed, and answers say so", "[civetweb]") {
  const auto app = support::quiet_client();
  const auto context = start_civetweb(0, "no");
  const auto handler = inngest::serve(*context, app, {counting(app, std::make_shared<std::atomic<int>>())},
                                      {.streaming = true});
  for (const std::string method : {"GET", "POST"}) {
    http_connection connection(port_of(*context));
    connection.send(request_text(method, target, method == "POST" ? support::call().text() : ""));
    CHECK(connection.read_answer().header("connection") == "close");
    CHECK(connection.read_rest().empty());
  }
  inngest::stop_serving(*context, handler);
}

TEST_CASE("CivetWeb: a request handler of the user's own answers with one call", "[civetweb]") {
  const auto app = support::quiet_client();
  const auto calls = std::make_shared<std::atomic<int>>();
  inngest::handler handler(app, {counting(app, calls)}, {.framework = "civetweb"});
  const auto context = start_civetweb();
  mg_set_request_handler(
      context.get(), "/anywhere",
      [](mg_connection* connection, void* called) {
        return inngest::answer(*static_cast<const inngest::handler*>(called), connection);
      },
      &handler);
  const http_answer answer = ask(
      port_of(*context), request_text("POST", "/anywhere?fnId=app-f&stepId=step", support::call().text()));
  CHECK(answer.status == 200);
  CHECK(answer.header("x-inngest-framework") == "civetweb");
  CHECK(*calls == 1);
}

TEST_CASE("CivetWeb: an app that is served again takes the place of the first, and may end", "[civetweb]") {
  const auto app = support::quiet_client();
  const auto first = std::make_shared<std::atomic<int>>(), second = std::make_shared<std::atomic<int>>();
  const auto context = start_civetweb();
  const std::string request = request_text("POST", target, support::call().text());
  inngest::serve(*context, app, {counting(app, first)});
  CHECK(ask(port_of(*context), request).status == 200);
  {
    const auto handler = inngest::serve(*context, app, {counting(app, second)});
    CHECK(first.use_count() == 1);  // nothing keeps the first
    CHECK(ask(port_of(*context), request).status == 200);
    inngest::stop_serving(*context, handler);
    inngest::stop_serving(*context, handler);
  }
  CHECK(second.use_count() == 1);
  CHECK(ask(port_of(*context), request).status == 404);
  CHECK((*first == 1 && *second == 1));
}

TEST_CASE("CivetWeb: a body that ends too early is answered with 400, and nothing runs", "[civetweb]") {
  const auto app = support::quiet_client();
  const auto calls = std::make_shared<std::atomic<int>>();
  const auto context = start_civetweb();
  const auto handler = inngest::serve(*context, app, {counting(app, calls)});
  const std::string start = "POST " + std::string(target) + " HTTP/1.1\r\nhost: localhost\r\n";
  CHECK(ask(port_of(*context), start + "transfer-encoding: chunked\r\n\r\n2\r\n{}\r\nnonsense\r\n").status ==
        400);
  CHECK(*calls == 0);
  inngest::stop_serving(*context, handler);
}

TEST_CASE("CivetWeb: a client of HTTP 1.0 gets a streamed answer without chunks", "[civetweb]") {
  const auto app = support::quiet_client();
  const auto context = start_civetweb();
  const auto handler = inngest::serve(*context, app, {counting(app, std::make_shared<std::atomic<int>>())},
                                      {.streaming = true});
  const std::string body = support::call().text();
  http_connection connection(port_of(*context));
  connection.send("POST " + std::string(target) +
                  " HTTP/1.0\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  const std::string answer = connection.read_rest();
  CHECK_THAT(answer, ContainsSubstring(" 201 "));
  CHECK_THAT(answer, ContainsSubstring(R"("body":"1")"));
  CHECK_THAT(answer, !ContainsSubstring("chunked"));
  inngest::stop_serving(*context, handler);
}
