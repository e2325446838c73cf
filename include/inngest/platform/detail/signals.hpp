#pragma once

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Makes a write to a connection closed by the peer fail with an error in this thread, instead of a signal
/// that ends the process. For threads of the library, because HTTP clients do not prevent the signal.
void block_broken_pipe_signal();

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/platform/detail/impl/signals.ipp>
#endif
