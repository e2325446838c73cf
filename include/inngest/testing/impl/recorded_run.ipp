#pragma once

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
  const json steps = body.value("steps", json::object());
  for (const auto& [id, result] : steps.items()) {
    auto& [step, text] = out.results.emplace_back();
    if (!detail::from_hex(id, step)) throw payload_error("steps." + id, "not the hash of a step's id");
    text = result.dump();
  }
  return out;
}

INNGEST_INLINE recorded_run read_recorded_run(const embedded::store& store, std::string_view run_id) {
  const auto found = store.find_run(run_id);
  if (!found) throw configuration_error("there is no run \"" + std::string(run_id) + "\"");
  recorded_run out;
  for (const auto& event : found->events) out.events.push_back(event.text);
  for (auto& memo : store.memos_of(run_id)) out.results.emplace_back(memo.step, std::move(memo.text));
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::testing
