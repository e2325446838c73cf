#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/embedded/app_info.hpp>
#include <inngest/embedded/audit.hpp>
#include <inngest/embedded/bulk.hpp>
#include <inngest/embedded/engine_options.hpp>
#include <inngest/embedded/function_stats.hpp>
#include <inngest/embedded/health.hpp>
#include <inngest/embedded/metrics.hpp>
#include <inngest/embedded/pause.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/function.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/log.hpp>
#include <inngest/realtime.hpp>
#include <inngest/time/duration.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

class engine_body;
class realtime_hub;
class remote_apps;
struct function_definition;

/// Runs durable functions in this process, without a server.
///
///     inngest::embedded::engine engine{app, {ingest, synthesize}};
///     engine.send(BrandIngested{...});
///     engine.wait_until_idle(10s);
///
/// The engine calls functions with the same requests and through the same handler as an Inngest server. It
/// supports their triggers with expressions, schedules, flow control and cancellation. During its lifetime it
/// replaces the transport of its client: the engine receives the events of app.send() and
/// ctx.step.send_event(). Thread-safe.
///
/// The engine acknowledges an event only after the store has it, and runs code that sees a step's result only
/// after the store has the result. With a store on disk, a process may end at any time, and another process
/// continues where it stopped.
class engine {
 public:
  /// Continues with the unfinished work in the store. If the last process ended without stopping its engine,
  /// the calls it was making count as failed attempts. When the constructor throws, the client is unchanged.
  /// \throws configuration_error when the engine does not support an option of a function, or when the client
  /// already has an engine; store_error when the store fails.
  engine(client app, const std::vector<any_function>& functions, engine_options options = {});

  /// Like stop(), but waits without a time limit until all running step bodies of this process have returned,
  /// and until requests of step.fetch and step.ai have ended: engine_options::request_timeout.
  ~engine();

  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  /// Stops the engine permanently: it begins no more calls, asks running calls to stop through their stop
  /// tokens, and waits for them up to the grace period. Unfinished work stays in the store for the next
  /// engine. An interrupted attempt does not count: a body that throws because of its stop token runs again
  /// in the next engine. The engine still accepts events. Returns true when no call is running. A body that
  /// ignores its stop token keeps running; if it returns before the process ends, its result counts. Calls of
  /// apps over HTTP are abandoned when the grace period has passed: the next engine repeats them.
  bool stop(duration_ms grace = std::chrono::seconds(10));

  /// The number of running function calls and step requests.
  std::size_t calls_under_way() const;

  /// Receives the messages that runs and other publishers send to topics of a channel: realtime::subscribe()
  /// with the engine's client. A message is delivered at most once. A subscriber that is more than 1,000
  /// messages or 8 MB behind loses messages, is notified of it, and continues with new messages. Subscribers
  /// never delay a run.
  [[nodiscard]] realtime::subscription subscribe(const std::string& channel,
                                                 const std::vector<std::string>& topics,
                                                 realtime::message_handler on_message,
                                                 realtime::subscribe_options options = {});
  /// Like subscribe() above, for a typed channel with handlers by topic: see the other realtime::subscribe().
  template <channel_type Channel, class... Rest>
  [[nodiscard]] realtime::subscription subscribe(const Channel& channel, Rest... rest) {
    return realtime::subscribe(app(), channel, std::move(rest)...);
  }

  /// Sends events to the engine, like client::send.
  /// \throws event_rejected when the engine does not accept an event; payload_error; unreachable when the
  /// engine can't write to its store.
  sent_events send(const any_event& event);
  /// Sends several events. The engine accepts all of them or none.
  sent_events send(std::initializer_list<any_event> events);
  /// Sends several events. The engine accepts all of them or none.
  sent_events send(const std::vector<any_event>& events);

