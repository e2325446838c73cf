#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/ulid.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/incoming_event.hpp>
#include <inngest/embedded/detail/reported_operation.hpp>
#include <inngest/embedded/detail/retry.hpp>
#include <inngest/embedded/detail/scheduling/bulk_work.hpp>
#include <inngest/embedded/detail/scheduling/scheduler.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/error.hpp>
#include <inngest/execution/call_stop.hpp>
#include <inngest/execution/checkpoints.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/log.hpp>
#include <inngest/protocol/error_info.hpp>
#include <inngest/time/duration.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The maximum time that an app may take for the request that began a run, and the default timeout of a call.
inline constexpr std::chrono::hours longest_request_at_app(2);

/// The message of the current exception, of any type.
std::string words_of_exception();

/// The earliest time with which an engine may continue: later than its earlier runs and bulk operations. An
/// operation recognizes its runs by time and id, so neither may go back with the system's clock.
timestamp time_to_continue_from(const unfinished_work& work, const store& from);

/// An engine without threads, clock, disk and network. It returns the changes to commit and the calls to
/// make, and receives the time, the results of commits, and the answers. The engine adds the threads; a
/// simulation decides at random what happens next. Not thread-safe.
///
/// The core numbers the changes of the scheduler. A caller that must wait until a change is committed gets
/// its number.
class engine_core {
 public:
  struct options {
    /// See engine_options::retry_delay.
    std::function<duration_ms(int attempt)> retry_delay = server_retry_delay;
    /// See engine_options::max_chain.
    std::size_t max_chain = 10'000;
    /// Whether take_progress() returns more than failures.
    bool collects_progress = false;
    /// Makes the ids of events and runs.
    detail::ulid_source ids{};
  };

  /// A function call, or a step request, whose job was taken.
  struct call {
    job what{};
    http::request request{};  // without a method if it can't be made; its body then contains the reason
    execution::call_stop stop{};
    /// The call may begin after this change is committed. Code must not see the results in the request before
    /// the store has them: otherwise, if this process is killed, the next one could repeat a step whose
    /// result was already seen.
    std::uint64_t change = 0;
  };

  /// Changes to commit together.
  struct batch {
    std::vector<changes> all{};
    std::uint64_t last_change = 0;
  };

  /// A timeline entry for on_progress, which is called after its change is committed.
  struct pending_progress {
    std::uint64_t change = 0;
    embedded::run run{};
    timeline_entry entry{};
  };

  struct log_line {
    log_level level{};
    std::string text{};
    // what it is about; empty for a line about the engine
    std::string run_id{};
    std::string app{};
    std::string function{};
    std::string step{};
    std::optional<int> attempt{};
  };

  /// A call to stop. The engine requests the stop without holding its lock, because stop tokens run
  /// callbacks.
  struct requested_stop {
    execution::call_stop stop{};
    bool is_shutdown = false;
  };

  /// Continues with unfinished work.
  engine_core(std::vector<function_definition> functions, unfinished_work work, options chosen,
              timestamp now);
  engine_core(const engine_core&) = delete;
  engine_core& operator=(const engine_core&) = delete;

  const scheduler& state() const { return scheduler_; }

  // ---- in -----------------------------------------------------------------------------------------------

  /// Accepts events, all or none. `sender` is the run whose handler sends them. `stored(id)` returns the
  /// event in the store. `settle(change)` waits for the commit of a change, and returns whether it succeeded.
  /// \throws payload_error; unreachable when the events can't be stored, and so are not accepted.
  template <class Settle, class Stored>
  std::vector<std::string> accept(std::string events, std::string_view seed, std::string_view sender,
                                  timestamp now, const Stored& stored, const Settle& settle) {
    if (!problem_.empty()) throw unreachable(problem_);
    const std::size_t chain = sender.empty() ? 0 : scheduler_.chain_behind(sender, now);
    if (chain > options_.max_chain)
      throw payload_error("events",
                          std::to_string(options_.max_chain) +
                              " runs in a row have started each other without a pause: does a function "
                              "trigger itself? engine_options::max_chain sets the limit");
    const auto is_dispatched = [&](const std::string& id) {
      const std::optional<event_record> found = stored(id);
      return found && found->dispatched;
    };
    std::vector<std::string> ids = scheduler_.accept(std::move(events), now, seed, is_dispatched, chain);
    const std::uint64_t change = note();
    if (!settle(change)) {
      const std::string problem = problem_;
      if (withdraw(change, ids, stored)) throw unreachable(problem);
    }
    events_accepted_ += ids.size();
    settle(note());  // commits the runs that the events start; the engine retries a failed commit
    return ids;
  }

