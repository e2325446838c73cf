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

namespace inngest::embedded {

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
  engine(client app, const std::vector<any_function>& functions, engine_options options = {})
      : app_(std::move(app)),
        options_(with_defaults(std::move(options))),
        is_on_disk_(options_.store->is_on_disk()),
        handler_(app_, functions, {.framework = "embedded"}),
        clock_(options_.system_time),
        core_(definitions(handler_), unfinished(),
              {.retry_delay = options_.retry_delay,
               .max_chain = options_.max_chain,
               .collects_progress = options_.on_progress != nullptr},
              clock_.now()),
        takeover_(app_, std::make_shared<loopback>(*this)) {
    {
      const std::lock_guard lock(mutex_);
      commit_first_changes();
    }
    log_unreadable();
    deliver();
    try {
      keeper_ = std::thread([this] { keep(); });
      cleaner_ = std::thread([this] { clean(); });
      for (std::size_t i = 0; i < options_.workers; ++i) workers_.emplace_back([this] { work(); });
    } catch (...) {
      end_threads();
      throw;
    }
  }

  /// Stops as stop() does, and waits for the bodies that are running, however long they take.
  ~engine() { end_threads(); }

  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  /// Stops working: no further call begins, calls under way are asked to stop through their stop tokens, and
  /// are waited for until the grace is over. What is not done stays in the store for the next engine, and
  /// uses up no attempt: a body that throws because it was asked to stop runs again there. Events are still
  /// taken in. True when no call is under way any more. Nobody can stop a body that does not look at its
  /// token; when it ends before the process does, its result counts.
  bool stop(duration_ms grace = std::chrono::seconds(10)) {
    std::unique_lock lock(mutex_);
    begin_to_stop();
    lock.unlock();
    deliver();
    lock.lock();
    settled_.wait_for(lock, within_a_year(grace), [&] { return core_.calls_under_way() == 0; });
    is_committed(lock, changed());
    const bool all_ended = core_.calls_under_way() == 0;
    lock.unlock();
    deliver();
    return all_ended;
  }

  /// How many calls of functions, and requests for steps, are under way.
  std::size_t calls_under_way() const {
    const std::lock_guard lock(mutex_);
    return core_.calls_under_way();
  }

  /// Takes events in, as client::send does.
  /// \throws event_rejected, payload_error.
  sent_events send(const any_event& event) { return app_.send(event); }
  sent_events send(std::initializer_list<any_event> events) { return app_.send(events); }
  sent_events send(const std::vector<any_event>& events) { return app_.send(events); }

  /// Takes in an event, or an array of them, as JSON, and gives their ids.
  /// \throws payload_error naming what is wrong; unreachable when the store takes nothing.
  /// What it throws for has not happened. With the seed of an earlier request the events have the ids that
  /// they had then, and count once; see protocol::header::event_id_seed.
  std::vector<std::string> accept(std::string events, std::string_view seed = {}) {
    std::unique_lock lock(mutex_);
    const auto settle = [&](std::uint64_t change) {
      commit_at_once();
      if (!is_committed(lock, change)) settled_.wait(lock, [&] { return !core_.is_committing(); });
      return core_.committed() >= change;
    };
    const auto stored = [&](const std::string& id) { return options_.store->find_event(id); };
    const std::string_view from = sender().engine == this ? sender().run_id : std::string_view();
    auto ids = core_.accept(std::move(events), seed, from, clock_.now(), stored, settle);
    lock.unlock();
    deliver();
    return ids;
  }

  /// Ends the wait for a signal, and gives the id of the run that waited; nothing when none did.
  std::optional<std::string> signal(const std::string& name, const std::string& data = "null") {
    std::unique_lock lock(mutex_);
    auto run_id = core_.signal(name, data, clock_.now());
    commit_changes(lock);
    lock.unlock();
    deliver();
    return run_id;
  }

