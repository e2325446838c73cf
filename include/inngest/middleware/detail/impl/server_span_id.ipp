#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/middleware/detail/server_span_id.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE void chacha_quarter(std::array<std::uint32_t, 16>& s, std::size_t a, std::size_t b,
                                   std::size_t c, std::size_t d) {
  s[a] += s[b];
  s[d] = std::rotl(s[d] ^ s[a], 16);
  s[c] += s[d];
  s[b] = std::rotl(s[b] ^ s[c], 12);
  s[a] += s[b];
  s[d] = std::rotl(s[d] ^ s[a], 8);
  s[c] += s[d];
  s[b] = std::rotl(s[b] ^ s[c], 7);
}

/// The second word of a block of eight rounds. The generator adds only the key to a block, and this word is
/// not part of the key.
INNGEST_INLINE std::uint32_t chacha8_second_word(const sha256_digest& key, std::uint32_t block) {
  std::array<std::uint32_t, 16> s{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  for (std::size_t i = 0; i < key.size(); ++i)
    s[4 + i / 4] |= static_cast<std::uint32_t>(key[i]) << (8 * (i % 4));
  s[12] = block;
  for (int round = 0; round < 8; round += 2) {
    for (std::size_t i = 0; i < 4; ++i) chacha_quarter(s, i, 4 + i, 8 + i, 12 + i);
    for (std::size_t i = 0; i < 4; ++i)
      chacha_quarter(s, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
  }
  return s[1];
}

INNGEST_INLINE std::string server_span_id(std::string_view seed) {
  const sha256_digest key = sha256({reinterpret_cast<const std::uint8_t*>(seed.data()), seed.size()});
  std::array<std::uint8_t, 8>
      id{};  // the generator interleaves the words of its blocks, the first byte lowest
  for (std::uint32_t block = 0; block < 2; ++block) {
    const std::uint32_t word = chacha8_second_word(key, block);
    for (std::size_t i = 0; i < 4; ++i) id[4 * block + i] = static_cast<std::uint8_t>(word >> (8 * i));
  }
  return to_hex(id);
}

}  // namespace inngest::inline INNGEST_ABI::detail
