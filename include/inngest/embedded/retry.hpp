#pragma once

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include <inngest/detail/crypto.hpp>
#include <inngest/detail/http_date.hpp>
#include <inngest/duration.hpp>

namespace inngest::embedded {

/// How long an Inngest server waits at least before it tries again: from 15 seconds after the first attempt
/// (0) to two hours.
inline std::chrono::milliseconds least_retry_delay(int attempt) {
  using std::chrono::hours, std::chrono::minutes, std::chrono::seconds;
  constexpr seconds delays[] = {seconds(15), seconds(30), minutes(1),  minutes(2), minutes(5),
                                minutes(10), minutes(20), minutes(40), hours(1),   hours(2)};
  const auto last = static_cast<int>(std::size(delays)) - 1;
  return delays[std::clamp(attempt, 0, last)];
}

/// The same and up to 30 seconds more, as it waits.
inline std::chrono::milliseconds server_retry_delay(int attempt) {
  const auto chance = detail::random_bytes<2>();
  return least_retry_delay(attempt) +
         std::chrono::milliseconds((chance[0] * 256 + chance[1]) * 30'000 / 65'536);
}

/// The time that a Retry-After header says, in seconds or as a date: in a second at the earliest, in a day at
/// the latest. Nothing for "0", which says none, and for what is neither.
inline std::optional<timestamp> retry_after(std::string_view text, timestamp now) {
  constexpr std::chrono::milliseconds shortest = std::chrono::seconds(1), longest = std::chrono::hours(24);
  std::optional<timestamp> out = detail::parse_http_date(text);
  if (!out) out = parse_timestamp(text);
  if (const auto seconds = parse_duration(std::string(text) + "s"); seconds && seconds->count() > 0)
    out = now + std::min(*seconds, longest);
  return out ? std::optional(std::clamp(*out, now + shortest, now + longest)) : std::nullopt;
}

}  // namespace inngest::embedded
