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
  ~engine();

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
  sent_events send(const any_event& event);
  sent_events send(std::initializer_list<any_event> events);
  sent_events send(const std::vector<any_event>& events);

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
  const embedded::store& store() const;
  /// The client's logger, which the engine logs to as well.
  const logger& log() const;
  /// The records that can't be read, which everything else goes on without: those that the engine found when
  /// it began, and those that the store finds now. A run that is named there is set aside: it stays in the
  /// store as it is until somebody repairs or removes the record, and the next engine goes on with it.
  std::vector<unreadable_record> unreadable() const;
  /// All runs, oldest first.
  std::vector<run> runs() const;
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
  std::unique_ptr<engine_body> body_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/impl/engine.ipp>
#endif
