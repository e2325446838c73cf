#pragma once

#include <atomic>
#include <memory>

#include <inngest/config.hpp>
#include <inngest/stop_token.hpp>

namespace inngest::inline INNGEST_ABI::execution {

/// How one call of a handler is asked to stop: by its step's deadline, because its answer is no longer wanted
/// (the run has ended, another call has taken over, nobody waits for it), or because the process is to end.
/// Copies share one state; it may be used from many threads at once.
class call_stop {
 public:
  call_stop() : state_(std::make_shared<state>()) {}

  const stop_source& source() const { return state_->source; }
  stop_token token() const { return state_->source.get_token(); }
  bool is_requested() const { return state_->source.stop_requested(); }
  /// Calls the token's callbacks in this thread: hold no lock.
  void request() const { state_->source.request_stop(); }

  /// The process is to end. What then fails has been interrupted: it is no failed attempt.
  void request_shutdown() const;
  bool is_shutdown() const { return state_->shutdown; }

  /// Says that the call's answer is no answer: it ended because the process is to end.
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
