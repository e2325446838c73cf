#pragma once

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/opensslv.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#if OPENSSL_VERSION_NUMBER >= 0x30000000L
#include <openssl/params.h>
#else  // OpenSSL 1.1
#include <openssl/hmac.h>
#endif

#include <memory>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/error.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE sha256_digest sha256(std::span<const std::uint8_t> bytes) {
  sha256_digest out{};
  if (EVP_Digest(bytes.data(), bytes.size(), out.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    throw configuration_error("OpenSSL provides no SHA-256");
  }
  return out;
}

INNGEST_INLINE std::string sha256_hex(std::string_view text) {
  return to_hex(sha256({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}));
}

#if OPENSSL_VERSION_NUMBER >= 0x30000000L && !defined(OPENSSL_NO_DEPRECATED_3_0) && \
    !defined(LIBRESSL_VERSION_NUMBER) && !defined(OPENSSL_IS_BORINGSSL)
// OpenSSL deprecates these functions in favour of EVP, which takes three times as long for a short text.
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#elif defined(_MSC_VER)
#pragma warning(push)
#pragma warning(disable : 4996)
#endif
INNGEST_INLINE sha1_digest sha1_at_run_time(std::string_view text) {
  sha1_digest out{};
  SHA_CTX context;
  const bool is_hashed = SHA1_Init(&context) == 1 && SHA1_Update(&context, text.data(), text.size()) == 1 &&
                         SHA1_Final(out.data(), &context) == 1;
  return is_hashed ? out : sha1::of(text);
}
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#elif defined(_MSC_VER)
#pragma warning(pop)
#endif

#else

INNGEST_INLINE sha1_digest sha1_at_run_time(std::string_view text) {
  struct free_context {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  // Looking up the algorithm takes longer than hashing a short text, so each thread does it only once.
  thread_local const std::unique_ptr<EVP_MD_CTX, free_context> context = [] {
    std::unique_ptr<EVP_MD_CTX, free_context> made(EVP_MD_CTX_new());
    if (made && EVP_DigestInit_ex(made.get(), EVP_sha1(), nullptr) != 1) made.reset();
    return made;
  }();
#ifdef OPENSSL_IS_BORINGSSL
  const EVP_MD* const algorithm = EVP_sha1();
#else
  constexpr const EVP_MD* algorithm = nullptr;  // keep the previous one
#endif
  sha1_digest out{};
  const bool is_hashed = context && EVP_DigestInit_ex(context.get(), algorithm, nullptr) == 1 &&
                         EVP_DigestUpdate(context.get(), text.data(), text.size()) == 1 &&
                         EVP_DigestFinal_ex(context.get(), out.data(), nullptr) == 1;
  return is_hashed ? out : sha1::of(text);  // a FIPS provider may not support SHA-1
}

#endif

#if OPENSSL_VERSION_NUMBER >= 0x30000000L
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
    throw configuration_error("OpenSSL provides no HMAC-SHA256");
  }
  return out;
}

#else

INNGEST_INLINE sha256_digest hmac_sha256(std::string_view key, std::string_view first,
                                         std::string_view second) {
  const std::unique_ptr<HMAC_CTX, void (*)(HMAC_CTX*)> context(HMAC_CTX_new(), HMAC_CTX_free);
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  };

  sha256_digest out{};
  unsigned int size = 0;
  // A null key would mean the previous key.
  if (context == nullptr ||
      HMAC_Init_ex(context.get(), key.empty() ? "" : key.data(), static_cast<int>(key.size()), EVP_sha256(),
                   nullptr) != 1 ||
      HMAC_Update(context.get(), bytes(first), first.size()) != 1 ||
      HMAC_Update(context.get(), bytes(second), second.size()) != 1 ||
      HMAC_Final(context.get(), out.data(), &size) != 1) {
    throw configuration_error("OpenSSL provides no HMAC-SHA256");
  }
  return out;
}

#endif

INNGEST_INLINE bool equal_in_constant_time(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

INNGEST_INLINE bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

INNGEST_INLINE void fill_with_random_bytes(std::span<std::uint8_t> out) {
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) {
    throw configuration_error("OpenSSL can't generate random numbers");
  }
}

}  // namespace inngest::inline INNGEST_ABI::detail
