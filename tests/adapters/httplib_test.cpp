#include <inngest/adapters/httplib.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <inngest/endpoint.hpp>
#include <inngest/transport/httplib.hpp>

#include "catch.hpp"
#include "support/handler_driver.hpp"
#include "support/http_client.hpp"
#include "support/http_connection.hpp"
#include "support/meeting.hpp"
#include "support/running_server.hpp"

namespace {

using namespace std::chrono_literals;
using inngest::json;
using test_event = inngest::event<"test/event">;

class running {
 public:
  explicit running(inngest::client_options client_options = support::quiet_options(),
                   inngest::serve_options options = {}) {
    const inngest::client app(std::move(client_options));
    auto f = app.create_function({.id = "f", .name = "F"}, inngest::on<test_event>(), [](auto& ctx) {
      return ctx.step.run("size",
                          [&] { return ctx.event.data.at("text").template get<std::string>().size(); });
    });
    auto meet = app.create_function({.id = "meet"}, inngest::on<test_event>(), [all = four_](auto& ctx) {
      return ctx.step.run("meet", [all] { return all->join(); });
    });
    handler_ =
        std::make_unique<inngest::handler>(inngest::serve(server_, app, {f, meet}, std::move(options)));
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(1ms);
  }
  ~running() {
    server_.stop();
    thread_.join();
  }

  support::http_client connect() const { return support::http_client(port_); }
  int port() const { return port_; }
  const inngest::handler& handler() const { return *handler_; }

  static std::string body(std::size_t size) {
    support::call call;
    call.event["data"] = {{"text", std::string(size, 'x')}};
    return call.text();
  }

 private:
  httplib::Server server_;
  std::shared_ptr<support::meeting> four_ = std::make_shared<support::meeting>(4);
  std::unique_ptr<inngest::handler> handler_;
  int port_ = 0;
  std::thread thread_;
};

constexpr const char* call_path = "/api/inngest?fnId=app-f&stepId=step";

}  // namespace

TEST_CASE("a call over a real socket runs the function", "[adapter]") {
  const running server;
  auto client = server.connect();
  const auto reply = client.Post(call_path, running::body(3), "application/json");
  REQUIRE(reply);
  CHECK(reply->status == 206);
  CHECK(json::parse(reply->body).at(0).at("data") == 3);
  CHECK(reply->get_header_value("x-inngest-sdk") == std::string("cpp:v") + INNGEST_VERSION);
  CHECK(reply->get_header_value("x-inngest-framework") == "cpp-httplib");
  CHECK(reply->get_header_value("Content-Type") == "application/json");
  CHECK(reply->get_header_value_count("Content-Type") == 1);
}

TEST_CASE("the query reaches the handler as it was sent, encoded", "[adapter]") {
  const running server;
  auto client = server.connect();
  CHECK(client
            .Post("/api/inngest?fnId=%61pp-f&stepId=" + support::hash_of("size"), running::body(5),
                  "application/json")
            ->status == 206);
  CHECK(client.Post("/api/inngest?fnId=app%2Bf", running::body(5), "application/json")->status == 500);
  CHECK(client.Post("/api/inngest", running::body(5), "application/json")->status == 400);
}

