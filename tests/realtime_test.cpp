#include <inngest/inngest.hpp>
#include <inngest/realtime.hpp>
#include <inngest/transport/httplib.hpp>

#include <inngest/realtime/detail/sse_parser.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "catch.hpp"
#include "support/eventually.hpp"
#include "support/message_of.hpp"

// Subscriptions and streams against a server that misbehaves.

namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using inngest::json;
using support::eventually;
namespace realtime = inngest::realtime;
using strings = std::vector<std::string>;

/// A server whose connections a test plays by hand: each gets the request, and a function to write bytes
/// with.
class played_server {
 public:
  struct connection {
    int socket;
    std::string request;
    bool write(std::string_view bytes) const {
      while (!bytes.empty()) {
        const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      }
      return true;
    }
    /// Waits until the client closes.
    void wait_for_end() const {
      char byte = 0;
      while (::recv(socket, &byte, 1, 0) > 0) {
      }
    }
  };
  using part = std::function<void(const connection&)>;

  explicit played_server(part plays) : plays_(std::move(plays)), socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    REQUIRE(::listen(socket_, 128) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { accept_all(); });
  }
  ~played_server() {
    stops_ = true;
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int open : open_) ::shutdown(open, SHUT_RDWR);
    }
    for (std::thread& player : players_) player.join();
    for (const int open : open_) ::close(open);
    ::close(socket_);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  void accept_all() {
    while (!stops_) {
      pollfd polled{socket_, POLLIN, 0};
      if (::poll(&polled, 1, 50) <= 0) continue;
      const int client = ::accept(socket_, nullptr, nullptr);
      if (client < 0) continue;
      const std::lock_guard lock(mutex_);
      open_.push_back(client);
      players_.emplace_back([this, client] {
        connection at{client, {}};
        char buffer[4096];
        while (at.request.find("\r\n\r\n") == std::string::npos) {
          const ssize_t size = ::recv(client, buffer, sizeof buffer, 0);
          if (size <= 0) return;
          at.request.append(buffer, static_cast<std::size_t>(size));
        }
        plays_(at);
        ::shutdown(client, SHUT_RDWR);
      });
    }
  }

  part plays_;
  int socket_;
  int port_ = 0;
  std::atomic<bool> stops_ = false;
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> players_;
  std::thread thread_;
};

using connection = played_server::connection;

void answer(const connection& at, int status, const std::string& body) {
  at.write("HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + body);
}

bool asks_for_token(const connection& at) { return at.request.starts_with("POST /v1/realtime/token "); }

void begin_events(const connection& at) {
  at.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n:\n\n");
}

std::string event(const std::string& data, const std::string& topic = "t") {
  return R"(data: {"kind":"data","channel":"c","topic":")" + topic + R"(","data":)" + data +
         R"(,"created_at":"2026-01-01T00:00:00.5Z"})"
         "\n\n";
}

constexpr std::string_view closing = "data: {\"kind\":\"closing\",\"data\":null,\"topic\":\"\"}\n\n";

inngest::client client_of(const std::string& url, const std::string& key = {},
                          const std::string& fallback = {}) {
  return inngest::client({.id = "app",
                          .signing_key = key,
                          .signing_key_fallback = fallback,
                          .mode = key.empty() ? inngest::mode::dev : inngest::mode::cloud,
                          .api_base_url = url,
                          .event_api_base_url = url,
                          .transport = std::make_shared<inngest::httplib_transport>(),
                          .log = inngest::logger(inngest::log_to_stderr, inngest::log_level::off),
                          .environment = [](const char*) { return std::nullopt; }});
}

/// A subscription to the topic "t" of the channel "c", and what it received.
struct watcher {
  mutable std::mutex mutex{};
  strings texts{}, problems{};
  realtime::subscription subscription{};

  explicit watcher(const inngest::client& app, realtime::subscribe_options options = {}) {
    options.backoff = 1ms;
    options.max_backoff = 10ms;
    options.on_error = [this](const std::exception& problem) {
      const std::lock_guard lock(mutex);
      problems.emplace_back(problem.what());
    };
    subscription = realtime::subscribe(
        app, "c", {"t"},
        [this](const realtime::message& m) {
          if (m.text == R"("throw")") throw std::runtime_error("the callback failed");
          const std::lock_guard lock(mutex);
          texts.push_back(m.text);
        },
        options);
  }
  bool has(std::size_t count) const {
    return eventually([&] {
      const std::lock_guard lock(mutex);
      return texts.size() >= count;
    });
  }
  /// A copy: the subscription goes on.
  strings received() const {
    const std::lock_guard lock(mutex);
    return texts;
  }
  strings told() const {
    const std::lock_guard lock(mutex);
    return problems;
  }
  bool fails_with(const std::string& words) const {
    return eventually([&] {
      const std::lock_guard lock(mutex);
      for (const std::string& problem : problems) {
        if (problem.find(words) != std::string::npos) return true;
      }
      return false;
    });
  }
};

}  // namespace

