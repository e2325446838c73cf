#pragma once

#include <inngest/config.hpp>

// The names of the events that only servers send. They are literals, because names of events are template
// arguments.

namespace inngest::inline INNGEST_ABI::detail::reserved_event {

inline constexpr char failed[] = "inngest/function.failed";
inline constexpr char cancelled[] = "inngest/function.cancelled";
/// Every end of a run, whatever its status.
inline constexpr char finished[] = "inngest/function.finished";
inline constexpr char invoked[] = "inngest/function.invoked";
/// Starts deferred functions.
inline constexpr char deferred[] = "inngest/deferred.schedule";
/// Starts functions with a schedule.
inline constexpr char scheduled[] = "inngest/scheduled.timer";

}  // namespace inngest::inline INNGEST_ABI::detail::reserved_event
