#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <inngest/detail/function_ref.hpp>
#include <inngest/event.hpp>
#include <inngest/execution/checkpoints.hpp>
#include <inngest/execution/hooks.hpp>
#include <inngest/execution/interrupt.hpp>
#include <inngest/http.hpp>
#include <inngest/limits.hpp>
#include <inngest/protocol/call_request.hpp>
#include <inngest/protocol/error_info.hpp>
#include <inngest/protocol/operation.hpp>
#include <inngest/step_id.hpp>

namespace inngest::execution {

class replay;

/// What a replay needs of the world; it has no clock and no network of its own.
struct environment {
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
  /// Finds steps, but runs none.
  bool rehearse = false;
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
  const protocol::memo* memo = nullptr;   // null: no result yet
  const protocol::memo* input = nullptr;  // the server's, for a step that is still to run

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
  std::vector<std::string> steps{};  // that the handler came to: see replay_options::trace_steps
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
  replay(const protocol::call_request& request, const environment& world, replay_options options = {})
      : request_(request),
        world_(world),
        options_(std::move(options)),
        hooks_(options_.hooks ? *options_.hooks : no_hooks()),
        info_{.function_id = options_.function_id,
              .run_id = request.run_id(),
              .attempt = request.attempt(),
              .max_attempts = request.max_attempts(),
              .traceparent = options_.traceparent} {
    used_.reserve(request.memo_count() + 8);
  }
  replay(const replay&) = delete;
  replay& operator=(const replay&) = delete;

  const protocol::call_request& request() const { return request_; }
  const environment& world() const { return world_; }
  const execution::hooks& hooks() const { return hooks_; }
  const call_info& info() const { return info_; }

  /// Whether the handler is still going over what happened before: it has not come to the newest result yet.
  bool is_replaying() const { return is_replaying_; }

  /// Runs the handler, which appends its result to the text it is given.
  outcome run(detail::function_ref<void(std::string&)> handler) {
    outcome out;
    std::exception_ptr thrown;
    bool left_by_interrupt = false;
    try {
      const bool is_first = request_.attempt() == 0 && request_.memo_count() == 0 && !request_.target();
      if (is_first) hooks_.each([&](middleware& one) { one.on_run_start(info_); });
      call_handler(handler, out.result);
      end_memoization();
    } catch (const interrupt&) {
      left_by_interrupt = true;
    } catch (...) {
      thrown = std::current_exception();
    }
    if (interrupted_ && !left_by_interrupt) report_swallowed();
    finish(out, thrown);
    out.warnings = std::move(warnings_);
    out.steps = std::move(steps_);
    tell_end(out);
    return out;
  }

  // ---- for steps ------------------------------------------------------------------------------------

  /// Identifies a step call, and finds what the server remembers of it. Middleware may change the step's id,
  /// name and `input`.
  /// \throws nested_step_error inside a step's body; step_options_error for a blank id or negative retries;
  /// interrupt when the handler was interrupted before.
  step_call enter(step_options options, step_kind kind, std::string* input = nullptr) {
    refuse_nesting(options.id.text());
    refuse_going_on();
    check(options);
    step_call call{.hash = options.id.hash(),
                   .id = std::string(options.id.text()),
                   .given_name = std::move(options.name),
                   .kind = kind,
                   .file = options.id.file(),
                   .line = options.id.line(),
                   .retries = options.retries,
                   .backoff = std::move(options.backoff),
                   .deadline = options.deadline};
    if (!hooks_.empty()) transform_input(call, input);
    identify(call);
    if (options_.trace_steps) steps_.push_back(call.id);

    if (request_.is_newest(call.hash)) is_replaying_ = false;
    call.memo = request_.find(call.hash);
    if (call.memo) ++used_memos_;
    if (call.memo && protocol::holds_only(*call.memo, "input"))
      call.input = std::exchange(call.memo, nullptr);  // still to be run
    if (!call.memo) end_memoization();
    note_completed(call);
    return call;
  }

  /// A result was used: in a race, it counts for the branch that used it.
  void note_completed(const step_call& call) {
    if (call.memo && tracks_completion_)
      last_completed_ = std::max(last_completed_, request_.completed_at(call.hash) + 1);
  }

  /// Records an operation other than a run, such as a sleep.
  void record(const step_call& call, protocol::operation op) {
    if (request_.target() && *request_.target() != call.hash) return;  // another step's turn
    operations_.push_back(completed(call, std::move(op)));
  }