  /// Ends the wait for a signal. Returns the id of the run that was waiting, or `nullopt`.
  std::optional<std::string> signal(const std::string& name, const std::string& data, timestamp now);
  /// Starts a run of the function and returns its id; empty when the function is a singleton that is running.
  std::string start(const std::string& slug, std::string data, timestamp now);
  /// Starts a run with the events of an earlier one and returns its id; empty when the function does not
  /// exist. `plan` repeats the run from a step.
  std::string rerun(const run_record& earlier, timestamp now, rerun_plan plan = {});
  /// See scheduler::resend.
  std::string resend(const event_record& earlier, timestamp now) {
    return noted(scheduler_.resend(earlier, now));
  }
  /// See scheduler::invoke.
  invoked_run invoke(const std::string& slug, const std::string& data, const std::string& key,
                     timestamp now) {
    return noted(scheduler_.invoke(slug, data, key, now));
  }
  /// See scheduler::cancel_many.
  bulk_cancellation cancel_many(bulk_cancellation wanted, timestamp now) {
    return noted(scheduler_.cancel_many(std::move(wanted), now));
  }
  bool remove_bulk_cancellation(const std::string& id) {
    return noted(scheduler_.remove_bulk_cancellation(id));
  }
  /// Cancels a run. Returns false when the run does not exist or has ended.
  bool cancel(std::string_view run_id, timestamp now) { return noted(scheduler_.cancel(run_id, now)); }
  /// Accepts results of a function that continues. Returns false when it must stop. \throws protocol_error
  bool checkpoint(const std::string& run_id, std::uint64_t call_id,
                  const std::vector<reported_operation>& operations, timestamp now);
  void register_app(const app_record& app, std::vector<function_definition> functions, timestamp now);

  // ---- bulk operations: see bulk_work -------------------------------------------------------------------

  bulk_operation begin_bulk(bulk_operation wanted, timestamp now) {
    return noted(bulk_.begin(scheduler_, std::move(wanted), now));
  }
  bool advance_bulk(std::string_view id, bulk_chunk chunk, timestamp now) {
    return noted(bulk_.advance(scheduler_, id, std::move(chunk), now));
  }
  bool stop_bulk(std::string_view id, timestamp now, const std::string& problem = {}) {
    return noted(bulk_.stop(scheduler_, id, now, problem));
  }
  const bulk_work& bulk() const { return bulk_; }
  std::size_t waiting_runs_of_bulk(std::string_view id) { return bulk_.waiting_runs(scheduler_, id); }

  // ---- pauses and schedules: see scheduler --------------------------------------------------------------

  bool pause(const pause_target& target, std::string by, timestamp now) {
    return noted(scheduler_.pause(target, std::move(by), now));
  }
  bool resume(const pause_target& target, timestamp now) { return noted(scheduler_.resume(target, now)); }
  void drain() { scheduler_.drain(); }
  void end_drain() { scheduler_.end_drain(); }
  invoked_run run_schedule(const std::string& slug, const std::string& cron, timestamp now) {
    return noted(scheduler_.run_schedule(slug, cron, now));
  }
  std::string backfill(const std::string& slug, const std::string& cron, timestamp planned, timestamp now) {
    return noted(scheduler_.backfill(slug, cron, planned, now));
  }
  void forget_unreadable(const std::string& table, const std::string& key) {
    scheduler_.forget_unreadable(table, key);
  }

