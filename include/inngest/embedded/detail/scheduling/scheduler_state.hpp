#pragma once

#include <utility>

#include <inngest/detail/ulid.hpp>
#include <inngest/embedded/detail/scheduling/active_runs.hpp>
#include <inngest/embedded/detail/scheduling/change_journal.hpp>
#include <inngest/embedded/detail/scheduling/flow_control.hpp>
#include <inngest/embedded/detail/scheduling/run_jobs.hpp>
#include <inngest/embedded/detail/scheduling/subscriptions.hpp>
#include <inngest/embedded/detail/scheduling/waiting_steps.hpp>

namespace inngest::embedded::scheduling {

/// What all parts of the scheduler read and change. The parts are functions around it: steps, limits,
/// lifecycle, batches, admission, events, schedules, operations, answers and recovery. Each part calls only
/// those below it, as the #include lines show.
struct scheduler_state {
  scheduler_state(run_jobs::retry_delay delay, detail::ulid_source source)
      : ids(std::move(source)), jobs(journal, std::move(delay)) {}
  scheduler_state(const scheduler_state&) = delete;
  scheduler_state& operator=(const scheduler_state&) = delete;

  detail::ulid_source ids;
  change_journal journal{};
  subscriptions functions{};
  flow_control flow{journal.changes};
  active_runs runs{};
  waiting_steps waits{};
  run_jobs jobs;
};

}  // namespace inngest::embedded::scheduling
