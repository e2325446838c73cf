#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>

#include <inngest/config.hpp>
#include <inngest/thread_pool.hpp>

namespace inngest::inline INNGEST_ABI::serving {

/// Calls functions at an interval, on one thread for all calls of an app. The thread starts with the first
/// function and ends some time after the last one was removed. Thread-safe.
class heartbeats {
 public:
  /// The interval is limited to the range from a millisecond to an hour.
  explicit heartbeats(std::chrono::milliseconds interval);
  /// No function is called after it returns.
  ~heartbeats();
  heartbeats(const heartbeats&) = delete;
  heartbeats& operator=(const heartbeats&) = delete;

 private:
  friend class heartbeat;
  struct state;
  std::shared_ptr<state> state_;  // shared with the thread, because a function may destroy the heartbeats
  thread_pool thread_{{.threads = 1, .queue = 1}};
};

/// Calls a function at intervals during its lifetime. If the system can start no thread, the function is not
/// called.
class heartbeat {
 public:
  /// The function must not throw or block: it would delay those of all other calls.
  heartbeat(heartbeats& all, std::function<void()> function);
  /// Does not wait for the function, which may be running and end later.
  ~heartbeat();
  heartbeat(const heartbeat&) = delete;
  heartbeat& operator=(const heartbeat&) = delete;

 private:
  struct entry {
    std::chrono::steady_clock::time_point due;
    std::function<void()> function;
  };
  friend struct heartbeats::state;

  std::shared_ptr<heartbeats::state> state_;
  std::list<entry>::iterator place_;
};

}  // namespace inngest::inline INNGEST_ABI::serving

#if !defined(INNGEST_COMPILED)
#include <inngest/serving/impl/heartbeats.ipp>
#endif
