// What the cpp-httplib adapter does on the socket, seen by a caller that reads bytes.

#include <inngest/adapters/httplib.hpp>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <typeinfo>
#include <vector>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/handler_driver.hpp"
#include "support/meeting.hpp"

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using support::eventually;
using support::meeting;
using test_event = inngest::event<"test/event">;

constexpr auto patience = 60s;

/// A thread that has run a task. Other threads of the process come and go, so the system can't be asked.
struct counted_thread {
  static inline std::atomic<int> living{0}, all{0};
  counted_thread() { ++living, ++all; }
  ~counted_thread() { --living; }
  static void count() { [[maybe_unused]] thread_local const counted_thread this_one; }
};

/// A server with a thread of its own.
class running {
 public:
  explicit running(httplib::Server& server) : server_(server) {
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(1ms);
  }
  ~running() {
    server_.stop();
    thread_.join();
  }
  int port() const { return port_; }

 private:
  httplib::Server& server_;
  int port_ = 0;
  std::thread thread_;
};

class connection {
 public:
  explicit connection(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{.tv_sec = std::chrono::seconds(patience).count(), .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~connection() { ::close(socket_); }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  bool connected() const { return connected_; }
  bool send(const std::string& bytes) {
    return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  /// Reads until the text is there or nothing more comes.
  bool read_until(std::string_view text) {
    while (received.find(text) == std::string::npos) {
      if (!read_some()) return false;
    }
    return true;
  }
  /// Reads until the other side closes.
  std::string& read_all() {
    while (read_some()) {
    }
    return received;
  }

  std::string received{};

 private:
  bool read_some() {
    char buffer[4096];
    const ssize_t size = ::recv(socket_, buffer, sizeof buffer, 0);
    if (size > 0) received.append(buffer, static_cast<std::size_t>(size));
    return size > 0;
  }

  int socket_;
  bool connected_ = false;
};

std::string request(const std::string& method, const std::string& target, const std::string& headers,
                    const std::string& body = {}) {
  std::string out = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers;
  if (method == "POST" || method == "PUT")
    out += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  return out + "\r\n" + body;
}

constexpr const char* accepted_encodings[] = {
    "Accept-Encoding: gzip\r\n", "Accept-Encoding: br\r\n", "accept-encoding: gzip, deflate, br\r\n",
    "Accept-Encoding: gzip\r\nAccept-Encoding: br\r\n", "Accept-Encoding: *;q=1\r\n"};

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  return text;
}

}  // namespace

TEST_CASE("answers are not compressed, whatever the caller accepts", "[adapter][compression]") {
  const auto app = support::quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<test_event>(), [](auto& ctx) {
    return ctx.step.run("large", [] { return std::string(20000, 'x'); });
  });
  for (const bool streaming : {false, true}) {
    httplib::Server server;
    inngest::serve(server, app, {f}, {.streaming = streaming});
    const running port(server);
    for (const char* accepted : accepted_encodings) {
      const std::string call = support::call().text();
      const std::string questions[] = {
          request("POST", "/api/inngest?fnId=app-f&stepId=step", accepted, call),
          request("POST", "/api/inngest?fnId=unknown", accepted, call),
          request("POST", "/api/inngest?fnId=app-f", accepted, "garbage"),
          request("GET", "/api/inngest", accepted),
          request("HEAD", "/api/inngest", accepted),
          request("PUT", "/api/inngest", std::string(accepted) + "x-inngest-sync-kind: in_band\r\n",
                  R"({"url":"http://me/x"})"),
      };
      for (const std::string& question : questions) {
        CAPTURE(streaming, question.substr(0, 200));
        connection caller(port.port());
        REQUIRE(caller.send(question));
        const std::string answer = lower_case(caller.read_all());
        CHECK_THAT(answer, StartsWith("http/1.1 "));
        CHECK(answer.find("content-encoding") == std::string::npos);
        if (!question.starts_with("HEAD")) CHECK_THAT(answer, ContainsSubstring("\""));
      }
      connection caller(port.port());
      REQUIRE(caller.send(questions[0]));
      CHECK_THAT(caller.read_all(), ContainsSubstring(std::string(1000, 'x')));
    }
  }
}

TEST_CASE("a heartbeat reaches the caller while the function runs", "[adapter][streaming]") {
  for (const char* accepted : accepted_encodings) {
    const auto heard = std::make_shared<meeting>(2);
    const auto app = support::quiet_client();
    const auto f = app.create_function({.id = "f"}, inngest::on<test_event>(), [heard](auto& ctx) {
      return ctx.step.run("until-heard", [heard] { return heard->join(); });
    });
    httplib::Server server;
    inngest::serve(server, app, {f}, {.streaming = true, .heartbeat = 20ms});
    const running port(server);
    connection caller(port.port());
    REQUIRE(caller.send(
        request("POST", "/api/inngest?fnId=app-f&stepId=step", accepted, support::call().text())));
    CHECK(caller.read_until("\r\n\r\n1\r\n \r\n1\r\n "));  // two chunks of a space each
    heard->join();
    CHECK_THAT(caller.read_all(), ContainsSubstring(R"(\"data\":true)"));
  }
}

TEST_CASE("a drained server sends the ends of its streams", "[adapter][streaming][drain]") {
  const auto begun = std::make_shared<std::atomic<bool>>(false);
  const auto app = support::quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<test_event>(), [begun](auto& ctx) {
    return ctx.step.run("work", [begun](inngest::stop_token stop) {
      *begun = true;
      const auto end = std::chrono::steady_clock::now() + patience;
      while (!stop.stop_requested() && std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(1ms);
      return std::string("in time");
    });
  });
  httplib::Server server;
  const auto handler = inngest::serve(server, app, {f}, {.streaming = true, .heartbeat = 1ms});
  std::unique_ptr<connection> caller;
  {
    const running port(server);
    caller = std::make_unique<connection>(port.port());
    REQUIRE(caller->send(request("POST", "/api/inngest?fnId=app-f&stepId=step", "", support::call().text())));
    REQUIRE(eventually([&] { return begun->load(); }));
    CHECK(handler.calls_under_way() == 1);
    CHECK(handler.drain(patience));
  }
  CHECK_THAT(caller->read_all(), StartsWith("HTTP/1.1 201"));
  CHECK_THAT(caller->received, ContainsSubstring("in time"));
  CHECK_THAT(caller->received, ContainsSubstring("\r\n0\r\n\r\n"));
}

TEST_CASE("forty calls at once all run at once", "[adapter][threads]") {
  constexpr int calls = 40;
  const auto together = std::make_shared<meeting>(calls);
  const auto app = support::quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<test_event>(), [together](auto& ctx) {
    return ctx.step.run("meet", [together] { return together->join(); });
  });
  httplib::Server server;
  inngest::serve(server, app, {f});
  const running port(server);
  std::vector<std::unique_ptr<connection>> callers;
  for (int i = 0; i < calls; ++i) {
    callers.push_back(std::make_unique<connection>(port.port()));
    REQUIRE(callers.back()->connected());
    REQUIRE(callers.back()->send(
        request("POST", "/api/inngest?fnId=app-f&stepId=step", "", support::call().text())));
  }
  for (const auto& caller : callers) CHECK_THAT(caller->read_all(), ContainsSubstring(R"("data":true)"));
}

