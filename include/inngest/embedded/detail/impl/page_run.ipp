#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/embedded/detail/page_run.hpp>
#include <inngest/embedded/detail/received_json.hpp>
#include <inngest/json/detail/text.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE void page_run::add_to(json& out) const {
  out["attempts"] = attempts();
  add_results(out["steps"]);
  add_failures(out);
  if (record_.parent) out["parent"] = relative(record_.parent->run_id, record_.parent->name);
  add_children(out);
}

INNGEST_INLINE void page_run::add_results(json& steps) const {
  const std::vector<memo_record> memos = store_.memos_of(record_.run.id);
  std::map<std::string, const memo_record*> results;  // by the step's hash
  for (const memo_record& memo : memos) results.emplace(detail::to_hex(memo.step), &memo);
  std::set<std::string> begun;
  for (const json& step : steps) begun.insert(step["hash"].get<std::string>());
  std::size_t budget = std::size_t{1024} * 1024;  // of one answer, in bytes
  json all = json::array();
  for (const memo_record& memo : memos) {
    const bool is_kept = !record_.run.original_run_id.empty() && !memo.name.empty() &&
                         !begun.contains(detail::to_hex(memo.step));
    if (!is_kept) continue;
    all.push_back(kept_step(memo));
    add_result(all.back(), memo, budget);
  }
  for (json& step : steps) {
    const auto result = results.find(step["hash"].get<std::string>());
    if (result != results.end() && !step["ended_at"].is_null()) add_result(step, *result->second, budget);
    all.push_back(std::move(step));
  }
  steps = std::move(all);
}

INNGEST_INLINE json page_run::kept_step(const memo_record& memo) const {
  const std::string at = to_text(record_.run.queued_at);
  return {{"id", "kept:" + detail::to_hex(memo.step)},
          {"name", detail::to_printable(memo.name)},
          {"hash", detail::to_hex(memo.step)},
          {"kind", "run"},
          {"status", "completed"},
          {"queued_at", at},
          {"ended_at", at},
          {"attempts", json::array()},
          {"detail", ""},
          {"is_kept", true}};
}

INNGEST_INLINE void page_run::add_result(json& step, const memo_record& memo, std::size_t& budget) {
  constexpr std::size_t longest = std::size_t{64} * 1024;
  if (memo.text.size() > (std::min)(longest, budget)) {
    step["output_size"] = memo.text.size();
    return;
  }
  budget -= memo.text.size();
  json value = received_json_value(memo.text);
  // a wait contains the event itself, a sleep null
  const bool is_wrapped = value.is_object() && value.size() == 1;
  if (is_wrapped && value.contains("data")) {
    step["output"] = std::move(value["data"]);
  } else if (is_wrapped && value.contains("error") && !step["attempts"].empty()) {
    step["attempts"].back()["failure"] = std::move(value["error"]);
  } else if (is_wrapped && value.contains("error")) {
    if (step.contains("is_kept")) step["status"] = "failed";
    step["failure"] = std::move(value["error"]);
  } else if (!value.is_null()) {
    step["output"] = std::move(value);
  }
}

INNGEST_INLINE json page_run::attempts() const {
  json out = json::array();
  for (const timeline_entry& entry : record_.run.timeline) {
    if (entry.what != progress::run_retried) continue;
    out.push_back({{"attempt", entry.attempt},
                   {"started_at", nullptr},
                   {"ended_at", to_text(entry.at)},
                   {"status", "failed"},
                   {"error", entry.detail}});
  }
  return out;
}

INNGEST_INLINE void page_run::add_failures(json& out) const {
  std::map<std::pair<std::string, std::string>, std::deque<const run_note*>> errors;
  for (const run_note& note : notes_) {
    if (note.what == run_note::kind::attempt_error)
      errors[{detail::to_printable(note.subject), note.name}].push_back(&note);
  }
  const auto add = [&](const std::string& step, json& attempts) {
    for (json& attempt : attempts) {
      if (attempt["status"] != "failed" || attempt.contains("failure")) continue;
      const auto found = errors.find({step, std::to_string(attempt["attempt"].get<int>())});
      if (found == errors.end() || found->second.empty()) continue;
      attempt["failure"] = received_json_value(found->second.front()->text);
      found->second.pop_front();
    }
  };
  add("", out["attempts"]);
  for (json& step : out["steps"]) add(step["name"].get<std::string>(), step["attempts"]);
}

INNGEST_INLINE json page_run::relative(const std::string& run_id, const std::string& step) const {
  json out{{"run_id", detail::to_printable(run_id)}, {"step", detail::to_printable(step)}};
  const auto found = store_.find_run(run_id);
  if (!found) return out;
  out["function"] = detail::to_printable(found->run.function_slug);
  out["function_name"] = detail::to_printable(found->run.function_id);
  out["status"] = std::string(to_string(found->run.status));
  return out;
}

INNGEST_INLINE void page_run::add_children(json& out) const {
  constexpr std::size_t most = 100;
  out["children"] = json::array();
  for (const timeline_entry& entry : record_.run.timeline) {
    if (entry.what != progress::invoke_started || out["children"].size() == most) continue;
    const std::string id = child_of(entry);
    if (id.empty()) continue;
    out["children"].push_back(relative(id, entry.step));
  }
}

INNGEST_INLINE std::string page_run::child_of(const timeline_entry& entry) const {
  // The run was queued when the step began, and stores its step.
  const run_query at_that_time{.function = entry.detail,
                               .limit = 200,
                               .from = entry.at,
                               .until = entry.at + std::chrono::milliseconds(1)};
  for (const run& candidate : store_.find_runs(at_that_time)) {
    const auto found = store_.find_run(candidate.id);
    const auto& parent = found ? found->parent : std::nullopt;
    if (parent && parent->run_id == record_.run.id && parent->step == step_hash_of(entry))
      return candidate.id;
  }
  return {};
}

}  // namespace inngest::inline INNGEST_ABI::embedded
