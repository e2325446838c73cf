#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Reads a duration as an Inngest server does, from any SDK: an optional sign, then numbers with units (w, d,
/// h, m, s, ms, us, µs, ns). Numbers may have a fraction: "1d12h", "1.5h" or "-5s". "0" needs no unit.
/// nullopt for any other text, including the empty text, and for more than 292 years. Fractions of a
/// millisecond are rounded away from zero.
std::optional<std::chrono::milliseconds> parse_server_duration(std::string_view text);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/time/detail/impl/server_duration.ipp>
#endif
