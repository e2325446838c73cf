// Drogon's server, which a process can run only once: the tests share it instead of using the suite of all
// adapters.

#include <inngest/adapters/drogon.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <inngest/inngest.hpp>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/free_port.hpp"
#include "support/handler_driver.hpp"
#include "support/http_connection.hpp"

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using support::http_answer;
using support::http_connection;
using support::request_text;
using test_event = inngest::event<"test/event">;

constexpr std::size_t limit = 9'000'000;

/// The server of all tests, with a function that waits until all of its calls run.
class drogon_server {
 public:
  static constexpr int calls_at_once = 64;

  static drogon_server& get() {
    static drogon_server server;
    return server;
  }
  int port() const { return port_; }

  http_answer ask(const std::string& request) const {
    http_connection connection(port_);
    connection.send(request);
    return connection.read_answer(request.starts_with("HEAD "));
  }

 private:
  drogon_server() {
    const auto size = app_.create_function({.id = "size"}, inngest::on<test_event>(), [](auto& ctx) {
      return ctx.step.run("size",
                          [&] { return ctx.event.data.at("text").template get<std::string>().size(); });
    });
    const auto meet = app_.create_function({.id = "meet"}, inngest::on<test_event>(), [this](auto& ctx) {
      return ctx.step.run("meet", [&] {
        std::unique_lock lock(mutex_);
        ++arrived_;
        changed_.notify_all();
        return changed_.wait_for(lock, 60s, [&] { return arrived_ >= calls_at_once; });
      });
    });
    inngest::serve(drogon::app(), app_, {size, meet}, {.max_body_size = limit});
    drogon::app().registerHandler(
        "/mine", [](const drogon::HttpRequestPtr&, inngest::detail::drogon_exchange::callback&& answer) {
          const auto out = drogon::HttpResponse::newHttpResponse();
          out->setBody("my own");
          answer(out);
        });
    drogon::app().setLogLevel(trantor::Logger::kError).setThreadNum(2).addListener("127.0.0.1", port_);
    thread_ = std::thread([] { drogon::app().run(); });
    if (!support::eventually([&] { return listens(); })) throw std::runtime_error("Drogon does not listen");
  }
  ~drogon_server() {
    drogon::app().quit();
    thread_.join();
  }

  bool listens() const {
    try {
      http_connection connection(port_);
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  }

  const std::uint16_t port_ = static_cast<std::uint16_t>(support::free_port());
  const inngest::client app_ = support::quiet_client();
  std::mutex mutex_;
  std::condition_variable changed_;
  int arrived_ = 0;
  std::thread thread_;
};

std::string call_of(const std::string& function, std::size_t size = 3) {
  support::call call;
  call.event["data"] = {{"text", std::string(size, 'x')}};
  return request_text("POST", "/api/inngest?fnId=app-" + function + "&stepId=step", call.text());
}

}  // namespace

TEST_CASE("drogon: a call runs the function, also with a body of four megabytes", "[drogon]") {
  const auto& server = drogon_server::get();
  for (const std::size_t size : {std::size_t{3}, std::size_t{100'000}, std::size_t{4'000'000}}) {
    const http_answer answer = server.ask(call_of("size", size));
    CHECK(answer.status == 206);
    CHECK(json::parse(answer.body).at(0).at("data") == size);
    CHECK(answer.header("x-inngest-framework") == "drogon");
    CHECK(answer.header("content-type") == "application/json");
  }
}

TEST_CASE("drogon: the app is described and registered", "[drogon]") {
  const auto& server = drogon_server::get();
  CHECK(json::parse(server.ask(request_text("GET", "/api/inngest")).body).at("function_count") == 2);
  const http_answer registered = server.ask(
      request_text("PUT", "/api/inngest", R"({"url":"http://me/x"})", "X-INNGEST-sync-kind: in_band\r\n"));
  CHECK(registered.status == 200);
  CHECK(json::parse(registered.body).at("functions").size() == 2);
}

TEST_CASE("drogon: a body over the limit is refused", "[drogon]") {
  const http_answer refused = drogon_server::get().ask(
      "POST /api/inngest HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(limit + 1) +
      "\r\n\r\n{");
  CHECK(refused.status == 413);
}

TEST_CASE("drogon: HEAD has no body, and other methods are refused", "[drogon]") {
  const auto& server = drogon_server::get();
  CHECK(server.ask(request_text("HEAD", "/api/inngest")).status == 200);
  CHECK(server.ask(request_text("DELETE", "/api/inngest")).status == 405);
  CHECK(server.ask(request_text("GET", "/api")).status == 404);
}

TEST_CASE("drogon: many calls run at once, and other routes are answered meanwhile", "[drogon]") {
  const auto& server = drogon_server::get();
  std::vector<http_connection> callers;
  for (int i = 0; i < drogon_server::calls_at_once - 1; ++i) {
    callers.emplace_back(server.port());
    REQUIRE(callers.back().send(call_of("meet")));
  }
  CHECK(server.ask(request_text("GET", "/mine")).body == "my own");
  callers.emplace_back(server.port());
  REQUIRE(callers.back().send(call_of("meet")));
  for (http_connection& caller : callers)
    CHECK_THAT(caller.read_answer().body, ContainsSubstring("\"data\":true"));
}
