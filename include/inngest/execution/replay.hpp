#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <iterator>
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
#include <inngest/execution/call_stop.hpp>
#include <inngest/execution/checkpoints.hpp>
#include <inngest/execution/hooks.hpp>
#include <inngest/execution/interrupt.hpp>
#include <inngest/http.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/limits.hpp>
#include <inngest/protocol/call_request.hpp>
#include <inngest/protocol/error_info.hpp>
#include <inngest/protocol/operation.hpp>
#include <inngest/step_id.hpp>
#include <inngest/stop_token.hpp>

namespace inngest::inline INNGEST_ABI::execution {

class replay;

/// What a replay needs of the world; it has no clock and no network of its own.
struct host_services {
  std::function<std::chrono::system_clock::time_point()> now;
  /// Sends events through the function's middleware and gives back their ids.
  std::function<std::vector<std::string>(const std::vector<any_event>&, const replay&)> send;
  /// Calls the server's API: signals, metadata, realtime.
  std::function<http::response(http::request)> call_api{};
};

/// How one call is to be replayed; what is empty or null is not wanted.
struct replay_options {
  std::string_view function_id{};
  std::string_view traceparent{};
  const execution::hooks* hooks = nullptr;
  /// Steps go on after their results were kept there.
  execution::checkpoints* checkpoints = nullptr;
  size_limits limits{};
  /// Keeps the ids of the steps that the handler came to.
  bool trace_steps = false;
  /// Finds steps, but runs none, and tells middleware nothing: only its hooks that transform or wrap are
  /// called, as they decide which steps the handler comes to.
  bool rehearse = false;
  /// Asks the call to stop.
  call_stop stop{};
};

/// What the server remembers of a step. Its text is read by read_memo() only: no reader of results gets past
/// the middleware.
class held_memo {
 public:
  held_memo() = default;
  explicit held_memo(const protocol::memo* memo) : memo_(memo) {}
  explicit operator bool() const { return memo_ != nullptr; }

 private:
  friend class replay;
  const protocol::memo* memo_ = nullptr;
};

/// A step call of the handler, identified.
struct step_call {
  step_hash hash{};
  std::string id{};
  std::string given_name{};
  std::size_t index = 0;  // of the id's repeats
  step_kind kind = step_kind::run;
  const char* file = "";
  int line = 0;
  std::optional<int> retries{};
  std::function<std::chrono::milliseconds(int)> backoff{};
  std::optional<std::chrono::milliseconds> deadline{};
  stop_source stop{nostopstate};          // of the call
  held_memo memo{};                       // false: no result yet
  const protocol::memo* input = nullptr;  // the server's, for a step that is still to run
  std::size_t entered_at = 0;             // in how many branches the handler was
  std::optional<std::size_t> got_in{};    // the branch that got its result

  const std::string& name() const { return given_name.empty() ? id : given_name; }
};

/// How one call of a handler ended.
struct outcome {
  enum class kind {
    completed,    ///< `result` is the function's result
    failed,       ///< `failure` is the function's error
    operations,   ///< `operations` are to be reported
    not_reached,  ///< the step that was asked for was not found
  };
  kind ended = kind::completed;
  std::string result{};                        // JSON
  std::optional<protocol::failure> failure{};  // of the function, or of the one step that ran
  std::vector<protocol::operation> operations{};
  std::vector<std::string> warnings{};
  bool is_result_among_operations = false;
  /// The function failed, and `operations` say so.
  bool is_failure_among_operations = false;
  std::vector<std::string> steps{};  // that the handler came to: see replay_options::trace_steps
  /// How many of them it came to before it went on behind a step that ran in this call.
  std::optional<std::size_t> steps_before_going_on{};
  /// Steps without results that the handler came to, in place of the one that was asked for; the first few.
  std::vector<std::string> found{};
  /// The handler was stopped where it would have gone on: after the one step that was asked for, or by an
  /// error that is not its own.
  bool stopped_early = false;
};

/// One call of a handler: results that the server remembers are handed out, and what the handler does beyond
/// them becomes operations.
///
/// A step without a result is recorded first and then leaves the handler by an interrupt. So nothing is lost
/// when user code swallows the interrupt: what was recorded beats whatever the handler returns or throws, and
/// every later step call interrupts again. With checkpoints, a step that ran gives its result at once and the
/// handler goes on.
class replay {
 public:
  replay(const protocol::call_request& request, const host_services& services, replay_options options = {});
  replay(const replay&) = delete;
  replay& operator=(const replay&) = delete;

