#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/crypto.hpp>
#include <inngest/detail/hex.hpp>
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
#include <inngest/embedded/detail/scheduling/pause_control.hpp>
#include <inngest/embedded/detail/scheduling/recovery.hpp>
#include <inngest/embedded/detail/scheduling/rerun_plan.hpp>
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

namespace inngest::inline INNGEST_ABI::embedded {

/// Handles events, runs and steps like an Inngest server, without threads, clock, disk or network. It
/// receives the time and the answers to calls, and returns the due jobs and the changes to commit. Not
/// thread-safe.
///
/// It combines parts with one responsibility each around a shared state: see scheduler_state.hpp.
class scheduler {
 public:
  using retry_delay = scheduling::run_jobs::retry_delay;

  /// Continues with unfinished work.
  scheduler(std::vector<function_definition> functions, unfinished_work work, retry_delay delay,
            timestamp now, detail::ulid_source ids = {});

  // ---- in -----------------------------------------------------------------------------------------------

  /// Accepts events, all or none, and returns their ids. The events start runs, end waits and cancel runs
  /// after committed() was called with them. A seed determines the ids, so that a repeated request has the
  /// same ids; events for whose id `is_dispatched` returns true are duplicates and have no effect. `chain` is
  /// the events' position in a chain of runs, see chain_behind().
  /// \throws payload_error that names the event and the invalid member.
  std::vector<std::string> accept(std::string body, timestamp now, std::string_view seed = {},
                                  const std::function<bool(const std::string&)>& is_dispatched = {},
                                  std::size_t chain = 0);

  /// The position in a chain of runs of an event that the run sends: 0 unless the run began less than a
  /// second ago.
  std::size_t chain_behind(std::string_view run_id, timestamp now) const;

  /// Drops accepted events that could not be stored.
  void withdraw(const changes& changes) { events_.withdraw(changes); }

  /// Starts a run of a function, regardless of its triggers, and returns the run's id.
  std::string start(std::string_view slug, std::string data, timestamp now);

  /// Runs a function like a request to a server's REST API: its rate limit applies, and a request with the
  /// same key has an effect only once a day.
  invoked_run invoke(const std::string& slug, const std::string& data, const std::string& key, timestamp now);

  /// Cancels the runs that the cancellation selects, and remembers it. Returns it with its id and time.
  /// \throws configuration_error, with a server's message, when its times or its condition are invalid.
  bulk_cancellation cancel_many(bulk_cancellation wanted, timestamp now);

  std::vector<bulk_cancellation> bulk_cancellations(timestamp now) const {
    return state_.flow.bulk_cancellations(now);
  }
  bool remove_bulk_cancellation(const std::string& id) { return state_.flow.remove_bulk_cancellation(id); }

  /// Starts a run with the events of an earlier one and returns its id; empty when there is no such function.
  /// With a plan the new run repeats the earlier one from a step.
  std::string rerun(const run_record& earlier, timestamp now, rerun_plan plan = {});

  /// Accepts the event once more, with another id and the current time, and returns that id. It counts when
  /// it is committed, like those of accept(). \throws configuration_error for an event of the engine itself.
  std::string resend(const event_record& earlier, timestamp now);

  // ---- for bulk operations ------------------------------------------------------------------------------

  /// A new id, greater than those of all runs that the scheduler has made.
  std::string new_id(timestamp now) { return state_.ids.next(now); }
  /// Adds the operation to the changes.
  void record(const bulk_operation& operation) {
    state_.journal.changes.bulk_operations.push_back(operation);
  }
  /// Removes an ended run from the store. Returns false when the run has not ended.
  bool remove(const std::string& run_id);

  /// Starts a run of an endpoint, whose app has begun the first call by itself, and returns the job of that
  /// call. There must be no run with the id.
  job begin_at_app(std::string_view slug, std::string run_id, const incoming_event& event, timestamp now);

  /// The secret that signs the tokens for responses of endpoints. It is stored.
  std::string token_secret(timestamp now);

  /// Sets the result of a step before the run reaches it.
  void preload(std::string_view run_id, const step_hash& step, std::string memo);

  /// Ends a step of the run that the engine runs, such as a wait. Does nothing when it is not pending.
  void end_step(std::string_view run_id, const step_hash& step, const scheduling::step_end& result,
                timestamp now);

  /// Cancels a run. Returns false when it does not exist or has ended.
  bool cancel(std::string_view run_id, timestamp now);

  /// Changes the tags of unfinished runs, so that records written later contain them. The caller adds the
  /// changes to those to be stored.
  void change_tags(const std::vector<tag_change>& all);

  /// Counts metadata of unfinished runs that others than their steps have set.
  void count_metadata(const std::vector<run_note>& notes);

  /// Ends the wait for a signal and returns the run's id; `nullopt` when no run is waiting for it.
  std::optional<std::string> signal(const std::string& name, const std::string& data, timestamp now);

  // ---- pauses and schedules: see pause_control, and schedules -------------------------------------------

