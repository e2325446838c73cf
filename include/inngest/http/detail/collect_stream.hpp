#pragma once

#include <inngest/config.hpp>
#include <inngest/http.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Makes an answer in pieces a whole one, for receivers that can't pass on pieces. The pieces replace the
/// body, as they do where they are sent. A whole answer stays as it is.
void collect_stream(http::response& answer);

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/http/detail/impl/collect_stream.ipp>
#endif
