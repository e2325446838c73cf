#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/base64.hpp>
#include <inngest/detail/sha1.hpp>

namespace inngest::inline INNGEST_ABI::detail {

using sha256_digest = std::array<std::uint8_t, 32>;

sha256_digest sha256(std::span<const std::uint8_t> bytes);
std::string sha256_hex(std::string_view text);

/// Like sha1::of, but with OpenSSL, which uses special CPU instructions and is several times faster.
sha1_digest sha1_at_run_time(std::string_view text);

/// HMAC-SHA256 of two concatenated texts, so that a large body need not be copied to append a few digits.
sha256_digest hmac_sha256(std::string_view key, std::string_view first, std::string_view second);

/// Compares in constant time, which does not reveal where the texts differ.
bool equal_in_constant_time(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b);
bool equal_in_constant_time(std::string_view a, std::string_view b);

void fill_with_random_bytes(std::span<std::uint8_t> out);

template <std::size_t Size>
std::array<std::uint8_t, Size> random_bytes() {
  std::array<std::uint8_t, Size> out{};
  fill_with_random_bytes(out);
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/detail/impl/crypto.ipp>
#endif
