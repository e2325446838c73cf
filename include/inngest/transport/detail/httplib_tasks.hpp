#pragma once

#include <httplib.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/thread_pool.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Runs each connection of a cpp-httplib server on a thread of a pool that grows. cpp-httplib's own pool has
/// as many threads as the machine has cores, so a few waiting functions would block all others.
class growing_task_queue final : public httplib::TaskQueue {
 public:
  explicit growing_task_queue(std::size_t max_threads = default_max_threads(),
                              std::chrono::milliseconds max_idle = std::chrono::seconds(10));

  /// More than a thread pool's default, because each thread holds a connection, which may be idle.
  static std::size_t default_max_threads();

  /// The result type of enqueue(): bool, or void before cpp-httplib 0.14.
  using enqueued = decltype(std::declval<httplib::TaskQueue&>().enqueue(std::function<void()>()));

  /// Runs the task on this thread when the system has no more threads.
  enqueued enqueue(std::function<void()> task) override;

  /// Waits until all tasks have run.
  void shutdown() override { threads_.stop(); }

 private:
  thread_pool threads_;
};

/// Whether the server still has cpp-httplib's default task queue.
bool has_default_task_queue(const httplib::Server& server);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/transport/detail/impl/httplib_tasks.ipp>
#endif
