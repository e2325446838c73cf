#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/verb.hpp>
#include <boost/optional/optional.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/detail/spare_texts.hpp>
#include <inngest/executor.hpp>
#include <inngest/http/reply.hpp>
#include <inngest/json/detail/document.hpp>
#include <inngest/serve.hpp>
#include <inngest/serving/answers.hpp>

namespace inngest::inline INNGEST_ABI {

/// Options of a beast_server.
struct beast_options {
  /// The address to listen on. "0.0.0.0" and "::" mean all.
  std::string address = "127.0.0.1";
  /// The port to listen on; 0 means any free one.
  unsigned short port = 3000;
  /// How many connections may be open. More are closed at once.
  std::size_t max_connections = 10'000;
  /// The maximum size in bytes of a request's first line and header fields. More is answered with 431.
  std::uint32_t max_header_size = 64 * 1024;
  /// How long a connection waits for a request before it is closed.
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(60);
  /// How long the header fields of a request may take, a pause within its body, and a pause in which the
  /// client reads nothing of its answer. The connection is closed afterwards. A call may take longer.
  std::chrono::milliseconds timeout = std::chrono::seconds(30);
};

namespace detail {

/// Parses a request straight into an http::request, and finds its handler.
class beast_parser final : public boost::beast::http::basic_parser<true> {
 public:
  using error_code = boost::system::error_code;
  using text = boost::beast::string_view;
  using routes = std::vector<handler>;

  beast_parser(const routes& all, std::uint32_t max_header_size) : routes_(all) {
    eager(true);
    header_limit(max_header_size);
    body_limit(boost::none);  // the limit is the handler's
  }

  /// Null when the path is none of a handler's.
  const handler* route() const { return route_; }
  http::request& request() { return request_; }
  /// How much of the body is still to come, if that is known.
  std::size_t body_left() const { return body_left_; }
  /// Whether the client waits until it is told to send the body. True once.
  bool asks_to_continue() { return std::exchange(asks_to_continue_, false); }

 private:
  /// What is read of a body before its request is answered with 404.
  static constexpr std::size_t max_ignored_body = 64 * 1024;

  void on_request_impl(boost::beast::http::verb, text method, text target, int, error_code&) override {
    request_.method.assign(method.data(), method.size());
    request_.url.assign(target.data(), target.size());
  }

  void on_response_impl(int, text, int, error_code&) override {}

  void on_field_impl(boost::beast::http::field name, text name_text, text value, error_code&) override {
    if (is_header_done()) return;  // a field after the body
    if (name == boost::beast::http::field::expect) {
      asks_to_continue_ = boost::beast::iequals(value, "100-continue");
    }
    request_.headers.add(std::string(name_text), std::string(value));
  }

  // Beast calls it since Boost 1.90. Nothing is read from fields after the body.
  void on_trailer_field_impl(boost::beast::http::field, text, text, error_code&) {}

  void on_header_impl(error_code&) override {
    const std::string_view url = request_.url;
    const bool is_plain = !url.empty() && url.front() == '/';
    const std::string path = is_plain ? std::string(url.substr(0, url.find('?'))) : request_.path();
    for (const handler& one : routes_) {
      if (one.options().path == path) route_ = &one;
    }
    limit_ = route_ ? route_->options().max_body_size : max_ignored_body;
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code& error) override {
    if (!length) return;
    if (*length > limit_) return fail(error);
    constexpr std::size_t most_at_once = 8 * 1024 * 1024;  // the client has not sent it yet
    body_left_ = static_cast<std::size_t>(*length);
    request_.body = text_with_room((std::min)(body_left_, most_at_once) + json_buffer::padding);
  }

  std::size_t on_body_impl(text piece, error_code& error) override {
    if (piece.size() > limit_ - request_.body.size()) {
      fail(error);
      return 0;
    }
    request_.body.append(piece.data(), piece.size());
    body_left_ -= (std::min)(body_left_, piece.size());
    return piece.size();
  }

  void on_chunk_header_impl(std::uint64_t, text, error_code&) override {}

  std::size_t on_chunk_body_impl(std::uint64_t, text piece, error_code& error) override {
    return on_body_impl(piece, error);
  }

