#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/operations.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

INNGEST_INLINE bool ends_step(const reported_operation& op) {
  return op.kind == operation_kind::step_completed || op.kind == operation_kind::step_failed ||
         op.kind == operation_kind::step_error;
}

INNGEST_INLINE operations::operations(scheduler_state& state, steps& steps, lifecycle& lifecycle)
    : state_(state), steps_(steps), lifecycle_(lifecycle) {}

INNGEST_INLINE std::optional<run_error> operations::take(active_run& run, const job& call,
                                                         const reported_operation& op, bool waits_for_group,
                                                         timestamp now) {
  if (ends_step(op)) {
    take_result(run, call, op, now);
    return std::nullopt;
  }
  if (op.kind == operation_kind::defer) {  // the id may also be the id of a step
    defer(run, op);
    return std::nullopt;
  }
  if (run.pending.contains(op.id) || run.memos.contains(op.id))
    return std::nullopt;  // the app reports a pending step again while its siblings are under way
  switch (op.kind) {
    case operation_kind::step_planned:
      plan(run, call, op, waits_for_group, now);
      return std::nullopt;
    case operation_kind::sleep:
      return begin_sleep(run, call, op, now);
    case operation_kind::wait_for_event:
      return begin_event_wait(run, call, op, now);
    case operation_kind::wait_for_signal:
      return begin_signal_wait(run, call, op, now);
    case operation_kind::invoke:
      return begin_invoke(run, call, op, now);
    case operation_kind::request:
      return begin_request(run, call, op, now);
    case operation_kind::defer:
    case operation_kind::nothing:
    case operation_kind::run_completed:
    case operation_kind::step_completed:
    case operation_kind::step_failed:
    case operation_kind::step_error:
      return std::nullopt;
  }
  return std::nullopt;
}

INNGEST_INLINE void operations::take_result(active_run& run, const job& call, const reported_operation& op,
                                            timestamp now) {
  const auto planned = run.pending.find(op.id);
  const bool is_awaited = planned != run.pending.end() && planned->second.is_awaited;
  steps_.end_reported(run, op, call.attempt, now);
  run.has_news = true;
  if (!is_awaited || !state_.jobs.has_awaited_siblings(run, now)) state_.jobs.continue_run(run, now);
}

INNGEST_INLINE void operations::plan(active_run& run, const job& call, const reported_operation& op,
                                     bool waits_for_group, timestamp now) {
  pending_step& pending = steps_.begin(run, call, op, progress::step_planned, "", now);
  pending.is_awaited = waits_for_group && op.option("parallelMode") != "race";
  pending.job = state_.jobs.add(
      run, {.what = job::kind::call, .step = op.id, .step_name = op.shown_name(), .due = now, .begun = now});
}

INNGEST_INLINE void operations::defer(active_run& run, const reported_operation& op) {
  for (const deferred_call& deferred : run.record.deferred) {
    if (deferred.id == op.id) return;
  }
  const detail::json_buffer options(op.options);
  const std::string_view input = detail::find_member(options, "input");
  run.record.deferred.push_back({.id = op.id,
                                 .slug = op.option("fn_slug").value_or(""),
                                 .input = input.empty() ? "{}" : std::string(input)});
  state_.journal.write(run);
}

INNGEST_INLINE std::optional<run_error> operations::begin_sleep(active_run& run, const job& call,
                                                                const reported_operation& op, timestamp now) {
  const std::string text = op.option_or_name("duration");
  const auto until = time_of(text, now);
  if (!until) return refused(op, not_a_time("a time to sleep", text));
  pending_step& pending = steps_.begin(run, call, op, progress::sleep_started, text, now);
  pending.job = state_.jobs.add_timer(run, job::kind::wake, op, *until, now);
  return std::nullopt;
}

INNGEST_INLINE std::optional<run_error> operations::begin_event_wait(active_run& run, const job& call,
                                                                     const reported_operation& op,
                                                                     timestamp now) {
  wait_record wait{.run_id = run.id(),
                   .step = op.id,
                   .step_name = op.shown_name(),
                   .event_name = op.option_or_name("event"),
                   .expression = op.option("if").value_or(""),
                   .begun = now};
  shared_expression condition;
  try {
    if (!wait.expression.empty()) condition = std::make_shared<const expression>(wait.expression);
  } catch (const expression_error& problem) {
    return refused(op, wait.expression + ": " + problem.what());
  }
  const std::string timeout = op.option("timeout").value_or("");
  const auto until = time_of(timeout, now);
  if (!until) return refused(op, not_a_time("a timeout", timeout));
  steps_.begin_wait(run, call, op, std::move(wait), std::move(condition), *until, now);
  return std::nullopt;
}