  /// Records that a run step was found. When it is the one that the server asks for, it runs here and now.
  void discover(const step_call& call, const protocol::operation& plan,
                detail::function_ref<void(std::string&)> body) {
    if (!request_.target() || options_.rehearse) return record(call, plan);
    if (*request_.target() != call.hash) return;
    record(call, execute(call, plan, body));
    executed_ = true;
    suspend(call);
  }

  /// The handler needs the step's result, which is not there yet: runs the step if it is the only one that
  /// was found and may run at once. Comes back only if the result could be kept; otherwise leaves the
  /// handler.
  void await(step_call& call, const protocol::operation& plan,
             detail::function_ref<void(std::string&)> body) {
    refuse_nesting(call.id);
    refuse_going_on();
    const bool alone = operations_.size() == 1 && operations_.front().id == call.hash;
    const bool out_of_time = options_.checkpoints && options_.checkpoints->is_out_of_time();
    if (!alone || !may_run_at_once() || out_of_time) suspend(call);
    operations_.clear();
    protocol::operation op = execute(call, plan, body);
    if (options_.checkpoints && !step_failure_ && request_.attempt() == 0) return keep(call, std::move(op));
    record(call, std::move(op));
    executed_ = true;
    suspend(call);
  }

  [[noreturn]] void suspend(const step_call& call) {
    interrupted_ = true;
    interrupted_step_ = call.id;
    interrupted_at_ = std::string(call.file) + ":" + std::to_string(call.line);
    throw interrupt();
  }

  /// Records an operation that the run does not wait for, unless the server knows it already.
  void record_deferred(protocol::operation op) {
    refuse_nesting(op.user_id);
    refuse_going_on();
    const auto same = [&](const protocol::operation& each) { return each.id == op.id; };
    if (std::any_of(deferred_.begin(), deferred_.end(), same)) {
      warnings_.push_back("ctx.defer(\"" + op.user_id +
                          "\") was called twice: the second call counts for nothing");
    } else if (!request_.target() && !request_.is_deferred(op.id)) {
      deferred_.push_back(std::move(op));
    }
  }

  /// Adds metadata, a JSON object, to the step whose body runs; false when none does.
  bool add_metadata(const std::string& object) {
    if (!running_) return false;
    metadata_ += (metadata_.empty() ? "" : ",") + object;
    return true;
  }

  /// What middleware makes of the data that a deferred function is to be given.
  std::string transform_deferred(const step_options& options, std::string data) {
    if (hooks_.empty()) return data;
    const step_info call{
        .id = options.id.text(), .name = options.name, .kind = step_kind::defer, .hash = options.id.hash()};
    step_input changed{.id = std::string(call.id), .name = options.name, .input = "[" + data + "]"};
    hooks_.each([&](middleware& one) { one.transform_step_input(info_, call, changed); });
    return changed.input.substr(1, changed.input.size() - 2);
  }

  step_info describe(const step_call& call) const {
    return {.id = call.id,
            .name = call.name(),
            .index = call.index,
            .kind = call.kind,
            .hash = call.hash,
            .memoized = call.memo != nullptr};
  }

  // ---- for groups -----------------------------------------------------------------------------------

  struct branch_result {
    bool finished = false;
    std::size_t completed_at = 0;  // when the last of its steps got its result; 0 without steps
    std::exception_ptr error{};
  };

  /// Runs a branch of a parallel group up to its first step without a result.
  branch_result run_branch(detail::function_ref<void()> branch) {
    refuse_going_on();
    branch_result out;
    const bool tracked = std::exchange(tracks_completion_, true);
    const std::size_t completed_before = std::exchange(last_completed_, 0);
    ++branches_;
    bool left_by_interrupt = false;
    try {
      branch();
    } catch (const interrupt&) {
      left_by_interrupt = true;
    } catch (...) {
      out.error = std::current_exception();
    }
    --branches_;
    if (interrupted_ && !left_by_interrupt) report_swallowed();
    out.finished = !interrupted_;
    out.completed_at = last_completed_;
    tracks_completion_ = tracked;
    last_completed_ = std::max(completed_before, out.completed_at);
    if (executed_) throw interrupt();  // the one step that was asked for has run: nothing else may
    interrupted_ = false;              // the other branches still have their turn
    return out;
  }

  /// Leaves the handler because a branch is not finished. Called when all branches were run.
  [[noreturn]] void suspend_group() {
    interrupted_ = true;
    throw interrupt();
  }