  const protocol::call_request& request() const { return request_; }
  const host_services& services() const { return services_; }
  const execution::hooks& hooks() const { return hooks_; }
  const call_info& info() const { return info_; }
  const call_stop& stop() const { return options_.stop; }

  /// Whether the handler is still going over what happened before: it has not come to the newest result yet.
  bool is_replaying() const { return is_replaying_; }

  /// Runs the handler, which appends its result to the text it is given.
  outcome run(detail::function_ref<void(std::string&)> handler);

  // ---- for steps ------------------------------------------------------------------------------------

  /// Identifies a step call, and finds what the server remembers of it. Middleware may change the step's id,
  /// name and `input`.
  /// \throws nested_step_error inside a step's body; wrong_thread_error on a thread other than the handler's;
  /// step_options_error for a blank id or negative retries;
  /// interrupt when the handler was interrupted before.
  step_call enter(step_options options, step_kind kind, std::string* input = nullptr);

  /// Reads the step's result, as the function's middleware leaves it: `read` is given a memo. `wrapped` says
  /// that the result stands in {"data": ...}. All results are read here.
  template <class Read>
  decltype(auto) read_memo(step_call& call, bool wrapped, const Read& read) {
    refuse_other_threads(call.id);
    branches_.wait(call.hash, call.entered_at, call.got_in);
    note_completed(call);
    const protocol::memo& memo = *call.memo.memo_;
    if (hooks_.empty()) return read(memo);
    const step_info info = describe(call);
    const auto around = [&](middleware& layer, next_call<std::string> next) {
      return layer.wrap_step(info_, info, next);
    };
    std::string text = through_hooks(
        [&](next_call<std::string> innermost) {
          return hooks_.wrap_reversed<std::string>(around, innermost);
        },
        [&] { return std::string(protocol::result_text(memo, call.id)); });
    if (wrapped) text = "{\"data\":" + text + "}";
    const detail::json_buffer buffer(std::move(text));
    return read(protocol::memo{.id = call.hash, .text = buffer.text()});
  }

  /// Records an operation other than a run, such as a sleep.
  void record(const step_call& call, protocol::operation op);

  /// Records that a run step was found. When it is the one that the server asks for, it runs here and now.
  void discover(const step_call& call, const protocol::operation& plan,
                detail::function_ref<void(std::string&)> body);

  /// The handler needs the step's result, which is not there yet: runs the step if it is the only one that
  /// was found and may run at once. Comes back only if the result could be kept; otherwise leaves the
  /// handler.
  void await(step_call& call, const protocol::operation& plan, detail::function_ref<void(std::string&)> body);

  /// Records an operation that the server does, and leaves the handler until it has a result.
  [[noreturn]] void wait_for_server(const step_call& call, protocol::operation op);

  [[noreturn]] void suspend(const step_call& call);

  /// Records an operation that the run does not wait for, unless the server knows it already.
  void record_deferred(protocol::operation op);

  /// Adds metadata, a JSON object, to the step whose body runs; false when none does.
  bool add_metadata(const std::string& object);

  /// What middleware makes of the data that a deferred function is to be given.
  std::string transform_deferred(const step_options& options, std::string data);

  step_info describe(const step_call& call) const;

  // ---- for groups -----------------------------------------------------------------------------------

  struct branch_result {
    bool finished = false;
    std::size_t completed_at = 0;  // when the last of its steps got its result; 0 without steps
    std::exception_ptr error{};
  };

  /// Branches are run within a group.
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

  /// Leaves the handler because a branch is not finished. Called when all branches were run.
  [[noreturn]] void suspend_group();

