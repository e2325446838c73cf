#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/enumeration.hpp>
#include <inngest/embedded/audit.hpp>
#include <inngest/embedded/bulk_operation.hpp>
#include <inngest/embedded/query.hpp>
#include <inngest/embedded/retention.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/log.hpp>
#include <inngest/step_id.hpp>
#include <inngest/time/timestamp.hpp>

// The records of an engine's state, and the interface of the stores that hold them.

namespace inngest::inline INNGEST_ABI::embedded {

/// The invoke step that waits for a run.
struct parent_step {
  std::string run_id{};  ///< the run of the step
  step_hash step{};      ///< the step's hashed id
  std::string name{};    ///< the step's name in timelines
};

/// A function to run when the run has ended, requested with ctx.defer.
struct deferred_call {
  step_hash id{};       ///< the hashed id of the call
  std::string slug{};   ///< the slug of the function to run
  std::string input{};  ///< a JSON object
};

/// A step of a repeated run that runs with arguments other than the function's.
struct replaced_input {
  step_hash step{};     ///< the step's hashed id
  std::string input{};  ///< a JSON array of arguments
};

/// A run without its steps.
struct run_record {
  embedded::run run{};                    ///< with an empty timeline when the record is committed
  std::vector<run_event> events{};        ///< the events passed to the function; at least one
  std::optional<parent_step> parent{};    ///< the invoke step that started the run
  std::vector<deferred_call> deferred{};  ///< in the order of the ctx.defer calls
  /// The replaced arguments with which a run was repeated.
  std::optional<replaced_input> replaced{};
  /// The key of the batch or debounce while the run still collects events; empty afterwards.
  std::string gathering{};
  /// The position of the last entry of the run's timeline. A store need not store it: load() computes it from
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

/// The stored result of a step.
struct memo_record {
  std::string run_id{};  ///< the run of the step
  step_hash step{};      ///< the step's hashed id
  std::string text{};    ///< JSON, as call requests contain it: {"data":...} or {"error":...}
  std::string name{};    ///< the step's name in timelines; empty in records of older versions
  timestamp begun{};     ///< when the step began; 1970 in records of older versions
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
    gathered,        ///< start the run with the events collected so far
    schedule,        ///< start the function with the slug `run_id`, whose schedule is `step_name`
    request,         ///< make the HTTP request that `text` describes, for a step
  };

