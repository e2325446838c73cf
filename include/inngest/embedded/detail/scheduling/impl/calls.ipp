#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/calls.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

INNGEST_INLINE calls::calls(scheduler_state& state, steps& steps, lifecycle& lifecycle, batches& batches,
                            schedules& schedules, answers& answers)
    : state_(state),
      steps_(steps),
      lifecycle_(lifecycle),
      batches_(batches),
      schedules_(schedules),
      answers_(answers) {}

INNGEST_INLINE std::optional<job> calls::take_next(timestamp now) {
  while (auto next = state_.jobs.take(now)) {
    if (next->what == job::kind::schedule) {
      schedules_.fire(*next, now);
      continue;
    }
    active_run* run = state_.runs.find(next->run_id);
    if (!run) {
      state_.jobs.note_removed(next->id);
      continue;
    }
    run->jobs.erase(next->id);
    if (is_call(*next)) {
      begin(*run, *next, now);
      return next;
    }
    state_.jobs.note_removed(next->id);
    end_timer(*run, *next, now);
  }
  return std::nullopt;
}

INNGEST_INLINE http::request calls::request_for(const job& call) const {
  if (call.what == job::kind::request) return outgoing_request(call.text);
  const active_run& run = *state_.runs.find(call.run_id);
  const std::string step = call.step ? detail::to_hex(*call.step) : "step";
  http::request out{.method = "POST", .url = call_url(*run.function, step)};
  out.headers.add(protocol::header::content_type, "application/json");
  out.body = call_body(run, call);
  return out;
}

INNGEST_INLINE void calls::finish(const job& call, const http::response& answer, timestamp now) {
  active_run* run = end(call);
  if (!run) return;
  try {
    if (call.what == job::kind::request)
      answers_.take_requested(*run, call, answer, now);
    else
      answers_.take(*run, call, answer, now);
  } catch (const std::exception& problem) {  // out of memory, most likely
    run = state_.runs.find(call.run_id);
    if (run) lifecycle_.fail(*run, call.attempt, {"Error", problem.what()}, now);
  }
}

INNGEST_INLINE void calls::postpone(const job& call, timestamp due) {
  if (active_run* run = end(call)) state_.jobs.postpone(*run, call, due);
}

INNGEST_INLINE void calls::begin(active_run& run, const job& call, timestamp now) {
  state_.journal.changes.started_jobs.push_back(call.id);
  state_.jobs.begin_call(run, call);
  if (call.what == job::kind::call) lifecycle_.mark_started(run, now);
}

INNGEST_INLINE active_run* calls::end(const job& call) {
  state_.jobs.end_call(call);
  active_run* run = state_.runs.find(call.run_id);
  if (run) --run->calls;
  return run;
}

INNGEST_INLINE void calls::end_timer(active_run& run, const job& timer, timestamp now) {
  switch (timer.what) {
    case job::kind::call:
    case job::kind::request:
    case job::kind::schedule:
      return;
    case job::kind::wake:
      return steps_.end(run, *timer.step, {"null", progress::sleep_ended}, now);
    case job::kind::wait_timeout:
      return steps_.end(run, *timer.step, {"null", progress::wait_timed_out}, now);
    case job::kind::invoke_timeout: {
      const run_error error{"InngestInvokeTimeoutError", "the invoked function did not finish in time"};
      return steps_.end(run, *timer.step, step_end::failure(error), now);
    }
    case job::kind::gathered:
      return batches_.close(run, now);
    case job::kind::start_timeout:
    case job::kind::finish_timeout:
      return lifecycle_.cancel(run, now);
  }
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
