#pragma once

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/json/detail/canonical.hpp>
#include <inngest/json/detail/members.hpp>

// Signatures: `t=<unix seconds>&s=<hex HMAC-SHA256 of body and t>`, keyed with the signing key without its
// "signkey-<environment>-" prefix.

namespace inngest::inline INNGEST_ABI::protocol {

/// How far the signature's clock and ours may be apart, either way.
inline constexpr std::chrono::seconds signature_window{300};

/// The length of "signkey-<environment>-" at the front of the key; 0 for a bare key.
std::size_t prefix_length(std::string_view key);

struct parsed_signature {
  std::string_view seconds;
  std::chrono::sys_seconds at;
  detail::sha256_digest mac{};
};

std::optional<parsed_signature> parse_signature(std::string_view header);

/// The header value for a body that is sent at `now`.
[[nodiscard]] std::string sign(std::string_view body, std::string_view signing_key,
                               std::chrono::sys_seconds now);

/// What was found when a signature was checked.
enum class signature_state {
  good,
  missing,            ///< there is no signature
  malformed,          ///< the header is not of the form `t=<seconds>&s=<hex>`
  stale,              ///< made too long ago, or in the future
  no_key,             ///< there is no key to check it with
  mismatch,           ///< another key made it, or it is another body's
  duplicate_members,  ///< it is right, but an object of the body has two members with the same name
};
inline constexpr std::size_t signature_states = 7;

/// The result of checking a body's signature.
struct [[nodiscard]] signature_check {
  signature_state state = signature_state::missing;
  /// The signature's time minus ours: negative for one from the past.
  std::chrono::seconds skew{};
  /// Which of the keys made a good signature.
  std::size_t key = 0;
  /// Set when the signature is good for the canonical form of the body only: then these bytes must be read in
  /// place of the body, because no others were signed.
  std::optional<std::string> canonical{};

  bool is_good() const { return state == signature_state::good; }

  /// Why the signature is refused, in words for a log. Neither keys nor payloads are in it.
  std::string reason() const;
};

/// Checks whether `header` is the signature of `body` under one of the keys, made within five minutes of
/// `now`. Empty keys are skipped.
///
/// The bytes are tried as they came, then in canonical form (RFC 8785): a server signs its sync requests
/// over that form, whatever it sends. A body in which an object has two members with the same name is never
/// good: two readers could find different values in it.
signature_check check_signature(std::string_view header, std::string_view body,
                                std::initializer_list<std::string_view> keys, std::chrono::sys_seconds now);

/// Whether `header` is the signature of `body` under the key: see check_signature, which also tells which
/// bytes were signed.
[[nodiscard]] bool verify(std::string_view header, std::string_view body, std::string_view signing_key,
                          std::chrono::sys_seconds now);

/// What authorizes a call of the server's API: the key's prefix and the SHA-256 of the bytes that the rest
/// of it spells in hex.
[[nodiscard]] std::string hashed_signing_key(std::string_view signing_key);

}  // namespace inngest::inline INNGEST_ABI::protocol

#if !defined(INNGEST_COMPILED)
#include <inngest/protocol/impl/signature.ipp>
#endif
