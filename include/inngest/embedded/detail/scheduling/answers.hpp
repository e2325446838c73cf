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

/// Takes the answers to calls of apps, and to requests that the engine makes for steps.
class answers {
 public:
  answers(scheduler_state& state, steps& steps, lifecycle& lifecycle, operations& operations);

  /// Takes an app's answer.
  void take(active_run& run, const job& call, const http::response& answer, timestamp now);

  /// Takes the answer to a step's request, or the problem of making it.
  void take_requested(active_run& run, const job& made, const http::response& answer, timestamp now);

 private:
  static bool has_attempts_left(const active_run& run, const job& call);

  void retry_or_fail(active_run& run, const job& call, const run_error& error, bool may_retry,
                     const http::response& answer, timestamp now);

  void retry_or_fail_step(active_run& run, const job& call, const run_error& error, bool may_retry,
                          const http::response& answer, timestamp now);

  /// What an answer's operations say of the run as a whole.
  struct outcome {
    const reported_operation* completed = nullptr;
    const reported_operation* failed = nullptr;
    std::optional<run_error> refusal{};  // of the first operation that can't be done
  };

  void take_operations(active_run& run, const job& call, const app_answer& read, bool is_overtaken,
                       const http::response& answer, timestamp now);

  /// Takes one operation after the other. Nothing when the run has ended by that: a singleton that invoked
  /// itself was cancelled.
  std::optional<outcome> take_all(active_run& run, const job& call, const app_answer& read,
                                  const http::response& answer, timestamp now);

  /// Whether a step's call has ended with neither a result of the step nor another attempt.
  static bool is_left_open(const active_run& run, const job& call);

  /// An app that asks to be called again is, and may plan the step anew. Otherwise the step's attempt failed.
  void continue_without_result(active_run& run, const job& call, const app_answer& read,
                               const http::response& answer, timestamp now);

  /// An answer without results or steps: the app asks to be called again.
  static bool says_nothing(const app_answer& read);

  /// A function that failed after it had deferred calls reports its failure in an operation, beside those
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
