#include <inngest/adapters/poco.hpp>

#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/ThreadPool.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapters/suite.hpp"
#include "catch.hpp"
#include "support/handler_driver.hpp"

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using test_event = inngest::event<"test/event">;
using factory_pointer = Poco::Net::HTTPRequestHandlerFactory::Ptr;

/// A POCO server on 127.0.0.1 with a thread for each of many connections.
class poco_server {
 public:
  explicit poco_server(factory_pointer factory, int port = 0)
      : server_(std::move(factory), pool_, listen(port), parameters()) {
    server_.start();
  }
  ~poco_server() { stop(); }

  void stop() {
    server_.stopAll();
    pool_.joinAll();
  }
  int port() const { return port_; }

 private:
  Poco::Net::ServerSocket listen(int port) {
    Poco::Net::ServerSocket out;
    out.bind({"127.0.0.1", static_cast<Poco::UInt16>(port)}, true, false);
    out.listen(256);
    port_ = out.address().port();
    return out;
  }
  static Poco::Net::HTTPServerParams::Ptr parameters() {
    Poco::Net::HTTPServerParams::Ptr out = new Poco::Net::HTTPServerParams;
    out->setMaxQueued(256);
    return out;
  }

  int port_ = 0;
  Poco::ThreadPool pool_{2, 256};
  Poco::Net::HTTPServer server_;
};

class running final : public suite::running_server {
 public:
  running(const inngest::client& app, std::vector<inngest::any_function> functions,
          inngest::serve_options options, int port)
      : factory_(new inngest::poco_handler_factory),
        handler_(suite::serve(*factory_, app, std::move(functions), std::move(options))),
        server_(std::make_unique<poco_server>(factory_, port)) {}

  int port() const override { return port_; }
  const inngest::handler& handler() const override { return handler_; }
  void stop() override { server_.reset(); }

 private:
  Poco::SharedPtr<inngest::poco_handler_factory> factory_;
  inngest::handler handler_;
  std::unique_ptr<poco_server> server_;
  int port_ = server_->port();
};

/// Sends bytes, and returns all that comes until the server closes the connection.
std::string exchange(int port, const std::string& request, bool ends_sending = false) {
  Poco::Net::StreamSocket socket(Poco::Net::SocketAddress("127.0.0.1", static_cast<Poco::UInt16>(port)));
  socket.setReceiveTimeout(Poco::Timespan(60, 0));
  socket.sendBytes(request.data(), static_cast<int>(request.size()));
  if (ends_sending) socket.shutdownSend();
  std::string out;
  char buffer[4096];
  for (int size; (size = socket.receiveBytes(buffer, sizeof buffer)) > 0;)
    out.append(buffer, static_cast<std::size_t>(size));
  return out;
}

std::string post(const std::string& path, const std::string& fields, const std::string& body) {
  return "POST " + path + " HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n" + fields + "\r\n" + body;
}

std::string with_length(const std::string& body) {
  return "content-length: " + std::to_string(body.size()) + "\r\n";
}

class greeting final : public Poco::Net::HTTPRequestHandler {
 public:
  void handleRequest(Poco::Net::HTTPServerRequest&, Poco::Net::HTTPServerResponse& response) override {
    response.sendBuffer("hello", 5);
  }
};

class greetings final : public Poco::Net::HTTPRequestHandlerFactory {
 public:
  Poco::Net::HTTPRequestHandler* createRequestHandler(const Poco::Net::HTTPServerRequest&) override {
    return new greeting;
  }
};

/// A user's own handler, which answers the requests for functions with one call.
class own_handler final : public Poco::Net::HTTPRequestHandler {
 public:
  explicit own_handler(inngest::handler handler) : handler_(std::move(handler)) {}
  void handleRequest(Poco::Net::HTTPServerRequest& request,
                     Poco::Net::HTTPServerResponse& response) override {
    inngest::answer(handler_, request, response);
  }

 private:
  inngest::handler handler_;
};

class own_factory final : public Poco::Net::HTTPRequestHandlerFactory {
 public:
  explicit own_factory(inngest::handler handler) : handler_(std::move(handler)) {}
  Poco::Net::HTTPRequestHandler* createRequestHandler(const Poco::Net::HTTPServerRequest&) override {
    return new own_handler(handler_);
  }

 private:
  inngest::handler handler_;
};

inngest::any_function counting(const inngest::client& app, const std::shared_ptr<std::atomic<int>>& calls) {
  return app.create_function({.id = "f"}, inngest::on<test_event>(), [calls](auto&) { return ++*calls; });
}

}  // namespace

const suite::framework& suite::traits() {
  static const framework out{
      .name = "poco", .streams = true, .uses_executor = false, .notices_gone_clients = false};
  return out;
}

std::unique_ptr<suite::running_server> suite::start(const inngest::client& app,
                                                    std::vector<inngest::any_function> functions,
                                                    inngest::serve_options options, int port) {
  return std::make_unique<running>(app, std::move(functions), std::move(options), port);
}

