#pragma once

#include <inngest/config.hpp>
#include <inngest/detail/log_limiter.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::optional<std::size_t> log_limiter::pass(int kind, clock::time_point now) {
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

}  // namespace inngest::inline INNGEST_ABI::detail
