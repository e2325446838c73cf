#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/event.hpp>

// The sessions that a run passes on to the events that it sends and to the runs that it starts.

namespace inngest::inline INNGEST_ABI::protocol {

/// The sessions that all events of a run share, in order of their keys, at most five. `events` is a JSON
/// array, or empty if there is only `event`. Events that can't be read have no sessions.
std::vector<session> shared_sessions(std::string_view event, std::string_view events);

/// The sessions as a JSON object; empty for none.
std::string propagated_text(const std::vector<session>& sessions);

/// The `meta` of an event as a JSON object; empty for none. \throws payload_error, see detail::sessions_text.
std::string meta_text(const event_meta& own, std::string_view propagated);

}  // namespace inngest::inline INNGEST_ABI::protocol

#if !defined(INNGEST_COMPILED)
#include <inngest/protocol/impl/sessions.ipp>
#endif
