#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/detail/ulid.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/incoming_event.hpp>
#include <inngest/embedded/detail/received_json.hpp>
#include <inngest/embedded/detail/reported_operation.hpp>
#include <inngest/embedded/detail/run_errors.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>
#include <inngest/embedded/detail/scheduling/admission.hpp>
#include <inngest/embedded/detail/scheduling/answers.hpp>
#include <inngest/embedded/detail/scheduling/batches.hpp>
#include <inngest/embedded/detail/scheduling/calls.hpp>
#include <inngest/embedded/detail/scheduling/engine_events.hpp>
#include <inngest/embedded/detail/scheduling/events.hpp>
#include <inngest/embedded/detail/scheduling/lifecycle.hpp>
#include <inngest/embedded/detail/scheduling/limits.hpp>
#include <inngest/embedded/detail/scheduling/operations.hpp>
#include <inngest/embedded/detail/scheduling/recovery.hpp>
#include <inngest/embedded/detail/scheduling/scheduler_state.hpp>
#include <inngest/embedded/detail/scheduling/schedules.hpp>
#include <inngest/embedded/detail/scheduling/steps.hpp>
#include <inngest/embedded/detail/scheduling/subscriptions.hpp>
#include <inngest/embedded/detail/scheduling/work_check.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/text.hpp>

namespace inngest::embedded {

/// What an Inngest server does with events, runs and steps, without threads, clock, disk or network of its
/// own: it is told the time, says what is due, takes the answers, and gives out what must be committed. One
/// thread at a time.
///
/// It is composed of parts, each with one subject, around a state that they share: see scheduler_state.hpp.
class scheduler {
 public:
  using retry_delay = scheduling::run_jobs::retry_delay;

  /// Continues with unfinished work.
  scheduler(std::vector<function_definition> functions, unfinished_work work, retry_delay delay,
            timestamp now, detail::ulid_source ids = {})
      : state_(std::move(delay), std::move(ids)) {
    std::uint64_t last_job = work.last_job;
    for (const job& job : work.jobs) last_job = (std::max)(last_job, job.id);
    state_.jobs.count_from(last_job);
    work_check::check(work);
    for (function_definition& function : functions) state_.functions.add(std::move(function));
    scheduling::recovery(state_, steps_, limits_, lifecycle_, schedules_).resume(work, now);
    unreadable_ = std::move(work.unreadable);
    schedules_.follow(now);
    for (const event_record& event : work.events) events_.dispatch_stored(event, now);
    events_.run_follow_ups(now);
  }

  // ---- in -----------------------------------------------------------------------------------------------

  /// Takes events in, all or none, and gives their ids. They start runs, end waits and cancel runs once
  /// committed() was told of them: what was not stored has not happened. With a seed the ids are
  /// derived from it, so that a repeated request has the same ids; `is_dispatched` says which of those are in
  /// the store: they are taken for repetitions. `chain` is the events' place in a chain of runs, see
  /// chain_behind(). \throws payload_error naming the event and the member that is wrong.
  std::vector<std::string> accept(std::string body, timestamp now, std::string_view seed = {},
                                  const std::function<bool(const std::string&)>& is_dispatched = {},
                                  std::size_t chain = 0) {
    return events_.accept(std::move(body), now, seed, is_dispatched, chain);
  }

  /// The place of an event in a chain of runs that start each other, when a run sends it: 0 unless the run
  /// began less than a second ago.
  std::size_t chain_behind(std::string_view run_id, timestamp now) const {
    const active_run* run = find_run(run_id);
    const bool is_at_once = run && now - run->record.run.queued_at < std::chrono::seconds(1);
    return is_at_once ? run->chain + 1 : 0;
  }

  /// Forgets events that were taken in but could not be stored.
  void withdraw(const changes& changes) { events_.withdraw(changes); }

  /// Begins a run of one of the functions, whatever its triggers, and gives the run's id.
  std::string start(std::string_view slug, std::string data, timestamp now) {
    const follow_up_guard guard(*this, now);
    const event_record event = make_event_record(invocation(std::move(data)), state_.ids.next(now), now);
    return lifecycle_.begin(state_.functions.find(slug), scheduling::run_input::of(event), {}, now);
  }