TEST_CASE("GET and PUT work over a real socket, other methods and paths do not", "[adapter]") {
  const running server;
  auto client = server.connect();
  const auto seen = client.Get("/api/inngest");
  REQUIRE(seen);
  CHECK(json::parse(seen->body).at("function_count") == 2);
  const auto sync = client.Put("/api/inngest", {{"x-inngest-sync-kind", "in_band"}},
                               R"({"url":"http://me/x"})", "application/json");
  REQUIRE(sync);
  CHECK(json::parse(sync->body).at("functions").size() == 2);
  CHECK(json::parse(sync->body).at("framework") == "cpp-httplib");
  CHECK(client.Get("/other")->status == 404);
  CHECK(client.Delete("/api/inngest")->status >= 404);
}

TEST_CASE("a body of four megabytes arrives whole", "[adapter][size]") {
  const running server;
  auto client = server.connect();
  const std::size_t size = 4 * 1024 * 1024;
  const auto reply = client.Post(call_path, running::body(size), "application/json");
  REQUIRE(reply);
  CHECK(reply->status == 206);
  CHECK(json::parse(reply->body).at(0).at("data") == size);
}

TEST_CASE("a chunked body arrives whole", "[adapter][size]") {
  const running server;
  auto client = server.connect();
  const std::string body = running::body(100000);
  const auto reply = client.Post(
      call_path,
      [&](std::size_t offset, httplib::DataSink& sink) {
        const std::size_t part = std::min<std::size_t>(1000, body.size() - offset);
        if (part == 0)
          sink.done();
        else
          sink.write(body.data() + offset, part);
        return true;
      },
      "application/json");
  REQUIRE(reply);
  CHECK(reply->status == 206);
}

TEST_CASE("an oversized body is answered with 413 and the server lives on", "[adapter][size]") {
  const running server(support::quiet_options(), {.max_body_size = 100'000});
  for (int i = 0; i < 3; ++i) {
    auto client = server.connect();
    const auto reply = client.Post(call_path, running::body(200'000), "application/json");
    if (reply) CHECK(reply->status == 413);  // a client may see the connection close while it still sends
    auto next = server.connect();
    REQUIRE(next.Post(call_path, running::body(20'000), "application/json"));
    CHECK(next.Post(call_path, running::body(20'000), "application/json")->status == 206);
  }
}

TEST_CASE("a body a little beyond the limit is answered with 413", "[adapter][size]") {
  const std::string body = running::body(1000);
  const running server(support::quiet_options(), {.max_body_size = body.size() - 1});
  auto client = server.connect();
  const auto reply = client.Post(call_path, body, "application/json");
  REQUIRE(reply);
  CHECK(reply->status == 413);
  CHECK(json::parse(reply->body).contains("message"));
}

TEST_CASE("odd content types and empty bodies do no harm", "[adapter][garbage]") {
  const running server;
  auto client = server.connect();
  CHECK(client.Post(call_path, running::body(3), "text/plain")->status == 206);
  CHECK(client.Post(call_path, running::body(3), "application/x-www-form-urlencoded")->status == 206);
  CHECK(client.Post(call_path, "", "application/json")->status == 400);
  const auto multipart = client.Post(call_path, running::body(3), "multipart/form-data; boundary=x");
  if (multipart) CHECK(multipart->status >= 200);
  CHECK(client.Post(call_path, running::body(3), "application/json")->status == 206);
}

TEST_CASE("a form with files arrives whole, and nothing in it is another request", "[adapter]") {
  const inngest::client app(support::quiet_options());
  const auto upload = inngest::endpoint(
      app, {.id = "upload", .record_without_steps = false}, [](inngest::endpoint_context& ctx) {
        return inngest::http::response{.headers = {{"content-type", "text/plain"}}, .body = ctx.request.body};
      });
  httplib::Server server;
  inngest::serve(server, "/upload", upload);
  const support::running_server running(server);
  support::http_connection connection(running.port());
  const std::string form =
      "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"
      "GET /upload HTTP/1.1\r\nHost: x\r\n\r\n--x--\r\n";
  for (int i = 0; i < 2; ++i) {
    connection.send(
        support::request_text("POST", "/upload", form, "Content-Type: multipart/form-data; boundary=x\r\n"));
    const auto answer = connection.read_answer();
    CHECK(answer.status == 200);
    CHECK(answer.body == form);
  }
}

TEST_CASE("only fields that a client sent reach the app", "[adapter]") {
  const inngest::client app(support::quiet_options());
  const auto names = inngest::endpoint(
      app, {.id = "names", .record_without_steps = false}, [](inngest::endpoint_context& ctx) {
        std::string out;
        for (const auto& [name, value] : ctx.request.headers) out += name + "=" + value + "\n";
        return inngest::http::response{.headers = {{"content-type", "text/plain"}}, .body = out};
      });
  httplib::Server server;
  inngest::serve(server, "/names", names);
  const support::running_server running(server);
  support::http_connection connection(running.port());
  connection.send(support::request_text("POST", "/names", "x", "X-Own: mine\r\nREMOTE_ADDR: 6.6.6.6\r\n"));
  const auto answer = connection.read_answer();
  CHECK(answer.status == 200);
  CHECK_THAT(answer.body, Catch::Matchers::ContainsSubstring("=mine\n"));
  for (const char* made_up : {"REMOTE_ADDR", "REMOTE_PORT", "LOCAL_ADDR", "LOCAL_PORT"})
    CHECK_THAT(answer.body, !Catch::Matchers::ContainsSubstring(made_up));
}

TEST_CASE("an answer is sent whole though a range of it is asked for", "[adapter]") {
  const running server;
  auto client = server.connect();
  const auto reply = client.Post(call_path, {{"Range", "bytes=0-3"}}, running::body(3), "application/json");
  REQUIRE(reply);
  CHECK(json::parse(reply->body).at(0).at("data") == 3);
  CHECK_FALSE(reply->has_header("Content-Range"));
}

TEST_CASE("another path is served when it is asked for", "[adapter]") {
  const running server(support::quiet_options(), {.path = "/jobs"});
  auto client = server.connect();
  CHECK(client.Get("/jobs")->status == 200);
  CHECK(client.Get("/api/inngest")->status == 404);
}

TEST_CASE("cloud mode holds over a real socket: unsigned is refused, signed is answered and signed",
          "[adapter][signature]") {
  auto options = support::quiet_options(inngest::mode::cloud);
  options.signing_key = "signkey-test-00112233";
  const running server(options);
  auto client = server.connect();
  const auto refused = client.Post(call_path, running::body(3), "application/json");
  REQUIRE(refused);
  CHECK(refused->status == 401);
  CHECK_FALSE(refused->has_header("x-inngest-sdk"));
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto taken = client.Post(
      call_path,
      {{"X-Inngest-Signature", inngest::protocol::sign(running::body(3), options.signing_key, now)}},
      running::body(3), "application/json");
  REQUIRE(taken);
  CHECK(taken->status == 206);
  CHECK(inngest::protocol::verify(taken->get_header_value("x-inngest-signature"), taken->body,
                                  options.signing_key, now));
}

TEST_CASE("calls at the same time run at the same time", "[adapter][threads]") {
  const running server;
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      auto client = server.connect();
      const auto reply = client.Post("/api/inngest?fnId=app-meet", running::body(1), "application/json");
      if (reply && json::parse(reply->body).at(0).at("data") == true) ++right;
    });
  }
  for (auto& each : threads) each.join();
  CHECK(right == 4);
}

TEST_CASE("a PUT that has no body, and says nothing of one, registers", "[adapter]") {
  running server;  // httplib's client always says how long its body is; curl -X PUT does not
  support::http_connection connection(server.port());
  REQUIRE(
      connection.send("PUT /api/inngest HTTP/1.1\r\nHost: localhost\r\n"
                      "x-inngest-sync-kind: in_band\r\nConnection: close\r\n\r\n"));
  const std::string answer = connection.read_rest();
  CHECK_THAT(answer, Catch::Matchers::StartsWith("HTTP/1.1 200"));
  CHECK_THAT(answer, Catch::Matchers::ContainsSubstring("\"functions\":["));
}
