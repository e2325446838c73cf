#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Prevents unauthenticated callers from flooding the log: it passes one message of a kind per period, and
/// reports the number of suppressed messages. Thread-safe.
class log_limiter {
 public:
  using clock = std::chrono::steady_clock;

  explicit log_limiter(clock::duration period = std::chrono::minutes(1)) : period_(period) {}

  /// The number of messages suppressed since the last one, if a message may pass now; otherwise nullopt.
  std::optional<std::size_t> pass(int kind, clock::time_point now = clock::now());

 private:
  struct state {
    clock::time_point passed;
    std::size_t held_back;
  };

  const clock::duration period_;
  std::mutex mutex_;
  std::map<int, state> kinds_;
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/detail/impl/log_limiter.ipp>
#endif
