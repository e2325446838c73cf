#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/embedded/app_info.hpp>
#include <inngest/embedded/bulk.hpp>
#include <inngest/embedded/detail/app_contacts.hpp>
#include <inngest/embedded/detail/audit_scope.hpp>
#include <inngest/embedded/detail/bulk_plan.hpp>
#include <inngest/embedded/detail/bulk_runner.hpp>
#include <inngest/embedded/detail/bulk_text.hpp>
#include <inngest/embedded/detail/cancellation_api.hpp>
#include <inngest/embedded/detail/endpoint_runs.hpp>
#include <inngest/embedded/detail/engine_clock.hpp>
#include <inngest/embedded/detail/engine_committer.hpp>
#include <inngest/embedded/detail/engine_core.hpp>
#include <inngest/embedded/detail/engine_monitor.hpp>
#include <inngest/embedded/detail/event_shapes.hpp>
#include <inngest/embedded/detail/finder.hpp>
#include <inngest/embedded/detail/outgoing_request.hpp>
#include <inngest/embedded/detail/realtime_hub.hpp>
#include <inngest/embedded/detail/redirect.hpp>
#include <inngest/embedded/detail/registration_conflict.hpp>
#include <inngest/embedded/detail/registration_rules.hpp>
#include <inngest/embedded/detail/server_api.hpp>
#include <inngest/embedded/engine_options.hpp>
#include <inngest/embedded/function_stats.hpp>
#include <inngest/embedded/memory_store.hpp>
#include <inngest/embedded/remote_apps.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/execution/call_stop.hpp>
#include <inngest/http.hpp>
#include <inngest/http/streaming.hpp>
#include <inngest/log.hpp>
#include <inngest/protocol/error_info.hpp>
#include <inngest/realtime/message.hpp>
#include <inngest/serve.hpp>
#include <inngest/stop_token.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

// The implementation of engine. engine only holds a pointer to it, so that user code compiles without the
// scheduler.

/// Implements `engine`, which documents the public functions.
class engine_body {
 public:
  engine_body(client app, const std::vector<any_function>& functions, engine_options options = {});
  ~engine_body();
  engine_body(const engine_body&) = delete;
  engine_body& operator=(const engine_body&) = delete;
  bool stop(duration_ms grace = std::chrono::seconds(10));
  std::size_t calls_under_way() const;
  sent_events send(const any_event& event) { return app_.send(event); }
  sent_events send(std::initializer_list<any_event> events) { return app_.send(events); }
  sent_events send(const std::vector<any_event>& events) { return app_.send(events); }
  std::vector<std::string> accept(std::string events, std::string_view seed = {});
  std::optional<std::string> signal(const std::string& name, const std::string& data = "null");
  std::string start(const any_function& function, std::string data);
  [[noreturn]] static void refuse_rival(const std::string& function);
  std::optional<std::string> rerun(std::string_view run_id, const std::optional<rerun_step>& from = {});
  std::vector<run> reruns_of(std::string_view run_id) const {
    return with_readers(options_.store->reruns_of(run_id));
  }
  std::optional<std::string> resend(std::string_view event_id);
  bulk_operation begin_bulk(const bulk_request& request);
  bool stop_bulk(std::string_view id);
  bool cancel(std::string_view run_id);
  invoked_run invoke(const std::string& slug, const std::string& data, const std::string& key);
  bulk_cancellation cancel_many(bulk_cancellation wanted);
  std::vector<bulk_cancellation> bulk_cancellations();
  bool remove_bulk_cancellation(const std::string& id);
  bool checkpoint(const std::string& run_id, std::uint64_t call_id, std::string operations);
  bool pause(const pause_target& target);
  bool resume(const pause_target& target);
  std::vector<pause_record> paused() const;
  bool drain(duration_ms grace);
  bool is_draining() const;
  void end_drain();
  std::vector<schedule_info> schedules();
  invoked_run run_schedule(const std::string& slug, const std::string& cron);
  backfill_result backfill(const std::string& slug, const std::string& cron, timestamp from, timestamp until);
  void audit(audit_entry entry);
  bool remove_unreadable(const std::string& table, const std::string& key);
  void backup_to(const std::filesystem::path& file);
  void reach_apps_by(std::shared_ptr<remote_apps> apps);
  void retry_remote_apps();
  void register_app(const std::string& id, std::string registration);
  http::response answer_endpoint(const http::request& request, bool is_own, duration_ms wait);
  std::vector<function_definition> functions() const;
  std::vector<app_info> apps() const;
  json shapes(const std::string& function) const { return shapes_of(handler_.functions(), function); }
  function_stats stats_of(const std::string& function) const;
  engine_metrics metrics() const { return monitor_.metrics(); }
  std::size_t queued_runs() const;
  engine_health health() const { return monitor_.health(); }
  std::vector<run_log_line> logs_of(std::string_view run_id) const { return options_.store->logs_of(run_id); }
  std::uint64_t sequence() const;
  const embedded::store& store() const { return *options_.store; }
  const logger& log() const { return app_.log(); }
  std::vector<unreadable_record> unreadable() const;
  std::vector<run> runs() const { return with_readers(options_.store->runs()); }
  std::vector<run> runs_of(std::string_view event_id) const;
  finder search() const { return {*options_.store, monitor_}; }
  std::vector<run> find_runs(const run_query& query) const;
  run_page find_run_page(const run_query& query) const;
  run_count count_runs(const run_query& query, duration_ms most) const;
  run_histogram histogram(const run_query& query, std::size_t buckets, duration_ms most) const;
  std::vector<event_record> find_events(const event_query& query) const;
  std::optional<run> find_run(std::string_view run_id) const;
  /// As the run's timeline calls it; empty when it does not have it.
  std::string name_of_step(const std::string& run_id, const step_hash& step) const noexcept;
  run wait_for(std::string_view run_id, duration_ms timeout) const;
  bool wait_until_idle(duration_ms timeout) const;
  const client& app() const { return app_; }
  const std::shared_ptr<realtime_hub>& realtime() const { return hub_; }
  void broadcast(realtime::message message) const;
  void note(realtime::message message);
  void add_notes(std::vector<run_note> notes);

