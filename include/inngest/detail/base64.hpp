#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Encodes bytes in the standard alphabet, with padding (RFC 4648, 4).
std::string to_base64(std::span<const std::uint8_t> bytes);

/// Decodes base64; nullopt for any other text.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/detail/impl/base64.ipp>
#endif
