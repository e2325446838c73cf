#pragma once

#include <atomic>
#include <memory>

#include <inngest/config.hpp>
#include <inngest/stop_token.hpp>

namespace inngest::inline INNGEST_ABI::execution {

/// Asks one call of a handler to stop: at its step's deadline, when its answer is no longer needed (the run
/// has ended, another call has taken over, the connection was closed), or when the process shuts down. Copies
/// share one state. Thread-safe.
class call_stop {
 public:
  call_stop() : state_(std::make_shared<state>()) {}

  const stop_source& source() const { return state_->source; }
  stop_token token() const { return state_->source.get_token(); }
  bool is_requested() const { return state_->source.stop_requested(); }
  /// Calls the token's callbacks on this thread: the caller must not hold a lock.
  void request() const { state_->source.request_stop(); }

  /// Asks to stop because the process shuts down. Later failures do not count as failed attempts.
  void request_shutdown() const;
  bool is_shutdown() const { return state_->shutdown; }

  /// Marks the call as interrupted by the shutdown: its answer does not count.
  void note_interrupted() const { state_->interrupted = true; }
  bool was_interrupted() const { return state_->interrupted; }

 private:
  struct state {
    stop_source source;
    std::atomic<bool> shutdown{false};
    std::atomic<bool> interrupted{false};
  };
  std::shared_ptr<state> state_;
};

}  // namespace inngest::inline INNGEST_ABI::execution

#if !defined(INNGEST_COMPILED)
#include <inngest/execution/impl/call_stop.ipp>
#endif
