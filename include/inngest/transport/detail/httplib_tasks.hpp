#pragma once

#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Runs each connection of a cpp-httplib server on a thread. It creates a thread when no other is free, and a
/// thread ends when it has been free for a while. cpp-httplib's own pool has as many threads as the machine
/// has cores, so a few waiting functions would block all others.
class growing_task_queue final : public httplib::TaskQueue {
 public:
  explicit growing_task_queue(std::size_t max_threads = default_max_threads(),
                              std::chrono::milliseconds max_idle = std::chrono::seconds(10));
  ~growing_task_queue() override { stop(); }
  growing_task_queue(const growing_task_queue&) = delete;
  growing_task_queue& operator=(const growing_task_queue&) = delete;

  /// Waiting threads cost little, and steps often wait for a slow service.
  static std::size_t default_max_threads();

  /// The result type of enqueue(): bool, or void before cpp-httplib 0.14.
  using enqueued = decltype(std::declval<httplib::TaskQueue&>().enqueue(std::function<void()>()));

  enqueued enqueue(std::function<void()> task) override;

  /// Waits until all tasks have run.
  void shutdown() override { stop(); }

 private:
  using place = std::list<std::thread>::iterator;

  /// Starts a thread. Returns false when the system has no more threads.
  bool add_thread();

  void work(place at);

  void stop();

  const std::size_t max_threads_;
  const std::chrono::milliseconds max_idle_;
  std::mutex mutex_;  // protects the members below
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  std::list<std::thread> threads_;
  std::list<std::thread> ended_;  // ended, but not joined
  std::size_t idle_ = 0;
  bool stopped_ = false;
};

/// Whether the server still has cpp-httplib's default task queue.
bool has_default_task_queue(const httplib::Server& server);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/transport/detail/impl/httplib_tasks.ipp>
#endif
