#pragma once

#include <chrono>
#include <string>

#include <inngest/config.hpp>
#include <inngest/embedded/run.hpp>

// A run's timeline as human-readable text.

namespace inngest::inline INNGEST_ABI::embedded {

/// A duration in a suitable unit, such as "850 us", "3.1 ms", "1.52 s", "3.0 h", "30.0 d".
std::string format(std::chrono::microseconds duration);

/// An entry as one line without a line break: the time (UTC), the step or "(run)", the kind of entry, the
/// attempt (1 is the first), the duration and the detail. `with_date` puts the date before the time.
std::string format(const timeline_entry& entry, bool with_date = false);

/// A run as text: a headline with its function, id and status, followed by one line for each entry of its
/// timeline. The lines have dates if the entries span several days.
std::string format_timeline(const run& run);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/impl/timeline.ipp>
#endif
