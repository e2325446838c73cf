#pragma once

#include <memory>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/embedded/detail/registered_names.hpp>
#include <inngest/embedded/detail/scheduling/operations.hpp>
#include <inngest/options/detail/option_limits.hpp>

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
  if (take_deferred(run, op)) return std::nullopt;  // their ids may be steps' ids
  if (run.pending.contains(op.id) || run.memos.contains(op.id))
    return std::nullopt;  // the app reports a pending step again while its siblings are in progress
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
    case operation_kind::abort_deferred:
    case operation_kind::nothing:
    case operation_kind::run_completed:
    case operation_kind::step_completed:
    case operation_kind::step_failed:
    case operation_kind::step_error:
      return std::nullopt;
  }
  return std::nullopt;
}

INNGEST_INLINE bool operations::take_deferred(active_run& run, const reported_operation& op) {
  if (op.kind == operation_kind::defer) return defer(run, op), true;
  if (op.kind == operation_kind::abort_deferred) return abort_deferred(run, op), true;
  return false;
}

INNGEST_INLINE void operations::take_result(active_run& run, const job& call, const reported_operation& op,
                                            timestamp now) {
  // The function was called with this result, so another call with it would be the same again.
  if (run.memos.contains(op.id) && run.has_nothing_new_since(call)) return;
  const auto planned = run.pending.find(op.id);
  const bool is_awaited = planned != run.pending.end() && planned->second.is_awaited;
  steps_.end_reported(run, op, call.attempt, now);
  run.has_news = true;
  if (!is_awaited || !state_.jobs.has_awaited_siblings(run, now)) state_.jobs.continue_run(run, now);
}

INNGEST_INLINE void operations::plan(active_run& run, const job& call, const reported_operation& op,
                                     bool waits_for_group, timestamp now) {
  pending_step& pending = steps_.begin(run, call, op, progress::step_planned, "", now);
  pending.is_awaited = waits_for_group && !is_race(op);
  pending.job = state_.jobs.add(
      run, {.what = job::kind::call, .step = op.id, .step_name = op.shown_name(), .due = now, .begun = now});
}

INNGEST_INLINE void operations::defer(active_run& run, const reported_operation& op) {
  for (const deferred_call& deferred : run.record.deferred) {
    if (deferred.id == op.id) return;
  }
  const std::string slug = op.option("fn_slug").value_or("");
  run.record.deferred.push_back({.id = op.id, .slug = slug, .input = deferred_input(run, op, slug)});
  state_.journal.write(run);
}

INNGEST_INLINE std::string operations::deferred_input(const active_run& run, const reported_operation& op,
                                                      const std::string& slug) {
  const json options = detail::parse_dom(op.options.empty() ? "{}" : op.options);
  json input = options.value("input", json());
  if (!input.is_object()) input = json::object();
  json& about = input["_inngest"];
  about = {{"fn_slug", slug}, {"parent_fn_slug", run.function->slug}, {"parent_run_id", run.id()}};
  try {
    const std::string meta = resolved_meta(options.value("meta", json()), detail::json_path("meta"));
    if (!meta.empty()) about["meta"] = detail::parse_dom(meta);
  } catch (const payload_error&) {  // sessions only group runs
  }
  return input.dump();
}

INNGEST_INLINE void operations::abort_deferred(active_run& run, const reported_operation& op) {
  const std::string target = op.option("target_hashed_id").value_or("");
  const std::size_t count = std::erase_if(run.record.deferred, [&](const deferred_call& deferred) {
    return detail::to_hex(deferred.id) == target;
  });
  if (count > 0) state_.journal.write(run);
}

