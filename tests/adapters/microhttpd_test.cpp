#include <inngest/adapters/microhttpd.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/suite.hpp"
#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"
#include "support/http_connection.hpp"

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using support::http_answer;
using support::http_connection;
using support::request_text;
using test_event = inngest::event<"test/event">;

class running final : public suite::running_server {
 public:
  running(const inngest::client& app, std::vector<inngest::any_function> functions,
          inngest::serve_options options, int port)
      : server_({.port = static_cast<unsigned short>(port)}),
        handler_(suite::serve(server_, app, std::move(functions), std::move(options))) {}

  int port() const override { return server_.port(); }
  const inngest::handler& handler() const override { return handler_; }
  void stop() override { server_.stop(); }

 private:
  inngest::microhttpd_server server_;
  inngest::handler handler_;
};

http_answer ask(int port, const std::string& request) {
  http_connection connection(port);
  connection.send(request);
  return connection.read_answer();
}

constexpr const char* target = "/api/inngest?fnId=app-f&stepId=step";

std::string call_text() { return request_text("POST", target, support::call().text()); }

inngest::any_function counting(const inngest::client& app, const std::shared_ptr<std::atomic<int>>& calls) {
  return app.create_function({.id = "f"}, inngest::on<test_event>(), [calls](auto&) { return ++*calls; });
}

/// A user's own daemon, which answers other requests too.
class own_daemon {
 public:
  own_daemon(inngest::microhttpd_endpoint& endpoint, unsigned flags)
      : endpoint_(endpoint),
        daemon_(MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | flags, 0, nullptr, nullptr, &on_request,
                                 this, MHD_OPTION_NOTIFY_COMPLETED, &on_completed, this, MHD_OPTION_END)) {
    REQUIRE(daemon_ != nullptr);
  }
  ~own_daemon() {
    endpoint_.stop();
    MHD_stop_daemon(daemon_);
  }
  int port() const { return MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT)->port; }
  int others() const { return others_; }

 private:
  /// What the daemon keeps for each request.
  struct state {
    std::string greeting = "hello";
    void* endpoint = nullptr;
  };

  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* url, const char* method,
                               const char*, const char* data, std::size_t* size, void** kept) {
    auto& endpoint = static_cast<own_daemon*>(self)->endpoint_;
    if (*kept == nullptr) *kept = new state;
    auto& own = *static_cast<state*>(*kept);
    if (endpoint.serves(url)) return endpoint.answer(connection, url, method, data, size, &own.endpoint);
    MHD_Response* out =
        MHD_create_response_from_buffer(own.greeting.size(), own.greeting.data(), MHD_RESPMEM_PERSISTENT);
    const MHD_Result result = MHD_queue_response(connection, 200, out);
    MHD_destroy_response(out);
    return result;
  }
  static void on_completed(void* self, MHD_Connection*, void** kept, MHD_RequestTerminationCode) {
    const std::unique_ptr<state> own(static_cast<state*>(*kept));
    if (own && !static_cast<own_daemon*>(self)->endpoint_.completed(&own->endpoint))
      ++static_cast<own_daemon*>(self)->others_;
  }

  inngest::microhttpd_endpoint& endpoint_;
  std::atomic<int> others_ = 0;
  MHD_Daemon* daemon_;
};

}  // namespace

const suite::framework& suite::traits() {
  static const framework out{.name = "microhttpd"};
  return out;
}

std::unique_ptr<suite::running_server> suite::start(const inngest::client& app,
                                                    std::vector<inngest::any_function> functions,
                                                    inngest::serve_options options, int port) {
  return std::make_unique<running>(app, std::move(functions), std::move(options), port);
}

TEST_CASE("microhttpd: a daemon of the user's own answers requests for functions and others",
          "[microhttpd]") {
  const auto app = support::quiet_client();
  const auto calls = std::make_shared<std::atomic<int>>();
  inngest::microhttpd_endpoint endpoint;
  const auto handler = inngest::serve(endpoint, app, {counting(app, calls)});
  {
    const own_daemon daemon(endpoint, MHD_ALLOW_SUSPEND_RESUME);
    CHECK(ask(daemon.port(), call_text()).status == 200);
    CHECK(ask(daemon.port(), request_text("GET", "/other")).body == "hello");
    CHECK(ask(daemon.port(), call_text()).status == 200);
    CHECK(handler.drain(support::patience));
  }
  CHECK(*calls == 2);
}

