#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/embedded/api.hpp>
#include <inngest/embedded/memory_store.hpp>
#include <inngest/embedded/registration_conflict.hpp>
#include <inngest/embedded/retry.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/scheduler.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/http.hpp>
#include <inngest/serve.hpp>

namespace inngest::embedded {

struct engine_options {
  /// Threads that run handlers, and wait for apps elsewhere: so many calls are under way at once.
  std::size_t workers = 8;
  /// Keeps the state. Default: a new memory_store. On disk: see sqlite_store.
  std::shared_ptr<embedded::store> store{};
  /// How long after the given attempt (0 is the first) the next one starts. Default: as an Inngest server
  /// does, from 15 seconds to two hours.
  std::function<std::chrono::milliseconds(int attempt)> retry_delay{};
  /// Makes the requests of step.fetch and step.ai.infer. Default: as a client's, that of
  /// <inngest/transport/httplib.hpp> if it is included.
  std::shared_ptr<http::transport> requests{};
  /// How long each of them may take.
  std::chrono::milliseconds request_timeout = std::chrono::minutes(10);
  /// How long ended runs and their events stay to be looked at.
  std::chrono::milliseconds history = std::chrono::hours(7 * 24);
  /// Told what happens, as it happens, one thing at a time and in order. The run comes without its timeline.
  /// Called from the engine's threads; it may send events, but must not wait for the engine.
  std::function<void(const run&, const timeline_entry&)> on_progress{};
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
/// What it has taken in is in the store before it says so, and a step's result before the function goes on:
/// with a store on disk a process may end at any time, and another goes on where it was.
class engine {
 public:
  /// Goes on with what the store has. \throws configuration_error for a function that the engine can't run as
  /// it asks to be; what the store throws.
  engine(client app, const std::vector<any_function>& functions, engine_options options = {})
      : app_(std::move(app)),
        options_(with_defaults(std::move(options))),
        handler_(app_, functions, {.framework = "embedded"}),
        scheduler_(definitions(handler_), options_.store->load(), options_.retry_delay, now()) {
    scheduler_.collect_progress(options_.on_progress != nullptr);
    app_.replace_transport(std::make_shared<loopback>(*this));
    {
      const std::lock_guard lock(mutex_);
      keep_changes();
    }
    if (options_.store->is_on_disk()) keeper_ = std::thread([this] { keep(); });
    for (std::size_t i = 0; i < options_.workers; ++i) workers_.emplace_back([this] { work(); });
  }

  /// Stops the workers; a handler that is running is waited for. What is not done stays in the store.
  ~engine() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& each : workers_) each.join();
    {
      const std::lock_guard lock(mutex_);
      keeper_stops_ = true;
    }
    keeper_wake_.notify_all();
    if (keeper_.joinable()) keeper_.join();
    app_.restore_transport();  // last: until then a handler's events still come here
  }

  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  /// Takes events in, as client::send does.
  /// \throws event_rejected, payload_error.
  sent_events send(const any_event& event) { return app_.send(event); }
  sent_events send(std::initializer_list<any_event> events) { return app_.send(events); }
  sent_events send(const std::vector<any_event>& events) { return app_.send(events); }

  /// Takes in an event, or an array of them, as JSON, and gives their ids.
  /// \throws payload_error naming what is wrong; unreachable when the store takes nothing.
  std::vector<std::string> accept(std::string events) {
    std::unique_lock lock(mutex_);
    if (!store_problem_.empty()) throw unreachable(store_problem_);
    std::vector<std::string> ids = scheduler_.accept(std::move(events), now());
    keep_changes_now(lock);
    lock.unlock();
    deliver_progress();
    return ids;
  }

  /// Ends the wait for a signal, and gives the id of the run that waited; nothing when none did.
  std::optional<std::string> signal(const std::string& name, const std::string& data = "null") {
    std::unique_lock lock(mutex_);
    auto run_id = scheduler_.signal(name, data, now());
    keep_changes_now(lock);
    lock.unlock();
    deliver_progress();
    return run_id;
  }