  /// Starts a run of the function now, whatever its triggers, and gives the run's id.
  /// \throws configuration_error when the function is not one of the engine's, or is a singleton that runs.
  std::string start(const any_function& function, const json& data = json::object()) {
    std::unique_lock lock(mutex_);
    if (!core_.state().functions().find(function.slug()))
      throw configuration_error("the engine has no function \"" + function.id() + "\"");
    std::string id = core_.start(function.slug(), encode(data, "data"), clock_.now());
    if (id.empty())
      throw configuration_error("function \"" + function.id() + "\" is a singleton and runs already");
    commit_changes(lock);
    lock.unlock();
    deliver();
    return id;
  }

  /// Begins a run with the events of an earlier one, and gives its id; nothing when there is no such run, or
  /// its function is gone.
  std::optional<std::string> rerun(std::string_view run_id) {
    const auto earlier = options_.store->find_run(run_id);
    if (!earlier) return std::nullopt;
    std::unique_lock lock(mutex_);
    std::string id = core_.rerun(*earlier, clock_.now());
    if (id.empty()) return std::nullopt;
    commit_changes(lock);
    lock.unlock();
    deliver();
    return id;
  }

  /// Cancels a run: a step that is running ends, but nothing comes after it. False when there is no such run
  /// or it has ended.
  bool cancel(std::string_view run_id) {
    std::unique_lock lock(mutex_);
    if (!core_.cancel(run_id, clock_.now())) return false;
    commit_changes(lock);
    lock.unlock();
    deliver();
    return true;
  }

  /// Takes results that a function elsewhere has saved while it goes on. False when it must stop: the run has
  /// ended or was called again. \throws payload_error, protocol_error for what are no results.
  bool checkpoint(const std::string& run_id, std::uint64_t call_id, std::string operations) {
    const auto read = read_operations(std::move(operations));
    std::unique_lock lock(mutex_);
    if (!core_.checkpoint(run_id, call_id, read, clock_.now())) return false;
    commit_changes(lock);
    lock.unlock();
    deliver();
    return true;
  }

  /// How apps elsewhere are called, whose functions were registered over HTTP. http_server sets it.
  void call_apps_by(std::function<http::response(http::request)> calls) {
    const std::lock_guard lock(mutex_);
    call_app_ = std::move(calls);
  }

  /// Puts the functions of an app elsewhere in the place of those that it had. `registration` is what SDKs
  /// send to /fn/register. \throws configuration_error, payload_error naming what is wrong, also when it
  /// would replace a function of this process, of another app, or of the same app at another origin.
  void register_app(const std::string& id, std::string registration) {
    const app_record app{.id = id, .text = std::move(registration)};
    std::vector<function_definition> functions = read_registration(app);
    std::unique_lock lock(mutex_);
    if (const auto conflict = find_registration_conflict(core_.state().functions().all(), app, functions))
      throw configuration_error(*conflict);
    core_.register_app(app, std::move(functions), clock_.now());
    commit_changes(lock);
    lock.unlock();
    deliver();
  }

  /// The functions that the engine calls.
  std::vector<function_definition> functions() const {
    const std::lock_guard lock(mutex_);
    std::vector<function_definition> out;
    for (const auto& [slug, each] : core_.state().functions().all()) out.push_back(*each);
    return out;
  }

  /// A number that grows when anything changes.
  std::uint64_t sequence() const {
    const std::lock_guard lock(mutex_);
    return core_.changed();
  }

  /// Where the state is kept: events and runs can be looked at there.
  const embedded::store& store() const { return *options_.store; }
  /// The client's logger, which the engine logs to as well.
  const logger& log() const { return app_.log(); }
  /// The records that can't be read, which everything else goes on without: those that the engine found when
  /// it began, and those that the store finds now. A run that is named there is set aside: it stays in the
  /// store as it is until somebody repairs or removes the record, and the next engine goes on with it.
  std::vector<unreadable_record> unreadable() const {
    std::vector<unreadable_record> out = core_.state().unreadable();
    for (unreadable_record& record : options_.store->unreadable()) {
      const bool is_known = std::any_of(out.begin(), out.end(), [&](const unreadable_record& other) {
        return other.table == record.table && other.key == record.key;
      });
      if (!is_known) out.push_back(std::move(record));
    }
    return out;
  }
  /// All runs, oldest first.
  std::vector<run> runs() const { return with_readers(options_.store->runs()); }
  /// The runs that an event started.
  std::vector<run> runs_of(std::string_view event_id) const {
    return with_readers(options_.store->runs_of(event_id));
  }
  /// A run with its timeline; nothing when there is none of the id.
  std::optional<run> find_run(std::string_view run_id) const {
    auto found = options_.store->find_run(run_id);
    if (!found) return std::nullopt;
    set_reader(found->run);
    return std::move(found->run);
  }

