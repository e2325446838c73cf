#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The engine's time. It follows the system clock, but never goes back. When the system clock is set back,
/// the engine's time runs at half speed until the system clock has caught up, so that a sleep of one second
/// takes at most two. When the system clock is set forward, or back by more than a day, the engine's time
/// follows immediately.
class engine_clock {
 public:
  using system_time = std::chrono::system_clock::time_point;
  using steady_time = std::chrono::steady_clock::time_point;

  /// \param system Returns the system's time. Default: std::chrono::system_clock.
  explicit engine_clock(std::function<system_time()> system = {}) : system_(std::move(system)) {}

  /// Continues from the time of an earlier clock, unless the system's time is later.
  void go_on_from(timestamp time, steady_time steady = std::chrono::steady_clock::now());

  timestamp now();

  /// The engine's time for these readings of the clocks.
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