TEST_CASE("a subscription connects again with a new token after the server drops it", "[realtime]") {
  std::atomic<int> tokens = 0, connections = 0;
  strings used;
  std::mutex mutex;
  const played_server server([&](const connection& at) {
    if (asks_for_token(at)) return answer(at, 201, R"({"jwt":"token-)" + std::to_string(++tokens) + "\"}");
    {
      const std::lock_guard lock(mutex);
      const std::size_t begin = at.request.find("token-");
      used.push_back(at.request.substr(begin, 7));
    }
    begin_events(at);
    at.write(event(std::to_string(++connections)));
  });
  const watcher seen(client_of(server.url()));
  REQUIRE(seen.has(3));
  CHECK(seen.received().at(0) == "1");
  const std::lock_guard lock(mutex);
  REQUIRE(used.size() >= 3);
  CHECK(strings(used.begin(), used.begin() + 3) == strings{"token-1", "token-2", "token-3"});
}

TEST_CASE("a refused token is replaced, and refused keys are told", "[realtime]") {
  std::atomic<int> tries = 0;
  const played_server server([&](const connection& at) {
    const bool is_second_key =
        at.request.find(inngest::protocol::hashed_signing_key("signkey-test-02")) != std::string::npos;
    if (asks_for_token(at))
      return answer(at, is_second_key ? 201 : 401, is_second_key ? R"({"jwt":"t"})" : R"({"error":"no"})");
    if (++tries == 1) return answer(at, 401, R"({"error":"Not authenticated"})");
    begin_events(at);
    at.write(event("1"));
    at.wait_for_end();
  });
  {
    const watcher seen(client_of(server.url(), "signkey-test-01", "signkey-test-02"));
    CHECK(seen.has(1));
    CHECK(seen.fails_with("the server refused the realtime token: 401 Not authenticated"));
  }
  const watcher refused(client_of(server.url(), "signkey-test-01"));
  CHECK(refused.fails_with("the signing key was refused"));
  CHECK(refused.subscription.state() != realtime::subscription_state::open);
}

TEST_CASE("garbage between messages is reported and does not end a subscription", "[realtime]") {
  const played_server server([&](const connection& at) {
    if (asks_for_token(at)) return answer(at, 201, R"({"jwt":"t"})");
    begin_events(at);
    for (const char* garbage :
         {"data: not JSON\n\n", "data: []\n\n", "data: {}\n\n", "data: {\"kind\":7}\n\n",
          "data: {\"kind\":\"chunk\",\"stream_id\":\"never-begun\",\"data\":\"x\"}\n\n",
          "data: {\"kind\":\"chunk\",\"data\":\"x\"}\n\n", "data: {\"kind\":\"data\"\n\n",
          "data: {\"kind\":\"ping\",\"data\":null}\n\n", "event: x\nid: 1\nretry: 2\n\n", "\xff\xfe\n\n",
          "data: {\"kind\":\"data\",\"channel\":\"c\",\"topic\":\"t\",\"data\":\xff}\n\n",
          "data: {\"kind\":\"data\",\"channel\":\"other\",\"topic\":\"t\",\"data\":9}\n\n"})
      at.write(garbage);
    at.write(event("9", "other"));
    at.write(event("\"throw\""));
    at.write(event("1"));
    at.wait_for_end();
  });
  const watcher seen(client_of(server.url()));
  CHECK(seen.has(1));
  CHECK(seen.received() == strings{"1"});
  CHECK(seen.fails_with("the callback failed"));
  CHECK(seen.subscription.state() == realtime::subscription_state::open);
  CHECK(seen.told().size() >= 6);
}

