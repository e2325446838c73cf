#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include <inngest/detail/crypto.hpp>

namespace inngest::embedded {

/// How long an Inngest server waits before it tries again: from 15 seconds after the first attempt (0) to two
/// hours, and up to 30 seconds more.
inline std::chrono::milliseconds server_retry_delay(int attempt) {
  using std::chrono::hours, std::chrono::minutes, std::chrono::seconds;
  constexpr seconds delays[] = {seconds(15), seconds(30), minutes(1),  minutes(2), minutes(5),
                                minutes(10), minutes(20), minutes(40), hours(1),   hours(2)};
  const auto last = static_cast<int>(std::size(delays)) - 1;
  const auto chance = detail::random_bytes<2>();
  const std::chrono::milliseconds jitter((chance[0] * 256 + chance[1]) * 30'000 / 65'536);
  return delays[std::clamp(attempt, 0, last)] + jitter;
}

}  // namespace inngest::embedded
