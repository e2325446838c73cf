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

// The records of an engine's state, and the interface of the stores that keep them.

namespace inngest::inline INNGEST_ABI::embedded {

/// An event that the engine accepted.
struct event_record {
  std::string id{};    ///< a ULID that the engine made: ids grow with time
  std::string name{};  ///< such as "shop/order.placed"
  std::string text{};  ///< the whole event as JSON
  /// When the engine accepted the event, by the engine's clock.
  timestamp received_at{};
  /// The id that the sender gave the event; empty when it gave none. A store need not keep it: the text has
  /// it, too.
  std::string given_id{};
  /// False until the event has started its runs and ended the waits for it. load() returns the events for
  /// which it is false.
  bool dispatched = true;
  /// The length of the chain of runs that led to this event, in which each run sent the event that started
  /// the next. Stores do not keep it.
  std::size_t chain = 0;
};

/// An event of a run. A batch has several.
struct run_event {
  std::string id{};    ///< event_record::id
  std::string text{};  ///< the whole event as JSON
};

/// The invoke step that waits for a run.
struct parent_step {
  std::string run_id{};  ///< the run of the step
  step_hash step{};      ///< the step's hashed id
  std::string name{};    ///< the step's name in timelines
};

/// A function to run when the run has ended, as ctx.defer requests it.
struct deferred_call {
  step_hash id{};       ///< the hashed id of the call
  std::string slug{};   ///< the slug of the function to run
  std::string input{};  ///< a JSON object
};

/// A run without its steps.
struct run_record {
  embedded::run run{};                    ///< with an empty timeline when the record is committed
  std::vector<run_event> events{};        ///< the events that the function is called with; at least one
  std::optional<parent_step> parent{};    ///< the invoke step that started the run
  std::vector<deferred_call> deferred{};  ///< in the order in which the run deferred them
  /// The key of the batch or debounce while the run still collects events; empty afterwards.
  std::string gathering{};
  /// The position of the last entry of the run's timeline. A store need not keep it: load() computes it from
  /// the timeline.
  std::uint64_t timeline_size = 0;
};

/// The members of a run that change while it runs. They replace those of the stored run with the same id.
struct run_update {
  std::string id{};                       ///< the run's
  run_status status{};                    ///< see run::status
  std::optional<timestamp> started_at{};  ///< see run::started_at
  std::optional<timestamp> ended_at{};    ///< see run::ended_at
  std::string output_text{};              ///< see run::output_text
  std::optional<run_error> error{};       ///< see run::error
};

/// The remembered result of a step.
struct memo_record {
  std::string run_id{};  ///< the run of the step
  step_hash step{};      ///< the step's hashed id
  std::string text{};    ///< JSON, as call requests contain it: {"data":...} or {"error":...}
};

/// Work that is due at a time: a call, a request, or a timer.
struct job {
  /// What to do. Files store the numbers: add enumerators only at the end.
  enum class kind {
    call,            ///< call the function: the whole function, or the step `step`
    wake,            ///< end a sleep
    wait_timeout,    ///< end a wait for an event or a signal
    invoke_timeout,  ///< end an invoke step whose run has not ended
    start_timeout,   ///< cancel the run if it has not started
    finish_timeout,  ///< cancel the run if it has not ended
    gathered,        ///< start the run with the events that it has collected
    schedule,        ///< start the function with the slug `run_id`, whose schedule is `step_name`
    request,         ///< make the HTTP request that `text` describes, for a step
  };