  void on_finish_impl(error_code&) override {}

  static void fail(error_code& error) { error = boost::beast::http::error::body_limit; }

  const routes& routes_;
  const handler* route_ = nullptr;
  http::request request_;
  std::size_t limit_ = 0;
  std::size_t body_left_ = 0;
  bool asks_to_continue_ = false;
};

class beast_session;

/// What an answer that is made elsewhere knows of its connection. It lasts longer than the connection.
struct beast_link {
  std::mutex mutex;                  // protects the session's members, and their socket
  beast_session* session = nullptr;  // null when it is closed
  std::atomic<bool> is_open = true;  // whether the client waits, as far as one knows
};

/// An answer of a beast_session.
class beast_exchange final : public http::exchange {
 public:
  explicit beast_exchange(std::shared_ptr<beast_link> link) : link_(std::move(link)) {}
  void send(http::response answer) override;
  void begin(http::response head) override;
  bool write(std::string piece) override;
  void end() override;
  bool is_open() const override { return link_->is_open; }

 private:
  const std::shared_ptr<beast_link> link_;
};

class beast_listener;

/// A connection. It reads a request, has it answered, and reads the next one. While a call runs, it looks
/// whether the client is gone. Answers are written by the thread that makes them, as far as the socket takes
/// them, so that no other thread has to wake up for it.
class beast_session : public std::enable_shared_from_this<beast_session> {
 public:
  using clock = std::chrono::steady_clock;
  /// An exchange that is no longer needed, to be destroyed when the lock of the link is released.
  using garbage = std::shared_ptr<http::exchange>;

  beast_session(boost::asio::ip::tcp::socket socket, std::shared_ptr<beast_listener> listener);
  ~beast_session();

  void start();

  const std::shared_ptr<beast_link>& link() const { return link_; }

  // The link is locked by the callers of these functions.

  [[nodiscard]] garbage send(http::response answer);
  [[nodiscard]] garbage begin(http::response head);
  [[nodiscard]] garbage write(std::string piece);
  [[nodiscard]] garbage end();
  /// Closes the connection, whatever it does.
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
  std::size_t size_to_read() const;
  void send_continue();

  std::string head_of(const http::response& answer, bool is_whole) const;
  garbage flush();
  void await_writable();
  garbage finish();
  void linger();

  static constexpr auto never = clock::time_point::max();

  const std::shared_ptr<beast_listener> listener_;
  const std::shared_ptr<beast_link> link_ = std::make_shared<beast_link>();
  const std::shared_ptr<const beast_parser::routes> routes_;

  // Only of the thread that reads, which there is one of at a time.
  boost::beast::flat_buffer buffer_;
  std::optional<beast_parser> parser_;
  boost::system::error_code problem_;

  // Protected by the link's mutex.
  boost::asio::ip::tcp::socket socket_;
  clock::time_point deadline_ = never;
  std::shared_ptr<http::exchange> current_;  // while a request is being answered
  std::shared_ptr<beast_session> self_;      // while a request is being answered and nothing is read
  std::vector<std::string> out_;             // what is to be written
  std::size_t sent_ = 0;                     // bytes of the first of them
  bool is_reading_ = false;
  bool is_serving_ = false;  // a thread is in serve_requests()
  bool is_writing_ = false;  // waits until the socket takes more
  bool is_ended_ = false;    // nothing follows what is in out_
  bool keeps_alive_ = true;
  bool is_head_ = false;
  bool is_old_ = false;  // a request of HTTP/1.0
  bool is_lingering_ = false;
};

/// Accepts connections, and closes those that are late.
class beast_listener : public std::enable_shared_from_this<beast_listener> {
 public:
  beast_listener(const boost::asio::any_io_executor& executor, beast_options options);

  void add(const handler& handler);
  void stop();
  void forget(beast_session& session);

  const beast_options& options() const { return options_; }
  int port() const { return port_; }
  std::shared_ptr<const beast_parser::routes> routes() const;

 private:
  using lock_guard = std::lock_guard<std::mutex>;

  void listen();
  void accept();
  void on_accept(boost::system::error_code error, boost::asio::ip::tcp::socket socket);
  void look_at_clock();
  template <class Condition>
  void close_if(Condition condition);

