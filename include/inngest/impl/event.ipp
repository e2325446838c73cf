#pragma once

#include <algorithm>

#include <inngest/config.hpp>
#include <inngest/event.hpp>

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE any_event::any_event(std::string name, const json& data, const event_meta& meta)
    : name_(std::move(name)) {
  check_name(name_);
  if (!data.is_object()) throw payload_error("data", "an event's data must be a JSON object");
  begin(name_);
  encode_to(text_, data, "data");
  data_size_ = text_.size() - data_begin_;
  write_meta(meta);
  text_ += '}';
}

INNGEST_INLINE void any_event::write_meta(const event_meta& meta) {
  const std::string sessions = detail::sessions_text(meta);
  if (sessions.empty()) return;
  text_ += ",\"meta\":{\"sessions\":" + sessions;
  meta_end_ = text_.size();
  text_ += '}';
}

INNGEST_INLINE void any_event::set_propagated_sessions(std::string_view object) {
  if (std::exchange(has_propagated_sessions_, true)) return;
  const std::string member = "\"propagated_sessions\":" + std::string(object);
  if (meta_end_ != 0) {
    text_.insert(meta_end_, "," + member);
    meta_end_ += member.size() + 1;
    return;
  }
  text_.pop_back();
  text_ += ",\"meta\":{" + member;
  meta_end_ = text_.size();
  text_ += "}}";
}

INNGEST_INLINE void any_event::set_data(std::string_view object) {
  if (!object.starts_with('{')) throw payload_error("data", "an event's data must be a JSON object");
  text_.replace(data_begin_, data_size_, object);
  if (meta_end_ != 0) meta_end_ = meta_end_ + object.size() - data_size_;
  data_size_ = object.size();
}

INNGEST_INLINE void any_event::set_missing_ts(timestamp happened) {
  if (std::exchange(has_ts_, true)) return;
  text_.pop_back();
  encode_to(text_ += ",\"ts\":", happened.time_since_epoch().count(), "ts");
  text_ += '}';
}

INNGEST_INLINE std::string any_event::id() const { return detail::find_text(text_, "id"); }

INNGEST_INLINE void any_event::set_id(std::string_view id) {
  text_.pop_back();
  encode_to(text_ += ",\"id\":", id, "id");
  text_ += '}';
}

INNGEST_INLINE any_event any_event::from_text(std::string_view text) {
  const detail::json_buffer whole{std::string(text)};
  any_event out;
  out.name_ = decode<std::string>(detail::find_member(whole, "name"), "name");
  check_name(out.name_);
  const std::string_view data = detail::find_member(whole, "data");
  out.begin(out.name_);
  out.text_ += data.empty() || data == "null" ? "{}" : data;
  out.data_size_ = out.text_.size() - out.data_begin_;
  if (out.data().front() != '{') throw payload_error("data", "an event's data must be a JSON object");
  for (const char* name : {"id", "ts", "user", "v"}) {
    const std::string_view value = detail::find_member(whole, name);
    if (value.empty() || value == "null") continue;
    out.text_ += ",\"" + std::string(name) + "\":" + std::string(value);
    if (std::string_view(name) == "ts") out.has_ts_ = true;
  }
  out.copy_meta(detail::find_member(whole, "meta"));
  out.text_ += '}';
  return out;
}

INNGEST_INLINE void any_event::copy_meta(std::string_view meta) {
  if (!meta.starts_with('{')) return;
  const detail::json_buffer from{std::string(meta)};
  detail::json_object_text members;
  for (const char* name : {"sessions", "propagated_sessions"}) {
    const std::string_view value = detail::find_member(from, name);
    const bool is_inherited = std::string_view(name) == "propagated_sessions";
    const bool has_members = value.find('"') != value.npos;
    if (value.empty() || (is_inherited && !has_members)) continue;
    members.add_raw(name, value);
    has_propagated_sessions_ = is_inherited;
  }
  const std::string object = members.text();
  if (object == "{}") return;
  text_ += ",\"meta\":" + object;
  meta_end_ = text_.size() - 1;
}

INNGEST_INLINE void any_event::check_name(std::string_view name) {
  if (detail::valid_event_name(name) && !name.starts_with("inngest/") &&
      name.find('*') == std::string_view::npos && detail::is_utf8(name))
    return;
  throw configuration_error("not a valid name for a sent event: \"" + detail::to_printable(name) + "\"");
}

INNGEST_INLINE void any_event::begin(std::string_view name) {
  text_ = "{\"name\":";
  encode_to(text_, name, "name");
  text_ += ",\"data\":";
  data_begin_ = text_.size();
}

}  // namespace inngest::inline INNGEST_ABI

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::string sessions_text(const event_meta& meta) {
  constexpr std::size_t most = 5, max_key_size = 128, max_id_size = 512;  // a server's limits
  const auto refuse = [](const std::string& rule) { throw payload_error("meta.sessions", rule); };
  if (meta.clear_sessions && !meta.sessions.empty()) refuse("clear_sessions can't be combined with sessions");
  if (meta.clear_sessions) return "null";
  if (meta.sessions.empty()) return {};
  std::size_t count = 0;
  json_object_text out;
  for (const session& given : meta.sessions) {
    const bool is_first =
        &given == &*std::find_if(meta.sessions.begin(), meta.sessions.end(),
                                 [&](const session& other) { return other.key == given.key; });
    if (given.key.empty() || given.key.size() > max_key_size) refuse("a key must have 1 to 128 bytes");
    if (!is_utf8(given.key)) refuse("a key must be UTF-8");
    if (!is_first) refuse("the key \"" + given.key + "\" is used twice");
    if (given.id && (given.id->empty() || given.id->size() > max_id_size))
      refuse("the id of \"" + given.key + "\" must have 1 to 512 bytes");
    if (given.id && !is_utf8(*given.id)) refuse("the id of \"" + given.key + "\" must be UTF-8");
    count += given.id ? 1 : 0;
    if (given.id)
      out.add(given.key, *given.id);
    else
      out.add_raw(given.key, "null");
  }
  if (count > most) refuse("an event can have at most 5 sessions, not " + std::to_string(count));
  return out.text();
}

INNGEST_INLINE void read_meta(json_value& value, event_meta& out) {
  const json_path at("meta");
  if (type_of(value, at) != json_type::object) return;
  for (auto item : members_of(value, at)) {
    json_field field = take(item, at);
    if (field.key != "sessions" || type_of(field.value, at) != json_type::object) continue;
    for (auto member : members_of(field.value, at)) {
      json_field entry = take(member, at);
      const std::string key(entry.key);
      const json_type type = type_of(entry.value, at);
      if (type == json_type::string) {
        out.sessions.push_back({key, read<std::string>(entry.value, json_path(at, key))});
      } else if (type == json_type::number) {
        out.sessions.push_back({key, std::string(raw_text(entry.value, at))});
      }
    }
  }
}

INNGEST_INLINE std::string without_deferred_members(json_value& data) {
  const json_path at("data");
  if (type_of(data, at) != json_type::object) return std::string(raw_text(data, at));
  json_object_text out;
  for (auto item : members_of(data, at)) {
    json_field field = take(item, at);
    const std::string key(field.key);
    if (key != "_inngest" && key != "_inngestExperiment") out.add_raw(key, raw_text(field.value, at));
  }
  return out.text();
}

}  // namespace inngest::inline INNGEST_ABI::detail
