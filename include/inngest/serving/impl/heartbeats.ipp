#pragma once

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/serving/heartbeats.hpp>

namespace inngest::inline INNGEST_ABI::serving {

struct heartbeats::state {
  using clock = std::chrono::steady_clock;

  explicit state(std::chrono::milliseconds chosen)
      : interval(std::clamp<std::chrono::milliseconds>(chosen, std::chrono::milliseconds(1),
                                                       std::chrono::hours(1))) {}

  void run();
  std::function<void()> next(clock::time_point now);

  const std::chrono::milliseconds interval;
  std::mutex mutex{};  // guards the members below
  std::condition_variable wake{};
  std::list<heartbeat::entry> entries{};  // ordered by due time, because all have the same interval
  bool is_running = false;
  bool is_stopped = false;
};

INNGEST_INLINE heartbeats::heartbeats(std::chrono::milliseconds interval)
    : state_(std::make_shared<state>(interval)) {}

INNGEST_INLINE heartbeats::~heartbeats() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->is_stopped = true;
  }
  state_->wake.notify_all();
  thread_.stop();
}

INNGEST_INLINE heartbeat::heartbeat(heartbeats& all, std::function<void()> function) : state_(all.state_) {
  std::list<entry> added;
  place_ = added.insert(added.end(), entry{{}, std::move(function)});
  bool must_start = false;
  {
    const std::lock_guard lock(state_->mutex);
    place_->due = heartbeats::state::clock::now() + state_->interval;
    state_->entries.splice(state_->entries.end(), added);
    must_start = !std::exchange(state_->is_running, true);
  }
  // A running thread need not be woken: it waits for an entry that is due earlier.
  if (!must_start || all.thread_.post([state = state_] { state->run(); })) return;
  const std::lock_guard lock(state_->mutex);
  state_->is_running = false;
}

INNGEST_INLINE heartbeat::~heartbeat() {
  std::list<entry> removed;  // destroys the function's captures without the lock
  const std::lock_guard lock(state_->mutex);
  removed.splice(removed.end(), state_->entries, place_);
}

/// Takes the first entry's function, and moves the entry to the end.
INNGEST_INLINE std::function<void()> heartbeats::state::next(clock::time_point now) {
  entries.front().due = now + interval;
  entries.splice(entries.end(), entries, entries.begin());
  return entries.back().function;
}

INNGEST_INLINE void heartbeats::state::run() {
  std::unique_lock lock(mutex);
  while (!is_stopped && !entries.empty()) {
    const clock::time_point due = entries.front().due, now = clock::now();
    if (now < due) {
      wake.wait_until(lock, due);
      continue;
    }
    std::function<void()> function = next(now);
    lock.unlock();
    function();
    function = nullptr;  // destroys the captures without the lock
    lock.lock();
  }
  is_running = false;
}

}  // namespace inngest::inline INNGEST_ABI::serving