  /// Begins a run with the events of an earlier one. Empty when its function is gone.
  std::string rerun(const run_record& earlier, timestamp now) {
    const auto function = state_.functions.find(earlier.run.function_slug);
    if (!function || earlier.events.empty()) return "";
    const follow_up_guard guard(*this, now);
    return lifecycle_.begin(function, {.name = earlier.run.event_name, .events = earlier.events}, {}, now);
  }

  /// Gives a step its result before the run comes to it.
  void preload(std::string_view run_id, const step_hash& step, std::string memo) {
    if (active_run* run = state_.runs.find(run_id)) steps_.remember(*run, step, std::move(memo));
  }

  /// False when there is no such run, or it has ended.
  bool cancel(std::string_view run_id, timestamp now) {
    active_run* run = state_.runs.find(run_id);
    if (!run) return false;
    const follow_up_guard guard(*this, now);
    lifecycle_.cancel(*run, now);
    return true;
  }

  /// Ends the wait for a signal, and gives the run's id; nothing when no run waits for it.
  std::optional<std::string> signal(const std::string& name, const std::string& data, timestamp now) {
    const auto place = state_.waits.for_signal(name);
    active_run* run = place ? state_.runs.find(place->run_id) : nullptr;
    if (!run) return std::nullopt;
    check_received_json(data, detail::json_path("data"));
    const std::string text = detail::json_object_text().add("signal", name).add_raw("data", data).text();
    steps_.end(*run, place->step, {"{\"data\":" + text + "}", progress::event_received, shortened(text)},
               now);
    return place->run_id;
  }

  /// Puts an app's functions in the place of those that it had.
  void register_app(const app_record& app, std::vector<function_definition> functions, timestamp now) {
    std::vector<std::string> gone;
    for (const auto& [slug, function] : state_.functions.all()) {
      if (function->app_id == app.id && !function->url.empty()) gone.push_back(slug);
    }
    for (const std::string& slug : gone) state_.functions.remove(slug);
    for (function_definition& function : functions)
      limits_.apply_definition(state_.functions.add(std::move(function)));
    state_.journal.changes.apps.push_back(app);
    schedules_.follow(now);
  }

  // ---- calls --------------------------------------------------------------------------------------------

  /// When the next job is due; nothing when there is none.
  std::optional<timestamp> next_due() const { return state_.jobs.next_due(); }

  /// Takes the next call that is due: of an app, or a request for a step. Timers that are due are done on the
  /// way.
  std::optional<job> take_due(timestamp now) {
    state_.flow.forget_what_is_over(now);
    const auto take_next = [&] {
      const follow_up_guard guard(*this, now);
      return calls_.take_next(now);
    };
    while (auto next = take_next()) {
      if (is_running(next->run_id)) return next;
      state_.jobs.end_call(*next);  // its run was ended by what the timers before it have led to
    }
    return std::nullopt;
  }

  /// The request that a job stands for. A call's URL has no origin when the app is in this process.
  http::request request_for(const job& call) const { return calls_.request_for(call); }

  /// Takes the answer to a job's call.
  void finish(const job& call, const http::response& answer, timestamp now) {
    const follow_up_guard guard(*this, now);
    calls_.finish(call, answer, now);
  }

  /// The call was not made, and is to be made later: that is no attempt.
  void postpone(const job& call, timestamp due) { calls_.postpone(call, due); }

  /// Takes results that a call's function reports before it returns. False when the run is no longer there,
  /// or was called again since: the function must stop.
  bool checkpoint(const std::string& run_id, std::uint64_t call_id,
                  const std::vector<reported_operation>& operations, timestamp now) {
    active_run* run = state_.runs.find(run_id);
    if (!run || run->last_call != call_id) return false;
    for (const reported_operation& op : operations) {
      if (!scheduling::ends_step(op))
        throw protocol_error("\"" + op.op + "\" can't be saved while a function goes on");
    }
    for (const reported_operation& op : operations) steps_.end_reported(*run, op, 0, now);
    return true;
  }