  /// Accepts an event, or an array of events, as JSON. Returns their ids, in the same order. All events are
  /// accepted or, when it throws, none. `seed` makes retries safe: events with the seed of an earlier request
  /// get the same ids again and count once (see protocol::header::event_id_seed).
  /// \throws payload_error that names the invalid member; unreachable when the engine can't write to its
  /// store.
  std::vector<std::string> accept(std::string events, std::string_view seed = {});

  /// Ends the wait for a signal; `data`, a JSON text such as "\"yes\"", becomes part of the step's result.
  /// Returns the id of the run that was waiting, or `nullopt` when none was. client::send_signal takes typed
  /// data.
  /// \throws payload_error when `data` is not JSON; unreachable when the engine can't write to its store.
  std::optional<std::string> signal(const std::string& name, const std::string& data = "null");

  /// Starts a run of the function, regardless of its triggers and its rate limit, and returns the run's id.
  /// `data` becomes the data of the run's event.
  /// \throws configuration_error when the engine does not have the function, or the function is a singleton
  /// that is running; unreachable when the engine can't write to its store.
  template <json_writable Data = json>
  std::string start(const any_function& function, const Data& data = json::object()) {
    return start_with(function, encode(data, "data"));
  }

  /// Starts a new run with the events of an earlier one, and returns its id. Returns `nullopt` when the run
  /// does not exist, or the engine no longer has its function.
  /// \throws configuration_error when the function is a singleton that is running; unreachable when the
  /// engine can't write to its store.
  std::optional<std::string> rerun(std::string_view run_id);

  /// Repeats a run from one of its steps: the new run has the results of the steps that began earlier. The
  /// step either runs again, with new arguments if `from` contains some, or does not run and has the result
  /// given in `from`.
  /// \throws configuration_error when no step, or more than one, has the name, when the run has no failed
  /// step to begin from, or when the function is a singleton that is running; payload_error when the input is
  /// not a JSON array, or the result does not fit the step.
  std::optional<std::string> rerun(std::string_view run_id, const rerun_step& from);

  /// The runs that repeat a run, without their timelines, oldest first: those whose run::original_run_id is
  /// the id. A repetition of a repetition refers to the first run.
  /// \throws store_error
  std::vector<run> reruns_of(std::string_view run_id) const;

  /// Accepts a stored event again, as a new event with the same name, data, user and version, a new id and
  /// the current time. It starts runs and ends waits like any other event; event_record::resent_from refers
  /// to the original. Returns the new id, or `nullopt` when the store does not have the event.
  /// \throws configuration_error for an event of the engine itself, such as "inngest/function.failed";
  /// unreachable when the engine can't write to its store.
  std::optional<std::string> resend(std::string_view event_id);

  /// Cancels a run. A running step finishes, but no other step begins. Returns false when the run does not
  /// exist or has already ended.
  /// \throws unreachable when the engine can't write to its store.
  bool cancel(std::string_view run_id);

  /// Runs a function, like a request to a server's REST API: the function's rate limit applies, its triggers
  /// don't. `data`, a JSON object, becomes the data of the run's event. Requests with the same key run the
  /// function once in 24 hours; an empty key disables this. A function with only schedules as triggers
  /// receives the event of its first schedule, as if it were due now, with the members of `data`.
  /// \throws payload_error when `data` is not JSON; unreachable when the engine can't write to its store.
  invoked_run invoke(const std::string& slug, const std::string& data = "{}", const std::string& key = {});

  /// Cancels the unfinished runs of a function that were queued within a period, which ends at
  /// `started_before`, and whose event fulfils the condition. Leaves out runs whose batch or debounce still
  /// collects events. Returns the cancellation with its id.
  /// \throws configuration_error when the times or the condition are invalid; unreachable when the engine
  /// can't write to its store.
  bulk_cancellation cancel_many(bulk_cancellation wanted);
  /// The cancellations of the last 30 days, oldest first.
  std::vector<bulk_cancellation> bulk_cancellations();
  /// Removes a cancellation from that list. Cancelled runs stay cancelled. Returns false when it does not
  /// exist.
  bool remove_bulk_cancellation(const std::string& id);

