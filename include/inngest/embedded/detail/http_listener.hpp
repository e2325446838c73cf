#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/http_parser.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/platform/detail/socket.hpp>

// A server whose connections cost no threads: one thread reads and writes all of them, and only whole
// requests are given to others. So clients that are slow, or silent, hold nothing that other clients need.

namespace inngest::inline INNGEST_ABI::detail {

struct listener_options {
  std::string host = "127.0.0.1";
  int port = 0;
  /// Threads that answer; they start when they are needed.
  std::size_t workers = 64;
  /// Requests that wait for them; more are answered 503.
  std::size_t max_waiting = 1024;
  std::size_t max_connections = 1000;
  std::size_t max_header_size = 32 * 1024;
  std::size_t max_body_size = 32 * 1024 * 1024;
  /// Bytes of bodies that are held at the same time: of those that have not arrived completely, and of those
  /// that have, until they are answered. One body may always be there.
  std::size_t max_buffered = 256 * 1024 * 1024;
  std::chrono::milliseconds header_timeout = std::chrono::seconds(10);
  /// For a body, and for an answer; a large one has longer, a second for each 64 KB.
  std::chrono::milliseconds body_timeout = std::chrono::seconds(30);
  /// Between two requests.
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(75);
};

struct address_deleter {
  void operator()(addrinfo* first) const { ::freeaddrinfo(first); }
};
using address_list = std::unique_ptr<addrinfo, address_deleter>;

/// The addresses of a host to listen at; an empty host means all of this machine's.
/// \throws configuration_error when there is no such host.
address_list resolve_listener(const std::string& host, int port);

bool is_loopback(const sockaddr* address);

/// Whether only this machine reaches what listens at the host.
bool is_loopback_only(const std::string& host);

const char* reason_phrase(int status);

class http_listener {
 public:
  /// Looks at a request before its body is read. An answer refuses it. Must be quick, and not throw.
  using judge = std::function<std::optional<http::response>(const http::request& head)>;
  /// Answers a whole request, from many threads. Must not throw.
  using answerer = std::function<http::response(http::request)>;
  /// The answer to what can't be read.
  using refuser = std::function<http::response(int status, const std::string& problem)>;

  /// Takes the port; clients wait until start(). \throws configuration_error when it can't listen there.
  explicit http_listener(listener_options options);

  /// Begins to answer.
  void start(judge look, answerer answer, refuser refuse);

  /// Requests that are being answered get their answers; others don't.
  ~http_listener();

  http_listener(const http_listener&) = delete;
  http_listener& operator=(const http_listener&) = delete;

  int port() const { return port_; }

 private:
  using clock = std::chrono::steady_clock;
  enum class phase { head, body, answering, writing, draining };

  struct connection {
    unique_socket socket{};
    phase at = phase::head;
    clock::time_point since{};     // when the phase began
    clock::time_point deadline{};  // of the phase
    std::string in{};              // read, and not used yet
    std::size_t searched = 0;      // of it for the end of the head
    request_head head{};
    body_reader body{};
    std::string out{};  // not written yet
    std::size_t written = 0;
    std::size_t drained = 0;
    bool closes = false;        // after what is written
    bool was_answered = false;  // at least once

    bool is_idle() const { return at == phase::head && in.empty() && was_answered; }
    std::size_t incomplete() const { return at == phase::body ? head.request.body.size() : 0; }
  };

  using connections = std::map<std::uint64_t, connection>;  // oldest first

  struct work {
    std::uint64_t id;
    http::request request;
  };

  /// Connections leave half of the files that the process may open to everything else.
  static listener_options within_file_limit(listener_options options);

  // ---- listening ----------------------------------------------------------------------------------------

  void listen();

  /// The reason when it can't.
  std::error_code listen_at(const addrinfo& address);

  // ---- the loop -----------------------------------------------------------------------------------------

  void run();

  /// Does what there is to do, or waits for it. False when the server has ended.
  bool serve_all();

  static short events_of(const connection& client);

  bool is_stopping() const;

  /// Whether nothing is left.
  bool end_all_but_answers();

  void accept_all();

  void pause_accepting() { accepts_again_ = clock::now() + std::chrono::milliseconds(100); }

  /// Makes room: of those who have not been answered yet, the oldest goes first, then who is idle, then who
  /// is in the middle of a further request. Whoever waits for an answer stays.
  bool drop_one();

  void end_late_ones();

  static void enter(connection& client, phase next, std::chrono::milliseconds limit);

  /// A body, or an answer, has longer the more of it has gone over.
  void extend(connection& client, std::size_t moved) const;

  // ---- one connection: false when it is over ------------------------------------------------------------

  void serve(std::uint64_t id, short events);

  bool read(std::uint64_t id, connection& client);

  /// Goes as far with a request as what was read allows.
  bool advance(std::uint64_t id, connection& client);

  /// False when there is nothing more to do for now.
  bool read_head(connection& client);

  /// Whether the body is complete.
  bool read_body(connection& client);

  /// Clients that send large bodies without end don't take the memory for small ones.
  void limit_incomplete(const connection& current);

  bool dispatch(std::uint64_t id, connection& client);

  /// The rest of what the client sends is not read as a request. True: the connection goes on for a while.
  bool refuse(connection& client, int status, const std::string& problem);

  // ---- answers ------------------------------------------------------------------------------------------

  static std::string single_line(std::string_view text);

  void write_answer(connection& client, http::response answer, bool closes);

  bool write(std::uint64_t id, connection& client);

  bool end_answer(std::uint64_t id, connection& client);

  void take_answers();

  // ---- workers ------------------------------------------------------------------------------------------

  /// Starts another when all are busy. False when there is none at all. Under the lock.
  bool has_worker();

  void answer_requests();

  const listener_options options_;
  judge judge_;
  answerer answer_;
  refuser refuse_;
  int port_ = 0;
  wake_signal wake_{};

  // the loop's own
  unique_socket listener_{};
  connections connections_;
  std::uint64_t last_id_ = 0;
  clock::time_point accepts_again_{};
  clock::time_point stop_deadline_{};

  mutable std::mutex mutex_;  // of everything below
  std::condition_variable work_;
  std::deque<work> waiting_;
  std::vector<std::pair<std::uint64_t, http::response>> done_;
  std::vector<std::thread> workers_;
  std::size_t idle_workers_ = 0;
  std::size_t at_work_ = 0;
  std::size_t held_ = 0;  // bytes of bodies
  bool stopping_ = false;

  std::thread loop_;
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/http_listener.ipp>
#endif
