#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <system_error>

#include <inngest/config.hpp>
#include <inngest/detail/ulid.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::string make_ulid(std::chrono::system_clock::time_point now,
                                     const std::array<std::uint8_t, 16>& chance) {
  constexpr char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  std::string out(26, '0');
  auto time = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
  for (std::size_t i = 10; i-- > 0; time >>= 5) out[i] = alphabet[time & 31];
  for (std::size_t i = 0; i < chance.size(); ++i) out[10 + i] = alphabet[chance[i] & 31];
  return out;
}

INNGEST_INLINE std::string ulid_source::next(std::chrono::system_clock::time_point now) {
  constexpr std::size_t time = 10;  // characters
  std::string fresh = make_ulid(now, chance_());
  const bool is_later = fresh.compare(0, time, last_, 0, time) > 0;
  return last_ = is_later ? std::move(fresh) : successor(last_);
}

INNGEST_INLINE std::string ulid_source::successor(std::string ulid) {
  constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  for (std::size_t i = ulid.size(); i-- > 10;) {
    const std::size_t digit = alphabet.find(ulid[i]) + 1;
    ulid[i] = alphabet[digit % alphabet.size()];
    if (digit < alphabet.size()) break;
  }
  return ulid;
}

INNGEST_INLINE std::optional<ulid_seed> ulid_seed::parse(std::string_view text) {
  const std::size_t comma = text.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  ulid_seed out;
  const char* const end = text.data() + comma;
  const auto [rest, problem] = std::from_chars(text.data(), end, out.milliseconds_);
  constexpr std::int64_t last = (std::int64_t{1} << 48) - 1;
  if (problem != std::errc() || rest != end || out.milliseconds_ <= 0 || out.milliseconds_ > last)
    return std::nullopt;
  const auto entropy = from_base64(text.substr(comma + 1));
  if (!entropy || entropy->size() != out.entropy_.size()) return std::nullopt;
  std::copy(entropy->begin(), entropy->end(), out.entropy_.begin());
  return out;
}

INNGEST_INLINE std::string ulid_seed::ulid(std::uint32_t position) const {
  constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  std::array<std::uint8_t, 10> bytes = entropy_;
  std::uint32_t last = 0;
  for (std::size_t i = 6; i < 10; ++i) last = last << 8 | bytes[i];
  last += position;
  for (std::size_t i = 10; i-- > 6; last >>= 8) bytes[i] = static_cast<std::uint8_t>(last & 0xFF);

  std::string out(26, '0');
  auto time = static_cast<std::uint64_t>(milliseconds_);
  for (std::size_t i = 10; i-- > 0; time >>= 5) out[i] = alphabet[time & 31];
  std::size_t bits = 0, at = 10;
  std::uint32_t pending = 0;
  for (const std::uint8_t byte : bytes) {
    pending = pending << 8 | byte;
    for (bits += 8; bits >= 5; bits -= 5) out[at++] = alphabet[pending >> (bits - 5) & 31];
  }
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::detail
