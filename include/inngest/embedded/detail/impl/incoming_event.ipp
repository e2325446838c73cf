#pragma once

#include <chrono>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/embedded/detail/incoming_event.hpp>

namespace inngest::inline INNGEST_ABI::embedded::incoming {

INNGEST_INLINE std::string object_text(detail::json_value& member, const detail::json_path& at) {
  detail::expect(member, detail::json_type::object, at, "object");
  std::string out(detail::raw_text(member, at));
  check_received_json(out, at);
  return out;
}

INNGEST_INLINE std::string without_metadata(std::string data) {
  if (data.find("_inngest") == std::string::npos) return data;
  json object = detail::parse_dom(data);
  return object.erase("_inngest") > 0 ? object.dump() : data;
}

INNGEST_INLINE std::optional<std::int64_t> time_of(detail::json_value& member, const detail::json_path& at) {
  using std::chrono::sys_days, std::chrono::year;
  constexpr auto first = std::chrono::milliseconds(sys_days(year(1980) / 1 / 1).time_since_epoch()).count();
  constexpr auto last = std::chrono::milliseconds(sys_days(year(2100) / 1 / 1).time_since_epoch()).count();
  const auto ts = detail::read<std::int64_t>(member, at);
  if (ts == 0) return std::nullopt;
  if (ts < first || ts > last)
    detail::fail_at(
        at, "expected milliseconds since 1970 between the years 1980 and 2100, found " + std::to_string(ts));
  return ts;
}

INNGEST_INLINE bool is_reserved(std::string_view name) {
  constexpr std::string_view prefix = "inngest/";
  return detail::same_word(name.substr(0, prefix.size()), prefix);
}

}  // namespace inngest::inline INNGEST_ABI::embedded::incoming

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE incoming_event read_incoming_event(detail::json_value& value, const detail::json_path& at) {
  detail::expect(value, detail::json_type::object, at, "object");
  incoming_event out;
  for (auto item : detail::members_of(value, at)) {
    detail::json_field field = detail::take(item, at);
    const std::string key(field.key);
    detail::json_value& member = field.value;
    const detail::json_path here(at, key);
    if (detail::is_null(member, here)) continue;
    if (key == "name") {
      out.name = detail::read<std::string>(member, here);
    } else if (key == "id") {
      out.id = detail::read<std::string>(member, here);
      if (out.id->empty()) out.id.reset();
    } else if (key == "ts") {
      out.ts = incoming::time_of(member, here);
    } else if (key == "v") {
      out.v = detail::read<std::string>(member, here);
    } else if (key == "user") {
      out.user = incoming::object_text(member, here);
    } else if (key == "meta") {
      out.meta = resolved_meta(detail::parse_dom(incoming::object_text(member, here)), here);
    } else if (key == "data") {
      out.data = incoming::without_metadata(incoming::object_text(member, here));
    } else {
      // the event omits this member, but it must be JSON
      check_received_json(detail::raw_text(member, here), here);
    }
  }
  const detail::json_path name_at(at, "name");
  if (!detail::valid_event_name(out.name))
    detail::fail_at(name_at, "not an event name: 1 to 512 characters without spaces, quotes and backslashes");
  if (incoming::is_reserved(out.name))
    detail::fail_at(name_at, "\"" + out.name +
                                 "\" is reserved: only the engine sends events whose name begins "
                                 "with \"inngest/\"");
  return out;
}

INNGEST_INLINE event_record make_event_record(const incoming_event& event, std::string id, timestamp now) {
  event_record out{.id = std::move(id), .name = event.name, .received_at = now};
  out.text = "{\"data\":" + event.data + ",\"id\":" + encode(event.id.value_or(out.id)) +
             (event.meta.empty() ? "" : ",\"meta\":" + event.meta) + ",\"name\":" + encode(event.name) +
             ",\"ts\":" + std::to_string(event.ts.value_or(now.time_since_epoch().count())) +
             ",\"user\":" + event.user;
  if (event.v) out.text += ",\"v\":" + encode(*event.v);
  out.text += '}';
  out.given_id = event.id.value_or("");
  return out;
}

INNGEST_INLINE std::vector<incoming_event> read_incoming_events(std::string body) {
  const detail::json_buffer buffer(std::move(body));
  detail::json_document document(buffer.text());
  detail::json_value root = document.root();
  std::vector<incoming_event> out;
  if (detail::type_of(root, {}) == detail::json_type::object) {
    out.push_back(read_incoming_event(root, detail::json_path("event")));
    document.expect_end();
    return out;
  }
  const detail::json_path at("events");
  detail::expect(root, detail::json_type::array, at, "array");
  for (auto item : detail::elements_of(root, at)) {
    const detail::json_path here(at, out.size());
    if (out.size() == max_events_per_request)
      detail::fail_at(at, "more than " + std::to_string(max_events_per_request) + " events in one request");
    detail::json_value event = detail::take(item, here);
    out.push_back(read_incoming_event(event, here));
  }
  document.expect_end();
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
