#pragma once

#include <string>

#include <inngest/config.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/codec.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The `meta` of an event as functions receive it: the event's own sessions and, up to five in total, those
/// of the run that sent it. A null value in the event removes a session of the run, or all of them. Empty
/// when the event has no sessions.
/// \throws payload_error for sessions that a server rejects.
std::string resolved_meta(const json& meta, const detail::json_path& at);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/event_sessions.ipp>
#endif
