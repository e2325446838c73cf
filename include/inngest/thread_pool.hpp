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
  /// How much work may wait for a thread. More is refused.
  std::size_t queue = 1024;
  /// How long a thread without work waits for more before it ends; at most a year.
  std::chrono::milliseconds max_idle = std::chrono::seconds(10);
};

/// Runs work on threads of its own. A thread starts when work finds no free one, and ends when it has been
/// idle for a while. It is the default executor of served apps. Thread-safe. Threads do not survive a fork():
/// a process that forks does so before it posts work.
class thread_pool final : public executor {
 public:
  /// Starts no thread yet.
  explicit thread_pool(thread_pool_options options = {});
  /// Calls stop().
  ~thread_pool() override;
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;

  /// Runs `work` on a thread of the pool. Returns false when all threads are busy and the queue is full, when
  /// the system has no more threads, and after stop(). An exception that leaves the work is written to
  /// standard error.
  bool post(std::function<void()> work) override;

  /// Refuses more work, runs the work that waits, and waits until all has ended. Called from a thread of the
  /// pool, it does not wait for that thread. A second call, also while the first still waits, does not wait.
  void stop();

  /// The number of threads, busy and idle.
  [[nodiscard]] std::size_t threads() const;

 private:
  struct state;
  std::shared_ptr<state> state_;  // the threads share it, so that one of them may destroy the pool
};

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/thread_pool.ipp>
#endif