  /// Adds an entry to the audit trail, and sets its id and time. It is committed together with the changes
  /// before it. With `as_event` the engine also accepts it as an event.
  void add_audit(audit_entry entry, bool as_event, timestamp now);

  // ---- endpoints: runs whose first call their app has begun by itself ------------------------------------

  /// Begins such a run, and returns the id of the call. There must be no run with the id.
  std::uint64_t begin_at_app(std::string_view slug, const std::string& run_id, const incoming_event& event,
                             timestamp now);

  /// Accepts operations of the call. If they are not only results of steps, the call has ended, and `headers`
  /// are those of its answer. Returns false when the app must stop, because the run has ended or another call
  /// has taken over; and while its function is paused, if `may_hold`.
  /// \throws protocol_error
  bool report_at_app(const std::string& run_id, std::uint64_t call_id, const std::string& operations,
                     const http::headers& headers, timestamp now, bool may_hold = true);

  /// When the next job is due or such a call is overdue; `nullopt` without jobs and calls.
  std::optional<timestamp> next_due() const;

  /// See scheduler::token_secret.
  std::string token_secret(timestamp now) { return noted(scheduler_.token_secret(now)); }

  /// Adds notes of runs, and sets their ids and times. `at` of a note is its earliest possible time.
  void add_notes(std::vector<run_note> notes, timestamp now);

  // ---- calls ------------------------------------------------------------------------------------------

  /// Takes the next due call. It is in progress until finish(), postpone() or give_back(). Calls of functions
  /// in other processes wait until the gate lets them pass.
  std::optional<call> take(timestamp now, scheduling::app_gate gate = scheduling::every_app);

  /// Asks the gate again for the calls that it stopped.
  void retry_blocked() { scheduler_.retry_blocked(); }

  /// Whether the call is still needed: its run may have been cancelled since it was taken.
  bool is_wanted(const call& taken) const { return scheduler_.is_running(taken.what.run_id); }

  /// Processes the answer to a call, unless the end of the process interrupted the call.
  void finish(const call& made, http::response answer, timestamp now);

  /// Delays a call that its app did not receive. The delay does not count as an attempt.
  void postpone(const call& taken, timestamp due);

  /// Drops a call that was not made. begin_to_stop() has put its job back.
  void give_back(const call& taken) { calls_.erase(taken.what.id); }

  std::size_t calls_under_way() const { return calls_.size(); }

  /// Begins no more calls. Puts the jobs of calls in progress back into the store: if the calls don't end in
  /// time, the next process repeats them as the same attempt.
  void begin_to_stop();
  bool is_stopping() const { return stopping_; }

  // ---- committing: one batch at a time ------------------------------------------------------------------

  std::uint64_t events_accepted() const { return events_accepted_; }
  std::uint64_t changed() const { return changed_; }
  std::uint64_t committed() const { return committed_; }
  bool is_committing() const { return committing_; }
  bool has_uncommitted() const { return !pending_.empty(); }
  /// Why the last commit failed; empty when it succeeded.
  const std::string& problem() const { return problem_; }

  /// The ids of the runs that uncommitted changes name. Not during a commit.
  std::set<std::string, std::less<>> uncommitted_runs() const { return runs_of(pending_); }
  /// The ids of the runs that changes name.
  static std::set<std::string, std::less<>> runs_of(std::span<const changes> all);

  /// All changes that are not committed. Call end_commit() afterwards.
  batch begin_commit();

  /// Ends the commit of a batch. An empty `problem` means success; otherwise the batch will be committed
  /// again.
  void end_commit(batch tried, std::string problem, timestamp now);

  // ---- lines that runs log: stored with the next commit, and never waited for -------------------------

  /// Stores a line. Drops lines when there are more than a commit can write.
  void keep_log_line(run_log_record line);
  bool has_kept_log_lines() const { return !kept_log_lines_.empty(); }

  // ---- out --------------------------------------------------------------------------------------------

