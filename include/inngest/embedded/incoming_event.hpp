#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/detail/json_codec.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/event.hpp>

namespace inngest::embedded {

/// An event as it was sent: data and user are slices that are kept as they are.
struct incoming_event {
  std::string name{};
  std::optional<std::string> id{};
  std::optional<std::int64_t> ts{};
  std::string data = "{}";
  std::string user = "{}";
  std::optional<std::string> v{};
};

/// \throws payload_error naming the field that is wrong.
inline incoming_event read_incoming_event(detail::json_value& value, const detail::json_path& at) {
  detail::expect(value, detail::json_type::object, at, "object");
  incoming_event out;
  for (auto item : detail::take(value.get_object(), at)) {
    simdjson::ondemand::field each = detail::take(std::move(item), at);
    const std::string key(detail::take(each.unescaped_key(), at));
    detail::json_value& member = each.value();
    const detail::json_path here(at, key);
    if (detail::type_of(member, here) == detail::json_type::null) continue;
    if (key == "name") {
      out.name = detail::read<std::string>(member, here);
    } else if (key == "id") {
      out.id = detail::read<std::string>(member, here);
    } else if (key == "ts") {
      out.ts = detail::read<std::int64_t>(member, here);
    } else if (key == "v") {
      out.v = detail::read<std::string>(member, here);
    } else if (key == "user") {
      out.user = detail::raw_text(member, here);
    } else if (key == "data") {
      detail::expect(member, detail::json_type::object, here, "object");
      out.data = detail::raw_text(member, here);
    }
  }
  if (!detail::valid_event_name(out.name))
    detail::fail_at(detail::json_path(at, "name"), "not an event name");
  return out;
}

/// The event with what an engine adds to it: an id of its own, and a time and an event id where it has none.
inline event_record make_event_record(const incoming_event& event, std::string id, timestamp now) {
  event_record out{.id = std::move(id), .name = event.name, .received_at = now};
  out.text = "{\"data\":" + event.data + ",\"id\":" + encode(event.id.value_or(out.id)) +
             ",\"name\":" + encode(event.name) +
             ",\"ts\":" + std::to_string(event.ts.value_or(now.time_since_epoch().count())) +
             ",\"user\":" + event.user;
  if (event.v) out.text += ",\"v\":" + encode(*event.v);
  out.text += '}';
  return out;
}

/// Reads an event or an array of them.
/// \throws payload_error naming the field that is wrong; none is taken in then.
inline std::vector<incoming_event> read_incoming_events(std::string body) {
  const detail::json_buffer buffer(std::move(body));
  detail::json_document document(buffer.text());
  detail::json_value root = document.root();
  if (detail::type_of(root, {}) == detail::json_type::object)
    return {read_incoming_event(root, detail::json_path("event"))};
  const detail::json_path at("events");
  detail::expect(root, detail::json_type::array, at, "array");
  std::vector<incoming_event> out;
  for (auto item : detail::take(root.get_array(), at)) {
    const detail::json_path here(at, out.size());
    detail::json_value each = detail::take(std::move(item), here);
    out.push_back(read_incoming_event(each, here));
  }
  return out;
}

}  // namespace inngest::embedded
