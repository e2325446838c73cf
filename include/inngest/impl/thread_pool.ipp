#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <exception>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/spare_texts.hpp>
#include <inngest/log.hpp>
#include <inngest/thread_pool.hpp>
#include <inngest/time/detail/saturated.hpp>

namespace inngest::inline INNGEST_ABI {

struct thread_pool::state {
  using place = std::list<std::thread>::iterator;

  explicit state(const thread_pool_options& chosen) : options(chosen) {}

  static void run(const std::shared_ptr<state>& self, place at);
  bool has_place(const std::shared_ptr<state>& self);
  bool add_thread(const std::shared_ptr<state>& self);
  bool must_wake();
  void await_work(std::unique_lock<std::mutex>& lock);

  thread_pool_options options;
  mutable std::mutex mutex{};  // guards the members below
  std::condition_variable wake{};
  std::deque<std::function<void()>> work{};
  std::list<std::thread> threads{};
  std::list<std::thread> ended{};  // ended, but not joined
  std::size_t idle = 0;            // threads that wait for work or are about to
  std::size_t asleep = 0;          // threads that wait for work
  bool is_waking = false;          // one of them was woken, but does not run yet
  bool is_stopped = false;
};

namespace detail {

/// Waits for threads to end, except the calling one.
INNGEST_INLINE void join_others(std::list<std::thread>& threads) {
  for (std::thread& thread : threads) {
    if (thread.get_id() == std::this_thread::get_id())
      thread.detach();
    else
      thread.join();
  }
}

INNGEST_INLINE void run_and_report(std::function<void()> work) noexcept {
  try {
    work();
  } catch (const std::exception& problem) {
    log_to_stderr(log_level::error, std::string("thread_pool: work threw an exception: ") + problem.what());
  } catch (...) {
    log_to_stderr(log_level::error, "thread_pool: work threw something that is not a std::exception");
  }
}

}  // namespace detail

INNGEST_INLINE thread_pool::thread_pool(thread_pool_options options) {
  if (options.threads == 0)
    options.threads = (std::max)(std::size_t{64}, std::size_t{8} * std::thread::hardware_concurrency());
  options.max_idle = detail::within_a_year(options.max_idle);
  state_ = std::make_shared<state>(options);
}

INNGEST_INLINE thread_pool::~thread_pool() { stop(); }

INNGEST_INLINE bool thread_pool::post(std::function<void()> work) {
  std::list<std::thread> ended;
  bool is_taken = false, must_wake = false;
  {
    const std::lock_guard lock(state_->mutex);
    ended.swap(state_->ended);
    if (state_->has_place(state_)) {
      state_->work.push_back(std::move(work));
      is_taken = true;
      must_wake = state_->must_wake();
    }
  }
  if (must_wake) state_->wake.notify_one();
  detail::join_others(ended);
  return is_taken;
}

INNGEST_INLINE void thread_pool::stop() {
  std::list<std::thread> all;
  {
    const std::lock_guard lock(state_->mutex);
    state_->is_stopped = true;
    all.splice(all.end(), state_->threads);
    all.splice(all.end(), state_->ended);
  }
  state_->wake.notify_all();
  detail::join_others(all);
}

INNGEST_INLINE std::size_t thread_pool::threads() const {
  const std::lock_guard lock(state_->mutex);
  return state_->threads.size();
}

/// Whether a thread will take more work, now or later. Starts a thread if none is free.
INNGEST_INLINE bool thread_pool::state::has_place(const std::shared_ptr<state>& self) {
  if (is_stopped) return false;
  if (work.size() < idle || add_thread(self)) return true;
  return !threads.empty() && work.size() - idle < options.queue;
}

/// Returns false when there are enough threads, or the system can start no more.
INNGEST_INLINE bool thread_pool::state::add_thread(const std::shared_ptr<state>& self) {
  if (threads.size() >= options.threads) return false;
  const place at = threads.emplace(threads.end());
  try {
    *at = std::thread([self, at] { run(self, at); });
    ++idle;
    return true;
  } catch (const std::exception&) {
    threads.erase(at);
    return false;
  }
}

/// Whether the caller must wake a thread after releasing the lock. Only one thread wakes up at a time, and
/// wakes the next when it takes its work: for short work, a running thread is faster than one that has to
/// wake up.
INNGEST_INLINE bool thread_pool::state::must_wake() {
  return !work.empty() && asleep > 0 && !std::exchange(is_waking, true);
}

/// Returns when there is work, after stop(), and when the thread was idle for too long.
INNGEST_INLINE void thread_pool::state::await_work(std::unique_lock<std::mutex>& lock) {
  const auto end = std::chrono::steady_clock::now() + options.max_idle;
  bool is_late = false;
  while (!is_late && !is_stopped && work.empty()) {
    ++asleep;
    is_late = wake.wait_until(lock, end) == std::cv_status::timeout;
    --asleep;
    is_waking = false;
  }
}

INNGEST_INLINE void thread_pool::state::run(const std::shared_ptr<state>& self, place at) {
  std::unique_lock lock(self->mutex);
  while (true) {
    self->await_work(lock);
    --self->idle;
    if (self->work.empty()) {
      if (self->is_stopped) return;  // stop() has taken the threads, and joins them
      self->ended.splice(self->ended.end(), self->threads, at);
      lock.unlock();
      return detail::free_spare_texts();
    }
    std::function<void()> work = std::move(self->work.front());
    self->work.pop_front();
    const bool must_wake = self->must_wake();
    lock.unlock();
    if (must_wake) self->wake.notify_one();
    detail::run_and_report(std::move(work));
    lock.lock();
    ++self->idle;
  }
}

}  // namespace inngest::inline INNGEST_ABI
