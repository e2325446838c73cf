#pragma once

#include <inngest/config.hpp>

// The rules for the status codes of answers.

namespace inngest::inline INNGEST_ABI::detail {

/// Whether a later attempt may have another answer.
constexpr bool may_pass(int status) { return status >= 500 || status == 429 || status == 408; }

}  // namespace inngest::inline INNGEST_ABI::detail
