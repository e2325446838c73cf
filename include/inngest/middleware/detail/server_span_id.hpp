#pragma once

#include <string>
#include <string_view>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// The span id of a step on a server, as 16 hex digits, computed from the step's hashed id in hex. Servers
/// derive it from the hash, so an app knows it before the span exists: it is the third number of the ChaCha8
/// generator of C2SP, with the SHA-256 of the text as key.
std::string server_span_id(std::string_view seed);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/middleware/detail/impl/server_span_id.ipp>
#endif
