#pragma once

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

#include <inngest/config.hpp>
#include <inngest/embedded/run.hpp>

// A run's timeline as text, for people.

namespace inngest::inline INNGEST_ABI::embedded {

/// A duration in the unit that a person would choose: "850 us", "3.1 ms", "1.52 s", "3.0 h", "30.0 d".
std::string format(std::chrono::microseconds duration);

/// An entry as one line: when (UTC), which step, what happened, in which attempt, how long it took, and what
/// came of it.
std::string format(const timeline_entry& entry, bool with_date = false);

/// A run and all that happened in it, a line each; with dates when it took more than a day.
std::string format_timeline(const run& run);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/impl/timeline.ipp>
#endif
