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

struct engine_options {
  /// Threads that run handlers, and wait for apps elsewhere: so many calls are under way at once.
  std::size_t workers = 8;
  /// Keeps the state. Default: a new memory_store. On disk: see sqlite_store.
  std::shared_ptr<embedded::store> store{};
  /// How long after the given attempt (0 is the first) the next one starts. Default: as an Inngest server
  /// does, from 15 seconds to two hours.
  std::function<duration_ms(int attempt)> retry_delay{};
  /// Makes the requests of step.fetch and step.ai.infer. Default: as a client's, that of
  /// <inngest/transport/httplib.hpp> if it is included.
  std::shared_ptr<http::transport> requests{};
  /// How long each of them may take.
  duration_ms request_timeout = std::chrono::minutes(10);
  /// How long ended runs and their events stay to be looked at.
  duration_ms history = std::chrono::hours(7 * 24);
  /// Told what happened, once it is in the store, one thing at a time and in order. The run comes without its
  /// timeline. Called from the engine's threads; it may send events, but must not wait for the engine.
  std::function<void(const run&, const timeline_entry&)> on_progress{};
  /// So many runs in a row may start each other, each sending the event of the next less than a second after
  /// it began itself. The event of a further one is refused: a function that triggers itself would never end.
  std::size_t max_chain = 10'000;
  /// Gives the system's time, for tests of what happens when the clock is set. Default:
  /// std::chrono::system_clock.
  std::function<std::chrono::system_clock::time_point()> system_time{};
};

/// Durable functions in this process, without a server.
///
///     inngest::embedded::engine engine{app, {ingest, synthesize}};
///     engine.send(BrandIngested{...});
///     engine.wait_until_idle(10s);
///
/// It calls the functions with the same requests and through the same handler as an Inngest server does, and
/// keeps to what they say of themselves: triggers with expressions, schedules, flow control, cancellation.
/// While it lives it takes over the HTTP of its client: what app.send() and ctx.step.send_event() send, it
/// receives. All of it may be called from many threads at once.
///
/// What it has taken in is in the store before it says so, and a step's result before anything runs that
/// could see it: with a store on disk a process may end at any time, and another goes on where it was.
class engine {
 public:
  /// Goes on with what the store has. A call that was under way when the last process ended without stopping
  /// its engine counts as a failed attempt.
  /// \throws configuration_error for a function that the engine can't run as it asks to be, or when the
  /// client has an engine; what the store throws. The client is then as it was.
  engine(client app, const std::vector<any_function>& functions, engine_options options = {});

  /// Stops as stop() does, and waits for the bodies that are running, however long they take.
  ~engine() { end_threads(); }

  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  /// Stops working: no further call begins, calls under way are asked to stop through their stop tokens, and
  /// are waited for until the grace is over. What is not done stays in the store for the next engine, and
  /// uses up no attempt: a body that throws because it was asked to stop runs again there. Events are still
  /// taken in. True when no call is under way any more. Nobody can stop a body that does not look at its
  /// token; when it ends before the process does, its result counts.
  bool stop(duration_ms grace = std::chrono::seconds(10));

  /// How many calls of functions, and requests for steps, are under way.
  std::size_t calls_under_way() const;

  /// Takes events in, as client::send does.
  /// \throws event_rejected, payload_error.
  sent_events send(const any_event& event) { return app_.send(event); }
  sent_events send(std::initializer_list<any_event> events) { return app_.send(events); }
  sent_events send(const std::vector<any_event>& events) { return app_.send(events); }

  /// Takes in an event, or an array of them, as JSON, and gives their ids.
  /// \throws payload_error naming what is wrong; unreachable when the store takes nothing.
  /// What it throws for has not happened. With the seed of an earlier request the events have the ids that
  /// they had then, and count once; see protocol::header::event_id_seed.
  std::vector<std::string> accept(std::string events, std::string_view seed = {});

  /// Ends the wait for a signal, and gives the id of the run that waited; nothing when none did.
  std::optional<std::string> signal(const std::string& name, const std::string& data = "null");

  /// Starts a run of the function now, whatever its triggers, and gives the run's id.
  /// \throws configuration_error when the function is not one of the engine's, or is a singleton that runs.
  std::string start(const any_function& function, const json& data = json::object());

  /// Begins a run with the events of an earlier one, and gives its id; nothing when there is no such run, or
  /// its function is gone.
  std::optional<std::string> rerun(std::string_view run_id);

  /// Cancels a run: a step that is running ends, but nothing comes after it. False when there is no such run
  /// or it has ended.
  bool cancel(std::string_view run_id);

  /// Takes results that a function elsewhere has saved while it goes on. False when it must stop: the run has
  /// ended or was called again. \throws payload_error, protocol_error for what are no results.
  bool checkpoint(const std::string& run_id, std::uint64_t call_id, std::string operations);

  /// How apps elsewhere are called, whose functions were registered over HTTP. http_server sets it.
  void call_apps_by(std::function<http::response(http::request)> calls);

  /// Puts the functions of an app elsewhere in the place of those that it had. `registration` is what SDKs
  /// send to /fn/register. \throws configuration_error, payload_error naming what is wrong, also when it
  /// would replace a function of this process, of another app, or of the same app at another origin.
  void register_app(const std::string& id, std::string registration);

  /// The functions that the engine calls.
  std::vector<function_definition> functions() const;

  /// A number that grows when anything changes.
  std::uint64_t sequence() const;

