#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

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

/// ULIDs that grow: within a millisecond each is the one before and one more. One thread at a time.
class ulid_source {
 public:
  std::string next(std::chrono::system_clock::time_point now) {
    constexpr std::size_t time = 10;  // characters
    std::string fresh = make_ulid(now);
    const bool is_later = fresh.compare(0, time, last_, 0, time) > 0;
    return last_ = is_later ? std::move(fresh) : successor(last_);
  }

 private:
  static std::string successor(std::string ulid) {
    constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    for (std::size_t i = ulid.size(); i-- > 10;) {
      const std::size_t digit = alphabet.find(ulid[i]) + 1;
      ulid[i] = alphabet[digit % alphabet.size()];
      if (digit < alphabet.size()) break;
    }
    return ulid;
  }

  std::string last_;
};

}  // namespace inngest::detail