  bool pause(const pause_target& target, std::string by, timestamp now) {
    return pauses_.pause(target, std::move(by), now);
  }
  bool resume(const pause_target& target, timestamp now) { return pauses_.resume(target, now); }
  void drain() { pauses_.drain(); }
  void end_drain() { pauses_.end_drain(); }
  /// Whether the run's next call must wait.
  bool holds_back(std::string_view run_id) const;

  const scheduling::schedules& schedules() const { return schedules_; }
  invoked_run run_schedule(const std::string& slug, const std::string& cron, timestamp now);
  std::string backfill(const std::string& slug, const std::string& cron, timestamp planned, timestamp now);

  /// Forgets an unreadable record that was removed from the store.
  void forget_unreadable(const std::string& table, const std::string& key);
  /// Forgets the unreadable records that the changes replace: the new ones must not be removed.
  void forget_replaced(const changes& fresh);

  /// Replaces an app's functions.
  void register_app(const app_record& app, std::vector<function_definition> functions, timestamp now);
  /// When and with which SDK an app registered, as JSON; empty if unknown.
  std::string registration_of(const std::string& app, timestamp now) const;

  // ---- calls --------------------------------------------------------------------------------------------

  /// The due time of the next job; `nullopt` without jobs.
  std::optional<timestamp> next_due() const { return state_.jobs.next_due(); }

  /// Takes the next due function call or step request. Handles timers that are due before it. Calls of
  /// functions in other processes wait until the gate lets them pass.
  std::optional<job> take_due(timestamp now, scheduling::app_gate gate = scheduling::every_app);

  /// Asks the gate again for the calls that it blocked.
  void retry_blocked() { state_.jobs.retry_blocked(); }
  /// Whether the gate has blocked calls.
  bool has_blocked() const { return state_.jobs.queue().has_blocked(); }

  /// The request of a job. A call's URL has no origin when the app is in this process.
  http::request request_for(const job& call) const { return calls_.request_for(call); }

  /// Processes the answer to a job's call.
  void finish(const job& call, const http::response& answer, timestamp now);

  /// Delays a taken call that was not made. The delay does not count as an attempt.
  void postpone(const job& call, timestamp due) { calls_.postpone(call, due); }

  /// Accepts results that a function reports before it returns. Returns false when the function must stop,
  /// because its run has ended or was called again.
  bool checkpoint(const std::string& run_id, std::uint64_t call_id,
                  const std::vector<reported_operation>& operations, timestamp now);

  // ---- out ----------------------------------------------------------------------------------------------

  /// The changes to commit since the last call. Their jobs are not available before committed().
  changes take_changes() { return std::exchange(state_.journal.changes, {}); }

  /// Records that changes are stored: makes their jobs available and dispatches their events, which causes
  /// new changes.
  void committed(const changes& changes, timestamp now);

  /// The timeline entries since the last call, in order, with their runs. The runs have empty timelines.
  std::deque<std::pair<run, timeline_entry>> take_progress();
  /// The steps since the last call of which metadata was left out.
  std::vector<scheduling::unstored_metadata> take_unstored() {
    return std::exchange(state_.journal.unstored, {});
  }
  /// Whether take_progress() returns all entries, or only failures.
  void collect_progress(bool wanted) { state_.journal.wants_progress = wanted; }

  /// Whether nothing is in progress or will be without a new event or a schedule.
  bool is_idle() const;
  bool is_running(std::string_view run_id) const { return state_.runs.contains(run_id); }
  /// The run; null when it does not exist or has ended.
  const active_run* find_run(std::string_view run_id) const { return state_.runs.find(run_id); }
  const subscriptions& functions() const { return state_.functions; }
  /// The state, for code that describes it.
  const scheduling::scheduler_state& parts() const { return state_; }
  /// The records that could not be read at the start. The scheduler works without them.
  const std::vector<unreadable_record>& unreadable() const { return unreadable_; }

  /// The number of objects in the scheduler. All except the schedules and their jobs are 0 when it is idle
  /// and the values of flow control have expired.
  struct holdings {
    std::size_t runs = 0;
    std::size_t jobs = 0;
    std::size_t calls = 0;          // calls in progress
    std::size_t slots_in_use = 0;   // slots of concurrency limits that are in use or waited for
    std::size_t waits = 0;          // waits for events and signals
    std::size_t batch_buffers = 0;  // batches and debounces that collect events
    std::size_t singletons = 0;
    std::size_t schedules = 0;
    std::size_t remembered = 0;  // values of flow control, without records of registrations
    std::size_t events = 0;      // events that are not stored, or whose effects are not stored
  };
  holdings held() const;

 private:
  /// Executes the follow-ups of ended runs in its destructor. Every public function that may end a run has a
  /// guard.
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
  scheduling::schedules schedules_{state_, lifecycle_, admission_};
  scheduling::operations operations_{state_, steps_, lifecycle_};
  scheduling::answers answers_{state_, steps_, lifecycle_, operations_};
  scheduling::calls calls_{state_, steps_, lifecycle_, batches_, schedules_, answers_};
  scheduling::pause_control pauses_{state_};
  std::vector<unreadable_record> unreadable_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/scheduler.ipp>
#endif
