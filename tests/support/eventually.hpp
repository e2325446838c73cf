#pragma once

#include <atomic>
#include <chrono>
#include <thread>

namespace support {

/// How long a test waits for something that takes milliseconds. It is long, because sanitizers and other
/// tests slow the machine down, and it is shorter than the patience of the watchdog in main.cpp.
inline constexpr std::chrono::minutes patience{3};

/// Waits for a condition.
template <class Condition>
bool eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return condition();  // the thread may have got no processor until now
}

/// Holds a function's body until its test sets the flag. A test that fails before it does so must not hang:
/// the body then goes on by itself, before the watchdog ends the whole program.
inline void hold_until(const std::atomic<bool>& flag) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!flag && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

}  // namespace support
