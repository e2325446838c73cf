#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/ssl/verify_mode.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <boost/system/error_code.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/connect/websocket.hpp>
#include <inngest/connect/worker.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/error.hpp>
#include <inngest/http/detail/request_line.hpp>
#include <inngest/protocol/headers.hpp>

// WebSockets with Boost.Beast 1.74 or later.

namespace inngest::inline INNGEST_ABI::connect {

namespace detail {

/// The parts of a ws or wss URL.
struct websocket_address {
  bool is_secure = false;
  std::string host{};    // without brackets
  std::string port{};    // a number
  std::string target{};  // path and query
};

/// \throws protocol_error when the text is not such a URL.
inline websocket_address read_websocket_url(std::string_view url) {
  const auto refuse = [url] {
    return protocol_error("not a ws or wss URL: \"" + inngest::detail::shown_url(url) + "\"");
  };
  websocket_address out{.is_secure = url.starts_with("wss://")};
  if (!out.is_secure && !url.starts_with("ws://")) throw refuse();
  std::string_view rest = url.substr(out.is_secure ? 6 : 5);
  rest = rest.substr(0, rest.find('#'));
  const std::size_t end = (std::min)(rest.find_first_of("/?"), rest.size());
  std::string_view authority = rest.substr(0, end);
  out.target = std::string(rest.substr(end));
  if (!out.target.starts_with('/')) out.target.insert(0, "/");
  std::size_t colon = authority.rfind(':');
  if (authority.starts_with('[')) {
    const std::size_t bracket = authority.find(']');
    if (bracket == std::string_view::npos) throw refuse();
    out.host = std::string(authority.substr(1, bracket - 1));
    colon = authority.substr(bracket + 1).starts_with(':') ? bracket + 1 : std::string_view::npos;
  } else {
    out.host = std::string(authority.substr(0, colon));
  }
  out.port = colon == std::string_view::npos ? (out.is_secure ? "443" : "80")
                                             : std::string(authority.substr(colon + 1));
  const bool is_number = out.port.size() <= 5 && inngest::detail::has_only_digits(out.port);
  if (out.host.empty() || !is_number || url.find_first_of(" @\r\n\t") != std::string_view::npos)
    throw refuse();
  return out;
}

/// A WebSocket over a stream. All I/O happens in receive(): a thread that sends passes its message to it.
template <class Stream>
class beast_websocket final : public websocket {
 public:
  using error = boost::system::error_code;

  template <class... Arguments>
  explicit beast_websocket(boost::asio::io_context& context, Arguments&... arguments)
      : context_(context), has_work_(context.get_executor()), stream_(context, arguments...) {}

  // ---- opening it, on one thread

  void open(const websocket_address& to, const websocket_request& request) {
    namespace beast = boost::beast;
    beast::get_lowest_layer(stream_).expires_after(request.timeout);
    boost::asio::ip::tcp::resolver resolver(context_);
    boost::asio::ip::tcp::resolver::results_type addresses;
    await("find \"" + to.host + "\"", [&](auto done) {
      resolver.async_resolve(to.host, to.port, [&addresses, done](error problem, auto found) {
        addresses = std::move(found);
        done(problem);
      });
    });
    await("connect to " + request.url, [&](auto done) {
      beast::get_lowest_layer(stream_).async_connect(addresses,
                                                     [done](error problem, auto) { done(problem); });
    });
    error ignored;
    beast::get_lowest_layer(stream_).socket().set_option(boost::asio::ip::tcp::no_delay(true), ignored);
    if constexpr (!std::is_same_v<Stream, beast::tcp_stream>) secure(to);
    upgrade(to, request);
  }

  // ---- the interface

  std::string receive() override {
    std::string message;
    bool is_read = false;
    error problem;
    if (has_ended()) throw ended(boost::asio::error::operation_aborted);
    stream_.async_read(buffer_, [&](error failed, std::size_t) {
      is_read = true;
      problem = failed;
    });
    while (!is_read) context_.run_one();
    if (problem) {
      set_ended();
      throw ended(problem);
    }
    message = boost::beast::buffers_to_string(buffer_.data());
    buffer_.consume(buffer_.size());
    if (buffer_.capacity() > keep_of_buffer) buffer_.shrink_to_fit();
    return message;
  }