  std::uint64_t id = 0;    ///< ids grow: a later job has a higher one
  kind what = kind::call;  ///< what to do
  std::string run_id{};    ///< the run that the job belongs to; for a schedule, the function's slug
  /// For a call, the one step to run, or `nullopt` to run the whole function. For other kinds, the step that
  /// the job ends.
  std::optional<step_hash> step{};
  std::string step_name{};  ///< the step's name in timelines
  int attempt = 0;          ///< 0 is the first
  timestamp due{};          ///< when to do it
  timestamp begun{};        ///< when the step began, to measure how long it took
  std::string text{};       ///< of a request: the options of the operation, as JSON
  /// Whether a process has started the job. If load() returns a started job, the process ended before the
  /// attempt did, and the attempt is lost.
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

/// The kind in words, such as "wait timeout".
constexpr std::string_view to_string(job::kind what) { return detail::name_of(what); }

/// A step that waits for an event, or for a signal.
struct wait_record {
  std::string run_id{};     ///< the run of the step
  step_hash step{};         ///< the step's hashed id
  std::string step_name{};  ///< the step's name in timelines
  /// The name of the awaited event; empty when the step waits for a signal.
  std::string event_name{};
  /// The condition for the awaited event `async`, and the run's own event `event`; empty when every event of
  /// the name ends the wait.
  std::string expression{};
  /// The name of the awaited signal; empty when the step waits for an event.
  std::string signal{};
  timestamp begun{};  ///< when the wait began
};

/// An entry of a run's timeline.
struct timeline_record {
  std::string run_id{};    ///< the run that the entry is about
  timeline_entry entry{};  ///< the entry
  /// The entry's position in the run's timeline, from 1; 0 appends it. A store ignores an entry whose
  /// position is taken.
  std::uint64_t position = 0;
};

/// A value that flow control remembers until it expires, such as a key that was used, or the time at which a
/// limit allows the next run.
struct remembered_value {
  std::string key{};    ///< at most one value has a key: a new one replaces it
  std::string text{};   ///< the value
  timestamp expires{};  ///< forget_before() removes values that expired before its argument
};

/// A remote app, which registered its functions over HTTP.
struct app_record {
  std::string id{};    ///< the app's id
  std::string text{};  ///< the registration that its SDK sent, as JSON
};

/// A record that can't be read. It stays in the store, and the engine works without it.
struct unreadable_record {
  std::string table{};   ///< such as "jobs"
  std::string key{};     ///< finds the record in the table, such as "id = 7"
  std::string reason{};  ///< why the record can't be read
  /// The run that is set aside because of the record: the run stays in the store with everything that belongs
  /// to it, and does not continue. Empty when the record does not belong to an unfinished run.
  std::string run_id{};
};

/// Changes that a store commits together: all of them or none, in the order of the members. A store ignores
/// changes to a run that it does not have.
struct changes {
  /// The ids of events whose sender was told that the engine did not accept them, because a commit failed. If
  /// the store has them all the same, it removes those that are not dispatched.
  std::vector<std::string> withdrawn_events{};
  std::vector<event_record> events{};            ///< new events; a store ignores an event that it has
  std::vector<std::string> dispatched_events{};  ///< ids
  /// New runs, and runs whose record is replaced. A replaced run keeps its timeline, memos, jobs and waits.
  std::vector<run_record> runs{};
  std::vector<run_update> run_updates{};      ///< new states of runs
  std::vector<memo_record> memos{};           ///< new results; a store ignores a second result of a step
  std::vector<job> added_jobs{};              ///< new jobs; a job with the same id is replaced
  std::vector<std::uint64_t> started_jobs{};  ///< ids; these may include jobs of `added_jobs`
  std::vector<std::uint64_t> removed_jobs{};  ///< ids; these may include jobs of `added_jobs`
  std::vector<wait_record> added_waits{};     ///< new waits
  /// The run id and step of each wait to remove; these may include waits of `added_waits`.
  std::vector<std::pair<std::string, step_hash>> removed_waits{};
  std::vector<timeline_record> timeline{};    ///< new entries
  std::vector<std::string> removed_values{};  ///< keys
  std::vector<remembered_value> values{};     ///< new values; they replace those with the same key
  std::vector<app_record> apps{};             ///< registrations; they replace those with the same id

  /// Whether `started_jobs` is the only change. Such a commit must survive the end of the process, but need
  /// not wait for a disk.
  bool only_starts_jobs() const;