  /// Starts an operation that cancels, repeats or removes many runs. The engine executes it in the
  /// background, oldest runs first, with at most bulk_request::per_second runs per second; it pauses
  /// repeating while 1,000 of its new runs wait for their first call. The operation affects the runs that
  /// match now, but no later ones; a run to cancel is skipped if it no longer matches when its turn comes.
  /// The operation is stored: after a restart it continues where it stopped, and does nothing twice. Returns
  /// the operation with its id. find_bulk() returns its progress; count_runs() counts the runs of a query
  /// without changing them.
  /// \throws configuration_error that names the invalid member of the request; store_error when the store
  /// does not support bulk operations; unreachable when the engine can't write to its store.
  bulk_operation begin_bulk(const bulk_request& request);
  /// The running bulk operations, and those that ended within engine_options::history, newest first.
  /// \throws store_error
  std::vector<bulk_operation> bulk_operations() const;
  /// The bulk operation with the id; `nullopt` when it does not exist.
  /// \throws store_error
  std::optional<bulk_operation> find_bulk(std::string_view id) const;
  /// Stops a bulk operation. Completed changes are kept. Returns false when it does not exist or has already
  /// ended.
  /// \throws unreachable when the engine can't write to its store.
  bool stop_bulk(std::string_view id);

  /// Pauses a function, an app, or a schedule. The pause is stored.
  ///
  /// No call of a paused function begins. Events, schedules and other functions still create its runs, which
  /// wait with the status `paused`. A running call continues to its end, or, with checkpoints, to the end of
  /// its current step. Time spent paused counts for sleeps and waits, but not for the timeouts of runs. A
  /// paused schedule skips its times: see backfill(). Returns false when the target is already paused.
  /// \throws configuration_error when the function, app or schedule does not exist; unreachable when the
  /// engine can't write to its store.
  bool pause(const pause_target& target);
  /// Ends a pause. Returns false when there is none.
  /// \throws unreachable when the engine can't write to its store.
  bool resume(const pause_target& target);
  /// Everything that is paused.
  std::vector<pause_record> paused() const;

  /// Begins no more calls, and waits for running ones up to the grace period. Unlike after stop(), the engine
  /// can continue: see end_drain(). While it drains it accepts events, but is not ready: see health().
  /// Returns true when no call is running.
  /// \throws unreachable when the engine can't write to its store.
  bool drain(duration_ms grace = std::chrono::seconds(10));
  /// Whether the engine is draining.
  bool is_draining() const;
  /// Begins calls again. Does nothing when the engine is not draining.
  void end_drain();

  /// The schedules of all functions.
  std::vector<schedule_info> schedules() const;
  /// Starts the function of a schedule now, as if the schedule had started it, even if the schedule is
  /// paused. `cron` is the text that the function registered. The function's rate limit applies. The outcome
  /// is `no_function` when the schedule does not exist.
  /// \throws unreachable when the engine can't write to its store.
  invoked_run run_schedule(const std::string& slug, const std::string& cron);
  /// Starts the function for the times of a schedule, from `from` to before `until`, that have no run because
  /// no engine was running or the schedule was paused. Repeating a backfill starts nothing twice, as long as
  /// the store still has the runs. Rate limits and debounces do not apply; throttles and concurrency limits
  /// do.
  /// \throws configuration_error when the schedule does not exist, or the period ends in the future or has
  /// more than 1,000 times; unreachable when the engine can't write to its store.
  backfill_result backfill(const std::string& slug, const std::string& cron, timestamp from, timestamp until);

  /// Adds an entry to the audit trail. The default of its actor is "program". The engine sets its id and
  /// time.
  /// \throws unreachable when the engine can't write to its store.
  void audit(audit_entry entry);
  /// A page of the audit trail, newest entries first.
  /// \throws store_error
  std::vector<audit_entry> audit_trail(const audit_query& query = {}) const;

