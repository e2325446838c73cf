#pragma once

#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/execution/numbered_ids.hpp>

namespace inngest::inline INNGEST_ABI::execution {

/// A remembered hash. The number is never 0, which marks a free place.
struct numbered_id {
  step_hash base{};
  step_hash hash{};
  std::size_t number = 0;
};

/// The place where this thread remembers the id. Other ids may have it, too: the last one stays.
INNGEST_INLINE numbered_id& place_of_numbered(const step_hash& base, std::size_t number) {
  constexpr std::size_t places = 1024;  // 48 KB. The numbers of a loop have places of their own
  thread_local std::vector<numbered_id> all(places);
  return all[(detail::step_hash_hasher()(base) + number) % places];
}

INNGEST_INLINE step_hash hash_of_numbered(std::string_view id, const step_hash& base, std::size_t number) {
  numbered_id& place = place_of_numbered(base, number);
  if (place.number != number || !detail::is_same(place.base, base))
    place = {base, detail::sha1_at_run_time(std::string(id) + ':' + std::to_string(number)), number};
  return place.hash;
}

}  // namespace inngest::inline INNGEST_ABI::execution
