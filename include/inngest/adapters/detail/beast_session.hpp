#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/system/error_code.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include <inngest/adapters/beast_options.hpp>
#include <inngest/adapters/detail/beast_parser.hpp>
#include <inngest/config.hpp>
#include <inngest/http.hpp>
#include <inngest/http/reply.hpp>
#include <inngest/platform/detail/socket.hpp>

// A connection of a beast_server. beast_reading.hpp handles its requests, and beast_writing.hpp its answers.

namespace inngest::inline INNGEST_ABI::detail {

class beast_session;

/// What an exchange, possibly on another thread, knows of its connection. It may outlive the connection.
struct beast_link {
  std::mutex mutex;                  // guards the session's members and its socket
  beast_session* session = nullptr;  // null when it is closed
  std::atomic<bool> is_open = true;  // whether the client still waits, as far as known
};

/// An answer of a beast_session.
class beast_exchange final : public http::exchange {
 public:
  explicit beast_exchange(std::shared_ptr<beast_link> link) : link_(std::move(link)) {}
  void send(http::response answer) override;
  void begin(http::response head) override;
  bool write(std::string piece) override;
  void end() override;
  void abort() override;
  bool is_open() const override { return link_->is_open; }

 private:
  const std::shared_ptr<beast_link> link_;
};

/// The open connections of a listener. Thread-safe.
class beast_sessions {
 public:
  explicit beast_sessions(std::size_t most) : most_(most) {}

  /// Adds a connection. Returns false when there are too many, or all were closed.
  bool add(beast_session& session);
  void forget(beast_session& session);
  /// Closes the connections for which the condition is true.
  template <class Condition>
  void close_if(Condition condition);
  /// Closes all connections, and accepts no more.
  void close();

 private:
  using lock_guard = std::lock_guard<std::mutex>;

  const std::size_t most_;
  std::mutex mutex_;  // guards the members below; may be held while a link is locked
  std::unordered_set<beast_session*> all_;
  bool is_closed_ = false;
};

/// A connection. It reads a request, passes it on to be answered, and reads the next one. While a call runs,
/// it watches whether the client disconnects. The thread that produces an answer also writes it, as far as
/// the socket accepts it, so that no other thread has to wake up.
class beast_session : public std::enable_shared_from_this<beast_session> {
 public:
  using clock = std::chrono::steady_clock;
  using routes = std::shared_ptr<const beast_parser::routes>;
  /// An exchange that is no longer needed. It is destroyed after the link's lock has been released.
  using garbage = std::shared_ptr<http::exchange>;

  beast_session(boost::asio::ip::tcp::socket socket, std::shared_ptr<beast_sessions> all, routes served,
                std::shared_ptr<const beast_options> options);
  ~beast_session();

  void start();

  const std::shared_ptr<beast_link>& link() const { return link_; }

  // Callers of these functions hold the link's lock.

  [[nodiscard]] garbage send(http::response answer);
  [[nodiscard]] garbage begin(http::response head);
  [[nodiscard]] garbage write(std::string piece);
  [[nodiscard]] garbage end();
  /// Closes the connection after what was written, without the end of the answer.
  [[nodiscard]] garbage abort();
  /// Closes the connection, whatever its state.
  [[nodiscard]] garbage close();
  bool is_late(clock::time_point now) const { return now > deadline_; }

 private:
  enum class parsed { not_all, request, garbage };

  void read();
  void stay();
  void on_read(boost::system::error_code error, std::size_t size);
  void go_on();
  void go_on_later();
  void serve_requests();
  parsed parse();
  void answer_request();
  void refuse_request();
  bool is_answered();
  bool reads_body() const;
  void send_continue();

  /// Whether a body follows the head of an answer.
  bool has_body(const http::response& answer) const;
  std::string head_of(const http::response& answer, bool is_whole) const;
  garbage flush();
  void await_writable();
  garbage finish();
  void linger();

