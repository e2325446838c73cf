#include <inngest/inngest.hpp>

#include <inngest/embedded.hpp>
#include <inngest/embedded/http_server.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "raw_client.hpp"
#include "support/background.hpp"
#include "support/eventually.hpp"
#include "support/free_port.hpp"
#include "support/http_client.hpp"

using namespace std::chrono_literals;
using inngest::json;
using inngest::embedded::engine;
using inngest::embedded::http_server;
using inngest::embedded::http_server_options;

namespace {

inngest::client quiet_client() {
  return inngest::client({.id = "app",
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

struct fixture {
  engine functions{quiet_client(), {}};
  http_server server;

  explicit fixture(http_server_options options = {})
      : server(functions, [&] {
          options.port = 0;
          return options;
        }()) {}

  int status(const std::string& request) const { return raw_client::status_of(server.port(), request); }

  /// Whether somebody who asks in a plain way is answered. The limit is for slow machines.
  bool answers() const {
    support::http_client client(server.port());
    client.set_connection_timeout(60);
    client.set_read_timeout(60);
    const auto health = client.Get("/health");
    const auto sent = client.Post("/e/key", R"({"name":"a/b"})", "application/json");
    return health && health->status == 200 && sent && sent->status == 200;
  }
};

const std::string host = "Host: localhost\r\n";

/// How many files this process may open, once it has asked for as many as it may.
std::size_t file_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<std::size_t>(std::min<rlim_t>(limit.rlim_cur, 1 << 20));
}

std::vector<raw_client> connect_many(int port, std::size_t count, const std::string& text) {
  std::vector<raw_client> out;
  for (std::size_t i = 0; i < count; ++i) {
    out.emplace_back(port);
    out.back().send(text);
  }
  return out;
}

}  // namespace

TEST_CASE("a normal client is answered beside 2,000 connections with half a header", "[http_server]") {
  const fixture server;
  const std::size_t count = std::min<std::size_t>(2000, file_limit() - 1200);
  const auto others = connect_many(server.server.port(), count, "POST /e/key HTTP/1.1\r\nHost: loc");
  for (int i = 0; i < 5; ++i) CHECK(server.answers());
}

TEST_CASE("a normal client is answered beside connections that send nothing, half a body or read no answer",
          "[http_server]") {
  const fixture server({.connections = 2, .max_connections = 200});
  const int port = server.server.port();
  const auto silent = connect_many(port, 150, "");
  const auto half =
      connect_many(port, 150, "POST /e/key HTTP/1.1\r\n" + host + "Content-Length: 100\r\n\r\n{");
  std::string much;
  for (int i = 0; i < 200; ++i) much += "GET / HTTP/1.1\r\n" + host + "\r\n";
  const auto deaf = connect_many(port, 50, much);
  for (int i = 0; i < 3; ++i) CHECK(server.answers());
}

TEST_CASE("headers and bodies have a time limit that trickling does not prolong", "[http_server]") {
  const fixture server({.header_timeout = 300ms, .body_timeout = 300ms});
  const auto trickle = [&](const std::string& begin) {
    raw_client client(server.server.port());
    client.send(begin);
    for (int i = 0; i < 1000 && client.send("a"); ++i) std::this_thread::sleep_for(20ms);
    return client.read_all();
  };
  std::string head_answer;
  support::background other(
      [&](const std::atomic<bool>&) { head_answer = trickle("GET /health HTTP/1.1\r\nX: "); });
  const std::string body_answer = trickle("POST /e/k HTTP/1.1\r\n" + host + "Content-Length: 5000\r\n\r\n");
  other.end();
  // a reset may overtake the answer, as the client still sends: what counts is that it has ended
  CHECK((head_answer.empty() || head_answer.find(" 408 ") != std::string::npos));
  CHECK((body_answer.empty() || body_answer.find(" 408 ") != std::string::npos));

  const fixture patient({.header_timeout = 5s});  // the whole header begins to arrive before that
  raw_client waiting(patient.server.port());
  waiting.send("GET /health HTTP/1.1\r\nHost: lo");
  const std::string answer = waiting.read_all();
  CHECK(answer.starts_with("HTTP/1.1 408 "));
  CHECK(answer.find("took too long") != std::string::npos);
}

TEST_CASE("what is too large is refused by name", "[http_server]") {
  const fixture server({.max_body_size = 100'000});
  CHECK(server.status("GET /health HTTP/1.1\r\n" + host + "X: " + std::string(200'000, 'x')) == 431);
  CHECK(server.status(std::string(200'000, 'x')) == 431);
  CHECK(server.status("GET /" + std::string(10'000, 'x') + " HTTP/1.1\r\n" + host + "\r\n") == 414);
  std::string many = "GET /health HTTP/1.1\r\n" + host;
  for (int i = 0; i < 200; ++i) many += "X: y\r\n";
  CHECK(server.status(many + "\r\n") == 431);
  const std::string post = "POST /e/key HTTP/1.1\r\n" + host;
  CHECK(server.status(post + "Content-Length: 100001\r\n\r\n") == 413);
  CHECK(server.status(post + "Content-Length: 100000000000000000000000\r\n\r\n") == 400);
  CHECK(server.status(post + "Transfer-Encoding: chunked\r\n\r\n186a1\r\n") == 413);
  CHECK(server.status(post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n") == 413);
  CHECK(server.status(post + "Transfer-Encoding: chunked\r\n\r\n1" + std::string(5000, '0')) == 400);
  std::string chunks;
  for (int i = 0; i < 11; ++i) chunks += "2710\r\n" + std::string(10'000, ' ') + "\r\n";
  CHECK(server.status(post + "Transfer-Encoding: chunked\r\n\r\n" + chunks) == 413);
  CHECK(server.answers());
}

TEST_CASE("requests that two readers could understand differently are refused", "[http_server]") {
  const fixture server;
  const std::string post = "POST /e/key HTTP/1.1\r\n" + host;
  const std::string event = R"({"name":"a/b"})";
  for (const std::string& request :
       {post + "Content-Length: 14\r\nTransfer-Encoding: chunked\r\n\r\n" + event,
        post + "Content-Length: 14\r\nContent-Length: 15\r\n\r\n" + event,
        post + "Content-Length: +14\r\n\r\n" + event,
        post + "Content-Length: 14, 14\r\n\r\n" + event,
        post + "Content-Length : 14\r\n\r\n" + event,
        post + "Content-Length:\r\n\r\n" + event,
        post + host + "\r\n",
        post + " folded: x\r\n\r\n",
        post + "no colon\r\n\r\n",
        post + "X: a\nb\r\n\r\n",
        post + "X: " + std::string(1, '\0') + "\r\n\r\n",
        std::string("GET /health HTTP/1.1\r\n\r\n"),
        "GET http://evil.example/health HTTP/1.1\r\n" + host + "\r\n",
        "GET  /health HTTP/1.1\r\n" + host + "\r\n",
        "GET /a b HTTP/1.1\r\n" + host + "\r\n",
        "GE(T /health HTTP/1.1\r\n" + host + "\r\n",
        std::string("GET /health\r\n\r\n"),
        std::string("\x16\x03\x01\x02garbage\r\n\r\n"),
        "OPTIONS * HTTP/1.1\r\n" + host + "\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\nx\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n"}) {
    CAPTURE(request);
    CHECK(server.status(request) == 400);
  }
  CHECK(server.status(post + "Transfer-Encoding: gzip, chunked\r\n\r\n") == 501);
  CHECK(server.status(post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n") == 501);
  CHECK(server.status(post + "Expect: the worst\r\n\r\n") == 417);
  CHECK(server.status("GET /health HTTP/2.0\r\n" + host + "\r\n") == 505);
  CHECK(server.functions.store().find_events({}).empty());
  CHECK(server.answers());
}

TEST_CASE("no bytes stop the server", "[http_server]") {
  const fixture server;
  std::mt19937 chance(7);
  const std::string pieces[] = {"POST ",
                                "/e/key",
                                " HTTP/1.1",
                                "\r\n",
                                "\r\n\r\n",
                                "Host: localhost",
                                "Content-Length: ",
                                "5",
                                "Transfer-Encoding: chunked",
                                "\n",
                                ":",
                                "{}",
                                std::string(3, '\0'),
                                "\xff\xfe",
                                "0\r\n\r\n",
                                "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"};
  for (int i = 0; i < 300; ++i) {
    raw_client client(server.server.port());
    for (int k = 0; k < 12; ++k) client.send(pieces[chance() % std::size(pieces)]);
  }
  CHECK(server.answers());
}

TEST_CASE("requests on one connection are answered in order, whatever pieces they come in", "[http_server]") {
  const fixture server;
  raw_client client(server.server.port());
  const std::string event = R"({"name":"a/b"})";
  const std::string all = "\r\nPOST /e/key HTTP/1.1\r\n" + host + "Content-Length: 14\r\n\r\n" + event +
                          "GET /nothing HTTP/1.1\r\n" + host + "\r\n" + "POST /e/key HTTP/1.1\r\n" + host +
                          "Transfer-Encoding: chunked\r\n\r\n" +
                          "5;x=y\r\n{\"nam\r\n9\r\ne\":\"a/b\"}\r\n0\r\nTrailer: x\r\n\r\n" +
                          "HEAD /health HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n";
  for (const char c : all) client.send(std::string_view(&c, 1));
  const std::string answers = client.read_all();
  std::vector<std::string> lines;
  for (std::size_t at = answers.find("HTTP/1.1 "); at != std::string::npos;
       at = answers.find("HTTP/1.1 ", at + 1))
    lines.push_back(answers.substr(at + 9, 3));
  CHECK(lines == std::vector<std::string>{"200", "404", "200", "200"});
  CHECK(answers.ends_with("\r\n\r\n"));  // the last has no body
  CHECK(server.functions.store().find_events({}).size() == 2);
}

TEST_CASE("a client that waits for permission to send its body gets it", "[http_server]") {
  const fixture server;
  raw_client client(server.server.port());
  client.send("POST /e/key HTTP/1.1\r\n" + host + "Expect: 100-continue\r\nContent-Length: 14\r\n\r\n");
  CHECK(client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send(R"({"name":"a/b"})");
  CHECK(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("events of any size are taken as curl -d sends them", "[http_server]") {
  const fixture server;
  support::http_client client(server.server.port());
  for (const std::size_t size : {20'000u, 2'000'000u}) {
    const std::string event = R"({"name":"a/b","data":{"t":")" + std::string(size, '%') + "\"}}";
    const auto answer = client.Post("/e/key", event, "application/x-www-form-urlencoded");
    REQUIRE(answer);
    CHECK(answer->status == 200);
    const std::string id = json::parse(answer->body).at("ids").at(0);
    CHECK(server.functions.store().find_event(id)->text.find(std::string(size, '%')) != std::string::npos);
  }
}

TEST_CASE("more clients than threads are all answered", "[http_server]") {
  const fixture server({.connections = 1});
  std::atomic<int> answered = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 40; ++i) clients.emplace_back([&] { answered += server.answers() ? 1 : 0; });
  for (std::thread& client : clients) client.join();
  CHECK(answered == 40);
}

TEST_CASE("no events are taken while too many runs are queued", "[http_server]") {
  const auto app = quiet_client();
  const auto throttled =
      app.create_function({.id = "throttled", .throttle = inngest::throttle{.limit = 1, .period = 1h}},
                          inngest::on<inngest::event<"limits/slow">>(), [](auto&) { return 1; });
  engine functions{app, {throttled}};
  const http_server server{functions, {.port = 0, .max_queued_runs = 5}};
  support::http_client client(server.port());
  REQUIRE(client.Post("/e/key", R"({"name":"limits/slow"})", "application/json"));
  // none of the next begins, and makes room, while they are counted
  REQUIRE(support::eventually([&] { return functions.queued_runs() == 0; }));
  int taken = 1;
  std::string problem;
  for (const auto end = std::chrono::steady_clock::now() + 30s;
       problem.empty() && std::chrono::steady_clock::now() < end; ++taken) {
    const auto answer = client.Post("/e/key", R"({"name":"limits/slow"})", "application/json");
    REQUIRE(answer);
    if (answer->status == 200) continue;
    CHECK(answer->status == 429);
    CHECK(answer->get_header_value("Retry-After") == "1");
    problem = json::parse(answer->body).at("error");
  }
  CHECK(problem == "too many runs are queued: send the events again later");
  CHECK(client.Post("/%65/key", R"({"name":"limits/slow"})", "application/json")->status == 429);
  CHECK(taken > 5);
  CHECK(client.Get("/api/state")->status == 200);
}

TEST_CASE("answers are not compressed", "[http_server]") {
  const fixture server;
  raw_client client(server.server.port());
  client.send("GET / HTTP/1.1\r\n" + host +
              "Accept-Encoding: gzip, br, deflate\r\nConnection: close\r\n\r\n");
  const std::string answer = client.read_all();
  CHECK(answer.find("Content-Encoding") == std::string::npos);
  CHECK(answer.ends_with("</html>\n"));
}

TEST_CASE("a path that looks like a URL further on is another path", "[http_server]") {
  const fixture server;
  CHECK(server.status("GET /api/state HTTP/1.1\r\n" + host + "\r\n") == 200);
  CHECK(server.status("GET /x://localhost/api/state HTTP/1.1\r\n" + host + "\r\n") == 404);
}

TEST_CASE("times that no clock can count to are refused", "[http_server]") {
  engine functions{quiet_client(), {}};
  const auto longest = std::chrono::milliseconds::max();
  CHECK_THROWS_AS(http_server(functions, {.port = 0, .header_timeout = longest}),
                  inngest::configuration_error);
  CHECK_THROWS_AS(http_server(functions, {.port = 0, .body_timeout = 0ms}), inngest::configuration_error);
  CHECK_THROWS_AS(http_server(functions, {.port = 0, .call_timeout = longest}), inngest::configuration_error);
}

TEST_CASE("a server ends while clients are in the middle of a request", "[http_server]") {
  std::vector<raw_client> clients;
  const auto began = std::chrono::steady_clock::now();
  {
    const fixture server;
    for (const char* text :
         {"", "GET", "POST /e/key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"}) {
      clients.emplace_back(server.server.port());
      clients.back().send(text);
    }
    CHECK(server.answers());
  }
  CHECK(std::chrono::steady_clock::now() - began < support::patience);
  for (raw_client& client : clients) CHECK(client.read_all().empty());
}

TEST_CASE("a port belongs to one server, and is free as soon as that has ended", "[http_server]") {
  engine one{quiet_client(), {}};
  engine two{quiet_client(), {}};
  const int port = support::free_port();
  {
    const http_server first{one, {.port = port}};
    for (const char* address : {"127.0.0.1", "localhost"})
      CHECK_THROWS_WITH(http_server(two, {.host = address, .port = port}),
                        Catch::Matchers::ContainsSubstring("another server"));
    support::http_client client(port);
    client.set_keep_alive(true);
    CHECK(client.Get("/health"));
    // the server closes first, so that the port's connection stays in TIME_WAIT
    raw_client other(port);
    other.send("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    CHECK_FALSE(other.read_all().empty());
  }
  const http_server second{two, {.port = port}};
  CHECK(second.port() == port);
}
