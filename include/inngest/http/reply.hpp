#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/http.hpp>

namespace inngest::inline INNGEST_ABI::http {

/// A request that waits for its answer. Implemented by adapters of frameworks that can answer later, from any
/// thread. The adapter must keep the exchange until the answer has been written or the client has
/// disconnected: draining waits for that. Functions are called from any thread, but never two at the same
/// time. They should not block: one thread writes the heartbeats of all calls, so a slow client would delay
/// those of the others. They must not wait for the thread that called the handler, which may be waiting for
/// them.
class exchange {
 public:
  virtual ~exchange() = default;

  /// Sends a complete answer; `answer.stream` is not set. Called at most once, and then nothing else.
  virtual void send(response answer) = 0;

  /// Begins a streamed answer: sends its status and header fields. `head.body` is empty.
  virtual void begin(response head) = 0;
  /// Sends a piece after begin(). Returns false when the client has disconnected.
  virtual bool write(std::string piece) = 0;
  /// Ends a streamed answer.
  virtual void end() = 0;
  /// Breaks off a streamed answer whose function failed: closes the connection without the answer's end, so
  /// that the client does not take the part for the whole. Default: end(), for frameworks that can't.
  virtual void abort() { end(); }

  /// Whether the client still waits, as far as the framework knows. Called from time to time while a call
  /// runs, from any thread; the call is asked to stop when it returns false.
  virtual bool is_open() const = 0;

  /// Whether the adapter implements begin(), write() and end().
  virtual bool streams() const { return true; }

 private:
  friend class reply;
  std::vector<std::shared_ptr<void>> held_;  // objects that live as long as the exchange
};

/// The answer to one request, given once and from any thread. Destroying a reply without an answer sends
/// status 500, so that the client does not wait forever; a streamed answer that was begun is broken off.
class reply {
 public:
  /// Answers through an adapter's exchange.
  explicit reply(std::shared_ptr<exchange> to) : to_(std::move(to)) {}
  /// Takes over the right to answer.
  reply(reply&& other) noexcept
      : to_(std::move(other.to_)), has_begun_(std::exchange(other.has_begun_, false)) {}
  /// Takes over the right to answer. If this reply had an unanswered request, that request gets status 500.
  reply& operator=(reply&& other) noexcept;
  reply(const reply&) = delete;
  reply& operator=(const reply&) = delete;
  ~reply();

  /// Sends a complete answer. If `answer.stream` is set, it is called, and the answer is sent in pieces if
  /// the adapter can. Does nothing after begin(), or if an answer was already sent.
  void send(response answer);

  /// Begins a streamed answer: sends its status and header fields.
  void begin(response head);
  /// Sends a piece after begin(). Returns false when the client has disconnected.
  bool write(std::string piece);
  /// Ends a streamed answer.
  void end();

  /// Whether the client still waits for the answer. False after the answer was sent.
  bool is_open() const { return to_ && to_->is_open(); }
  /// Whether the answer can be sent in pieces.
  bool streams() const { return to_ && to_->streams(); }

  /// Keeps an object alive until the answer has been written or the client has disconnected.
  void hold(std::shared_ptr<void> object);

 private:
  void send_in_pieces(response answer);
  void abandon() noexcept;

  std::shared_ptr<exchange> to_;  // null once answered
  bool has_begun_ = false;
};

}  // namespace inngest::inline INNGEST_ABI::http

#if !defined(INNGEST_COMPILED)
#include <inngest/http/impl/reply.ipp>
#endif
