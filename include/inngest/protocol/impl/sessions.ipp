#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/protocol/sessions.hpp>

namespace inngest::inline INNGEST_ABI::protocol {

INNGEST_INLINE std::vector<session> sessions_of(detail::json_value& event) {
  event_meta out;
  const detail::json_path at("event");
  if (detail::type_of(event, at) != detail::json_type::object) return {};
  for (auto item : detail::members_of(event, at)) {
    detail::json_field field = detail::take(item, at);
    if (field.key == "meta") detail::read_meta(field.value, out);
  }
  return std::move(out.sessions);
}

INNGEST_INLINE std::vector<session> shared_sessions(std::string_view event, std::string_view events) {
  constexpr std::string_view member = "\"sessions\"";
  if (event.find(member) == event.npos && events.find(member) == events.npos) return {};
  std::vector<session> out;
  try {
    const detail::json_buffer list(events.empty() ? "[" + std::string(event) + "]" : std::string(events));
    detail::json_document document(list.text());
    detail::json_value root = document.root();
    bool is_first = true;
    for (auto item : detail::elements_of(root, {})) {
      detail::json_value element = detail::take(item, {});
      const std::vector<session> sessions = sessions_of(element);
      if (is_first) out = sessions;
      is_first = false;
      std::erase_if(out, [&](const session& candidate) {
        return std::find(sessions.begin(), sessions.end(), candidate) == sessions.end();
      });
    }
  } catch (const error&) {  // sessions group runs: a run must not fail because of them
    return {};
  }
  std::erase_if(out, [](const session& candidate) { return candidate.key.empty() || candidate.id->empty(); });
  std::sort(out.begin(), out.end(), [](const session& a, const session& b) { return a.key < b.key; });
  constexpr std::size_t most = 5;
  if (out.size() > most) out.resize(most);
  return out;
}

INNGEST_INLINE std::string propagated_text(const std::vector<session>& sessions) {
  if (sessions.empty()) return {};
  detail::json_object_text out;
  for (const session& given : sessions) out.add(given.key, *given.id);
  return out.text();
}

INNGEST_INLINE std::string meta_text(const event_meta& own, std::string_view propagated) {
  const std::string sessions = detail::sessions_text(own);
  if (sessions.empty() && propagated.empty()) return {};
  detail::json_object_text out;
  if (!sessions.empty()) out.add_raw("sessions", sessions);
  if (!propagated.empty()) out.add_raw("propagated_sessions", propagated);
  return out.text();
}

}  // namespace inngest::inline INNGEST_ABI::protocol
