#pragma once

#include <algorithm>
#include <exception>
#include <string_view>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/answers.hpp>
#include <inngest/protocol/memo.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

INNGEST_INLINE answers::answers(scheduler_state& state, steps& steps, lifecycle& lifecycle,
                                operations& operations)
    : state_(state), steps_(steps), lifecycle_(lifecycle), operations_(operations) {}

INNGEST_INLINE void answers::take(active_run& run, const job& call, const http::response& answer,
                                  timestamp now) {
  app_answer read = read_app_answer(answer, !run.function->url.empty());
  // The run was replayed with more results while this call was in progress: the later call decides.
  const bool is_overtaken = !call.step && run.last_replay != call.id;
  if (read.what == app_answer::kind::operations) {
    take_operations(run, call, read, is_overtaken, answer, now);
  } else if (is_overtaken) {
    if (!run.has_work()) state_.jobs.continue_run(run, now);
  } else if (read.what == app_answer::kind::completed) {
    complete(run, call.attempt, std::move(read.output), now);
  } else if (was_not_reached(run, call, read)) {
    run.replans_left = run.replans_left.value_or(run.pending.size()) - 1;
    run.pending.erase(*call.step);  // the function plans it again if it reaches it
    state_.jobs.continue_run(run, now);
  } else {
    if (call.step) name_step(call, read.error);
    run.problem = std::move(read.problem);
    run.failed_answer = failed_answer_of(answer, read.error);
    retry_or_fail(run, call, read.error, read.may_retry, answer, now);
  }
}

INNGEST_INLINE void answers::complete(active_run& run, int attempt, std::string output, timestamp now) {
  if (run.function->is_endpoint) {
    const auto found = protocol::read_http_result(std::string_view(output));
    if (found && found->response.status >= 500) {
      run_error error{"Error",
                      "the endpoint has answered with status " + std::to_string(found->response.status)};
      error.text = detail::json_object_text()
                       .add("name", error.name)
                       .add("message", error.message)
                       .add_raw("response", output)
                       .text();
      return lifecycle_.fail(run, attempt, error, now);
    }
  }
  lifecycle_.complete(run, attempt, std::move(output), now);
}

INNGEST_INLINE std::string answers::failed_answer_of(const http::response& answer, const run_error& error) {
  if (answer.status == 0) return {};
  const bool is_of_proxy = answer.status >= 300 && !answer.headers.find(protocol::header::sdk);
  return is_of_proxy ? text_of(error) : received_json_or_string(answer.body);
}

INNGEST_INLINE void answers::take_requested(active_run& run, const job& made, const http::response& answer,
                                            timestamp now) {
  std::string result;
  std::optional<run_error> problem;
  try {
    problem = outgoing_problem(made.text, answer);
    if (!problem) result = outgoing_result(made.text, answer);
  } catch (const std::exception& unreadable) {
    problem = run_error{"Error", unreadable.what()};
  }
  if (problem)
    return retry_or_fail_step(run, made, *problem, answer.headers.find(protocol::header::no_retry) != "true",
                              answer, now);
  const step_end completed{protocol::memo_of_data(result), progress::step_completed, shortened(result),
                           made.attempt};
  steps_.end(run, *made.step, completed, now);
}

INNGEST_INLINE bool answers::has_attempts_left(const active_run& run, const job& call) {
  return call.attempt + 1 < run.max_attempts();
}

INNGEST_INLINE void answers::retry_or_fail(active_run& run, const job& call, const run_error& error,
                                           bool may_retry, const http::response& answer, timestamp now) {
  if (!may_retry || !has_attempts_left(run, call)) return lifecycle_.fail(run, call.attempt, error, now);
  retry(run, call, error, answer, now);
}

INNGEST_INLINE void answers::retry_or_fail_step(active_run& run, const job& call, const run_error& error,
                                                bool may_retry, const http::response& answer, timestamp now) {
  if (!may_retry || !has_attempts_left(run, call))
    return steps_.end(run, *call.step, step_end::failure(error, call.attempt), now);
  retry(run, call, error, answer, now);
}

INNGEST_INLINE void answers::retry(active_run& run, const job& call, const run_error& error,
                                   const http::response& answer, timestamp now) {
  state_.journal.notify(run, {.at = now,
                              .what = call.step ? progress::step_retried : progress::run_retried,
                              .step = call.step_name,
                              .attempt = call.attempt,
                              .detail = words_of(error),
                              .step_id = call.step});
  state_.journal.note_error(run, call.step_name, call.attempt, error, state_.ids.next(now), now);
  state_.jobs.retry(run, call, answer, now);
}

