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
            timestamp now, detail::ulid_source ids = {});

  // ---- in -----------------------------------------------------------------------------------------------

  /// Takes events in, all or none, and gives their ids. They start runs, end waits and cancel runs once
  /// committed() was told of them: what was not stored has not happened. With a seed the ids are
  /// derived from it, so that a repeated request has the same ids; `is_dispatched` says which of those are in
  /// the store: they are taken for repetitions. `chain` is the events' place in a chain of runs, see
  /// chain_behind(). \throws payload_error naming the event and the member that is wrong.
  std::vector<std::string> accept(std::string body, timestamp now, std::string_view seed = {},
                                  const std::function<bool(const std::string&)>& is_dispatched = {},
                                  std::size_t chain = 0);

  /// The place of an event in a chain of runs that start each other, when a run sends it: 0 unless the run
  /// began less than a second ago.
  std::size_t chain_behind(std::string_view run_id, timestamp now) const;

  /// Forgets events that were taken in but could not be stored.
  void withdraw(const changes& changes) { events_.withdraw(changes); }

  /// Begins a run of one of the functions, whatever its triggers, and gives the run's id.
  std::string start(std::string_view slug, std::string data, timestamp now);

  /// Begins a run with the events of an earlier one. Empty when its function is gone.
  std::string rerun(const run_record& earlier, timestamp now);

  /// Gives a step its result before the run comes to it.
  void preload(std::string_view run_id, const step_hash& step, std::string memo);

  /// False when there is no such run, or it has ended.
  bool cancel(std::string_view run_id, timestamp now);

  /// Ends the wait for a signal, and gives the run's id; nothing when no run waits for it.
  std::optional<std::string> signal(const std::string& name, const std::string& data, timestamp now);

  /// Puts an app's functions in the place of those that it had.
  void register_app(const app_record& app, std::vector<function_definition> functions, timestamp now);

  // ---- calls --------------------------------------------------------------------------------------------

  /// When the next job is due; nothing when there is none.
  std::optional<timestamp> next_due() const { return state_.jobs.next_due(); }

  /// Takes the next call that is due: of an app, or a request for a step. Timers that are due are done on the
  /// way.
  std::optional<job> take_due(timestamp now);

  /// The request that a job stands for. A call's URL has no origin when the app is in this process.
  http::request request_for(const job& call) const { return calls_.request_for(call); }

  /// Takes the answer to a job's call.
  void finish(const job& call, const http::response& answer, timestamp now);

  /// The call was not made, and is to be made later: that is no attempt.
  void postpone(const job& call, timestamp due) { calls_.postpone(call, due); }

  /// Takes results that a call's function reports before it returns. False when the run is no longer there,
  /// or was called again since: the function must stop.
  bool checkpoint(const std::string& run_id, std::uint64_t call_id,
                  const std::vector<reported_operation>& operations, timestamp now);

  // ---- out ----------------------------------------------------------------------------------------------

  /// What must be committed, since the last time it was asked. Jobs in it are not due before
  /// committed() is told of them.
  changes take_changes() { return std::exchange(state_.journal.changes, {}); }

  /// Changes are stored: their jobs may be done, their events start runs. That makes new changes.
  void committed(const changes& changes, timestamp now);

  /// What happened since the last time it was asked, in order; each entry with its run, without the run's
  /// timeline.
  std::deque<std::pair<run, timeline_entry>> take_progress();
  /// Whether take_progress() is wanted. Otherwise it gives only failures.
  void collect_progress(bool wanted) { state_.journal.wants_progress = wanted; }

  /// Whether nothing is under way and nothing will be, unless an event comes or a schedule fires.
  bool is_idle() const;
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
  holdings held() const;

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

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/scheduler.ipp>
#endif