  static constexpr auto never = clock::time_point::max();

  const std::shared_ptr<beast_sessions> all_;
  const std::shared_ptr<beast_link> link_ = std::make_shared<beast_link>();
  const routes routes_;
  const std::shared_ptr<const beast_options> options_;

  // Used only by the thread that reads; only one thread reads at a time.
  boost::beast::flat_buffer buffer_;
  std::optional<beast_parser> parser_;
  boost::system::error_code problem_;

  // Guarded by the link's mutex.
  boost::asio::ip::tcp::socket socket_;
  clock::time_point deadline_ = never;
  std::shared_ptr<http::exchange> current_;  // while a request is being answered
  std::shared_ptr<beast_session> self_;      // while a request is being answered and nothing is read
  std::vector<std::string> out_;             // the pieces to write
  std::size_t sent_ = 0;                     // bytes of the first piece that were sent
  bool is_reading_ = false;
  bool is_serving_ = false;  // a thread is in serve_requests()
  bool is_writing_ = false;  // waits until the socket accepts more
  bool is_ended_ = false;    // nothing follows after out_
  bool keeps_alive_ = true;
  bool is_head_ = false;
  bool is_old_ = false;  // an HTTP/1.0 request
  bool is_lingering_ = false;
};

// ---- the open connections ---------------------------------------------------------------------------------

inline bool beast_sessions::add(beast_session& session) {
  const lock_guard lock(mutex_);
  return !is_closed_ && all_.size() < most_ && all_.insert(&session).second;
}

inline void beast_sessions::forget(beast_session& session) {
  const lock_guard lock(mutex_);
  all_.erase(&session);
}

template <class Condition>
void beast_sessions::close_if(Condition condition) {
  std::vector<beast_session::garbage> done;  // outlives the locks
  const lock_guard lock(mutex_);
  for (beast_session* session : all_) {
    const lock_guard link_lock(session->link()->mutex);
    if (condition(*session)) done.push_back(session->close());
  }
}

inline void beast_sessions::close() {
  {
    const lock_guard lock(mutex_);
    is_closed_ = true;
  }
  close_if([](const beast_session&) { return true; });
}

// ---- the life of a connection -----------------------------------------------------------------------------

inline beast_session::beast_session(boost::asio::ip::tcp::socket socket, std::shared_ptr<beast_sessions> all,
                                    routes served, std::shared_ptr<const beast_options> options)
    : all_(std::move(all)),
      routes_(std::move(served)),
      options_(std::move(options)),
      socket_(std::move(socket)) {
  link_->session = this;
}

inline beast_session::~beast_session() {
  all_->forget(*this);
  garbage done;
  const std::lock_guard lock(link_->mutex);
  done = close();
}

inline void beast_session::start() {
  garbage done;
  const std::lock_guard lock(link_->mutex);
  boost::system::error_code error;
  socket_.non_blocking(true, error);
  // Without TCP_NODELAY the end of a long answer would wait until its beginning is acknowledged.
  if (!error) socket_.set_option(boost::asio::ip::tcp::no_delay(true), error);
  if (error) {
    done = close();
    return;
  }
  keep_from_children(socket_.native_handle());
  deadline_ = clock::now() + options_->idle_timeout;
  read();
}

inline beast_session::garbage beast_session::close() {
  link_->session = nullptr;
  link_->is_open = false;
  deadline_ = never;
  out_.clear();
  boost::system::error_code ignored;
  socket_.close(ignored);
  if (self_) go_on_later();
  return std::exchange(current_, nullptr);
}

/// Continues on a thread of the executor. Only those threads may destroy the session, because the io_context
/// may be destroyed at any time after the server has stopped.
inline void beast_session::go_on_later() {
  boost::asio::post(socket_.get_executor(), [self = std::move(self_)] { self->go_on(); });
}

}  // namespace inngest::inline INNGEST_ABI::detail
