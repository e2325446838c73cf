#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <inngest/detail/hex.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/scheduling/run_queue.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/json.hpp>
#include <inngest/step_id.hpp>

namespace inngest::embedded {

/// A step under way: planned, asleep, waiting or invoked.
struct pending_step {
  std::string name{};
  timestamp begun{};
  /// The call that runs it, or the timer that ends it. None while its call is under way.
  std::optional<std::uint64_t> job{};
  bool waits = false;
  /// One of a parallel group: the function is not called again before all of those have run.
  bool is_awaited = false;
};

/// A run that has not ended.
struct active_run {
  run_record record{};
  std::shared_ptr<const function_definition> function{};
  std::map<step_hash, std::string> memos{};
  std::vector<step_hash> stack{};  // the memos' order
  std::map<step_hash, pending_step> pending{};
  std::set<std::uint64_t> jobs{};  // that were not taken
  /// The one among them that replays the whole function. There is never a second one.
  std::optional<std::uint64_t> replay_job{};
  /// Whether there are results that the function has not been called with.
  bool has_news = false;
  int calls = 0;          // under way
  std::size_t chain = 0;  // of the event that started it
  std::uint64_t last_call = 0;
  std::uint64_t last_replay = 0;  // the last call that went through the whole function
  std::shared_ptr<const concurrency_limits> limits{};
  std::chrono::milliseconds priority{};
  /// Of a singleton: there is no second run with this key. Empty otherwise.
  std::string singleton_key{};

  const std::string& id() const { return record.run.id; }
  bool has_work() const { return !pending.empty() || !jobs.empty() || calls > 0; }
  /// A JSON array.
  std::string events_text() const {
    std::string out = "[";
    for (const run_event& event : record.events) {
      if (out.size() > 1) out += ',';
      out += event.text;
    }
    return out += ']';
  }
  const std::string& event_text() const { return record.events.front().text; }
  int max_attempts() const { return function->retries + 1; }
  /// Bytes of all results and events.
  std::size_t state_size() const {
    std::size_t out = 0;
    for (const run_event& event : record.events) out += event.text.size();
    for (const auto& [step, memo] : memos) out += memo.size();
    return out;
  }
};

/// In bytes. A server does not send larger states in a call either.
inline constexpr std::size_t largest_state = 4 * 1024 * 1024 - 1024;

/// The body of a call request. While steps or other calls are under way or to come, the steps that the call
/// finds are only planned, so that no two calls run the same step. An app elsewhere is given the id with
/// which it saves results, and must ask for a state that is large.
inline std::string call_body(const active_run& run, const job& call) {
  const auto append_quoted_hash = [](std::string& out, const step_hash& hash) {
    if (out.back() != '[' && out.back() != '{') out += ',';
    out += '"';
    detail::append_hex(out, hash);
    out += '"';
  };
  const bool only_plan = call.step || !run.pending.empty() || run.calls > 1 || run.replay_job;
  const bool is_elsewhere = !run.function->url.empty();
  const bool use_api = is_elsewhere && run.state_size() > largest_state;
  std::string out = "{\"ctx\":{\"attempt\":" + std::to_string(call.attempt) +
                    ",\"disable_immediate_execution\":" + (only_plan ? "true" : "false") +
                    ",\"env\":\"\",\"fn_id\":" + encode(run.function->slug) +
                    ",\"max_attempts\":" + std::to_string(run.max_attempts()) +
                    (is_elsewhere ? ",\"qi_id\":\"" + std::to_string(call.id) + '"' : "") +
                    ",\"run_id\":" + encode(run.id()) +
                    ",\"stack\":{\"current\":" + std::to_string(run.stack.size()) + ",\"stack\":[";
  for (const step_hash& step : run.stack) append_quoted_hash(out, step);
  out +=
      std::string("]},\"step_id\":\"step\",\"use_api\":") + (use_api ? "true" : "false") + "},\"defers\":{";
  for (const deferred_call& deferred : run.record.deferred) {
    append_quoted_hash(out, deferred.id);
    out += ":{\"abortable\":false}";
  }
  out += "},\"event\":" + run.event_text();
  out += ",\"events\":" + (use_api ? "[]" : run.events_text()) + ",\"steps\":{";
  for (const auto& [step, memo] : run.memos) {
    if (use_api) break;
    append_quoted_hash(out, step);
    out += ':';
    out += memo;
  }
  return out += std::string("},\"use_api\":") + (use_api ? "true" : "false") + ",\"version\":2}";
}

}  // namespace inngest::embedded
