#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/embedded/detail/retry.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::chrono::milliseconds least_retry_delay(int attempt) {
  using std::chrono::hours, std::chrono::minutes, std::chrono::seconds;
  constexpr seconds delays[] = {seconds(15), seconds(30), minutes(1),  minutes(2), minutes(5),
                                minutes(10), minutes(20), minutes(40), hours(1),   hours(2)};
  const auto last = static_cast<int>(std::size(delays)) - 1;
  return delays[std::clamp(attempt, 0, last)];
}

INNGEST_INLINE std::chrono::milliseconds server_retry_delay(int attempt) {
  const auto chance = detail::random_bytes<2>();
  return least_retry_delay(attempt) +
         std::chrono::milliseconds((chance[0] * 256 + chance[1]) * 30'000 / 65'536);
}

INNGEST_INLINE std::optional<timestamp> retry_after(std::string_view text, timestamp now) {
  using std::chrono::seconds;
  constexpr seconds shortest(1), longest = std::chrono::hours(24);
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return std::nullopt;
  text = text.substr(first, text.find_last_not_of(" \t") + 1 - first);

  if (detail::has_only_digits(text)) {
    seconds delay{};  // capped, because there may be any number of digits
    for (const char c : text) delay = (std::min)(longest, delay * 10 + seconds(c - '0'));
    return delay.count() > 0 ? std::optional(now + delay) : std::nullopt;
  }
  std::optional<timestamp> out = detail::parse_http_date(text, std::chrono::floor<seconds>(now));
  if (!out) out = parse_timestamp(text);
  return out ? std::optional(std::clamp(*out, now + shortest, now + longest)) : std::nullopt;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
