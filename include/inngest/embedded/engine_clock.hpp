#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <mutex>
#include <utility>

#include <inngest/duration.hpp>

namespace inngest::embedded {

/// The time of an engine. It is the system's, but never goes back: when the system clock is set back, the
/// engine's time goes on at half the speed until the system clock has caught up, so that a sleep of a second
/// then takes two at most. When the system clock is set forward it follows at once.
class engine_clock {
 public:
  using system_time = std::chrono::system_clock::time_point;
  using steady_time = std::chrono::steady_clock::time_point;

  /// \param system Gives the system's time. Default: std::chrono::system_clock.
  explicit engine_clock(std::function<system_time()> system = {}) : system_(std::move(system)) {}

  timestamp now() {
    const std::lock_guard lock(mutex_);
    const system_time system = system_ ? system_() : std::chrono::system_clock::now();
    return advance(system, std::chrono::steady_clock::now());
  }

  /// The engine's time, when these are the clocks' times.
  timestamp advance(system_time system, steady_time steady) {
    const auto passed = is_set_ ? steady - steady_ : steady_time::duration::zero();
    time_ = is_set_ ? std::max(system, time_ + std::chrono::duration_cast<system_time::duration>(passed / 2))
                    : system;
    steady_ = steady;
    is_set_ = true;
    return std::chrono::floor<std::chrono::milliseconds>(time_);
  }

 private:
  const std::function<system_time()> system_;
  std::mutex mutex_;
  bool is_set_ = false;
  system_time time_{};
  steady_time steady_{};
};

}  // namespace inngest::embedded