INNGEST_INLINE std::optional<run_error> operations::begin_signal_wait(active_run& run, const job& call,
                                                                      const reported_operation& op,
                                                                      timestamp now) {
  wait_record wait{.run_id = run.id(),
                   .step = op.id,
                   .step_name = op.shown_name(),
                   .signal = op.option_or_name("signal"),
                   .begun = now};
  const std::string timeout = op.option("timeout").value_or("");
  const auto until = time_of(timeout, now);
  if (!until) return refused(op, not_a_time("a timeout", timeout));
  if (const auto waiting = state_.waits.for_signal(wait.signal)) {
    if (op.option("conflict") != "replace")
      return run_error{"Error", "another run waits for signal \"" + wait.signal + "\""};
    steps_.forget_wait(*waiting);  // the other run continues at the timeout of its wait
  }
  steps_.begin_wait(run, call, op, std::move(wait), nullptr, *until, now);
  return std::nullopt;
}

INNGEST_INLINE std::optional<run_error> operations::begin_invoke(active_run& run, const job& call,
                                                                 const reported_operation& op,
                                                                 timestamp now) {
  const std::string slug = op.option("function_id").value_or("");
  const std::string timeout = op.option("timeout").value_or("");
  const auto until = timeout.empty() ? std::nullopt : time_of(timeout, now);
  if (!timeout.empty() && !until) return refused(op, not_a_time("a timeout", timeout));
  const event_record invoked = make_event_record(
      invocation(invoke_data(run, op, slug, until.value_or(now + max_wait))), state_.ids.next(now), now);

  pending_step& pending = steps_.begin(run, call, op, progress::invoke_started, slug, now);
  const auto function = state_.functions.find(slug);
  const auto fail = [&](active_run& waiting, const char* name, const std::string& message) {
    steps_.end(waiting, op.id, step_end::failure({name, message}), now);
    return std::nullopt;
  };
  if (!function) return fail(run, "FunctionNotFound", "there is no function \"" + slug + "\"");
  if (until) pending.job = state_.jobs.add_timer(run, job::kind::invoke_timeout, op, *until, now);
  event_view view(invoked.text);
  if (state_.flow.is_limited(*function, invoked.id, view, now))
    return fail(run, "Error", "function \"" + slug + "\" is rate limited");
  const std::string run_id = run.id();
  const parent_step parent{run_id, op.id, op.shown_name()};
  const std::string child = lifecycle_.begin(function, run_input::of(invoked), parent, now);
  active_run* still = state_.runs.find(run_id);  // a singleton that invokes itself may have been cancelled
  if (child.empty() && still)
    return fail(*still, "InngestInvokeError", "function \"" + slug + "\" is a singleton and runs already");
  return std::nullopt;
}

INNGEST_INLINE std::string operations::invoke_data(const active_run& run, const reported_operation& op,
                                                   const std::string& slug, timestamp expires) {
  const json payload = detail::parse_dom(op.options.empty() ? "{}" : op.options).value("payload", json());
  json data = payload.is_object() ? payload.value("data", json()) : json();
  if (!data.is_object()) data = json::object();
  data["_inngest"] = {{"fn_id", slug},
                      {"correlation_id", run.id() + "." + detail::to_hex(op.id)},
                      {"expire", expires.time_since_epoch().count()}};
  return data.dump();
}

INNGEST_INLINE std::optional<run_error> operations::begin_request(active_run& run, const job& call,
                                                                  const reported_operation& op,
                                                                  timestamp now) {
  job next{.what = job::kind::request, .step = op.id, .step_name = op.shown_name(), .due = now, .begun = now};
  next.text = outgoing_text(op);
  try {
    outgoing_request(next.text);
  } catch (const payload_error& problem) {
    return refused(op, problem.what());
  }
  pending_step& pending =
      steps_.begin(run, call, op, progress::request_started, op.option("url").value_or(""), now);
  pending.job = state_.jobs.add(run, std::move(next));
  return std::nullopt;
}

INNGEST_INLINE run_error operations::refused(const reported_operation& op, const std::string& why) {
  return {"unsupported operation", "step \"" + op.shown_name() + "\": " + why};
}

INNGEST_INLINE std::string operations::not_a_time(const std::string& what, const std::string& text) {
  return "not " + what + " within a year: \"" + text + "\"";
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
