#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/time/detail/http_date.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// How long an Inngest server waits at least before it tries again: from 15 seconds after the first attempt
/// (0) to two hours.
std::chrono::milliseconds least_retry_delay(int attempt);

/// The same and up to 30 seconds more, as it waits.
std::chrono::milliseconds server_retry_delay(int attempt);

/// The time that a Retry-After header says, in seconds or as a date of HTTP or RFC 3339: in a second at the
/// earliest, in a day at the latest, as an Inngest server limits it. Nothing for "0", which asks for no
/// delay of its own, and for what is neither.
std::optional<timestamp> retry_after(std::string_view text, timestamp now);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/retry.ipp>
#endif