  std::uint64_t id = 0;    ///< ids grow: a later job has a higher one
  kind what = kind::call;  ///< what to do
  std::string run_id{};    ///< the run that the job belongs to; for a schedule, the function's slug
  /// For a call, the step to run, or `nullopt` to run the whole function. For other kinds, the step that the
  /// job ends.
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

template <>
inline constexpr auto enumerators<log_level> = std::to_array<enumerator<log_level>>({
    {log_level::debug, "debug"},
    {log_level::info, "info"},
    {log_level::warn, "warn"},
    {log_level::error, "error"},
    {log_level::off, "off"},
});

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI::embedded {

/// The kind as text, such as "wait timeout".
constexpr std::string_view to_string(job::kind what) { return detail::name_of(what); }

/// A step that waits for an event, or for a signal.
struct wait_record {
  std::string run_id{};     ///< the run of the step
  step_hash step{};         ///< the step's hashed id
  std::string step_name{};  ///< the step's name in timelines
  /// The name of the awaited event; empty when the step waits for a signal.
  std::string event_name{};
  /// The condition over the awaited event `async` and the run's own event `event`; empty when every event
  /// with the name ends the wait.
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
  /// position exists.
  std::uint64_t position = 0;
};

/// A note attached to a run: metadata such as a score, a published message, or an error.
struct run_note {
  /// What it is. Files store the numbers: add enumerators only at the end.
  enum class kind {
    metadata,       ///< values that were merged into, set in, deleted from or added to the metadata
    message,        ///< a message that was published to a realtime channel
    attempt_error,  ///< the error of an attempt that was retried
  };

  std::string run_id{};       ///< the run that the note is about
  std::string id{};           ///< a ULID made by the engine; the order of a run's notes
  kind what = kind::message;  ///< what it is
  timestamp at{};             ///< when the engine received it, by its clock
  /// For metadata its kind, such as "inngest.score"; for a message the channel; for an error the name of the
  /// step, or empty when the function failed outside of its steps.
  std::string subject{};
  /// For metadata "merge", "set", "delete" or "add"; for a message the topic; for an error the number of the
  /// attempt, from 0.
  std::string name{};
  /// For metadata, the step, attempt or span that it is about, as the protocol's JSON object; empty when it
  /// is about the run, and for other kinds.
  std::string target{};
  std::string text{};  ///< the values, the message or the error as JSON

  /// Whether it sets metadata: earlier values of its kind and target are gone.
  bool sets_metadata() const { return what == kind::metadata && name == "set"; }
  /// Whether it sets the metadata that the note of the same run has changed before.
  bool replaces(const run_note& earlier) const {
    return sets_metadata() && earlier.what == what && earlier.id < id && earlier.subject == subject &&
           earlier.target == target;
  }
};

}  // namespace inngest::inline INNGEST_ABI::embedded

namespace inngest::inline INNGEST_ABI::detail {

template <>
inline constexpr auto enumerators<embedded::run_note::kind> =
    std::to_array<enumerator<embedded::run_note::kind>>({
        {embedded::run_note::kind::metadata, "metadata"},
        {embedded::run_note::kind::message, "message"},
        {embedded::run_note::kind::attempt_error, "attempt error"},
    });

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI::embedded {

/// The kind as text, such as "metadata".
constexpr std::string_view to_string(run_note::kind what) { return detail::name_of(what); }

/// The maximum number of messages, and of attempt errors, that a run keeps: the newest ones. A store
/// does not limit metadata; the engine does.
inline constexpr std::size_t max_run_messages = 200;

/// A change of a run's tags.
struct tag_change {
  std::string run_id{};  ///< the run
  /// The tag's name; empty to remove all tags of the run.
  std::string name{};
  /// The tag's new value; `nullopt` to remove the tag.
  std::optional<std::string> value{};
};

/// Applies the change to a run's tags, which stay sorted.
void apply(const tag_change& change, std::vector<run_tag>& tags);

/// A line logged by a run, or by the engine about a run.
struct run_log_line {
  timestamp at{};                     ///< when, by the engine's clock
  log_level level = log_level::info;  ///< never `off`
  std::string step{};                 ///< the step that the line is about; empty for the run as a whole
  int attempt = 0;                    ///< the attempt; 0 is the first
  std::string text{};                 ///< the message, shortened to 2,000 bytes
};

/// A log line to store with its run.
struct run_log_record {
  std::string run_id{};  ///< the run
  run_log_line line{};   ///< the line
  /// The position of the line in the run. A store ignores a line whose position exists.
  std::uint64_t position = 0;
  /// The maximum number of lines to keep for the run; a store deletes older ones.
  std::size_t most = 500;
};

/// A value that flow control remembers until it expires, such as a used key, or the time at which a limit
/// allows the next run.
struct remembered_value {
  std::string key{};    ///< unique: a new value replaces the old one
  std::string text{};   ///< the value
  timestamp expires{};  ///< forget_before() removes values that expired before its argument
};

/// A remote app that registered its functions over HTTP.
struct app_record {
  std::string id{};    ///< the app's id
  std::string text{};  ///< the registration that its SDK sent, as JSON
};

/// A record that can't be read. It stays in the store, and the engine works without it.
struct unreadable_record {
  std::string table{};   ///< such as "jobs"
  std::string key{};     ///< identifies the record in the table, such as "id = 7"
  std::string reason{};  ///< why the record can't be read
  /// The run that is set aside because of the record: it stays in the store with everything that belongs to
  /// it, and does not continue. Empty when the record does not belong to an unfinished run.
  std::string run_id{};
};

/// The record as a line of JSON. `values`, a JSON object, contains its columns.
std::string line_of(const unreadable_record& record, std::string_view values = {});

/// Changes that a store commits together: all of them or none, in the order of the members. A store ignores
/// changes to runs that it does not have.
struct changes {
  /// The ids of events that the engine reported as not accepted because a commit failed. If the store has
  /// them nevertheless, it removes those that are not dispatched.
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
  /// New notes; a store ignores a note whose id already exists in the run. Of a run's messages and errors, a
  /// store keeps only the newest: see max_run_messages. It removes the metadata that a note replaces: see
  /// run_note::replaces().
  std::vector<run_note> notes{};
  std::vector<run_log_record> log_lines{};  ///< new log lines
  std::vector<tag_change> tags{};           ///< changes of tags, applied after `runs`
  /// Bulk operations; they replace those with the same id. A store that does not keep them ignores them.
  std::vector<bulk_operation> bulk_operations{};
  /// The ids of runs to remove with everything that belongs to them. A store ignores unfinished runs.
  std::vector<std::string> removed_runs{};
  /// New entries of the audit trail; a store ignores an entry whose id already exists.
  std::vector<audit_entry> audit{};

  /// Whether `started_jobs` is the only change. Such a commit must survive the end of the process, but need
  /// not wait for a disk.
  bool only_starts_jobs() const;

  /// Whether there is no change.
  bool empty() const;
};

/// How much metadata of one kind and target a run has, so that an engine limits it also after a restart.
struct metadata_amount {
  std::string run_id{};     ///< the run
  std::string subject{};    ///< see run_note::subject
  std::string target{};     ///< see run_note::target
  std::size_t changes = 0;  ///< the number of notes
  std::size_t bytes = 0;    ///< of their texts and targets
};

/// The work that an engine continues: the unfinished runs, and everything that belongs to them.
struct unfinished_work {
  std::vector<event_record> events{};             ///< events that are not dispatched, oldest first
  std::vector<run_record> runs{};                 ///< runs that have not ended, without their timelines
  std::vector<memo_record> memos{};               ///< of each run in the order in which it made them
  std::vector<job> jobs{};                        ///< all jobs, by id
  std::vector<wait_record> waits{};               ///< all waits
  std::vector<remembered_value> values{};         ///< all values
  std::vector<app_record> apps{};                 ///< all registrations
  std::vector<bulk_operation> bulk_operations{};  ///< those that are running
  /// The metadata of the runs. A store that leaves it out lets each process add up to the limits again.
  std::vector<metadata_amount> metadata{};
  /// The highest job id in the store, or a higher number. Includes unreadable jobs.
  std::uint64_t last_job = 0;
  /// The unreadable records. The other members contain nothing of the runs named here.
  std::vector<unreadable_record> unreadable{};
  /// Invoke steps whose run is set aside. They keep waiting for it.
  std::vector<parent_step> steps_of_set_aside{};
};

/// When a run was queued, began and ended, for statistics.
struct run_times {
  run_status status = run_status::queued;  ///< see run::status
  timestamp queued_at{};                   ///< see run::queued_at
  std::optional<timestamp> started_at{};   ///< see run::started_at
  std::optional<timestamp> ended_at{};     ///< see run::ended_at
};

/// The number of runs of each status. A store counts waiting, sleeping and paused runs as running.
struct run_counts {
  std::size_t queued = 0;     ///< see run_status::queued
  std::size_t running = 0;    ///< see run_status::running
  std::size_t completed = 0;  ///< see run_status::completed
  std::size_t failed = 0;     ///< see run_status::failed
  std::size_t cancelled = 0;  ///< see run_status::cancelled
  std::size_t skipped = 0;    ///< see run_status::skipped

  /// The count of a status, to read or change.
  std::size_t& of(run_status status);
};

/// Stores an engine's state.
///
/// An engine calls commit() and load() from one thread at a time. It calls the other functions from any
/// thread, even during a commit. All of them throw store_error when the store fails. An unreadable record is
/// not a failure: results omit it, and unreadable() lists it.
class store {
 public:
  virtual ~store() = default;

  /// Stores all changes in their order, or none if it throws. The engine acknowledges changes only after
  /// their commit. After a failed commit the engine can't know whether the store has the changes, and commits
  /// them again together with later ones. So committing changes twice must have the same effect as committing
  /// them once.
  /// \throws store_error
  virtual void commit(std::span<const changes> all) = 0;
  /// The unfinished work in the store. The engine calls it once, when it starts.
  /// \throws store_error
  virtual unfinished_work load() = 0;
  /// Whether a commit waits for a disk. The engine then commits many changes together. Default: false.
  virtual bool is_on_disk() const { return false; }
  /// Removes runs that ended before `time` with everything that belongs to them, dispatched events that were
  /// received before it and started none of the remaining runs, and values that expired before it.
  /// \throws store_error
  virtual void forget_before(timestamp time) = 0;
  /// Like forget_before(), with a time that depends on each run's function and status. For events and values,
  /// retention::history applies. A run that repeats another one stays as long as that one:
  /// otherwise run_query::is_repeated would select a repeated run as not repeated. Default: forget_before()
  /// with the longest of all times. \throws store_error
  virtual void forget(const retention& kept, timestamp now) {
    forget_before(time_before(now, kept.longest()));
  }
  /// Removes the oldest ended runs, failed ones last, and the events that no run uses from before the removed
  /// runs, until the records take at most this many bytes or nothing removable is left. A run that repeats
  /// another one stays as long as that one. Returns the number of removed runs. Default: removes nothing.
  /// \throws store_error
  virtual std::size_t forget_down_to(std::uint64_t /*bytes*/) { return 0; }
  /// The engine calls it instead of forget() and forget_down_to() while commits fail, because that may free
  /// the space that commits need. Removes what these two remove, except the runs of room_to_make::spared and
  /// their events: a failed commit may have stored a part of a spared run, and the next one would restore
  /// only the rest. Returns the number of runs that it removed before their time. Default: removes nothing.
  /// \throws store_error
  virtual std::size_t make_room(const room_to_make& /*wanted*/, timestamp /*now*/) { return 0; }

  // Queries. A store knows no waiting and sleeping runs, so it uses the statuses that it has. It ignores
  // run_query::where and event_query::where, which the engine evaluates.

  /// A page of runs. Reads a limited number of runs, so that it takes limited time: see run_page::next.
  /// Default: reads the runs with find_runs() and filters them.
  /// \throws store_error
  virtual run_page find_page(const run_query& query) const;
  /// Calls `visit` for the runs of a page of find_page(), in its order, without reading them. Ignores the
  /// limit. Returns run_page::next. Default: calls find_page().
  /// \throws store_error
  virtual std::string visit_page(const run_query& query,
                                 const std::function<void(const run_point&)>& visit) const;
  /// The number of runs that match the query, if an index contains it; otherwise `nullopt`, which is the
  /// default.
  /// \throws store_error
  virtual std::optional<std::size_t> quick_count(const run_query& /*query*/) const { return std::nullopt; }
  /// A page of events, like find_page(). Default: reads the events with find_events() and filters them.
  /// \throws store_error
  virtual event_page find_event_page(const event_query& query) const;
  /// The events of a run; empty when there is no such run. Default: calls find_run(). \throws store_error
  virtual std::vector<run_event> events_of(std::string_view run_id) const;

  /// The event with the id; `nullopt` when there is none. \throws store_error
  virtual std::optional<event_record> find_event(std::string_view event_id) const = 0;
  /// A page of events, newest first. \throws store_error
  virtual std::vector<event_record> find_events(const event_query& query) const = 0;
  /// The run with the id, and its timeline; `nullopt` when there is none. \throws store_error
  virtual std::optional<run_record> find_run(std::string_view run_id) const = 0;
  /// A page of runs without their timelines, newest first. \throws store_error
  virtual std::vector<run> find_runs(const run_query& query) const = 0;
  /// The times of the newest runs of the function with the slug, newest first. Default: those of find_runs().
  /// \throws store_error
  virtual std::vector<run_times> times_of_runs(const std::string& function, std::size_t most) const;
  /// The runs that an event started, with their timelines, oldest first. \throws store_error
  virtual std::vector<run> runs_of(std::string_view event_id) const = 0;
  /// All runs with their timelines, oldest first. \throws store_error
  virtual std::vector<run> runs() const = 0;
  /// The runs whose run::original_run_id is the id, without their timelines, oldest first. Default: reads all
  /// runs.
  /// \throws store_error
  virtual std::vector<run> reruns_of(std::string_view run_id) const;
  /// The results of a run's steps, in the order in which the run made them. \throws store_error
  virtual std::vector<memo_record> memos_of(std::string_view run_id) const = 0;
  /// The notes of a run, ordered by their ids and so by time. Default: none, for stores without notes.
  /// \throws store_error
  virtual std::vector<run_note> notes_of(std::string_view /*run_id*/) const { return {}; }
  /// The lines that a run has logged, oldest first. Default: none. \throws store_error
  virtual std::vector<run_log_line> logs_of(std::string_view /*run_id*/) const { return {}; }
  /// A page of the audit trail, newest first. Default: none, for stores without an audit trail.
  /// \throws store_error
  virtual std::vector<audit_entry> audit_trail(const audit_query& /*query*/) const { return {}; }
  /// The number of runs with each status.
  /// \throws store_error
  virtual run_counts count_runs() const = 0;
  /// The bulk operations, newest first. Default: throws, because a store that does not keep them would let a
  /// restart forget them. \throws store_error
  virtual std::vector<bulk_operation> bulk_operations() const;
  /// The records that can't be read, including those of ended runs. May read the whole store. Default: none.
  /// \throws store_error
  virtual std::vector<unreadable_record> unreadable() const { return {}; }

  /// The unreadable records as JSON lines: `table`, `key`, `reason` and `run_id` of unreadable_record, and
  /// `values` with the raw value of each column, where bytes are `{"hex": "00ff"}`. Default: without the
  /// values.
  /// \throws store_error
  virtual std::string export_unreadable() const;
  /// These records as such lines. An engine exports with it what the store finds, and what it has found
  /// itself. A record that no longer exists has no `values`. Default: without the values.
  /// \throws store_error
  virtual std::string export_records(const std::vector<unreadable_record>& records) const;
  /// Removes an unreadable record, and nothing else; for a run, also everything that belongs to it. Returns
  /// false when there is no such unreadable record. Default: throws, because it is not supported.
  /// \throws store_error
  virtual bool remove_unreadable(const std::string& table, const std::string& key);

  /// The size of the store's files in bytes. Default: 0. \throws store_error
  virtual std::uint64_t size_in_bytes() const { return 0; }
  /// Writes a copy of everything that is committed into a new file, while the engine works. The file appears
  /// only when it is complete and on the disk.
  /// \throws store_error when the file already exists, or the store does not support copies, which is the
  /// default.
  virtual void backup_to(const std::filesystem::path& file) const;
  /// Checks the whole store for damage, which may take long but does not block commits. Returns
  /// human-readable descriptions; empty when there is no damage. Default: the records of unreadable().
  /// \throws store_error
  virtual std::vector<std::string> check() const;
  /// Writes a dummy value as durably as a commit, to check whether commits are possible. May be called during
  /// a commit, and then waits for it. Default: does nothing.
  /// \throws store_error
  virtual void try_to_write() {}
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/impl/store.ipp>
#endif