  /// Waits until the run has ended and its end is in the store, or the time is up, and gives it as it then
  /// is. \throws configuration_error when there is no such run.
  run wait_for(std::string_view run_id, duration_ms timeout) const {
    {
      std::unique_lock lock(mutex_);
      std::optional<std::uint64_t> last;  // change of the run
      settled_.wait_for(lock, within_a_year(timeout), [&] {
        if (!last && !core_.state().is_running(run_id)) last = core_.changed();
        return last && core_.committed() >= *last && is_told(*last);
      });
    }
    auto out = find_run(run_id);
    if (!out) throw configuration_error("there is no run \"" + std::string(run_id) + "\"");
    return std::move(*out);
  }

  /// Waits until no run is left that could go on; false when the time was up first.
  bool wait_until_idle(duration_ms timeout) const {
    std::unique_lock lock(mutex_);
    return settled_.wait_for(lock, within_a_year(timeout), [&] {
      return core_.state().is_idle() && core_.committed() == core_.changed() && is_told(core_.changed()) &&
             !core_.has_log_lines() && logging_ == 0;
    });
  }

 private:
  /// The client's way to the engine: the part of a server's HTTP API that an app needs.
  class loopback final : public http::transport {
   public:
    explicit loopback(engine& engine) : engine_(&engine) {}
    http::response send(const http::request& request, std::chrono::milliseconds) override {
      return server_api<engine>(*engine_).answer(request);
    }

   private:
    engine* engine_;
  };

  /// While it lives, the client's HTTP goes to the engine.
  class takeover {
   public:
    takeover(const client& app, std::shared_ptr<http::transport> transport) : app_(app) {
      app_.replace_transport(std::move(transport));
    }
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
  static event_sender& sender() {
    thread_local event_sender current;
    return current;
  }
  class sending_run {
   public:
    sending_run(const void* engine, std::string_view run_id) : before_(sender()) {
      sender() = {engine, run_id};
    }
    ~sending_run() { sender() = before_; }
    sending_run(const sending_run&) = delete;
    sending_run& operator=(const sending_run&) = delete;

   private:
    event_sender before_;
  };

  /// Runs read their output through the middleware of their function.
  void set_reader(run& of) const {
    of.output_reader = [handler = handler_, slug = of.function_slug, id = of.id](const std::string& output) {
      return handler.read_output(slug, id, output);
    };
  }
  std::vector<run> with_readers(std::vector<run> all) const {
    for (run& each : all) set_reader(each);
    return all;
  }

  static engine_options with_defaults(engine_options options) {
    if (options.workers == 0) throw configuration_error("engine_options::workers must be at least 1");
    if (!options.store) options.store = std::make_shared<memory_store>();
    if (!options.requests) options.requests = detail::default_transport();
    if (!options.retry_delay) options.retry_delay = server_retry_delay;
    return options;
  }

  static std::vector<function_definition> definitions(const handler& handler) {
    std::vector<function_definition> out;
    for (const any_function& each : handler.functions()) out.push_back(define(each));
    return out;
  }

