#pragma once

#include <atomic>
#include <chrono>
#include <thread>

namespace support {

/// Waits for a condition, up to three minutes: what takes a second may take one of these on a busy machine.
template <class Condition>
bool eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(3);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// Holds a function's body until its test sets the flag. A test that fails before it does so must not hang:
/// the body goes on after three minutes, before the watchdog ends the whole program.
inline void hold_until(const std::atomic<bool>& flag) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(3);
  while (!flag && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

}  // namespace support
