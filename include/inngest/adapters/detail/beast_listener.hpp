#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <inngest/adapters/beast_options.hpp>
#include <inngest/adapters/detail/beast_parser.hpp>
#include <inngest/adapters/detail/beast_reading.hpp>
#include <inngest/adapters/detail/beast_session.hpp>
#include <inngest/adapters/detail/beast_writing.hpp>
#include <inngest/config.hpp>
#include <inngest/platform/detail/socket.hpp>
#include <inngest/serve.hpp>
#include <inngest/time/detail/saturated.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Accepts the connections of a beast_server, and closes those that exceed a timeout.
class beast_listener : public std::enable_shared_from_this<beast_listener> {
 public:
  beast_listener(const boost::asio::any_io_executor& executor, beast_options options);

  void add(const handler& handler);
  void stop();

  int port() const { return port_; }

 private:
  using lock_guard = std::lock_guard<std::mutex>;

  static beast_options checked(beast_options options);
  void listen();
  void accept();
  void on_accept(boost::system::error_code error, boost::asio::ip::tcp::socket socket);
  void welcome(boost::asio::ip::tcp::socket socket);
  void look_at_clock();
  void close_late() noexcept;
  beast_session::routes routes() const;

  const std::shared_ptr<const beast_options> options_;
  const std::shared_ptr<beast_sessions> sessions_;
  int port_ = 0;
  mutable std::mutex mutex_;  // guards the members below
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer timer_;
  beast_session::routes routes_ = std::make_shared<const beast_parser::routes>();
  bool is_accepting_ = false;
  bool is_stopped_ = false;
};

inline beast_options beast_listener::checked(beast_options options) {
  for (std::chrono::milliseconds* time : {&options.timeout, &options.idle_timeout})
    *time = within_a_year(*time, std::chrono::milliseconds(1));
  return options;
}

inline beast_listener::beast_listener(const boost::asio::any_io_executor& executor, beast_options options)
    : options_(std::make_shared<const beast_options>(checked(std::move(options)))),
      sessions_(std::make_shared<beast_sessions>(options_->max_connections)),
      acceptor_(executor),
      timer_(executor) {
  try {
    listen();
  } catch (const boost::system::system_error& problem) {
    throw boost::system::system_error(
        problem.code(), "can't listen on " + options_->address + ":" + std::to_string(options_->port));
  }
}

inline void beast_listener::listen() {
  const boost::asio::ip::tcp::endpoint endpoint(boost::asio::ip::make_address(options_->address),
                                                options_->port);
  acceptor_.open(endpoint.protocol());
  keep_from_children(acceptor_.native_handle());
#if !defined(_WIN32)  // on Windows it would let two servers share a port
  acceptor_.set_option(boost::asio::socket_base::reuse_address(true));
#endif
  acceptor_.bind(endpoint);
  acceptor_.listen();
  port_ = acceptor_.local_endpoint().port();
}

inline beast_session::routes beast_listener::routes() const {
  const lock_guard lock(mutex_);
  return routes_;
}

inline void beast_listener::add(const handler& handler) {
  {
    const lock_guard lock(mutex_);
    beast_parser::routes all = *routes_;
    all.push_back(handler);
    const bool is_first = all.size() == 1;
    routes_ = std::make_shared<const beast_parser::routes>(std::move(all));
    if (is_stopped_ || !is_first) return;
  }
  accept();
  look_at_clock();
}

// ---- accepting --------------------------------------------------------------------------------------------

inline void beast_listener::accept() {
  const lock_guard lock(mutex_);
  if (is_stopped_ || is_accepting_) return;
  acceptor_.async_accept(
      [self = shared_from_this()](boost::system::error_code error, boost::asio::ip::tcp::socket socket) {
        self->on_accept(error, std::move(socket));
      });
  is_accepting_ = true;
}

inline void beast_listener::on_accept(boost::system::error_code error, boost::asio::ip::tcp::socket socket) {
  {
    const lock_guard lock(mutex_);
    is_accepting_ = false;
  }
  if (error) return;  // such as too many open files: the timer retries
  welcome(std::move(socket));
  accept();
}

inline void beast_listener::welcome(boost::asio::ip::tcp::socket socket) {
  try {
    const auto session = std::make_shared<beast_session>(std::move(socket), sessions_, routes(), options_);
    if (sessions_->add(*session)) session->start();
  } catch (...) {  // out of memory for the connection, which is closed
  }
}

// ---- time, and the end --------------------------------------------------------------------------------

inline void beast_listener::look_at_clock() {
  {
    const lock_guard lock(mutex_);
    if (is_stopped_) return;
    timer_.expires_after(
        std::clamp<std::chrono::milliseconds>((std::min)(options_->timeout, options_->idle_timeout) / 4,
                                              std::chrono::milliseconds(10), std::chrono::seconds(1)));
    timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (!error) self->look_at_clock();
    });
  }
  close_late();
  accept();
}

inline void beast_listener::close_late() noexcept {
  try {
    sessions_->close_if(
        [now = beast_session::clock::now()](const beast_session& session) { return session.is_late(now); });
  } catch (...) {  // out of memory: it retries
  }
}

inline void beast_listener::stop() {
  {
    const lock_guard lock(mutex_);
    if (std::exchange(is_stopped_, true)) return;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    timer_.cancel();
  }
  sessions_->close();
}

}  // namespace inngest::inline INNGEST_ABI::detail
