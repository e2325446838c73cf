#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/http/detail/request_line.hpp>

// The WebSocket interface of a worker. Implement it to use a library other than those with a header here.

namespace inngest::inline INNGEST_ABI::connect {

/// A WebSocket has ended: the peer closed it, the connection broke, or it was aborted.
class websocket_closed : public unreachable {
 public:
  /// The status code of the close frame, and its reason. The code is 1006 if there was no close frame.
  websocket_closed(const std::string& message, std::uint16_t close_code, std::string reason)
      : unreachable(message), close_code_(close_code), reason_(std::move(reason)) {}
  /// The status code of the close frame; 1006 if there was none.
  std::uint16_t close_code() const noexcept { return close_code_; }
  /// The reason in the close frame.
  const std::string& reason() const noexcept { return reason_; }

 private:
  std::uint16_t close_code_;
  std::string reason_;
};

/// An open WebSocket. One thread receives, another one sends, and any thread may abort.
class websocket {
 public:
  virtual ~websocket() = default;

  /// Sends a binary message. Returns when the system has accepted all of it. Called by one thread at a time,
  /// possibly while another thread is in receive().
  /// \throws unreachable when the connection is broken, or accepts no data for ten seconds.
  virtual void send(std::string message) = 0;

  /// Waits for the next message, without a time limit. One thread calls it in a loop until it throws; an
  /// implementation may do its I/O there.
  /// \throws websocket_closed when the WebSocket has ended.
  virtual std::string receive() = 0;

  /// Sends a close frame, and waits at most two seconds for the peer's. receive() throws afterwards. Called
  /// by the sending thread.
  virtual void close(std::uint16_t code, const std::string& reason) noexcept = 0;

  /// Ends the connection immediately: send() and receive() throw. Called from any thread.
  virtual void abort() noexcept = 0;
};

namespace detail {

/// Whether a WebSocket can be opened to a URL: a ws or wss URL that would be valid as an http or https URL.
inline bool is_websocket_url(const std::string& url) {
  const bool has_scheme = url.starts_with("ws://") || url.starts_with("wss://");
  return has_scheme && !inngest::detail::url_problem("http" + url.substr(2));
}

}  // namespace detail

/// How to open a WebSocket.
struct websocket_request {
  /// A ws or wss URL. The certificate of a wss server must be verified.
  std::string url;
  /// The subprotocol to request. The connection fails if the server does not choose it.
  std::string subprotocol;
  /// The time limit for connecting, for TLS and for the upgrade.
  std::chrono::milliseconds timeout = std::chrono::seconds(10);
  /// The maximum size in bytes of a received message; 0 for the WebSocket library's own limit.
  std::size_t max_message_size = 0;
};

/// Opens a WebSocket. Called from any thread, possibly from several at the same time.
/// \throws inngest::error, such as `unreachable`, when it fails.
using websocket_connector = std::function<std::unique_ptr<websocket>(const websocket_request&)>;

}  // namespace inngest::inline INNGEST_ABI::connect
