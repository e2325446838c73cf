#pragma once

#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/connect/detail/messages.hpp>
#include <inngest/embedded/detail/gateway_session.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// A worker's WebSocket. All functions except send() run on the single thread of its io_context.
class gateway_socket final : public gateway_connection, public std::enable_shared_from_this<gateway_socket> {
 public:
  using clock = std::chrono::steady_clock;
  using error_code = boost::system::error_code;
  using when_registered = std::function<void(std::string problem)>;

  /// What the socket needs from its gateway.
  struct callbacks {
    /// Registers apps on another thread, and calls the function there.
    std::function<void(std::vector<worker_app> apps, when_registered)> register_apps{};
    /// The connection was closed.
    std::function<void(gateway_socket&)> ended{};
  };

  gateway_socket(boost::asio::ip::tcp::socket socket, gateway_services& services, const callbacks& with)
      : stream_(std::move(socket)), services_(services), callbacks_(with), session_(services, *this) {}

  /// Reads the request that opens the WebSocket.
  void start();
  void drain() { session_.drain(); }
  void look_at_clock(clock::time_point now);
  /// Closes the connection immediately.
  void drop();

  void send(std::string frame) override;
  void close(std::uint16_t code, std::string_view reason) override;
  std::weak_ptr<worker_link> link() override { return weak_from_this(); }
  void register_apps(std::vector<worker_app> apps, when_registered done) override;

 private:
  using stream = boost::beast::websocket::stream<boost::beast::tcp_stream>;
  using request = boost::beast::http::request<boost::beast::http::empty_body>;

  static constexpr std::chrono::seconds open_timeout{10};
  static constexpr std::chrono::seconds write_timeout{30};
  static constexpr std::size_t max_waiting_bytes = std::size_t{128} * 1024 * 1024;
  /// Clients without a token can't make a gateway store more: thousands of functions have room in it.
  static constexpr std::size_t max_hello_size = std::size_t{1024} * 1024;
  static constexpr std::size_t max_spare_buffer = std::size_t{256} * 1024;

  static bool opens_connection(const request& asked);
  void refuse(unsigned status);
  void accept();
  void read();
  void on_read(error_code error);
  void enqueue(std::string frame);
  void write();
  void close_if_written();
  void end(std::string_view reason);

  stream stream_;
  gateway_services& services_;
  const callbacks& callbacks_;
  gateway_session session_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::empty_body>> parser_;
  boost::beast::http::response<boost::beast::http::string_body> refusal_;
  std::deque<std::string> waiting_;  // the first one is being written, if is_writing_
  std::size_t waiting_bytes_ = 0;
  bool is_writing_ = false;
  clock::time_point write_began_{};
  std::optional<boost::beast::websocket::close_reason> closing_;
  bool is_closing_ = false;
  bool has_ended_ = false;
};

inline void gateway_socket::start() {
  parser_.emplace();
  parser_->header_limit(16 * 1024);
  parser_->body_limit(0);
  boost::beast::get_lowest_layer(stream_).expires_after(open_timeout);
  boost::beast::http::async_read(stream_.next_layer(), buffer_, *parser_,
                                 [self = shared_from_this()](error_code error, std::size_t) {
                                   if (error) return self->end("");
                                   if (!opens_connection(self->parser_->get())) return self->refuse(404);
                                   self->accept();
                                 });
}

inline bool gateway_socket::opens_connection(const request& asked) {
  const auto target = asked.target();
  if (target.substr(0, target.find('?')) != "/v0/connect") return false;
  if (!boost::beast::websocket::is_upgrade(asked)) return false;
  boost::beast::http::token_list protocols(asked[boost::beast::http::field::sec_websocket_protocol]);
  return protocols.exists(connect::detail::gateway_subprotocol);
}

inline void gateway_socket::refuse(unsigned status) {
  refusal_.result(status);
  refusal_.set(boost::beast::http::field::content_type, "text/plain");
  refusal_.keep_alive(false);
  refusal_.body() = std::string("Open a WebSocket at /v0/connect with the subprotocol ") +
                    connect::detail::gateway_subprotocol + "\n";
  refusal_.prepare_payload();
  boost::beast::http::async_write(stream_.next_layer(), refusal_,
                                  [self = shared_from_this()](error_code, std::size_t) { self->drop(); });
}

