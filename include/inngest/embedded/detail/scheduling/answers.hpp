#pragma once

#include <algorithm>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/sha1.hpp>
#include <inngest/embedded/detail/app_answer.hpp>
#include <inngest/embedded/detail/outgoing_request.hpp>
#include <inngest/embedded/detail/reported_operation.hpp>
#include <inngest/embedded/detail/run_errors.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>
#include <inngest/embedded/detail/scheduling/lifecycle.hpp>
#include <inngest/embedded/detail/scheduling/operations.hpp>
#include <inngest/embedded/detail/scheduling/scheduler_state.hpp>
#include <inngest/embedded/detail/scheduling/steps.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/http.hpp>
#include <inngest/protocol/headers.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

/// Processes the answers to calls of apps, and to requests that the engine makes for steps.
class answers {
 public:
  answers(scheduler_state& state, steps& steps, lifecycle& lifecycle, operations& operations);

  /// Processes an app's answer.
  void take(active_run& run, const job& call, const http::response& answer, timestamp now);

  /// Processes the answer to a step's request, or the problem of a request that could not be made.
  void take_requested(active_run& run, const job& made, const http::response& answer, timestamp now);

 private:
  static bool has_attempts_left(const active_run& run, const job& call);

  void retry_or_fail(active_run& run, const job& call, const run_error& error, bool may_retry,
                     const http::response& answer, timestamp now);

  void retry_or_fail_step(active_run& run, const job& call, const run_error& error, bool may_retry,
                          const http::response& answer, timestamp now);

  /// What an answer's operations mean for the run as a whole.
  struct outcome {
    const reported_operation* completed = nullptr;
    const reported_operation* failed = nullptr;
    std::optional<run_error> refusal{};  // why the first unsupported operation failed
  };

  void take_operations(active_run& run, const job& call, const app_answer& read, bool is_overtaken,
                       const http::response& answer, timestamp now);

  /// Processes the operations in order. Returns `nullopt` when one of them ended the run, as when a singleton
  /// that invokes itself is cancelled.
  std::optional<outcome> take_all(active_run& run, const job& call, const app_answer& read,
                                  const http::response& answer, timestamp now);

  /// Whether a step's call has ended without a result of the step and without another attempt.
  static bool is_left_open(const active_run& run, const job& call);

  /// Calls the app again if it requests that, and the app may plan the step again. Otherwise the attempt
  /// failed.
  void continue_without_result(active_run& run, const job& call, const app_answer& read,
                               const http::response& answer, timestamp now);

  /// Processes an answer without results or steps, with which the app requests another call.
  static bool says_nothing(const app_answer& read);

  /// A function that fails after it deferred calls reports its failure in an operation, together with those
  /// calls.
  static bool is_failure_of_run(const reported_operation& op);

  scheduler_state& state_;
  steps& steps_;
  lifecycle& lifecycle_;
  operations& operations_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/answers.ipp>
#endif
