#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/time/detail/saturated.hpp>

namespace inngest::inline INNGEST_ABI {

/// A duration as the protocol writes it, such as "1h30m" or "2s500ms"; zero is "0s". It uses only the units
/// that every reader of the protocol knows: h, m, s and ms.
/// \throws configuration_error for a negative duration.
[[nodiscard]] std::string to_text(duration_ms duration);

/// Reads a duration such as "1d12h" (units w, d, h, m, s, ms, us, ns); `nullopt` for any other text.
/// A fraction of a millisecond is rounded up.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/time/impl/duration.ipp>
#endif
