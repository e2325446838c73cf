#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <iterator>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/function_ref.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/event.hpp>
#include <inngest/execution/branches.hpp>
#include <inngest/execution/call_hooks.hpp>
#include <inngest/execution/call_stop.hpp>
#include <inngest/execution/checkpoints.hpp>
#include <inngest/execution/deferred_calls.hpp>
#include <inngest/execution/hooks.hpp>
#include <inngest/execution/interrupt.hpp>
#include <inngest/execution/mistakes.hpp>
#include <inngest/execution/step_call.hpp>
#include <inngest/execution/step_ids.hpp>
#include <inngest/http.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/limits.hpp>
#include <inngest/log.hpp>
#include <inngest/protocol/call_request.hpp>
#include <inngest/protocol/error_info.hpp>
#include <inngest/protocol/memo.hpp>
#include <inngest/protocol/operation.hpp>
#include <inngest/protocol/sessions.hpp>
#include <inngest/step_id.hpp>
#include <inngest/stop_token.hpp>

namespace inngest::inline INNGEST_ABI::execution {

class replay;

/// The services that a replay uses. It has no clock and no network of its own.
struct host_services {
  /// The current time.
  std::function<std::chrono::system_clock::time_point()> now;
  /// Sends events through the function's middleware and returns their ids.
  std::function<std::vector<std::string>(std::vector<any_event>, replay&)> send;
  /// Calls the server's API: signals, metadata, realtime.
  std::function<http::response(http::request)> call_api{};
  /// The settings of the client, by which it recognizes its own runs.
  const inngest::settings* settings = nullptr;
  /// Stores log messages with the run; empty when they are not stored. Must not throw.
  std::function<void(const log_record&)> keep_log{};
  /// Whether a test has stored the step's result; empty when there is no test.
  std::function<bool(const step_hash&)> is_preloaded{};
  /// The name of a run's step, for messages; the host of a server does not know it, and the function is
  /// empty. It returns an empty name for an unknown step. Must not throw.
  std::function<std::string(const std::string& run_id, const step_hash&)> name_of_step{};

  /// Whether a test calls the handler, and answers for servers and models.
  bool is_test() const { return static_cast<bool>(is_preloaded); }
};

/// How messages call a step of which a request has only the hash.
std::string described_step(const host_services& services, const std::string& run_id, const step_hash& step);

/// Options of one replay. Empty or null disables an option.
struct replay_options {
  std::string_view function_id{};
  const any_function* function = nullptr;  // for middleware
  /// Whether the sessions of the run's events are passed on.
  bool propagate_sessions = true;
  std::string_view traceparent{};
  std::string_view request_id{};
  std::string_view job_id{};
  const execution::hooks* hooks = nullptr;
  /// Saves step results, so that the handler continues after a step.
  execution::checkpoints* checkpoints = nullptr;
  size_limits limits{};
  /// Records the ids of the steps that the handler reaches.
  bool trace_steps = false;
  /// Finds steps but runs none. Middleware is not notified: only hooks that transform or wrap are called,
  /// because they influence which steps the handler reaches.
  bool rehearse = false;
  /// Asks the call to stop.
  call_stop stop{};
  /// The client's request that waits for the response of an endpoint; null when no client is waiting.
  const http::request* caller = nullptr;
};

/// How one call of a handler ended.
struct outcome {
  enum class kind {
    completed,    ///< `result` is the function's result
    failed,       ///< `failure` is the function's error
    operations,   ///< `operations` must be reported
    not_reached,  ///< the requested step was not found
    interrupted,  ///< the call was asked to stop before the requested step began
    overtaken,    ///< another call of the run has taken over: nothing of this call counts
  };
  kind ended = kind::completed;
  std::string result{};                        // JSON
  std::optional<protocol::failure> failure{};  // of the function, or of the only step that ran
  std::vector<protocol::operation> operations{};
  std::vector<std::string> warnings{};
  bool is_result_among_operations = false;
  /// The function failed, and `operations` contain its failure.
  bool is_failure_among_operations = false;
  std::vector<std::string> steps{};  // reached steps: see replay_options::trace_steps
  /// The number of steps reached before the handler continued after a step that ran in this call.
  std::optional<std::size_t> steps_before_continuing{};
  /// The first few steps without results that the handler reached instead of the requested one.
  std::vector<std::string> found{};
  /// The response of an endpoint; `result` contains it in the form that servers store.
  std::optional<http::response> response{};
  /// Whether the handler was stopped before its own end: after the requested step, or by an error of another
  /// component.
  bool stopped_early = false;
};

/// The functions that steps call, as pointers that each replay holds. In header-only use, only files that
/// create a replay then contain this code; files that only define functions do not.
struct step_functions {
  step_call (replay::*enter)(step_options&&, step_kind, std::string*);
  void (replay::*discover)(const step_call&, const protocol::operation&,
                           detail::function_ref<void(std::string&)>);
  void (replay::*await)(step_call&, const protocol::operation&, detail::function_ref<void(std::string&)>);
  void (replay::*wait_for_server)(const step_call&, protocol::operation);
  protocol::memo (replay::*take_memo)(step_call&, bool, detail::json_buffer&);
  protocol::failure_thrower throw_if_failed;
  detail::event_readers event_readers;
};

/// One call of a handler. Steps with stored results return them; new steps become operations.
///
/// A step without a result is recorded and then leaves the handler with an interrupt. Nothing is lost if user
/// code swallows the interrupt: recorded operations take precedence over the handler's result or exception,
/// and every later step call interrupts again. With checkpoints, a step that ran returns its result at once
/// and the handler continues.
class replay {
 public:
  replay(const protocol::call_request& request, const host_services& services, replay_options options = {});
  replay(const replay&) = delete;
  replay& operator=(const replay&) = delete;

