#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/execution/call_stop.hpp>

namespace inngest::inline INNGEST_ABI::serving {

/// The calls that are under way, which stopping the app has to wait for. It may be used from many threads at
/// once.
class call_registry {
 public:
  std::size_t count() const;

  /// Refuses new calls, asks those under way to stop and waits for them until the grace is over. True when
  /// none is under way any more.
  bool drain(std::chrono::milliseconds grace);

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
  registered_call(call_registry& calls, const execution::call_stop& stop);
  ~registered_call();
  registered_call(const registered_call&) = delete;
  registered_call& operator=(const registered_call&) = delete;
  /// The app is stopping: the call must not begin.
  bool is_refused() const { return !place_; }

 private:
  call_registry& calls_;
  std::optional<std::list<execution::call_stop>::iterator> place_;
};

}  // namespace inngest::inline INNGEST_ABI::serving

#if !defined(INNGEST_COMPILED)
#include <inngest/serving/impl/call_registry.ipp>
#endif
