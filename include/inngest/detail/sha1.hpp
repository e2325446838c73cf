#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::detail {

using sha1_digest = std::array<std::uint8_t, 20>;

/// a == b in parts that compilers compare without a call of memcmp. A replay compares several ids for every
/// step.
inline bool is_same(const sha1_digest& a, const sha1_digest& b) {
  return std::memcmp(a.data(), b.data(), 16) == 0 && std::memcmp(a.data() + 16, b.data() + 16, 4) == 0;
}

/// SHA-1 that also runs at compile time, so that literal step ids cost nothing at run time. The
/// protocol identifies steps by SHA-1; its security does not depend on collision resistance.
class sha1 {
 public:
  static constexpr sha1_digest of(std::string_view text) {
    sha1 hash;
    std::array<std::uint8_t, 64> block{};
    std::size_t used = 0;
    for (const char c : text) {
      block[used++] = static_cast<std::uint8_t>(c);
      if (used == block.size()) {
        hash.add(block);
        used = 0;
      }
    }
    hash.finish(block, used, text.size());
    return hash.digest();
  }

 private:
  constexpr void finish(std::array<std::uint8_t, 64>& block, std::size_t used, std::uint64_t length) {
    block[used++] = 0x80;
    if (used > 56) {
      while (used < 64) block[used++] = 0;
      add(block);
      used = 0;
    }
    while (used < 56) block[used++] = 0;
    for (unsigned i = 0; i < 8; ++i) block[63 - i] = static_cast<std::uint8_t>((length * 8) >> (8 * i));
    add(block);
  }

  constexpr void add(const std::array<std::uint8_t, 64>& block) {
    std::array<std::uint32_t, 80> word{};
    for (std::size_t i = 0; i < 16; ++i) {
      word[i] = std::uint32_t{block[4 * i]} << 24 | std::uint32_t{block[4 * i + 1]} << 16 |
                std::uint32_t{block[4 * i + 2]} << 8 | std::uint32_t{block[4 * i + 3]};
    }
    for (std::size_t i = 16; i < 80; ++i) {
      word[i] = rotate(word[i - 3] ^ word[i - 8] ^ word[i - 14] ^ word[i - 16], 1);
    }

    auto [a, b, c, d, e] = state_;
    // Five unrolled rounds rotate the five variables by name instead of moving their values.
    for (std::size_t i = 0; i < 20; i += 5) {
      round(word[i] + 0x5A827999u + choice(b, c, d), a, b, e);
      round(word[i + 1] + 0x5A827999u + choice(a, b, c), e, a, d);
      round(word[i + 2] + 0x5A827999u + choice(e, a, b), d, e, c);
      round(word[i + 3] + 0x5A827999u + choice(d, e, a), c, d, b);
      round(word[i + 4] + 0x5A827999u + choice(c, d, e), b, c, a);
    }
    for (std::size_t i = 20; i < 40; i += 5) {
      round(word[i] + 0x6ED9EBA1u + parity(b, c, d), a, b, e);
      round(word[i + 1] + 0x6ED9EBA1u + parity(a, b, c), e, a, d);
      round(word[i + 2] + 0x6ED9EBA1u + parity(e, a, b), d, e, c);
      round(word[i + 3] + 0x6ED9EBA1u + parity(d, e, a), c, d, b);
      round(word[i + 4] + 0x6ED9EBA1u + parity(c, d, e), b, c, a);
    }
    for (std::size_t i = 40; i < 60; i += 5) {
      round(word[i] + 0x8F1BBCDCu + majority(b, c, d), a, b, e);
      round(word[i + 1] + 0x8F1BBCDCu + majority(a, b, c), e, a, d);
      round(word[i + 2] + 0x8F1BBCDCu + majority(e, a, b), d, e, c);
      round(word[i + 3] + 0x8F1BBCDCu + majority(d, e, a), c, d, b);
      round(word[i + 4] + 0x8F1BBCDCu + majority(c, d, e), b, c, a);
    }
    for (std::size_t i = 60; i < 80; i += 5) {
      round(word[i] + 0xCA62C1D6u + parity(b, c, d), a, b, e);
      round(word[i + 1] + 0xCA62C1D6u + parity(a, b, c), e, a, d);
      round(word[i + 2] + 0xCA62C1D6u + parity(e, a, b), d, e, c);
      round(word[i + 3] + 0xCA62C1D6u + parity(d, e, a), c, d, b);
      round(word[i + 4] + 0xCA62C1D6u + parity(c, d, e), b, c, a);
    }
    state_[0] += a;
    state_[1] += b;
    state_[2] += c;
    state_[3] += d;
    state_[4] += e;
  }

  static constexpr void round(std::uint32_t sum, std::uint32_t a, std::uint32_t& b, std::uint32_t& e) {
    e += rotate(a, 5) + sum;
    b = rotate(b, 30);
  }
  static constexpr std::uint32_t choice(std::uint32_t b, std::uint32_t c, std::uint32_t d) {
    return d ^ (b & (c ^ d));
  }
  static constexpr std::uint32_t parity(std::uint32_t b, std::uint32_t c, std::uint32_t d) {
    return b ^ c ^ d;
  }
  static constexpr std::uint32_t majority(std::uint32_t b, std::uint32_t c, std::uint32_t d) {
    return (b & c) | (d & (b | c));
  }

  static constexpr std::uint32_t rotate(std::uint32_t value, int bits) {
    return (value << bits) | (value >> (32 - bits));
  }

  constexpr sha1_digest digest() const {
    sha1_digest out{};
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<std::uint8_t>(state_[i / 4] >> (24 - 8 * (i % 4)));
    }
    return out;
  }

  std::array<std::uint32_t, 5> state_{0x67452301u, 0xEFCDAB89u, 0x98BADCFEu, 0x10325476u, 0xC3D2E1F0u};
};

}  // namespace inngest::inline INNGEST_ABI::detail
