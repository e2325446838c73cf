#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// A new ULID: 48 bits of time and 80 random bits. Its text sorts like its bits.
std::string make_ulid(std::chrono::system_clock::time_point now,
                      const std::array<std::uint8_t, 16>& chance = random_bytes<16>());

/// Makes increasing ULIDs: within a millisecond every ULID is its predecessor plus one. Not thread-safe.
class ulid_source {
 public:
  using random = std::function<std::array<std::uint8_t, 16>()>;

  ulid_source() : ulid_source([] { return random_bytes<16>(); }) {}
  explicit ulid_source(random chance) : chance_(std::move(chance)) {}

  std::string next(std::chrono::system_clock::time_point now);

 private:
  static std::string successor(std::string ulid);

  random chance_;
  std::string last_;
};

/// The idempotency seed of a request to the event API: a repeated request has the same event ids. Its form is
/// "<milliseconds since 1970>,<base64 of 10 random bytes>".
class ulid_seed {
 public:
  /// Reads a seed; nullopt for any other text.
  static std::optional<ulid_seed> parse(std::string_view text);

  /// The id of the event at a position, from 1.
  std::string ulid(std::uint32_t position) const;

 private:
  std::int64_t milliseconds_ = 0;
  std::array<std::uint8_t, 10> entropy_{};
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/detail/impl/ulid.ipp>
#endif
