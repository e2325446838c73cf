#pragma once

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/json/detail/canonical.hpp>
#include <inngest/json/detail/members.hpp>

// Signatures: `t=<unix seconds>&s=<hex HMAC-SHA256 of body and t>`, keyed with the signing key without its
// "signkey-<environment>-" prefix.

namespace inngest::inline INNGEST_ABI::protocol {

/// The maximum clock skew between the signer and this machine, in either direction.
inline constexpr std::chrono::seconds signature_window{300};

/// The length of "signkey-<environment>-" at the front of the key; 0 for a bare key.
std::size_t prefix_length(std::string_view key);

struct parsed_signature {
  std::string_view seconds;
  std::chrono::sys_seconds at;
  detail::sha256_digest mac{};
};

std::optional<parsed_signature> parse_signature(std::string_view header);

/// The header value for a body sent at `now`.
[[nodiscard]] std::string sign(std::string_view body, std::string_view signing_key,
                               std::chrono::sys_seconds now);

/// The verdict on a signature.
enum class signature_state {
  good,
  missing,            ///< there is no signature
  malformed,          ///< the header is not of the form `t=<seconds>&s=<hex>`
  stale,              ///< made too long ago, or in the future
  no_key,             ///< no key is configured
  mismatch,           ///< it was made with another key, or for another body
  duplicate_members,  ///< the body has an object with duplicate members
};

/// The result of checking a body's signature.
struct [[nodiscard]] signature_check {
  signature_state state = signature_state::missing;
  /// The signature's time minus the local time: negative for the past.
  std::chrono::seconds skew{};
  /// The key of a good signature.
  std::size_t key = 0;
  /// Set when only the canonical form of the body was signed. Read these bytes instead of the body, because
  /// only they are authenticated.
  std::optional<std::string> canonical{};

  bool is_good() const { return state == signature_state::good; }

  /// Why the signature is rejected, for logs. Contains neither keys nor payloads.
  std::string reason() const;
};

/// Checks whether `header` is the signature of `body` under one of the keys, made within five minutes of
/// `now`. Empty keys are skipped.
///
/// The bytes are checked as received, then in canonical form (RFC 8785), because a server signs the canonical
/// form of its sync requests. A body with duplicate members is never accepted, because two readers could find
/// different values in it.
signature_check check_signature(std::string_view header, std::string_view body,
                                std::initializer_list<std::string_view> keys, std::chrono::sys_seconds now);

/// Whether `header` is the signature of `body` under the key: see check_signature, which also returns the
/// signed bytes.
[[nodiscard]] bool verify(std::string_view header, std::string_view body, std::string_view signing_key,
                          std::chrono::sys_seconds now);

/// The bearer token for the server's API: the key's prefix, then the SHA-256 of the bytes that the rest of
/// the key encodes in hex.
[[nodiscard]] std::string hashed_signing_key(std::string_view signing_key);

}  // namespace inngest::inline INNGEST_ABI::protocol

#if !defined(INNGEST_COMPILED)
#include <inngest/protocol/impl/signature.ipp>
#endif
