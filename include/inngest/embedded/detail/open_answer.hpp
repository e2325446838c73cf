#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/http.hpp>
#include <inngest/platform/detail/socket.hpp>

// Bodies that are not complete at the beginning: answers that other threads write while the connection is
// open, and requests that are read piece by piece.

namespace inngest::inline INNGEST_ABI::detail {

/// The body of an answer that other threads write, such as server-sent events. Thread-safe.
class open_answer {
 public:
  /// `wake` wakes the listener's thread. `most` limits the waiting bytes.
  open_answer(const wake_signal& wake, std::size_t most) : wake_(wake), most_(most) {}

  /// Queues bytes. Returns false when the connection is closed. If too many bytes wait, it closes the
  /// connection.
  bool write(std::string_view bytes);

  /// Ends the answer after the queued bytes.
  void end();

  /// Calls `callback` when the connection is closed; immediately if it already is.
  void on_close(std::function<void()> callback);

  // ---- for the listener -----------------------------------------------------------------------------------

  /// The waiting bytes; `nullopt` when the answer has ended and none are left.
  std::optional<std::string> take();
  /// Whether the connection must be closed, because too many bytes wait.
  bool is_too_slow() const;
  void close();

 private:
  const wake_signal& wake_;  // valid until close()
  const std::size_t most_;
  mutable std::mutex mutex_;  // guards the members below
  std::string waiting_;
  std::function<void()> on_close_;
  bool has_ended_ = false;
  bool is_too_slow_ = false;
  bool is_closed_ = false;
};

/// Closes an open answer when its connection is closed.
class open_answer_end {
 public:
  explicit open_answer_end(std::shared_ptr<open_answer> answer = nullptr) : answer_(std::move(answer)) {}
  open_answer_end(open_answer_end&& other) noexcept = default;
  open_answer_end& operator=(open_answer_end&& other) noexcept;
  ~open_answer_end();
  open_answer* operator->() const { return answer_.get(); }
  explicit operator bool() const { return answer_ != nullptr; }

 private:
  std::shared_ptr<open_answer> answer_;
};

/// The answer to a request. If it is open, its body follows.
struct listener_answer {
  listener_answer(http::response head) : response(std::move(head)) {}  // NOLINT: implicit
  listener_answer(http::response head, std::shared_ptr<open_answer> answer)
      : response(std::move(head)), open(std::move(answer)) {}

  http::response response{};
  open_answer_end open{};
};

/// Receives the body of a request while it arrives.
class body_sink {
 public:
  virtual ~body_sink() = default;
  /// Receives bytes, on the listener's thread. Must be fast and not throw.
  virtual void take(std::string_view bytes) = 0;
  /// The body is complete: returns the answer. Must not throw. Not called when the connection breaks.
  virtual http::response end() = 0;
};

/// How a body is received: by a sink; not at all, if there is an answer that rejects it; otherwise the
/// request is answered once it is complete.
struct opened_body {
  std::shared_ptr<body_sink> sink{};
  std::optional<http::response> refusal{};
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/open_answer.ipp>
#endif
