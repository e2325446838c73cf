#pragma once

#include <optional>
#include <string>

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
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/error_info.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/http_run.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

/// Processes apps' answers to calls, and the answers to requests that the engine makes for steps.
class answers {
 public:
  answers(scheduler_state& state, steps& steps, lifecycle& lifecycle, operations& operations);

  /// Processes an app's answer.
  void take(active_run& run, const job& call, const http::response& answer, timestamp now);

  /// Processes the answer to a step's request, or the error of a request that could not be made.
  void take_requested(active_run& run, const job& made, const http::response& answer, timestamp now);

 private:
  /// Ends the run with its output. An endpoint that answers with a status of 500 or more has failed.
  void complete(active_run& run, int attempt, std::string output, timestamp now);

  /// The app's answer as JSON for lifecycle events; the error when the answer came from a proxy. Empty if
  /// there was no answer.
  static std::string failed_answer_of(const http::response& answer, const run_error& error);

  static bool has_attempts_left(const active_run& run, const job& call);

  /// After the last attempt the run fails, also when the call was for a step: as on a server, a call without
  /// an answer says nothing about the step.
  void retry_or_fail(active_run& run, const job& call, const run_error& error, bool may_retry,
                     const http::response& answer, timestamp now);
  /// After the last attempt the step fails.
  void retry_or_fail_step(active_run& run, const job& call, const run_error& error, bool may_retry,
                          const http::response& answer, timestamp now);
  /// Plans the next attempt of the call.
  void retry(active_run& run, const job& call, const run_error& error, const http::response& answer,
             timestamp now);

  /// The effect of an answer's operations on the run as a whole.
  struct outcome {
    const reported_operation* completed = nullptr;
    const reported_operation* failed = nullptr;
    std::optional<run_error> refusal{};  // why the first unsupported operation failed
  };

  void take_operations(active_run& run, const job& call, const app_answer& read, bool is_overtaken,
                       const http::response& answer, timestamp now);

  /// Processes the operations in order. Returns `nullopt` when one of them ended the run, for example when a
  /// singleton that invokes itself is cancelled.
  std::optional<outcome> take_all(active_run& run, const job& call, const app_answer& read,
                                  const http::response& answer, timestamp now);

  /// Whether a step's call has ended without a result of the step and without another planned attempt.
  static bool is_left_open(const active_run& run, const job& call);

  /// Whether the app may be called again because its answer asks for that. It may not ask twice without
  /// anything new in between: it would be called in a loop.
  static bool may_ask_again(active_run& run, const job& call, const app_answer& read);

  /// Whether the function did not reach the step that was called, because it was changed: it has a new step
  /// before that one, or no longer has it. Then the whole function is called, without using up an attempt.
  /// A function that isn't deterministic would be called in a loop, so this holds only for as many steps as
  /// the changed function can have missed: see active_run::replans_left.
  static bool was_not_reached(const active_run& run, const job& call, const app_answer& read);
  /// Replaces the hash in the error of a step that was not reached, because an app doesn't know the name.
  static void name_step(const job& call, run_error& error);

  /// The error of an answer with which the run cannot continue.
  static run_error no_progress(const app_answer& read);

  /// Calls the app again if it requests that and may plan the step again. Otherwise the attempt failed.
  void continue_without_result(active_run& run, const job& call, const app_answer& read, bool has_news,
                               const http::response& answer, timestamp now);

  /// Whether the answer has no results or steps.
  static bool says_nothing(const app_answer& read);

  /// Whether the operation reports the failure of the function. A function that fails after it deferred calls
  /// reports its failure together with those calls.
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