  /// Accepts results that a remote function saves while it continues. `operations` is a JSON array of step
  /// results. Returns false when the function must stop, because its run has ended or was called again.
  /// \throws payload_error or protocol_error when `operations` is malformed; unreachable when the engine
  /// can't write to its store.
  bool checkpoint(const std::string& run_id, std::uint64_t call_id, std::string operations);

  /// Answers requests about endpoint runs that remote apps have begun: their start, their progress, and their
  /// responses, for which it waits. Used by http_server.
  http::response answer_endpoint(const http::request& request, duration_ms wait);

  /// Sets how the engine calls functions in other processes, registered by register_app(). Null makes their
  /// runs wait. Used by http_server.
  void reach_apps_by(std::shared_ptr<remote_apps> apps);

  /// Retries the calls for which remote_apps had no route.
  void retry_remote_apps();

  /// Registers the functions of a remote app, which replace its earlier ones. `registration` is the body that
  /// SDKs send to /fn/register. A function whose runtime has the type "ws" is called over the connections of
  /// workers.
  /// \throws configuration_error or payload_error when the registration is invalid, or would replace a
  /// function of this process or of another app; unreachable when the engine can't write to its store.
  void register_app(const std::string& id, std::string registration);

  /// All functions of the engine: those of this process and of remote apps.
  std::vector<function_definition> functions() const;

  /// The apps with functions in the engine: this process, and those that registered. Includes apps whose
  /// registrations were rejected since the engine started.
  std::vector<app_info> apps() const;

  /// The shapes of the events that start functions of this process, from the types of their data: an object
  /// with a member for each event's name. A shape has these members:
  ///
  /// - `type`: "object", "map" (any members), "array", "string", "integer", "number", "boolean" or "any"
  /// - `fields` of an object: a list of shapes that have `name` and, if the field may be missing, `optional`
  /// - `element` of a map or an array, if it is known: the shape of each element
  /// - `values` of a string, if only some are allowed: a list
  ///
  /// A recursive type has neither fields nor element where it repeats. With a function's slug, the result
  /// contains only the events of this function, including those that users can't send, such as
  /// "inngest/function.invoked". The types of remote functions are unknown.
  json shapes(const std::string& function = {}) const;

  /// Statistics about recent runs of the function with the slug. Reads a few columns of its newest 5,000
  /// runs.
  /// \throws store_error
  function_stats stats_of(const std::string& function) const;

  /// The client for which the engine acts as the server.
  const client& app() const;

  /// Distributes messages to subscribers. Used by http_server.
  const std::shared_ptr<realtime_hub>& realtime() const;
  /// Sends a message to its subscribers. Used by http_server; to publish, use client::publish.
  void broadcast(const realtime::message& message);
  /// Stores a published message with its run, if it names one. Used by http_server.
  void note(const realtime::message& message);
  /// Stores metadata of runs. Used by http_server.
  /// \throws unreachable when the engine can't write to its store.
  void add_notes(std::vector<run_note> notes);

  /// The engine's counters and measurements, and the number of runs in each state. Takes about a millisecond
  /// for every few thousand unfinished runs, without stopping the engine.
  /// \throws store_error
  engine_metrics metrics() const;

  /// The number of runs that wait for their first call. Cheap.
  std::size_t queued_runs() const;

  /// Whether the engine works: whether its store can be written, its workers take due calls, and the system
  /// clock is right. It checks at most once a second, and returns the last result otherwise.
  engine_health health() const;

  /// A number that grows with every change, so that viewers know when to read again.
  std::uint64_t sequence() const;

