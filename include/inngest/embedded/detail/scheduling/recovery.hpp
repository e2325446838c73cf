#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

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

/// Continues with the unfinished work of an earlier process, which work_check has checked.
class recovery {
 public:
  recovery(scheduler_state& state, steps& steps, limits& limits, lifecycle& lifecycle, schedules& schedules);

  void resume(unfinished_work& work, timestamp now);

 private:
  /// A function of this process stays in the place of an app's.
  void resume_app(const app_record& app);

  void resume_run(run_record record, const unfinished_work& work);

  /// The run's function. When no app has it any more it is a stand-in: calls of it fail until an app
  /// registers it, and the run with them. It does not fail while a registration can't be read, as that may be
  /// its app's.
  shared_function definition_for(const run& run, const unfinished_work& work) const;

  void resume_memo(memo_record memo);

  void resume_job(const job& job);

  void resume_wait(const wait_record& wait);

  /// Steps that invoked a run wait for it, even if that run is set aside.
  void resume_invokes(const unfinished_work& work);

  void resume_invoke(const parent_step& invoke, timestamp begun);

  /// A process ended while it made the call: that attempt has failed. The next begins at once, as time has
  /// passed already.
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
