#pragma once

#include <vector>

#include <inngest/config.hpp>
#include <inngest/serving/call_registry.hpp>
#include <inngest/time/detail/saturated.hpp>

namespace inngest::inline INNGEST_ABI::serving {

INNGEST_INLINE std::size_t call_registry::count() const {
  const std::lock_guard lock(mutex_);
  return under_way_.size();
}

INNGEST_INLINE bool call_registry::drain(std::chrono::milliseconds grace) {
  const auto until = std::chrono::steady_clock::now() + detail::within_a_year(grace);
  std::vector<execution::call_stop> running;
  {
    const std::lock_guard lock(mutex_);
    is_draining_ = true;
    running.assign(under_way_.begin(), under_way_.end());
  }
  for (const execution::call_stop& stop : running) stop.request_shutdown();
  std::unique_lock lock(mutex_);
  return ended_.wait_until(lock, until, [&] { return under_way_.empty(); });
}

INNGEST_INLINE registered_call::registered_call(call_registry& calls, const execution::call_stop& stop)
    : calls_(calls) {
  const std::lock_guard lock(calls_.mutex_);
  if (!calls_.is_draining_) place_ = calls_.under_way_.insert(calls_.under_way_.end(), stop);
}

INNGEST_INLINE registered_call::~registered_call() {
  const std::lock_guard lock(calls_.mutex_);
  if (place_) calls_.under_way_.erase(*place_);
  calls_.ended_.notify_all();  // under the lock: the thread that waits may destroy the registry
}

}  // namespace inngest::inline INNGEST_ABI::serving
