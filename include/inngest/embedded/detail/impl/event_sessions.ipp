#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/event_sessions.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

inline constexpr std::size_t max_event_sessions = 5;

/// One layer of sessions by key.
struct session_layer {
  std::map<std::string, std::string> ids{};
  std::set<std::string> removed{};
  bool removes_all = false;
};

INNGEST_INLINE void check_session(const std::string& key, const std::string& id,
                                  const detail::json_path& at) {
  if (key.empty() || key.size() > 128) detail::fail_at(at, "a session's key must have 1 to 128 bytes");
  if (id.empty() || id.size() > 512)
    detail::fail_at(detail::json_path(at, key), "a session's id must have 1 to 512 bytes");
}

INNGEST_INLINE session_layer read_session_layer(const json& meta, const char* name, bool may_remove,
                                                const detail::json_path& above) {
  session_layer out;
  const auto found = meta.find(name);
  if (found == meta.end()) return out;
  const detail::json_path at(above, name);
  if (found->is_null()) {
    out.removes_all = may_remove;
    return out;
  }
  if (!found->is_object()) detail::fail_at(at, "expected an object");
  for (const auto& [key, value] : found->items()) {
    if (value.is_null() && may_remove) {
      out.removed.insert(key);
      continue;
    }
    if (!value.is_string() && !value.is_number())
      detail::fail_at(detail::json_path(at, key), "a session's id must be a string or a number");
    const std::string id = value.is_string() ? value.get<std::string>() : value.dump();
    check_session(key, id, at);
    out.ids.emplace(key, id);
  }
  if (out.ids.size() > max_event_sessions) detail::fail_at(at, "an event can have at most 5 sessions");
  return out;
}

INNGEST_INLINE std::string resolved_meta(const json& meta, const detail::json_path& at) {
  if (meta.is_null()) return {};
  if (!meta.is_object()) detail::fail_at(at, "expected an object");
  session_layer own = read_session_layer(meta, "sessions", true, at);
  const session_layer inherited = read_session_layer(meta, "propagated_sessions", false, at);
  if (!own.removes_all) {
    for (const auto& [key, id] : inherited.ids) {  // in order, like a server
      const bool is_wanted = !own.removed.contains(key) && !own.ids.contains(key);
      if (is_wanted && own.ids.size() < max_event_sessions) own.ids.emplace(key, id);
    }
  }
  return own.ids.empty() ? std::string() : json{{"sessions", own.ids}}.dump();
}

}  // namespace inngest::inline INNGEST_ABI::embedded