  /// Starts a run of the function now, whatever its triggers, and gives the run's id.
  /// \throws configuration_error when the function is not one of the engine's, or is a singleton that runs.
  std::string start(const any_function& function, const json& data = json::object()) {
    std::unique_lock lock(mutex_);
    if (!scheduler_.functions().find(function.slug()))
      throw configuration_error("the engine has no function \"" + function.id() + "\"");
    std::string id = scheduler_.start(function.slug(), encode(data, "data"), now());
    if (id.empty())
      throw configuration_error("function \"" + function.id() + "\" is a singleton and runs already");
    keep_changes_now(lock);
    lock.unlock();
    deliver_progress();
    return id;
  }

  /// Begins a run with the events of an earlier one, and gives its id; nothing when there is no such run, or
  /// its function is gone.
  std::optional<std::string> rerun(std::string_view run_id) {
    const auto earlier = options_.store->find_run(run_id);
    if (!earlier) return std::nullopt;
    std::unique_lock lock(mutex_);
    std::string id = scheduler_.rerun(*earlier, now());
    if (id.empty()) return std::nullopt;
    keep_changes_now(lock);
    lock.unlock();
    deliver_progress();
    return id;
  }

  /// Cancels a run: a step that is running ends, but nothing comes after it. False when there is no such run
  /// or it has ended.
  bool cancel(std::string_view run_id) {
    std::unique_lock lock(mutex_);
    if (!scheduler_.cancel(run_id, now())) return false;
    keep_changes_now(lock);
    lock.unlock();
    deliver_progress();
    return true;
  }

  /// Takes results that a function elsewhere has saved while it goes on. False when it must stop: the run has
  /// ended or was called again. \throws payload_error, protocol_error for what are no results.
  bool checkpoint(const std::string& run_id, std::uint64_t call_id, std::string operations) {
    const auto read = read_operations(std::move(operations));
    std::unique_lock lock(mutex_);
    if (!scheduler_.checkpoint(run_id, call_id, read, now())) return false;
    keep_changes_now(lock);
    lock.unlock();
    deliver_progress();
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
    if (const auto conflict = find_registration_conflict(scheduler_.functions().all(), app, functions))
      throw configuration_error(*conflict);
    scheduler_.register_app(app, std::move(functions), now());
    keep_changes_now(lock);
  }

  /// The functions that the engine calls.
  std::vector<function_definition> functions() const {
    const std::lock_guard lock(mutex_);
    std::vector<function_definition> out;
    for (const auto& [slug, each] : scheduler_.functions().all()) out.push_back(*each);
    return out;
  }

  /// A number that grows when anything changes.
  std::uint64_t sequence() const {
    const std::lock_guard lock(mutex_);
    return changed_;
  }

  /// Where the state is kept: events and runs can be looked at there.
  const embedded::store& store() const { return *options_.store; }
  /// All runs, oldest first.
  std::vector<run> runs() const { return options_.store->runs(); }
  /// The runs that an event started.
  std::vector<run> runs_of(std::string_view event_id) const { return options_.store->runs_of(event_id); }
  /// A run with its timeline; nothing when there is none of the id.
  std::optional<run> find_run(std::string_view run_id) const {
    auto found = options_.store->find_run(run_id);
    return found ? std::optional<run>(std::move(found->run)) : std::nullopt;
  }

  /// Waits until the run has ended or the time is up, and gives it as it then is.
  /// \throws configuration_error when there is no such run.
  run wait_for(std::string_view run_id, std::chrono::milliseconds timeout) const {
    {
      std::unique_lock lock(mutex_);
      settled_.wait_for(lock, timeout, [&] { return !scheduler_.is_running(run_id) && is_settled(); });
    }
    auto out = find_run(run_id);
    if (!out) throw configuration_error("there is no run \"" + std::string(run_id) + "\"");
    return std::move(*out);
  }

  /// Waits until no run is left that could go on; false when the time was up first.
  bool wait_until_idle(std::chrono::milliseconds timeout) const {
    std::unique_lock lock(mutex_);
    return settled_.wait_for(lock, timeout, [&] { return scheduler_.is_idle() && is_settled(); });
  }

 private:
  /// The client's way to the engine: the part of a server's HTTP API that an app needs.
  class loopback final : public http::transport {
   public:
    explicit loopback(engine& engine) : engine_(&engine) {}
    http::response send(const http::request& request, std::chrono::milliseconds) override {
      return api<engine>(*engine_).answer(request);
    }

   private:
    engine* engine_;
  };