  // ---- out ----------------------------------------------------------------------------------------------

  /// What must be committed, since the last time it was asked. Jobs in it are not due before
  /// committed() is told of them.
  changes take_changes() { return std::exchange(state_.journal.changes, {}); }

  /// Changes are stored: their jobs may be done, their events start runs. That makes new changes.
  void committed(const changes& changes, timestamp now) {
    for (const job& job : changes.added_jobs) state_.jobs.release(job.id);
    events_.forget_dispatched(changes);
    const follow_up_guard guard(*this, now);
    events_.dispatch_new(changes, now);
  }

  /// What happened since the last time it was asked, in order; each entry with its run, without the run's
  /// timeline.
  std::deque<std::pair<run, timeline_entry>> take_progress() {
    return std::exchange(state_.journal.progress, {});
  }
  /// Whether take_progress() is wanted. Otherwise it gives only failures.
  void collect_progress(bool wanted) { state_.journal.wants_progress = wanted; }

  /// Whether nothing is under way and nothing will be, unless an event comes or a schedule fires.
  bool is_idle() const {
    return state_.runs.empty() && state_.jobs.calls() == 0 && !events_.has_undispatched();
  }
  bool is_running(std::string_view run_id) const { return state_.runs.contains(run_id); }
  /// Null when there is no such run, or it has ended.
  const active_run* find_run(std::string_view run_id) const { return state_.runs.find(run_id); }
  const subscriptions& functions() const { return state_.functions; }
  /// The records that the scheduler continues without: they could not be read when it began.
  const std::vector<unreadable_record>& unreadable() const { return unreadable_; }

  /// How much it holds. When it is idle, and what flow control remembers is over, all but the schedules' jobs
  /// is gone.
  struct holdings {
    std::size_t runs = 0;
    std::size_t jobs = 0;
    std::size_t calls = 0;          // under way
    std::size_t slots = 0;          // of concurrency limits, in use or waited for
    std::size_t waits = 0;          // for events and signals
    std::size_t batch_buffers = 0;  // of batches and debounces, which still take events in
    std::size_t singletons = 0;
    std::size_t schedules = 0;
    std::size_t remembered = 0;  // by flow control
    std::size_t events = 0;      // not stored yet, or what they start is not
  };
  holdings held() const {
    const run_queue& queue = state_.jobs.queue();
    return {.runs = state_.runs.size(),
            .jobs = queue.size(),
            .calls = static_cast<std::size_t>(state_.jobs.calls()) + queue.under_way(),
            .slots = queue.slots_in_use(),
            .waits = state_.waits.size(),
            .batch_buffers = state_.runs.buffers(),
            .singletons = state_.runs.singletons(),
            .schedules = schedules_.size(),
            .remembered = state_.flow.remembered(),
            .events = events_.size()};
  }

 private:
  /// Does the follow-ups of ended runs when the outermost call ends. Every public function that may end a run
  /// has one.
  class follow_up_guard {
   public:
    follow_up_guard(scheduler& scheduler, timestamp now) : scheduler_(scheduler), now_(now) {}
    ~follow_up_guard() { scheduler_.events_.run_follow_ups(now_); }
    follow_up_guard(const follow_up_guard&) = delete;
    follow_up_guard& operator=(const follow_up_guard&) = delete;

   private:
    scheduler& scheduler_;
    timestamp now_;
  };

  scheduling::scheduler_state state_;
  scheduling::steps steps_{state_};
  scheduling::limits limits_{state_};
  scheduling::lifecycle lifecycle_{state_, steps_, limits_};
  scheduling::batches batches_{state_, lifecycle_};
  scheduling::admission admission_{state_, lifecycle_, batches_};
  scheduling::events events_{state_, steps_, lifecycle_, admission_};
  scheduling::schedules schedules_{state_, admission_};
  scheduling::operations operations_{state_, steps_, lifecycle_};
  scheduling::answers answers_{state_, steps_, lifecycle_, operations_};
  scheduling::calls calls_{state_, steps_, lifecycle_, batches_, schedules_, answers_};
  std::vector<unreadable_record> unreadable_;
};

}  // namespace inngest::embedded
