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
#include <inngest/embedded/detail/engine_committer.hpp>
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

// The implementation of engine. engine only has a pointer to it, so that user code compiles without the
// scheduler.

/// Implements `engine`, which documents the public functions.
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
  /// The client's transport while the engine lives. It answers the requests of an app without a socket.
  class loopback final : public http::transport {
   public:
    explicit loopback(engine_body& engine) : engine_(&engine) {}
    http::response send(const http::request& request, std::chrono::milliseconds) override;

   private:
    engine_body* engine_;
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
  handler handler_;
  engine_clock clock_;

  mutable std::mutex mutex_;  // of everything below
  std::condition_variable wake_;
  mutable std::condition_variable settled_;
  std::condition_variable cleaner_wake_;
  engine_core core_;
  engine_committer commits_{core_, *options_.store, clock_, app_.log(), wake_, settled_};
  std::function<http::response(http::request)> call_app_;
  std::optional<std::uint64_t> notifying_;  // the change for which on_progress is being called
  int logging_ = 0;                         // threads that write log lines
  bool has_logged_missing_server_ = false;

  takeover takeover_;  // outlives the threads, whose handlers may send events
  std::thread committer_;
  std::thread cleaner_;
  std::vector<std::thread> workers_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/engine_body.ipp>
#endif
