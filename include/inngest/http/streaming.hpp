#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/http.hpp>
#include <inngest/stop_token.hpp>

namespace inngest::inline INNGEST_ABI::http {

/// How http::transport::stream sends a request and receives its answer in pieces. The transport calls the
/// functions on the thread that called stream(), one at a time.
struct streaming {
  /// Receives the answer's status and headers, before its body. False ends the exchange.
  std::function<bool(const response& head)> on_head{};
  /// Receives each piece of the answer's body. False ends the exchange.
  std::function<bool(std::string_view piece)> on_piece{};
  /// If set, it returns the pieces of the request's body, and may wait for them; `nullopt` ends the body. It
  /// replaces request::body.
  std::function<std::optional<std::string>()> next_piece{};
  /// The maximum time without data from the server, also while connecting.
  std::chrono::milliseconds timeout = std::chrono::seconds(30);
  /// Ends the exchange from any thread: stream() then returns or throws soon.
  stop_token stop{};
};

}  // namespace inngest::inline INNGEST_ABI::http
