#pragma once

#include <inngest/config.hpp>
#include <inngest/json/detail/shape.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE const json_shape::member* json_shape::find(std::string_view wanted) const {
  for (const member& candidate : members) {
    if (candidate.name == wanted) return &candidate;
  }
  return nullptr;
}

}  // namespace inngest::inline INNGEST_ABI::detail
