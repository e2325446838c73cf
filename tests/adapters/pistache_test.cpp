// The suite of all adapters on Pistache's endpoint, and what is special about Pistache.

#include <inngest/adapters/pistache.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "suite.hpp"
#include "support/handler_driver.hpp"
#include "support/http_connection.hpp"

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using support::http_connection;
using support::request_text;
using test_event = inngest::event<"test/event">;
namespace pistache = Pistache::Http;

pistache::Endpoint::Options options() {
  using Pistache::Tcp::Options;
  return pistache::Endpoint::options().threads(2).flags(Options::ReuseAddr | Options::NoDelay);
}

Pistache::Address loopback(int port) {
  return {Pistache::Ipv4::loopback(), Pistache::Port(static_cast<std::uint16_t>(port))};
}

class server_of_pistache final : public suite::running_server {
 public:
  server_of_pistache(const inngest::client& app, std::vector<inngest::any_function> functions,
                     inngest::serve_options serve_options, int port)
      : endpoint_(std::make_unique<pistache::Endpoint>(loopback(port))),
        handler_((endpoint_->init(options()),
                  suite::serve(*endpoint_, app, std::move(functions), std::move(serve_options)))) {
    endpoint_->serveThreaded();
    port_ = endpoint_->getPort();
  }
  ~server_of_pistache() override { stop(); }

  int port() const override { return port_; }
  const inngest::handler& handler() const override { return handler_; }
  void stop() override {
    if (endpoint_) endpoint_->shutdown();
    endpoint_.reset();
  }

 private:
  std::unique_ptr<pistache::Endpoint> endpoint_;
  inngest::handler handler_;
  int port_ = 0;
};

}  // namespace

const suite::framework& suite::traits() {
  static const framework out{.name = "pistache", .pipelines = false, .serves_several = false};
  return out;
}

std::unique_ptr<suite::running_server> suite::start(const inngest::client& app,
                                                    std::vector<inngest::any_function> functions,
                                                    inngest::serve_options options, int port) {
  return std::make_unique<server_of_pistache>(app, std::move(functions), std::move(options), port);
}

namespace {

std::string call_of_f() {
  return request_text("POST", "/api/inngest?fnId=app-f&stepId=step", support::call().text());
}

}  // namespace

TEST_CASE("pistache: a call may take longer than a request may take to arrive", "[pistache][limits]") {
  const auto app = support::quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<test_event>(), [](auto& ctx) {
    return ctx.step.run("slow", [] {
      std::this_thread::sleep_for(5s);  // Pistache looks for slow clients twice a second
      return true;
    });
  });
  pistache::Endpoint endpoint(loopback(0));
  endpoint.init(options().headerTimeout(3s).bodyTimeout(3s));
  inngest::serve(endpoint, app, {f});
  endpoint.serveThreaded();
  http_connection caller(endpoint.getPort());
  caller.send(call_of_f());
  CHECK_THAT(caller.read_answer().body, ContainsSubstring("\"data\":true"));
  endpoint.shutdown();
}

TEST_CASE("pistache: the time to send a request is limited, also for a later one on a kept connection",
          "[pistache][limits]") {
  const auto app = support::quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<test_event>(), [](auto&) {});
  pistache::Endpoint endpoint(loopback(0));
  endpoint.init(options().headerTimeout(3s).bodyTimeout(3s).keepaliveTimeout(1h));
  inngest::serve(endpoint, app, {f});
  endpoint.serveThreaded();
  http_connection client(endpoint.getPort());
  client.send(request_text("GET", "/api/inngest"));
  CHECK(client.read_answer().status == 200);
  std::this_thread::sleep_for(4s);  // a client may be idle for longer
  client.send(request_text("GET", "/api/inngest"));
  CHECK(client.read_answer().status == 200);
  client.send("GET /api/inngest HTTP/1.1\r\n");
  CHECK(client.read_answer().status == 408);
  endpoint.shutdown();
}

TEST_CASE("pistache: the rest of a refused body is not taken for a request", "[pistache][limits]") {
  const auto app = support::quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<test_event>(), [](auto&) {});
  pistache::Endpoint endpoint(loopback(0));
  endpoint.init(options());
  inngest::serve(endpoint, app, {f}, {.max_body_size = 1000});
  endpoint.serveThreaded();
  const std::string hidden = request_text("GET", "/api/inngest");
  std::string body;
  while (body.size() < 200'000) body += hidden;
  http_connection caller(endpoint.getPort());
  caller.send(request_text("POST", "/api/inngest", body));
  CHECK(caller.read_answer().status == 413);
  CHECK(caller.read_rest().empty());
  endpoint.shutdown();
}

TEST_CASE("pistache: a router serves functions beside other routes", "[pistache][router]") {
  const auto app = support::quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<test_event>(), [](auto& ctx) {
    return ctx.step.run("size", [&] { return ctx.event.data.at("text").template get<std::string>().size(); });
  });
  Pistache::Rest::Router router;
  Pistache::Rest::Routes::Get(router, "/mine",
                              [](const Pistache::Rest::Request&, pistache::ResponseWriter response) {
                                response.send(pistache::Code::Ok, "my own");
                                return Pistache::Rest::Route::Result::Ok;
                              });
  const auto handler = inngest::serve(router, app, {f});
  pistache::Endpoint endpoint(loopback(0));
  endpoint.init(options().maxRequestSize(1'000'000));
  endpoint.setHandler(router.handler());
  endpoint.serveThreaded();

  http_connection caller(endpoint.getPort());
  caller.send(request_text("GET", "/mine"));
  CHECK(caller.read_answer().body == "my own");
  support::call call;
  call.event["data"] = {{"text", std::string(100'000, 'x')}};
  caller.send(request_text("POST", "/api/inngest?fnId=app-f&stepId=step", call.text()));
  CHECK_THAT(caller.read_answer().body, ContainsSubstring("\"data\":100000"));
  caller.send(request_text("DELETE", "/api/inngest"));
  CHECK(caller.read_answer().status == 405);
  handler.drain();
  endpoint.shutdown();
}

TEST_CASE("pistache: what the endpoint itself answers to HEAD has no body", "[pistache]") {
  pistache::Endpoint endpoint(loopback(0));
  endpoint.init(options());
  inngest::serve(endpoint, support::quiet_client(), {}, {.max_body_size = 1000});
  endpoint.serveThreaded();
  http_connection caller(endpoint.getPort());
  caller.send(request_text("HEAD", "/elsewhere"));
  CHECK(caller.read_answer(true).status == 404);
  caller.send(request_text("GET", "/api/inngest"));
  CHECK(caller.read_answer().status == 200);  // no body came before
  caller.send(request_text("HEAD", "/api/inngest", std::string(100'000, 'x')));
  CHECK(caller.read_answer(true).status == 413);
  CHECK(caller.read_rest().empty());
  endpoint.shutdown();
}

TEST_CASE("pistache: a router can't serve a path that it takes for a pattern", "[pistache][router]") {
  const auto app = support::quiet_client();
  Pistache::Rest::Router router;
  for (const std::string path : {"/api/:inngest", "/api/*", "/api/in*gest", "/api/inngest?"}) {
    CAPTURE(path);
    CHECK_THROWS_WITH(inngest::serve(router, app, {}, {.path = path}), ContainsSubstring('"' + path + '"'));
  }
  CHECK_NOTHROW(inngest::serve(router, app, {}, {.path = "/api:1/(in.n)+gest"}));
}
