#pragma once

#include <inngest/config.hpp>
#include <inngest/detail/ulid.hpp>
#include <inngest/embedded/detail/scheduling/active_runs.hpp>
#include <inngest/embedded/detail/scheduling/change_journal.hpp>
#include <inngest/embedded/detail/scheduling/flow_control.hpp>
#include <inngest/embedded/detail/scheduling/pauses.hpp>
#include <inngest/embedded/detail/scheduling/run_jobs.hpp>
#include <inngest/embedded/detail/scheduling/subscriptions.hpp>
#include <inngest/embedded/detail/scheduling/waiting_steps.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

/// The state shared by the parts of the scheduler. Each part has one responsibility, and calls only parts
/// above it in this list:
///
///     steps       steps begin, wait and end; their results are remembered
///     limits      concurrency, priority and singletons of runs
///     lifecycle   runs begin and end
///     batches     runs that wait for events: batches, debounces, events with a time in the future
///     admission   whether an event starts a run of a function, and when
///     events      events are accepted and dispatched
///     schedules   the next time of every cron schedule
///     operations  the operations of an app's answer, by step kind
///     answers     the effects of an app's answer on its call and its run
///     calls       calls and timers that are due
///     pause_control  functions, apps and schedules are paused and resumed
///     recovery    unfinished work of an earlier process
///
/// A part computes everything that may throw because of its input before it changes anything.
struct scheduler_state {
  scheduler_state(run_jobs::retry_delay delay, detail::ulid_source source);
  scheduler_state(const scheduler_state&) = delete;
  scheduler_state& operator=(const scheduler_state&) = delete;

  detail::ulid_source ids;
  change_journal journal{};
  subscriptions functions{};
  flow_control flow{journal.changes};
  scheduling::pauses pauses{journal.changes};
  active_runs runs{};
  waiting_steps waits{};
  run_jobs jobs;
};

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/scheduler_state.ipp>
#endif
