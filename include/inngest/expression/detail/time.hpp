#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/checked_math.hpp>
#include <inngest/expression/detail/value.hpp>
#include <inngest/time/detail/rfc3339.hpp>
#include <inngest/time/detail/time_zone.hpp>

// Times of expressions: their texts, and what they are made of.

namespace inngest::inline INNGEST_ABI::detail {

inline constexpr std::int64_t nanoseconds_per_second = 1'000'000'000;
/// The years 1 to 9999.
inline constexpr std::int64_t first_second = -62'135'596'800, last_second = 253'402'300'799;

bool is_in_range(const cel_timestamp& time);

/// A time as RFC 3339 has it: "2026-11-23T14:00:00.5Z", "2026-11-23T14:00:00+01:00". CEL knows no leap
/// seconds and only the years 1 to 9999.
std::optional<cel_timestamp> parse_cel_timestamp(std::string_view text);

std::string two_digits(std::int64_t number);

/// ".5" of half a second, nothing of none.
std::string fraction_text(std::int64_t nanoseconds);

std::string text_of(const cel_timestamp& time);

/// Seconds, such as "3600s" or "-1.5s".
std::string text_of(const cel_duration& duration);

/// "1h30m", "-1.5s", "100ms"; with days and weeks, too, where they are allowed.
std::optional<cel_duration> parse_cel_duration(std::string_view text, bool with_days = false);

/// The clock of a zone: "Europe/Berlin", "+01:00", "UTC". Nothing when there is no such zone.
std::optional<std::chrono::sys_seconds> local_time(const cel_timestamp& time, const std::string& zone);

/// What a time's functions give, such as getMonth(): from 0, as getDate() is not. Nothing for other names.
std::optional<std::int64_t> part_of(const cel_timestamp& time, std::chrono::sys_seconds local,
                                    std::string_view function);

/// The whole duration in a unit; of milliseconds what is beyond the seconds.
std::optional<std::int64_t> part_of(const cel_duration& duration, std::string_view function);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/expression/detail/impl/time.ipp>
#endif
