#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/detail/hex.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/error.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/step_id.hpp>

namespace inngest::testing {

/// A snapshot of a run: its events and the results of its steps.
struct recorded_run {
  /// Whole events, as JSON.
  std::vector<std::string> events{};
  /// The results by step, as in a call request: {"data": ...}.
  std::vector<std::pair<step_hash, std::string>> results{};
};

/// Reads a run from the body of a call request, as an Inngest server sent it to the app.
/// \throws payload_error naming the missing member.
inline recorded_run read_recorded_run(std::string_view call_request) {
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

/// Reads a run from an engine's store. \throws configuration_error when there is no run with the id.
inline recorded_run read_recorded_run(const embedded::store& store, std::string_view run_id) {
  const auto found = store.find_run(run_id);
  if (!found) throw configuration_error("there is no run \"" + std::string(run_id) + "\"");
  recorded_run out;
  for (const auto& event : found->events) out.events.push_back(event.text);
  for (auto& memo : store.memos_of(run_id)) out.results.emplace_back(memo.step, std::move(memo.text));
  return out;
}

}  // namespace inngest::testing
