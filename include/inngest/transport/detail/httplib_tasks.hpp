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

namespace inngest::detail {

/// Runs the connections of a cpp-httplib server, each on a thread: a thread is made when no other is free,
/// and ends when it has been free for a while. cpp-httplib's own pool has as many threads as the machine has
/// cores, so a few functions that wait would keep all others waiting.
class growing_task_queue final : public httplib::TaskQueue {
 public:
  explicit growing_task_queue(std::size_t max_threads = default_max_threads(),
                              std::chrono::milliseconds max_idle = std::chrono::seconds(10))
      : max_threads_(max_threads), max_idle_(max_idle) {}
  ~growing_task_queue() override { stop(); }
  growing_task_queue(const growing_task_queue&) = delete;
  growing_task_queue& operator=(const growing_task_queue&) = delete;

  /// Threads that wait cost little: a step that waits for a slow service is the usual case.
  static std::size_t default_max_threads() {
    return std::max<std::size_t>(256, std::size_t{8} * std::thread::hardware_concurrency());
  }

  /// bool, or void before cpp-httplib 0.14.
  using enqueued = decltype(std::declval<httplib::TaskQueue&>().enqueue(std::function<void()>()));

  enqueued enqueue(std::function<void()> task) override {
    std::list<std::thread> ended;
    std::function<void()> own;
    {
      const std::lock_guard lock(mutex_);
      ended.swap(ended_);
      tasks_.push_back(std::move(task));
      if (tasks_.size() > idle_ && threads_.size() < max_threads_ && !add_thread() && threads_.empty()) {
        own = std::move(tasks_.back());  // there is nobody else to run it
        tasks_.pop_back();
      }
    }
    wake_.notify_one();
    for (std::thread& thread : ended) thread.join();
    if (own) own();
    return static_cast<enqueued>(true);
  }

  /// Returns when all tasks have run.
  void shutdown() override { stop(); }

 private:
  using place = std::list<std::thread>::iterator;

  /// False when the system has no more threads.
  bool add_thread() {
    const place at = threads_.emplace(threads_.end());
    try {
      *at = std::thread([this, at] { work(at); });
      return true;
    } catch (const std::system_error&) {
      threads_.erase(at);
      return false;
    }
  }

  void work(place at) {
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_;
      const bool called = wake_.wait_for(lock, max_idle_, [&] { return stopped_ || !tasks_.empty(); });
      --idle_;
      if (tasks_.empty()) {
        if (called) return;  // stop() joins it
        ended_.splice(ended_.end(), threads_, at);
        return;
      }
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  void stop() {
    std::list<std::thread> all;
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
      all.splice(all.end(), threads_);
      all.splice(all.end(), ended_);
    }
    wake_.notify_all();
    for (std::thread& thread : all) thread.join();
  }

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
inline bool has_default_task_queue(const httplib::Server& server) {
  const httplib::Server untouched;
  return server.new_task_queue.target_type() == untouched.new_task_queue.target_type();
}

}  // namespace inngest::detail
