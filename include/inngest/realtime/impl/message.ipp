#pragma once

#include <algorithm>
#include <functional>
#include <map>

#include <inngest/config.hpp>
#include <inngest/json/detail/document.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/realtime/message.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// The text of an id. Empty for an id of zeros, which servers send when there is no id.
INNGEST_INLINE std::string id_or_nothing(std::string id) {
  const bool is_zero = id.find_first_not_of("0-") == std::string::npos;
  return is_zero ? std::string() : id;
}

INNGEST_INLINE bool is_closing_message(std::string_view text) { return find_text(text, "kind") == "closing"; }

INNGEST_INLINE std::optional<realtime::message> read_message(std::string_view text) {
  const json_buffer buffer{std::string(text)};
  json_document document(buffer.text());
  std::map<std::string, std::string_view, std::less<>> members;
  for (auto item : document.object()) {
    json_field member = take(item, {});
    const std::string name(member.key);
    members.insert_or_assign(name, raw_text(member.value, {}));
  }
  const auto string_of = [&](const char* name) {
    const auto found = members.find(name);
    const bool is_string = found != members.end() && found->second.starts_with('"');
    return is_string ? decode<std::string>(std::string(found->second), name) : std::string();
  };
  const std::string kind = string_of("kind");
  if (kind.empty()) throw payload_error("kind", "missing");
  const auto known =
      std::find_if(enumerators<realtime::message_kind>.begin(), enumerators<realtime::message_kind>.end(),
                   [&](const auto& row) { return row.name == kind; });
  const bool is_for_users =
      known != enumerators<realtime::message_kind>.end() && known->value != realtime::message_kind::raw;
  if (!is_for_users) return std::nullopt;
  realtime::message out{.kind = known->value, .channel = string_of("channel"), .topic = string_of("topic")};
  out.text = members.contains("data") ? std::string(members.find("data")->second) : std::string("null");
  out.run_id = id_or_nothing(string_of("run_id"));
  out.created_at = parse_timestamp(string_of("created_at"));
  const bool is_boundary =
      out.kind == realtime::message_kind::stream_start || out.kind == realtime::message_kind::stream_end;
  if (is_boundary) out.stream_id = string_of("data");
  if (out.kind == realtime::message_kind::chunk) out.stream_id = string_of("stream_id");
  const bool is_of_stream = is_boundary || out.kind == realtime::message_kind::chunk;
  if (is_of_stream && out.stream_id.empty()) throw payload_error("stream_id", "missing");
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::detail
