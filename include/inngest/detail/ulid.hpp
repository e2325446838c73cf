#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

#include <inngest/detail/crypto.hpp>

namespace inngest::detail {

/// A new ULID: 48 bits of time, 80 of chance, in an alphabet that sorts as they do.
inline std::string make_ulid(std::chrono::system_clock::time_point now) {
  constexpr char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  std::string out(26, '0');
  auto time = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
  for (std::size_t i = 10; i-- > 0; time >>= 5) out[i] = alphabet[time & 31];
  const auto chance = random_bytes<16>();
  for (std::size_t i = 0; i < chance.size(); ++i) out[10 + i] = alphabet[chance[i] & 31];
  return out;
}

}  // namespace inngest::detail
