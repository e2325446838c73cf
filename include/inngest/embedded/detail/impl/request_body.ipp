#pragma once

#include <algorithm>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/received_json.hpp>
#include <inngest/embedded/detail/request_body.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/json/detail/members.hpp>
#include <inngest/json/detail/text.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE json read_members(const std::string& body, std::initializer_list<std::string_view> names) {
  if (body.find_first_not_of(" \t\r\n") == std::string::npos) return json::object();
  check_received_json(body, detail::json_path("body"));
  if (detail::has_duplicate_members(body)) throw payload_error("body", "has the same member twice");
  json out = detail::parse_dom(body);
  if (!out.is_object()) throw payload_error("body", "must be a JSON object");
  for (const auto& member : out.items()) {
    const bool is_known = std::find(names.begin(), names.end(), member.key()) != names.end();
    if (!is_known) throw payload_error(detail::to_printable(member.key()), "is not a member of this request");
  }
  return out;
}

INNGEST_INLINE std::string text_member(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return {};
  if (!found->is_string()) throw payload_error(name, "must be a text");
  if (found->get_ref<const std::string&>().empty())
    throw payload_error(name, "is empty: omit it if it is not needed");
  return found->get<std::string>();
}

INNGEST_INLINE bool truth_member(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return false;
  if (!found->is_boolean()) throw payload_error(name, "must be true or false");
  return found->get<bool>();
}

}  // namespace inngest::inline INNGEST_ABI::embedded
