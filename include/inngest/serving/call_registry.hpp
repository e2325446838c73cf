#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <vector>

#include <inngest/execution/call_stop.hpp>

namespace inngest::serving {

/// The calls that are under way, which stopping the app has to wait for. It may be used from many threads at
/// once.
class call_registry {
 public:
  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return under_way_.size();
  }

  /// Refuses new calls, asks those under way to stop and waits for them until the grace is over. True when
  /// none is under way any more.
  bool drain(std::chrono::milliseconds grace) {
    constexpr std::chrono::milliseconds shortest{0}, longest = std::chrono::hours(366 * 24);
    std::vector<execution::call_stop> running;
    {
      const std::lock_guard lock(mutex_);
      is_draining_ = true;
      running.assign(under_way_.begin(), under_way_.end());
    }
    for (const execution::call_stop& stop : running) stop.request_shutdown();
    std::unique_lock lock(mutex_);
    return ended_.wait_for(lock, std::clamp(grace, shortest, longest), [&] { return under_way_.empty(); });
  }

 private:
  friend class registered_call;

  mutable std::mutex mutex_;
  std::condition_variable ended_;
  std::list<execution::call_stop> under_way_;
  bool is_draining_ = false;
};

/// A call that is under way while this lives.
class registered_call {
 public:
  registered_call(call_registry& calls, const execution::call_stop& stop) : calls_(calls) {
    const std::lock_guard lock(calls_.mutex_);
    if (!calls_.is_draining_) place_ = calls_.under_way_.insert(calls_.under_way_.end(), stop);
  }
  ~registered_call() {
    const std::lock_guard lock(calls_.mutex_);
    if (place_) calls_.under_way_.erase(*place_);
    calls_.ended_.notify_all();  // under the lock: the thread that waits may destroy the registry
  }
  registered_call(const registered_call&) = delete;
  registered_call& operator=(const registered_call&) = delete;
  /// The app is stopping: the call must not begin.
  bool is_refused() const { return !place_; }

 private:
  call_registry& calls_;
  std::optional<std::list<execution::call_stop>::iterator> place_;
};

}  // namespace inngest::serving
