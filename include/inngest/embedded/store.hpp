#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/enumeration.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/step_id.hpp>
#include <inngest/time/timestamp.hpp>

// What the engine keeps: records, and the interface of whatever keeps them.

namespace inngest::inline INNGEST_ABI::embedded {

struct event_record {
  std::string id{};  // the engine's own
  std::string name{};
  std::string text{};  // the whole event, as JSON
  timestamp received_at{};
  std::string given_id{};  // its sender's; not kept, as it is in the text, too
  /// False until the event has started its runs and ended the waits for it. A store gives such events to
  /// load().
  bool dispatched = true;
  /// How many runs in a row led to it, each sending the event of the next at once. Not stored.
  std::size_t chain = 0;
};

/// An event of a run: a batch has several.
struct run_event {
  std::string id{};    // the engine's
  std::string text{};  // the whole event, as JSON
};

/// The invoke step that waits for a run.
struct parent_step {
  std::string run_id{};
  step_hash step{};
  std::string name{};  // as timelines show it
};

/// A function that is to run when the run has ended.
struct deferred_call {
  step_hash id{};
  std::string slug{};
  std::string input{};  // a JSON object
};

/// All of a run but its steps.
struct run_record {
  embedded::run run{};  // without its timeline
  std::vector<run_event> events{};
  std::optional<parent_step> parent{};
  std::vector<deferred_call> deferred{};
  /// While a batch or a debounce still takes events in: whose. Empty afterwards.
  std::string gathering{};
  /// The position of the last entry of its timeline. Not kept with the run: load() takes it from the
  /// timeline.
  std::uint64_t timeline_size = 0;
};

/// What changes in a run while it is on its way.
struct run_update {
  std::string id{};
  run_status status{};
  std::optional<timestamp> started_at{};
  std::optional<timestamp> ended_at{};
  std::string output_text{};
  std::optional<run_error> error{};
};

/// A step's remembered result, in the form in which a call request has it.
struct memo_record {
  std::string run_id{};
  step_hash step{};
  std::string text{};
};

/// Something to be done when its time has come.
struct job {
  enum class kind {  // files keep the numbers: enumerators are only added, at the end
    call,
    wake,
    wait_timeout,
    invoke_timeout,
    start_timeout,   ///< of the run, if it has not started
    finish_timeout,  ///< of the run
    gathered,        ///< the run has all the events that it will have
    schedule,        ///< of the function whose slug `run_id` is: `step_name` is its schedule
    request,         ///< an HTTP request that the engine makes for the step: `text` says which
  };