  /// Options, a JSON object, for all operations until the returned value is put back.
  std::string exchange_shared_options(std::string object);
  const std::string& shared_options() const { return shared_options_; }

  /// A race is decided while steps of its losers are still on their way: the server calls for each of them,
  /// so from here on steps are planned, never run at once, or two calls could run the same one.
  void leave_race_open() { race_is_open_ = true; }
  /// The losers' later results are no concern of anybody's.
  void note_race() { race_was_run_ = true; }

  /// How many step ids the branches of races have used so far.
  std::size_t race_ids() const { return ids_of_races_.size(); }
  /// When the handler came here: the number of results that there had to be.
  std::size_t reached() const { return (std::max)(branches_.began_at(), last_completed_); }

  /// The losers of a race begin no steps after it was decided: what they came to later than `decided_at` does
  /// not use up an id's index, or the index of the same id behind the race would depend on their results.
  void release_ids_of_losers(std::size_t first, std::size_t decided_at);

  std::size_t race_conflicts() const { return conflicts_of_races_.size(); }
  /// Ends the run if branches of the innermost race share an id of which a result decides who comes to it
  /// first. It does not matter where the second of them came to it after the race was decided.
  void settle_conflicts(std::size_t first, std::optional<std::size_t> decided_at);

  /// When the last result that counts so far came. What the losers of a race used does not count.
  std::size_t last_completed() const { return last_completed_; }
  void set_last_completed(std::size_t at) { last_completed_ = at; }

  /// Takes back what was recorded after the first `count` operations: the losers of a race report nothing
  /// new.
  std::vector<protocol::operation> take_recorded_after(std::size_t count);
  std::size_t recorded() const { return operations_.size(); }
  void record_again(std::vector<protocol::operation> operations);

 private:
  static const execution::hooks& no_hooks();

  // ---- identity ---------------------------------------------------------------------------------------

  void identify(step_call& call);

  void note_use(const step_call& call, const step_hash& id);

  static protocol::failure error_of_shared_id(const step_call& call, const branch_conflict& conflict);

  /// Ends the run with an error that the handler can't catch.
  [[noreturn]] void stop(protocol::failure failure);

  void transform_input(step_call& call, std::string* input);

  protocol::operation completed(const step_call& call, protocol::operation op) const;

  /// Everything that steps use belongs to the handler's thread. The run fails, whatever the other thread does
  /// with the error.
  void refuse_other_threads(std::string_view id);
  std::optional<protocol::failure> misuse() const;

  void refuse_nesting(std::string_view id) const;

  /// Refuses what no answer can hold before the step does anything.
  static void refuse_unwritable(const std::string& id, const std::string& name);

  /// After an interrupt was swallowed, nothing of the handler counts any more.
  void refuse_going_on();

  // ---- running a step -----------------------------------------------------------------------------------

  bool may_run_at_once() const;

  /// Tells middleware, but not of a rehearsal.
  template <class Call>
  void notify(Call&& call) {
    if (options_.rehearse || hooks_.empty()) return;
    hook_threw_ = true;
    hooks_.for_each(call);
    hook_threw_ = false;
  }

  /// Calls hooks around something. When it is the hooks that throw, that is noted: the handler did not come
  /// as far as it would have come without.
  std::string through_hooks(detail::function_ref<std::string(next_call<std::string>)> hooks,
                            next_call<std::string> innermost);

  /// A result was used: in a race, it counts for the branch that used it.
  void note_completed(const step_call& call);

  std::size_t completed_at(const step_hash& step);

  bool is_last_attempt() const;

  /// Runs the step's body and gives what came of it.
  protocol::operation execute(const step_call& call, const protocol::operation& plan,
                              detail::function_ref<void(std::string&)> body);

  /// The step's own error is the one to report: what a hook throws at it is only warned of.
  void tell_step_error(const step_info& step, const failure_info& failure);

  void call_body(const step_info& step, detail::function_ref<void(std::string&)> body, std::string& out);

