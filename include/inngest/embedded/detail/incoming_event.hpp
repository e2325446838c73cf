#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/received_json.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/event.hpp>
#include <inngest/json/detail/codec.hpp>

// The gate for events: whatever passes it is stored and dispatched, and never fails later because of its
// bytes.

namespace inngest::inline INNGEST_ABI::embedded {

/// Events in one request, at most; as an Inngest server takes them.
inline constexpr std::size_t max_events_per_request = 5000;

/// An event as it was sent: data and user are slices that are kept as they are.
struct incoming_event {
  std::string name{};
  std::optional<std::string> id{};
  std::optional<std::int64_t> ts{};
  std::string data = "{}";
  std::string user = "{}";
  std::optional<std::string> v{};
};

namespace incoming {

/// The JSON text of a member, which is checked completely.
std::string object_text(detail::json_value& member, const detail::json_path& at);

/// Data without the member that only servers write.
std::string without_metadata(std::string data);

/// Milliseconds since 1970, from 1980 to 2100, as a server takes them; nothing for 0.
std::optional<std::int64_t> time_of(detail::json_value& member, const detail::json_path& at);

/// Names of the engine's own events begin with "inngest/", in upper or lower case.
bool is_reserved(std::string_view name);

}  // namespace incoming

/// \throws payload_error naming the member that is wrong.
incoming_event read_incoming_event(detail::json_value& value, const detail::json_path& at);

/// The event with what an engine adds to it: an id of its own, and a time and an event id where it has none.
event_record make_event_record(const incoming_event& event, std::string id, timestamp now);

/// Reads an event or an array of them. The whole body is judged before anything of it is used.
/// \throws payload_error naming the event's index and the member that is wrong.
std::vector<incoming_event> read_incoming_events(std::string body);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/incoming_event.ipp>
#endif
