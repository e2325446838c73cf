#pragma once

#include <chrono>
#include <string>

namespace terminal {

/// Converts a time that a user entered to RFC 3339: a duration before now ("90m", "2d12h"), a day
/// ("2026-11-26", in UTC), or RFC 3339.
/// \throws failure that names the option.
std::string moment(const std::string& option, const std::string& text);

/// The age of an RFC 3339 time, such as "5s", "12m", "3h" or "4d"; "in 5s" for a time in the future; the text
/// itself if it is not a time.
std::string age(const std::string& moment);

/// The difference between two times, such as "350ms", "2.5s" or "3h12m"; empty if one of them is not a time.
std::string time_between(const std::string& from, const std::string& to);

/// An RFC 3339 time in readable form: "2026-11-26 11:04:12.031Z".
std::string readable_time(const std::string& moment);

/// A duration in readable form.
std::string readable_duration(std::chrono::milliseconds duration);

}  // namespace terminal