  const beast_options options_;
  int port_ = 0;
  mutable std::mutex mutex_;  // protects the members below; it may be held when a link is locked
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer timer_;
  std::unordered_set<beast_session*> sessions_;
  std::shared_ptr<const beast_parser::routes> routes_ = std::make_shared<const beast_parser::routes>();
  bool is_stopped_ = false;
};

inline void beast_exchange::send(http::response answer) {
  beast_session::garbage done;  // outlives the lock
  const std::lock_guard lock(link_->mutex);
  if (link_->session) done = link_->session->send(std::move(answer));
}

inline void beast_exchange::begin(http::response head) {
  beast_session::garbage done;
  const std::lock_guard lock(link_->mutex);
  if (link_->session) done = link_->session->begin(std::move(head));
}

inline bool beast_exchange::write(std::string piece) {
  beast_session::garbage done;
  const std::lock_guard lock(link_->mutex);
  if (link_->session) done = link_->session->write(std::move(piece));
  return link_->is_open;
}

inline void beast_exchange::end() {
  beast_session::garbage done;
  const std::lock_guard lock(link_->mutex);
  if (link_->session) done = link_->session->end();
}

inline beast_session::beast_session(boost::asio::ip::tcp::socket socket,
                                    std::shared_ptr<beast_listener> listener)
    : listener_(std::move(listener)), routes_(listener_->routes()), socket_(std::move(socket)) {
  link_->session = this;
}

inline beast_session::~beast_session() {
  listener_->forget(*this);
  garbage done;
  const std::lock_guard lock(link_->mutex);
  done = close();
}

inline void beast_session::start() {
  garbage done;
  const std::lock_guard lock(link_->mutex);
  boost::system::error_code error;
  socket_.non_blocking(true, error);
  // Otherwise the end of a long answer would wait until its beginning is acknowledged.
  if (!error) socket_.set_option(boost::asio::ip::tcp::no_delay(true), error);
  if (error) {
    done = close();
    return;
  }
  deadline_ = clock::now() + listener_->options().idle_timeout;
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

/// Continues on a thread of the executor. Other threads never destroy the session, because the io_context may
/// be destroyed at any time after the server has stopped.
inline void beast_session::go_on_later() {
  boost::asio::post(socket_.get_executor(), [self = std::move(self_)] { self->go_on(); });
}

/// Reads more, for a request or to see whether the client is gone.
inline void beast_session::read() {
  const auto self = weak_from_this().lock();
  if (!self) return;  // it is being destroyed
  is_reading_ = true;
  socket_.async_read_some(
      buffer_.prepare(size_to_read()),
      [self](boost::system::error_code error, std::size_t size) { self->on_read(error, size); });
}

inline std::size_t beast_session::size_to_read() const {
  constexpr std::size_t shortest = 8 * 1024, longest = 128 * 1024;
  return std::clamp(parser_ ? parser_->body_left() : 0, shortest, longest);
}

inline void beast_session::on_read(boost::system::error_code error, std::size_t size) {
  garbage done;
  {
    const std::lock_guard lock(link_->mutex);
    is_reading_ = false;
    if (!link_->session) return;
    if (error && current_) {  // a client that has only closed its side still gets the answer
      link_->is_open = false;
      keeps_alive_ = false;
      return stay();
    }
    if (error) {
      done = close();
      return;
    }
    buffer_.commit(size);
    if (current_) return stay();  // the next request waits until this one is answered
    if (is_lingering_) {
      buffer_.consume(size);
      return read();
    }
    is_serving_ = true;
  }
  serve_requests();
}

/// Continues after an answer by another thread.
inline void beast_session::go_on() {
  {
    const std::lock_guard lock(link_->mutex);
    if (!link_->session || current_ || is_reading_ || is_serving_) return;
    if (is_lingering_) {
      buffer_.clear();
      return read();
    }
    is_serving_ = true;
  }
  serve_requests();
}

/// Serves the requests that were read, until one of them waits for its answer.
inline void beast_session::serve_requests() {
  try {
    do {
      const parsed result = parse();
      if (result == parsed::not_all) {
        const std::lock_guard lock(link_->mutex);
        is_serving_ = false;
        if (link_->session) read();
        return;
      }
      result == parsed::request ? answer_request() : refuse_request();
    } while (is_answered());
  } catch (...) {  // there is no memory for the request
    garbage done;
    const std::lock_guard lock(link_->mutex);
    is_serving_ = false;
    done = close();
  }
}

inline beast_session::parsed beast_session::parse() {
  const bool begins = !parser_ && buffer_.size() > 0;
  if (begins) parser_.emplace(*routes_, listener_->options().max_header_size);
  problem_ = {};
  while (buffer_.size() > 0 && !parser_->is_done() && !problem_) {
    buffer_.consume(parser_->put(buffer_.data(), problem_));
  }
  if (problem_ && problem_ != boost::beast::http::error::need_more) return parsed::garbage;
  if (parser_ && parser_->is_done()) return parsed::request;
  const bool has_header = parser_ && parser_->is_header_done();
  if (begins || has_header) {
    const std::lock_guard lock(link_->mutex);
    deadline_ = clock::now() + listener_->options().timeout;
  }
  if (has_header && parser_->asks_to_continue()) send_continue();
  return parsed::not_all;
}

inline void beast_session::send_continue() {
  garbage done;
  const std::lock_guard lock(link_->mutex);
  if (!link_->session) return;
  out_.emplace_back("HTTP/1.1 100 Continue\r\n\r\n");
  done = flush();
}

inline void beast_session::answer_request() {
  const auto exchange = std::make_shared<beast_exchange>(link_);
  http::reply reply(exchange);
  {
    const std::lock_guard lock(link_->mutex);
    current_ = exchange;
    deadline_ = never;
    is_old_ = !parser_->keep_alive() && parser_->request().headers.find("connection") == std::nullopt;
    keeps_alive_ = parser_->keep_alive();
    is_head_ = parser_->request().method == "HEAD";
  }
  const handler* const route = parser_->route();
  http::request request = std::move(parser_->request());
  parser_.reset();
  if (route) return (*route)(std::move(request), std::move(reply));
  reply.send(serving::bare_answer(404, "not found"));
}

inline void beast_session::refuse_request() {
  namespace beast_http = boost::beast::http;
  {
    const std::lock_guard lock(link_->mutex);
    current_ = std::make_shared<beast_exchange>(link_);
    keeps_alive_ = false;
  }
  http::reply reply(current_);
  parser_.reset();
  buffer_.clear();
  if (problem_ == beast_http::error::body_limit)
    return reply.send(serving::bare_answer(413, "the body is too large"));
  if (problem_ == beast_http::error::header_limit)
    return reply.send(serving::bare_answer(431, "the header fields are too large"));
  reply.send(serving::bare_answer(400, "not a request of HTTP/1"));
}

/// Whether the next request can be served by this thread at once. Otherwise it reads, if that is possible.
inline bool beast_session::is_answered() {
  const std::lock_guard lock(link_->mutex);
  if (link_->session && !current_ && !is_lingering_) return true;
  is_serving_ = false;
  if (!link_->session) return false;
  if (is_lingering_) buffer_.clear();
  buffer_.size() == 0 ? read() : stay();
  return false;
}

/// Lives until the answer is written, without reading, because the next request is there already or nothing
/// more comes.
inline void beast_session::stay() { self_ = weak_from_this().lock(); }

inline std::string beast_session::head_of(const http::response& answer, bool is_whole) const {
  const auto status = static_cast<boost::beast::http::status>(answer.status);
  const auto reason = boost::beast::http::obsolete_reason(status);
  std::string out;
  out.reserve(512);
  out.append("HTTP/1.1 ").append(std::to_string(answer.status)).append(" ");
  out.append(reason.data(), reason.size()).append("\r\n");
  for (const auto& [name, value] : answer.headers) {
    const auto ends_line = [](const std::string& text) { return text.find_first_of("\r\n") != text.npos; };
    if (ends_line(name) || ends_line(value)) continue;  // it would end the field
    out.append(name).append(": ").append(value).append("\r\n");
  }
  if (is_whole) {
    out.append("content-length: ").append(std::to_string(answer.body.size())).append("\r\n");
  } else if (!is_old_) {
    out.append("transfer-encoding: chunked\r\n");
  }
  if (!keeps_alive_) out.append("connection: close\r\n");
  return out.append("\r\n");
}

inline beast_session::garbage beast_session::send(http::response answer) {
  out_.push_back(head_of(answer, true));
  if (!is_head_ && !answer.body.empty()) out_.push_back(std::move(answer.body));
  is_ended_ = true;
  return flush();
}

inline beast_session::garbage beast_session::begin(http::response head) {
  if (is_old_) keeps_alive_ = false;  // the end of the connection is the end of the answer
  out_.push_back(head_of(head, false));
  return flush();
}

inline beast_session::garbage beast_session::write(std::string piece) {
  if (piece.empty() || is_head_) return {};
  if (is_old_) {
    out_.push_back(std::move(piece));
    return flush();
  }
  char size[24];
  const int length = std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
  out_.emplace_back(size, static_cast<std::size_t>(length));
  out_.push_back(std::move(piece));
  out_.emplace_back("\r\n");
  return flush();
}

inline beast_session::garbage beast_session::end() {
  if (!is_old_ && !is_head_) out_.emplace_back("0\r\n\r\n");
  is_ended_ = true;
  return flush();
}

/// Writes what the socket takes, and the rest when it takes more.
inline beast_session::garbage beast_session::flush() {
  if (is_writing_) return {};
  while (!out_.empty()) {
    std::array<boost::asio::const_buffer, 4> pieces;
    for (std::size_t i = 0; i < (std::min)(out_.size(), pieces.size()); ++i)
      pieces[i] = boost::asio::buffer(out_[i]);
    pieces[0] += sent_;
    boost::system::error_code error;
    sent_ += socket_.write_some(pieces, error);
    if (error == boost::asio::error::would_block || error == boost::asio::error::try_again) {
      await_writable();
      return {};
    }
    if (error) return close();
    std::size_t done = 0;
    while (done < out_.size() && sent_ >= out_[done].size()) sent_ -= out_[done++].size();
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(done));
  }
  return is_ended_ ? finish() : nullptr;
}

inline void beast_session::await_writable() {
  const auto self = weak_from_this().lock();
  if (!self) return;
  is_writing_ = true;
  deadline_ = clock::now() + listener_->options().timeout;
  socket_.async_wait(boost::asio::ip::tcp::socket::wait_write, [self](boost::system::error_code error) {
    garbage done;
    const std::lock_guard lock(self->link_->mutex);
    self->is_writing_ = false;
    if (!self->link_->session) return;
    if (self->current_) self->deadline_ = never;
    done = error ? self->close() : self->flush();
  });
}

/// Ends an answer that is written.
inline beast_session::garbage beast_session::finish() {
  garbage done = std::exchange(current_, nullptr);
  is_ended_ = false;
  deadline_ = clock::now() + listener_->options().idle_timeout;
  if (!keeps_alive_) linger();
  if (self_) go_on_later();  // otherwise it reads, or a thread serves requests
  return done;
}

/// Waits until the client closes, because a connection that is closed before all is read may lose the answer.
inline void beast_session::linger() {
  constexpr auto longest = std::chrono::seconds(5);
  boost::system::error_code ignored;
  socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
  is_lingering_ = true;
  deadline_ = clock::now() + longest;
}

inline beast_listener::beast_listener(const boost::asio::any_io_executor& executor, beast_options options)
    : options_(std::move(options)), acceptor_(executor), timer_(executor) {
  try {
    listen();
  } catch (const boost::system::system_error& problem) {
    throw boost::system::system_error(
        problem.code(), "can't listen on " + options_.address + ":" + std::to_string(options_.port));
  }
}

inline void beast_listener::listen() {
  const boost::asio::ip::tcp::endpoint endpoint(boost::asio::ip::make_address(options_.address),
                                                options_.port);
  acceptor_.open(endpoint.protocol());
#if !defined(_WIN32)  // where it would let two servers share a port
  acceptor_.set_option(boost::asio::socket_base::reuse_address(true));
#endif
  acceptor_.bind(endpoint);
  acceptor_.listen();
  port_ = acceptor_.local_endpoint().port();
}

inline std::shared_ptr<const beast_parser::routes> beast_listener::routes() const {
  const lock_guard lock(mutex_);
  return routes_;
}

inline void beast_listener::add(const handler& handler) {
  auto routes = *this->routes();
  const bool is_first = routes.empty();
  routes.push_back(handler);
  {
    const lock_guard lock(mutex_);
    routes_ = std::make_shared<const beast_parser::routes>(std::move(routes));
    if (is_stopped_ || !is_first) return;
  }
  accept();
  look_at_clock();
}

inline void beast_listener::accept() {
  const lock_guard lock(mutex_);
  if (is_stopped_) return;
  acceptor_.async_accept(
      [self = shared_from_this()](boost::system::error_code error, boost::asio::ip::tcp::socket socket) {
        self->on_accept(error, std::move(socket));
      });
}

inline void beast_listener::on_accept(boost::system::error_code error, boost::asio::ip::tcp::socket socket) {
  if (error == boost::asio::error::no_descriptors) return;  // the clock tries again
  if (!error) {
    const auto session = std::make_shared<beast_session>(std::move(socket), shared_from_this());
    bool is_welcome = false;
    {
      const lock_guard lock(mutex_);
      is_welcome = !is_stopped_ && sessions_.size() < options_.max_connections;
      if (is_welcome) sessions_.insert(session.get());
    }
    if (is_welcome) session->start();
  }
  accept();
}

template <class Condition>
void beast_listener::close_if(Condition condition) {
  std::vector<beast_session::garbage> done;  // outlives the locks
  const lock_guard lock(mutex_);
  for (beast_session* session : sessions_) {
    const lock_guard link_lock(session->link()->mutex);
    if (condition(*session)) done.push_back(session->close());
  }
}

inline void beast_listener::look_at_clock() {
  close_if(
      [now = beast_session::clock::now()](const beast_session& session) { return session.is_late(now); });
  const lock_guard lock(mutex_);
  if (is_stopped_) return;
  timer_.expires_after(
      std::clamp<std::chrono::milliseconds>((std::min)(options_.timeout, options_.idle_timeout) / 4,
                                            std::chrono::milliseconds(10), std::chrono::seconds(1)));
  timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->look_at_clock();
  });
}

