#pragma once

#include <inngest/config.hpp>
#include <inngest/dependencies.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE void* find_dependency(const std::vector<dependency>& all, const std::type_info& type) {
  for (const dependency& candidate : all) {
    if (*candidate.type == type) return candidate.value.get();
  }
  return nullptr;
}

}  // namespace inngest::inline INNGEST_ABI::detail