  void log_unreadable() const {
    constexpr std::size_t most = 100;
    const auto& all = core_.state().unreadable();
    for (std::size_t i = 0; i < (std::min)(all.size(), most); ++i) {
      std::string text = "the engine's store has a record that can't be read: " + all[i].table + " where " +
                         all[i].key + ": " + all[i].reason;
      if (!all[i].run_id.empty()) text += "; run \"" + all[i].run_id + "\" is set aside";
      app_.log().error(text);
    }
    if (all.size() > most)
      app_.log().error("... and " + std::to_string(all.size() - most) + " more: see engine::unreadable()");
  }

  static std::chrono::milliseconds within_a_year(std::chrono::milliseconds time) {
    return std::clamp<std::chrono::milliseconds>(time, std::chrono::milliseconds::zero(),
                                                 std::chrono::hours(366 * 24));
  }

  unfinished_work unfinished() {
    unfinished_work out = options_.store->load();
    clock_.go_on_from(latest_time(out));
    if (out.runs.empty() && out.events.empty()) return out;
    app_.log().info("the engine resumes " + counted(out.runs.size(), "run") + " with " +
                    counted(out.memos.size(), "result") + " of steps, " +
                    counted(out.jobs.size(), "pending job") + " and " + counted(out.events.size(), "event") +
                    " from its store");
    return out;
  }

  static std::string counted(std::size_t count, const char* what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
  }

  // ---- committing: everything is noted under the lock, and written outside of it ------------------------

  /// In memory everything is committed at once.
  void commit_at_once() {
    while (!is_on_disk_ && core_.has_uncommitted() && core_.problem().empty() && !core_.is_committing()) {
      engine_core::batch batch = core_.begin_commit();
      std::string problem = commit(batch.all);
      end_commit(std::move(batch), std::move(problem));
    }
  }

  /// The number of the last change, to wait for.
  std::uint64_t changed() {
    commit_at_once();
    return core_.changed();
  }

  void end_commit(engine_core::batch batch, std::string problem) {
    core_.end_commit(std::move(batch), std::move(problem), clock_.now());
    if (core_.has_uncommitted()) keeper_wake_.notify_one();
    wake_.notify_one();  // whoever takes what is now due wakes another in turn
    settled_.notify_all();
  }

  /// A constructor may throw, and then nothing has happened.
  void commit_first_changes() {
    if (!core_.has_uncommitted()) return;
    engine_core::batch batch = core_.begin_commit();
    options_.store->commit(batch.all);
    core_.end_commit(std::move(batch), "", clock_.now());
  }

  /// Waits until the change is committed. False when the store can't; engine_core::problem() says why.
  bool is_committed(std::unique_lock<std::mutex>& lock, std::uint64_t change) {
    while (core_.committed() < change && core_.problem().empty()) commit_or_wait(lock);
    return core_.committed() >= change;
  }

  /// The same, but waits until the store can. False when the engine stops meanwhile.
  bool is_committed_at_last(std::unique_lock<std::mutex>& lock, std::uint64_t change) {
    while (core_.committed() < change && !core_.is_stopping()) {
      if (core_.problem().empty())
        commit_or_wait(lock);
      else
        settled_.wait(lock);  // the keeper tries again
    }
    return !core_.is_stopping();
  }

  void commit_or_wait(std::unique_lock<std::mutex>& lock) {
    if (core_.is_committing())
      settled_.wait(lock);
    else
      commit_all(lock);  // whoever waits does it, and for the others as well
  }

  /// Waits until all that the scheduler changed is committed.
  /// \throws unreachable when the store can't, with the reason.
  void commit_changes(std::unique_lock<std::mutex>& lock) {
    if (!is_committed(lock, changed())) throw unreachable(core_.problem());
  }

  /// Commits all that was noted, at once. One thread at a time.
  void commit_all(std::unique_lock<std::mutex>& lock) {
    engine_core::batch batch = core_.begin_commit();
    lock.unlock();
    std::string problem = commit(batch.all);
    lock.lock();
    end_commit(std::move(batch), std::move(problem));
  }

