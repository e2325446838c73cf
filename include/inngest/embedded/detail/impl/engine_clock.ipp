#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/engine_clock.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE void engine_clock::go_on_from(timestamp time, steady_time steady) {
  const std::lock_guard lock(mutex_);
  time_ = time;
  steady_ = steady;
  is_set_ = true;
}

INNGEST_INLINE timestamp engine_clock::now() {
  const std::lock_guard lock(mutex_);
  const system_time system = system_ ? system_() : std::chrono::system_clock::now();
  return advance(system, std::chrono::steady_clock::now());
}

INNGEST_INLINE timestamp engine_clock::advance(system_time system, steady_time steady) {
  constexpr auto max_lead = std::chrono::hours(24);
  if (is_set_) time_ += std::chrono::duration_cast<system_time::duration>((steady - steady_) / 2);
  if (!is_set_ || time_ < system || time_ - system > max_lead) time_ = system;
  steady_ = steady;
  is_set_ = true;
  return std::chrono::floor<std::chrono::milliseconds>(time_);
}

}  // namespace inngest::inline INNGEST_ABI::embedded
