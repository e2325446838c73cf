#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/http_parser.hpp>
#include <inngest/embedded/detail/open_answer.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/platform/detail/socket.hpp>

// An HTTP server in which one thread reads and writes all connections, and other threads answer complete
// requests. So slow or silent clients do not block threads that other clients need.

namespace inngest::inline INNGEST_ABI::detail {

struct listener_options {
  std::string host = "127.0.0.1";
  int port = 0;
  /// The maximum number of threads that answer requests. They are started on demand.
  std::size_t workers = 64;
  /// The maximum number of requests that wait for a thread. Further requests get status 503.
  std::size_t max_waiting = 1024;
  std::size_t max_connections = 1000;
  std::size_t max_header_size = 32 * 1024;
  std::size_t max_body_size = 32 * 1024 * 1024;
  /// The maximum total size in bytes of incomplete bodies, and also of complete bodies that are not answered
  /// yet. A single body is always accepted.
  std::size_t max_buffered = 256 * 1024 * 1024;
  std::chrono::milliseconds header_timeout = std::chrono::seconds(10);
  /// The time limit for a body or an answer, plus a second for each 64 KB.
  std::chrono::milliseconds body_timeout = std::chrono::seconds(30);
  /// The maximum time between two requests on a connection.
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(75);
  /// The time limit for a body passed to a sink, and for an open answer.
  std::chrono::milliseconds stream_timeout = std::chrono::minutes(15);
  /// After this pause an open answer sends something, so that both sides notice a broken connection.
  std::chrono::milliseconds keep_alive = std::chrono::seconds(15);
};

struct address_deleter {
  void operator()(addrinfo* first) const { ::freeaddrinfo(first); }
};
using address_list = std::unique_ptr<addrinfo, address_deleter>;

/// The addresses of a host to listen on; an empty host means all addresses of this machine.
/// \throws configuration_error when the host is unknown.
address_list resolve_listener(const std::string& host, int port);

bool is_loopback(const sockaddr* address);

/// Whether all addresses of the host are loopback addresses, which only this machine can reach.
bool is_loopback_only(const std::string& host);

class http_listener {
 public:
  /// Checks a request before its body is read. Returns an answer to reject it. Must be fast and not throw.
  using judge = std::function<std::optional<http::response>(const http::request& head)>;
  /// Answers a complete request, on many threads. Must not throw.
  using answerer = std::function<listener_answer(http::request)>;
  /// Decides how the body of an accepted request is received. Must be fast and not throw.
  using body_opener = std::function<opened_body(const http::request& head)>;
  /// Builds the answer to a malformed request.
  using refuser = std::function<http::response(int status, const std::string& problem)>;

  /// Listens on the port; clients wait until start(). \throws configuration_error when it can't listen.
  explicit http_listener(listener_options options);

  /// Starts to answer.
  void start(judge look, answerer answer, refuser refuse, body_opener open = {});

  /// An answer whose body is written by other threads. At most `most` bytes may wait in it. Return it in a
  /// listener_answer.
  std::shared_ptr<open_answer> make_open_answer(std::size_t most) const {
    return std::make_shared<open_answer>(wake_, most);
  }

  /// Waits up to two seconds for answers in progress, and closes all connections.
  ~http_listener();

  http_listener(const http_listener&) = delete;
  http_listener& operator=(const http_listener&) = delete;

  int port() const { return port_; }

  /// The number of connections, but at most half of the files that the process may open, and at least 16
  /// unless fewer are wanted.
  static std::size_t within_file_limit(std::size_t connections);

 private:
  using clock = std::chrono::steady_clock;
  enum class phase { head, body, answering, writing, streaming, draining };

  struct connection {
    unique_socket socket{};
    phase at = phase::head;
    clock::time_point since{};     // the start of the phase
    clock::time_point deadline{};  // the end of the phase
    std::string in{};              // received, but not parsed
    std::size_t searched = 0;      // bytes of `in` that were searched for the end of the head
    request_head head{};
    body_reader body{};
    std::shared_ptr<body_sink> sink{};  // takes the body
    open_answer_end open{};             // of the phase streaming
    clock::time_point keeps_alive{};    // when to send a keep-alive
    std::string out{};                  // not sent
    std::size_t written = 0;
    std::size_t drained = 0;
    bool closes = false;        // close after `out` is sent
    bool was_answered = false;  // at least once

