#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <mutex>
#include <optional>

#include <inngest/config.hpp>
#include <inngest/execution/call_stop.hpp>

namespace inngest::inline INNGEST_ABI::serving {

/// The running calls, which the app waits for when it shuts down. Thread-safe.
class call_registry {
 public:
  /// The number of running calls.
  std::size_t count() const;

  /// Rejects new calls, asks running calls to stop and waits for them up to the grace period. Returns true
  /// when no call is running.
  bool drain(std::chrono::milliseconds grace);

 private:
  friend class registered_call;

  mutable std::mutex mutex_;
  std::condition_variable ended_;
  std::list<execution::call_stop> under_way_;
  bool is_draining_ = false;
};

/// Registers a call as running during its lifetime.
class registered_call {
 public:
  registered_call(call_registry& calls, const execution::call_stop& stop);
  ~registered_call();
  registered_call(const registered_call&) = delete;
  registered_call& operator=(const registered_call&) = delete;
  /// Whether the app is stopping, so that the call must not begin.
  bool is_refused() const { return !place_; }

 private:
  call_registry& calls_;
  std::optional<std::list<execution::call_stop>::iterator> place_;
};

}  // namespace inngest::inline INNGEST_ABI::serving

#if !defined(INNGEST_COMPILED)
#include <inngest/serving/impl/call_registry.ipp>
#endif
