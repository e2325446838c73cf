#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/event_sessions.hpp>
#include <inngest/embedded/detail/received_json.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/event.hpp>
#include <inngest/json/detail/codec.hpp>

// Validates events. A valid event is stored and dispatched, and never fails later because of its bytes.

namespace inngest::inline INNGEST_ABI::embedded {

/// The maximum number of events in one request; the same as an Inngest server's.
inline constexpr std::size_t max_events_per_request = 5000;

/// An event as it was sent. `data` and `user` are JSON texts, which are stored unchanged.
struct incoming_event {
  std::string name{};
  std::optional<std::string> id{};
  std::optional<std::int64_t> ts{};
  std::string data = "{}";
  std::string user = "{}";
  std::optional<std::string> v{};
  std::string meta{};  // see resolved_meta()
};

namespace incoming {

/// The validated JSON text of a member.
std::string object_text(detail::json_value& member, const detail::json_path& at);

/// The data without the member that only servers may write.
std::string without_metadata(std::string data);

/// Reads milliseconds since 1970. Like a server, accepts the years 1980 to 2100, and returns `nullopt` for 0.
std::optional<std::int64_t> time_of(detail::json_value& member, const detail::json_path& at);

/// Whether the name begins with "inngest/", in upper or lower case: only the engine sends such events.
bool is_reserved(std::string_view name);

}  // namespace incoming

/// \throws payload_error naming the invalid member.
incoming_event read_incoming_event(detail::json_value& value, const detail::json_path& at);

/// Completes the event with the engine's id, and with a time and an event id if it has none.
event_record make_event_record(const incoming_event& event, std::string id, timestamp now);

/// Reads an event or an array of events. Validates the whole body before it returns any event.
/// \throws payload_error naming the event's index and the invalid member.
std::vector<incoming_event> read_incoming_events(std::string body);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/incoming_event.ipp>
#endif