  std::uint64_t id = 0;
  kind what = kind::call;
  std::string run_id{};
  /// Of a call: the one step to run, if it is for one. Otherwise the step that it ends.
  std::optional<step_hash> step{};
  std::string step_name{};
  int attempt = 0;
  timestamp due{};
  timestamp begun{};
  std::string text{};
  /// A process has started it. If the job is still there when another process loads it, that attempt was
  /// lost.
  bool started = false;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

namespace inngest::inline INNGEST_ABI::detail {

template <>
inline constexpr auto enumerators<embedded::job::kind> = std::to_array<enumerator<embedded::job::kind>>({
    {embedded::job::kind::call, "call"},
    {embedded::job::kind::wake, "wake"},
    {embedded::job::kind::wait_timeout, "wait timeout"},
    {embedded::job::kind::invoke_timeout, "invoke timeout"},
    {embedded::job::kind::start_timeout, "start timeout"},
    {embedded::job::kind::finish_timeout, "finish timeout"},
    {embedded::job::kind::gathered, "gathered"},
    {embedded::job::kind::schedule, "schedule"},
    {embedded::job::kind::request, "request"},
});

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI::embedded {

constexpr std::string_view to_string(job::kind what) { return detail::name_of(what); }

/// A step that waits for an event, or for a signal.
struct wait_record {
  std::string run_id{};
  step_hash step{};
  std::string step_name{};
  /// Empty when it waits for a signal.
  std::string event_name{};
  /// Of the event, over `event` and `async`; empty when any will do.
  std::string expression{};
  /// Empty when it waits for an event.
  std::string signal{};
  timestamp begun{};
};

struct timeline_record {
  std::string run_id{};
  timeline_entry entry{};
  /// Its place in the run's timeline, from 1; a place that is taken stays as it is. 0: behind all others.
  std::uint64_t position = 0;
};

/// What flow control remembers for a while: a key that was used, when a limit is free again.
struct remembered_value {
  std::string key{};
  std::string text{};
  timestamp expires{};
};

/// An app elsewhere, which registered its functions over HTTP.
struct app_record {
  std::string id{};
  std::string text{};  // its registration, as JSON
};

/// A record that can't be read. It stays where it is, and all others are read without it.
struct unreadable_record {
  std::string table{};   ///< such as "jobs"
  std::string key{};     ///< what finds the record in the table, such as "id = 7"
  std::string reason{};  ///< what is wrong with it
  /// The run that is set aside because of it: it is kept as it is, with all that belongs to it, and does not
  /// go on. Empty when the record belongs to no run that has not ended.
  std::string run_id{};
};

/// What changes at once: all of it is kept, or nothing, in the order of the members. What belongs to a run
/// that is not there is left out.
struct changes {
  /// By id: their sender was told that they were not taken, as a commit failed. Where it was kept all the
  /// same they are removed, if they were not dispatched.
  std::vector<std::string> withdrawn_events{};
  std::vector<event_record> events{};            // new ones; one that is there stays as it is
  std::vector<std::string> dispatched_events{};  // by id
  std::vector<run_record> runs{};  // new ones, and those that are written anew: they keep what else they have
  std::vector<run_update> run_updates{};
  std::vector<memo_record> memos{};  // a step's first result stays
  std::vector<job> added_jobs{};
  std::vector<std::uint64_t> started_jobs{};  // by id; also of those just added
  std::vector<std::uint64_t> removed_jobs{};  // also of those just added
  std::vector<wait_record> added_waits{};
  std::vector<std::pair<std::string, step_hash>>
      removed_waits{};  // by run and step; also of those just added
  std::vector<timeline_record> timeline{};
  std::vector<std::string> removed_values{};  // by key
  std::vector<remembered_value> values{};
  std::vector<app_record> apps{};

  /// Whether it says of jobs that they were started, and nothing else. That must survive the end of the
  /// process, but need not wait for a disk.
  bool only_starts_jobs() const;

  bool empty() const;
};

/// What an engine needs in order to go on: the runs that have not ended, and all that belongs to them.
struct unfinished_work {
  std::vector<event_record> events{};  // those not dispatched, in the order in which they came
  std::vector<run_record> runs{};
  std::vector<memo_record> memos{};  // a run's in the order in which they were made
  std::vector<job> jobs{};           // by id
  std::vector<wait_record> waits{};
  std::vector<remembered_value> values{};
  std::vector<app_record> apps{};
  /// At least the highest id of a job that the store has, readable or not.
  std::uint64_t last_job = 0;
  /// What can't be read. Of the runs named there nothing is among the others.
  std::vector<unreadable_record> unreadable{};
  /// Steps that invoked a run that is set aside: they go on waiting for it.
  std::vector<parent_step> steps_of_set_aside{};
};

/// Which runs to give, newest first.
struct run_query {
  std::optional<run_status> status{};
  /// A function's slug; empty for all.
  std::string function{};
  /// What the id of the run or of its event, or the event's name, contains; empty for all.
  std::string search{};
  /// The id of the run that the last answer ended with; empty for the first.
  std::string before{};
  std::size_t limit = 50;
};

/// Which events to give, newest first.
struct event_query {
  /// The id of the event that the last answer ended with; empty for the first.
  std::string before{};
  std::size_t limit = 50;
};

/// How many runs there are of each status.
struct run_counts {
  std::size_t queued = 0, running = 0, completed = 0, failed = 0, cancelled = 0;

  std::size_t& of(run_status status);
};

/// Keeps an engine's state. An engine calls commit and load from one thread at a time; forget_before and the
/// questions may come from any, also meanwhile. What fails throws store_error. A record that can't be read
/// does not fail anything: it is left out, and unreadable() lists it.
class store {
 public:
  virtual ~store() = default;

  /// Keeps all the changes, in their order, or, when it throws, none. What an engine has acknowledged has
  /// been committed. When it threw, an engine commits the same again, with what came since, as it can't know
  /// whether it was kept all the same: to commit changes twice must be as good as once.
  virtual void commit(std::span<const changes> all) = 0;
  /// What was left undone when the store was last used.
  virtual unfinished_work load() = 0;
  /// Whether a commit waits for a disk, so that many are best made at once.
  virtual bool is_on_disk() const { return false; }
  /// Forgets runs that ended before the time, with all that belongs to them, the events that came before it
  /// and started no run that is left, and the values that expired before it.
  virtual void forget_before(timestamp time) = 0;

  /// An event that was accepted; nothing when there is none of the id.
  virtual std::optional<event_record> find_event(std::string_view event_id) const = 0;
  virtual std::vector<event_record> find_events(const event_query& query) const = 0;
  /// A run with its timeline; nothing when there is none of the id.
  virtual std::optional<run_record> find_run(std::string_view run_id) const = 0;
  /// Without their timelines.
  virtual std::vector<run> find_runs(const run_query& query) const = 0;
  /// The runs that an event started, with their timelines, oldest first.
  virtual std::vector<run> runs_of(std::string_view event_id) const = 0;
  /// All runs with their timelines, oldest first.
  virtual std::vector<run> runs() const = 0;
  /// The results of a run's steps, in the order in which they were made.
  virtual std::vector<memo_record> memos_of(std::string_view run_id) const = 0;
  virtual run_counts count_runs() const = 0;
  /// The records that can't be read, of ended runs, too. May go through all that the store has.
  virtual std::vector<unreadable_record> unreadable() const { return {}; }
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/impl/store.ipp>
#endif
