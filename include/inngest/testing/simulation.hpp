#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/detail/ulid.hpp>
#include <inngest/embedded/detail/realtime_hub.hpp>
#include <inngest/embedded/detail/scheduling/scheduler.hpp>
#include <inngest/embedded/detail/server_api.hpp>
#include <inngest/embedded/memory_store.hpp>
#include <inngest/error.hpp>
#include <inngest/execution/checkpoints.hpp>
#include <inngest/function.hpp>
#include <inngest/http/streaming.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/protocol/operation.hpp>
#include <inngest/protocol/step_kinds.hpp>
#include <inngest/realtime/message.hpp>
#include <inngest/serve.hpp>
#include <inngest/testing/mocks.hpp>
#include <inngest/time/detail/saturated.hpp>

// The implementation of the test harness: the engine's scheduler and the app's handler on one thread, with a
// virtual clock.

namespace inngest::inline INNGEST_ABI::testing {

using inngest::timestamp;

class simulation {
 public:
  struct options {
    timestamp start{};
    bool retries = true;
    bool check_determinism = true;
    std::function<duration_ms(int attempt)> retry_delay{};
  };

  simulation(client app, const std::vector<any_function>& functions, const options& chosen);

  ~simulation() { close(); }
  simulation(const simulation&) = delete;
  simulation& operator=(const simulation&) = delete;

  /// Gives the client its transport back, and ends realtime subscriptions. Later calls do nothing.
  void close() noexcept;

  // ---- time -------------------------------------------------------------------------------------------

  timestamp now() const { return now_; }

  /// Runs everything that is due at the current time.
  void settle();

  /// Moves to the time of the next job, unless that is after `end`.
  bool go_to_next(timestamp end);

  void go_to(timestamp end);

  // ---- events and runs ----------------------------------------------------------------------------------

  /// Accepts events as JSON text, also those of the app's own client.
  std::vector<std::string> accept(std::string events, std::string_view seed = {});

  /// Sends an event of the test. Runs that it starts begin immediately.
  std::vector<std::string> send(const any_event& event);

  std::optional<std::string> signal(const std::string& name, const std::string& data);

  /// Begins a run with these events, unchanged.
  /// \throws configuration_error when there are none, or when the function is a singleton that is running.
  std::string begin(const any_function& function, const std::vector<std::string>& events);

  std::string start(const any_function& function, const std::string& data);

  bool cancel(std::string_view run_id);

  /// Reruns from a step, if one is given.
  std::optional<std::string> rerun(std::string_view run_id,
                                   const std::optional<embedded::rerun_step>& from = {});

  embedded::invoked_run invoke(const std::string& slug, const std::string& data, const std::string& key);

  embedded::bulk_cancellation cancel_many(embedded::bulk_cancellation wanted);
  std::vector<embedded::bulk_cancellation> bulk_cancellations() const {
    return scheduler_.bulk_cancellations(now_);
  }
  bool remove_bulk_cancellation(const std::string& id);

  void preload(const std::string& run_id, const step_hash& step, const std::string& memo);
  // ---- realtime and metadata ----------------------------------------------------------------------------

  const std::shared_ptr<embedded::realtime_hub>& realtime() const { return hub_; }
  void broadcast(realtime::message message);
  void note(realtime::message message);
  void add_notes(std::vector<embedded::run_note> notes);
  /// The published messages, oldest first; each stream as one message.
  const std::vector<realtime::message>& published() const { return published_; }

  const embedded::store& store() const { return store_; }
  std::optional<embedded::run> find_run(std::string_view run_id) const;
  /// A step's result in a run, as its function reads it.
  std::string read_result(const embedded::run& run, const step_info& step, const std::string& result) const;
  /// A stored event as the app's first function would receive it.
  std::string read_event(const std::string& text) const;
  std::vector<embedded::run> runs_of(std::string_view event_id) const { return store_.runs_of(event_id); }
  std::vector<embedded::function_definition> functions() const;
  /// The run; null when it has ended.
  const embedded::active_run* active(std::string_view run_id) const { return scheduler_.find_run(run_id); }
  /// The ids of the events that the app has sent.
  const std::vector<std::string>& sent() const { return sent_; }
  const std::vector<embedded::reported_operation>& operations(const std::string& run_id) const;
  /// The id that the function gave the step; empty when no operation has told it.
  std::string id_of(const step_hash& step) const;
  /// The id or, for a step of a recorded run, the name; empty for an unknown step.
  std::string name_of(const step_hash& step) const;
  /// The step as messages call it.
  std::string shown_step(const step_hash& step) const;
  /// Notes the names of the steps of a recorded run.
  void note_names(const std::map<step_hash, std::string>& names) {
    names_.insert(names.begin(), names.end());
  }
  mocks& replaced() { return *mocks_; }
  const mocks& replaced() const { return *mocks_; }

