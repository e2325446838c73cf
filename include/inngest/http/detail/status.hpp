#pragma once

#include <string_view>

#include <inngest/config.hpp>

// The rules for the status codes of answers.

namespace inngest::inline INNGEST_ABI::detail {

/// Whether a later attempt may have another answer.
constexpr bool may_pass(int status) { return status >= 500 || status == 429 || status == 408; }

/// The words after a status code; "Status" for a rare one.
std::string_view reason_phrase(int status);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/http/detail/impl/status.ipp>
#endif