  static engine_options with_defaults(engine_options options) {
    if (options.workers == 0) throw configuration_error("engine_options::workers must be at least 1");
    if (!options.store) options.store = std::make_shared<memory_store>();
    if (!options.requests && detail::default_transport()) options.requests = detail::default_transport()();
    if (!options.retry_delay) options.retry_delay = server_retry_delay;
    return options;
  }

  static std::vector<function_definition> definitions(const handler& handler) {
    std::vector<function_definition> out;
    for (const any_function& each : handler.functions()) out.push_back(define(each));
    return out;
  }

  static timestamp now() {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }

  // ---- keeping ----------------------------------------------------------------------------------------

  /// Sees that what the scheduler changed is kept, by the keeper's thread if the store is on disk.
  void keep_changes() {
    if (kept_ < note_changes()) keeper_wake_.notify_one();
  }

  /// Notes what the scheduler changed, and gives a number to wait for. In memory it is kept at once.
  std::uint64_t note_changes() {
    for (auto& each : scheduler_.take_progress()) untold_.push_back(std::move(each));
    changes fresh = scheduler_.take_changes();
    if (fresh.empty()) return changed_;
    ++changed_;
    if (options_.store->is_on_disk()) {
      unkept_.push_back(std::move(fresh));
    } else {
      options_.store->commit({&fresh, 1});
      scheduler_.kept(fresh);
      kept_ = changed_;
      wake_.notify_one();
    }
    return changed_;
  }

  /// False when the store can't keep it; store_problem_ says why.
  bool is_kept(std::unique_lock<std::mutex>& lock, std::uint64_t change) {
    while (kept_ < change && store_problem_.empty()) {
      if (!committing_)
        commit_all(lock);  // whoever waits does it, and for the others as well
      else
        settled_.wait(lock);
    }
    return kept_ >= change;
  }

  /// Waits until all that the scheduler changed is kept.
  /// \throws unreachable when the store can't keep it, with the reason.
  void keep_changes_now(std::unique_lock<std::mutex>& lock) {
    if (!is_kept(lock, note_changes())) throw unreachable(store_problem_);
  }

  /// Keeps all that was noted, at once. One thread at a time.
  void commit_all(std::unique_lock<std::mutex>& lock) {
    std::vector<changes> batch = std::exchange(unkept_, {});
    const std::uint64_t last = changed_;
    committing_ = true;
    lock.unlock();
    std::string problem = commit(batch);
    lock.lock();
    committing_ = false;
    if (problem.empty()) {
      for (const changes& each : batch) scheduler_.kept(each);
      kept_ = last;
    } else {
      unkept_.insert(unkept_.begin(), std::make_move_iterator(batch.begin()),
                     std::make_move_iterator(batch.end()));
    }
    store_problem_ = std::move(problem);
    if (!unkept_.empty()) keeper_wake_.notify_one();
    wake_.notify_one();  // whoever takes what is now due wakes another in turn
    settled_.notify_all();
  }

  /// The keeper's thread: keeps what nobody waits for, and tries again when the store takes nothing.
  void keep() {
    std::unique_lock lock(mutex_);
    while (true) {
      keeper_wake_.wait(lock, [&] { return (!unkept_.empty() && !committing_) || keeper_stops_; });
      if (!store_problem_.empty())
        keeper_wake_.wait_for(lock, std::chrono::seconds(1), [&] { return keeper_stops_; });
      if (!unkept_.empty() && !committing_) commit_all(lock);
      if (keeper_stops_ && (unkept_.empty() || !store_problem_.empty())) return;
    }
  }

  /// Gives what went wrong: it will be tried again.
  std::string commit(const std::vector<changes>& batch) const {
    try {
      options_.store->commit(batch);
      return {};
    } catch (const std::exception& problem) {
      app_.log().error(std::string("the engine's store takes nothing: ") + problem.what());
      return std::string("the engine's store takes nothing: ") + problem.what();
    }
  }

  // ---- working ----------------------------------------------------------------------------------------