  /// Options, a JSON object, for all operations until the returned value is put back.
  std::string exchange_shared_options(std::string object) {
    return std::exchange(shared_options_, std::move(object));
  }
  const std::string& shared_options() const { return shared_options_; }

  /// A race is decided while steps of its losers are still on their way: the server calls for each of them,
  /// so from here on steps are planned, never run at once, or two calls could run the same one.
  void leave_race_open() { race_is_open_ = true; }

  /// When the last result that counts so far came. What the losers of a race used does not count.
  std::size_t last_completed() const { return last_completed_; }
  void set_last_completed(std::size_t at) { last_completed_ = at; }

  /// Takes back what was recorded after the first `count` operations: the losers of a race report nothing
  /// new.
  std::vector<protocol::operation> take_recorded_after(std::size_t count) {
    const auto first = operations_.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<protocol::operation> out(std::make_move_iterator(first),
                                         std::make_move_iterator(operations_.end()));
    operations_.erase(first, operations_.end());
    return out;
  }
  std::size_t recorded() const { return operations_.size(); }
  void record_again(std::vector<protocol::operation> operations) {
    std::move(operations.begin(), operations.end(), std::back_inserter(operations_));
  }

 private:
  static const execution::hooks& no_hooks() {
    static const execution::hooks none;
    return none;
  }

  // ---- identity ---------------------------------------------------------------------------------------

  void identify(step_call& call) {
    const auto [first_use, is_first] = used_.try_emplace(call.hash, 1);
    std::size_t& next_index = first_use->second;
    while (!is_first) {  // "a" used again is "a:1", unless a step of that very id was there before
      call.index = next_index++;
      call.hash = detail::sha1::of(call.id + ':' + std::to_string(call.index));
      if (used_.try_emplace(call.hash, 1).second) break;
    }
  }

  void transform_input(step_call& call, std::string* input) {
    step_input changed{.id = call.id, .name = call.given_name, .input = input ? *input : ""};
    const step_info before = describe(call);
    hooks_.each([&](middleware& one) { one.transform_step_input(info_, before, changed); });
    if (changed.id != call.id) call.hash = detail::sha1::of(changed.id);
    call.id = std::move(changed.id);
    call.given_name = std::move(changed.name);
    if (input) *input = std::move(changed.input);
  }

  protocol::operation completed(const step_call& call, protocol::operation op) const {
    op.id = call.hash;
    op.display_name = call.name();
    op.user_id = call.id;
    op.index = call.index;
    if (op.name.empty()) op.name = call.id;
    if (!shared_options_.empty()) op.options = protocol::merged_options(op.options, shared_options_);
    return op;
  }

  void refuse_nesting(std::string_view id) const {
    if (running_) throw nested_step_error(id, running_->id);
  }

  /// After an interrupt was swallowed, nothing of the handler counts any more.
  void refuse_going_on() {
    if (!interrupted_) return;
    report_swallowed();
    throw interrupt();
  }

  // ---- running a step -----------------------------------------------------------------------------------

  bool may_run_at_once() const {
    return !request_.target() && !request_.plan_only() && branches_ == 0 && !race_is_open_ &&
           !options_.rehearse;
  }

  bool is_last_attempt() const {
    return request_.max_attempts() && std::int64_t{request_.attempt()} + 1 >= *request_.max_attempts();
  }

  /// Runs the step's body and gives what came of it.
  protocol::operation execute(const step_call& call, const protocol::operation& plan,
                              detail::function_ref<void(std::string&)> body) {
    protocol::operation op = plan;
    op.code = protocol::opcode::step_run;
    const step_info step = hooks_.empty() ? step_info{} : describe(call);
    const auto started = world_.now();
    std::exception_ptr thrown;
    try {
      hooks_.each([&](middleware& one) { one.on_step_start(info_, step); });
      running_ = &call;
      call_body(step, body, op.data);
      check_size(call, op.data);
      hooks_.each([&](middleware& one) { one.on_step_complete(info_, step, op.data); });
    } catch (...) {
      thrown = std::current_exception();
    }
    running_ = nullptr;
    const auto ended = world_.now();
    op.timing = protocol::timing{
        .started = std::chrono::duration_cast<std::chrono::nanoseconds>(started.time_since_epoch()).count(),
        .took = std::chrono::duration_cast<std::chrono::nanoseconds>(ended - started).count()};
    if (!metadata_.empty()) op.metadata = "[" + std::exchange(metadata_, {}) + "]";
    if (thrown) {
      step_failure_ = describe_failure(call, thrown, ended);
      op.code = step_failure_->retriable ? protocol::opcode::step_error : protocol::opcode::step_failed;
      op.data.clear();
      op.error = step_failure_->info;
      const failure_info told = tell(*step_failure_);
      tell_step_error(step, told);
    }
    return op;
  }