    bool is_idle() const { return at == phase::head && in.empty() && was_answered; }
    std::size_t incomplete() const { return at == phase::body ? head.request.body.size() : 0; }
  };

  using connections = std::map<std::uint64_t, connection>;  // oldest first

  struct work {
    std::uint64_t id;
    http::request request;
    std::shared_ptr<body_sink> sink{};
  };

  static listener_options limited(listener_options options);

  // ---- listening ----------------------------------------------------------------------------------------

  void listen();

  /// Listens on an address. Returns the problem if that fails.
  std::error_code listen_at(const addrinfo& address);

  // ---- the loop -----------------------------------------------------------------------------------------

  void run();

  /// Waits for work and does it. Returns false when the server has ended.
  bool serve_all();

  static short events_of(const connection& client);

  /// Moves the bytes written to an open answer to its connection. Returns when this must be done again at the
  /// latest.
  clock::time_point stream(connection& client) const;

  bool is_stopping() const;

  /// Closes all connections that do not wait for an answer. Returns whether none is left.
  bool end_all_but_answers();

  void accept_all();

  void pause_accepting() { accepts_again_ = clock::now() + std::chrono::milliseconds(100); }

  /// Closes a connection to make room: first the oldest without an answered request, then an idle one, then
  /// one that is sending another request. Never closes connections that wait for an answer; returns false if
  /// all of them do.
  bool drop_connection();

  void close_late_connections();

  static void enter(connection& client, phase next, std::chrono::milliseconds limit);

  /// Extends the deadline of a body or an answer by the bytes that were transferred.
  void extend(connection& client, std::size_t moved) const;

  // ---- one connection: functions return false when it must be closed -------------------------------------

  void serve(std::uint64_t id, short events);

  bool read(std::uint64_t id, connection& client);

  /// Processes the received bytes.
  bool advance(std::uint64_t id, connection& client);

  /// Returns false when the body must not be read: the head is incomplete, or the request was rejected.
  bool read_head(connection& client);

  /// Returns whether the body is complete.
  bool read_body(connection& client);

  /// Closes the connection with the largest incomplete body when all of them exceed max_buffered.
  void limit_incomplete(const connection& current);

  bool dispatch(std::uint64_t id, connection& client);

  /// Sends an error answer, and closes the connection after it. Returns true: the connection is still open.
  bool refuse(connection& client, int status, const std::string& problem);

  // ---- answers ------------------------------------------------------------------------------------------

  void write_answer(connection& client, http::response answer, bool closes);

  void begin_stream(connection& client, listener_answer answer) const;

  bool write(std::uint64_t id, connection& client);

  bool end_answer(std::uint64_t id, connection& client);

  void take_answers();

  // ---- workers ------------------------------------------------------------------------------------------

  /// Starts a worker if all are busy. Returns false if there is none. Call it with the lock held.
  bool has_worker();

  listener_answer answer_to(work& next);

  void answer_requests();

  const listener_options options_;
  judge judge_;
  answerer answer_;
  refuser refuse_;
  body_opener open_;
  int port_ = 0;
  wake_signal wake_{};

  // used only by the loop's thread
  unique_socket listener_{};
  connections connections_;
  std::uint64_t last_id_ = 0;
  clock::time_point accepts_again_{};
  clock::time_point stop_deadline_{};

  mutable std::mutex mutex_;  // guards the members below
  std::condition_variable work_;
  std::deque<work> waiting_;
  std::vector<std::pair<std::uint64_t, listener_answer>> done_;
  std::vector<std::thread> workers_;
  std::size_t idle_workers_ = 0;
  std::size_t at_work_ = 0;
  std::size_t held_ = 0;  // bytes of complete bodies that are not answered
  bool stopping_ = false;

  std::thread loop_;
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/http_listener.ipp>
#endif
