#pragma once

#include <cstdint>

#include <inngest/config.hpp>
#include <inngest/execution/replay.hpp>

namespace inngest::inline INNGEST_ABI::execution {

INNGEST_INLINE constinit const step_functions replay::all_functions{
    .enter = &replay::enter_step,
    .discover = &replay::discover_step,
    .await = &replay::await_step,
    .wait_for_server = &replay::leave_step_to_server,
    .take_memo = &replay::take_memo,
    .throw_if_failed = &protocol::throw_if_failed,
    .event_readers = detail::all_event_readers()};

INNGEST_INLINE replay::replay(const protocol::call_request& request, const host_services& services,
                              replay_options options)
    : functions_(all_functions),
      request_(request),
      services_(services),
      options_(std::move(options)),
      info_{.function_id = options_.function_id,
            .run_id = request.run_id(),
            .attempt = request.attempt(),
            .max_attempts = request.max_attempts(),
            .traceparent = options_.traceparent,
            .function = options_.function,
            .event = request.event(),
            .events = request.events(),
            .request_id = options_.request_id,
            .job_id = options_.job_id},
      hooks_(options_.hooks ? *options_.hooks : no_hooks(), info_, options_.rehearse) {
  ids_.reserve(request.memo_count() + 8);
}

INNGEST_INLINE outcome replay::run(detail::function_ref<void(std::string&)> handler) {
  outcome out;
  std::exception_ptr thrown;
  bool left_by_interrupt = false;
  try {
    owner_ = std::this_thread::get_id();
    const bool is_first = request_.attempt() == 0 && own_results() == 0 && !request_.target();
    if (is_first) hooks_.notify([&](middleware& layer) { layer.on_run_start(info_); });
    call_handler(handler, out.result);
    end_memoization();
  } catch (const interrupt&) {
    left_by_interrupt = true;
  } catch (...) {
    thrown = std::current_exception();
  }
  if (interrupted_ && !left_by_interrupt) report_swallowed();
  if (interrupted_) thrown = hook_error_;  // after an interrupt nothing that the handler throws counts
  finish(out, thrown);
  out.stopped_early = executed_ || is_stale_ || hooks_.threw() || hook_error_ || misuse();
  notify_error(out);
  out.warnings = std::move(warnings_);
  out.steps = std::move(steps_);
  out.steps_before_continuing = steps_before_continuing_;
  out.found = std::move(found_);
  out.response = std::move(response_);
  return out;
}

INNGEST_INLINE outcome replay::fail_before_handler(const std::exception_ptr& thrown) {
  outcome out;
  fail(out, protocol::describe(thrown, services_.now(), function_name()));
  notify_error(out);
  out.warnings = std::move(warnings_);
  return out;
}

INNGEST_INLINE step_call replay::enter_step(step_options&& options, step_kind kind, std::string* input) {
  refuse_other_threads(options.id.text());
  refuse_nesting(options.id.text());
  refuse_if_interrupted();
  check_step_options(options);
  step_call call;  // member by member: GCC would clear the whole of a braced one first, slowly
  call.hash = options.id.hash();
  call.id = options.id.text();
  call.given_name = std::move(options.name);
  call.kind = kind;
  call.file = options.id.file();
  call.line = options.id.line();
  call.retries = options.retries;
  call.backoff = std::move(options.backoff);
  call.deadline = options.deadline;
  if (!hooks_.empty()) transform_input(call, input);
  refuse_unwritable(call.id, call.given_name);
  if (auto error = ids_.identify(call, reached())) stop(*std::move(error));
  if (options_.trace_steps) steps_.push_back(call.id);

  if (request_.is_newest(call.hash)) is_replaying_ = false;
  const protocol::memo* found = request_.find(call.hash);
  if (found) ++used_memos_;
  if (found && !found->begins_with_data() && protocol::holds_only(*found, "input"))
    call.input = std::exchange(found, nullptr);  // the step has not run yet
  if (call.input && !hooks_.empty()) {
    const detail::json_buffer replaced{std::string(call.input->text)};
    call.arguments = std::string(detail::find_member(replaced, "input"));
  }
  call.memo = held_memo(found);
  if (!found) call.stop = options_.stop.source();
  constexpr std::size_t few = 5;
  if (request_.target() && !found && found_.size() < few) found_.push_back(call.id);
  if (!call.memo) guard_hooks(call, [&] { end_memoization(); });
  return call;
}

INNGEST_INLINE void replay::record(const step_call& call, protocol::operation op) {
  if (request_.target() && *request_.target() != call.hash) return;  // the server requests another step
  operations_.push_back(completed(call, std::move(op)));
}

INNGEST_INLINE void replay::discover_step(const step_call& call, const protocol::operation& plan,
                                          detail::function_ref<void(std::string&)> body) {
  if (!request_.target() || options_.rehearse) return record(call, plan);
  if (*request_.target() != call.hash) return;
  if (stop().is_requested()) {
    if (stop().is_shutdown()) stop().note_interrupted();
    was_cut_off_ = true;
    suspend(call);
  }
  record(call, execute(call, plan, body));
  executed_ = true;
  suspend(call);
}

INNGEST_INLINE void replay::await_step(step_call& call, const protocol::operation& plan,
                                       detail::function_ref<void(std::string&)> body) {
  refuse_other_threads(call.id);
  refuse_nesting(call.id);
  refuse_if_interrupted();
  const bool alone = operations_.size() == 1 && operations_.front().id == call.hash;
  const bool out_of_time = options_.checkpoints && options_.checkpoints->is_out_of_time();
  if (alone && branches_.empty()) warn_of_changed_ids(call);
  if (!alone || !may_run_at_once() || out_of_time || stop().is_requested()) suspend(call);
  operations_.clear();
  protocol::operation op = execute(call, plan, body);
  if (options_.checkpoints && !step_failure_ && request_.attempt() == 0)
    return save_result(call, std::move(op));
  record(call, std::move(op));
  executed_ = true;
  suspend(call);
}

INNGEST_INLINE void replay::leave_step_to_server(const step_call& call, protocol::operation op) {
  record(call, std::move(op));
  if (operations_.size() == 1 && branches_.empty()) warn_of_changed_ids(call);
  suspend(call);
}

INNGEST_INLINE void replay::suspend(const step_call& call) {
  interrupted_ = true;
  interrupted_step_ = call.id;
  interrupted_at_ = std::string(call.file) + ":" + std::to_string(call.line);
  throw interrupt();
}

INNGEST_INLINE void replay::record_deferred(protocol::operation op) {
  refuse_other_threads(op.user_id);
  refuse_nesting(op.user_id);
  refuse_if_interrupted();
  refuse_unwritable(op.user_id, op.display_name);
  const std::string id = op.user_id;
  if (!deferred_.add(std::move(op)))
    warnings_.push_back("ctx.defer(\"" + id + "\") was called twice: the second call is ignored");
}

INNGEST_INLINE void replay::abort_deferred(const protocol::operation& added, std::string_view slug) {
  refuse_other_threads(added.user_id);
  refuse_nesting(added.user_id);
  refuse_if_interrupted();
  deferred_.abort(added, slug);
}

INNGEST_INLINE bool replay::add_metadata(const std::string& object) {
  refuse_other_threads("(metadata)");
  if (!running_) return false;
  metadata_ += (metadata_.empty() ? "" : ",") + object;
  return true;
}

INNGEST_INLINE const std::vector<session>& replay::sessions() {
  if (!sessions_) {
    sessions_ = options_.propagate_sessions ? protocol::shared_sessions(request_.event(), request_.events())
                                            : std::vector<session>();
  }
  return *sessions_;
}

INNGEST_INLINE std::string replay::traceparent() const {
  std::string out;
  hooks_.all().for_each([&](middleware& layer) {
    if (out.empty()) out = layer.open_traceparent(info_);
  });
  return out.empty() ? std::string(info_.traceparent) : out;
}

INNGEST_INLINE step_call replay::enter_deferred(const step_options& options, std::string& data) {
  refuse_other_threads(options.id.text());
  step_call call{.hash = options.id.hash(),
                 .id = std::string(options.id.text()),
                 .given_name = options.name,
                 .kind = step_kind::defer,
                 .file = options.id.file(),
                 .line = options.id.line()};
  if (!hooks_.empty()) transform_input(call, &data);
  return call;
}

INNGEST_INLINE std::string replay::read_output(std::string_view output) {
  const auto stored = [&] { return std::string(output); };
  return hooks_.empty() ? stored() : hooks_.wrap_result(output_step(), stored);
}

INNGEST_INLINE step_info replay::describe(const step_call& call) const {
  return {.id = call.id,
          .name = call.name(),
          .index = call.index,
          .kind = call.kind,
          .hash = call.hash,
          .memoized = static_cast<bool>(call.memo),
          .input = call.arguments,
          .retries = call.retries,
          .deadline = call.deadline};
}

INNGEST_INLINE replay::group_scope::group_scope(replay& of, branches::kind kind) : replay_(of) {
  replay_.refuse_other_threads({});
  replay_.branches_.begin_group(kind, replay_.reached());
}

INNGEST_INLINE replay::branch_result replay::run_branch(detail::function_ref<void()> branch) {
  refuse_if_interrupted();
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
  if (executed_ || fatal_ || hook_error_) throw interrupt();  // nothing else may run in this call
  interrupted_ = false;                                       // the other branches still run
  return out;
}

INNGEST_INLINE void replay::suspend_group() {
  interrupted_ = true;
  throw interrupt();
}

INNGEST_INLINE std::string replay::exchange_shared_options(std::string object) {
  return std::exchange(shared_options_, std::move(object));
}

INNGEST_INLINE std::vector<protocol::operation> replay::take_recorded_after(std::size_t count) {
  const auto first = operations_.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<protocol::operation> out(std::make_move_iterator(first),
                                       std::make_move_iterator(operations_.end()));
  operations_.erase(first, operations_.end());
  return out;
}

INNGEST_INLINE void replay::record_again(std::vector<protocol::operation> operations) {
  std::move(operations.begin(), operations.end(), std::back_inserter(operations_));
}

INNGEST_INLINE replay*& replay::current_on_thread() {
  thread_local replay* current = nullptr;
  return current;
}

INNGEST_INLINE const execution::hooks& replay::no_hooks() {
  static const execution::hooks none;
  return none;
}

INNGEST_INLINE void replay::stop(protocol::failure failure) {
  fatal_ = std::move(failure);
  suspend_group();
}

INNGEST_INLINE void replay::guard_hooks(const step_call& call, detail::function_ref<void()> hooks) {
  try {
    hooks();
  } catch (...) {
    // a failed step's own error is the handler's, and what is thrown inside a step's body is that step's
    if (!hooks_.threw() || running_) throw;
    hook_error_ = std::current_exception();
  }
  if (hook_error_) suspend(call);
}

INNGEST_INLINE void replay::transform_input(step_call& call, std::string* input) {
  if (input) call.arguments = takes_event_data(call.kind) ? "[" + *input + "]" : *input;
  step_input changed{.id = call.id, .name = call.given_name, .input = call.arguments};
  const step_info before = describe(call);
  guard_hooks(call, [&] { hooks_.transform_input(before, changed, input); });
  if (changed.id != call.id) call.hash = detail::sha1_at_run_time(changed.id);
  call.id = std::move(changed.id);
  call.given_name = std::move(changed.name);
  call.arguments = std::move(changed.input);
}

INNGEST_INLINE protocol::operation replay::completed(const step_call& call, protocol::operation op) const {
  op.id = call.hash;
  op.display_name = call.name();
  op.user_id = call.id;
  op.index = call.index;
  if (op.name.empty()) op.name = call.id;
  if (!shared_options_.empty()) op.options = protocol::merged_options(op.options, shared_options_);
  return op;
}

INNGEST_INLINE void replay::refuse_other_threads(std::string_view id) {
  if (std::this_thread::get_id() == owner_) return;
  const wrong_thread_error problem(id, info_.function_id);
  {
    const std::lock_guard lock(misuse_mutex_);
    if (!misuse_) misuse_ = protocol::describe(std::make_exception_ptr(problem), {});
  }
  throw problem;
}

INNGEST_INLINE std::optional<protocol::failure> replay::misuse() const {
  const std::lock_guard lock(misuse_mutex_);
  return misuse_;
}

INNGEST_INLINE void replay::refuse_nesting(std::string_view id) const {
  if (running_) throw nested_step_error(id, running_->id);
}

INNGEST_INLINE void replay::refuse_if_interrupted() {
  if (!interrupted_) return;
  report_swallowed();
  throw interrupt();
}

INNGEST_INLINE bool replay::may_run_at_once() const {
  return !request_.target() && !request_.plan_only() && branches_.empty() && !race_is_open_ &&
         !options_.rehearse;
}

INNGEST_INLINE protocol::memo replay::take_memo(step_call& call, bool wrapped, detail::json_buffer& changed) {
  refuse_other_threads(call.id);
  branches_.wait(call.hash, call.entered_at, call.got_in);
  note_completed(call);
  const protocol::memo& memo = *call.memo.memo_;
  if (hooks_.empty()) return memo;
  std::string text;
  guard_hooks(call, [&] {
    text =
        hooks_.wrap_result(describe(call), [&] { return std::string(protocol::result_text(memo, call.id)); });
  });
  if (wrapped) text = protocol::memo_of_data(text);
  changed = detail::json_buffer(std::move(text));
  return {.id = call.hash, .text = changed.text()};
}

INNGEST_INLINE void replay::note_completed(const step_call& call) {
  if (call.memo && tracks_completion_)
    last_completed_ = (std::max)(last_completed_, completed_at(call.hash) + 1);
}

INNGEST_INLINE std::size_t replay::completed_at(const step_hash& step) {
  const std::vector<step_hash>& all = request_.completed();
  if (places_.empty()) {
    for (std::size_t i = 0; i < all.size(); ++i) places_.try_emplace(all[i], i);
  }
  const auto found = places_.find(step);
  return found == places_.end() ? all.size() : found->second;
}

INNGEST_INLINE bool replay::is_last_attempt() const {
  return request_.max_attempts() && std::int64_t{request_.attempt()} + 1 >= *request_.max_attempts();
}

INNGEST_INLINE protocol::operation replay::execute(const step_call& call, const protocol::operation& plan,
                                                   detail::function_ref<void(std::string&)> body) {
  request_.close();
  protocol::operation op = plan;
  op.code = protocol::opcode::step_run;
  const step_info step = hooks_.empty() ? step_info{} : describe(call);
  const auto started = services_.now();
  std::exception_ptr thrown;
  try {
    hooks_.notify([&](middleware& layer) { layer.on_step_start(info_, step); });
    running_ = &call;
    call_body(step, body, op.data);
    check_size(call, op.data);
    hooks_.notify([&](middleware& layer) { layer.on_step_complete(info_, step, op.data); });
  } catch (...) {
    thrown = std::current_exception();
  }
  running_ = nullptr;
  const auto ended = services_.now();
  op.timing = protocol::timing{
      .started = std::chrono::duration_cast<std::chrono::nanoseconds>(started.time_since_epoch()).count(),
      .took = std::max<std::int64_t>(  // the clock may have been set back
          std::chrono::duration_cast<std::chrono::nanoseconds>(ended - started).count(), 0)};
  if (!metadata_.empty()) op.metadata = "[" + std::exchange(metadata_, {}) + "]";
  if (thrown) {
    step_failure_ = describe_failure(call, thrown, ended);
    op.code = step_failure_->retriable ? protocol::opcode::step_error : protocol::opcode::step_failed;
    op.data.clear();
    op.error = step_failure_->info;
    const failure_info reported = to_failure_info(*step_failure_);
    notify_step_error(step, reported);
  }
  return op;
}

INNGEST_INLINE void replay::notify_step_error(const step_info& step, const failure_info& failure) {
  try {
    hooks_.notify([&](middleware& layer) { layer.on_step_error(info_, step, failure); });
  } catch (...) {
    warnings_.push_back("middleware::on_step_error threw at step \"" + std::string(step.id) +
                        "\": " + message_of_exception());
  }
  hooks_.forget_exception();
}

INNGEST_INLINE void replay::call_body(const step_info& step, detail::function_ref<void(std::string&)> body,
                                      std::string& out) {
  if (hooks_.empty()) return body(out);
  const auto innermost = [&] {
    std::string data;
    body(data);
    return data.empty() ? std::string("null") : data;
  };
  out = hooks_.wrap_body(step, innermost);
}

INNGEST_INLINE std::string replay::message_of_exception() const {
  const auto info = protocol::describe(std::current_exception(), services_.now()).info;
  return info.message.empty() ? info.name : info.message;
}

INNGEST_INLINE protocol::failure replay::describe_failure(const step_call& call,
                                                          const std::exception_ptr& thrown,
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

INNGEST_INLINE bool replay::is_interrupted(const protocol::failure& failure) const {
  return failure.retriable && stop().is_shutdown();
}

INNGEST_INLINE std::optional<std::chrono::milliseconds> replay::backoff_of(const step_call& call) {
  try {
    return std::max<std::chrono::milliseconds>(call.backoff(request_.attempt()),
                                               std::chrono::milliseconds::zero());
  } catch (...) {
    warnings_.push_back("step_options::backoff of step \"" + call.id + "\" threw: " + message_of_exception());
    return std::nullopt;
  }
}

INNGEST_INLINE void replay::check_size(const step_call& call, const std::string& data) const {
  const auto refuse = [&](const std::string& what, std::size_t limit) {
    throw too_large("step \"" + call.id + "\": " + what + ", and a server accepts at most " +
                    std::to_string(limit) + ": store large data elsewhere and return its location");
  };
  if (data.size() > options_.limits.step_output)
    refuse("its result has " + std::to_string(data.size()) + " bytes", options_.limits.step_output);
  const std::size_t state = request_.state_size() + saved_bytes_ + data.size();
  if (state > options_.limits.state)
    refuse("with its result the run's state has " + std::to_string(state) + " bytes", options_.limits.state);
}

INNGEST_INLINE void replay::save_result(step_call& call, protocol::operation op) {
  std::string memo = protocol::memo_of_data(op.data);
  for (protocol::operation& made : deferred_.take_to_save())
    options_.checkpoints->add_deferred(std::move(made));
  const checkpoints::saved saved = options_.checkpoints->add(completed(call, std::move(op)));
  if (saved != checkpoints::saved::yes) {
    is_stale_ = saved == checkpoints::saved::stale;
    if (is_stale_) stop().request();
    saving_was_refused_ = true;  // unsaved results become part of the answer
    suspend(call);
  }
  saved_bytes_ += memo.size();
  saved_result& added = saved_.emplace_back();
  added.text = detail::json_buffer(std::move(memo));
  added.memo = {.id = call.hash, .text = added.text.text()};
  call.memo = held_memo(&added.memo);
  if (!steps_before_continuing_) steps_before_continuing_ = steps_.size();
  is_replaying_ = false;
}

INNGEST_INLINE void replay::call_handler(detail::function_ref<void(std::string&)> handler, std::string& out) {
  if (!request_.has_results()) end_memoization();
  struct current_scope {
    explicit current_scope(replay* inner) : outer(std::exchange(current_on_thread(), inner)) {}
    ~current_scope() { current_on_thread() = outer; }
    replay* outer;
  };
  if (hooks_.empty()) {
    const current_scope here(this);
    return handler(out);
  }
  const auto innermost = [&] {
    std::string result;
    owner_ = std::this_thread::get_id();  // middleware may have switched threads
    const current_scope here(this);
    handler(result);
    end_memoization();
    return result;
  };
  out = hooks_.wrap_handler(innermost);
}

INNGEST_INLINE void replay::end_memoization() {
  if (std::exchange(memoization_ended_, true)) return;
  hooks_.notify([&](middleware& layer) { layer.on_memoization_end(info_); });
}

INNGEST_INLINE void replay::finish(outcome& out, const std::exception_ptr& thrown) {
  const bool completed = !interrupted_ && !thrown && operations_.empty() && !request_.target();
  if (options_.checkpoints && !is_stale_) save_rest(completed);
  if (is_stale_) {
    out.ended = outcome::kind::overtaken;
    return;
  }
  if (auto failure = own_failure()) return fail(out, *std::move(failure));
  const bool fits = operations_.size() + deferred_.size() < options_.limits.operations;
  const std::exception_ptr error = completed && fits ? notify_complete(out.result) : thrown;
  if (completed && !error) return finish_completed(out);
  if (!operations_.empty()) {
    take_deferred();
    return finish_with_operations(out);
  }
  if (error) return fail(out, protocol::describe(error, services_.now(), function_name()));
  out.ended = was_cut_off_ ? outcome::kind::interrupted : outcome::kind::not_reached;
}

INNGEST_INLINE void replay::save_rest(bool completed) {
  const bool must_save = !completed && !saving_was_refused_;
  if (must_save && options_.checkpoints->save() == checkpoints::saved::stale) is_stale_ = true;
  auto unsaved = options_.checkpoints->take_unsaved();
  operations_.insert(operations_.begin(), std::make_move_iterator(unsaved.begin()),
                     std::make_move_iterator(unsaved.end()));
}

INNGEST_INLINE std::optional<protocol::failure> replay::own_failure() {
  if (auto problem = misuse()) return problem;
  return std::move(fatal_);
}

INNGEST_INLINE void replay::finish_completed(outcome& out) {
  if (const std::size_t left = unused_results(); left > 0)
    warnings_.push_back(warning_of_unused(left, first_unused()));
  if (!options_.checkpoints && deferred_.empty()) return;
  take_deferred();
  operations_.push_back(protocol::run_complete(out.result));
  out.is_result_among_operations = true;
  finish_with_operations(out);
}

INNGEST_INLINE void replay::finish_with_operations(outcome& out) {
  if (operations_.size() > options_.limits.operations)
    return fail(out, error_of_too_many(operations_.size(), options_.limits.operations, services_.now()));
  out.ended = outcome::kind::operations;
  out.operations = std::move(operations_);
  out.failure = std::move(step_failure_);
}

/// Whether the operation is about a deferred call, which is reported also when the run fails.
INNGEST_INLINE bool is_deferred(const protocol::operation& op) {
  return op.code == protocol::opcode::defer_add || op.code == protocol::opcode::defer_abort;
}

INNGEST_INLINE void replay::fail(outcome& out, protocol::failure failure) {
  if (is_interrupted(failure))
    stop().note_interrupted();
  else if (is_last_attempt())
    failure.retriable = false;
  out.ended = outcome::kind::failed;
  std::erase_if(operations_, [](const protocol::operation& op) { return !is_deferred(op); });
  take_deferred();
  if (!operations_.empty() && operations_.size() < options_.limits.operations) {
    operations_.push_back(protocol::run_failed(failure));
    out.ended = outcome::kind::operations;
    out.operations = std::move(operations_);
    out.is_failure_among_operations = true;
  }
  out.failure = std::move(failure);
}

INNGEST_INLINE void replay::take_deferred() {
  std::vector<protocol::operation> made = deferred_.take();
  std::move(made.begin(), made.end(), std::back_inserter(operations_));
}

INNGEST_INLINE failure_info replay::to_failure_info(const protocol::failure& failure) {
  return {.name = failure.info.name,
          .message = failure.info.message,
          .is_final = !failure.retriable,
          .retry_after = failure.retry_after};
}

INNGEST_INLINE std::exception_ptr replay::notify_complete(std::string_view result) {
  try {
    hooks_.notify([&](middleware& layer) { layer.on_run_complete(info_, result); });
    return nullptr;
  } catch (...) {
    return std::current_exception();
  }
}

INNGEST_INLINE void replay::notify_error(const outcome& out) {
  if (out.ended != outcome::kind::failed && !out.is_failure_among_operations) return;
  const failure_info reported = to_failure_info(*out.failure);
  try {
    hooks_.notify([&](middleware& layer) { layer.on_run_error(info_, reported); });
  } catch (...) {
    warnings_.push_back("middleware::on_run_error threw: " + message_of_exception());
  }
}

INNGEST_INLINE void replay::warn_of_changed_ids(const step_call& call) {
  if (request_.target() || race_was_run_ || unused_results() == 0) return;
  if (std::exchange(warned_of_changed_ids_, true)) return;
  warnings_.push_back(warning_of_changed_id(call, first_unused()));
}

INNGEST_INLINE std::size_t replay::own_results() const {
  if (!services_.is_preloaded) return request_.memo_count();
  const auto& all = request_.completed();
  const auto given = std::count_if(all.begin(), all.end(), services_.is_preloaded);
  return request_.memo_count() - static_cast<std::size_t>(given);
}

INNGEST_INLINE std::size_t replay::unused_results() const {
  if (used_memos_ >= request_.memo_count()) return 0;
  const std::size_t left = request_.memo_count() - used_memos_;
  if (!services_.is_preloaded) return left;
  const auto& all = request_.completed();
  const auto excused = std::count_if(all.begin(), all.end(), [&](const step_hash& step) {
    return !ids_.is_used(step) && services_.is_preloaded(step);
  });
  return left - (std::min)(left, static_cast<std::size_t>(excused));
}

INNGEST_INLINE std::string described_step(const host_services& services, const std::string& run_id,
                                          const step_hash& step) {
  const std::string name = services.name_of_step ? services.name_of_step(run_id, step) : std::string();
  return (name.empty() ? "a step" : "step \"" + name + "\",") + " whose id has the hash " +
         detail::to_hex(step);
}

INNGEST_INLINE std::string replay::first_unused() const {
  for (const step_hash& step : request_.completed()) {
    if (!ids_.is_used(step) && !is_preloaded(step)) return described_step(services_, request_.run_id(), step);
  }
  return "other steps";
}

INNGEST_INLINE void replay::report_swallowed() {
  if (std::exchange(reported_swallowed_, true)) return;
  warnings_.push_back(warning_of_swallowed(interrupted_step_, interrupted_at_));
}

}  // namespace inngest::inline INNGEST_ABI::execution
