#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/connect/websocket.hpp>

namespace inngest::inline INNGEST_ABI::connect::detail {

/// The frames that a thread still has to send over a WebSocket, and the WebSocket once it is open.
class link {
 public:
  struct item {
    std::string bytes{};
    std::string acknowledged{};  // the request that the frame acknowledges
    std::optional<std::uint16_t> close_code{};
    std::string close_reason{};
  };

  /// Takes an open WebSocket. Returns false if the link was closed before; the WebSocket is then not used.
  bool open(std::unique_ptr<websocket> socket) {
    const std::lock_guard lock(mutex_);
    if (is_closed_) return false;
    socket_ = std::move(socket);
    return true;
  }

  /// The WebSocket, after open().
  websocket& socket() { return *socket_; }

  void send(std::string bytes, std::string acknowledged) {
    const std::lock_guard lock(mutex_);
    if (is_closed_) return;
    items_.push_back({.bytes = std::move(bytes), .acknowledged = std::move(acknowledged)});
    wake_.notify_one();
  }

  /// Accepts no more frames. Frames that are queued are sent only if the end is orderly.
  void close(std::uint16_t code, std::string reason, bool is_orderly) {
    const std::lock_guard lock(mutex_);
    if (std::exchange(is_closed_, true)) return;
    if (!is_orderly) items_.clear();
    items_.push_back({.close_code = code, .close_reason = std::move(reason)});
    wake_.notify_one();
  }

  /// The WebSocket has ended: next() returns no more frames.
  void end() {
    const std::lock_guard lock(mutex_);
    is_closed_ = has_ended_ = true;
    wake_.notify_one();
  }

  void abort() {
    const std::lock_guard lock(mutex_);
    is_closed_ = has_ended_ = true;
    wake_.notify_one();
    if (socket_) socket_->abort();
  }

  /// Waits for the next frame to send.
  std::optional<item> next() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return has_ended_ || !items_.empty(); });
    if (has_ended_) return std::nullopt;
    item out = std::move(items_.front());
    items_.pop_front();
    return out;
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::unique_ptr<websocket> socket_;
  std::deque<item> items_;
  bool is_closed_ = false, has_ended_ = false;
};

}  // namespace inngest::inline INNGEST_ABI::connect::detail