  void send(std::string message) override {
    const auto job = std::make_shared<sending>();
    job->message = std::move(message);
    boost::asio::post(context_, [this, job] {
      if (has_ended()) return;
      stream_.async_write(boost::asio::buffer(job->message), [this, job](error problem, std::size_t) {
        const std::lock_guard lock(mutex_);
        job->is_done = true;
        job->problem = problem;
        done_.notify_all();
      });
    });
    std::unique_lock lock(mutex_);
    done_.wait_for(lock, send_timeout, [&] { return job->is_done || has_ended_; });
    if (job->is_done && !job->problem) return;
    const std::string why = job->is_done ? job->problem.message()
                            : has_ended_ ? "it was closed"
                                         : "the peer accepts no data";
    lock.unlock();
    abort();
    throw unreachable("the WebSocket is broken: " + why);
  }

  void close(std::uint16_t code, const std::string& reason) noexcept override {
    try {
      const auto is_done = std::make_shared<bool>(false);
      boost::asio::post(context_, [this, code, reason, is_done] {
        if (has_ended()) return;
        boost::beast::websocket::close_reason why(static_cast<boost::beast::websocket::close_code>(code));
        why.reason = reason;
        stream_.async_close(why, [this, is_done](error) {
          const std::lock_guard lock(mutex_);
          *is_done = true;
          done_.notify_all();
        });
      });
      std::unique_lock lock(mutex_);
      done_.wait_for(lock, close_timeout, [&] { return *is_done || has_ended_; });
    } catch (...) {  // out of memory: abort the connection
    }
  }

  void abort() noexcept override {
    try {
      boost::asio::post(context_, [this] {
        error ignored;
        boost::beast::get_lowest_layer(stream_).socket().close(ignored);
      });
    } catch (...) {  // out of memory: the heartbeats will notice
    }
  }

 private:
  struct sending {
    std::string message;
    bool is_done = false;
    error problem{};
  };

  static constexpr std::chrono::seconds send_timeout{10}, close_timeout{2};
  static constexpr std::size_t keep_of_buffer = 1024 * 1024;

  /// Runs one operation until it completes.
  template <class Start>
  void await(const std::string& what, Start start) {
    bool is_done = false;
    error problem;
    start([&](error failed) {
      is_done = true;
      problem = failed;
    });
    while (!is_done) context_.run_one();
    if (problem) throw unreachable("can't " + what + ": " + problem.message());
  }

  void secure(const websocket_address& to) {
    auto& tls = stream_.next_layer();
    if (SSL_set_tlsext_host_name(tls.native_handle(), to.host.c_str()) != 1)
      throw unreachable("can't use TLS with the host name \"" + to.host + "\"");
    tls.set_verify_callback(boost::asio::ssl::host_name_verification(to.host));
    await("use TLS with " + to.host,
          [&](auto done) { tls.async_handshake(boost::asio::ssl::stream_base::client, done); });
  }

  void upgrade(const websocket_address& to, const websocket_request& request) {
    namespace ws = boost::beast::websocket;
    boost::beast::get_lowest_layer(stream_).expires_never();
    stream_.set_option(ws::stream_base::timeout{request.timeout, ws::stream_base::none(), false});
    stream_.set_option(ws::stream_base::decorator([&request](ws::request_type& head) {
      head.set(boost::beast::http::field::sec_websocket_protocol, request.subprotocol);
      head.set(boost::beast::http::field::user_agent, protocol::sdk_name);
    }));
    stream_.read_message_max(request.max_message_size);
    stream_.binary(true);
    ws::response_type answer;
    const bool is_v6 = to.host.find(':') != std::string::npos;
    const std::string host = (is_v6 ? "[" + to.host + "]" : to.host) + ":" + to.port;
    await("open a WebSocket to " + request.url,
          [&](auto done) { stream_.async_handshake(answer, host, to.target, done); });
    stream_.set_option(ws::stream_base::decorator([](ws::request_type&) {}));
    const auto chosen = answer[boost::beast::http::field::sec_websocket_protocol];
    if (std::string_view(chosen.data(), chosen.size()) != request.subprotocol)
      throw unreachable("the server at " + request.url + " does not speak " + request.subprotocol);
  }

