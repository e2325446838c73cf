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

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/scheduling/run_queue.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/json.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

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
  std::string events_text() const;
  const std::string& event_text() const { return record.events.front().text; }
  int max_attempts() const { return function->retries + 1; }
  /// Bytes of all results and events.
  std::size_t state_size() const;
};

/// In bytes. A server does not send larger states in a call either.
inline constexpr std::size_t largest_state = 4 * 1024 * 1024 - 1024;

/// The body of a call request. While steps or other calls are under way or to come, the steps that the call
/// finds are only planned, so that no two calls run the same step. An app elsewhere is given the id with
/// which it saves results, and must ask for a state that is large.
std::string call_body(const active_run& run, const job& call);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/active_run.ipp>
#endif
