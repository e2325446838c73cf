#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <mutex>
#include <utility>

#include <inngest/time/timestamp.hpp>

namespace inngest::embedded {

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
  void go_on_from(timestamp time, steady_time steady = std::chrono::steady_clock::now()) {
    const std::lock_guard lock(mutex_);
    time_ = time;
    steady_ = steady;
    is_set_ = true;
  }

  timestamp now() {
    const std::lock_guard lock(mutex_);
    const system_time system = system_ ? system_() : std::chrono::system_clock::now();
    return advance(system, std::chrono::steady_clock::now());
  }

  /// The engine's time, when these are the clocks' times.
  timestamp advance(system_time system, steady_time steady) {
    constexpr auto longest_lead = std::chrono::hours(24);
    if (is_set_) time_ += std::chrono::duration_cast<system_time::duration>((steady - steady_) / 2);
    if (!is_set_ || time_ < system || time_ - system > longest_lead) time_ = system;
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