  websocket_closed ended(error problem) const {
    if (problem != boost::beast::websocket::error::closed)
      return websocket_closed("the WebSocket is broken: " + problem.message(), 1006, {});
    const auto& reason = stream_.reason();
    return websocket_closed("the WebSocket was closed", reason.code,
                            std::string(reason.reason.data(), reason.reason.size()));
  }

  bool has_ended() {
    const std::lock_guard lock(mutex_);
    return has_ended_;
  }

  void set_ended() {
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
    done_.notify_all();
  }

  boost::asio::io_context& context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> has_work_;
  boost::beast::websocket::stream<Stream> stream_;
  boost::beast::flat_buffer buffer_;
  std::mutex mutex_;  // guards has_ended_ and the jobs
  std::condition_variable done_;
  bool has_ended_ = false;
};

/// A WebSocket together with the objects that it needs.
template <class Stream>
class owned_websocket final : public websocket {
 public:
  explicit owned_websocket(std::shared_ptr<boost::asio::ssl::context> tls) : tls_(std::move(tls)) {
    if constexpr (std::is_same_v<Stream, boost::beast::tcp_stream>)
      socket_.emplace(context_);
    else
      socket_.emplace(context_, *tls_);
  }
  beast_websocket<Stream>& socket() { return *socket_; }

  void send(std::string message) override { socket_->send(std::move(message)); }
  std::string receive() override { return socket_->receive(); }
  void close(std::uint16_t code, const std::string& reason) noexcept override {
    socket_->close(code, reason);
  }
  void abort() noexcept override { socket_->abort(); }

 private:
  std::shared_ptr<boost::asio::ssl::context> tls_;
  boost::asio::io_context context_;
  std::optional<beast_websocket<Stream>> socket_;
};

template <class Stream>
std::unique_ptr<websocket> open_websocket(const websocket_address& to, const websocket_request& request,
                                          std::shared_ptr<boost::asio::ssl::context> tls) {
  auto out = std::make_unique<owned_websocket<Stream>>(std::move(tls));
  out->socket().open(to, request);
  return out;
}

}  // namespace detail

/// Opens WebSockets with Boost.Beast. Certificates are verified with the system's certificate store;
/// `configure` may change that, for example `context.load_verify_file("ca.pem")` for your own certificate
/// authority. OpenSSL also reads SSL_CERT_FILE and SSL_CERT_DIR.
inline websocket_connector beast_connector(
    std::function<void(boost::asio::ssl::context& context)> configure = {}) {
  return [configure = std::move(configure)](const websocket_request& request) -> std::unique_ptr<websocket> {
    namespace ssl = boost::asio::ssl;
    const detail::websocket_address to = detail::read_websocket_url(request.url);
    if (!to.is_secure) return detail::open_websocket<boost::beast::tcp_stream>(to, request, nullptr);
    const auto tls = std::make_shared<ssl::context>(ssl::context::tls_client);
    tls->set_options(ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
    boost::system::error_code ignored;  // without certificates no server is trusted
    tls->set_default_verify_paths(ignored);
    tls->set_verify_mode(ssl::verify_peer);
    if (configure) configure(*tls);
    return detail::open_websocket<ssl::stream<boost::beast::tcp_stream>>(to, request, tls);
  };
}

namespace detail {

inline const bool beast_is_default_connector = [] {
  default_connector() = [] { return beast_connector(); };
  return true;
}();

}  // namespace detail

}  // namespace inngest::inline INNGEST_ABI::connect
