#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>

namespace inngest::detail {

/// Keeps strangers from flooding a log: of each kind of message one passes in a period, and the next says how
/// many were held back. It may be used from many threads at once.
class log_limiter {
 public:
  using clock = std::chrono::steady_clock;

  explicit log_limiter(clock::duration period = std::chrono::minutes(1)) : period_(period) {}

  /// If a message of the kind may pass now: how many were held back since the last that did.
  std::optional<std::size_t> pass(int kind, clock::time_point now = clock::now()) {
    const std::lock_guard lock(mutex_);
    const auto [found, is_first] = kinds_.try_emplace(kind, state{now, 0});
    state& self = found->second;
    if (!is_first && now - self.passed < period_) {
      ++self.held_back;
      return std::nullopt;
    }
    const std::size_t held_back = self.held_back;
    self = {now, 0};
    return held_back;
  }

 private:
  struct state {
    clock::time_point passed;
    std::size_t held_back;
  };

  const clock::duration period_;
  std::mutex mutex_;
  std::map<int, state> kinds_;
};

}  // namespace inngest::detail