  /// Calls to stop.
  std::vector<requested_stop> take_stops() { return std::exchange(stops_, {}); }
  std::vector<log_line> take_log_lines() { return std::exchange(log_lines_, {}); }
  bool has_log_lines() const { return !log_lines_.empty(); }
  void log(log_level level, std::string text) {
    log_lines_.push_back({.level = level, .text = std::move(text)});
  }

  /// The next timeline entry whose change is committed.
  std::optional<pending_progress> take_progress();
  /// Whether take_progress() has returned all entries up to the change.
  bool is_notified(std::uint64_t change) const {
    return progress_.empty() || progress_.front().change > change;
  }

 private:
  struct under_way {
    job what{};
    execution::call_stop stop{};
  };

  /// Collects the changes of the scheduler, and returns the number of the last change.
  std::uint64_t note();
  template <class Value>
  Value noted(Value value) {
    note();
    return value;
  }

  /// Asks the calls of a run that has ended to stop. Their jobs are removed with the run's end: the store may
  /// forget the run before they end. So are the jobs that begin_to_stop() has put back.
  void stop_calls_of(std::string_view run_id, std::vector<std::uint64_t>& removed_jobs);

  /// Withdraws events that could not be stored. Returns false when the store has them after all and only the
  /// runs that they start are not stored, or when the events belong to a request that was withdrawn earlier.
  template <class Stored>
  bool withdraw(std::uint64_t change, const std::vector<std::string>& ids, const Stored& stored) {
    if (committed_ >= change) return false;
    bool has_withdrawn = false;
    for (changes& noted : pending_) {
      const bool is_theirs = std::any_of(noted.events.begin(), noted.events.end(), [&](const auto& event) {
        return !event.dispatched && std::find(ids.begin(), ids.end(), event.id) != ids.end();
      });
      if (!is_theirs) continue;
      scheduler_.withdraw(noted);
      for (event_record& event : noted.events) noted.withdrawn_events.push_back(std::move(event.id));
      noted.events.clear();  // the failed commit may have stored them
      has_withdrawn = true;
    }
    return has_withdrawn || std::any_of(ids.begin(), ids.end(), [&](const auto& id) { return !stored(id); });
  }

  /// Ends calls that apps have begun too long ago: the app may have died. The attempt counts as failed, and
  /// the engine calls the app for the next one.
  void end_overdue(timestamp now);

  /// The request of a job. A job whose request can't be made fails when it is called.
  http::request request_for(const job& job) const;

  /// The result of options::retry_delay, or a server's delay when it throws.
  std::chrono::milliseconds retry_delay(int attempt);

  void note_progress(const changes& fresh);

  /// Adds a log line about a failure.
  void log_failure(const run& run, const timeline_entry& entry, const changes& fresh);

  /// Adds a log line about metadata that is not stored.
  void log_unstored(const scheduling::unstored_metadata& what);

  /// How log lines name a run.
  static std::string whose(const run& run);

  static std::string next_attempt(const run& run, const timeline_entry& entry, const changes& fresh);

  options options_;
  std::vector<log_line> log_lines_;  // before the scheduler, whose constructor may log
  bulk_work bulk_;
  scheduler scheduler_;
  detail::ulid_source note_ids_ = options_.ids;
  timestamp last_note_{};
  std::vector<run_log_record> kept_log_lines_;
  std::vector<changes> pending_;
  std::uint64_t events_accepted_ = 0;
  std::uint64_t changed_ = 0;    // the number of the last change
  std::uint64_t committed_ = 0;  // the number of the last change in the store
  std::string problem_;
  bool committing_ = false;
  bool stopping_ = false;
  std::map<std::uint64_t, under_way> calls_;  // by id of the job
  std::map<std::uint64_t, job> at_apps_;      // calls that their apps have begun by themselves, by id
  std::vector<std::pair<std::string, std::uint64_t>> put_back_;  // runs and jobs: see begin_to_stop()
  std::vector<requested_stop> stops_;
  std::deque<pending_progress> progress_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/engine_core.ipp>
#endif