 private:
  friend class endpoint_runs<engine_body>;

  /// The client's transport while the engine exists. It answers the app's requests without a socket.
  /// Subscriptions may still use it after the engine has ended; it then throws.
  class loopback final : public http::transport {
   public:
    loopback(engine_body& engine, std::shared_ptr<realtime_hub> hub)
        : engine_(&engine), hub_(std::move(hub)) {}
    http::response send(const http::request& request, std::chrono::milliseconds timeout) override;
    void stream(const http::request& request, const http::streaming& handlers) override;

    /// Waits for requests in progress. All later ones throw `unreachable`.
    void leave_engine();

    // for stream_publisher, which may outlive the engine
    void broadcast(const realtime::message& message) const { hub_->publish(message); }
    void note(const realtime::message& message);

   private:
    /// Keeps the engine alive during its lifetime.
    /// \throws unreachable when the engine has ended.
    class visit {
     public:
      explicit visit(loopback& at);
      ~visit();
      visit(const visit&) = delete;
      visit& operator=(const visit&) = delete;

     private:
      loopback& at_;
    };

    void publish_stream(const http::request& request, const http::streaming& handlers);

    std::mutex mutex_;
    std::condition_variable left_;
    engine_body* engine_;  // null after the engine has ended
    int visitors_ = 0;
    const std::shared_ptr<realtime_hub> hub_;
  };

  /// Replaces the client's transport during its lifetime.
  class takeover {
   public:
    takeover(const client& app, std::shared_ptr<loopback> transport);
    ~takeover();
    takeover(const takeover&) = delete;
    takeover& operator=(const takeover&) = delete;

   private:
    client app_;
    std::shared_ptr<loopback> transport_;
  };

  /// The run whose handler runs on this thread; it is the sender of the events that this thread sends.
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

  /// Adds the action of this thread to the audit trail, on behalf of its audit_scope. Call it with the lock
  /// held, after the change and before the commit.
  void note_action(std::string action, std::string target, std::string details = {});

  /// The times to backfill that have no run in the store.
  std::vector<timestamp> missing_times(const std::string& slug, const std::string& cron, timestamp from,
                                       timestamp until, backfill_result& out);

  /// Makes run::output() use the middleware of the run's function.
  void set_reader(run& of) const;
  std::vector<run> with_readers(std::vector<run> all) const;

  static engine_options with_defaults(engine_options options);

  static std::vector<function_definition> definitions(const handler& handler);

  void log_unreadable() const;

  unfinished_work unfinished();

  static std::string counted(std::size_t count, const char* what);

