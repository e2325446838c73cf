#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/embedded/detail/engine_clock.hpp>
#include <inngest/embedded/detail/engine_core.hpp>
#include <inngest/embedded/detail/registration_conflict.hpp>
#include <inngest/embedded/detail/retry.hpp>
#include <inngest/embedded/detail/server_api.hpp>
#include <inngest/embedded/memory_store.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/execution/call_stop.hpp>
#include <inngest/http.hpp>
#include <inngest/log.hpp>
#include <inngest/protocol/error_info.hpp>
#include <inngest/serve.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Options of an engine.
struct engine_options {
  /// Threads that run handlers and wait for the answers of remote apps: the most calls at the same time. At
  /// least 1.
  std::size_t workers = 8;
  /// Keeps the state. Default: a new memory_store. sqlite_store keeps it on disk.
  std::shared_ptr<embedded::store> store{};
  /// The delay between the failed attempt (0 is the first) and the next one. Default: the delays of an
  /// Inngest server, from 15 seconds to two hours. When it throws, the engine logs that and uses the default.
  std::function<duration_ms(int attempt)> retry_delay{};
  /// Makes the requests of step.fetch and step.ai.infer. Default: the transport of
  /// <inngest/transport/httplib.hpp> if that header is included; otherwise these steps fail.
  std::shared_ptr<http::transport> requests{};
  /// The timeout of each of these requests.
  duration_ms request_timeout = std::chrono::minutes(10);
  /// How long the store keeps ended runs and their events.
  duration_ms history = std::chrono::hours(7 * 24);
  /// The engine calls this for each timeline entry after the store has it: one call at a time, in order, from
  /// any of the engine's threads. The run has an empty timeline. The callback may send events, but must not
  /// wait for the engine. The engine logs what it throws. Empty disables it.
  std::function<void(const run&, const timeline_entry&)> on_progress{};
  /// The longest chain of runs in which each run sends the event that starts the next less than a second
  /// after it began. The engine rejects the event that would make the chain longer, because a function that
  /// triggers itself would never end.
  std::size_t max_chain = 10'000;
  /// Replaces the system clock in tests. Default: std::chrono::system_clock.
  std::function<std::chrono::system_clock::time_point()> system_time{};
};

/// Runs durable functions in this process, without a server.
///
///     inngest::embedded::engine engine{app, {ingest, synthesize}};
///     engine.send(BrandIngested{...});
///     engine.wait_until_idle(10s);
///
/// The engine calls functions with the same requests and through the same handler as an Inngest server. It
/// supports their triggers with expressions, schedules, flow control and cancellation. While it lives, it
/// replaces the transport of its client: the engine receives the events of app.send() and
/// ctx.step.send_event(). All members may be called from several threads at the same time.
///
/// The engine acknowledges an event only after the store has it, and runs code that sees a step's result only
/// after the store has the result. With a store on disk a process may end at any time, and another process
/// continues where it stopped.
class engine {
 public:
  /// Continues with the unfinished work in the store. If the last process ended without stopping its engine,
  /// the calls that it was making count as failed attempts.
  /// \throws configuration_error when the engine does not support an option of a function, or when the client
  /// has an engine already; store_error when the store fails. The client is unchanged then.
  engine(client app, const std::vector<any_function>& functions, engine_options options = {});

  /// Stops like stop(), but waits without a limit until all running step bodies have returned.
  ~engine() { end_threads(); }

  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  /// Stops the engine permanently: it begins no more calls, requests the running calls to stop through their
  /// stop tokens, and waits for them during the grace period. Unfinished work stays in the store for the next
  /// engine, and an interrupted attempt does not count: a body that throws because of its stop token runs
  /// again there. The engine still accepts events. Returns true when no call is running. A body that ignores
  /// its stop token keeps running; if it returns before the process ends, its result counts.
  bool stop(duration_ms grace = std::chrono::seconds(10));

  /// The number of function calls and step requests that are running.
  std::size_t calls_under_way() const;

  /// Sends events to the engine, like client::send.
  /// \throws event_rejected when the engine does not accept an event; payload_error; unreachable when the
  /// engine can't write to its store.
  sent_events send(const any_event& event) { return app_.send(event); }
  /// The same for several events. The engine accepts all of them or none.
  sent_events send(std::initializer_list<any_event> events) { return app_.send(events); }
  /// The same for several events. The engine accepts all of them or none.
  sent_events send(const std::vector<any_event>& events) { return app_.send(events); }

