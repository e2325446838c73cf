#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include <inngest/config.hpp>
#include <inngest/executor.hpp>

namespace inngest::inline INNGEST_ABI {

/// Options of a thread pool.
struct thread_pool_options {
  /// The maximum number of threads; 0 means eight per core, and at least 64. Waiting threads cost little, and
  /// steps often wait for a slow service.
  std::size_t threads = 0;
  /// The maximum number of waiting calls. Further work is refused.
  std::size_t queue = 1024;
  /// How long an idle thread waits for work before it ends; at most a year.
  std::chrono::milliseconds max_idle = std::chrono::seconds(10);
};

/// Runs work on its own threads. A thread starts when no thread is free, and ends after it has been idle for
/// a while. It is the default executor of served apps. Thread-safe. Threads do not survive a fork(): fork
/// before you post work.
class thread_pool final : public executor {
 public:
  /// Starts no thread yet.
  explicit thread_pool(thread_pool_options options = {});
  /// Calls stop().
  ~thread_pool() override;
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;

  /// Runs `work` on a thread of the pool. Returns false when all threads are busy and the queue is full, when
  /// the system can start no more threads, and after stop(). Exceptions thrown by the work are written to
  /// standard error.
  bool post(std::function<void()> work) override;

  /// Refuses further work, runs the queued work, and waits until all work has ended. A call from a thread of
  /// the pool does not wait for that thread. A second call does not wait, even if the first still does.
  void stop();

  /// The number of threads, busy and idle.
  [[nodiscard]] std::size_t threads() const;

 private:
  struct state;
  std::shared_ptr<state> state_;  // shared with the threads, so that one of them may destroy the pool
};

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/thread_pool.ipp>
#endif
