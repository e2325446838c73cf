#pragma once

#include <cstdint>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/run_activity.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

/// The earliest planned job of each kind.
struct planned_jobs {
  const job* due = nullptr;      // a call that is due
  const job* call = nullptr;     // a call in the future
  const job* wake = nullptr;     // the end of a sleep
  const job* timeout = nullptr;  // the end of a wait

  static void keep(const job*& earliest, const job& other) {
    if (!earliest || other.due < earliest->due) earliest = &other;
  }
};

INNGEST_INLINE planned_jobs planned_of(const scheduler_state& state, const active_run& run, timestamp now) {
  planned_jobs out;
  for (const std::uint64_t id : run.jobs) {
    const job* planned = state.jobs.queue().find(id);
    if (!planned) continue;
    const bool is_due = planned->due <= now && !state.jobs.queue().waits_in_line(id);
    if (is_call(*planned) || planned->what == job::kind::gathered)
      planned_jobs::keep(is_due ? out.due : out.call, *planned);
    else if (planned->what == job::kind::wake)
      planned_jobs::keep(out.wake, *planned);
    else if (planned->what == job::kind::wait_timeout || planned->what == job::kind::invoke_timeout)
      planned_jobs::keep(out.timeout, *planned);
  }
  return out;
}

/// What the run waits for, other than the end of a sleep or its next attempt; empty when it waits for
/// nothing.
INNGEST_INLINE std::string awaited_by(const scheduler_state& state, const active_run& run) {
  for (const auto& [step, pending] : run.pending) {
    if (pending.waits) {
      std::string out = state.waits.awaited_by({run.id(), step});
      if (!out.empty()) return out;
      continue;  // another run has taken over its signal
    }
    const job* planned = pending.job ? state.jobs.queue().find(*pending.job) : nullptr;
    if (!planned || planned->what == job::kind::invoke_timeout) return "function " + pending.name;
  }
  return {};
}

/// About when the first call of a run begins; `nullopt` when that is open.
INNGEST_INLINE std::optional<timestamp> beginning_of(const scheduler_state& state, const job& call,
                                                     timestamp now) {
  const run_queue& queue = state.jobs.queue();
  const auto out = queue.waits_in_line(call.id) ? queue.turn_of(call.id) : call.due;
  return out && *out > now ? out : std::nullopt;
}

INNGEST_INLINE run_activity activity_of(const scheduler_state& state, const active_run& run, timestamp now,
                                        bool with_words) {
  const planned_jobs planned = planned_of(state, run, now);
  run_activity out{.status = run_status::queued};
  if (planned.due) out.due = planned.due->due;
  if (run.calls > 0) {
    out.status = run_status::running;
    return out;
  }
  if (planned.due && is_call(*planned.due) && state.pauses.holds_back(*run.function)) {
    out.status = run_status::paused;
    out.due.reset();
  }
  if (planned.due) {
    out.awaits_worker =
        out.due && !run.function->url.empty() && state.jobs.queue().is_refused(planned.due->id);
    return out;
  }
  if (run.record.run.status == run_status::queued) {
    const bool is_in_line = planned.call && state.jobs.queue().waits_in_line(planned.call->id);
    if (is_in_line && state.pauses.holds_back(*run.function)) {
      out.status = run_status::paused;
      return out;
    }
    if (planned.call && with_words) out.until = beginning_of(state, *planned.call, now);
    return out;
  }
  out.status = run_status::waiting;
  out.waits_for = awaited_by(state, run);
  if (!out.waits_for.empty()) {
    if (planned.timeout) out.until = planned.timeout->due;
  } else if (planned.call) {
    out.until = planned.call->due;
    if (with_words) {
      out.waits_for = "attempt " + std::to_string(planned.call->attempt + 1);
      if (planned.call->step) out.waits_for += " of step " + planned.call->step_name;
    }
  } else if (planned.wake) {
    out.status = run_status::sleeping;
    out.until = planned.wake->due;
  } else if (planned.timeout) {  // only this can end the wait for a signal that another run has taken over
    out.until = planned.timeout->due;
    if (with_words) out.waits_for = "timeout of step " + planned.timeout->step_name;
  } else {
    out.status = run_status::running;  // its next job is about to be planned
  }
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