  /// The keeper's thread: commits what nobody waits for, and tries again when the store can't.
  void keep() {
    std::unique_lock lock(mutex_);
    while (true) {
      keeper_wake_.wait(lock, [&] { return can_commit() || keeper_stops_; });
      if (!core_.problem().empty())
        keeper_wake_.wait_for(lock, std::chrono::seconds(1), [&] { return keeper_stops_; });
      if (can_commit()) commit_all(lock);
      if (keeper_stops_ && (!core_.has_uncommitted() || !core_.problem().empty())) return;
      lock.unlock();
      deliver();
      lock.lock();
    }
  }

  bool can_commit() const { return core_.has_uncommitted() && !core_.is_committing(); }

  /// Gives what went wrong: it will be tried again.
  std::string commit(std::span<const changes> batch) const {
    try {
      options_.store->commit(batch);
      return {};
    } catch (...) {
      std::string problem = "the engine's store takes nothing: " + words_of_exception();
      app_.log().error(problem);
      return problem;
    }
  }

  // ---- working ----------------------------------------------------------------------------------------

  void work() {
    std::unique_lock lock(mutex_);
    while (!core_.is_stopping()) {
      try {
        take_and_call(lock);
      } catch (...) {  // a thread must not end by it, and the others have work
        if (!lock.owns_lock()) lock.lock();
        core_.log(log_level::error, "the engine failed at a job: " + words_of_exception());
        lock.unlock();
        deliver();
        lock.lock();
        wake_.wait_for(lock, std::chrono::milliseconds(100));
      }
    }
  }

  void take_and_call(std::unique_lock<std::mutex>& lock) {
    auto next = core_.take(clock_.now());
    if (!next) {
      is_committed(lock, changed());
      lock.unlock();
      deliver();
      lock.lock();
      if (!core_.is_stopping()) sleep_until_due(lock);
      return;
    }
    if (next->what.what == job::kind::call && is_elsewhere(next->request) && !call_app_) {
      postpone(*next);
      return;
    }
    commit_at_once();
    wake_.notify_one();  // the next may be due as well: whoever takes it wakes another in turn
    if (!is_committed_at_last(lock, next->change)) {
      core_.give_back(*next);
      settled_.notify_all();
      return;
    }
    http::response response;
    if (core_.is_wanted(*next)) {
      lock.unlock();
      deliver();
      response = call(*next);
      lock.lock();
    }
    core_.finish(*next, std::move(response), clock_.now());
    commit_at_once();
    settled_.notify_all();
    if (core_.is_stopping()) keeper_wake_.notify_one();
  }

  static bool is_elsewhere(const http::request& request) {
    return !request.method.empty() && !request.url.starts_with('/') && !request.url.starts_with('?');
  }

  /// Nobody can call the app before there is an http_server, which begins after the engine. The call waits
  /// for it, and uses up no attempt.
  void postpone(const engine_core::call& call) {
    if (!std::exchange(has_told_of_server_, true))
      core_.log(
          log_level::info,
          "runs of apps elsewhere wait for an http_server that calls them, such as run " + call.what.run_id);
    core_.postpone(call, clock_.now() + std::chrono::seconds(1));
    commit_at_once();
  }

  void begin_to_stop() {
    core_.begin_to_stop();
    commit_at_once();
    wake_.notify_all();
    settled_.notify_all();
    keeper_wake_.notify_one();
    cleaner_wake_.notify_one();
  }

  void end_threads() {
    {
      const std::lock_guard lock(mutex_);
      begin_to_stop();
    }
    deliver();
    for (std::thread& worker : workers_) worker.join();
    {
      const std::lock_guard lock(mutex_);
      keeper_stops_ = true;
    }
    keeper_wake_.notify_all();
    if (keeper_.joinable()) keeper_.join();
    if (cleaner_.joinable()) cleaner_.join();
    deliver();
  }

  http::response call(engine_core::call& made) {
    const job& job = made.what;
    http::request request = std::move(made.request);
    if (request.method.empty()) return no_answer(request.body);
    if (job.what == job::kind::request) return ask_elsewhere(request);
    if (!is_elsewhere(request)) {
      const sending_run sends(this, job.run_id);
      return handler_.answer_in_process(
          std::move(request),
          [&](const std::vector<protocol::operation>& results) { return save(job, results); }, made.stop);
    }
    try {
      return call_elsewhere(std::move(request));
    } catch (...) {
      return server_api<engine>::answer_of(500, {{"name", "unreachable"}, {"message", words_of_exception()}});
    }
  }

