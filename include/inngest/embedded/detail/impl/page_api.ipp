#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string_view>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/embedded/detail/page_api.hpp>
#include <inngest/embedded/detail/rerun_api.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE json page_api::state() const {
  const run_counts counts = engine_.store().count_runs();
  return {{"version", INNGEST_VERSION},
          {"sequence", engine_.sequence()},
          {"mode", engine_.store().is_on_disk() ? "sqlite" : "memory"},
          {"counts",
           {{"queued", counts.queued},
            {"running", counts.running},
            {"completed", counts.completed},
            {"failed", counts.failed},
            {"cancelled", counts.cancelled}}}};
}

INNGEST_INLINE std::optional<json> page_api::run_details(const std::string& id) const {
  auto found = engine_.store().find_run(id);
  if (!found) return std::nullopt;
  if (!found->run.ended()) {  // the engine knows its current activity
    if (auto now = engine_.find_run(id)) found->run = std::move(*now);
  }
  for (timeline_entry& entry : found->run.timeline) {
    entry.step = detail::to_printable(entry.step);
    entry.detail = detail::to_printable(entry.detail);
  }
  json out = find_api::summary(found->run);
  if (!found->run.original_run_id.empty())
    out["original_run_id"] = detail::to_printable(found->run.original_run_id);
  for (const run_event& event : found->events) out["events"].push_back(received_json_value(event.text));
  if (!found->run.output_text.empty()) out["output"] = received_json_value(found->run.output_text);
  if (found->run.error) out["error"] = received_json_value(text_of(*found->run.error));
  out["reruns"] = rerun_api::described(engine_.reruns_of(id));
  out["steps"] = steps_of(found->run);
  const std::vector<run_note> notes = engine_.store().notes_of(id);
  add_notes(out, notes);
  page_run(engine_.store(), *found, notes).add_to(out);
  out["timeline"] = json::array();
  for (const timeline_entry& entry : found->run.timeline) {
    const std::string what(to_string(entry.what));
    out["timeline"].push_back({{"at", to_text(entry.at)},
                               {"what", (entry.step.empty() ? "run " : "step ") + what},
                               {"step", entry.step},
                               {"attempt", entry.attempt},
                               {"duration_ms", static_cast<double>(entry.duration.count()) / 1000},
                               {"detail", entry.detail}});
  }
  out["logs"] = json::array();
  for (const run_log_line& line : engine_.logs_of(id)) {
    out["logs"].push_back({{"at", to_text(line.at)},
                           {"level", std::string(to_string(line.level))},
                           {"step", detail::to_printable(line.step)},
                           {"attempt", line.attempt},
                           {"text", detail::to_printable(line.text)}});
  }
  return std::optional<json>(std::in_place, std::move(out));
}

INNGEST_INLINE void page_api::add_notes(json& out, const std::vector<run_note>& notes) {
  out["metadata"] = combined_metadata(notes);
  out["messages"] = json::array();
  for (const run_note& note : notes) {
    if (note.what != run_note::kind::message) continue;
    out["messages"].push_back({{"at", to_text(note.at)},
                               {"channel", detail::to_printable(note.subject)},
                               {"topic", detail::to_printable(note.name)},
                               {"data", received_json_value(note.text)}});
  }
}

INNGEST_INLINE json page_api::steps_of(const run& run) {
  std::vector<shown_step> steps;
  timestamp before = run.queued_at;
  for (const timeline_entry& entry : run.timeline) {
    if (!entry.step.empty()) add(open_step(steps, entry, before), entry);
    before = entry.at;
  }
  json out = json::array();
  for (shown_step& step : steps) out.push_back(std::move(step.value));
  return out;
}

INNGEST_INLINE page_api::shown_step& page_api::open_step(std::vector<shown_step>& steps,
                                                         const timeline_entry& entry, timestamp before) {
  const step_hash id = step_hash_of(entry);
  std::size_t uses = 0;
  for (shown_step& step : steps) {
    if (step.id == id && !step.ended) return step;
    if (step.value["name"] == entry.step) ++uses;
  }
  const auto began = entry.at - std::chrono::floor<std::chrono::milliseconds>(entry.duration);
  const auto& kind = protocol::row_of(kind_begun_by(entry.what));
  steps.push_back({.id = id,
                   .value = {{"id", entry.step + (uses == 0 ? "" : ":" + std::to_string(uses))},
                             {"name", entry.step},
                             {"hash", detail::to_hex(id)},
                             {"kind", kind.shown_as},
                             {"status", "planned"},
                             {"queued_at", to_text((std::min)(began, (std::max)(before, began)))},
                             {"ended_at", nullptr},
                             {"attempts", json::array()},
                             {"detail", ""}},
                   .has_attempts = kind.work != protocol::step_work::wait});
  return steps.back();
}

INNGEST_INLINE void page_api::add(shown_step& step, const timeline_entry& entry) {
  json& value = step.value;
  value["detail"] = entry.detail;
  const auto end = [&](const char* status) {
    step.ended = true;
    value["status"] = status;
    value["ended_at"] = to_text(entry.at);
  };
  const auto attempt = [&](const char* status) {
    const auto began = entry.at - std::chrono::floor<std::chrono::milliseconds>(entry.duration);
    json shown{{"attempt", entry.attempt},
               {"started_at", to_text(began)},
               {"ended_at", to_text(entry.at)},
               {"status", status}};
    if (std::string_view(status) == "failed") shown["error"] = entry.detail;
    if (step.has_attempts) value["attempts"].push_back(std::move(shown));
  };
  switch (entry.what) {
    case progress::sleep_started:
      value["status"] = "sleeping";
      value["awaits"] = entry.detail;
      return;
    case progress::wait_started:
    case progress::invoke_started:
      value["status"] = "waiting";
      value["awaits"] = entry.detail;
      return;
    case progress::request_started:
      value["status"] = "running";
      return;
    case progress::step_retried:
      value["status"] = "retrying";
      return attempt("failed");
    case progress::step_failed:
      attempt("failed");
      return end("failed");
    case progress::wait_timed_out:
      return end("timed_out");
    case progress::step_completed:
      attempt("completed");
      return end("completed");
    case progress::sleep_ended:
    case progress::event_received:
    case progress::invoke_completed:
      return end("completed");
    default:
      return;
  }
}

}  // namespace inngest::inline INNGEST_ABI::embedded
