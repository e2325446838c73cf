#pragma once

#include <string>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/reported_operation.hpp>
#include <inngest/embedded/detail/run_errors.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>
#include <inngest/embedded/detail/scheduling/scheduler_state.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

/// The result of a step that the engine ran, such as a wait.
struct step_end {
  std::string memo{};
  progress what{};
  std::string detail{};
  int attempt = 0;

  static step_end failure(const run_error& error, int attempt = 0);
};

/// Begins and ends the steps of runs, and stores their results.
class steps {
 public:
  explicit steps(scheduler_state& state) : state_(state) {}

  /// Begins a step. `call` is the call that reported it.
  pending_step& begin(active_run& run, const job& call, const reported_operation& op, progress what,
                      const std::string& detail, timestamp now);

  /// Begins a wait for an event or a signal until a time.
  void begin_wait(active_run& run, const job& call, const reported_operation& op, wait_record wait,
                  shared_expression condition, timestamp until, timestamp now);

  /// Ends a step that the engine ran, and continues the run.
  void end(active_run& run, const step_hash& step, const step_end& result, timestamp now);

  /// Ends a step that the app ran. The first result is used.
  void end_reported(active_run& run, const reported_operation& op, int attempt, timestamp now);

  /// Stores the result of a step for further calls of the run.
  void remember(active_run& run, memo_record memo);

  void forget_wait(const step_place& place);

 private:
  scheduler_state& state_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/steps.ipp>
#endif
