#pragma once

#include <cstring>

#include <inngest/config.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::size_t step_hash_hasher::operator()(const step_hash& hash) const noexcept {
  std::size_t out;
  static_assert(sizeof out <= sizeof(step_hash));
  std::memcpy(&out, hash.data(), sizeof out);  // SHA-1 is evenly distributed
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::detail
