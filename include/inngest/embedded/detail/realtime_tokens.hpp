#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// A topic of a channel: the channel's name and the topic's.
using realtime_topic = std::pair<std::string, std::string>;

/// Makes and checks the tokens with which programs without a signing key may subscribe: JSON web tokens
/// (HS256) of the issuer "rt.inngest.com" that are valid for a minute, like those of a server. The key is
/// random and never leaves this object, so tokens become invalid when the engine ends.
class realtime_tokens {
 public:
  using time_point = std::chrono::system_clock::time_point;

  /// A token for these topics.
  std::string make(const std::vector<realtime_topic>& topics, time_point now) const;

  /// The topics of a token; `nullopt` when it is malformed, expired, or was made by another object.
  std::optional<std::vector<realtime_topic>> read(std::string_view token, time_point now) const;

 private:
  std::string signature_of(std::string_view content) const;

  const std::array<std::uint8_t, 32> key_ = detail::random_bytes<32>();
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/realtime_tokens.ipp>
#endif