inline void beast_listener::stop() {
  {
    const lock_guard lock(mutex_);
    if (std::exchange(is_stopped_, true)) return;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    timer_.cancel();
  }
  close_if([](const beast_session&) { return true; });
}

inline void beast_listener::forget(beast_session& session) {
  const lock_guard lock(mutex_);
  sessions_.erase(&session);
}

}  // namespace detail

namespace detail {

/// The answer to a request that a session of the user has read.
class beast_reply_exchange final : public http::exchange,
                                   public std::enable_shared_from_this<beast_reply_exchange> {
 public:
  using response = boost::beast::http::response<boost::beast::http::string_body>;
  using done_function = std::function<void(response answer, std::shared_ptr<void> under_way)>;

  beast_reply_exchange(boost::asio::any_io_executor executor, done_function done, unsigned version,
                       bool keeps_alive)
      : executor_(std::move(executor)),
        done_(std::move(done)),
        version_(version),
        keeps_alive_(keeps_alive) {}

  void send(http::response answer) override {
    response out{static_cast<boost::beast::http::status>(answer.status), version_};
    for (const auto& [name, value] : answer.headers) out.insert(name, value);
    out.body() = std::move(answer.body);
    out.keep_alive(keeps_alive_);
    out.prepare_payload();
    boost::asio::post(executor_, [self = shared_from_this(), out = std::move(out)]() mutable {
      const done_function done = std::exchange(self->done_, nullptr);
      done(std::move(out), std::move(self));
    });
  }

  bool is_open() const override { return true; }
  bool streams() const override { return false; }
  void begin(http::response) override {}
  bool write(std::string) override { return false; }
  void end() override {}

 private:
  const boost::asio::any_io_executor executor_;
  done_function done_;
  const unsigned version_;
  const bool keeps_alive_;
};

}  // namespace detail

