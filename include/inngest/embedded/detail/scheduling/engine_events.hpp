#pragma once

#include <chrono>
#include <string>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/incoming_event.hpp>
#include <inngest/embedded/detail/run_errors.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>
#include <inngest/json/detail/text.hpp>

// The events that the engine creates itself, like a server.

namespace inngest::inline INNGEST_ABI::embedded {

/// The data of the events "inngest/function.finished", ".failed" and ".cancelled", which describe how a run
/// ended.
std::string end_data(const active_run& ended);

/// The event of an invoked function.
incoming_event invocation(std::string data);

/// The event with which a schedule starts its function.
incoming_event timer_event(const registered_trigger& trigger, timestamp planned, timestamp fired);

/// The schedule used to start a function manually: the first one of a function that has only schedules as
/// triggers; `nullopt` for other functions.
std::optional<std::string> schedule_of(const function_definition& function);

/// The event of such a start: that of the schedule as if it were due now, with the members of the object
/// `data` added or replaced.
incoming_event timer_by_hand(const std::string& schedule, const json& data, timestamp now);

/// A delay for a schedule, so that many functions don't start at the same time. The same arguments give the
/// same delay.
std::chrono::milliseconds jitter_of(const std::string& slug, const registered_trigger& trigger,
                                    timestamp planned);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/engine_events.ipp>
#endif
