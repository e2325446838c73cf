#include <inngest/transport/httplib.hpp>

#include <httplib.h>

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "support/free_port.hpp"
#include "support/handler_driver.hpp"
#include "support/meeting.hpp"
#include "support/message_of.hpp"

namespace {

using namespace std::chrono_literals;
using inngest::httplib_transport;
using inngest::json;

constexpr auto ample = 60s;  // for what takes a millisecond

/// Answers with what it was asked, and notes from which connections.
class echo_server {
 public:
  echo_server() {
    const auto echo = [this](const httplib::Request& r, httplib::Response& out) {
      {
        const std::lock_guard lock(mutex_);
        ports_.insert(r.remote_port);
        ++requests_;
      }
      json headers = json::object();
      for (const auto& [name, value] : r.headers) headers[name] = value;
      out.status = r.has_header("x-status") ? std::stoi(r.get_header_value("x-status")) : 200;
      out.set_header("x-echo", "yes");
      if (out.status == 204) return;  // has no body
      out.set_content(
          json{{"method", r.method}, {"target", r.target}, {"headers", headers}, {"body", r.body}}.dump(),
          "application/json");
    };
    server_.Get("/slow", [this](const httplib::Request&, httplib::Response& out) {
      slow_.join();
      out.set_content("late", "text/plain");
    });
    server_.Get("/endless", [](const httplib::Request&, httplib::Response& out) {
      out.set_chunked_content_provider("text/plain", [](std::size_t, httplib::DataSink& sink) {
        static const std::string piece(1024 * 1024, 'x');
        return sink.write(piece.data(), piece.size());
      });
    });
    server_.Get("/drops", [](const httplib::Request&, httplib::Response& out) {
      out.set_chunked_content_provider("text/plain", [](std::size_t, httplib::DataSink& sink) {
        std::this_thread::sleep_for(10ms);
        return sink.write("x", 1);
      });
    });
    server_.Get(".*", echo);
    server_.Post(".*", echo);
    server_.Put(".*", echo);
    server_.set_keep_alive_max_count(1000);
    server_.set_keep_alive_timeout(60);  // clients close their connections before
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(1ms);
  }
  ~echo_server() {
    server_.stop();
    thread_.join();
  }
  /// Lets "/slow" answer, for which it has been waiting.
  void answer_slowly() { slow_.join(); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::size_t connections() const {
    const std::lock_guard lock(mutex_);
    return ports_.size();
  }

 private:
  support::meeting slow_{2};
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::set<int> ports_;
  int requests_ = 0;
};

}  // namespace

TEST_CASE("a transport says itself how long a body is", "[transport][security]") {
  echo_server server;
  httplib_transport transport;
  const auto answer = transport.send({.method = "POST",
                                      .url = server.url() + "/x",
                                      .headers = {{"content-length", "1"}, {"transfer-encoding", "chunked"}},
                                      .body = "long"},
                                     ample);
  CHECK(json::parse(answer.body).at("body") == "long");
  CHECK_THROWS_AS(transport.send({.url = server.url() + "/x", .headers = {{"a: b", "c"}}}, ample),
                  inngest::configuration_error);
}

TEST_CASE("spaces around the value of a header field are not sent", "[transport]") {
  const echo_server server;
  httplib_transport transport;
  const auto reply =
      transport.send({.method = "POST",
                      .url = server.url() + "/",
                      .headers = {{"authorization", "Bearer "}, {"x-one", "\t 1\r\n"}, {"x-two", " "}},
                      .body = "{}"},
                     ample);
  CHECK(reply.status == 200);
  const json seen = json::parse(reply.body).at("headers");
  CHECK(seen.at("authorization") == "Bearer");
  CHECK(seen.at("x-one") == "1");
}

TEST_CASE("a request arrives as it was given and the answer comes back whole", "[transport]") {
  const echo_server server;
  httplib_transport transport;
  const auto reply = transport.send({.method = "POST",
                                     .url = server.url() + "/e/a%2Fb?x=%20y&z=+",
                                     .headers = {{"X-One", "1"}, {"content-type", "application/json"}},
                                     .body = R"({"ä":1})"},
                                    ample);
  CHECK(reply.status == 200);
  CHECK(reply.headers.find("X-Echo") == "yes");
  const json seen = json::parse(reply.body);
  CHECK(seen.at("method") == "POST");
  // Versions 0.29 to 0.48 of cpp-httplib write the spaces of a query in their own way.
  CHECK((seen.at("target") == "/e/a%2Fb?x=%20y&z=+" || seen.at("target") == "/e/a%2Fb?x=+y&z=+"));
  CHECK(seen.at("body") == R"({"ä":1})");
  CHECK(seen.at("headers").at("X-One") == "1");
}

TEST_CASE("any status is an answer", "[transport]") {
  const echo_server server;
  httplib_transport transport;
  for (const int status : {201, 204, 301, 400, 401, 404, 500, 503}) {
    CAPTURE(status);
    CHECK(transport.send({.url = server.url(), .headers = {{"x-status", std::to_string(status)}}}, ample)
              .status == status);
  }
}

TEST_CASE("one connection is used again and again", "[transport][keep-alive]") {
  const echo_server server;
  httplib_transport transport;
  for (int i = 0; i < 20; ++i)
    CHECK(transport.send({.method = "POST", .url = server.url() + "/x", .body = "b"}, ample).status == 200);
  CHECK(server.connections() == 1);
}

TEST_CASE("headers of one request are not sent with the next", "[transport][keep-alive]") {
  const echo_server server;
  httplib_transport transport;
  transport.send({.url = server.url(), .headers = {{"authorization", "Bearer secret"}}}, ample);
  const auto reply = transport.send({.url = server.url()}, ample);
  CHECK(reply.body.find("secret") == std::string::npos);
}

TEST_CASE("a server that came back is reached again", "[transport][keep-alive]") {
  httplib_transport transport;
  httplib::Server first;
  first.Get("/", [](const httplib::Request&, httplib::Response& out) { out.set_content("1", "text/plain"); });
  const int port = first.bind_to_any_port("127.0.0.1");
  const std::string url = "http://127.0.0.1:" + std::to_string(port);
  std::thread one([&] { first.listen_after_bind(); });
  while (!first.is_running()) std::this_thread::sleep_for(1ms);
  CHECK(transport.send({.url = url + "/"}, ample).body == "1");
  first.stop();
  one.join();
  CHECK_THROWS_AS(transport.send({.url = url + "/"}, ample), inngest::unreachable);
  httplib::Server second;
  second.Get("/",
             [](const httplib::Request&, httplib::Response& out) { out.set_content("2", "text/plain"); });
  if (second.bind_to_port("127.0.0.1", port)) {
    std::thread two([&] { second.listen_after_bind(); });
    while (!second.is_running()) std::this_thread::sleep_for(1ms);
    CHECK(transport.send({.url = url + "/"}, ample).body == "2");
    second.stop();
    two.join();
  }
}

TEST_CASE("a connection that the server closed meanwhile is no error", "[transport][keep-alive]") {
  httplib_transport transport;
  httplib::Server server;
  server.Get("/",
             [](const httplib::Request&, httplib::Response& out) { out.set_content("1", "text/plain"); });
  server.set_keep_alive_timeout(1);
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread thread([&] { server.listen_after_bind(); });
  while (!server.is_running()) std::this_thread::sleep_for(1ms);
  const std::string url = "http://127.0.0.1:" + std::to_string(port) + "/";
  CHECK(transport.send({.url = url}, ample).body == "1");
  std::this_thread::sleep_for(1500ms);  // the server has hung up by now
  CHECK_NOTHROW(transport.send({.url = url}, ample));
  server.stop();
  thread.join();
}

TEST_CASE("nobody there is unreachable, and says where without the path", "[transport][errors]") {
  const support::reserved_port closed;
  const std::string origin = closed.url();
  httplib_transport transport;
  const std::string message = support::message_of<inngest::unreachable>(
      [&] { transport.send({.method = "POST", .url = origin + "/e/secret-key"}, 1s); });
  CHECK_THAT(message, Catch::Matchers::ContainsSubstring(origin));
  CHECK(message.find("secret-key") == std::string::npos);
}

TEST_CASE("an answer that does not come in time is unreachable, in about that time", "[transport][errors]") {
  echo_server server;
  httplib_transport transport;
  const auto began = std::chrono::steady_clock::now();
  CHECK_THROWS_AS(transport.send({.url = server.url() + "/slow"}, 300ms), inngest::unreachable);
  CHECK(std::chrono::steady_clock::now() - began < 4s);  // and not after cpp-httplib's five seconds
  server.answer_slowly();
  CHECK(transport.send({.url = server.url() + "/fast"}, ample).status == 200);
}

TEST_CASE("an answer without end is too large", "[transport][errors]") {
  const echo_server server;
  httplib_transport transport;
  CHECK_THROWS_AS(transport.send({.url = server.url() + "/endless"}, ample), inngest::too_large);
  CHECK(transport.send({.url = server.url()}, ample).status == 200);
}

TEST_CASE("an answer that comes drop by drop has the same time as one that does not come",
          "[transport][errors]") {
  const echo_server server;
  httplib_transport transport;
  const auto began = std::chrono::steady_clock::now();
  CHECK_THROWS_AS(transport.send({.url = server.url() + "/drops"}, 300ms), inngest::unreachable);
  CHECK(std::chrono::steady_clock::now() - began < 30s);
}

TEST_CASE("a URL that is none is a configuration_error", "[transport][errors]") {
  httplib_transport transport;
  for (const char* url : {"", "/path", "host", "ftp://host/", "http:///x", "http://"}) {
    CAPTURE(url);
    CHECK_THROWS_AS(transport.send({.url = url}, 1s), inngest::error);
  }
}

TEST_CASE("many threads share a transport, with as many connections as are needed at once",
          "[transport][threads]") {
  const echo_server server;
  httplib_transport transport;
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      try {
        for (int i = 0; i < 25; ++i) {
          const std::string body = std::to_string(t * 100 + i);
          const auto reply =
              transport.send({.method = "POST", .url = server.url() + "/x", .body = body}, ample);
          if (json::parse(reply.body).at("body") == body) ++right;
        }
      } catch (const std::exception&) {  // what did not arrive is not counted
      }
    });
  }
  for (auto& each : threads) each.join();
  CHECK(right == 100);
  CHECK(server.connections() <= 4);
}

TEST_CASE("a body of four megabytes goes out and comes back", "[transport][size]") {
  const echo_server server;
  httplib_transport transport;
  const std::string body(4 * 1024 * 1024, 'x');
  const auto reply = transport.send({.method = "POST", .url = server.url() + "/x", .body = body}, ample);
  CHECK(json::parse(reply.body).at("body").get_ref<const std::string&>() == body);
}

TEST_CASE("the transport is every client's default once its header is included", "[transport]") {
  const echo_server server;
  auto options = support::quiet_options();
  options.transport = nullptr;
  options.event_api_base_url = server.url();
  options.send_attempts = 1;
  const inngest::client app(options);
  // the echo is no answer of the event API, but an answer
  CHECK_THROWS_AS(app.send(inngest::event<"a">{json::object()}), inngest::protocol_error);
}
