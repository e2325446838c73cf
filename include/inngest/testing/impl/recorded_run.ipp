#pragma once

#include <set>

#include <inngest/config.hpp>
#include <inngest/testing/recorded_run.hpp>

namespace inngest::inline INNGEST_ABI::testing {

INNGEST_INLINE recorded_run read_recorded_run(std::string_view call_request) {
  const json body = detail::parse_dom(call_request);
  if (!body.is_object() || !body.contains("event")) throw payload_error("event", "missing");
  recorded_run out;
  const json events = body.value("events", json::array());
  for (const json& event : events) out.events.push_back(event.dump());
  if (out.events.empty()) out.events.push_back(body.at("event").dump());
  const auto member = [](const json& of, const char* name) {
    return of.is_object() ? of.value(name, json()) : json();
  };
  const json steps = member(body, "steps"), context = member(body, "ctx");
  if (member(body, "use_api") == true || member(context, "use_api") == true)
    throw payload_error("steps", "the server left out the results, which were too large for the request");
  const auto add = [&](const std::string& id) {
    auto& [step, text] = out.results.emplace_back();
    if (!detail::from_hex(id, step)) throw payload_error("steps." + id, "not the hash of a step's id");
    const json& result = steps.at(id);
    if (result.is_object() && result.size() == 1 && result.contains("input"))
      throw payload_error("steps." + id, "it has no result, but an input that was edited for a rerun");
    text = result.dump();
  };
  // In the order in which the server received them, which decides races.
  std::set<std::string> known;
  for (const json& entry : member(member(context, "stack"), "stack")) {
    const std::string id = entry.is_string() ? entry.get<std::string>() : std::string();
    if (steps.contains(id) && known.insert(id).second) add(id);
  }
  for (const auto& [id, result] : steps.items()) {
    if (!known.contains(id)) add(id);
  }
  return out;
}

INNGEST_INLINE recorded_run read_recorded_run(const embedded::store& store, std::string_view run_id) {
  const auto found = store.find_run(run_id);
  if (!found) throw configuration_error("there is no run \"" + std::string(run_id) + "\"");
  recorded_run out;
  for (const auto& event : found->events) out.events.push_back(event.text);
  for (auto& memo : store.memos_of(run_id)) {
    if (!memo.name.empty()) out.names.emplace(memo.step, std::move(memo.name));
    out.results.emplace_back(memo.step, std::move(memo.text));
  }
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::testing
