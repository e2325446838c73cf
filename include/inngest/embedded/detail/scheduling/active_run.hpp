#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/run_notes.hpp>
#include <inngest/embedded/detail/scheduling/run_queue.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/json.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// An unfinished step: planned, sleeping, waiting or invoked.
struct pending_step {
  std::string name{};
  timestamp begun{};
  /// The job of the call that runs the step, or of the timer that ends it; none while the call is in
  /// progress.
  std::optional<std::uint64_t> job{};
  bool waits = false;
  /// Whether the step belongs to a parallel group: the function is called again when all steps of the group
  /// have run.
  bool is_awaited = false;
};

/// The numbers of results and deferred calls of a run. While they are the same, its calls have the same
/// request.
struct known_work {
  std::size_t results = 0;
  std::size_t deferred = 0;

  bool operator==(const known_work&) const = default;
};

struct function_metrics;

/// A run that has not ended.
struct active_run {
  run_record record{};
  std::shared_ptr<const function_definition> function{};
  std::map<step_hash, std::string> memos{};
  std::vector<step_hash> stack{};  // the order of the memos
  std::map<step_hash, pending_step> pending{};
  std::set<std::uint64_t> jobs{};  // ids of jobs that were not taken
  /// The job that replays the whole function. There is at most one.
  std::optional<std::uint64_t> replay_job{};
  /// Whether there are results that the function was not called with yet.
  bool has_news = false;
  int calls = 0;          // calls in progress
  std::size_t chain = 0;  // event_record::chain of the event that started the run
  std::uint64_t last_call = 0;
  std::uint64_t last_replay = 0;  // id of the last call of the whole function
  known_work known_to_replay{};   // when that call began
  /// What the run had when a call of a step, or of the whole function (a hash of zeros), last asked for
  /// another call without anything new.
  std::map<step_hash, known_work> asked_with{};
  /// How many more of the run's planned steps the function may fail to reach: as many as there were when it
  /// first did, because a changed function may have a new step before each of them.
  std::optional<std::size_t> replans_left{};
  std::shared_ptr<const concurrency_limits> limits{};
  std::chrono::milliseconds priority{};
  std::string throttle_key{};  // see flow_control::throttle_key
  /// Why the run failed, for lifecycle events: the problem with the app's answer.
  std::string problem{};
  std::string failed_answer{};  // the answer, as JSON; empty when there was none
  /// The key of a singleton, of which only one run exists; empty for other functions.
  std::string singleton_key{};
  function_metrics* meter = nullptr;  // see run_meter
  metadata_usage metadata{};

  const std::string& id() const { return record.run.id; }
  bool has_work() const { return !pending.empty() || !jobs.empty() || calls > 0; }
  known_work known() const { return {stack.size(), record.deferred.size()}; }
  /// Whether the call is the last one of the whole function, and nothing is new since it began.
  bool has_nothing_new_since(const job& call) const {
    return !call.step && last_replay == call.id && known() == known_to_replay;
  }
  /// The events as a JSON array.
  std::string events_text() const;
  const std::string& event_text() const { return record.events.front().text; }
  int max_attempts() const { return function->retries + 1; }
  /// The replaced arguments of the step from which the run was repeated, until the step has a result.
  const replaced_input* input_to_replace() const {
    return record.replaced && !memos.contains(record.replaced->step) ? &*record.replaced : nullptr;
  }
  /// The size of all results and events in bytes.
  std::size_t state_size() const;
};

/// The maximum state size in bytes in the body of a call; the same as an Inngest server's.
inline constexpr std::size_t largest_state = 4 * 1024 * 1024 - 1024;

/// Whether a call must only plan new steps, so that two calls never run the same step.
bool must_plan(const active_run& run, const job& call);

/// The body of a call request. While other steps or calls of the run are pending or in progress, the call
/// must only plan new steps, so that two calls never run the same step. A remote app also receives the id
/// with which it saves results, and must fetch a large state.
std::string call_body(const active_run& run, const job& call);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/active_run.ipp>
#endif