  /// The engine's store, to query events and runs.
  const embedded::store& store() const;
  /// The client's logger, which the engine also uses.
  const logger& log() const;
  /// Writes a copy of the store into a new file while the engine works. An engine on the copy continues as
  /// after a crash at the time of the copy. Needs a sqlite_store.
  /// \throws store_error
  void backup_to(const std::filesystem::path& file) const;
  /// Checks the whole store for damage. Returns descriptions of it; empty when there is none.
  /// \throws store_error
  std::vector<std::string> check() const;
  /// The unreadable records of the store: those found when the engine started, and those that the store finds
  /// now. The engine works without them. A run that such a record belongs to is set aside: it stays unchanged
  /// in the store until the record is repaired or removed; then the next engine continues it.
  /// \throws store_error
  std::vector<unreadable_record> unreadable() const;
  /// The records of unreadable(), as JSON lines with the raw values of their columns.
  /// \throws store_error
  std::string export_unreadable() const;
  /// Removes an unreadable record from the store; for a run, everything that belongs to it. `table` and `key`
  /// are those of unreadable(). Returns false when there is no such unreadable record.
  /// \throws store_error when the store does not support it; unreachable when the engine can't write to its
  /// store.
  bool remove_unreadable(const std::string& table, const std::string& key);
  /// All runs with their timelines, oldest first. \throws store_error
  std::vector<run> runs() const;
  /// The runs that an event started, with their timelines, oldest first. \throws store_error
  std::vector<run> runs_of(std::string_view event_id) const;
  /// A page of runs without their timelines, newest first. It has run_query::limit runs unless it is the last
  /// page. With `error` or `where` it may read all runs: see find_run_page().
  /// \throws expression_error for an invalid condition; store_error
  std::vector<run> find_runs(const run_query& query) const;
  /// Like find_runs(), in limited time, about 0.1 seconds: the page may have fewer runs, or none, although
  /// more exist. In that case run_page::next is not empty. Checks a condition on at most 1,000 runs, and
  /// other filters on at most 20,000.
  /// \throws expression_error for an invalid condition; store_error
  run_page find_run_page(const run_query& query) const;
  /// The number of runs that a query selects; ignores the limit. Takes up to 50 microseconds per run with a
  /// condition, 2 with several filters or an error's text, and less with a single other filter.
  /// \throws expression_error for an invalid condition; store_error
  std::size_t count_runs(const run_query& query) const;
  /// Like count_runs() above, but stops after about `most`. To continue, pass run_count::next as
  /// run_query::before.
  run_count count_runs(const run_query& query, duration_ms most) const;
  /// The number of runs over time, from the query's `from` to its `until`; by default from the oldest run
  /// until now. Stops after about `most`: see run_histogram::counted_from.
  /// \throws expression_error for an invalid condition; store_error
  run_histogram histogram(const run_query& query, std::size_t buckets = 60,
                          duration_ms most = std::chrono::seconds(1)) const;
  /// A page of events, newest first. It has event_query::limit events unless it is the last page.
  /// \throws expression_error for an invalid condition; store_error
  std::vector<event_record> find_events(const event_query& query) const;
  /// Like find_events(), in limited time: see find_run_page().
  event_page find_event_page(const event_query& query) const;
  /// The run with the id, and its timeline; `nullopt` when there is none. \throws store_error
  std::optional<run> find_run(std::string_view run_id) const;

  /// The lines that a run has logged, and those of the engine about it, oldest first: see
  /// engine_options::run_log_lines. They are stored within about a second. Functions of remote apps log in
  /// their own process.
  /// \throws store_error
  std::vector<run_log_line> logs_of(std::string_view run_id) const;

  /// Waits until the run has ended and its end is stored, or the timeout has passed, and returns the run's
  /// current state. Check run::ended(). Timeouts over a year mean a year.
  /// \throws configuration_error when the run does not exist; store_error
  run wait_for(std::string_view run_id, duration_ms timeout) const;

  /// Waits until the engine has nothing left to do: all events are dispatched, and all runs have ended and
  /// are stored. A run that sleeps or waits keeps the engine busy. Returns false when the timeout passes
  /// first.
  bool wait_until_idle(duration_ms timeout) const;

 private:
  std::string start_with(const any_function& function, std::string data);

  std::unique_ptr<engine_body> body_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/impl/engine.ipp>
#endif
