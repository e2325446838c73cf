#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/ulid.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/reported_operation.hpp>
#include <inngest/embedded/detail/retry.hpp>
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

/// The words of what is being thrown, whatever its type.
std::string words_of_exception();

/// The latest time that a store knows of: an engine goes on from it, as the system's clock may have been set
/// back while none ran.
timestamp latest_time(const unfinished_work& work);

/// An engine without its threads, clock, disk and network: it says what is to be committed and which calls
/// are to be made, and is told the time, how commits went and what was answered. The engine puts threads
/// around it; a simulation decides by chance what happens next. One thread at a time.
///
/// What the scheduler changes is numbered. A change counts once it is committed: who must wait for it is told
/// its number.
class engine_core {
 public:
  struct options {
    /// As engine_options::retry_delay.
    std::function<duration_ms(int attempt)> retry_delay = server_retry_delay;
    /// As engine_options::max_chain.
    std::size_t max_chain = 10'000;
    /// Whether take_progress() is asked for more than failures.
    bool collects_progress = false;
    /// Makes the ids of events and runs.
    detail::ulid_source ids{};
  };

  /// A call of a function, or a request for a step: its job is taken.
  struct call {
    job what{};
    http::request request{};  // without a method when there can be none: its body says why
    execution::call_stop stop{};
    /// It may begin once this is committed. Nobody may see what the request is made of before that is in the
    /// store: or another process, after this one was killed, would run a step again whose result was seen.
    std::uint64_t change = 0;
  };

  /// What is to be committed at once.
  struct batch {
    std::vector<changes> all{};
    std::uint64_t last_change = 0;
  };

  /// Something that happened, to be told once its change is committed.
  struct told_progress {
    std::uint64_t change = 0;
    embedded::run run{};
    timeline_entry entry{};
  };

  struct log_line {
    log_level level{};
    std::string text{};
  };

  /// The stop tokens of calls are told outside of the engine's lock, as they call back.
  struct requested_stop {
    execution::call_stop stop{};
    bool is_shutdown = false;
  };

  /// Goes on with what was left undone.
  engine_core(std::vector<function_definition> functions, unfinished_work work, options chosen,
              timestamp now);
  engine_core(const engine_core&) = delete;
  engine_core& operator=(const engine_core&) = delete;

  const scheduler& state() const { return scheduler_; }

  // ---- in: `settle` is told of a change, and gives whether it is committed, having waited for it
  // -----------