TEST_CASE("answers that are no stream of events are told with what they say", "[realtime]") {
  std::atomic<int> tries = 0;
  const played_server server([&](const connection& at) {
    if (asks_for_token(at)) {
      const int now = ++tries;
      if (now == 1) return answer(at, 500, R"({"error":"boom"})");
      if (now == 2) return answer(at, 201, "{}");
      return answer(at, 201, R"({"jwt":"t"})");
    }
    if (tries == 3) return answer(at, 503, R"({"error":"too many"})");
    if (tries == 4) return answer(at, 200, "{}");
    begin_events(at);
    at.write(event("1"));
    at.wait_for_end();
  });
  const watcher seen(client_of(server.url()));
  CHECK(seen.has(1));
  CHECK(seen.fails_with("500 boom"));
  CHECK(seen.fails_with("no \"jwt\""));
  CHECK(seen.fails_with("503 too many"));
  CHECK(seen.fails_with("not a stream of events"));
}

TEST_CASE("a message of several megabytes arrives whole, and one beyond the limit ends the connection",
          "[realtime]") {
  const std::string large = "\"" + std::string(5 * 1024 * 1024, 'x') + "\"";
  std::atomic<int> connections = 0;
  const played_server server([&](const connection& at) {
    if (asks_for_token(at)) return answer(at, 201, R"({"jwt":"t"})");
    begin_events(at);
    if (++connections == 1) at.write(event("\"" + std::string(7 * 1024 * 1024, 'y') + "\""));
    at.write(event(large));
    at.wait_for_end();
  });
  const watcher seen(client_of(server.url()), {.max_message_size = 6 * 1024 * 1024});
  REQUIRE(seen.has(1));
  CHECK((seen.received().at(0) == large));
  CHECK(seen.fails_with("subscribe_options::max_message_size"));
}

TEST_CASE("a connection that has gone silent is replaced", "[realtime]") {
  std::atomic<int> connections = 0;
  const played_server server([&](const connection& at) {
    if (asks_for_token(at)) return answer(at, 201, R"({"jwt":"t"})");
    begin_events(at);
    if (++connections > 1) at.write(event("1"));
    at.wait_for_end();
  });
  const watcher seen(client_of(server.url()), {.max_silence = 200ms});
  CHECK(seen.has(1));
  CHECK(seen.fails_with("took too long"));
}

TEST_CASE("a server that announces its end is left at once", "[realtime]") {
  std::atomic<int> connections = 0;
  const played_server server([&](const connection& at) {
    if (asks_for_token(at)) return answer(at, 201, R"({"jwt":"t"})");
    begin_events(at);
    if (++connections > 1) at.write(event("1"));
    if (connections == 1) at.write(closing);
    at.wait_for_end();
  });
  const watcher seen(client_of(server.url()));
  CHECK(seen.has(1));
  CHECK(seen.told().empty());
}

TEST_CASE("a stream that a lost connection interrupts is reported", "[realtime]") {
  std::atomic<int> connections = 0;
  const played_server server([&](const connection& at) {
    if (asks_for_token(at)) return answer(at, 201, R"({"jwt":"t"})");
    begin_events(at);
    if (++connections == 1) {
      at.write("data: {\"kind\":\"datastream-start\",\"channel\":\"c\",\"topic\":\"t\",\"data\":\"s1\"}\n\n");
      at.write("data: {\"kind\":\"chunk\",\"stream_id\":\"s1\",\"data\":\"a\"}\n\n");  // as a server sends it
      return;
    }
    at.write("data: {\"kind\":\"chunk\",\"stream_id\":\"s1\",\"data\":\"lost\"}\n\n");
    at.write("data: {\"kind\":\"datastream-end\",\"channel\":\"c\",\"topic\":\"t\",\"data\":\"s1\"}\n\n");
    at.write(event("1"));
    at.wait_for_end();
  });
  const watcher seen(client_of(server.url()));
  CHECK(seen.has(3));
  CHECK(seen.received() == strings{"\"s1\"", "\"a\"", "1"});
  CHECK(seen.fails_with("in the middle of 1 stream(s)"));
}

