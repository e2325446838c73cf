#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Keeps strangers from flooding a log: of each kind of message one passes in a period, and the next says how
/// many were held back. It may be used from many threads at once.
class log_limiter {
 public:
  using clock = std::chrono::steady_clock;

  explicit log_limiter(clock::duration period = std::chrono::minutes(1)) : period_(period) {}

  /// If a message of the kind may pass now: how many were held back since the last that did.
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
