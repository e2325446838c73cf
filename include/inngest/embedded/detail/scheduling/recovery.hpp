#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/run_errors.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>
#include <inngest/embedded/detail/scheduling/lifecycle.hpp>
#include <inngest/embedded/detail/scheduling/limits.hpp>
#include <inngest/embedded/detail/scheduling/scheduler_state.hpp>
#include <inngest/embedded/detail/scheduling/schedules.hpp>
#include <inngest/embedded/detail/scheduling/steps.hpp>
#include <inngest/embedded/detail/scheduling/waiting_steps.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/expression.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

/// Continues with the unfinished work of an earlier process, which work_check has validated.
class recovery {
 public:
  recovery(scheduler_state& state, steps& steps, limits& limits, lifecycle& lifecycle, schedules& schedules);

  void resume(unfinished_work& work, timestamp now);

 private:
  /// A function of this process takes precedence over an app's.
  void resume_app(const app_record& app);

  void resume_run(run_record record, const unfinished_work& work);

  /// The run's function. If no app has it, a placeholder: its calls fail, and finally the run, unless an app
  /// registers the function. While a registration can't be read, these calls do not fail, because it may be
  /// that of the function's app.
  shared_function definition_for(const run& run, const unfinished_work& work) const;

  void resume_memo(memo_record memo);

  void resume_job(job job, timestamp now);

  void resume_wait(const wait_record& wait);

  /// Restores invoke steps that wait for their run, even if that run is set aside.
  void resume_invokes(const unfinished_work& work);

  void resume_invoke(const parent_step& invoke, timestamp begun);

  /// Assumes that results came after the run's last replay, which the store does not know. Otherwise a step
  /// that waits for another attempt would hold up the rest of its group; a needless replay does no harm.
  static void assume_news(active_run& run);

  /// Fails the attempt of a call during which the process ended. The next attempt starts without a delay,
  /// because time has already passed.
  void end_lost_attempt(const job& lost, timestamp now);

  void retry_lost(active_run& run, const job& lost, const run_error& error, timestamp now);

  scheduler_state& state_;
  steps& steps_;
  limits& limits_;
  lifecycle& lifecycle_;
  schedules& schedules_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/recovery.ipp>
#endif
