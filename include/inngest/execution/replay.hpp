#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <inngest/detail/function_ref.hpp>
#include <inngest/event.hpp>
#include <inngest/execution/interrupt.hpp>
#include <inngest/protocol/call_request.hpp>
#include <inngest/protocol/error_info.hpp>
#include <inngest/protocol/operation.hpp>
#include <inngest/step_id.hpp>

namespace inngest::execution {

/// What a replay needs of the world; it has no clock and no network of its own.
struct environment {
  std::function<std::chrono::system_clock::time_point()> now;
  /// Sends events and gives back their ids.
  std::function<std::vector<std::string>(const std::vector<any_event>&)> send;
};

/// A step call of the handler, identified.
struct step_call {
  step_hash hash{};
  std::string id{};
  std::string name{};
  std::size_t index = 0;  // of the id's repeats
  const char* file = "";
  int line = 0;
  const protocol::memo* memo = nullptr;  // null: no result yet
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
};

/// One call of a handler: results that the server remembers are handed out, and what the handler does beyond
/// them becomes operations.
///
/// A step without a result is recorded first and then leaves the handler by an interrupt. So nothing is lost
/// when user code swallows the interrupt: what was recorded beats whatever the handler returns or throws, and
/// every later step call interrupts again.
class replay {
 public:
  replay(const protocol::call_request& request, const environment& world)
      : request_(request), world_(world) {}
  replay(const replay&) = delete;
  replay& operator=(const replay&) = delete;

  const protocol::call_request& request() const { return request_; }
  const environment& world() const { return world_; }

  /// Whether the handler is still going over what happened before: it has not come to the newest result yet.
  bool is_replaying() const { return is_replaying_; }

  /// Runs the handler, which appends its result to the text it is given.
  outcome run(detail::function_ref<void(std::string&)> handler) {
    outcome out;
    std::exception_ptr thrown;
    bool left_by_interrupt = false;
    try {
      handler(out.result);
    } catch (const interrupt&) {
      left_by_interrupt = true;
    } catch (...) {
      thrown = std::current_exception();
    }
    if (interrupted_ && !left_by_interrupt) report_swallowed();

    out.warnings = std::move(warnings_);
    if (!operations_.empty()) {
      out.ended = outcome::kind::operations;
      out.operations = std::move(operations_);
      out.failure = std::move(step_failure_);
    } else if (thrown && !interrupted_) {
      out.ended = outcome::kind::failed;
      out.failure = protocol::describe(thrown, world_.now());
      if (is_last_attempt()) out.failure->retriable = false;
    } else if (interrupted_ || request_.target()) {
      out.ended = outcome::kind::not_reached;
    }
    return out;
  }

  // ---- for steps ------------------------------------------------------------------------------------

  /// Identifies a step call, and finds what the server remembers of it.
  /// \throws nested_step_error inside a step's body; interrupt when the handler was interrupted before.
  step_call enter(const step_options& options) {
    refuse_nesting(options.id.text());
    refuse_going_on();
    step_call call{.hash = options.id.hash(),
                   .id = std::string(options.id.text()),
                   .name = options.name.empty() ? std::string(options.id.text()) : options.name,
                   .file = options.id.file(),
                   .line = options.id.line()};
    const auto [first_use, is_first] = used_.try_emplace(call.hash, 1);
    std::size_t& next_index = first_use->second;
    while (!is_first) {  // "a" used again is "a:1", unless a step of that very id was there before
      call.index = next_index++;
      call.hash = detail::sha1::of(call.id + ':' + std::to_string(call.index));
      if (used_.try_emplace(call.hash, 1).second) break;
    }

    if (request_.is_newest(call.hash)) is_replaying_ = false;
    call.memo = request_.find(call.hash);
    if (call.memo && protocol::holds_only(*call.memo, "input")) call.memo = nullptr;  // still to be run
    note_completed(call);
    return call;
  }

  /// A result was used: in a race, it counts for the branch that used it.
  void note_completed(const step_call& call) {
    if (call.memo) {
      if (tracks_completion_)
        last_completed_ = std::max(last_completed_, request_.completed_at(call.hash) + 1);
    }
  }

