#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/checked_math.hpp>
#include <inngest/expression/detail/value.hpp>
#include <inngest/time/detail/rfc3339.hpp>
#include <inngest/time/detail/time_zone.hpp>

// Timestamps and durations of expressions: their text forms and components.

namespace inngest::inline INNGEST_ABI::detail {

inline constexpr std::int64_t nanoseconds_per_second = 1'000'000'000;
/// The years 1 to 9999.
inline constexpr std::int64_t first_second = -62'135'596'800, last_second = 253'402'300'799;

bool is_in_range(const cel_timestamp& time);

/// Reads an RFC 3339 time: "2026-11-23T14:00:00.5Z", "2026-11-23T14:00:00+01:00". CEL has no leap
/// seconds and only the years 1 to 9999.
std::optional<cel_timestamp> parse_cel_timestamp(std::string_view text);

std::string two_digits(std::int64_t number);

/// The fraction as text: ".5" for half a second, empty for zero.
std::string fraction_text(std::int64_t nanoseconds);

std::string text_of(const cel_timestamp& time);

/// The duration in seconds, such as "3600s" or "-1.5s".
std::string text_of(const cel_duration& duration);

/// Reads "1h30m", "-1.5s" or "100ms"; also days and weeks where they are allowed.
std::optional<cel_duration> parse_cel_duration(std::string_view text, bool with_days = false);

/// The local time of a zone: "Europe/Berlin", "+01:00", "UTC". nullopt for an unknown zone.
std::optional<std::chrono::sys_seconds> local_time(const cel_timestamp& time, const std::string& zone);

/// The result of a time's function such as getMonth(), which counts from 0 (getDate() from 1). nullopt for
/// other names.
std::optional<std::int64_t> part_of(const cel_timestamp& time, std::chrono::sys_seconds local,
                                    std::string_view function);

/// The whole duration in a unit; for milliseconds, only the part below a second.
std::optional<std::int64_t> part_of(const cel_duration& duration, std::string_view function);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/expression/detail/impl/time.ipp>
#endif
