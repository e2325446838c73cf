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
  const call_stop& stop() const { return options_.stop; }

  /// Whether the handler is still going over what happened before: it has not come to the newest result yet.
  bool is_replaying() const { return is_replaying_; }

  /// Runs the handler, which appends its result to the text it is given.
  outcome run(detail::function_ref<void(std::string&)> handler) {
    outcome out;
    std::exception_ptr thrown;
    bool left_by_interrupt = false;
    try {
      owner_ = std::this_thread::get_id();
      const bool is_first = request_.attempt() == 0 && request_.memo_count() == 0 && !request_.target();
      if (is_first) notify([&](middleware& one) { one.on_run_start(info_); });
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
    out.steps_before_going_on = steps_before_going_on_;
    out.found = std::move(found_);
    out.stopped_early = executed_ || is_stale_ || hook_threw_ || misuse();
    tell_end(out);
    return out;
  }

  // ---- for steps ------------------------------------------------------------------------------------

  /// Identifies a step call, and finds what the server remembers of it. Middleware may change the step's id,
  /// name and `input`.
  /// \throws nested_step_error inside a step's body; wrong_thread_error on a thread other than the handler's;
  /// step_options_error for a blank id or negative retries;
  /// interrupt when the handler was interrupted before.
  step_call enter(step_options options, step_kind kind, std::string* input = nullptr) {
    refuse_other_threads(options.id.text());
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
                   .deadline = options.deadline,
                   .stop = options_.stop.source()};
    if (!hooks_.empty()) transform_input(call, input);
    refuse_unwritable(call.id, call.given_name);
    identify(call);
    if (options_.trace_steps) steps_.push_back(call.id);

    if (request_.is_newest(call.hash)) is_replaying_ = false;
    const protocol::memo* found = request_.find(call.hash);
    if (found) ++used_memos_;
    if (found && protocol::holds_only(*found, "input"))
      call.input = std::exchange(found, nullptr);  // still to be run
    call.memo = held_memo(found);
    constexpr std::size_t few = 5;
    if (request_.target() && !found && found_.size() < few) found_.push_back(call.id);
    if (!call.memo) end_memoization();
    return call;
  }

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
    const auto around = [&](middleware& one, next_call<std::string> next) {
      return one.wrap_step(info_, info, next);
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
  void record(const step_call& call, protocol::operation op) {
    if (request_.target() && *request_.target() != call.hash) return;  // another step's turn
    operations_.push_back(completed(call, std::move(op)));
  }

  /// Records that a run step was found. When it is the one that the server asks for, it runs here and now.
  void discover(const step_call& call, const protocol::operation& plan,
                detail::function_ref<void(std::string&)> body) {
    if (!request_.target() || options_.rehearse) return record(call, plan);
    if (*request_.target() != call.hash) return;
    if (stop().is_shutdown()) {
      stop().note_interrupted();
      suspend(call);
    }
    record(call, execute(call, plan, body));
    executed_ = true;
    suspend(call);
  }

  /// The handler needs the step's result, which is not there yet: runs the step if it is the only one that
  /// was found and may run at once. Comes back only if the result could be kept; otherwise leaves the
  /// handler.
  void await(step_call& call, const protocol::operation& plan,
             detail::function_ref<void(std::string&)> body) {
    refuse_other_threads(call.id);
    refuse_nesting(call.id);
    refuse_going_on();
    const bool alone = operations_.size() == 1 && operations_.front().id == call.hash;
    const bool out_of_time = options_.checkpoints && options_.checkpoints->is_out_of_time();
    if (alone && branches_.empty()) warn_of_changed_ids(call);
    if (!alone || !may_run_at_once() || out_of_time || stop().is_requested()) suspend(call);
    operations_.clear();
    protocol::operation op = execute(call, plan, body);
    if (options_.checkpoints && !step_failure_ && request_.attempt() == 0) return keep(call, std::move(op));
    record(call, std::move(op));
    executed_ = true;
    suspend(call);
  }

  /// Records an operation that the server does, and leaves the handler until it has a result.
  [[noreturn]] void wait_for_server(const step_call& call, protocol::operation op) {
    record(call, std::move(op));
    if (operations_.size() == 1 && branches_.empty()) warn_of_changed_ids(call);
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
    refuse_other_threads(op.user_id);
    refuse_nesting(op.user_id);
    refuse_going_on();
    refuse_unwritable(op.user_id, op.display_name);
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
    refuse_other_threads(options.id.text());
    if (hooks_.empty()) return data;
    const step_info call{
        .id = options.id.text(), .name = options.name, .kind = step_kind::defer, .hash = options.id.hash()};
    step_input changed{.id = std::string(call.id), .name = options.name, .input = "[" + data + "]"};
    hook_threw_ = true;
    hooks_.each([&](middleware& one) { one.transform_step_input(info_, call, changed); });
    hook_threw_ = false;
    return changed.input.substr(1, changed.input.size() - 2);
  }

  step_info describe(const step_call& call) const {
    return {.id = call.id,
            .name = call.name(),
            .index = call.index,
            .kind = call.kind,
            .hash = call.hash,
            .memoized = static_cast<bool>(call.memo)};
  }

  // ---- for groups -----------------------------------------------------------------------------------

  struct branch_result {
    bool finished = false;
    std::size_t completed_at = 0;  // when the last of its steps got its result; 0 without steps
    std::exception_ptr error{};
  };

  /// Branches are run within a group.
  class group_scope {
   public:
    group_scope(replay& of, branches::kind kind) : replay_(of) {
      replay_.refuse_other_threads({});
      replay_.branches_.begin_group(kind, replay_.reached());
    }
    ~group_scope() { replay_.branches_.end_group(); }
    group_scope(const group_scope&) = delete;
    group_scope& operator=(const group_scope&) = delete;

   private:
    replay& replay_;
  };

  /// Runs a branch of a group up to its first step without a result.
  branch_result run_branch(detail::function_ref<void()> branch) {
    refuse_going_on();
    branch_result out;
    branches_.begin_branch();
    const bool tracked = std::exchange(tracks_completion_, true);
    const std::size_t completed_before = std::exchange(last_completed_, 0);
    bool left_by_interrupt = false;
    try {
      branch();
    } catch (const interrupt&) {
      left_by_interrupt = true;
    } catch (...) {
      out.error = std::current_exception();
    }
    branches_.end_branch();
    if (interrupted_ && !left_by_interrupt) report_swallowed();
    out.finished = !interrupted_;
    out.completed_at = last_completed_;
    tracks_completion_ = tracked;
    last_completed_ = (std::max)(completed_before, out.completed_at);
    if (executed_ || fatal_) throw interrupt();  // nothing else may run in this call
    interrupted_ = false;                        // the other branches still have their turn
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
  /// The losers' later results are no concern of anybody's.
  void note_race() { race_was_run_ = true; }

  /// How many step ids the branches of races have used so far.
  std::size_t race_ids() const { return ids_of_races_.size(); }
  /// When the handler came here: the number of results that there had to be.
  std::size_t reached() const { return (std::max)(branches_.began_at(), last_completed_); }

  /// The losers of a race begin no steps after it was decided: what they came to later than `decided_at` does
  /// not use up an id's index, or the index of the same id behind the race would depend on their results.
  void release_ids_of_losers(std::size_t first, std::size_t decided_at) {
    for (std::size_t i = ids_of_races_.size(); i-- > first;) {
      const used_id& each = ids_of_races_[i];
      if (each.reached <= decided_at) continue;
      used_.erase(each.hash);
      if (each.hash != each.base) used_[each.base] = each.next_index;
      ids_of_races_.erase(ids_of_races_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  std::size_t race_conflicts() const { return conflicts_of_races_.size(); }
  /// Ends the run if branches of the innermost race share an id of which a result decides who comes to it
  /// first. It does not matter where the second of them came to it after the race was decided.
  void settle_conflicts(std::size_t first, std::optional<std::size_t> decided_at) {
    const auto begin = conflicts_of_races_.begin() + static_cast<std::ptrdiff_t>(first);
    if (decided_at) {
      const auto matters_not = [&](const race_conflict& each) { return each.reached > *decided_at; };
      conflicts_of_races_.erase(std::remove_if(begin, conflicts_of_races_.end(), matters_not),
                                conflicts_of_races_.end());
    }
    if (conflicts_of_races_.size() > first && branches_.races() == 1)
      stop(std::move(conflicts_of_races_[first].failure));
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
  static const execution::hooks& no_hooks() {
    static const execution::hooks none;
    return none;
  }

  // ---- identity ---------------------------------------------------------------------------------------

  void identify(step_call& call) {
    call.entered_at = branches_.depth();
    const step_hash base = call.hash;
    const auto [first_use, is_first] = used_.try_emplace(call.hash, 1);
    std::size_t& next_index = first_use->second;
    const std::size_t index_before = next_index;
    while (!is_first) {  // "a" used again is "a:1", unless a step of that very id was there before
      call.index = next_index++;
      call.hash = detail::sha1::of(call.id + ':' + std::to_string(call.index));
      note_use(call, call.hash);  // "a:1" may be an id of its own in another branch
      if (used_.try_emplace(call.hash, 1).second) break;
    }
    if (branches_.empty()) return;
    note_use(call, base);
    if (branches_.races() > 0) ids_of_races_.push_back({base, call.hash, index_before, reached()});
  }

  void note_use(const step_call& call, const step_hash& id) {
    if (branches_.empty()) return;
    const auto conflict = branches_.use(id, {call.file, call.line}, reached());
    if (conflict && !conflict->is_in_race) stop(error_of_shared_id(call, *conflict));
    if (conflict)
      conflicts_of_races_.push_back(
          {(std::max)(reached(), conflict->first_reached), error_of_shared_id(call, *conflict)});
  }

  static protocol::failure error_of_shared_id(const step_call& call, const branch_conflict& conflict) {
    const std::string both = "branch " + std::to_string(conflict.first) + " (" + conflict.first_site.text() +
                             ") and branch " + std::to_string(conflict.second) + " (" +
                             conflict.second_site.text() + ") of a " + conflict.group;
    return {.info = {.name = "inngest::shared_step_id",
                     .message = "step \"" + call.id + "\" is used in " + both + ", and in branch " +
                                std::to_string(conflict.first) +
                                " it comes after another step: which branch comes to it first depends on "
                                "which results arrive first, so that one could receive the other's result. "
                                "Give the steps different ids"},
            .retriable = false};
  }

  /// Ends the run with an error that the handler can't catch.
  [[noreturn]] void stop(protocol::failure failure) {
    fatal_ = std::move(failure);
    suspend_group();
  }

  void transform_input(step_call& call, std::string* input) {
    step_input changed{.id = call.id, .name = call.given_name, .input = input ? *input : ""};
    const step_info before = describe(call);
    hook_threw_ = true;
    hooks_.each([&](middleware& one) { one.transform_step_input(info_, before, changed); });
    hook_threw_ = false;
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

  /// Everything that steps use belongs to the handler's thread. The run fails, whatever the other thread does
  /// with the error.
  void refuse_other_threads(std::string_view id) {
    if (std::this_thread::get_id() == owner_) return;
    const wrong_thread_error problem(id, info_.function_id);
    {
      const std::lock_guard lock(misuse_mutex_);
      if (!misuse_) misuse_ = protocol::describe(std::make_exception_ptr(problem), {});
    }
    throw problem;
  }
  std::optional<protocol::failure> misuse() const {
    const std::lock_guard lock(misuse_mutex_);
    return misuse_;
  }

  void refuse_nesting(std::string_view id) const {
    if (running_) throw nested_step_error(id, running_->id);
  }

  /// Refuses what no answer can hold before the step does anything.
  static void refuse_unwritable(const std::string& id, const std::string& name) {
    if (detail::is_utf8(id) && detail::is_utf8(name)) return;
    const std::string step = "step \"" + detail::readable(id) + "\"";
    detail::require_utf8(id, step + ": its id");
    detail::require_utf8(name, step + ": its name");
  }

  /// After an interrupt was swallowed, nothing of the handler counts any more.
  void refuse_going_on() {
    if (!interrupted_) return;
    report_swallowed();
    throw interrupt();
  }

  // ---- running a step -----------------------------------------------------------------------------------

  bool may_run_at_once() const {
    return !request_.target() && !request_.plan_only() && branches_.empty() && !race_is_open_ &&
           !options_.rehearse;
  }

  /// Tells middleware, but not of a rehearsal.
  template <class Call>
  void notify(Call&& call) {
    if (options_.rehearse || hooks_.empty()) return;
    hook_threw_ = true;
    hooks_.each(call);
    hook_threw_ = false;
  }

  /// Calls hooks around something. When it is the hooks that throw, that is noted: the handler did not come
  /// as far as it would have come without.
  std::string through_hooks(detail::function_ref<std::string(next_call<std::string>)> hooks,
                            next_call<std::string> innermost) {
    hook_threw_ = true;
    std::string out = hooks([&] {
      hook_threw_ = false;
      std::string result = innermost();
      hook_threw_ = true;
      return result;
    });
    hook_threw_ = false;
    return out;
  }

  /// A result was used: in a race, it counts for the branch that used it.
  void note_completed(const step_call& call) {
    if (call.memo && tracks_completion_)
      last_completed_ = (std::max)(last_completed_, completed_at(call.hash) + 1);
  }

  std::size_t completed_at(const step_hash& step) {
    const std::vector<step_hash>& all = request_.completed();
    if (places_.empty()) {
      for (std::size_t i = 0; i < all.size(); ++i) places_.try_emplace(all[i], i);
    }
    const auto found = places_.find(step);
    return found == places_.end() ? all.size() : found->second;
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
      notify([&](middleware& one) { one.on_step_start(info_, step); });
      running_ = &call;
      call_body(step, body, op.data);
      check_size(call, op.data);
      notify([&](middleware& one) { one.on_step_complete(info_, step, op.data); });
    } catch (...) {
      thrown = std::current_exception();
    }
    running_ = nullptr;
    const auto ended = world_.now();
    op.timing = protocol::timing{
        .started = std::chrono::duration_cast<std::chrono::nanoseconds>(started.time_since_epoch()).count(),
        .took = std::max<std::int64_t>(  // the clock may have been set back meanwhile
            std::chrono::duration_cast<std::chrono::nanoseconds>(ended - started).count(), 0)};
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
      notify([&](middleware& one) { one.on_step_error(info_, step, failure); });
    } catch (...) {
      warnings_.push_back("middleware::on_step_error threw at step \"" + std::string(step.id) +
                          "\": " + words_of_exception());
    }
    hook_threw_ = false;
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

  std::string words_of_exception() const {
    const auto info = protocol::describe(std::current_exception(), world_.now()).info;
    return info.message.empty() ? info.name : info.message;
  }

  protocol::failure describe_failure(const step_call& call, const std::exception_ptr& thrown,
                                     std::chrono::system_clock::time_point now) {
    protocol::failure out = protocol::describe(thrown, now, "step \"" + call.id + "\" of " + function_name());
    const bool used_up = call.retries && request_.attempt() >= *call.retries;
    if (is_interrupted(out))
      stop().note_interrupted();
    else if (is_last_attempt() || used_up)
      out.retriable = false;
    if (out.retriable && !out.retry_after && call.backoff) out.retry_after = backoff_of(call);
    out.info.stack = out.info.name + ": " + out.info.message + "\n    at step \"" + call.id + "\" (" +
                     call.file + ":" + std::to_string(call.line) + ")";
    return out;
  }

  /// What fails because the process is to end may succeed in the next one.
  bool is_interrupted(const protocol::failure& failure) const {
    return failure.retriable && stop().is_shutdown();
  }

  std::optional<std::chrono::milliseconds> backoff_of(const step_call& call) {
    try {
      return std::max<std::chrono::milliseconds>(call.backoff(request_.attempt()),
                                                 std::chrono::milliseconds::zero());
    } catch (...) {
      warnings_.push_back("step_options::backoff of step \"" + call.id + "\" threw: " + words_of_exception());
      return std::nullopt;
    }
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
      if (is_stale_) stop().request();
      saving_was_refused_ = true;  // what could not be saved is put into the answer at the end
      suspend(call);
    }
    kept_bytes_ += memo.size();
    kept_texts_.emplace_back(std::move(memo));
    kept_.push_back({.id = call.hash, .text = kept_texts_.back().text()});
    call.memo = held_memo(&kept_.back());
    if (!steps_before_going_on_) steps_before_going_on_ = steps_.size();
    is_replaying_ = false;
  }

  // ---- the end ------------------------------------------------------------------------------------------

  void call_handler(detail::function_ref<void(std::string&)> handler, std::string& out) {
    if (!request_.has_results()) end_memoization();
    if (hooks_.empty()) return handler(out);
    const auto innermost = [&] {
      std::string result;
      owner_ = std::this_thread::get_id();  // middleware may have gone to another thread
      handler(result);
      end_memoization();
      return result;
    };
    const auto around = [&](middleware& one, next_call<std::string> next) {
      return one.wrap_function_handler(info_, next);
    };
    out = through_hooks(
        [&](next_call<std::string> wrapped) { return hooks_.wrap<std::string>(around, wrapped); }, innermost);
  }

  void end_memoization() {
    if (std::exchange(memoization_ended_, true)) return;
    notify([&](middleware& one) { one.on_memoization_end(info_); });
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
    if (auto problem = misuse()) return fail(out, *std::move(problem));
    if (fatal_) return fail(out, *std::move(fatal_));
    if (completed) {
      const std::size_t left = request_.memo_count() - (std::min)(used_memos_, request_.memo_count());
      if (left > 0) report_unused(left);
      if (!options_.checkpoints && deferred_.empty()) return;
      take_deferred();
      operations_.push_back(protocol::run_complete(out.result));
      out.is_result_among_operations = true;
    } else if (operations_.empty() && thrown && !interrupted_) {
      return fail(out, protocol::describe(thrown, world_.now(), function_name()));
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

  /// Deferred calls were made before the function failed: they are told with the failure.
  void fail(outcome& out, protocol::failure failure) {
    if (is_interrupted(failure))
      stop().note_interrupted();
    else if (is_last_attempt())
      failure.retriable = false;
    out.ended = outcome::kind::failed;
    if (!deferred_.empty() && !is_stale_) {
      operations_.clear();
      take_deferred();
      operations_.push_back(protocol::run_failed(failure));
      out.ended = outcome::kind::operations;
      out.operations = std::move(operations_);
      out.is_failure_among_operations = true;
    }
    out.failure = std::move(failure);
  }

  std::string function_name() const { return "function \"" + std::string(info_.function_id) + "\""; }

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

  void tell_end(const outcome& out) {
    if (out.ended == outcome::kind::failed || out.is_failure_among_operations) {
      const failure_info told = tell(*out.failure);
      notify([&](middleware& one) { one.on_run_error(info_, told); });
    } else if (out.ended == outcome::kind::completed || out.is_result_among_operations) {
      notify([&](middleware& one) { one.on_run_complete(info_, out.result); });
    }
  }

  /// A deterministic handler comes to all steps that have results before it comes to a new one.
  void warn_of_changed_ids(const step_call& call) {
    if (request_.target() || race_was_run_ || used_memos_ >= request_.memo_count()) return;
    if (!first_changed_.empty()) return;
    first_changed_ = "step \"" + call.id + "\", called at " + call_site{call.file, call.line}.text() +
                     ", is new, where the server remembers " + first_unused();
    warnings_.push_back(first_changed_ + ": " + advice_on_ids());
  }

  void report_unused(std::size_t count) {
    std::string text = "the function ended without " + std::to_string(count) +
                       " of the steps that the server remembers, among them " + first_unused() + ": ";
    warnings_.push_back(text + advice_on_ids());
  }

  static std::string advice_on_ids() {
    return "step ids must not differ between the calls of a run (times, random numbers, counters and "
           "pointers "
           "do not belong into them), or the function was changed during the run";
  }

  /// The oldest result that no step has asked for. Only the hash of its id is known.
  std::string first_unused() const {
    for (const step_hash& each : request_.completed()) {
      if (!used_.contains(each)) return "a step whose id has the hash " + detail::to_hex(each);
    }
    return "other steps";
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

}  // namespace inngest::execution
