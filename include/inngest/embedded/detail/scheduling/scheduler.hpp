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

#include <inngest/config.hpp>
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

namespace inngest::inline INNGEST_ABI::embedded {

/// Handles events, runs and steps like an Inngest server, without threads, clock, disk or network. It
/// receives the time and the answers to calls, and returns the jobs that are due and the changes to commit.
/// One thread at a time.
///
/// It combines parts, each with one subject, around a state that they share: see scheduler_state.hpp.
class scheduler {
 public:
  using retry_delay = scheduling::run_jobs::retry_delay;

  /// Continues with unfinished work.
  scheduler(std::vector<function_definition> functions, unfinished_work work, retry_delay delay,
            timestamp now, detail::ulid_source ids = {});

  // ---- in -----------------------------------------------------------------------------------------------

  /// Accepts events, all or none, and returns their ids. The events start runs, end waits and cancel runs
  /// after committed() was called with them. A seed determines the ids, so that a repeated request has the
  /// same ids; events for whose id `is_dispatched` returns true are repetitions and have no effect. `chain`
  /// is the events' position in a chain of runs, see chain_behind(). \throws payload_error that names the
  /// event and the member that is wrong.
  std::vector<std::string> accept(std::string body, timestamp now, std::string_view seed = {},
                                  const std::function<bool(const std::string&)>& is_dispatched = {},
                                  std::size_t chain = 0);

  /// The position in a chain of runs of an event that the run sends: 0 unless the run began less than a
  /// second ago.
  std::size_t chain_behind(std::string_view run_id, timestamp now) const;

  /// Forgets accepted events that could not be stored.
  void withdraw(const changes& changes) { events_.withdraw(changes); }

  /// Starts a run of a function, independent of its triggers, and returns the run's id.
  std::string start(std::string_view slug, std::string data, timestamp now);

  /// Starts a run with the events of an earlier one and returns its id; empty when there is no such function.
  std::string rerun(const run_record& earlier, timestamp now);

  /// Sets the result of a step before the run reaches it.
  void preload(std::string_view run_id, const step_hash& step, std::string memo);

  /// Cancels a run. Returns false when there is no such run, or it has ended.
  bool cancel(std::string_view run_id, timestamp now);

  /// Ends the wait for a signal and returns the run's id; `nullopt` when no run waits for it.
  std::optional<std::string> signal(const std::string& name, const std::string& data, timestamp now);

  /// Replaces an app's functions.
  void register_app(const app_record& app, std::vector<function_definition> functions, timestamp now);

  // ---- calls --------------------------------------------------------------------------------------------

  /// The due time of the next job; `nullopt` without jobs.
  std::optional<timestamp> next_due() const { return state_.jobs.next_due(); }

  /// Takes the next due call of an app, or request for a step. Handles the timers that are due before it.
  std::optional<job> take_due(timestamp now);

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

  /// Notes that changes are stored: makes their jobs available and dispatches their events, which causes new
  /// changes.
  void committed(const changes& changes, timestamp now);

  /// The timeline entries since the last call, in order, with their runs. The runs have empty timelines.
  std::deque<std::pair<run, timeline_entry>> take_progress();
  /// Whether take_progress() returns all entries, or only failures.
  void collect_progress(bool wanted) { state_.journal.wants_progress = wanted; }

  /// Whether nothing is under way, and nothing will be without a new event or a schedule.
  bool is_idle() const;
  bool is_running(std::string_view run_id) const { return state_.runs.contains(run_id); }
  /// The run; null when there is no such run, or it has ended.
  const active_run* find_run(std::string_view run_id) const { return state_.runs.find(run_id); }
  const subscriptions& functions() const { return state_.functions; }
  /// The records that could not be read at the start. The scheduler works without them.
  const std::vector<unreadable_record>& unreadable() const { return unreadable_; }

  /// The numbers of objects in the scheduler. All but the schedules and their jobs are 0 when it is idle and
  /// the values of flow control have expired.
  struct holdings {
    std::size_t runs = 0;
    std::size_t jobs = 0;
    std::size_t calls = 0;          // calls under way
    std::size_t slots_in_use = 0;   // slots of concurrency limits that are in use or waited for
    std::size_t waits = 0;          // waits for events and signals
    std::size_t batch_buffers = 0;  // batches and debounces that collect events
    std::size_t singletons = 0;
    std::size_t schedules = 0;
    std::size_t remembered = 0;  // values of flow control
    std::size_t events = 0;      // events that are not stored, or whose effects are not stored
  };
  holdings held() const;

 private:
  /// Runs the follow-ups of ended runs in its destructor. Every public function that may end a run has a
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
  scheduling::schedules schedules_{state_, admission_};
  scheduling::operations operations_{state_, steps_, lifecycle_};
  scheduling::answers answers_{state_, steps_, lifecycle_, operations_};
  scheduling::calls calls_{state_, steps_, lifecycle_, batches_, schedules_, answers_};
  std::vector<unreadable_record> unreadable_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/scheduler.ipp>
#endif