inline void gateway_socket::accept() {
  namespace websocket = boost::beast::websocket;
  boost::beast::get_lowest_layer(stream_).expires_never();
  stream_.set_option(websocket::stream_base::timeout{open_timeout, websocket::stream_base::none(), false});
  stream_.set_option(websocket::stream_base::decorator([](websocket::response_type& answer) {
    answer.set(boost::beast::http::field::sec_websocket_protocol, connect::detail::gateway_subprotocol);
  }));
  stream_.read_message_max((std::min)(max_hello_size, services_.options.max_message_size));
  stream_.binary(true);
  stream_.auto_fragment(false);
  stream_.async_accept(parser_->get(), [self = shared_from_this()](error_code error) {
    self->parser_.reset();
    if (error) return self->end("");
    self->buffer_.clear();
    self->session_.open();
    self->read();
  });
}

inline void gateway_socket::read() {
  stream_.async_read(buffer_,
                     [self = shared_from_this()](error_code error, std::size_t) { self->on_read(error); });
}

inline void gateway_socket::on_read(error_code error) {
  namespace websocket = boost::beast::websocket;
  if (error == websocket::error::closed) {
    const auto& text = stream_.reason().reason;
    return end(std::string_view(text.data(), text.size()));
  }
  if (error == websocket::error::message_too_big)
    return end(to_string(connect::detail::disconnect_reason::message_too_large));
  if (error) return end("");
  if (!stream_.got_binary()) {
    close(websocket::close_code::unknown_data, "connect_run_invalid_message");
  } else {
    const auto bytes = buffer_.data();
    session_.receive({static_cast<const char*>(bytes.data()), bytes.size()});
    if (session_.is_trusted()) stream_.read_message_max(services_.options.max_message_size);
  }
  buffer_.clear();
  if (buffer_.capacity() > max_spare_buffer) buffer_.shrink_to_fit();
  read();
}

inline void gateway_socket::send(std::string frame) {
  // Sent immediately on the socket's thread, because a post would come after those of other threads: a call
  // must not overtake the message that the connection is ready.
  boost::asio::dispatch(
      stream_.get_executor(),
      [self = shared_from_this(), frame = std::move(frame)]() mutable { self->enqueue(std::move(frame)); });
}

inline void gateway_socket::enqueue(std::string frame) {
  if (has_ended_ || is_closing_) return;
  waiting_bytes_ += frame.size();
  if (waiting_bytes_ > max_waiting_bytes) return drop();
  waiting_.push_back(std::move(frame));
  if (!is_writing_) write();
}

inline void gateway_socket::write() {
  is_writing_ = true;
  write_began_ = clock::now();
  stream_.async_write(boost::asio::buffer(waiting_.front()),
                      [self = shared_from_this()](error_code error, std::size_t) {
                        self->is_writing_ = false;
                        if (error) return self->drop();
                        self->waiting_bytes_ -= self->waiting_.front().size();
                        self->waiting_.pop_front();
                        if (!self->waiting_.empty()) return self->write();
                        self->close_if_written();
                      });
}

inline void gateway_socket::close(std::uint16_t code, std::string_view reason) {
  // After the frames sent earlier.
  boost::asio::dispatch(
      stream_.get_executor(), [self = shared_from_this(), code, text = std::string(reason.substr(0, 120))] {
        if (self->closing_) return;
        self->closing_.emplace(static_cast<boost::beast::websocket::close_code>(code), text);
        self->close_if_written();
      });
}

inline void gateway_socket::close_if_written() {
  if (!closing_ || is_closing_ || is_writing_ || has_ended_) return;
  is_closing_ = true;
  stream_.async_close(*closing_, [self = shared_from_this()](error_code) { self->drop(); });
}

inline void gateway_socket::register_apps(std::vector<worker_app> apps, when_registered done) {
  callbacks_.register_apps(
      std::move(apps), [self = shared_from_this(), done = std::move(done)](std::string problem) {
        boost::asio::post(self->stream_.get_executor(), [self, done, problem = std::move(problem)] {
          if (!self->has_ended_) done(problem);
        });
      });
}

inline void gateway_socket::look_at_clock(clock::time_point now) {
  if (is_writing_ && now - write_began_ > write_timeout) return drop();
  session_.look_at_clock(now);
}

inline void gateway_socket::drop() {
  error_code ignored;
  boost::beast::get_lowest_layer(stream_).socket().close(ignored);
  end("");
}

inline void gateway_socket::end(std::string_view reason) {
  if (std::exchange(has_ended_, true)) return;
  session_.end(reason);
  callbacks_.ended(*this);
}

}  // namespace inngest::inline INNGEST_ABI::embedded
