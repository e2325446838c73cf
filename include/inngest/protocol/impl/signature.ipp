#pragma once

#include <charconv>
#include <cstdint>
#include <span>
#include <system_error>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/protocol/signature.hpp>

namespace inngest::inline INNGEST_ABI::protocol {

INNGEST_INLINE std::size_t prefix_length(std::string_view key) {
  constexpr std::string_view start = "signkey-";
  if (!key.starts_with(start)) return 0;
  const std::size_t end = key.find('-', start.size());
  return end == std::string_view::npos ? 0 : end + 1;
}

INNGEST_INLINE std::optional<parsed_signature> parse_signature(std::string_view header) {
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

INNGEST_INLINE std::string sign(std::string_view body, std::string_view signing_key,
                                std::chrono::sys_seconds now) {
  const std::string seconds = std::to_string(now.time_since_epoch().count());
  const auto mac = detail::hmac_sha256(signing_key.substr(prefix_length(signing_key)), body, seconds);
  return "t=" + seconds + "&s=" + detail::to_hex(mac);
}

INNGEST_INLINE std::string signature_check::reason() const {
  switch (state) {
    case signature_state::good:
      return "the signature is good";
    case signature_state::missing:
      return "it has no signature (header x-inngest-signature)";
    case signature_state::malformed:
      return "its signature is malformed: it must have the form t=<unix seconds>&s=<64 hex digits>";
    case signature_state::stale:
      return "its signature is stale: made " + std::to_string(std::chrono::abs(skew).count()) +
             (skew.count() < 0 ? " s ago" : " s in the future") + ", and at most " +
             std::to_string(signature_window.count()) + " s are allowed: check the clocks of both machines";
    case signature_state::no_key:
      return "there is no signing key to check its signature with: set INNGEST_SIGNING_KEY";
    case signature_state::mismatch:
      return "its signature was made with another key, or for another body: check that INNGEST_SIGNING_KEY "
             "is the server's signing key of the same environment";
    case signature_state::duplicate_members:
      return "its body has an object with duplicate members";
  }
  return "its signature is not good";
}

INNGEST_INLINE signature_check check_signature(std::string_view header, std::string_view body,
                                               std::initializer_list<std::string_view> keys,
                                               std::chrono::sys_seconds now) {
  signature_check out{.state = signature_state::malformed};
  const auto signature = parse_signature(header);
  if (!signature) return out;
  out.skew = signature->at - now;
  out.state = signature_state::stale;
  if (out.skew < -signature_window || out.skew > signature_window) return out;

  out.state = signature_state::no_key;
  const auto matches = [&](std::string_view bytes) {
    out.key = 0;
    for (const std::string_view key : keys) {
      const std::string_view secret = key.substr(prefix_length(key));
      if (!secret.empty()) {  // anyone could sign with an empty key
        out.state = signature_state::mismatch;
        const auto mac = detail::hmac_sha256(secret, bytes, signature->seconds);
        if (detail::equal_in_constant_time(mac, signature->mac)) return true;
      }
      ++out.key;
    }
    return false;
  };
  if (matches(body)) {
    const bool ambiguous = detail::has_duplicate_members(body);
    out.state = ambiguous ? signature_state::duplicate_members : signature_state::good;
    return out;
  }
  if (out.state == signature_state::no_key) return out;
  try {
    std::string canonical = detail::canonical_json(body);
    if (canonical != body && matches(canonical)) {
      out.state = signature_state::good;
      out.canonical = std::move(canonical);
    }
  } catch (const payload_error&) {  // without a canonical form it cannot have been signed
  }
  return out;
}

INNGEST_INLINE bool verify(std::string_view header, std::string_view body, std::string_view signing_key,
                           std::chrono::sys_seconds now) {
  return check_signature(header, body, {signing_key}, now).is_good();
}

INNGEST_INLINE std::string hashed_signing_key(std::string_view signing_key) {
  const std::size_t prefix = prefix_length(signing_key);
  const std::string_view rest = signing_key.substr(prefix);
  std::string bytes(rest.size() / 2, '\0');
  const std::span<std::uint8_t> raw(reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size());
  if (!detail::from_hex(rest, raw)) bytes = rest;  // not hex: hashed as text
  return std::string(signing_key.substr(0, prefix)) + detail::sha256_hex(bytes);
}

}  // namespace inngest::inline INNGEST_ABI::protocol
