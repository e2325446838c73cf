#pragma once

#include <exception>
#include <string>

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

INNGEST_INLINE std::optional<job> calls::take_next(timestamp now, app_gate gate) {
  while (auto next = state_.jobs.take(now, [&](const job& due) { return passage_of(due, now, gate); })) {
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

INNGEST_INLINE job_passage calls::passage_of(const job& due, timestamp now, app_gate gate) {
  const active_run* run = state_.runs.find(due.run_id);
  if (!run) return {};
  const function_definition& function = *run->function;
  const bool is_held = (is_call(due) && state_.pauses.holds_back(function)) ||
                       (is_timeout_of_run(due) && state_.pauses.paused_since(function));
  if (is_held) return {.is_open = false, .key = &function.slug};
  if (due.what != job::kind::call) return {};
  job_passage out{.key = function.url.empty() ? nullptr : &function.slug};
  // A run takes its place in the throttle when it begins, and not before: it may never begin, or much later.
  const bool is_first = run->record.run.status == run_status::queued;
  if (is_first && function.throttle) {
    const flow_control::turns turns = state_.flow.throttled(run->throttle_key, *function.throttle, now);
    out.line = &run->throttle_key;
    out.turn = turns.at;
    out.interval = turns.interval;
    out.is_open = turns.at <= now;
    if (!out.is_open) return out;
  }
  if (!function.url.empty() && !gate(function)) return {.is_open = false, .key = &function.slug};
  if (out.line) state_.flow.count_begun(*out.line, *function.throttle, now);
  return out;
}

INNGEST_INLINE http::request calls::request_for(const job& call) const {
  if (call.what == job::kind::request) return outgoing_request(call.text);
  const active_run& run = *state_.runs.find(call.run_id);
  if (run.function->is_endpoint && !run.function->url.empty()) return endpoint_request(run, call);
  const std::string step = call.step ? detail::to_hex(*call.step) : "step";
  http::request out{.method = "POST", .url = call_url(*run.function, step)};
  out.headers.add(protocol::header::content_type, "application/json");
  out.body = call_body(run, call);
  return out;
}

INNGEST_INLINE http::request calls::endpoint_request(const active_run& run, const job& call) {
  http::request out = protocol::read_http_event(run.event_text()).request;
  out.headers.add(protocol::header::run_id, run.id());
  out.headers.add(protocol::header::request_version, protocol::execution_version);
  if (must_plan(run, call)) out.headers.add(protocol::header::force_step_plan, "true");
  if (call.step) out.headers.add(protocol::header::step_id, detail::to_hex(*call.step));
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
      const run_error error{"InngestInvokeTimeoutError",
                            "Timed out waiting for invoked function to complete"};
      step_end timed_out = step_end::failure(error);
      timed_out.memo = "{\"error\":" + standard_text_of(error, words_of(error)) + "}";
      return steps_.end(run, *timer.step, timed_out, now);
    }
    case job::kind::gathered:
      return batches_.close(run, now);
    case job::kind::start_timeout:
    case job::kind::finish_timeout:
      return lifecycle_.cancel(run, now);
  }
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
