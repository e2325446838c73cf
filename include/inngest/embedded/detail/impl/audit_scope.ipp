#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/audit_scope.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE audit_scope*& audit_scope::current() {
  thread_local audit_scope* innermost = nullptr;
  return innermost;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