  /// Accepts an event, or an array of events, as JSON. Returns their ids, in the same order. All events are
  /// accepted or, when it throws, none. `seed` makes retries safe: events with the seed of an earlier request
  /// get the same ids again and count once (see protocol::header::event_id_seed).
  /// \throws payload_error that names the member that is wrong; unreachable when the engine can't write to
  /// its store.
  std::vector<std::string> accept(std::string events, std::string_view seed = {});

  /// Ends the wait for a signal; `data`, a JSON text, becomes part of the step's result. Returns the id of
  /// the run that waited, or `nullopt` when none did. \throws unreachable when the engine can't write to its
  /// store.
  std::optional<std::string> signal(const std::string& name, const std::string& data = "null");

  /// Starts a run of the function, independent of its triggers, and returns the run's id. `data` becomes the
  /// data of the run's event.
  /// \throws configuration_error when the engine does not have the function, or the function is a singleton
  /// that is running; unreachable when the engine can't write to its store.
  std::string start(const any_function& function, const json& data = json::object());

  /// Starts a new run with the events of an earlier one, and returns its id. Returns `nullopt` when there is
  /// no such run, or the engine no longer has its function. \throws unreachable when the engine can't write
  /// to its store.
  std::optional<std::string> rerun(std::string_view run_id);

  /// Cancels a run. A step that is running finishes, but no other step begins. Returns false when there is no
  /// such run, or it has ended. \throws unreachable when the engine can't write to its store.
  bool cancel(std::string_view run_id);

  /// Accepts results that a remote function saves while it continues. `operations` is a JSON array of step
  /// results. Returns false when the function must stop, because its run has ended or was called again.
  /// \throws payload_error or protocol_error when `operations` is malformed; unreachable when the engine
  /// can't write to its store.
  bool checkpoint(const std::string& run_id, std::uint64_t call_id, std::string operations);

  /// Sets how the engine calls remote apps, whose functions were registered over HTTP. http_server calls
  /// this. An empty function makes their runs wait.
  void call_apps_by(std::function<http::response(http::request)> calls);

  /// Registers the functions of a remote app, which replace those that it registered before. `registration`
  /// is the body that SDKs send to /fn/register. \throws configuration_error or payload_error when the
  /// registration is wrong, or would replace a function of this process, of another app, or of the same app
  /// at another origin; unreachable when the engine can't write to its store.
  void register_app(const std::string& id, std::string registration);

  /// All functions of the engine: those of this process and of remote apps.
  std::vector<function_definition> functions() const;

  /// A number that grows with every change, so that a viewer can find out whether to read again.
  std::uint64_t sequence() const;

  /// The engine's store, to query events and runs.
  const embedded::store& store() const { return *options_.store; }
  /// The logger of the client, which the engine uses, too.
  const logger& log() const { return app_.log(); }
  /// The records of the store that can't be read: those that the engine found when it started, and those that
  /// the store finds now. The engine works without them. A run that such a record names is set aside: it
  /// stays unchanged in the store until somebody repairs or removes the record, and then the next engine
  /// continues with it. \throws store_error
  std::vector<unreadable_record> unreadable() const;
  /// All runs with their timelines, oldest first. \throws store_error
  std::vector<run> runs() const { return with_readers(options_.store->runs()); }
  /// The runs that an event started, with their timelines, oldest first. \throws store_error
  std::vector<run> runs_of(std::string_view event_id) const;
  /// The run with the id, and its timeline; `nullopt` when there is none. \throws store_error
  std::optional<run> find_run(std::string_view run_id) const;

  /// Waits until the run has ended and the store has its end, at most for the timeout, and returns the run as
  /// it is then. Check run::ended(). Timeouts over a year mean a year.
  /// \throws configuration_error when there is no such run; store_error
  run wait_for(std::string_view run_id, duration_ms timeout) const;

  /// Waits until the engine has nothing to do now: all events are dispatched, and every unfinished run waits
  /// for an event, a signal or a later time. Returns false when the timeout is over first.
  bool wait_until_idle(duration_ms timeout) const;

 private:
  /// The client's transport while the engine lives. It answers the requests of an app without a socket.
  class loopback final : public http::transport {
   public:
    explicit loopback(engine& engine) : engine_(&engine) {}
    http::response send(const http::request& request, std::chrono::milliseconds) override;

   private:
    engine* engine_;
  };

  /// Replaces the client's transport while it lives.
  class takeover {
   public:
    takeover(const client& app, std::shared_ptr<http::transport> transport);
    ~takeover() { app_.restore_transport(); }
    takeover(const takeover&) = delete;
    takeover& operator=(const takeover&) = delete;