  /// The step's own error is the one to report: what a hook throws at it is only warned of.
  void tell_step_error(const step_info& step, const failure_info& failure) {
    try {
      hooks_.each([&](middleware& one) { one.on_step_error(info_, step, failure); });
    } catch (const std::exception& problem) {
      warnings_.push_back("middleware::on_step_error threw at step \"" + std::string(step.id) +
                          "\": " + problem.what());
    }
  }

  void call_body(const step_info& step, detail::function_ref<void(std::string&)> body, std::string& out) {
    if (hooks_.empty()) return body(out);
    const auto innermost = [&] {
      std::string data;
      body(data);
      return data.empty() ? std::string("null") : data;
    };
    out = hooks_.wrap<std::string>(
        [&](middleware& one, next_call<std::string> next) {
          return one.wrap_step_handler(info_, step, next);
        },
        innermost);
  }

  protocol::failure describe_failure(const step_call& call, const std::exception_ptr& thrown,
                                     std::chrono::system_clock::time_point now) const {
    protocol::failure out = protocol::describe(thrown, now);
    const bool used_up = call.retries && request_.attempt() >= *call.retries;
    if (is_last_attempt() || used_up) out.retriable = false;
    if (out.retriable && !out.retry_after && call.backoff) {
      out.retry_after = std::max(call.backoff(request_.attempt()), std::chrono::milliseconds::zero());
    }
    out.info.stack = out.info.name + ": " + out.info.message + "\n    at step \"" + call.id + "\" (" +
                     call.file + ":" + std::to_string(call.line) + ")";
    return out;
  }

  static void check(const step_options& options) {
    const std::string_view id = options.id.text();
    if (id.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos)
      throw step_options_error(std::string(id), "a step's id must not be empty or blank");
    if (options.retries && *options.retries < 0)
      throw step_options_error(std::string(id),
                               "retries must be 0 or more, not " + std::to_string(*options.retries));
  }

  void check_size(const step_call& call, const std::string& data) const {
    const auto refuse = [&](const std::string& what, std::size_t limit) {
      throw too_large("step \"" + call.id + "\": " + what + ", and a server takes at most " +
                      std::to_string(limit) + ": keep large data elsewhere and return where it is");
    };
    if (data.size() > options_.limits.step_output)
      refuse("its result has " + std::to_string(data.size()) + " bytes", options_.limits.step_output);
    const std::size_t state = request_.state_size() + kept_bytes_ + data.size();
    if (state > options_.limits.state)
      refuse("with its result the run's state has " + std::to_string(state) + " bytes",
             options_.limits.state);
  }

  /// Keeps the result of a step that ran, so that the handler can go on. When no server takes it, it goes
  /// into the answer.
  void keep(step_call& call, protocol::operation op) {
    std::string memo = "{\"data\":" + (op.data.empty() ? "null" : op.data) + "}";
    const checkpoints::saved saved = options_.checkpoints->keep(completed(call, std::move(op)));
    if (saved != checkpoints::saved::yes) {
      is_stale_ = saved == checkpoints::saved::stale;
      saving_was_refused_ = true;  // what could not be saved is put into the answer at the end
      suspend(call);
    }
    kept_bytes_ += memo.size();
    kept_texts_.emplace_back(std::move(memo));
    kept_.push_back({.id = call.hash, .text = kept_texts_.back().text()});
    call.memo = &kept_.back();
    is_replaying_ = false;
  }

  // ---- the end ------------------------------------------------------------------------------------------

  void call_handler(detail::function_ref<void(std::string&)> handler, std::string& out) {
    if (!request_.has_results()) end_memoization();
    if (hooks_.empty()) return handler(out);
    const auto innermost = [&] {
      std::string result;
      handler(result);
      end_memoization();
      return result;
    };
    out = hooks_.wrap<std::string>(
        [&](middleware& one, next_call<std::string> next) { return one.wrap_function_handler(info_, next); },
        innermost);
  }

  void end_memoization() {
    if (std::exchange(memoization_ended_, true)) return;
    hooks_.each([&](middleware& one) { one.on_memoization_end(info_); });
  }

