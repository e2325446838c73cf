#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/serving/heartbeats.hpp>

namespace inngest::inline INNGEST_ABI::serving {

struct heartbeats::state {
  using clock = std::chrono::steady_clock;
  struct entry {
    std::chrono::milliseconds interval;
    beat function;
  };

  void run();

  std::mutex mutex{};  // protects the members below
  std::condition_variable wake{};
  std::multimap<clock::time_point, entry> entries{};  // by when they are due
  bool is_running = false;
  bool is_stopped = false;
};

INNGEST_INLINE heartbeats::heartbeats() : state_(std::make_shared<state>()) {}

INNGEST_INLINE heartbeats::~heartbeats() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->is_stopped = true;
  }
  state_->wake.notify_all();
  thread_.stop();
}

INNGEST_INLINE void heartbeats::add(std::chrono::milliseconds interval, beat function) {
  bool must_start = false;
  {
    const std::lock_guard lock(state_->mutex);
    state_->entries.emplace(state::clock::now() + interval, state::entry{interval, std::move(function)});
    must_start = !std::exchange(state_->is_running, true);
  }
  state_->wake.notify_all();
  if (!must_start || thread_.post([state = state_] { state->run(); })) return;
  const std::lock_guard lock(state_->mutex);
  state_->is_running = false;
}

INNGEST_INLINE void heartbeats::state::run() {
  std::unique_lock lock(mutex);
  while (!is_stopped && !entries.empty()) {
    const clock::time_point due = entries.begin()->first;
    if (clock::now() < due) {
      wake.wait_until(lock, due);
      continue;
    }
    auto node = entries.extract(entries.begin());
    lock.unlock();
    const bool goes_on = node.mapped().function();
    if (!goes_on) node = {};  // what it held is destroyed without the lock
    lock.lock();
    if (!goes_on) continue;
    node.key() = clock::now() + node.mapped().interval;
    entries.insert(std::move(node));
  }
  is_running = false;
}

}  // namespace inngest::inline INNGEST_ABI::serving