TEST_CASE("pauses that no clock can count to are shortened", "[realtime]") {
  std::atomic<int> waits = 0;
  realtime::subscribe_options options{.on_error = [](const std::exception&) {},
                                      .on_state =
                                          [&](realtime::subscription_state state) {
                                            if (state == realtime::subscription_state::waiting) ++waits;
                                          }};
  options.backoff = options.max_backoff = std::chrono::hours::max();
  auto watching = realtime::subscribe(
      client_of("http://127.0.0.1:1"), "c", {"t"}, [](const realtime::message&) {}, std::move(options));
  CHECK(eventually([&] { return waits > 0; }));
  std::this_thread::sleep_for(50ms);
  CHECK(waits == 1);
  watching.stop();
}

TEST_CASE("a subscription stops whatever it is doing", "[realtime]") {
  enum class when { nobody_listens, token_is_pending, head_is_pending, silent, pausing };
  const when at_work = GENERATE(when::nobody_listens, when::token_is_pending, when::head_is_pending,
                                when::silent, when::pausing);
  std::atomic<int> reached = 0;
  const played_server server([&](const connection& at) {
    const bool is_token = asks_for_token(at);
    if (at_work == when::token_is_pending || (at_work == when::head_is_pending && !is_token)) {
      ++reached;
      return at.wait_for_end();
    }
    if (at_work == when::pausing) {
      ++reached;
      return answer(at, 500, "{}");
    }
    if (is_token) return answer(at, 201, R"({"jwt":"t"})");
    begin_events(at);
    ++reached;
    at.wait_for_end();
  });
  const std::string url = at_work == when::nobody_listens ? "http://127.0.0.1:1" : server.url();
  std::atomic<int> problems = 0;
  auto watching = realtime::subscribe(client_of(url), "c", {"t"}, [](const realtime::message&) {},
                                      {.on_error = [&](const std::exception&) { ++problems; },
                                       .backoff = 1h,
                                       .max_backoff = 1h,
                                       .max_silence = 1h});
  CHECK(eventually([&] { return reached > 0 || problems > 0; }));
  const auto began = std::chrono::steady_clock::now();
  watching.stop();
  CHECK(std::chrono::steady_clock::now() - began <
        support::patience);  // the pause and the silence are longer
  CHECK(watching.state() == realtime::subscription_state::stopped);
  CHECK_FALSE(watching.wait_until_open(1h));  // returns at once
  watching.stop();
}

TEST_CASE("many subscriptions stop while they connect", "[realtime]") {
  const played_server server([&](const connection& at) {
    if (asks_for_token(at)) return answer(at, 201, R"({"jwt":"t"})");
    begin_events(at);
    at.wait_for_end();
  });
  const inngest::client app = client_of(server.url());
  for (int i = 0; i < 100; ++i) {
    auto watching = realtime::subscribe(app, "c", {"t"}, [](const realtime::message&) {});
    if (i % 2 == 1) std::this_thread::sleep_for(std::chrono::microseconds(i * 20));
  }
  SUCCEED("all have ended");
}