  void work() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      const std::optional<job> next = scheduler_.take_due(now());
      keep_changes();
      if (!next) {
        announce(lock);
        if (!stopping_) sleep_until_due(lock);
        continue;
      }
      wake_.notify_one();  // the next may be due as well: whoever takes it wakes another in turn
      http::request request = scheduler_.request_for(*next);
      lock.unlock();
      deliver_progress();
      http::response response = call(*next, std::move(request));
      lock.lock();
      scheduler_.finish(*next, std::move(response), now());
      keep_changes();
    }
  }

  http::response call(const job& job, http::request request) {
    if (job.what == job::kind::request) return ask_elsewhere(request);
    if (request.url.starts_with('/') || request.url.starts_with('?')) {
      return handler_.answer_in_process(
          std::move(request),
          [&](const std::vector<protocol::operation>& results) { return save(job, results); });
    }
    try {
      return call_elsewhere(std::move(request));
    } catch (const std::exception& problem) {
      return api<engine>::answer_of(500, {{"name", "unreachable"}, {"message", problem.what()}});
    }
  }

  /// Makes a request for a step.
  http::response ask_elsewhere(const http::request& request) const {
    if (!options_.requests)
      return no_answer("the engine has no transport for it: include <inngest/transport/httplib.hpp>");
    try {
      return options_.requests->send(request, options_.request_timeout);
    } catch (const std::exception& problem) {
      return no_answer(problem.what());
    }
  }

  http::response call_elsewhere(http::request request) {
    std::function<http::response(http::request)> calls;
    {
      const std::lock_guard lock(mutex_);
      calls = call_app_;
    }
    if (!calls) throw unreachable("the app runs elsewhere, and this engine has no http_server to call it");
    return calls(std::move(request));
  }

  /// Keeps results while a function goes on.
  execution::checkpoints::saved save(const job& job, const std::vector<protocol::operation>& results) {
    using saved = execution::checkpoints::saved;
    const auto operations = read_operations(protocol::write_operations(results));
    {
      std::unique_lock lock(mutex_);
      if (!scheduler_.checkpoint(job.run_id, job.id, operations, now())) return saved::stale;
      if (!is_kept(lock, note_changes())) return saved::no;
    }
    deliver_progress();
    return saved::yes;
  }

  void announce(std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    deliver_progress();
    lock.lock();
    settled_.notify_all();
  }

  void sleep_until_due(std::unique_lock<std::mutex>& lock) {
    clean(lock);
    if (stopping_) return;  // it was told meanwhile
    const auto due = scheduler_.next_due();
    if (!due)
      wake_.wait_until(lock, next_cleaning_);
    else if (*due > now())
      wake_.wait_until(lock, std::min(*due, next_cleaning_));
  }

  /// Forgets what is too old to be looked at.
  void clean(std::unique_lock<std::mutex>& lock) {
    if (now() < next_cleaning_) return;
    next_cleaning_ = now() + std::chrono::minutes(10);
    lock.unlock();
    try {
      options_.store->forget_before(now() - options_.history);
    } catch (const std::exception& problem) {
      app_.log().error(std::string("the engine's store forgets nothing: ") + problem.what());
    }
    lock.lock();
  }

  // ---- progress: collected under the lock, told outside of it ------------------------------------------

  bool is_settled() const { return kept_ == changed_ && untold_.empty() && !telling_; }

  void deliver_progress() {
    std::unique_lock lock(mutex_);
    if (telling_) return;  // whoever is telling tells this too
    telling_ = true;
    while (!untold_.empty()) {
      const auto next = std::move(untold_.front());
      untold_.pop_front();
      lock.unlock();
      tell(next.first, next.second);
      lock.lock();
    }
    telling_ = false;
    settled_.notify_all();
  }

  void tell(const run& run, const timeline_entry& entry) const {
    try {
      options_.on_progress(run, entry);
    } catch (const std::exception& problem) {
      app_.log().error(std::string("engine_options::on_progress threw: ") + problem.what());
    }
  }

  client app_;
  engine_options options_;
  handler handler_;

  mutable std::mutex mutex_;  // of everything below
  std::condition_variable wake_;
  mutable std::condition_variable settled_;
  scheduler scheduler_;
  std::function<http::response(http::request)> call_app_;
  std::vector<changes> unkept_;
  std::uint64_t changed_ = 0;  // how many changes there were
  std::uint64_t kept_ = 0;     // how many of them are kept
  std::string store_problem_;  // why the last were not
  bool committing_ = false;
  std::condition_variable keeper_wake_;
  timestamp next_cleaning_{};
  std::deque<std::pair<run, timeline_entry>> untold_;
  bool telling_ = false;
  bool stopping_ = false;
  bool keeper_stops_ = false;

  std::thread keeper_;
  std::vector<std::thread> workers_;
};

}  // namespace inngest::embedded
