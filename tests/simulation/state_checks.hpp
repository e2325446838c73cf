#pragma once

#include <inngest/embedded/detail/engine_core.hpp>
#include <inngest/embedded/detail/scheduling/scheduler.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/inngest.hpp>

#include <cstddef>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checks.hpp"
#include "process.hpp"

// What has to be true of the state of an engine's core. All checks throw a violation.

namespace simulated {

/// What a call is made of, and so what its body may see, is in the store.
inline void check_durable(const engine_core::call& call, const inngest::embedded::store& stored) {
  if (call.what.what != job::kind::call) return;
  const std::string_view body = call.request.body;
  const std::size_t at = body.find("\"stack\":{\"current\":");
  if (at == std::string_view::npos) return;
  const auto seen = static_cast<std::size_t>(std::atoi(body.data() + at + 19));
  if (stored.memos_of(call.what.run_id).size() < seen)
    throw violation("a call of run " + call.what.run_id + " sees results that a crash would lose");
}

/// No limit on what is under way at once is exceeded. `calls` are under way, and `taken` has just begun.
inline void check_limits(const job& taken, const std::vector<std::unique_ptr<worker_call>>& calls,
                         const scheduler& state, const commit_checks& checks) {
  if (taken.what != job::kind::call) return;
  std::map<std::string, std::pair<int, int>> used;  // and the limit
  for (const auto& call : calls) {
    if (call->call.what.what != job::kind::call) continue;
    const inngest::embedded::active_run* run = state.find_run(call->call.what.run_id);
    const known_function* function = run ? checks.find(run->function->slug) : nullptr;
    if (!function || function->is_companion || !run->limits) continue;
    if (checks.is_doubtful(call->call.what.run_id)) continue;  // called while nobody knew its limits
    for (const auto& limit : function->plan->options.concurrency.limits()) {
      const std::string k =
          limit.key.empty() ? "" : event_facts::of(run->record.run.event_name, run->event_text()).k;
      if (!limit.key.empty() && k.empty()) continue;
      const bool is_shared = limit.scope != inngest::concurrency_scope::function;
      if (is_shared) continue;  // each function has its own limit of the shared place
      auto& [count, most] = used[function->slug + (limit.key.empty() ? "" : ":" + k)];
      most = limit.limit;
      if (++count > most)
        throw violation(std::to_string(count) + " calls of " + function->slug + " are under way, of " +
                        std::to_string(most));
    }
  }
}

/// The results of a run, in their order.
inline std::string described(const inngest::embedded::active_run& run) {
  std::string out;
  for (const inngest::step_hash& step : run.stack) {
    const auto found = run.memos.find(step);
    out += inngest::detail::to_hex(step).substr(0, 6) + "=" +
           (found == run.memos.end() ? "?" : found->second.substr(0, 60)) + " ";
  }
  return out;
}

/// What another process would load is what this one has.
inline void check_same_state(const scheduler& here, const scheduler& loaded, const commit_checks& checks) {
  const auto steps = [](const auto& pending) {
    std::vector<std::pair<inngest::step_hash, std::string>> out;
    for (const auto& [step, value] : pending) out.emplace_back(step, value.name);
    return out;
  };
  for (const std::string& id : checks.active()) {
    const auto* run = here.find_run(id);
    const auto* other = loaded.find_run(id);
    if (!run) continue;  // its end is not committed yet
    if (!other) throw violation("run " + id + " is not loaded");
    if (run->memos != other->memos || run->stack != other->stack)
      throw violation("run " + id + " is loaded with other results: " + described(*other) + " instead of " +
                      described(*run));
    if (run->record.run.status != other->record.run.status ||
        run->record.gathering != other->record.gathering)
      throw violation("run " + id + " is loaded with another status");
    if (steps(run->pending) != steps(other->pending))
      throw violation("run " + id + " is loaded with other steps under way");
    if (run->record.run.tags != other->record.run.tags ||
        run->record.run.concurrency_keys != other->record.run.concurrency_keys ||
        run->record.run.idempotency_key != other->record.run.idempotency_key)
      throw violation("run " + id + " is loaded with other tags or keys");
    if (!run->has_work()) throw violation("run " + id + " has not ended, and has nothing to do");
  }
  const auto pauses = [](const scheduler& of) {
    std::vector<std::pair<std::string, inngest::timestamp>> out;
    for (const auto& pause : of.parts().pauses.all()) out.emplace_back(pause.target.text(), pause.since);
    return out;
  };
  if (pauses(here) != pauses(loaded)) throw violation("other pauses are loaded");
  const auto due = here.next_due(), later = loaded.next_due();
  if (!checks.active().empty() && due.has_value() && !later.has_value())
    throw violation("nothing is due after loading");
}

/// A core that is idle holds nothing but its schedules.
inline void check_nothing_is_left(const scheduler::holdings& held) {
  const auto expect = [](const char* what, std::size_t count, std::size_t wanted) {
    if (count != wanted)
      throw violation(std::to_string(count) + " " + what + " are left instead of " + std::to_string(wanted));
  };
  expect("runs", held.runs, 0);
  expect("jobs", held.jobs, held.schedules);
  expect("calls", held.calls, 0);
  expect("slots", held.slots_in_use, 0);
  expect("waits", held.waits, 0);
  expect("gathering runs", held.batch_buffers, 0);
  expect("singletons", held.singletons, 0);
  expect("events", held.events, 0);
  expect("remembered keys", held.remembered, 0);
}

}  // namespace simulated