TEST_CASE("a subscription tells its states", "[realtime]") {
  using enum realtime::subscription_state;
  std::atomic<int> connections = 0;
  const played_server server([&](const connection& at) {
    if (asks_for_token(at)) return answer(at, 201, R"({"jwt":"t"})");
    if (++connections == 1) {  // breaks off: always followed by a pause
      at.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9\r\n\r\n:\n\n");
      return;
    }
    begin_events(at);
    at.wait_for_end();
  });
  std::mutex mutex;
  std::vector<realtime::subscription_state> states;
  {
    auto watching = realtime::subscribe(client_of(server.url()), "c", {"t"}, [](const realtime::message&) {},
                                        {.on_error = [](const std::exception&) {},
                                         .on_state =
                                             [&](realtime::subscription_state next) {
                                               const std::lock_guard lock(mutex);
                                               states.push_back(next);
                                             },
                                         .backoff = 1ms});
    CHECK(eventually([&] { return connections == 2 && watching.state() == open; }));
  }
  CHECK(states == std::vector{connecting, open, waiting, connecting, open, stopped});
}

TEST_CASE("a subscription pauses after a connection that the server closes at once", "[realtime]") {
  using enum realtime::subscription_state;
  using clock = std::chrono::steady_clock;
  const played_server server([&](const connection& at) {
    if (asks_for_token(at)) return answer(at, 201, R"({"jwt":"t"})");
    begin_events(at);
  });
  std::mutex mutex;
  std::vector<std::pair<realtime::subscription_state, clock::time_point>> states;
  auto watching = realtime::subscribe(client_of(server.url()), "c", {"t"}, [](const realtime::message&) {},
                                      {.on_state =
                                           [&](realtime::subscription_state next) {
                                             const std::lock_guard lock(mutex);
                                             states.emplace_back(next, clock::now());
                                           },
                                       .backoff = 1ms});
  REQUIRE(eventually([&] {
    const std::lock_guard lock(mutex);
    return states.size() >= 3;
  }));
  watching.stop();
  REQUIRE(states[1].first == open);
  const auto took = states[2].second - states[0].second;  // at least as long as the connection
  CHECK((states[2].first == waiting || took > 1s));       // after more than a second there is no pause
}

TEST_CASE("a server that says at once that it closes is not asked again at once", "[realtime]") {
  using enum realtime::subscription_state;
  using clock = std::chrono::steady_clock;
  std::atomic<int> connections = 0;
  const played_server server([&](const connection& at) {
    if (asks_for_token(at)) return answer(at, 201, R"({"jwt":"t"})");
    ++connections;
    begin_events(at);
    at.write(closing);
    at.wait_for_end();
  });
  std::mutex mutex;
  std::vector<std::pair<realtime::subscription_state, clock::time_point>> states;
  auto watching = realtime::subscribe(client_of(server.url()), "c", {"t"}, [](const realtime::message&) {},
                                      {.on_state =
                                           [&](realtime::subscription_state next) {
                                             const std::lock_guard lock(mutex);
                                             states.emplace_back(next, clock::now());
                                           },
                                       .backoff = 1h,
                                       .max_backoff = 1h});
  REQUIRE(eventually([&] {
    const std::lock_guard lock(mutex);
    return states.size() >= 3;
  }));
  watching.stop();
  REQUIRE(states[1].first == open);
  const bool took_long = states[2].second - states[0].second > 1s;  // then there is no pause
  CHECK((states[2].first == waiting || took_long));
  CHECK((connections == 1 || took_long));
}

TEST_CASE("a server that closes after a longer connection is asked again at once", "[realtime]") {
  using enum realtime::subscription_state;
  std::atomic<int> connections = 0;
  const bool says_so = GENERATE(false, true);
  const played_server server([&](const connection& at) {
    if (asks_for_token(at)) return answer(at, 201, R"({"jwt":"t"})");
    const bool is_first = ++connections == 1;
    begin_events(at);
    if (is_first) std::this_thread::sleep_for(1100ms);  // a second is long enough
    if (is_first && says_so) at.write(closing);
    if (!is_first || says_so) at.wait_for_end();
  });
  std::mutex mutex;
  std::vector<realtime::subscription_state> states;
  auto watching = realtime::subscribe(client_of(server.url()), "c", {"t"}, [](const realtime::message&) {},
                                      {.on_state =
                                           [&](realtime::subscription_state next) {
                                             const std::lock_guard lock(mutex);
                                             states.push_back(next);
                                           },
                                       .backoff = 1h,
                                       .max_backoff = 1h});
  CHECK(eventually([&] {
    const std::lock_guard lock(mutex);
    return states.size() >= 4;
  }));
  watching.stop();
  CHECK(states == std::vector{connecting, open, connecting, open, stopped});
}

