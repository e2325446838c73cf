#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/time/detail/rfc3339.hpp>

namespace inngest::inline INNGEST_ABI {

/// A point in time as the protocol counts it: milliseconds since 1970, UTC.
using timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

/// The time in RFC 3339 with milliseconds, such as "2026-11-23T04:40:40.258Z". Times outside the years 0 to
/// 9999 are limited to that range, because a year has four digits.
[[nodiscard]] std::string to_text(timestamp moment);

/// Reads an RFC 3339 time such as "2026-11-23T05:40:40.258+01:00"; `nullopt` for any other text. Digits
/// beyond milliseconds are dropped. T and Z must be capitals.
[[nodiscard]] std::optional<timestamp> parse_timestamp(std::string_view text);

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/time/impl/timestamp.ipp>
#endif