  // ---- working ----------------------------------------------------------------------------------------

  void work();

  /// Takes and executes a job, or waits for one. Passes the route that the job used to the caller.
  void take_and_call(std::unique_lock<std::mutex>& lock, std::unique_ptr<app_route>& route);

  /// The route to a function in another process; null when there is none now.
  std::unique_ptr<app_route> route_to(const function_definition& function);

  /// Looks for routes again, after one was freed or new ones were added.
  void retry_routes();
  void free(std::unique_ptr<app_route>& route);

  /// An app whose functions have this URL, without its recorded contacts.
  app_info describe_app(const std::string& id, const std::string& url) const;

  void begin_to_stop();

  void end_threads();

  /// Makes a call. `nullopt` when its app did not receive it.
  std::optional<http::response> call(engine_core::call& made, app_route* route);

  /// Makes the request of a step.
  http::response make_request(const http::request& request) const;

  std::optional<http::response> call_remote_app(engine_core::call& made, app_route& route) const;

  /// Saves results while a function continues.
  execution::checkpoints::saved save(const job& job, const std::vector<protocol::operation>& results);

  /// Sleeps until a job is due, but not for long: the wait uses the steady clock, and the system clock may be
  /// set forward in the meantime.
  void sleep_until_due(std::unique_lock<std::mutex>& lock);

  /// The cleaner's thread: removes old records at the start, then every ten minutes, and while commits fail
  /// every ten seconds.
  void clean();

  /// Removes old records. Does not throw.
  void forget_old() noexcept;
  /// Removes old records although a commit has failed, except `spared` runs. Does not throw.
  void make_room(std::set<std::string, std::less<>> spared) noexcept;
  void log_early_removal(std::size_t runs) const;

  // ---- callbacks and log lines: collected under the lock, delivered without it ----------------------------

  /// Whether on_progress was called for everything up to the change.
  bool is_notified(std::uint64_t change) const;

  /// Requests calls to stop, writes log lines, and calls on_progress for committed changes.
  void deliver();

  void notify(const run& run, const timeline_entry& entry) const;

  /// Passes a line to the client's logger, and stores it if it is about a run.
  void log(const engine_core::log_line& line);

  /// Stores a line with its run, if that run exists. Does not throw.
  void keep_log(const log_record& record) noexcept;

  client app_;
  engine_options options_;
  handler handler_;
  mutable engine_clock clock_;
  const timestamp started_at_;
  const std::shared_ptr<realtime_hub> hub_;

  mutable std::mutex mutex_;  // guards the members below
  std::condition_variable wake_;
  mutable std::condition_variable settled_;
  std::condition_variable cleaner_wake_;
  engine_core core_;
  engine_committer commits_{core_, *options_.store, clock_, app_.log(), wake_, settled_, cleaner_wake_};
  std::shared_ptr<remote_apps> apps_;
  stop_source abandoning_;  // requested once the engine waits no longer for apps elsewhere
  const std::shared_ptr<app_contacts> contacts_ =
      std::make_shared<app_contacts>([this] { return clock_.now(); });
  engine_monitor monitor_{mutex_, core_, commits_, clock_, options_};
  bulk_runner bulk_{mutex_,
                    core_,
                    commits_,
                    clock_,
                    *options_.store,
                    app_.log(),
                    [this](const run_query& query) { return find_run_page(query); },
                    [this] { deliver(); }};
  std::optional<std::uint64_t> notifying_;  // the change for which on_progress is being called
  std::uint64_t last_log_position_ = 0;
  int logging_ = 0;  // threads that write log lines
  bool has_logged_missing_server_ = false;
  std::mutex backfilling_;         // taken before mutex_: one backfill at a time
  int waiting_for_responses_ = 0;  // threads in endpoint_runs
  bool is_ending_ = false;         // the destructor waits for these threads

  takeover takeover_;  // outlives the threads, whose handlers may send events
  std::thread committer_;
  std::thread cleaner_;
  std::vector<std::thread> workers_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/engine_body.ipp>
#include <inngest/embedded/detail/impl/engine_body_calls.ipp>
#include <inngest/embedded/detail/impl/engine_body_control.ipp>
#include <inngest/embedded/detail/impl/engine_body_delivery.ipp>
#include <inngest/embedded/detail/impl/engine_body_queries.ipp>
#include <inngest/embedded/detail/impl/engine_body_requests.ipp>
#endif