INNGEST_INLINE std::optional<run_error> operations::begin_sleep(active_run& run, const job& call,
                                                                const reported_operation& op, timestamp now) {
  const std::string text = op.option_or_name("duration");
  const auto until = sleep_end_of(text, now);
  if (!until) return refused(op, not_a_time("a time to sleep", text));
  if (*until > now + detail::max_wait)
    return too_long("The sleep \"" + text +
                    "\" ends more than one year in the future; sleeps may last at most one year.");
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
    return run_error{"InvalidExpression",
                     "step \"" + op.shown_name() + "\": " + wait.expression + ": " + problem.what()};
  }
  const std::string timeout = op.option("timeout").value_or("");
  const auto until = timeout.empty() ? now : time_of(timeout, now);  // SDKs send a negative time as ""
  if (!until) return refused(op, not_a_time("a timeout", timeout));
  if (*until > now + detail::max_wait)
    return too_long("The wait-for-event timeout \"" + timeout +
                    "\" expires more than one year in the future; timeouts may last at most one year.");
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
  const auto until = timeout.empty() ? now + detail::max_wait : time_of(timeout, now);
  if (!until) return refused(op, not_a_time("a timeout", timeout));
  if (const auto waiting = state_.waits.for_signal(wait.signal)) {
    if (op.option("conflict") != "replace")
      return run_error{"Error", "Signal conflict; signal wait already exists for another run"};
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
  incoming_event invoking = invocation(invoke_data(run, op, slug, until.value_or(now + detail::max_wait)));
  try {
    invoking.meta = invoke_meta(op);
  } catch (const payload_error& problem) {
    return refused(op, problem.what());
  }
  const event_record invoked = make_event_record(invoking, state_.ids.next(now), now);

  pending_step& pending = steps_.begin(run, call, op, progress::invoke_started, slug, now);
  const auto function = state_.functions.find(slug);
  const auto fail = [&](active_run& waiting, const char* name, const std::string& message) {
    steps_.end(waiting, op.id, step_end::failure({name, message}), now);
    return std::nullopt;
  };
  if (!function) return fail(run, "Error", "could not find function with ID: " + slug);
  if (until) pending.job = state_.jobs.add_timer(run, job::kind::invoke_timeout, op, *until, now);
  event_view view(invoked.text);
  if (state_.flow.is_limited(*function, invoked.id, view, now))
    return fail(run, "Error", "invoked function is rate limited");
  const std::string run_id = run.id();
  const parent_step parent{run_id, op.id, op.shown_name()};
  const std::string child = lifecycle_.begin(function, run_input::of(invoked), parent, now);
  active_run* still = state_.runs.find(run_id);  // a singleton that invokes itself may have been cancelled
  if (child.empty() && still)
    return fail(*still, "InngestInvokeError",
                "function \"" + slug + "\" is a singleton that is already running");
  return std::nullopt;
}

INNGEST_INLINE std::string operations::invoke_meta(const reported_operation& op) {
  const json payload = detail::parse_dom(op.options.empty() ? "{}" : op.options).value("payload", json());
  if (!payload.is_object()) return {};
  return resolved_meta(payload.value("meta", json()), detail::json_path("meta"));
}

INNGEST_INLINE std::string operations::invoke_data(const active_run& run, const reported_operation& op,
                                                   const std::string& slug, timestamp expires) {
  const json payload = detail::parse_dom(op.options.empty() ? "{}" : op.options).value("payload", json());
  json data = payload.is_object() ? payload.value("data", json()) : json();
  if (!data.is_object()) data = json::object();
  const std::string correlation_id = run.id() + "." + detail::to_hex(op.id);
  data["_inngest"] = {{"source_app_id", app_uuid(run.function->app_id)},
                      {"source_fn_id", run.function->uuid},
                      {"source_fn_v", 1},
                      {"fn_id", slug},
                      {"correlation_id", correlation_id},
                      {"expire", expires.time_since_epoch().count()},
                      {"gid", function_uuid(correlation_id)},
                      {"name", op.shown_name()}};
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

INNGEST_INLINE bool operations::is_race(const reported_operation& op) {
  return detail::same_word(op.option("parallelMode").value_or(""), "race");  // the Go SDK sends "Race"
}

INNGEST_INLINE run_error operations::refused(const reported_operation& op, const std::string& why) {
  return {"unsupported operation", "step \"" + op.shown_name() + "\": " + why};
}

INNGEST_INLINE run_error operations::too_long(const std::string& what) {
  return {"InngestErrTimeoutTooLong", what};
}

INNGEST_INLINE std::string operations::not_a_time(const std::string& what, const std::string& text) {
  return "not " + what + ": \"" + text + "\"";
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
