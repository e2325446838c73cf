#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/http.hpp>

namespace inngest::inline INNGEST_ABI::http {

/// A request that waits for its answer. The adapter of a framework that answers later, from any thread,
/// implements it, and keeps the exchange until the answer is written or the client is gone: draining waits
/// for that. Calls come from any thread, and never two at once.
class exchange {
 public:
  virtual ~exchange() = default;

  /// Sends a whole answer; `answer.stream` is not set. It is the first and last call.
  virtual void send(response answer) = 0;

  /// Begins an answer in pieces: sends its status and header fields. `head.body` is empty.
  virtual void begin(response head) = 0;
  /// Sends a piece after begin(). Returns false when the client is gone.
  virtual bool write(std::string piece) = 0;
  /// Ends an answer in pieces.
  virtual void end() = 0;

  /// Whether the client still waits, as far as the framework knows. It is called now and then while a call
  /// runs, at any time from any thread; the call is asked to stop when it returns false.
  virtual bool is_open() const = 0;

  /// Whether the adapter implements begin(), write() and end().
  virtual bool streams() const { return true; }

 private:
  friend class reply;
  std::vector<std::shared_ptr<void>> held_;  // what lasts as long as the exchange
};

/// The answer to one request, to be given once and from any thread. A reply that is destroyed without an
/// answer sends 500, so that no client waits in vain.
class reply {
 public:
  /// Answers through an adapter's exchange.
  explicit reply(std::shared_ptr<exchange> to) : to_(std::move(to)) {}
  /// Takes the right to answer from the other reply.
  reply(reply&& other) noexcept
      : to_(std::move(other.to_)), has_begun_(std::exchange(other.has_begun_, false)) {}
  /// Like the constructor; a request that it had not answered before gets 500.
  reply& operator=(reply&& other) noexcept;
  reply(const reply&) = delete;
  reply& operator=(const reply&) = delete;
  ~reply();

  /// Sends a whole answer. If `answer.stream` is set, it is called, and the answer is sent in pieces where
  /// the adapter can. Does nothing after begin(), and when an answer was sent.
  void send(response answer);

  /// Begins an answer in pieces: sends its status and header fields.
  void begin(response head);
  /// Sends a piece after begin(). Returns false when the client is gone.
  bool write(std::string piece);
  /// Ends an answer in pieces.
  void end();

  /// Whether the client still waits for the answer. False after the answer was sent.
  bool is_open() const { return to_ && to_->is_open(); }
  /// Whether the answer can be sent in pieces.
  bool streams() const { return to_ && to_->streams(); }

  /// Keeps an object until the answer is written or the client is gone.
  void hold(std::shared_ptr<void> object);

 private:
  void send_in_pieces(response answer);
  static void collect_pieces(response& answer);
  void abandon() noexcept;

  std::shared_ptr<exchange> to_;  // null when the answer was given
  bool has_begun_ = false;
};

}  // namespace inngest::inline INNGEST_ABI::http

#if !defined(INNGEST_COMPILED)
#include <inngest/http/impl/reply.ipp>
#endif
