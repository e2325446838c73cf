#pragma once

#include <string>

#include <inngest/config.hpp>
#include <inngest/group.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE group::shared_options::shared_options(execution::replay& replay, const std::string& object)
    : replay_(replay),
      before_(replay.exchange_shared_options(protocol::merged_options(replay.shared_options(), object))) {}

INNGEST_INLINE group::all_branches::all_branches(execution::replay& replay)
    : replay_(replay), scope_(replay, execution::branches::kind::parallel) {}

INNGEST_INLINE void group::all_branches::end() {
  if (unfinished_) replay_.suspend_group();
  if (first_error_) std::rethrow_exception(first_error_);
}

}  // namespace inngest::inline INNGEST_ABI