  /// Makes a request for a step.
  http::response ask_elsewhere(const http::request& request) const {
    if (!options_.requests)
      return no_answer("the engine has no transport for it: include <inngest/transport/httplib.hpp>");
    try {
      return options_.requests->send(request, options_.request_timeout);
    } catch (...) {
      return no_answer(words_of_exception());
    }
  }

  http::response call_elsewhere(http::request request) {
    std::function<http::response(http::request)> calls;
    {
      const std::lock_guard lock(mutex_);
      calls = call_app_;
    }
    if (!calls) throw unreachable("the http_server that calls apps elsewhere has ended");
    return calls(std::move(request));
  }

  /// Keeps results while a function goes on.
  execution::checkpoints::saved save(const job& job, const std::vector<protocol::operation>& results) {
    using saved = execution::checkpoints::saved;
    const auto operations = read_operations(protocol::write_operations(results));
    {
      std::unique_lock lock(mutex_);
      if (!core_.checkpoint(job.run_id, job.id, operations, clock_.now())) return saved::stale;
      if (!is_committed(lock, changed())) return saved::no;
    }
    deliver();
    return saved::yes;
  }

  /// Waits are measured with the steady clock. They are short, so that a system clock that is set forward is
  /// noticed.
  void sleep_until_due(std::unique_lock<std::mutex>& lock) {
    constexpr std::chrono::milliseconds longest = std::chrono::seconds(1);
    const auto due = core_.state().next_due();
    if (!due) return wake_.wait(lock);
    const timestamp now = clock_.now();
    if (*due > now) wake_.wait_for(lock, *due - now < longest ? *due - now : longest);
  }

  /// The cleaner's thread: forgets what is too old to be looked at, at the start and then every ten minutes.
  void clean() {
    std::unique_lock lock(mutex_);
    while (!core_.is_stopping()) {
      lock.unlock();
      try {
        options_.store->forget_before(
            clock_.now() -
            std::min<std::chrono::milliseconds>(options_.history, std::chrono::hours(100 * 366 * 24)));
      } catch (...) {
        app_.log().error("the engine's store forgets nothing: " + words_of_exception());
      }
      lock.lock();
      cleaner_wake_.wait_for(lock, std::chrono::minutes(10), [&] { return core_.is_stopping(); });
    }
  }

  // ---- what users hear: collected under the lock, told outside of it -------------------------------------

  /// Whether on_progress was told all that happened up to a change.
  bool is_told(std::uint64_t change) const {
    return core_.is_told(change) && (!telling_ || *telling_ > change);
  }

  /// Asks calls to stop, logs, and tells on_progress what is committed.
  void deliver() {
    std::unique_lock lock(mutex_);
    const auto stops = core_.take_stops();
    const auto lines = core_.take_log_lines();
    if (!stops.empty() || !lines.empty()) {
      ++logging_;
      lock.unlock();
      for (const auto& [stop, is_shutdown] : stops) is_shutdown ? stop.request_shutdown() : stop.request();
      for (const engine_core::log_line& line : lines) app_.log().log(line.level, line.text);
      lock.lock();
      --logging_;
    }
    if (!telling_) {  // or whoever is telling tells this too
      while (const auto next = core_.take_progress()) {
        telling_ = next->change;
        lock.unlock();
        tell(next->run, next->entry);
        lock.lock();
      }
      telling_.reset();
    }
    settled_.notify_all();
  }

  void tell(const run& run, const timeline_entry& entry) const {
    try {
      options_.on_progress(run, entry);
    } catch (...) {
      app_.log().error("engine_options::on_progress threw: " + words_of_exception());
    }
  }

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

}  // namespace inngest::embedded