TEST_CASE("a task queue that was chosen before stays", "[adapter][threads]") {
  httplib::Server server;
  server.new_task_queue = [] { return new httplib::ThreadPool(1); };
  const std::type_info& chosen = server.new_task_queue.target_type();
  const auto app = support::quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<test_event>(), [](auto&) {});
  inngest::serve(server, app, {f});
  CHECK(server.new_task_queue.target_type() == chosen);
}

TEST_CASE("threads are made when no other is free, up to a limit, and end when they have nothing to do",
          "[adapter][threads]") {
  inngest::detail::growing_task_queue queue(3, 20ms);
  const auto all = std::make_shared<meeting>(4);  // three tasks and this test
  const auto tasks = std::make_shared<std::atomic<int>>(0);
  const auto run = [tasks] {
    counted_thread::count();
    ++*tasks;
  };
  for (int i = 0; i < 3; ++i) {
    queue.enqueue([=] {
      counted_thread::count();
      all->join();
      ++*tasks;
    });
  }
  for (int i = 0; i < 20; ++i) queue.enqueue(run);
  REQUIRE(eventually([&] { return counted_thread::living == 3; }));
  std::this_thread::sleep_for(20ms);  // time for a fourth thread, which would run the others' tasks
  CHECK(*tasks == 0);
  CHECK(all->join());
  CHECK(eventually([&] { return *tasks == 23; }));
  CHECK(eventually([&] { return counted_thread::living == 0; }));
  CHECK(counted_thread::all == 3);
  queue.enqueue(run);  // it begins anew
  queue.shutdown();
  CHECK(*tasks == 24);
  CHECK(counted_thread::all == 4);
}

TEST_CASE("a port that is in use is refused, and one that was just left is not", "[adapter][port]") {
  const auto app = support::quiet_client();
  const auto f = app.create_function({.id = "f"}, inngest::on<test_event>(), [](auto&) {});
  int port = 0;
  {
    httplib::Server first;
    inngest::serve(first, app, {f});
    const running server(first);
    port = server.port();
    httplib::Server second;
    inngest::serve(second, app, {f});
    CHECK_FALSE(second.bind_to_port("127.0.0.1", port));
    connection caller(port);  // the server closes first, so the connection stays in TIME_WAIT there
    REQUIRE(caller.send(request("GET", "/api/inngest", "")));
    CHECK_THAT(caller.read_all(), StartsWith("HTTP/1.1 200"));
  }
  httplib::Server again;
  inngest::serve(again, app, {f});
  CHECK(again.bind_to_port("127.0.0.1", port));
}