  std::string words_of_exception() const;

  protocol::failure describe_failure(const step_call& call, const std::exception_ptr& thrown,
                                     std::chrono::system_clock::time_point now);

  /// What fails because the process is to end may succeed in the next one.
  bool is_interrupted(const protocol::failure& failure) const;

  std::optional<std::chrono::milliseconds> backoff_of(const step_call& call);

  static void check(const step_options& options);

  void check_size(const step_call& call, const std::string& data) const;

  /// Keeps the result of a step that ran, so that the handler can go on. When no server takes it, it goes
  /// into the answer.
  void keep(step_call& call, protocol::operation op);

  // ---- the end ------------------------------------------------------------------------------------------

  void call_handler(detail::function_ref<void(std::string&)> handler, std::string& out);

  void end_memoization();

  void finish(outcome& out, const std::exception_ptr& thrown);

  /// Deferred calls were made before the function failed: they are told with the failure.
  void fail(outcome& out, protocol::failure failure);

  std::string function_name() const { return "function \"" + std::string(info_.function_id) + "\""; }

  void take_deferred();

  static protocol::failure error_of_stale_call();

  protocol::failure error_of_too_many() const;

  static failure_info to_failure_info(const protocol::failure& failure);

  void tell_end(const outcome& out);

  /// A deterministic handler comes to all steps that have results before it comes to a new one.
  void warn_of_changed_ids(const step_call& call);

  void report_unused(std::size_t count);

  static std::string advice_on_ids();

  /// The oldest result that no step has asked for. Only the hash of its id is known.
  std::string first_unused() const;

  void report_swallowed();

  const protocol::call_request& request_;
  const host_services& services_;
  const replay_options options_;
  const execution::hooks& hooks_;
  const call_info info_;

  std::unordered_map<step_hash, std::size_t, detail::step_hash_hasher>
      used_;  // and the index of its next repeat
  std::size_t used_memos_ = 0;
  std::vector<std::string> steps_;
  std::vector<std::string> found_;
  std::vector<protocol::operation> operations_;
  std::vector<protocol::operation> deferred_;
  std::string shared_options_;
  std::optional<protocol::failure> step_failure_;
  const step_call* running_ = nullptr;  // the step whose body runs right now
  std::string metadata_;                // of that step: JSON objects, separated by commas
  bool executed_ = false;
  std::optional<protocol::failure> fatal_;
  std::thread::id owner_;
  mutable std::mutex misuse_mutex_;
  std::optional<protocol::failure> misuse_;
  bool hook_threw_ = false;
  std::optional<std::size_t> steps_before_going_on_;
  std::string first_changed_;
  bool is_stale_ = false;
  bool saving_was_refused_ = false;

  // results that were kept in this call; deques, as they are pointed to
  std::deque<detail::json_buffer> kept_texts_;
  std::deque<protocol::memo> kept_;
  std::size_t kept_bytes_ = 0;

  bool interrupted_ = false;
  std::string interrupted_step_;
  std::string interrupted_at_;
  bool reported_swallowed_ = false;
  std::vector<std::string> warnings_;

  branches branches_;
  // ids used in races, in order: to give them back
  struct used_id {
    step_hash base{};
    step_hash hash{};
    std::size_t next_index = 0;  // of the base before
    std::size_t reached = 0;
  };
  std::vector<used_id> ids_of_races_;
  struct race_conflict {
    std::size_t reached = 0;  // by both branches
    protocol::failure failure{};
  };
  std::vector<race_conflict> conflicts_of_races_;
  std::unordered_map<step_hash, std::size_t, detail::step_hash_hasher> places_;  // of results, once asked for
  bool race_is_open_ = false;
  bool race_was_run_ = false;
  bool tracks_completion_ = false;
  std::size_t last_completed_ = 0;
  bool is_replaying_ = request_.has_results();
  bool memoization_ended_ = false;
};

}  // namespace inngest::inline INNGEST_ABI::execution

#if !defined(INNGEST_COMPILED)
#include <inngest/execution/impl/replay.ipp>
#endif