  /// The replay whose handler runs on this thread; null outside of handlers.
  static replay* current() { return current_on_thread(); }

  const protocol::call_request& request() const { return request_; }
  const host_services& services() const { return services_; }
  const execution::hooks& hooks() const { return hooks_.all(); }
  const call_info& info() const { return info_; }
  const call_stop& stop() const { return options_.stop; }

  /// See replay_options::caller.
  const http::request* caller() const { return options_.caller; }
  /// Notes the response of an endpoint's handler.
  void note_response(http::response response) { response_ = std::move(response); }

  /// Whether the handler has not reached the newest stored result yet.
  /// What a step's body does is new, also when another branch has a later result.
  bool is_replaying() const { return is_replaying_ && !running_; }
  /// Whether an earlier call, or an earlier pass of this call, has logged what the handler logs now.
  bool has_logged_before() const { return options_.rehearse || is_replaying(); }

  /// The id of the step whose body runs on this thread; empty when none does.
  std::string_view running_step() const {
    return running_ && std::this_thread::get_id() == owner_ ? std::string_view(running_->id)
                                                            : std::string_view();
  }

  /// Runs the handler, which appends its result to the given text.
  outcome run(detail::function_ref<void(std::string&)> handler);

  /// Instead of run(): how a call ends whose middleware has thrown before the handler was called.
  outcome fail_before_handler(const std::exception_ptr& thrown);

  // ---- for steps ------------------------------------------------------------------------------------

  /// Identifies a step call and finds its stored result. Middleware may change the step's id, name and
  /// `input`: the array of arguments, or the data of an invoke. \throws nested_step_error inside a step's
  /// body; wrong_thread_error on a thread other than the handler's; step_options_error for a blank id or
  /// negative retries; interrupt when the handler was interrupted before.
  step_call enter(step_options&& options, step_kind kind, std::string* input = nullptr) {
    return (this->*functions_.enter)(std::move(options), kind, input);
  }

  /// Passes the step's result through the function's middleware, then to `read` as a memo. `wrapped`: the
  /// result is inside {"data": ...}. All results are read here.
  template <class Read>
  decltype(auto) read_memo(step_call& call, bool wrapped, const Read& read) {
    detail::json_buffer changed;  // has the text that middleware returned
    return read((this->*functions_.take_memo)(call, wrapped, changed));
  }

