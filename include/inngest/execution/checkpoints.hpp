#pragma once

#include <chrono>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/options.hpp>
#include <inngest/protocol/operation.hpp>

namespace inngest::inline INNGEST_ABI::execution {

/// The results of one call's steps that are saved while the handler goes on, instead of ending the call after
/// each. What could not be saved stays here, to be put into the answer.
class checkpoints {
 public:
  using clock = std::chrono::steady_clock;  // a clock that is set changes no interval
  enum class saved {
    yes,
    no,     ///< no server took them: the answer must
    stale,  ///< another call of the run has taken over: this one must stop
  };

  checkpoints(const checkpointing& options, std::function<clock::time_point()> now,
              std::function<saved(const std::vector<protocol::operation>&)> save);

  /// Keeps a step's result, and saves what is kept when it is time to.
  saved keep(protocol::operation op);

  /// Saves what is kept.
  saved save();

  /// Whether no further step should begin in this call.
  bool is_out_of_time() const { return now_() - started_ >= options_.max_runtime; }

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
