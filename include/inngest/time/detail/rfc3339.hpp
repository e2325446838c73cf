#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Reads a number of exactly `digits` decimal digits and removes it from the front of the text.
std::optional<int> take_number(std::string_view& text, std::size_t digits);

/// Removes `wanted` from the front of the text; returns false when the text does not begin with it.
bool take_char(std::string_view& text, char wanted);

/// An offset from UTC: "+05:30", "-08:00" or, without a sign, "05:30". The caller checks for the sign.
std::optional<std::chrono::seconds> parse_utc_offset(std::string_view text);

/// An RFC 3339 time with nanoseconds.
struct rfc3339_moment {
  std::chrono::sys_seconds seconds{};
  std::chrono::nanoseconds fraction{};  ///< less than a second; finer digits are cut off
  /// Whether the text had second 60; `seconds` is then the following second.
  bool is_leap_second = false;
};

/// Reads one or more digits of a fraction, to the nanosecond.
std::optional<std::chrono::nanoseconds> take_fraction(std::string_view& text);

/// Reads "2026-11-23T14:00:00.5Z" or "2026-11-23T14:00:00+01:00" (RFC 3339, 5.6). According to the RFC, T
/// and Z may be lower case, a second may be 60, and an offset has a sign.
std::optional<rfc3339_moment> parse_rfc3339(std::string_view text);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/time/detail/impl/rfc3339.ipp>
#endif