INNGEST_INLINE void answers::take_operations(active_run& run, const job& call, const app_answer& read,
                                             bool is_overtaken, const http::response& answer, timestamp now) {
  const known_work known = run.known();
  const std::optional<outcome> all = take_all(run, call, read, answer, now);
  if (!all) return;
  if (all->completed && !is_overtaken)
    return complete(run, call.attempt, all->completed->data.empty() ? "null" : all->completed->data, now);
  if (all->failed && !is_overtaken) {
    const bool is_final = !read.may_retry || all->failed->kind == operation_kind::step_failed;
    return retry_or_fail(run, call, read_error(all->failed->error), !is_final, answer, now);
  }
  if (all->refusal && !is_overtaken)
    return lifecycle_.fail(run, call.attempt, *all->refusal,
                           now);  // the app would report the same operation again
  if (is_left_open(run, call))
    return continue_without_result(run, call, read, run.known() != known, answer, now);
  if (run.has_work()) return;
  const bool has_news = is_overtaken || (!read.operations.empty() && !run.has_nothing_new_since(call));
  if (has_news || may_ask_again(run, call, read)) return state_.jobs.continue_run(run, now);
  retry_or_fail(run, call, no_progress(read), read.may_retry, answer, now);
}

INNGEST_INLINE std::optional<answers::outcome> answers::take_all(active_run& run, const job& call,
                                                                 const app_answer& read,
                                                                 const http::response& answer,
                                                                 timestamp now) {
  const std::string run_id = run.id();
  const bool waits_for_group = answer.headers.find(protocol::header::request_version).value_or("") >= "2";
  const bool may_retry = read.may_retry && has_attempts_left(run, call);
  outcome out;
  for (const reported_operation& op : read.operations) {
    if (op.kind == operation_kind::run_completed) {
      out.completed = &op;
    } else if (is_failure_of_run(op)) {
      out.failed = &op;
    } else if (op.kind == operation_kind::step_error && may_retry) {
      const run_error error = read_error(op.error);
      state_.journal.notify_step(run, op, progress::step_retried, call.attempt, words_of(error), now);
      state_.journal.note_error(run, op.shown_name(), call.attempt, error, state_.ids.next(now), now);
      state_.journal.note_metadata(run, op, call.attempt, state_.ids, now);
      state_.jobs.retry(run, call, answer, now);
    } else if (auto problem = operations_.take(run, call, op, waits_for_group, now);
               problem && !out.refusal) {
      out.refusal = std::move(problem);
    }
    if (!state_.runs.contains(run_id)) return std::nullopt;
  }
  return out;
}

INNGEST_INLINE bool answers::is_left_open(const active_run& run, const job& call) {
  const auto planned = call.step ? run.pending.find(*call.step) : run.pending.end();
  return planned != run.pending.end() && planned->second.job == call.id;
}

INNGEST_INLINE bool answers::was_not_reached(const active_run& run, const job& call, const app_answer& read) {
  return read.error.name == protocol::step_not_reached && is_left_open(run, call) && run.replans_left != 0U;
}

INNGEST_INLINE void answers::name_step(const job& call, run_error& error) {
  const std::string unnamed = protocol::unnamed_step(detail::to_hex(*call.step));
  const std::size_t at = error.message.find(unnamed);
  if (error.name != protocol::step_not_reached || at == std::string::npos) return;
  error.message.replace(at, unnamed.size(), "step \"" + call.step_name + "\"");
  error.text.clear();  // which had only the name and the message
}

INNGEST_INLINE void answers::continue_without_result(active_run& run, const job& call, const app_answer& read,
                                                     bool has_news, const http::response& answer,
                                                     timestamp now) {
  if (says_nothing(read) && (has_news || may_ask_again(run, call, read))) {
    run.pending.erase(*call.step);
    return state_.jobs.continue_run(run, now);
  }
  const run_error error{"protocol error", "the app's answer has no result of the step that was called"};
  retry_or_fail_step(run, call, error, read.may_retry, answer, now);
}

INNGEST_INLINE bool answers::may_ask_again(active_run& run, const job& call, const app_answer& read) {
  const bool asks =
      std::any_of(read.operations.begin(), read.operations.end(),
                  [](const reported_operation& op) { return op.kind == operation_kind::nothing; });
  if (!asks) return false;
  const known_work known = run.known();
  const auto [asked, is_first] = run.asked_with.emplace(call.step.value_or(step_hash{}), known);
  return is_first || std::exchange(asked->second, known) != known;
}

INNGEST_INLINE run_error answers::no_progress(const app_answer& read) {
  const auto reported =
      std::find_if(read.operations.begin(), read.operations.end(),
                   [](const reported_operation& op) { return op.kind != operation_kind::nothing; });
  if (reported == read.operations.end())
    return {"protocol error", "the app's answer has no operation with which the run can continue"};
  return {"protocol error", "the app's answer reports only what the run already has: " + reported->op +
                                " \"" + reported->shown_name() +
                                "\"; a call must report a new step or the end of the function"};
}

INNGEST_INLINE bool answers::says_nothing(const app_answer& read) {
  return !read.operations.empty() &&
         std::all_of(read.operations.begin(), read.operations.end(), [](const reported_operation& op) {
           return op.kind == operation_kind::nothing || op.kind == operation_kind::defer ||
                  op.kind == operation_kind::abort_deferred;
         });
}

INNGEST_INLINE bool answers::is_failure_of_run(const reported_operation& op) {
  static const step_hash end_of_run = detail::sha1::of("complete");
  return op.id == end_of_run &&
         (op.kind == operation_kind::step_error || op.kind == operation_kind::step_failed);
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