 private:
  class loopback final : public http::transport {
   public:
    loopback(simulation& simulation, std::shared_ptr<embedded::realtime_hub> hub)
        : simulation_(&simulation), hub_(std::move(hub)) {}
    http::response send(const http::request& request, std::chrono::milliseconds) override;
    void stream(const http::request& request, const http::streaming& handlers) override;

   private:
    simulation* simulation_;
    std::shared_ptr<embedded::realtime_hub> hub_;
  };

  /// The virtual time, for what functions and steps compare with the current time.
  std::function<std::chrono::system_clock::time_point()> clock() const;

  serve_options serving(bool is_strict) const;

  void require_known(const any_function& function) const;

  std::vector<any_function> with_mocks(const std::vector<any_function>& functions) const;

  std::vector<embedded::function_definition> definitions(bool retries) const;

  void commit_changes();

  /// Makes one call, if one is due.
  bool step();

  class call_scope;
  http::response call(const embedded::job& due);

  /// The number of steps that a call may run. It is 1 for runs with few results, so that every call replays
  /// all steps, as after a restart. For runs with many results it is a fraction of their number, so that the
  /// total time grows linearly instead of quadratically.
  std::size_t steps_of_a_call(const std::string& run_id) const;

  /// Whether a call is replayed twice to check determinism. For a run with hundreds of results, only after
  /// every one percent of new results.
  bool is_checked(const std::string& run_id);

  /// Saves step results. Returns false when another call has taken over.
  bool save_results(const embedded::job& due, const std::vector<protocol::operation>& results);

  /// The answer to an HTTP request: of the step's mock, because tests make no real requests.
  http::response answer_request(const embedded::job& due);
  http::response response_of(const embedded::job& due, const std::string& mocked) const;
  http::response refuse_request(const embedded::job& due) const;

  /// The answer of a function that has ended without asking for all of its run's results: a failure that
  /// names one of them.
  std::optional<http::response> refuse_unused_result(const std::string& run_id) const;

  /// Records the reported operations, and answers mocked steps of the server. Returns whether the function
  /// has ended.
  bool note_operations(const std::string& run_id, http::response& answer);

  /// The id that the function gave the operation's step.
  static std::string id_in(const json& op);

  /// The kind of the wait that the operation begins; null for other operations.
  static const protocol::step_kind_row* wait_begun_by(std::string_view op);
  /// The option with the name of the event or signal.
  static const char* name_option(const protocol::step_kind_row& kind) {
    return kind.gives == protocol::step_gives::signal ? "signal" : "event";
  }
  bool mock_server_step(const std::string& run_id, json& op);
  struct not_replaced {};

  /// What a mock has returned or thrown, as JSON.
  struct mock_answer {
    std::string text{};
    bool has_failed = false;
  };
  mock_answer ask_mock(const std::string& id, const protocol::step_kind_row& kind, const std::string& name);

  /// A wait that has begun, and has a mock or a failure now.
  struct mocked_wait {
    std::string run_id{};
    step_hash step{};
    protocol::step_kind_row kind{};
    std::string name{};  // of the event or signal
  };
  std::vector<mocked_wait> mocked_waits() const;
  void end_mocked_wait(const mocked_wait& wait);
  /// Ends the waits for which the test has set a mock or a failure after they began.
  void end_mocked_waits();
  static embedded::scheduling::step_end step_end_of(const mock_answer& answer);

  /// The id of a run that began. \throws configuration_error when none did.
  static std::string require_begun(const any_function& function, std::string run_id);

  timestamp now_;
  client app_;
  std::shared_ptr<mocks> mocks_;
  std::vector<any_function> functions_;
  handler handler_;
  handler strict_;  // the same functions
  bool checks_;
  std::map<std::string, std::size_t> next_check_;  // by run: the number of results
  embedded::memory_store store_;
  embedded::scheduler scheduler_;
  std::map<std::string, std::vector<embedded::reported_operation>> operations_;  // by run
  std::map<step_hash, std::string> ids_;    // of the steps that operations told
  std::map<step_hash, std::string> names_;  // of the steps of recorded runs
  std::set<std::string> called_runs_;       // ids
  std::vector<std::string> sent_;
  std::shared_ptr<embedded::realtime_hub> hub_;
  std::vector<realtime::message> published_;
  detail::ulid_source note_ids_;
  std::string called_run_;  // whose handler runs
  bool sends_ = false;
  bool is_open_ = true;
};

}  // namespace inngest::inline INNGEST_ABI::testing

#if !defined(INNGEST_COMPILED)
#include <inngest/testing/impl/simulation.ipp>
#endif
