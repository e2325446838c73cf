#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <memory>
#include <system_error>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/reserved_events.hpp>
#include <inngest/embedded/detail/scheduling/lifecycle.hpp>
#include <inngest/embedded/detail/scheduling/run_labels.hpp>
#include <inngest/protocol/memo.hpp>
#include <inngest/time/detail/saturated.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

INNGEST_INLINE run_input run_input::of(const event_record& event) {
  return {.name = event.name, .events = {{.id = event.id, .text = event.text}}, .chain = event.chain};
}

INNGEST_INLINE lifecycle::lifecycle(scheduler_state& state, steps& steps, limits& limits)
    : state_(state), steps_(steps), limits_(limits) {}

INNGEST_INLINE std::string lifecycle::begin(const shared_function& function, run_input input,
                                            const std::optional<parent_step>& parent, timestamp now) {
  if (!make_room(*function, input.events.front().text, now)) return "";
  std::string name = input.name;
  rerun_plan repeats = std::move(input.repeats);
  input.repeats.replaced = repeats.replaced;
  active_run& run = add(function, std::move(input), parent, now);
  note_queued(run, std::move(name), now);
  for (memo_record& memo : repeats.memos) {
    memo.begun = (std::min)(memo.begun, now);  // before the run's own steps, also if the clock was set back
    steps_.remember(run, std::move(memo));
  }
  queue_first_call(run, now, repeats);
  return run.id();
}

INNGEST_INLINE job lifecycle::begin_at_app(const shared_function& function, run_input input, timestamp now) {
  std::string name = input.name;
  active_run& run = add(function, std::move(input), {}, now);
  note_queued(run, std::move(name), now);
  limits_.resolve_keys(run);
  mark_started(run, now);
  return state_.jobs.add_begun(run, now);
}

INNGEST_INLINE bool lifecycle::make_room(const function_definition& function, const std::string& event,
                                         timestamp now) {
  active_run* rival = limits_.rival(function, event);
  if (rival && !function.singleton->cancels) return false;
  if (rival) cancel(*rival, now);
  return true;
}

INNGEST_INLINE active_run& lifecycle::add(const shared_function& function, run_input input,
                                          const std::optional<parent_step>& parent, timestamp now) {
  auto run = std::make_unique<active_run>();
  run->chain = input.chain;
  run->record = {.run = {.id = input.run_id.empty() ? state_.ids.next(now) : std::move(input.run_id),
                         .function_id = function->id(),
                         .function_slug = function->slug,
                         .event_id = input.events.front().id,
                         .event_name = std::move(input.name),
                         .original_run_id = std::move(input.original_run_id),
                         .queued_at = now,
                         .tags = std::move(input.tags),
                         .idempotency_key = std::move(input.idempotency_key)},
                 .events = std::move(input.events),
                 .parent = parent,
                 .replaced = std::move(input.repeats.replaced)};
  return state_.runs.add(std::move(run), function);
}

INNGEST_INLINE void lifecycle::note_queued(active_run& run, std::string event_name, timestamp now) {
  set_labels(run);
  state_.journal.write(run);
  state_.journal.notify(run, {.at = now, .what = progress::run_queued, .detail = std::move(event_name)});
}

INNGEST_INLINE void lifecycle::queue_first_call(active_run& run, timestamp now, const rerun_plan& repeats) {
  limits_.resolve_keys(run);
  if (const auto timeout = run.function->start_timeout)
    add_timeout(run, job::kind::start_timeout, *timeout, now);
  if (!repeats.target) return state_.jobs.replay(run, now, now);
  pending_step& pending =
      run.pending.emplace(*repeats.target, pending_step{.name = repeats.target_name, .begun = now})
          .first->second;
  pending.job = state_.jobs.add(run, {.what = job::kind::call,
                                      .step = *repeats.target,
                                      .step_name = repeats.target_name,
                                      .due = now,
                                      .begun = now});
}

INNGEST_INLINE void lifecycle::mark_started(active_run& run, timestamp now) {
  if (run.record.run.status != run_status::queued) return;
  run.record.run.status = run_status::running;
  run.record.run.started_at = now;
  state_.journal.update(run);
  state_.journal.notify(run, {.at = now, .what = progress::run_started, .detail = run.record.run.event_name});
  state_.jobs.remove_of_kind(run, job::kind::start_timeout);
  if (const auto timeout = run.function->finish_timeout)
    add_timeout(run, job::kind::finish_timeout, *timeout, now);
}

INNGEST_INLINE void lifecycle::add_timeout(active_run& run, job::kind what, std::chrono::milliseconds timeout,
                                           timestamp begun) {
  state_.jobs.add(run, {.what = what,
                        .due = detail::add_saturated(begun, timeout),
                        .begun = begun,
                        .text = std::to_string(timeout.count())});
}

