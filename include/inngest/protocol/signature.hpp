#pragma once

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <inngest/detail/crypto.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/detail/json_dom.hpp>

// Signatures: `t=<unix seconds>&s=<hex HMAC-SHA256 of body and t>`, keyed with the signing key without its
// "signkey-<environment>-" prefix.

namespace inngest::protocol {

/// How far the signature's clock and ours may be apart, either way.
inline constexpr std::chrono::seconds signature_window{300};

/// The length of "signkey-<environment>-" at the front of the key; 0 for a bare key.
inline std::size_t prefix_length(std::string_view key) {
  constexpr std::string_view start = "signkey-";
  if (!key.starts_with(start)) return 0;
  const std::size_t end = key.find('-', start.size());
  return end == std::string_view::npos ? 0 : end + 1;
}

struct parsed_signature {
  std::string_view seconds;
  std::chrono::sys_seconds at;
  detail::sha256_digest mac{};
};

inline std::optional<parsed_signature> parse_signature(std::string_view header) {
  if (!header.starts_with("t=")) return std::nullopt;
  const std::size_t split = header.find("&s=");
  if (split == std::string_view::npos) return std::nullopt;
  parsed_signature out;
  out.seconds = header.substr(2, split - 2);
  std::int64_t seconds = 0;
  const char* end = out.seconds.data() + out.seconds.size();
  const auto [stop, problem] = std::from_chars(out.seconds.data(), end, seconds);
  constexpr std::int64_t year_9999 = 253402300799;
  if (problem != std::errc{} || stop != end || seconds < 0 || seconds > year_9999) return std::nullopt;
  out.at = std::chrono::sys_seconds(std::chrono::seconds(seconds));
  if (!detail::from_hex(header.substr(split + 3), out.mac)) return std::nullopt;
  return out;
}

/// The header value for a body that is sent at `now`.
inline std::string sign(std::string_view body, std::string_view signing_key, std::chrono::sys_seconds now) {
  const std::string seconds = std::to_string(now.time_since_epoch().count());
  const auto mac = detail::hmac_sha256(signing_key.substr(prefix_length(signing_key)), body, seconds);
  return "t=" + seconds + "&s=" + detail::to_hex(mac);
}

/// Whether `header` is the signature of `body` under the key, made within five minutes of `now`.
///
/// The bytes are tried as they came, then in canonical form (sorted keys, no white space): a server signs
/// its sync requests over that form, whatever it sends.
inline bool verify(std::string_view header, std::string_view body, std::string_view signing_key,
                   std::chrono::sys_seconds now) {
  const auto signature = parse_signature(header);
  if (!signature || signing_key.empty()) return false;
  if (signature->at < now - signature_window || signature->at > now + signature_window) return false;

  const std::string_view key = signing_key.substr(prefix_length(signing_key));
  const auto matches = [&](std::string_view bytes) {
    return detail::equal_in_constant_time(detail::hmac_sha256(key, bytes, signature->seconds),
                                          signature->mac);
  };
  if (matches(body)) return true;

  constexpr std::size_t largest_sync_request =
      64 * 1024;  // calls are canonical already: don't parse 4 MB twice
  if (body.size() > largest_sync_request) return false;
  try {
    std::string canonical;
    detail::write_dom(canonical, detail::parse_dom(body));
    return canonical != body && matches(canonical);
  } catch (const payload_error&) {
    return false;
  }
}

/// What authorizes a call of the server's API: the key's prefix and the SHA-256 of the bytes that the rest
/// of it spells in hex.
inline std::string hashed_signing_key(std::string_view signing_key) {
  const std::size_t prefix = prefix_length(signing_key);
  const std::string_view rest = signing_key.substr(prefix);
  std::string bytes(rest.size() / 2, '\0');
  const std::span<std::uint8_t> raw(reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size());
  if (!detail::from_hex(rest, raw)) bytes = rest;  // not hex: hashed as text
  return std::string(signing_key.substr(0, prefix)) + detail::sha256_hex(bytes);
}

}  // namespace inngest::protocol
