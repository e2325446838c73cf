#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

/// Sets the tags and keys of a run, which its function's options compute from its first event. Call it before
/// the run is written, and whenever its events have changed.
void set_labels(active_run& run);

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/run_labels.ipp>
#endif
