#pragma once

#include <chrono>
#include <functional>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/options.hpp>
#include <inngest/protocol/operation.hpp>

namespace inngest::inline INNGEST_ABI::execution {

/// Saves the step results of one call while the handler continues, instead of ending the call after every
/// step. Results that could not be saved remain here for the answer.
class checkpoints {
 public:
  using clock = std::chrono::steady_clock;  // not affected by changes of the system clock
  enum class saved {
    yes,
    no,     ///< not saved: the results belong in the answer
    stale,  ///< another call of the run has taken over: this call must stop
  };

  /// `options.max_runtime` must be set.
  checkpoints(const checkpointing& options, std::function<clock::time_point()> now,
              std::function<saved(const std::vector<protocol::operation>&)> save);

  /// Adds a step's result, and saves all unsaved results when a save is due.
  saved add(protocol::operation op);

  /// Saves all unsaved results.
  saved save();

  /// Adds a deferred call, which is saved with the next result: otherwise it would be lost if the run ended
  /// in this call.
  void add_deferred(protocol::operation op) { unsaved_.push_back(std::move(op)); }

  /// Whether the call should begin no further steps.
  bool is_out_of_time() const { return now_() - started_ >= *options_.max_runtime; }

  std::vector<protocol::operation> take_unsaved() { return std::exchange(unsaved_, {}); }

 private:
  const checkpointing options_;
  const std::function<clock::time_point()> now_;
  const std::function<saved(const std::vector<protocol::operation>&)> save_;
  const clock::time_point started_;
  clock::time_point saved_at_;
  std::vector<protocol::operation> unsaved_;
};

}  // namespace inngest::inline INNGEST_ABI::execution

#if !defined(INNGEST_COMPILED)
#include <inngest/execution/impl/checkpoints.ipp>
#endif