/// Answers one request of your own Beast session, and returns at once. When the answer is there, `done` is
/// called once on `executor`, usually that of the session's stream:
///
///     inngest::answer(endpoint, std::move(request), stream.get_executor(),
///                           [self](auto answer, auto under_way) {
///                             self->write(std::move(answer), std::move(under_way));
///                           });
///
/// Keep `under_way` until the answer is written: `handler::drain` waits for it. Call it for requests whose
/// path is `endpoint.options().path`. Before, set the parser's `body_limit` to `options().max_body_size`.
/// Answers are not streamed, and calls are not asked to stop when their client is gone; a beast_server does
/// both. The executor must outlive the call, so drain the handler before you destroy an io_context.
template <class Fields, class Done>
  requires std::invocable<Done&, boost::beast::http::response<boost::beast::http::string_body>,
                          std::shared_ptr<void>>
void answer(const handler& endpoint,
            boost::beast::http::request<boost::beast::http::string_body, Fields> request,
            const boost::asio::any_io_executor& executor, Done done) {
  http::request asked{.method = std::string(request.method_string()),
                      .url = std::string(request.target()),
                      .body = std::move(request.body())};
  for (const auto& field : request)
    asked.headers.add(std::string(field.name_string()), std::string(field.value()));
  auto exchange = std::make_shared<detail::beast_reply_exchange>(executor, std::move(done), request.version(),
                                                                 request.keep_alive());
  endpoint(std::move(asked), http::reply(std::move(exchange)));
}