  /// Records an operation other than a run, such as a sleep.
  void record(const step_call& call, protocol::operation op);

  /// Records a new run step. If the server requests this step, it runs immediately.
  void discover(const step_call& call, const protocol::operation& plan,
                detail::function_ref<void(std::string&)> body) {
    (this->*functions_.discover)(call, plan, body);
  }

  /// Called when the handler needs the step's missing result. Runs the step if it is the only new step and
  /// may run at once. Returns only if the result was saved; otherwise leaves the handler.
  void await(step_call& call, const protocol::operation& plan,
             detail::function_ref<void(std::string&)> body) {
    (this->*functions_.await)(call, plan, body);
  }

  /// Records an operation for the server, and leaves the handler until the server has a result.
  [[noreturn]] void wait_for_server(const step_call& call, protocol::operation op) {
    (this->*functions_.wait_for_server)(call, std::move(op));
    throw interrupt();  // for compilers: the function has thrown it
  }

  /// Throws the step_error of a failed step; returns for every other memo.
  protocol::failure_thrower failure_thrower() const { return functions_.throw_if_failed; }
  /// What reads the rarer members of events.
  detail::event_readers event_readers() const { return functions_.event_readers; }

  /// Leaves the handler at the step.
  [[noreturn]] void suspend(const step_call& call);

  /// Records an operation that the run does not wait for, unless the server already has it.
  void record_deferred(protocol::operation op);

  /// Takes back the deferred call of an operation, unless the server can no longer drop it.
  void abort_deferred(const protocol::operation& added, std::string_view slug);

  /// Whether steps are only found: see replay_options::rehearse.
  bool is_rehearsal() const { return options_.rehearse; }
  /// The step whose body is running; null outside.
  const step_call* running() const { return running_; }

  /// Adds metadata, a JSON object, to the running step; false when no step is running.
  /// \throws wrong_thread_error on a thread other than the handler's.
  bool add_metadata(const std::string& object);

  /// The sessions that the run passes on.
  const std::vector<session>& sessions();
  /// The same as a JSON object; empty for none.
  std::string propagated_sessions() { return protocol::propagated_text(sessions()); }

  /// See basic_context::traceparent.
  std::string traceparent() const;

  /// Identifies the call of a deferred function. Middleware may change its id, its name and `data`.
  step_call enter_deferred(const step_options& options, std::string& data);

  /// Passes the output of another run, as JSON text, through the function's middleware.
  std::string read_output(std::string_view output);

  step_info describe(const step_call& call) const;

  // ---- for groups -----------------------------------------------------------------------------------

  struct branch_result {
    bool finished = false;
    std::size_t completed_at = 0;  // position of its last result; 0 without steps
    std::exception_ptr error{};
  };

  /// Encloses the branches of a group.
  class group_scope {
   public:
    group_scope(replay& of, branches::kind kind);
    ~group_scope() { replay_.branches_.end_group(); }
    group_scope(const group_scope&) = delete;
    group_scope& operator=(const group_scope&) = delete;

   private:
    replay& replay_;
  };

  /// Runs a branch of a group up to its first step without a result.
  branch_result run_branch(detail::function_ref<void()> branch);

  /// Leaves the handler because a branch is not finished. Called after all branches.
  [[noreturn]] void suspend_group();

  /// Sets options, a JSON object, for all operations. Returns the previous options, to be restored later.
  std::string exchange_shared_options(std::string object);
  const std::string& shared_options() const { return shared_options_; }

  /// Called when a race is decided while the server still runs steps of its losers. The server makes a call
  /// after each of those steps. From now on steps are only planned, because two calls could run the same
  /// step.
  void leave_race_open() { race_is_open_ = true; }
  /// Called for every race: later results of its losers are ignored.
  void note_race() { race_was_run_ = true; }

  /// The number of step ids used by branches of races so far.
  std::size_t race_ids() const { return ids_.in_races(); }
  /// The number of results that the handler needed to reach this point.
  std::size_t reached() const { return (std::max)(branches_.began_at(), last_completed_); }