TEST_CASE("the pauses between connections that end at once grow", "[realtime]") {
  using enum realtime::subscription_state;
  using clock = std::chrono::steady_clock;
  const bool says_so = GENERATE(false, true);
  const played_server server([&](const connection& at) {
    if (asks_for_token(at)) return answer(at, 201, R"({"jwt":"t"})");
    begin_events(at);
    if (says_so) at.write(closing);
    if (says_so) at.wait_for_end();
  });
  std::mutex mutex;
  clock::time_point began{}, paused{};
  int in_a_row = 0;  // connections of less than a second
  std::optional<clock::duration> third_pause;
  auto watching =
      realtime::subscribe(client_of(server.url()), "c", {"t"}, [](const realtime::message&) {},
                          {.on_state =
                               [&](realtime::subscription_state next) {
                                 const auto now = clock::now();
                                 const std::lock_guard lock(mutex);
                                 if (next == waiting) {
                                   paused = now;
                                   in_a_row = now - began > 1s ? 0 : in_a_row + 1;
                                 }
                                 if (next != connecting) return;
                                 if (paused < began)
                                   in_a_row = 0;  // no pause: this machine made the connection a long one
                                 if (in_a_row >= 3 && !third_pause) third_pause = now - paused;
                                 began = now;
                               },
                           .backoff = 60ms});
  REQUIRE(eventually([&] {
    const std::lock_guard lock(mutex);
    return third_pause.has_value();
  }));
  watching.stop();
  CHECK(*third_pause >= 120ms);  // half of 60, 120 and 240 ms is certain
}

TEST_CASE("a subscription to nothing is refused where it is made", "[realtime]") {
  const inngest::client app = client_of("http://127.0.0.1:1");
  const auto ignore = [](const realtime::message&) {};
  CHECK_THROWS_AS(realtime::subscribe(app, "", {"t"}, ignore), inngest::payload_error);
  CHECK_THROWS_AS(realtime::subscribe(app, "c", {" "}, ignore), inngest::payload_error);
  CHECK_THROWS_AS(realtime::subscribe(app, "c", {}, ignore), inngest::configuration_error);
  CHECK_THROWS_AS(realtime::subscribe(app, "c", {"t"}, nullptr), inngest::configuration_error);
  CHECK_THROWS_AS(realtime::token(app, "c", {}), inngest::configuration_error);
  CHECK_THROWS_AS(realtime::open_stream(app, "", "t"), inngest::payload_error);
}

TEST_CASE("a transport that can't stream is named as the problem", "[realtime]") {
  class plain final : public inngest::http::transport {
    inngest::http::response send(const inngest::http::request&, std::chrono::milliseconds) override {
      return {.status = 201, .body = R"({"jwt":"t"})"};
    }
  };
  inngest::client app({.id = "app",
                       .mode = inngest::mode::dev,
                       .transport = std::make_shared<plain>(),
                       .environment = [](const char*) { return std::nullopt; }});
  CHECK(realtime::token(app, "c", {"t"}) == "t");
  const watcher seen(app);
  CHECK(seen.fails_with("override http::transport::stream"));
}

