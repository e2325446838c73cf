#pragma once

#include <inngest/config.hpp>
#include <inngest/transport/detail/httplib_tasks.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE growing_task_queue::growing_task_queue(std::size_t max_threads,
                                                      std::chrono::milliseconds max_idle)
    : max_threads_(max_threads), max_idle_(max_idle) {}

INNGEST_INLINE std::size_t growing_task_queue::default_max_threads() {
  return std::max<std::size_t>(256, std::size_t{8} * std::thread::hardware_concurrency());
}

INNGEST_INLINE growing_task_queue::enqueued growing_task_queue::enqueue(std::function<void()> task) {
  std::list<std::thread> ended;
  std::function<void()> own;
  {
    const std::lock_guard lock(mutex_);
    ended.swap(ended_);
    tasks_.push_back(std::move(task));
    if (tasks_.size() > idle_ && threads_.size() < max_threads_ && !add_thread() && threads_.empty()) {
      own = std::move(tasks_.back());  // no thread is left to run it
      tasks_.pop_back();
    }
  }
  wake_.notify_one();
  for (std::thread& thread : ended) thread.join();
  if (own) own();
  return static_cast<enqueued>(true);
}

INNGEST_INLINE bool growing_task_queue::add_thread() {
  const place at = threads_.emplace(threads_.end());
  try {
    *at = std::thread([this, at] { work(at); });
    return true;
  } catch (const std::system_error&) {
    threads_.erase(at);
    return false;
  }
}

INNGEST_INLINE void growing_task_queue::work(place at) {
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

INNGEST_INLINE void growing_task_queue::stop() {
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

INNGEST_INLINE bool has_default_task_queue(const httplib::Server& server) {
  const httplib::Server untouched;
  return server.new_task_queue.target_type() == untouched.new_task_queue.target_type();
}

}  // namespace inngest::inline INNGEST_ABI::detail
