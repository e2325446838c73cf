#pragma once

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <memory>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/error.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE sha256_digest sha256(std::span<const std::uint8_t> bytes) {
  sha256_digest out{};
  if (EVP_Digest(bytes.data(), bytes.size(), out.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    throw configuration_error("OpenSSL offers no SHA-256");
  }
  return out;
}

INNGEST_INLINE std::string sha256_hex(std::string_view text) {
  return to_hex(sha256({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}));
}

INNGEST_INLINE sha1_digest sha1_at_run_time(std::string_view text) {
  struct free_context {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  // Looking for the algorithm takes longer than the hash of a short text, so each thread does it once.
  thread_local const std::unique_ptr<EVP_MD_CTX, free_context> context = [] {
    std::unique_ptr<EVP_MD_CTX, free_context> made(EVP_MD_CTX_new());
    if (made && EVP_DigestInit_ex(made.get(), EVP_sha1(), nullptr) != 1) made.reset();
    return made;
  }();
  sha1_digest out{};
  const bool is_hashed = context && EVP_DigestInit_ex(context.get(), nullptr, nullptr) == 1 &&
                         EVP_DigestUpdate(context.get(), text.data(), text.size()) == 1 &&
                         EVP_DigestFinal_ex(context.get(), out.data(), nullptr) == 1;
  return is_hashed ? out : sha1::of(text);  // a FIPS provider may refuse SHA-1
}

INNGEST_INLINE sha256_digest hmac_sha256(std::string_view key, std::string_view first,
                                         std::string_view second) {
  static EVP_MAC* const algorithm =
      EVP_MAC_fetch(nullptr, "HMAC", nullptr);  // shared by threads, never freed
  const std::unique_ptr<EVP_MAC_CTX, void (*)(EVP_MAC_CTX*)> context(EVP_MAC_CTX_new(algorithm),
                                                                     EVP_MAC_CTX_free);
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                   OSSL_PARAM_construct_end()};
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  };

  sha256_digest out{};
  std::size_t size = 0;
  if (context == nullptr || EVP_MAC_init(context.get(), bytes(key), key.size(), parameters) != 1 ||
      EVP_MAC_update(context.get(), bytes(first), first.size()) != 1 ||
      EVP_MAC_update(context.get(), bytes(second), second.size()) != 1 ||
      EVP_MAC_final(context.get(), out.data(), &size, out.size()) != 1) {
    throw configuration_error("OpenSSL offers no HMAC-SHA256");
  }
  return out;
}

INNGEST_INLINE bool equal_in_constant_time(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

INNGEST_INLINE bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

INNGEST_INLINE void fill_with_random_bytes(std::span<std::uint8_t> out) {
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) {
    throw configuration_error("OpenSSL has no random numbers");
  }
}

INNGEST_INLINE std::string to_base64(std::span<const std::uint8_t> bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes.data(), static_cast<int>(bytes.size()));
  out.pop_back();  // EVP_EncodeBlock ends its text with a zero
  return out;
}

INNGEST_INLINE std::optional<std::string> from_base64(std::string_view text) {
  static constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t bits = 0;
    std::size_t padding = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const char c = text[i + j];
      const std::size_t value = c == '=' ? 0 : alphabet.find(c);
      if (c == '=') ++padding;
      const bool misplaced = c != '=' && padding > 0;
      if (value == alphabet.npos || misplaced || (padding > 0 && i + 4 != text.size())) return std::nullopt;
      bits = bits << 6 | static_cast<std::uint32_t>(value);
    }
    if (padding > 2) return std::nullopt;
    for (std::size_t j = 0; j < 3 - padding; ++j) out += static_cast<char>(bits >> (16 - 8 * j) & 0xFF);
  }
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::detail
