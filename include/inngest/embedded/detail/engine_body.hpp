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
#include <inngest/embedded/detail/server_api.hpp>
#include <inngest/embedded/engine_options.hpp>
#include <inngest/embedded/memory_store.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/execution/call_stop.hpp>
#include <inngest/http.hpp>
#include <inngest/log.hpp>
#include <inngest/protocol/error_info.hpp>
#include <inngest/serve.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

// What an engine is made of. Users see engine, which only has a pointer to it: their files need nothing of
// the scheduler to compile.

/// The engine: its functions do what those of `engine` say.
class engine_body {
 public:
  engine_body(client app, const std::vector<any_function>& functions, engine_options options = {});
  ~engine_body() { end_threads(); }
  engine_body(const engine_body&) = delete;
  engine_body& operator=(const engine_body&) = delete;
  bool stop(duration_ms grace = std::chrono::seconds(10));
  std::size_t calls_under_way() const;
  sent_events send(const any_event& event) { return app_.send(event); }
  sent_events send(std::initializer_list<any_event> events) { return app_.send(events); }
  sent_events send(const std::vector<any_event>& events) { return app_.send(events); }
  std::vector<std::string> accept(std::string events, std::string_view seed = {});
  std::optional<std::string> signal(const std::string& name, const std::string& data = "null");
  std::string start(const any_function& function, const json& data = json::object());
  std::optional<std::string> rerun(std::string_view run_id);
  bool cancel(std::string_view run_id);
  bool checkpoint(const std::string& run_id, std::uint64_t call_id, std::string operations);
  void call_apps_by(std::function<http::response(http::request)> calls);
  void register_app(const std::string& id, std::string registration);
  std::vector<function_definition> functions() const;
  std::uint64_t sequence() const;
  const embedded::store& store() const { return *options_.store; }
  const logger& log() const { return app_.log(); }
  std::vector<unreadable_record> unreadable() const;
  std::vector<run> runs() const { return with_readers(options_.store->runs()); }
  std::vector<run> runs_of(std::string_view event_id) const;
  std::optional<run> find_run(std::string_view run_id) const;
  run wait_for(std::string_view run_id, duration_ms timeout) const;
  bool wait_until_idle(duration_ms timeout) const;

 private:
  /// The client's way to the engine: the part of a server's HTTP API that an app needs.
  class loopback final : public http::transport {
   public:
    explicit loopback(engine_body& engine) : engine_(&engine) {}
    http::response send(const http::request& request, std::chrono::milliseconds) override;

   private:
    engine_body* engine_;
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
#include <inngest/embedded/detail/impl/engine_body.ipp>
#endif
