#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::string active_run::events_text() const {
  std::string out = "[";
  for (const run_event& event : record.events) {
    if (out.size() > 1) out += ',';
    out += event.text;
  }
  return out += ']';
}

INNGEST_INLINE std::size_t active_run::state_size() const {
  std::size_t out = 0;
  for (const run_event& event : record.events) out += event.text.size();
  for (const auto& [step, memo] : memos) out += memo.size();
  if (record.replaced) out += record.replaced->input.size();
  return out;
}

INNGEST_INLINE bool must_plan(const active_run& run, const job& call) {
  return call.step || !run.pending.empty() || run.calls > 1 || run.replay_job;
}

INNGEST_INLINE std::string call_body(const active_run& run, const job& call) {
  const auto append_quoted_hash = [](std::string& out, const step_hash& hash) {
    if (out.back() != '[' && out.back() != '{') out += ',';
    out += '"';
    detail::append_hex(out, hash);
    out += '"';
  };
  const bool only_plan = must_plan(run, call);
  const bool is_elsewhere = !run.function->url.empty();
  const bool use_api = is_elsewhere && run.state_size() > largest_state;
  std::string out = "{\"ctx\":{\"attempt\":" + std::to_string(call.attempt) +
                    ",\"disable_immediate_execution\":" + (only_plan ? "true" : "false") +
                    ",\"env\":\"\",\"fn_id\":\"" + run.function->uuid + "\"" +
                    ",\"max_attempts\":" + std::to_string(run.max_attempts()) +
                    (is_elsewhere ? ",\"qi_id\":\"" + std::to_string(call.id) + '"' : "") +
                    ",\"run_id\":" + encode(run.id()) +
                    ",\"stack\":{\"current\":" + std::to_string(run.stack.size()) + ",\"stack\":[";
  for (const step_hash& step : run.stack) append_quoted_hash(out, step);
  out +=
      std::string("]},\"step_id\":\"step\",\"use_api\":") + (use_api ? "true" : "false") + "},\"defers\":{";
  for (const deferred_call& deferred : run.record.deferred) {
    append_quoted_hash(out, deferred.id);
    out += ":{\"abortable\":true}";
  }
  out += "},\"event\":" + run.event_text();
  out += ",\"events\":" + (use_api ? "[]" : run.events_text()) + ",\"steps\":{";
  for (const auto& [step, memo] : run.memos) {
    if (use_api) break;
    append_quoted_hash(out, step);
    out += ':';
    out += memo;
  }
  if (const replaced_input* replaced = use_api ? nullptr : run.input_to_replace()) {
    append_quoted_hash(out, replaced->step);
    out += ":{\"input\":" + replaced->input + '}';
  }
  return out += std::string("},\"use_api\":") + (use_api ? "true" : "false") + ",\"version\":2}";
}

}  // namespace inngest::inline INNGEST_ABI::embedded
