#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/incoming_event.hpp>
#include <inngest/embedded/detail/run_errors.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>
#include <inngest/embedded/detail/scheduling/engine_events.hpp>
#include <inngest/embedded/detail/scheduling/event_view.hpp>
#include <inngest/embedded/detail/scheduling/limits.hpp>
#include <inngest/embedded/detail/scheduling/scheduler_state.hpp>
#include <inngest/embedded/detail/scheduling/steps.hpp>
#include <inngest/embedded/detail/scheduling/subscriptions.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>

namespace inngest::embedded::scheduling {

using shared_function = subscriptions::shared_function;

/// The events that a run begins with.
struct run_input {
  std::string name{};
  std::vector<run_event> events{};
  std::size_t chain = 0;

  static run_input of(const event_record& event) {
    return {.name = event.name, .events = {{.id = event.id, .text = event.text}}, .chain = event.chain};
  }
};

/// What the end of a run leads to: an event to dispatch, or a function that the run deferred. It is done when
/// the change that the run ended in is complete: it may end other runs in turn, and nobody may hold a pointer
/// to a run then.
using follow_up = std::variant<event_record, deferred_call>;

/// Begins and ends runs.
class lifecycle {
 public:
  lifecycle(scheduler_state& state, steps& steps, limits& limits)
      : state_(state), steps_(steps), limits_(limits) {}

  // ---- beginning ----------------------------------------------------------------------------------------

  /// Begins a run now, and gives its id; empty when it is a singleton that runs already.
  std::string begin(const shared_function& function, run_input input,
                    const std::optional<parent_step>& parent, timestamp now) {
    if (!make_room(*function, input.events.front().text, now)) return "";
    std::string name = input.name;
    active_run& run = add(function, std::move(input), parent, now);
    note_queued(run, std::move(name), now);
    queue_first_call(run, now);
    return run.id();
  }

  /// False when there is a run of the singleton. Cancels that run if the new one takes its place.
  bool make_room(const function_definition& function, const std::string& event, timestamp now) {
    active_run* rival = limits_.rival(function, event);
    if (rival && !function.singleton->cancels) return false;
    if (rival) cancel(*rival, now);
    return true;
  }

  /// Adds a run that makes no call yet.
  active_run& add(const shared_function& function, run_input input, const std::optional<parent_step>& parent,
                  timestamp now) {
    auto run = std::make_unique<active_run>();
    run->chain = input.chain;
    run->record = {.run = {.id = state_.ids.next(now),
                           .function_id = function->id(),
                           .function_slug = function->slug,
                           .event_id = input.events.front().id,
                           .event_name = std::move(input.name),
                           .queued_at = now},
                   .events = std::move(input.events),
                   .parent = parent};
    return state_.runs.add(std::move(run), function);
  }

  void note_queued(active_run& run, std::string event_name, timestamp now) {
    state_.journal.write(run);
    state_.journal.notify(run, {.at = now, .what = progress::run_queued, .detail = std::move(event_name)});
  }

  /// The run has its events: its function is called when its limits allow.
  void queue_first_call(active_run& run, timestamp now) {
    limits_.resolve_keys(run);
    event_view view(run.event_text());
    if (const auto timeout = run.function->start_timeout)
      state_.jobs.add(run, {.what = job::kind::start_timeout, .due = now + *timeout, .begun = now});
    state_.jobs.replay(run, state_.flow.throttled(*run.function, view, now), now);
  }

  /// The run's first call is under way.
  void mark_started(active_run& run, timestamp now) {
    if (run.record.run.status != run_status::queued) return;
    run.record.run.status = run_status::running;
    run.record.run.started_at = now;
    state_.journal.update(run);
    state_.journal.notify(run,
                          {.at = now, .what = progress::run_started, .detail = run.record.run.event_name});
    state_.jobs.remove_of_kind(run, job::kind::start_timeout);
    if (const auto timeout = run.function->finish_timeout)
      state_.jobs.add(run, {.what = job::kind::finish_timeout, .due = now + *timeout, .begun = now});
  }

  // ---- ending -------------------------------------------------------------------------------------------

  void complete(active_run& run, int attempt, std::string output, timestamp now) {
    const step_end for_parent{"{\"data\":" + output + "}", progress::invoke_completed, shortened(output)};
    run.record.run.output_text = std::move(output);
    end(run, run_status::completed,
        {.at = now,
         .what = progress::run_completed,
         .attempt = attempt,
         .detail = shortened(run.record.run.output_text)},
        for_parent, now);
  }

  void fail(active_run& run, int attempt, const run_error& error, timestamp now) {
    run.record.run.error = error;
    end(run, run_status::failed,
        {.at = now, .what = progress::run_failed, .attempt = attempt, .detail = words_of(error)},
        step_end::failure(error), now);
  }

  void cancel(active_run& run, timestamp now) {
    end(run, run_status::cancelled, {.at = now, .what = progress::run_cancelled},
        step_end::failure({"Error", "function cancelled"}), now);
  }

  /// Nothing when there is none.
  std::optional<follow_up> take_follow_up() {
    if (follow_ups_.empty()) return std::nullopt;
    std::optional<follow_up> out(std::move(follow_ups_.front()));
    follow_ups_.pop_front();
    return out;
  }

 private:
  /// Ends the run and all that it still had to do. An invoke step that waits for it gets its result.
  void end(active_run& run, run_status status, timeline_entry last, const step_end& for_parent,
           timestamp now) {
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

  /// Publishes the lifecycle events of the end of a run: on_failure, on_success and on_cancel listen to them,
  /// as may any function. The end of a run that such an event started publishes none, or it would never end.
  void publish_end(const active_run& ended, timestamp now) {
    const run& run = ended.record.run;
    if (run.event_name == "inngest/function.failed" || run.event_name == "inngest/function.finished" ||
        run.event_name == "inngest/function.cancelled")
      return;
    if (run.status == run_status::failed) publish(ended, "inngest/function.failed", now);
    if (run.status == run_status::cancelled) publish(ended, "inngest/function.cancelled", now);
    publish(ended, "inngest/function.finished", now);
  }

  /// An event without listeners is not kept.
  void publish(const active_run& ended, const char* name, timestamp now) {
    if (!state_.functions.has_listeners(name) && !state_.waits.waits_for(name)) return;
    const event_record record =
        make_event_record({.name = name, .data = end_data(ended)}, state_.ids.next(now), now);
    state_.journal.changes.events.push_back(record);
    follow_ups_.emplace_back(record);
  }

  scheduler_state& state_;
  steps& steps_;
  limits& limits_;
  std::deque<follow_up> follow_ups_;
};

}  // namespace inngest::embedded::scheduling