  /// Where the state is kept: events and runs can be looked at there.
  const embedded::store& store() const { return *options_.store; }
  /// The client's logger, which the engine logs to as well.
  const logger& log() const { return app_.log(); }
  /// The records that can't be read, which everything else goes on without: those that the engine found when
  /// it began, and those that the store finds now. A run that is named there is set aside: it stays in the
  /// store as it is until somebody repairs or removes the record, and the next engine goes on with it.
  std::vector<unreadable_record> unreadable() const;
  /// All runs, oldest first.
  std::vector<run> runs() const { return with_readers(options_.store->runs()); }
  /// The runs that an event started.
  std::vector<run> runs_of(std::string_view event_id) const;
  /// A run with its timeline; nothing when there is none of the id.
  std::optional<run> find_run(std::string_view run_id) const;

  /// Waits until the run has ended and its end is in the store, or the time is up, and gives it as it then
  /// is. \throws configuration_error when there is no such run.
  run wait_for(std::string_view run_id, duration_ms timeout) const;

  /// Waits until no run is left that could go on; false when the time was up first.
  bool wait_until_idle(duration_ms timeout) const;

 private:
  /// The client's way to the engine: the part of a server's HTTP API that an app needs.
  class loopback final : public http::transport {
   public:
    explicit loopback(engine& engine) : engine_(&engine) {}
    http::response send(const http::request& request, std::chrono::milliseconds) override;

   private:
    engine* engine_;
  };

  /// While it lives, the client's HTTP goes to the engine.
  class takeover {
   public:
    takeover(const client& app, std::shared_ptr<http::transport> transport);
    ~takeover() { app_.restore_transport(); }
    takeover(const takeover&) = delete;
    takeover& operator=(const takeover&) = delete;

   private:
    client app_;
  };

  /// The run whose handler this thread is in, and so the sender of the events that come from this thread.
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

  /// Runs read their output through the middleware of their function.
  void set_reader(run& of) const;
  std::vector<run> with_readers(std::vector<run> all) const;

  static engine_options with_defaults(engine_options options);

  static std::vector<function_definition> definitions(const handler& handler);

  void log_unreadable() const;

  static std::chrono::milliseconds within_a_year(std::chrono::milliseconds time);

  unfinished_work unfinished();

  static std::string counted(std::size_t count, const char* what);

  // ---- committing: everything is noted under the lock, and written outside of it ------------------------

  /// In memory everything is committed at once.
  void commit_at_once();

  /// The number of the last change, to wait for.
  std::uint64_t changed();

  void end_commit(engine_core::batch batch, std::string problem);

  /// A constructor may throw, and then nothing has happened.
  void commit_first_changes();

  /// Waits until the change is committed. False when the store can't; engine_core::problem() says why.
  bool is_committed(std::unique_lock<std::mutex>& lock, std::uint64_t change);

  /// The same, but waits until the store can. False when the engine stops meanwhile.
  bool is_committed_at_last(std::unique_lock<std::mutex>& lock, std::uint64_t change);

  void commit_or_wait(std::unique_lock<std::mutex>& lock);

  /// Waits until all that the scheduler changed is committed.
  /// \throws unreachable when the store can't, with the reason.
  void commit_changes(std::unique_lock<std::mutex>& lock);

  /// Commits all that was noted, at once. One thread at a time.
  void commit_all(std::unique_lock<std::mutex>& lock);

  /// The keeper's thread: commits what nobody waits for, and tries again when the store can't.
  void keep();

  bool can_commit() const { return core_.has_uncommitted() && !core_.is_committing(); }

  /// Gives what went wrong: it will be tried again.
  std::string commit(std::span<const changes> batch) const;

  // ---- working ----------------------------------------------------------------------------------------

  void work();

  void take_and_call(std::unique_lock<std::mutex>& lock);

  static bool is_elsewhere(const http::request& request);

  /// Nobody can call the app before there is an http_server, which begins after the engine. The call waits
  /// for it, and uses up no attempt.
  void postpone(const engine_core::call& call);

  void begin_to_stop();

  void end_threads();

  http::response call(engine_core::call& made);

  /// Makes a request for a step.
  http::response ask_elsewhere(const http::request& request) const;

  http::response call_elsewhere(http::request request);

  /// Keeps results while a function goes on.
  execution::checkpoints::saved save(const job& job, const std::vector<protocol::operation>& results);

  /// Waits are measured with the steady clock. They are short, so that a system clock that is set forward is
  /// noticed.
  void sleep_until_due(std::unique_lock<std::mutex>& lock);

  /// The cleaner's thread: forgets what is too old to be looked at, at the start and then every ten minutes.
  void clean();

  // ---- what users hear: collected under the lock, told outside of it -------------------------------------

  /// Whether on_progress was told all that happened up to a change.
  bool is_told(std::uint64_t change) const;

  /// Asks calls to stop, logs, and tells on_progress what is committed.
  void deliver();

  void tell(const run& run, const timeline_entry& entry) const;

  client app_;
  engine_options options_;
  const bool is_on_disk_;
  handler handler_;
  engine_clock clock_;

  mutable std::mutex mutex_;  // of everything below
  std::condition_variable wake_;
  mutable std::condition_variable settled_;
  std::condition_variable keeper_wake_;
  std::condition_variable cleaner_wake_;
  engine_core core_;
  std::function<http::response(http::request)> call_app_;
  std::optional<std::uint64_t> telling_;  // on_progress is being told of this change
  int logging_ = 0;                       // threads that log
  bool keeper_stops_ = false;
  bool has_told_of_server_ = false;

  takeover takeover_;  // until the threads have ended a handler's events come here
  std::thread keeper_;
  std::thread cleaner_;
  std::vector<std::thread> workers_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/impl/engine.ipp>
#endif
