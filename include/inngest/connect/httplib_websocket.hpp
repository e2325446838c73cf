#pragma once

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include <inngest/config.hpp>
#include <inngest/connect/websocket.hpp>
#include <inngest/error.hpp>
#include <inngest/http/detail/request_line.hpp>
#include <inngest/platform/detail/socket.hpp>
#include <inngest/transport/detail/httplib_flags.hpp>

#ifndef CPPHTTPLIB_WEBSOCKET_MAX_MISSED_PONGS
#error \
    "inngest: this cpp-httplib has no WebSocket client that can be used: take 0.43 or newer, or Boost.Beast"
#endif

// WebSockets with cpp-httplib 0.43 or later, for gateways with ws URLs.

namespace inngest::inline INNGEST_ABI::connect {

namespace detail {

class httplib_websocket final : public websocket {
 public:
  explicit httplib_websocket(const websocket_request& request)
      : client_(request.url, {{"Sec-WebSocket-Protocol", request.subprotocol}}) {
    // In seconds and microseconds: versions before 0.53 take no durations.
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(request.timeout);
    const auto seconds = static_cast<time_t>(whole.count());
    const auto microseconds = static_cast<time_t>(std::chrono::microseconds(request.timeout - whole).count());
    client_.set_connection_timeout(seconds, microseconds);
    client_.set_read_timeout(seconds, microseconds);  // also applies to the upgrade
    client_.set_write_timeout(10, 0);
    client_.set_tcp_nodelay(true);
    client_.set_socket_options([this](socket_t socket) { socket_ = socket; });
    client_.set_websocket_ping_interval(0);  // the protocol has heartbeats
    if (!client_.connect())
      throw unreachable("can't open a WebSocket to " + inngest::detail::shown_url(request.url));
    if (client_.subprotocol() != request.subprotocol)
      throw unreachable("the server at " + inngest::detail::shown_url(request.url) + " does not speak " +
                        request.subprotocol);
  }

  void send(std::string message) override {
    if (client_.send(message.data(), message.size())) return;
    abort();
    throw unreachable("the WebSocket is broken");
  }

  std::string receive() override {
    std::string message;
    while (!has_ended_) {
      const auto result = client_.read(message);
      if (result == httplib::ws::Binary) return message;
      if (result == httplib::ws::Fail) has_ended_ = true;
    }
    throw websocket_closed("the WebSocket was closed, or is broken", 1006, {});
  }

  void close(std::uint16_t code, const std::string& reason) noexcept override {
    try {
      client_.close(static_cast<httplib::ws::CloseStatus>(code), reason);
    } catch (...) {  // abort the connection
    }
  }

  void abort() noexcept override {
    has_ended_ = true;
#ifdef _WIN32
    ::shutdown(socket_, SD_BOTH);
#else
    ::shutdown(socket_, SHUT_RDWR);
#endif
  }

 private:
  std::atomic<socket_t> socket_{inngest::detail::no_socket};
  std::atomic<bool> has_ended_{false};
  httplib::ws::WebSocketClient client_;
};

}  // namespace detail

/// Opens WebSockets with cpp-httplib: `worker_options::connector`. It does not support wss URLs, because
/// cpp-httplib reads and writes a TLS connection on two threads without a lock. For wss, use Boost.Beast or a
/// local proxy. A gateway's reason for closing a connection is not logged, because cpp-httplib does not
/// expose it.
inline websocket_connector httplib_connector() {
  return [](const websocket_request& request) -> std::unique_ptr<websocket> {
    if (request.url.starts_with("wss://")) {
      throw configuration_error(
          "cpp-httplib's WebSockets can't be used with TLS: include <inngest/connect.hpp> and use "
          "Boost.Beast "
          "for \"" +
          inngest::detail::shown_url(request.url) + "\"");
    }
    return std::make_unique<detail::httplib_websocket>(request);
  };
}

}  // namespace inngest::inline INNGEST_ABI::connect
