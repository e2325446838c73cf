#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Reads a duration as an Inngest server does, whichever SDK wrote it: an optional sign, then numbers with
/// units (w, d, h, m, s, ms, us, µs, ns), each of which may have a fraction, such as "1d12h", "1.5h" or
/// "-5s"; "0" needs no unit. Nothing for any other text, the empty one among them, and for more than 292
/// years. Less than a millisecond is rounded away from zero.
std::optional<std::chrono::milliseconds> parse_server_duration(std::string_view text);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/time/detail/impl/server_duration.ipp>
#endif