  /// Records an operation other than a run, such as a sleep.
  void record(const step_call& call, protocol::operation op) {
    if (request_.target() && *request_.target() != call.hash) return;  // another step's turn
    op.id = call.hash;
    op.display_name = call.name;
    op.user_id = call.id;
    op.index = call.index;
    if (op.name.empty()) op.name = call.id;
    operations_.push_back(std::move(op));
  }

  /// Records that a run step was found. When it is the one that the server asks for, it runs here and now.
  void discover(const step_call& call, const protocol::operation& plan,
                detail::function_ref<void(std::string&)> body) {
    if (!request_.target()) return record(call, plan);
    if (*request_.target() == call.hash) execute(call, plan, body);
  }

  /// The handler needs the step's result, which is not there yet: runs the step if it is the only one that
  /// was found and may run at once. Leaves the handler in any case.
  [[noreturn]] void await(const step_call& call, const protocol::operation& plan,
                          detail::function_ref<void(std::string&)> body) {
    refuse_nesting(call.id);
    refuse_going_on();
    const bool alone = operations_.size() == 1 && operations_.front().id == call.hash;
    if (alone && !request_.target() && !request_.plan_only() && branches_ == 0) {
      operations_.clear();
      execute(call, plan, body);
    }
    suspend(call);
  }

  [[noreturn]] void suspend(const step_call& call) {
    interrupted_ = true;
    interrupted_step_ = call.id;
    interrupted_at_ = std::string(call.file) + ":" + std::to_string(call.line);
    throw interrupt();
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
  void refuse_nesting(std::string_view id) const {
    if (running_) throw nested_step_error(id, running_->id);
  }

  /// After an interrupt was swallowed, nothing of the handler counts any more.
  void refuse_going_on() {
    if (!interrupted_) return;
    report_swallowed();
    throw interrupt();
  }

  bool is_last_attempt() const {
    return request_.max_attempts() && std::int64_t{request_.attempt()} + 1 >= *request_.max_attempts();
  }

  /// Runs the step's body, records what came of it and leaves the handler.
  [[noreturn]] void execute(const step_call& call, const protocol::operation& plan,
                            detail::function_ref<void(std::string&)> body) {
    protocol::operation op = plan;
    op.code = protocol::opcode::step_run;
    const auto started = world_.now();
    running_ = &call;
    std::exception_ptr thrown;
    try {
      body(op.data);
    } catch (...) {
      thrown = std::current_exception();
    }
    running_ = nullptr;
    const auto ended = world_.now();
    op.timing = protocol::timing{
        .started = std::chrono::duration_cast<std::chrono::nanoseconds>(started.time_since_epoch()).count(),
        .took = std::chrono::duration_cast<std::chrono::nanoseconds>(ended - started).count()};
    if (thrown) {
      step_failure_ = protocol::describe(thrown, ended);
      if (is_last_attempt()) step_failure_->retriable = false;
      step_failure_->info.stack = step_failure_->info.name + ": " + step_failure_->info.message +
                                  "\n    at step \"" + call.id + "\" (" + call.file + ":" +
                                  std::to_string(call.line) + ")";
      op.code = step_failure_->retriable ? protocol::opcode::step_error : protocol::opcode::step_failed;
      op.data.clear();
      op.error = step_failure_->info;
    }
    record(call, std::move(op));
    executed_ = true;
    suspend(call);
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

  std::unordered_map<step_hash, std::size_t, detail::step_hash_hasher>
      used_;  // and the index of its next repeat
  std::vector<protocol::operation> operations_;
  std::optional<protocol::failure> step_failure_;
  const step_call* running_ = nullptr;  // the step whose body runs right now
  bool executed_ = false;

  bool interrupted_ = false;
  std::string interrupted_step_;
  std::string interrupted_at_;
  bool reported_swallowed_ = false;
  std::vector<std::string> warnings_;

  int branches_ = 0;  // how many groups we are inside of
  bool tracks_completion_ = false;
  std::size_t last_completed_ = 0;
  bool is_replaying_ = request_.has_results();
};

}  // namespace inngest::execution