  /// Takes events in, all or none. `sender` is the run whose handler sends them; `stored` gives what the
  /// store has of an event. \throws payload_error; unreachable when they can't be stored: they have not
  /// happened.
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
    settle(note());  // the runs that they start; if it fails it is tried again
    return ids;
  }

  /// Ends the wait for a signal, and gives the id of the run that waited; nothing when none did.
  std::optional<std::string> signal(const std::string& name, const std::string& data, timestamp now);
  /// Starts a run whatever the function's triggers, and gives its id; empty when there may be no second one.
  std::string start(const std::string& slug, std::string data, timestamp now);
  /// Begins a run with the events of an earlier one; empty when its function is gone.
  std::string rerun(const run_record& earlier, timestamp now);
  /// False when there is no such run, or it has ended.
  bool cancel(std::string_view run_id, timestamp now) { return noted(scheduler_.cancel(run_id, now)); }
  /// Takes results of a function that goes on; false when it must stop. \throws protocol_error
  bool checkpoint(const std::string& run_id, std::uint64_t call_id,
                  const std::vector<reported_operation>& operations, timestamp now);
  void register_app(const app_record& app, std::vector<function_definition> functions, timestamp now);

  // ---- calls ------------------------------------------------------------------------------------------

  /// The next call that is due; it is under way until finish() or give_back().
  std::optional<call> take(timestamp now);

  /// Whether the call is still to be made: its run may have been cancelled since it was taken.
  bool is_wanted(const call& taken) const { return scheduler_.is_running(taken.what.run_id); }

  /// Takes the answer to a call. One that the end of the process has interrupted is no answer.
  void finish(const call& made, http::response answer, timestamp now);

  /// The call can't be made yet: that is no attempt.
  void postpone(const call& taken, timestamp due);

  /// The call is not made: begin_to_stop() has put its job back.
  void give_back(const call& taken) { calls_.erase(taken.what.id); }

  std::size_t calls_under_way() const { return calls_.size(); }

  /// No call begins any more. The jobs of those that are under way are put back into the store as they were
  /// before: if they don't end in time the next process makes them again, as the same attempt.
  void begin_to_stop();
  bool is_stopping() const { return stopping_; }

  // ---- committing: one batch at a time ------------------------------------------------------------------

  std::uint64_t changed() const { return changed_; }
  std::uint64_t committed() const { return committed_; }
  bool is_committing() const { return committing_; }
  bool has_uncommitted() const { return !pending_.empty(); }
  /// Why the last commit failed; empty when it did not.
  const std::string& problem() const { return problem_; }

  /// All that was noted. end_commit() must follow.
  batch begin_commit();

  /// `problem` is why the batch could not be committed, or may not have been: it is to be committed again.
  void end_commit(batch tried, std::string problem, timestamp now);

  // ---- out --------------------------------------------------------------------------------------------

  /// Calls that are to be asked to stop.
  std::vector<requested_stop> take_stops() { return std::exchange(stops_, {}); }
  std::vector<log_line> take_log_lines() { return std::exchange(log_lines_, {}); }
  bool has_log_lines() const { return !log_lines_.empty(); }
  void log(log_level level, std::string text) { log_lines_.push_back({level, std::move(text)}); }

  /// What happened up to the last change that is committed, one after the other.
  std::optional<told_progress> take_progress();
  /// Whether nothing is left to be told of a change and those before.
  bool is_notified(std::uint64_t change) const {
    return progress_.empty() || progress_.front().change > change;
  }

 private:
  struct under_way {
    job what{};
    execution::call_stop stop{};
  };

  /// Notes what the scheduler changed, and gives the number of the last change.
  std::uint64_t note();
  template <class Value>
  Value noted(Value value) {
    note();
    return value;
  }

  static bool is_ended(run_status status);

  void stop_calls_of(std::string_view run_id);

  /// Takes back events that could not be stored. False when they were stored meanwhile, and only what they
  /// have started is not; or when they are those of a request that was withdrawn.
  template <class Stored>
  bool withdraw(std::uint64_t change, const std::vector<std::string>& ids, const Stored& stored) {
    if (committed_ >= change) return false;
    bool any = false;
    for (changes& noted : pending_) {
      const bool is_theirs = std::any_of(noted.events.begin(), noted.events.end(), [&](const auto& event) {
        return !event.dispatched && std::find(ids.begin(), ids.end(), event.id) != ids.end();
      });
      if (!is_theirs) continue;
      scheduler_.withdraw(noted);
      for (event_record& event : noted.events) noted.withdrawn_events.push_back(std::move(event.id));
      noted.events.clear();  // the commit that failed may have kept them
      any = true;
    }
    return any || std::any_of(ids.begin(), ids.end(), [&](const auto& id) { return !stored(id); });
  }

  /// A job for which there can be no request fails when it is made.
  http::request request_for(const job& job) const;

  /// What the user's function says, or a server's delay when it throws.
  std::chrono::milliseconds retry_delay(int attempt);

  void note_progress(const changes& fresh);

  /// Notes a line for the log about what failed.
  void log_failure(const run& run, const timeline_entry& entry, const changes& fresh);

  static std::string next_attempt(const run& run, const timeline_entry& entry, const changes& fresh);

  options options_;
  std::vector<log_line> log_lines_;  // before the scheduler, which may log while it is made
  scheduler scheduler_;
  std::vector<changes> pending_;
  std::uint64_t changed_ = 0;    // how many changes there were
  std::uint64_t committed_ = 0;  // how many of them are in the store
  std::string problem_;
  bool committing_ = false;
  bool stopping_ = false;
  std::map<std::uint64_t, under_way> calls_;  // by job
  std::vector<requested_stop> stops_;
  std::deque<told_progress> progress_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/engine_core.ipp>
#endif
