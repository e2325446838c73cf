#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/embedded/engine_options.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/function.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/log.hpp>
#include <inngest/time/duration.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

class engine_body;
struct function_definition;

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
  ~engine();

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
  sent_events send(const any_event& event);
  /// The same for several events. The engine accepts all of them or none.
  sent_events send(std::initializer_list<any_event> events);
  /// The same for several events. The engine accepts all of them or none.
  sent_events send(const std::vector<any_event>& events);

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
  const embedded::store& store() const;
  /// The logger of the client, which the engine uses, too.
  const logger& log() const;
  /// The records of the store that can't be read: those that the engine found when it started, and those that
  /// the store finds now. The engine works without them. A run that such a record names is set aside: it
  /// stays unchanged in the store until somebody repairs or removes the record, and then the next engine
  /// continues with it. \throws store_error
  std::vector<unreadable_record> unreadable() const;
  /// All runs with their timelines, oldest first. \throws store_error
  std::vector<run> runs() const;
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
  std::unique_ptr<engine_body> body_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/impl/engine.ipp>
#endif
