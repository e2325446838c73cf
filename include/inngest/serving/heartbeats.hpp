#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include <inngest/config.hpp>
#include <inngest/thread_pool.hpp>

namespace inngest::inline INNGEST_ABI::serving {

/// Calls functions at intervals, on one thread for all calls of an app. The thread starts with the first
/// function and ends some time after the last. Thread-safe.
class heartbeats {
 public:
  /// Returns false when it need not be called again. It does not throw, and it does not block.
  using beat = std::function<bool()>;

  heartbeats();
  /// Calls no function any more when it returns.
  ~heartbeats();
  heartbeats(const heartbeats&) = delete;
  heartbeats& operator=(const heartbeats&) = delete;

  /// Calls a function at intervals until it returns false. Where the system has no thread for it, the
  /// function is not called.
  void add(std::chrono::milliseconds interval, beat function);

 private:
  struct state;
  std::shared_ptr<state> state_;  // the thread shares it, because a function may destroy the heartbeats
  thread_pool thread_{{.threads = 1, .queue = 1}};
};

}  // namespace inngest::inline INNGEST_ABI::serving

#if !defined(INNGEST_COMPILED)
#include <inngest/serving/impl/heartbeats.ipp>
#endif
