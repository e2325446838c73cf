#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/time/detail/http_date.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The minimum delay of an Inngest server before the next attempt: from 15 seconds after the first attempt
/// (0) to two hours.
std::chrono::milliseconds least_retry_delay(int attempt);

/// A server's delay: the minimum plus up to 30 random seconds.
std::chrono::milliseconds server_retry_delay(int attempt);

/// The time of a Retry-After header, which contains seconds, an HTTP date or RFC 3339. Like an Inngest
/// server, limits the delay to between a second and a day. `nullopt` for "0" (no delay requested) and for
/// malformed values.
std::optional<timestamp> retry_after(std::string_view text, timestamp now);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/retry.ipp>
#endif
