#pragma once

#include <chrono>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/detail/sha1.hpp>
#include <inngest/embedded/detail/received_json.hpp>
#include <inngest/embedded/detail/run_api.hpp>
#include <inngest/embedded/detail/run_trace.hpp>

namespace inngest::inline INNGEST_ABI::embedded::run_api {

/// The operation of the step that the entry begins, in a server's words; empty if the entry does not
/// determine it.
constexpr std::string_view operation_of(progress what) {
  if (what == progress::request_started) return {};  // step.fetch or step.ai.infer
  switch (kind_begun_by(what)) {
    case step_kind::sleep:
      return "SLEEP";
    case step_kind::wait_for_event:
      return "WAIT_FOR_EVENT";
    case step_kind::invoke:
      return "INVOKE";
    default:
      return "RUN";
  }
}

INNGEST_INLINE timestamp begin_of(const timeline_entry& entry) {
  return entry.at - std::chrono::floor<std::chrono::milliseconds>(entry.duration);
}

/// The content of a memo, without its wrapper.
INNGEST_INLINE json content_of(const memo_record& memo) {
  json out = received_json_value(memo.text);
  for (const char* wrapping : {"data", "error"}) {
    if (out.is_object() && out.size() == 1 && out.contains(wrapping)) return json(std::move(out[wrapping]));
  }
  return out;
}

INNGEST_INLINE run_trace::run_trace(const run_record& record, const std::vector<memo_record>& memos,
                                    bool with_output)
    : record_(record), with_output_(with_output) {
  for (const memo_record& memo : memos) results_.emplace(memo.step, &memo);
}

INNGEST_INLINE json run_trace::build() {
  const run& run = record_.run;
  json root{{"id", next_id()}, {"name", "Run"}, {"status", status_text(run.status, "waiting")}};
  add_times(root, run.queued_at, run.started_at, run.ended_at);
  for (const timeline_entry& entry : run.timeline) add(entry);
  for (const part& child : parts_) root["children"].push_back(described(child));
  if (with_output_) {
    for (const run_event& event : record_.events)
      root["input"]["data"].push_back(received_json_value(event.text));
    if (auto output = output_of(run)) root["output"] = std::move(*output);
  }
  return {{"runId", run.id}, {"rootSpan", std::move(root)}};
}

INNGEST_INLINE void run_trace::add(const timeline_entry& entry) {
  switch (entry.what) {
    case progress::run_queued:
    case progress::run_started:
    case progress::run_cancelled:
    case progress::run_skipped:
      return;
    case progress::step_planned:
    case progress::sleep_started:
    case progress::wait_started:
    case progress::invoke_started:
    case progress::request_started:
      open_part(entry);
      return;
    case progress::step_retried:
    case progress::run_retried:
      return add_attempt(entry);
    case progress::step_failed:
    case progress::run_failed:
      add_attempt(entry);
      return end(entry, "FAILED");
    case progress::step_completed:
    case progress::sleep_ended:
    case progress::event_received:
    case progress::wait_timed_out:
    case progress::invoke_completed:
    case progress::run_completed:
      return end(entry, "COMPLETED");
  }
}

INNGEST_INLINE void run_trace::add_attempt(const timeline_entry& entry) {
  part& of = open_part(entry);
  of.status = "RUNNING";
  json attempt{{"id", next_id()}, {"name", "Attempt " + std::to_string(entry.attempt)}, {"status", "FAILED"}};
  const bool is_whole_run = entry.step.empty();
  add_times(attempt, is_whole_run ? entry.at : begin_of(entry), is_whole_run ? entry.at : begin_of(entry),
            entry.at);
  if (with_output_) attempt["output"] = {{"message", entry.detail}};
  of.attempts.push_back(std::move(attempt));
}

INNGEST_INLINE void run_trace::end(const timeline_entry& entry, std::string_view status) {
  part& ended = open_part(entry);
  ended.status = status;
  ended.ended = entry.at;
}

INNGEST_INLINE run_trace::part& run_trace::open_part(const timeline_entry& entry) {
  const step_hash id = step_hash_of(entry);
  for (part& known : parts_) {
    if (known.step_id == id && !known.ended) return known;
  }
  const timestamp begun = entry.step.empty() ? entry.at : begin_of(entry);
  parts_.push_back({.step = entry.step,
                    .step_id = id,
                    .operation = entry.step.empty() ? std::string_view() : operation_of(entry.what),
                    .queued = begun,
                    .started = begun});
  return parts_.back();
}

INNGEST_INLINE json run_trace::described(const part& shown) {
  const bool is_step = !shown.step.empty();  // otherwise the end of the function
  const bool is_cut_off = !shown.ended && record_.run.ended();
  json out{{"id", next_id()},
           {"name", is_step ? shown.step : "Finalization"},
           {"status", is_cut_off ? "CANCELLED" : shown.status}};
  if (!shown.operation.empty()) out["stepOp"] = shown.operation;
  add_times(out, shown.queued, shown.started, shown.ended);
  for (const json& attempt : shown.attempts) out["children"].push_back(attempt);
  if (!is_step) return out;
  out["stepId"] = detail::to_hex(shown.step_id);
  const auto result = results_.find(shown.step_id);
  if (with_output_ && shown.ended && result != results_.end()) {
    json content = content_of(*result->second);
    if (!content.is_null() || shown.operation == "RUN") out["output"] = as_object(std::move(content));
  }
  return out;
}

INNGEST_INLINE std::string run_trace::next_id() {
  const auto digest = detail::sha1::of(record_.run.id + "/" + std::to_string(ids_++));
  return detail::to_hex(digest).substr(0, 16);
}

}  // namespace inngest::inline INNGEST_ABI::embedded::run_api
