#pragma once

#include <charconv>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/hex.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Makes and checks the tokens with which a worker connects. POST /v0/connect/start gives them to workers
/// that have the server's key. They are valid for one connection id, for five minutes, and for this gateway.
class gateway_tokens {
 public:
  using clock = std::chrono::system_clock;

  static constexpr std::chrono::minutes lifetime{5};

  /// A token of a kind, "session" or "sync", for a connection: its expiry in seconds, a dot, and its
  /// signature.
  std::string make(std::string_view kind, std::string_view connection_id,
                   clock::time_point now = clock::now()) const;

  /// Whether the token was made by make() for the connection, and is still valid.
  bool is_valid(std::string_view token, std::string_view kind, std::string_view connection_id,
                clock::time_point now = clock::now()) const;

 private:
  std::string signature(std::string_view kind, std::string_view connection_id, std::string_view end) const;

  const std::string secret_ = detail::to_hex(detail::random_bytes<32>());
};

inline std::string gateway_tokens::make(std::string_view kind, std::string_view connection_id,
                                        clock::time_point now) const {
  const auto end = std::chrono::floor<std::chrono::seconds>(now + lifetime).time_since_epoch().count();
  const std::string text = std::to_string(end);
  return text + "." + signature(kind, connection_id, text);
}

inline bool gateway_tokens::is_valid(std::string_view token, std::string_view kind,
                                     std::string_view connection_id, clock::time_point now) const {
  const std::size_t dot = token.find('.');
  if (dot == std::string_view::npos) return false;
  const std::string_view end = token.substr(0, dot);
  if (!detail::equal_in_constant_time(token.substr(dot + 1), signature(kind, connection_id, end)))
    return false;
  std::int64_t seconds = 0;
  const auto [stop, problem] = std::from_chars(end.data(), end.data() + end.size(), seconds);
  return problem == std::errc{} && stop == end.data() + end.size() &&
         now < clock::time_point(std::chrono::seconds(seconds));
}

inline std::string gateway_tokens::signature(std::string_view kind, std::string_view connection_id,
                                             std::string_view end) const {
  const std::string what = std::string(kind) + ":" + std::string(end) + ":";
  return detail::to_hex(detail::hmac_sha256(secret_, what, connection_id));
}

}  // namespace inngest::inline INNGEST_ABI::embedded
