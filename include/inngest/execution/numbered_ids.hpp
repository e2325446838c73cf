#pragma once

#include <cstddef>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI::execution {

/// The hash of a repeated id with its number, "step:17". `base` is the hash of the id without the number.
///
/// Every call of a run replays the same loops, so each thread remembers the last hashes that it computed.
step_hash hash_of_numbered(std::string_view id, const step_hash& base, std::size_t number);

}  // namespace inngest::inline INNGEST_ABI::execution

#if !defined(INNGEST_COMPILED)
#include <inngest/execution/impl/numbered_ids.ipp>
#endif