  void finish(outcome& out, const std::exception_ptr& thrown) {
    const bool completed = !interrupted_ && !thrown && operations_.empty() && !request_.target();
    if (options_.checkpoints && !is_stale_) {
      const bool must_save = !completed && !saving_was_refused_;
      if (must_save && options_.checkpoints->save() == checkpoints::saved::stale) is_stale_ = true;
      auto unsaved = options_.checkpoints->take_unsaved();
      operations_.insert(operations_.begin(), std::make_move_iterator(unsaved.begin()),
                         std::make_move_iterator(unsaved.end()));
    }
    if (is_stale_) return fail(out, error_of_stale_call());
    if (completed) {
      const std::size_t left = request_.memo_count() - std::min(used_memos_, request_.memo_count());
      if (left > 0) report_unused(left);
      if (!options_.checkpoints && deferred_.empty()) return;
      take_deferred();
      operations_.push_back(protocol::run_complete(out.result));
      out.is_result_among_operations = true;
    } else if (operations_.empty() && thrown && !interrupted_) {
      return fail(out, protocol::describe(thrown, world_.now()));
    } else if (operations_.empty()) {
      out.ended = outcome::kind::not_reached;
      return;
    } else {
      take_deferred();
    }
    if (operations_.size() > options_.limits.operations) return fail(out, error_of_too_many());
    out.ended = outcome::kind::operations;
    out.operations = std::move(operations_);
    out.failure = std::move(step_failure_);
  }

  void fail(outcome& out, protocol::failure failure) const {
    out.ended = outcome::kind::failed;
    out.failure = std::move(failure);
    if (is_last_attempt()) out.failure->retriable = false;
  }

  void take_deferred() {
    std::move(deferred_.begin(), deferred_.end(), std::back_inserter(operations_));
    deferred_.clear();
  }

  static protocol::failure error_of_stale_call() {
    return {.info = {.name = "inngest::stale_call",
                     .message = "another call of this run has taken over: this one has stopped"},
            .retriable = false};
  }

  protocol::failure error_of_too_many() const {
    const too_large problem(std::to_string(operations_.size()) +
                            " steps are to be reported at once, and a server takes at most " +
                            std::to_string(options_.limits.operations) + ": start fewer at a time");
    return protocol::describe(std::make_exception_ptr(problem), world_.now());
  }

  static failure_info tell(const protocol::failure& failure) {
    return {.name = failure.info.name,
            .message = failure.info.message,
            .is_final = !failure.retriable,
            .retry_after = failure.retry_after};
  }

  void tell_end(const outcome& out) const {
    if (out.ended == outcome::kind::failed) {
      const failure_info told = tell(*out.failure);
      hooks_.each([&](middleware& one) { one.on_run_error(info_, told); });
    } else if (out.ended == outcome::kind::completed || out.is_result_among_operations) {
      hooks_.each([&](middleware& one) { one.on_run_complete(info_, out.result); });
    }
  }

  void report_unused(std::size_t count) {
    warnings_.push_back("the function ended without " + std::to_string(count) +
                        " of the steps that the server remembers: it was changed during the run");
  }

  void report_swallowed() {
    if (std::exchange(reported_swallowed_, true)) return;
    warnings_.push_back(
        "the interrupt of step \"" + interrupted_step_ + "\", called at " + interrupted_at_ +
        ", was swallowed: a catch (...) around a step must end with `throw;`. The run goes on "
        "rightly, but the code after the catch runs too early");
  }

  const protocol::call_request& request_;
  const environment& world_;
  const replay_options options_;
  const execution::hooks& hooks_;
  const call_info info_;

  std::unordered_map<step_hash, std::size_t, detail::step_hash_hasher>
      used_;  // and the index of its next repeat
  std::size_t used_memos_ = 0;
  std::vector<std::string> steps_;
  std::vector<protocol::operation> operations_;
  std::vector<protocol::operation> deferred_;
  std::string shared_options_;
  std::optional<protocol::failure> step_failure_;
  const step_call* running_ = nullptr;  // the step whose body runs right now
  std::string metadata_;                // of that step: JSON objects, separated by commas
  bool executed_ = false;
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

  int branches_ = 0;  // how many groups we are inside of
  bool race_is_open_ = false;
  bool tracks_completion_ = false;
  std::size_t last_completed_ = 0;
  bool is_replaying_ = request_.has_results();
  bool memoization_ended_ = false;
};

}  // namespace inngest::execution