INNGEST_INLINE void lifecycle::follow_timeouts(active_run& run) {
  if (!run.record.gathering.empty()) return;
  const bool has_started = run.record.run.status != run_status::queued;
  const function_definition& function = *run.function;
  follow_timeout(run, job::kind::start_timeout, has_started ? std::nullopt : function.start_timeout,
                 state_.jobs.first_call_queued(run));
  follow_timeout(run, job::kind::finish_timeout, has_started ? function.finish_timeout : std::nullopt,
                 run.record.run.started_at.value_or(run.record.run.queued_at));
}

INNGEST_INLINE void lifecycle::follow_timeout(active_run& run, job::kind what,
                                              std::optional<std::chrono::milliseconds> timeout,
                                              timestamp begun) {
  const job* timer = state_.jobs.find_of_kind(run, what);
  if (!timer) {
    if (timeout) add_timeout(run, what, *timeout, begun);
    return;
  }
  std::int64_t before = 0;  // milliseconds; a store of an older version does not tell
  const std::string& text = timer->text;
  const bool is_known = std::from_chars(text.data(), text.data() + text.size(), before).ec == std::errc();
  if (timeout && (!is_known || before == timeout->count())) return;
  job next = *timer;
  state_.jobs.remove_of_kind(run, what);
  if (!timeout) return;
  // not begun + timeout, because pauses have extended it
  next.due = detail::add_saturated(next.due, *timeout - std::chrono::milliseconds(before));
  next.text = std::to_string(timeout->count());
  state_.jobs.add(run, std::move(next));
}

INNGEST_INLINE void lifecycle::complete(active_run& run, int attempt, std::string output, timestamp now) {
  const step_end for_parent{protocol::memo_of_data(output), progress::invoke_completed, shortened(output)};
  run.record.run.output_text = std::move(output);
  end(run, run_status::completed,
      {.at = now,
       .what = progress::run_completed,
       .attempt = attempt,
       .detail = shortened(run.record.run.output_text)},
      for_parent, now);
}

INNGEST_INLINE void lifecycle::fail(active_run& run, int attempt, const run_error& error, timestamp now) {
  run.record.run.error = error;
  end(run, run_status::failed,
      {.at = now, .what = progress::run_failed, .attempt = attempt, .detail = words_of(error)},
      {"{\"error\":" + standard_text_of(error, run.problem) + "}", progress::step_failed, words_of(error)},
      now);
}

INNGEST_INLINE void lifecycle::cancel(active_run& run, timestamp now) {
  end(run, run_status::cancelled, {.at = now, .what = progress::run_cancelled},
      step_end::failure({"Error", "function cancelled"}), now);
}

INNGEST_INLINE void lifecycle::skip(active_run& run, timestamp now) {
  end(run, run_status::skipped, {.at = now, .what = progress::run_skipped},
      step_end::failure({"Error", "function skipped"}), now);
}

INNGEST_INLINE std::optional<follow_up> lifecycle::take_follow_up() {
  if (follow_ups_.empty()) return std::nullopt;
  std::optional<follow_up> out(std::move(follow_ups_.front()));
  follow_ups_.pop_front();
  return out;
}

INNGEST_INLINE void lifecycle::end(active_run& run, run_status status, timeline_entry last,
                                   const step_end& for_parent, timestamp now) {
  run.record.run.status = status;
  run.record.run.ended_at = now;
  last.duration = now - run.record.run.started_at.value_or(run.record.run.queued_at);
  state_.journal.update(run);
  state_.journal.notify(run, std::move(last));
  state_.jobs.remove_all(run);
  for (const auto& [step, pending] : run.pending) {
    if (pending.waits) steps_.forget_wait({run.id(), step});
  }

  const std::unique_ptr<active_run> ended = state_.runs.take_out(run);
  const auto& parent = ended->record.parent;
  if (active_run* waiting = parent ? state_.runs.find(parent->run_id) : nullptr)
    steps_.end(*waiting, parent->step, for_parent, now);
  publish_end(*ended, now);
  for (const deferred_call& deferred : ended->record.deferred) follow_ups_.emplace_back(deferred);
}

INNGEST_INLINE void lifecycle::publish_end(const active_run& ended, timestamp now) {
  const run& run = ended.record.run;
  if (run.event_name == detail::reserved_event::failed ||
      run.event_name == detail::reserved_event::finished ||
      run.event_name == detail::reserved_event::cancelled)
    return;
  if (run.status == run_status::skipped) return;
  if (run.status == run_status::failed) publish(ended, detail::reserved_event::failed, now);
  if (run.status == run_status::cancelled) publish(ended, detail::reserved_event::cancelled, now);
  publish(ended, detail::reserved_event::finished, now);
}

INNGEST_INLINE void lifecycle::publish(const active_run& ended, const char* name, timestamp now) {
  if (!state_.functions.has_listeners(name) && !state_.waits.waits_for(name)) return;
  incoming_event event{.name = name, .data = end_data(ended)};
  if (event.name != detail::reserved_event::finished)
    event.id = ended.id();  // as a server's: one for each run
  const event_record record = make_event_record(event, state_.ids.next(now), now);
  state_.journal.changes.events.push_back(record);
  follow_ups_.emplace_back(record);
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