TEST_CASE("a stream that the server refuses tells its writer", "[realtime]") {
  std::atomic<int> requests = 0;
  std::string body;
  std::mutex mutex;
  const played_server server([&](const connection& at) {
    ++requests;
    const bool is_second_key =
        at.request.find(inngest::protocol::hashed_signing_key("signkey-test-02")) != std::string::npos;
    std::string all = at.request;
    char buffer[4096];
    while (all.find("\r\n0\r\n\r\n") == std::string::npos) {
      const ssize_t size = ::recv(at.socket, buffer, sizeof buffer, 0);
      if (size <= 0) return;
      all.append(buffer, static_cast<std::size_t>(size));
    }
    if (is_second_key) {
      const std::lock_guard lock(mutex);
      body = all.substr(all.find("\r\n\r\n") + 4);
    }
    answer(at, is_second_key ? 200 : 401, R"({"error":"no"})");
  });
  {
    auto writer = realtime::open_stream(client_of(server.url(), "signkey-test-01"), "c", "t");
    writer.write("one");
    CHECK_THROWS_AS(writer.close(), inngest::unauthorized);
    CHECK_THROWS_AS(writer.write("two"), inngest::unauthorized);
  }
  auto writer =
      realtime::open_stream(client_of(server.url(), "signkey-test-01", "signkey-test-02"), "c", "t");
  writer.write("one");
  writer.write("two");
  writer.close();
  CHECK(requests == 3);
  {
    const std::lock_guard lock(mutex);
    CHECK(body == "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");  // all of it again with the second key
  }

  auto broken = realtime::open_stream(client_of(server.url(), "signkey-test-02"), "c", "t");
  CHECK_THROWS_AS(broken.write("\xff"), inngest::payload_error);
  broken.write("half \xc3");
  CHECK_THROWS_AS(broken.close(), inngest::payload_error);
  auto gone = realtime::open_stream(client_of("http://127.0.0.1:1"), "c", "t");
  CHECK_THROWS_AS(gone.close(), inngest::unreachable);
}

TEST_CASE("typed channels have the names of their patterns", "[realtime][typed]") {
  using Log = inngest::topic<"log", std::string>;
  using Alerts = inngest::channel<"system:alerts", Log>;
  using Run = inngest::channel<"run:{id}:{part}/x", Log, inngest::topic<"other", int>>;
  CHECK(Alerts{}.name() == "system:alerts");
  CHECK(Run{"a", 7}.name() == "run:a:7/x");
  CHECK(Run{std::string("{id}"), std::uint64_t{1}}.name() == "run:{id}:1/x");
  CHECK(Run::topics() == strings{"log", "other"});
  static_assert(Run::has<Log>);
  static_assert(!Alerts::has<inngest::topic<"other", int>>);
  const std::string& converted = Run{"a", -1};  // lives as long as the reference
  CHECK(converted == "run:a:-1/x");
}

TEST_CASE("server-sent events are read alike in whatever pieces they come", "[realtime][sse]") {
  const std::string text =
      "\xef\xbb\xbf"
      "data: one\n\n"
      ":comment\n\n"
      "data: two\r\ndata:  lines\r\n\r\n"
      "event: x\rdata:three\r\r"
      "data\n\n"
      "data: \n\n"
      "database: no\n\nid: 1\n\n"
      "data: incomplete";
  const strings expected{"one", "two\n lines", "three", "", ""};
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    inngest::detail::sse_parser parser(100);
    strings all;
    for (std::size_t at = 0; at < text.size(); at += piece)
      parser.read(std::string_view(text).substr(at, piece),
                  [&](std::string_view data) { all.emplace_back(data); });
    CHECK(all == expected);
  }
  for (const std::string& large :
       {"data: " + std::string(101, 'x') + "\n\n", std::string(101, 'x'),
        "data: " + std::string(60, 'x') + "\ndata: " + std::string(60, 'x') + "\n\n"}) {
    inngest::detail::sse_parser parser(100);
    CHECK_THROWS_AS(parser.read(large, [](std::string_view) {}), inngest::protocol_error);
  }
}

TEST_CASE("a server that closes a stream early does not end the process", "[realtime]") {
  const played_server server([](const connection& at) { answer(at, 401, R"({"error":"no"})"); });
  auto writer = realtime::open_stream(client_of(server.url(), "signkey-test-01"), "c", "t");
  CHECK_THROWS_AS(
      [&] {
        for (int i = 0; i < 900; ++i) {
          writer.write("piece");
          std::this_thread::sleep_for(1ms);
        }
        writer.close();
      }(),
      inngest::error);
}