  /// The losers of a race begin no steps after the race is decided. Steps that they reached after
  /// `decided_at` must not use up the index of an id; otherwise the index of that id after the race would
  /// depend on their results.
  void release_ids_of_losers(std::size_t first, std::size_t decided_at) {
    ids_.release_ids_of_losers(first, decided_at);
  }

  /// The number of conflicts in races so far.
  std::size_t race_conflicts() const { return ids_.conflicts(); }
  /// Fails the run if branches of the innermost race share an id and a result decides which branch reaches it
  /// first. The conflict is ignored if the second branch reached the id after the race was decided.
  void settle_conflicts(std::size_t first, std::optional<std::size_t> decided_at) {
    if (auto error = ids_.settle_conflicts(first, decided_at)) stop(*std::move(error));
  }

  /// The position of the last result used so far, except by the losers of a race.
  std::size_t last_completed() const { return last_completed_; }
  void set_last_completed(std::size_t at) { last_completed_ = at; }

  /// Removes and returns the operations after the first `count`: the losers of a race report nothing new.
  std::vector<protocol::operation> take_recorded_after(std::size_t count);
  std::size_t recorded() const { return operations_.size(); }
  void record_again(std::vector<protocol::operation> operations);

 private:
  static const execution::hooks& no_hooks();

  static replay*& current_on_thread();

  // ---- step_functions -----------------------------------------------------------------------------------

  static const step_functions all_functions;

  step_call enter_step(step_options&& options, step_kind kind, std::string* input);
  void discover_step(const step_call& call, const protocol::operation& plan,
                     detail::function_ref<void(std::string&)> body);
  void await_step(step_call& call, const protocol::operation& plan,
                  detail::function_ref<void(std::string&)> body);
  void leave_step_to_server(const step_call& call, protocol::operation op);
  /// Notes that the handler uses the result of the step, and passes it through the middleware, which may
  /// change its text.
  protocol::memo take_memo(step_call& call, bool wrapped, detail::json_buffer& changed);

  /// Ends the run with an error that the handler can't catch.
  [[noreturn]] void stop(protocol::failure failure);

  /// Calls hooks for a step that the handler has reached. If one throws, the attempt fails with its error,
  /// and the handler is left by an interrupt, because it would take an exception for the step's own error.
  void guard_hooks(const step_call& call, detail::function_ref<void()> hooks);

  void transform_input(step_call& call, std::string* input);

  protocol::operation completed(const step_call& call, protocol::operation op) const;

  /// Steps may only be used on the handler's thread. The run fails even if the other thread catches the
  /// error.
  void refuse_other_threads(std::string_view id);
  std::optional<protocol::failure> misuse() const;

  void refuse_nesting(std::string_view id) const;

  /// Interrupts again if the handler swallowed an interrupt.
  void refuse_if_interrupted();

  // ---- running a step -----------------------------------------------------------------------------------

  bool may_run_at_once() const;

  /// Notes the use of a result. In a race it counts for the branch that used it.
  void note_completed(const step_call& call);

  std::size_t completed_at(const step_hash& step);

  bool is_last_attempt() const;

  /// Runs the step's body and returns the operation that reports it.
  protocol::operation execute(const step_call& call, const protocol::operation& plan,
                              detail::function_ref<void(std::string&)> body);

  /// Calls on_step_error. An exception of a hook becomes a warning, because the step's own error is reported.
  void notify_step_error(const step_info& step, const failure_info& failure);

  void call_body(const step_info& step, detail::function_ref<void(std::string&)> body, std::string& out);

  std::string message_of_exception() const;

  protocol::failure describe_failure(const step_call& call, const std::exception_ptr& thrown,
                                     std::chrono::system_clock::time_point now);

  /// Whether the failure was caused by the shutdown of the process, so that a retry may succeed.
  bool is_interrupted(const protocol::failure& failure) const;

  std::optional<std::chrono::milliseconds> backoff_of(const step_call& call);

  void check_size(const step_call& call, const std::string& data) const;