/// Runs calls on the threads of an Asio executor, for `serve_options::executor`: those of a
/// `boost::asio::thread_pool`, or the threads of the io_context that serves. The latter saves switches
/// between threads, which is most of the time of a short call; but a function that waits then blocks the
/// other connections of its thread. The executor's context must outlive the calls.
class asio_executor final : public executor {
 public:
  /// Runs calls on this executor.
  explicit asio_executor(boost::asio::any_io_executor where) : where_(std::move(where)) {}
  /// Never refuses work.
  bool post(std::function<void()> work) override {
    boost::asio::post(where_, std::move(work));
    return true;
  }

 private:
  const boost::asio::any_io_executor where_;
};

/// A small HTTP/1 server on Boost.Asio, for apps that run an `io_context` and have no HTTP server:
///
///     boost::asio::io_context io;
///     inngest::beast_server server(io, {.port = 3000});
///     inngest::serve(server, app, {ingest});
///     io.run();
///
/// The threads that run the io_context never wait for a call: calls run on `serve_options::executor`. One
/// thread serves many connections, and several threads may run the same io_context. Requests with a path that
/// is not served are answered with 404. Needs Boost 1.74 or later, and no library of Boost to link.
class beast_server {
 public:
  /// Listens, and accepts connections from serve() on. \throws boost::system::system_error when the address
  /// can't be bound, for example because the port is in use.
  explicit beast_server(const boost::asio::any_io_executor& executor, beast_options options = {})
      : listener_(std::make_shared<detail::beast_listener>(executor, std::move(options))) {}
  /// The same on an io_context or thread_pool of Asio, which must outlive the server.
  template <std::derived_from<boost::asio::execution_context> Context>
  explicit beast_server(Context& context, beast_options options = {})
      : beast_server(boost::asio::any_io_executor(context.get_executor()), std::move(options)) {}
  beast_server(const beast_server&) = delete;
  beast_server& operator=(const beast_server&) = delete;
  /// Calls stop().
  ~beast_server() { listener_->stop(); }

  /// The port that it listens on.
  [[nodiscard]] int port() const { return listener_->port(); }

  /// Listens no more, and closes all connections. Running calls continue without a client, so call
  /// `handler::drain` before. May be called from any thread, and more than once.
  void stop() { listener_->stop(); }

 private:
  friend struct adapter<beast_server>;
  std::shared_ptr<detail::beast_listener> listener_;
};

/// Serves handlers on a beast_server.
template <>
struct adapter<beast_server> {
  /// The name of the framework, which the server shows.
  static constexpr const char* framework = "boost-beast";
  /// The adapter can stream answers.
  static constexpr bool streams = true;
  /// Answers requests at the handler's path from now on. Connections that are open are not changed.
  static void mount(beast_server& server, const handler& handler) { server.listener_->add(handler); }
};

}  // namespace inngest::inline INNGEST_ABI