TEST_CASE("microhttpd: the callbacks of an endpoint are those of a daemon", "[microhttpd]") {
  const auto app = support::quiet_client();
  const auto hello = counting(app, std::make_shared<std::atomic<int>>());
  const std::uint16_t port = 0;
  // [daemon]
  inngest::microhttpd_endpoint endpoint;
  const inngest::handler handler = inngest::serve(endpoint, app, {hello});
  MHD_Daemon* daemon =
      MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, port, nullptr, nullptr,
                       &inngest::microhttpd_endpoint::on_request, &endpoint, MHD_OPTION_NOTIFY_COMPLETED,
                       &inngest::microhttpd_endpoint::on_completed, &endpoint, MHD_OPTION_END);
  // [daemon]
  REQUIRE(daemon != nullptr);
  const int at = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
  CHECK(ask(at, call_text()).status == 200);
  CHECK(handler.drain(support::patience));
  endpoint.stop();
  MHD_stop_daemon(daemon);
}

TEST_CASE("microhttpd: calls run on the daemon's threads where connections can't be suspended",
          "[microhttpd]") {
  const auto app = support::quiet_client();
  const auto calls = std::make_shared<std::atomic<int>>();
  const unsigned flags =
      GENERATE(0U, unsigned{MHD_USE_THREAD_PER_CONNECTION},
               unsigned{MHD_USE_THREAD_PER_CONNECTION} | unsigned{MHD_ALLOW_SUSPEND_RESUME});
  const bool streaming = GENERATE(false, true);
  inngest::microhttpd_endpoint endpoint;
  inngest::serve(endpoint, app, {counting(app, calls)}, {.streaming = streaming});
  const own_daemon daemon(endpoint, flags);
  const http_answer answer = ask(daemon.port(), call_text());
  CHECK(answer.status == (streaming ? 201 : 200));
  CHECK_THAT(answer.body, ContainsSubstring("1"));
  CHECK(ask(daemon.port(), request_text("GET", target)).status == 200);
  CHECK(*calls == 1);
}

TEST_CASE("microhttpd: two apps are served at two paths", "[microhttpd]") {
  const auto app = support::quiet_client();
  inngest::microhttpd_server server({.port = 0, .threads = 4});
  inngest::serve(server, app, {counting(app, std::make_shared<std::atomic<int>>())}, {.path = "/one"});
  inngest::serve(server, app, {}, {.path = "/two"});
  CHECK_THAT(ask(server.port(), request_text("GET", "/one")).body,
             ContainsSubstring(R"("function_count":1)"));
  CHECK_THAT(ask(server.port(), request_text("GET", "/two")).body,
             ContainsSubstring(R"("function_count":0)"));
  CHECK(ask(server.port(), request_text("GET", "/three")).status == 404);
}

TEST_CASE("microhttpd: a body in chunks that is a little too large is answered with 413", "[microhttpd]") {
  const auto app = support::quiet_client();
  inngest::microhttpd_server server({.port = 0});
  inngest::serve(server, app, {counting(app, std::make_shared<std::atomic<int>>())}, {.max_body_size = 10});
  const std::string start =
      "POST " + std::string(target) + " HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
  CHECK(ask(server.port(), start + "8\r\n{       \r\n3\r\n  }\r\n0\r\n\r\n").status == 413);
  http_connection endless(server.port());
  endless.send(start + "20\r\n{                               \r\n");  // 32 bytes, and more to come
  CHECK(endless.read_rest().empty());
}

TEST_CASE("microhttpd: a server that can't listen says why", "[microhttpd]") {
  const inngest::microhttpd_server first({.port = 0});
  const auto port = static_cast<unsigned short>(first.port());
  CHECK_THROWS_WITH(
      inngest::microhttpd_server({.port = port}),
      ContainsSubstring("can't listen on 127.0.0.1 port " + std::to_string(port) + ": is the port in use"));
  CHECK_THROWS_WITH(inngest::microhttpd_server({.address = "localhost"}),
                    ContainsSubstring("\"localhost\" is not an IP address"));
}

TEST_CASE("microhttpd: a server may listen on an address of IPv6", "[microhttpd]") {
  try {
    const inngest::microhttpd_server server({.address = "::1", .port = 0});
    CHECK(server.port() > 0);
  } catch (const inngest::configuration_error& problem) {
    CHECK_THAT(problem.what(), ContainsSubstring("can't listen on ::1"));  // there is no IPv6 here
  }
}
