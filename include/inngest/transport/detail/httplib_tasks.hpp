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

/// Runs the connections of a cpp-httplib server, each on a thread: a thread is made when no other is free,
/// and ends when it has been free for a while. cpp-httplib's own pool has as many threads as the machine has
/// cores, so a few functions that wait would keep all others waiting.
class growing_task_queue final : public httplib::TaskQueue {
 public:
  explicit growing_task_queue(std::size_t max_threads = default_max_threads(),
                              std::chrono::milliseconds max_idle = std::chrono::seconds(10));
  ~growing_task_queue() override { stop(); }
  growing_task_queue(const growing_task_queue&) = delete;
  growing_task_queue& operator=(const growing_task_queue&) = delete;

  /// Threads that wait cost little: a step that waits for a slow service is the usual case.
  static std::size_t default_max_threads();

  /// bool, or void before cpp-httplib 0.14.
  using enqueued = decltype(std::declval<httplib::TaskQueue&>().enqueue(std::function<void()>()));

  enqueued enqueue(std::function<void()> task) override;

  /// Returns when all tasks have run.
  void shutdown() override { stop(); }

 private:
  using place = std::list<std::thread>::iterator;

  /// False when the system has no more threads.
  bool add_thread();

  void work(place at);

  void stop();

  const std::size_t max_threads_;
  const std::chrono::milliseconds max_idle_;
  std::mutex mutex_;  // of the rest
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  std::list<std::thread> threads_;
  std::list<std::thread> ended_;  // not joined yet
  std::size_t idle_ = 0;
  bool stopped_ = false;
};

/// Whether nobody has chosen how the server runs its connections.
bool has_default_task_queue(const httplib::Server& server);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/transport/detail/impl/httplib_tasks.ipp>
#endif