   private:
    client app_;
  };

  /// The run whose handler runs on this thread: the sender of the events that this thread sends.
  struct event_sender {
    const void* engine = nullptr;
    std::string_view run_id{};
  };
  static event_sender& sender();
  class sending_run {
   public:
    sending_run(const void* engine, std::string_view run_id);
    ~sending_run() { sender() = before_; }
    sending_run(const sending_run&) = delete;
    sending_run& operator=(const sending_run&) = delete;

   private:
    event_sender before_;
  };

  /// Makes run::output() use the middleware of the run's function.
  void set_reader(run& of) const;
  std::vector<run> with_readers(std::vector<run> all) const;

  static engine_options with_defaults(engine_options options);

  static std::vector<function_definition> definitions(const handler& handler);

  void log_unreadable() const;

  static std::chrono::milliseconds within_a_year(std::chrono::milliseconds time);

  unfinished_work unfinished();

  static std::string counted(std::size_t count, const char* what);

  // ---- committing: changes are collected under the lock, and written without it --------------------------

  /// Commits all changes if the store is in memory.
  void commit_at_once();

  /// The number of the last change, for is_committed().
  std::uint64_t changed();

  void end_commit(engine_core::batch batch, std::string problem);

  /// Commits the changes of the constructor, which throws when that fails.
  void commit_first_changes();

  /// Waits until the change is committed. Returns false when the commit fails; engine_core::problem() says
  /// why.
  bool is_committed(std::unique_lock<std::mutex>& lock, std::uint64_t change);

  /// Waits until the change is committed, also after failed commits. Returns false when the engine stops.
  bool is_committed_at_last(std::unique_lock<std::mutex>& lock, std::uint64_t change);

  void commit_or_wait(std::unique_lock<std::mutex>& lock);

  /// Waits until all changes are committed.
  /// \throws unreachable with the reason when the commit fails.
  void commit_changes(std::unique_lock<std::mutex>& lock);

  /// Commits all changes. One thread at a time.
  void commit_all(std::unique_lock<std::mutex>& lock);

  /// The committer's thread: commits changes that no thread waits for, and retries failed commits.
  void commit_in_background();

  bool can_commit() const { return core_.has_uncommitted() && !core_.is_committing(); }

  /// Commits the batch. Returns the problem, or an empty text. Failed commits will be retried.
  std::string commit(std::span<const changes> batch) const;

  // ---- working ----------------------------------------------------------------------------------------

  void work();

  void take_and_call(std::unique_lock<std::mutex>& lock);

  static bool is_remote(const http::request& request);

  /// Delays the call of a remote app until an http_server, which is created after the engine, can make it.
  /// The delay does not count as an attempt.
  void postpone(const engine_core::call& call);

  void begin_to_stop();

  void end_threads();

  http::response call(engine_core::call& made);

  /// Makes the request of a step.
  http::response make_request(const http::request& request) const;

  http::response call_remote_app(http::request request);

  /// Saves results while a function continues.
  execution::checkpoints::saved save(const job& job, const std::vector<protocol::operation>& results);

  /// Sleeps until a job is due, but not long: the wait uses the steady clock, and the system clock may be set
  /// forward meanwhile.
  void sleep_until_due(std::unique_lock<std::mutex>& lock);

  /// The cleaner's thread: removes old records at the start, and then every ten minutes.
  void clean();

  // ---- callbacks and log lines: collected under the lock, delivered without it ----------------------------

  /// Whether on_progress was called for everything up to the change.
  bool is_notified(std::uint64_t change) const;

  /// Requests calls to stop, writes log lines, and calls on_progress for committed changes.
  void deliver();

  void notify(const run& run, const timeline_entry& entry) const;

  client app_;
  engine_options options_;
  const bool is_on_disk_;
  handler handler_;
  engine_clock clock_;

  mutable std::mutex mutex_;  // of everything below
  std::condition_variable wake_;
  mutable std::condition_variable settled_;
  std::condition_variable committer_wake_;
  std::condition_variable cleaner_wake_;
  engine_core core_;
  std::function<http::response(http::request)> call_app_;
  std::optional<std::uint64_t> notifying_;  // the change for which on_progress is being called
  int logging_ = 0;                         // threads that write log lines
  bool committer_stops_ = false;
  bool has_logged_missing_server_ = false;

  takeover takeover_;  // outlives the threads, whose handlers may send events
  std::thread committer_;
  std::thread cleaner_;
  std::vector<std::thread> workers_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/impl/engine.ipp>
#endif