  /// Whether there is no change.
  bool empty() const;
};

/// What an engine needs to continue: the runs that have not ended, and everything that belongs to them.
struct unfinished_work {
  std::vector<event_record> events{};      ///< events that are not dispatched, oldest first
  std::vector<run_record> runs{};          ///< runs that have not ended, without their timelines
  std::vector<memo_record> memos{};        ///< the memos of one run are in the order in which it made them
  std::vector<job> jobs{};                 ///< all jobs, by id
  std::vector<wait_record> waits{};        ///< all waits
  std::vector<remembered_value> values{};  ///< all values
  std::vector<app_record> apps{};          ///< all registrations
  /// The highest id of a job in the store, or a higher number. Unreadable jobs count, too.
  std::uint64_t last_job = 0;
  /// The records that can't be read. The other members have nothing of the runs that are named here.
  std::vector<unreadable_record> unreadable{};
  /// Steps that invoked a run that is set aside. They keep waiting for it.
  std::vector<parent_step> steps_of_set_aside{};
};

/// Selects a page of runs, newest first.
struct run_query {
  /// Runs of this status; `nullopt` selects all.
  std::optional<run_status> status{};
  /// Runs of the function with this slug; empty selects all.
  std::string function{};
  /// Runs whose id, event id or event name contains this text; empty selects all.
  std::string search{};
  /// The id of the last run of the page before; empty for the first page.
  std::string before{};
  /// The most runs of a page.
  std::size_t limit = 50;
};

/// Selects a page of events, newest first.
struct event_query {
  /// The id of the last event of the page before; empty for the first page.
  std::string before{};
  /// The most events of a page.
  std::size_t limit = 50;
};

/// The number of runs of each status.
struct run_counts {
  std::size_t queued = 0;     ///< see run_status::queued
  std::size_t running = 0;    ///< see run_status::running
  std::size_t completed = 0;  ///< see run_status::completed
  std::size_t failed = 0;     ///< see run_status::failed
  std::size_t cancelled = 0;  ///< see run_status::cancelled

  /// The count of a status, to read or change.
  std::size_t& of(run_status status);
};

/// Keeps an engine's state.
///
/// An engine calls commit() and load() from one thread at a time. It calls the other functions from any
/// thread, also during a commit. All of them throw store_error when the store fails. An unreadable record is
/// no failure: results leave it out, and unreadable() lists it.
class store {
 public:
  virtual ~store() = default;

  /// Stores all the changes in their order, or none when it throws. The engine acknowledges changes only
  /// after their commit. After a failed commit the engine can't know whether the store has the changes; it
  /// commits them again together with later ones. So committing changes twice must have the same effect as
  /// once. \throws store_error
  virtual void commit(std::span<const changes> all) = 0;
  /// The unfinished work in the store. An engine calls it once, when it starts. \throws store_error
  virtual unfinished_work load() = 0;
  /// Whether a commit waits for a disk. The engine then commits many changes together. Default: false.
  virtual bool is_on_disk() const { return false; }
  /// Removes runs that ended before the time with everything that belongs to them, dispatched events that
  /// were received before it and started none of the remaining runs, and values that expired before it.
  /// \throws store_error
  virtual void forget_before(timestamp time) = 0;

  /// The event with the id; `nullopt` when there is none. \throws store_error
  virtual std::optional<event_record> find_event(std::string_view event_id) const = 0;
  /// A page of events, newest first. \throws store_error
  virtual std::vector<event_record> find_events(const event_query& query) const = 0;
  /// The run with the id, and its timeline; `nullopt` when there is none. \throws store_error
  virtual std::optional<run_record> find_run(std::string_view run_id) const = 0;
  /// A page of runs without their timelines, newest first. \throws store_error
  virtual std::vector<run> find_runs(const run_query& query) const = 0;
  /// The runs that an event started, with their timelines, oldest first. \throws store_error
  virtual std::vector<run> runs_of(std::string_view event_id) const = 0;
  /// All runs with their timelines, oldest first. \throws store_error
  virtual std::vector<run> runs() const = 0;
  /// The results of a run's steps, in the order in which the run made them. \throws store_error
  virtual std::vector<memo_record> memos_of(std::string_view run_id) const = 0;
  /// How many runs of each status the store has. \throws store_error
  virtual run_counts count_runs() const = 0;
  /// The records that can't be read, including those of ended runs. May read the whole store. Default: none.
  /// \throws store_error
  virtual std::vector<unreadable_record> unreadable() const { return {}; }
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/impl/store.ipp>
#endif
