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

}  // namespace inngest::inline INNGEST_ABI::detail
