#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <mutex>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The time of an engine. It is the system's, but does not go back: when the system clock is set back, the
/// engine's time goes on at half the speed until the system clock has caught up, so that a sleep of a second
/// then takes two at most. When the system clock is set forward, or back by more than a day, it follows at
/// once.
class engine_clock {
 public:
  using system_time = std::chrono::system_clock::time_point;
  using steady_time = std::chrono::steady_clock::time_point;

  /// \param system Gives the system's time. Default: std::chrono::system_clock.
  explicit engine_clock(std::function<system_time()> system = {}) : system_(std::move(system)) {}

  /// Goes on from a time that an earlier clock gave, unless the system's has passed it.
  void go_on_from(timestamp time, steady_time steady = std::chrono::steady_clock::now());

  timestamp now();

  /// The engine's time, when these are the clocks' times.
  timestamp advance(system_time system, steady_time steady);

 private:
  const std::function<system_time()> system_;
  std::mutex mutex_;
  bool is_set_ = false;
  system_time time_{};
  steady_time steady_{};
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/engine_clock.ipp>
#endif