  /// Saves the result of a step, so that the handler can continue. If it cannot be saved, it becomes part of
  /// the answer.
  void save_result(step_call& call, protocol::operation op);

  // ---- the end ------------------------------------------------------------------------------------------

  void call_handler(detail::function_ref<void(std::string&)> handler, std::string& out);

  void end_memoization();

  void finish(outcome& out, const std::exception_ptr& thrown);
  /// Saves the results that are left. Those that can't be saved are sent in the answer.
  void save_rest(bool completed);
  /// A failure that comes before whatever the handler did.
  std::optional<protocol::failure> own_failure();
  void finish_completed(outcome& out);
  void finish_with_operations(outcome& out);

  /// Reports the failure, together with the deferred calls made before it.
  void fail(outcome& out, protocol::failure failure);

  std::string function_name() const { return "function \"" + std::string(info_.function_id) + "\""; }

  void take_deferred();

  static failure_info to_failure_info(const protocol::failure& failure);

  /// Calls on_run_complete. Returns the exception of a hook, which fails the attempt.
  std::exception_ptr notify_complete(std::string_view result);

  /// Calls on_run_error if the function failed. An exception of a hook becomes a warning, because the
  /// function's own error is reported.
  void notify_error(const outcome& out);

  /// Warns if the handler reaches a new step before all steps with results: it is not deterministic then.
  void warn_of_changed_ids(const step_call& call);

  bool is_preloaded(const step_hash& step) const {
    return services_.is_preloaded && services_.is_preloaded(step);
  }
  /// The number of results that a test has not stored.
  std::size_t own_results() const;
  /// The number of results that no step has asked for. A test may store results that the run does not reach.
  std::size_t unused_results() const;
  /// Describes the oldest unused result. A request has only the hash of its id.
  std::string first_unused() const;

  void report_swallowed();

  const step_functions& functions_;
  const protocol::call_request& request_;
  const host_services& services_;
  const replay_options options_;
  const call_info info_;
  call_hooks hooks_;

  std::size_t used_memos_ = 0;
  std::optional<std::vector<session>> sessions_;  // read when first needed
  std::vector<std::string> steps_;
  std::vector<std::string> found_;
  std::vector<protocol::operation> operations_;
  deferred_calls deferred_{request_};
  std::string shared_options_;
  std::optional<protocol::failure> step_failure_;
  const step_call* running_ = nullptr;  // the step whose body is running
  std::string metadata_;                // of the running step: JSON objects separated by commas
  bool executed_ = false;
  bool was_cut_off_ = false;  // before the requested step ran
  std::optional<protocol::failure> fatal_;
  std::exception_ptr hook_error_;  // of a hook that was called where the handler reached a step
  std::thread::id owner_;
  mutable std::mutex misuse_mutex_;
  std::optional<protocol::failure> misuse_;
  std::optional<std::size_t> steps_before_continuing_;
  bool warned_of_changed_ids_ = false;
  bool is_stale_ = false;
  bool saving_was_refused_ = false;
  std::optional<http::response> response_;

  struct saved_result {
    detail::json_buffer text{};
    protocol::memo memo{};  // of the text
  };
  std::list<saved_result> saved_;  // in this call; their addresses stay the same
  std::size_t saved_bytes_ = 0;

  bool interrupted_ = false;
  std::string interrupted_step_;
  std::string interrupted_at_;
  bool reported_swallowed_ = false;
  std::vector<std::string> warnings_;

  branches branches_;
  step_ids ids_{branches_};
  std::unordered_map<step_hash, std::size_t, detail::step_hash_hasher>
      places_;  // of results, filled on first use
  bool race_is_open_ = false;
  bool race_was_run_ = false;
  bool tracks_completion_ = false;
  std::size_t last_completed_ = 0;
  bool is_replaying_ = request_.has_results() && own_results() > 0;
  bool memoization_ended_ = false;
};

}  // namespace inngest::inline INNGEST_ABI::execution

#if !defined(INNGEST_COMPILED)
#include <inngest/execution/impl/replay.ipp>
#endif