TEST_CASE("POCO: other paths go to the user's factory, or are answered with 404", "[poco]") {
  const auto app = support::quiet_client();
  const auto f = counting(app, std::make_shared<std::atomic<int>>());
  Poco::SharedPtr<inngest::poco_handler_factory> alone = new inngest::poco_handler_factory;
  Poco::SharedPtr<inngest::poco_handler_factory> shared = new inngest::poco_handler_factory(new greetings);
  inngest::serve(*alone, app, {f});
  inngest::serve(*shared, app, {f});
  const poco_server first(alone), second(shared);
  const std::string elsewhere = post("/api/inngest/more", "content-length: 2\r\n", "{}");
  CHECK_THAT(exchange(first.port(), elsewhere), StartsWith("HTTP/1.1 404"));
  CHECK_THAT(exchange(second.port(), elsewhere), ContainsSubstring("hello"));
  const std::string here = post("/api/inngest?probe=trust", "content-length: 2\r\n", "{}");
  CHECK_THAT(exchange(first.port(), here), StartsWith("HTTP/1.1 200"));
  CHECK_THAT(exchange(second.port(), here), StartsWith("HTTP/1.1 200"));
}

TEST_CASE("POCO: two apps are served at two paths by one factory", "[poco]") {
  const auto app = support::quiet_client();
  const auto calls = std::make_shared<std::atomic<int>>();
  Poco::SharedPtr<inngest::poco_handler_factory> factory = new inngest::poco_handler_factory;
  inngest::serve(*factory, app, {counting(app, calls)}, {.path = "/one"});
  inngest::serve(*factory, app, {}, {.path = "/two"});
  const poco_server server(factory);
  const std::string body = support::call().text();
  CHECK_THAT(exchange(server.port(), post("/one?fnId=app-f&stepId=step", with_length(body), body)),
             StartsWith("HTTP/1.1 200"));
  CHECK_THAT(exchange(server.port(), post("/two?fnId=app-f&stepId=step", with_length(body), body)),
             StartsWith("HTTP/1.1 500"));
  CHECK(*calls == 1);
}

TEST_CASE("POCO: a handler of the user's own answers with one call", "[poco]") {
  const auto app = support::quiet_client();
  const auto calls = std::make_shared<std::atomic<int>>();
  const inngest::handler handler(app, {counting(app, calls)}, {.framework = "poco"});
  const poco_server server(new own_factory(handler));
  const std::string body = support::call().text();
  const std::string answer =
      exchange(server.port(), post("/anywhere?fnId=app-f&stepId=step", with_length(body), body));
  CHECK_THAT(answer, StartsWith("HTTP/1.1 200"));
  CHECK_THAT(answer, ContainsSubstring("x-inngest-framework: poco"));
  CHECK(*calls == 1);
}

TEST_CASE("POCO: a body that ends too early is answered with 400, and nothing runs", "[poco]") {
  const auto app = support::quiet_client();
  const auto calls = std::make_shared<std::atomic<int>>();
  Poco::SharedPtr<inngest::poco_handler_factory> factory = new inngest::poco_handler_factory;
  inngest::serve(*factory, app, {counting(app, calls)});
  const poco_server server(factory);
  const std::string body = support::call().text();
  const std::string length = "content-length: " + std::to_string(body.size() + 1) + "\r\n";
  CHECK_THAT(exchange(server.port(), post("/api/inngest?fnId=app-f&stepId=step", length, body), true),
             StartsWith("HTTP/1.1 400"));
  CHECK(*calls == 0);
}

TEST_CASE("POCO: a body in chunks arrives whole, and its size is limited as it arrives", "[poco]") {
  const auto app = support::quiet_client();
  const auto calls = std::make_shared<std::atomic<int>>();
  const std::string body = support::call().text();
  Poco::SharedPtr<inngest::poco_handler_factory> factory = new inngest::poco_handler_factory;
  inngest::serve(*factory, app, {counting(app, calls)}, {.max_body_size = body.size()});
  const poco_server server(factory);
  const auto chunked = [](const std::string& text) {
    std::string out;
    for (const char byte : text) out += std::string("1\r\n") + byte + "\r\n";
    return out;
  };
  const std::string path = "/api/inngest?fnId=app-f&stepId=step";
  CHECK_THAT(
      exchange(server.port(), post(path, "transfer-encoding: chunked\r\n", chunked(body) + "0\r\n\r\n")),
      StartsWith("HTTP/1.1 200"));
  const std::string endless = chunked(body + " ");  // it never ends
  CHECK_THAT(exchange(server.port(), post(path, "transfer-encoding: chunked\r\n", endless)),
             StartsWith("HTTP/1.1 413"));
  CHECK(*calls == 1);
}

TEST_CASE("POCO: a client of HTTP 1.0 gets a streamed answer without chunks", "[poco]") {
  const auto app = support::quiet_client();
  Poco::SharedPtr<inngest::poco_handler_factory> factory = new inngest::poco_handler_factory;
  inngest::serve(*factory, app, {counting(app, std::make_shared<std::atomic<int>>())}, {.streaming = true});
  const poco_server server(factory);
  const std::string body = support::call().text();
  const std::string answer = exchange(server.port(), "POST /api/inngest?fnId=app-f&stepId=step HTTP/1.0\r\n" +
                                                         with_length(body) + "\r\n" + body);
  CHECK_THAT(answer, StartsWith("HTTP/1.0 201"));
  CHECK_THAT(answer, ContainsSubstring(R"("body":"1")"));
  CHECK_THAT(answer, !ContainsSubstring("chunked"));
}
