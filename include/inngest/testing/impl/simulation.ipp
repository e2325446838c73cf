#pragma once

#include <algorithm>
#include <exception>

#include <inngest/config.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/error_info.hpp>
#include <inngest/protocol/memo.hpp>
#include <inngest/testing/simulation.hpp>

namespace inngest::inline INNGEST_ABI::testing {

INNGEST_INLINE simulation::simulation(client app, const std::vector<any_function>& functions,
                                      const options& chosen)
    : now_(chosen.start),
      app_(std::move(app)),
      mocks_(std::make_shared<mocks>()),
      functions_(with_mocks(functions)),
      handler_(app_, functions_, serving(false)),
      strict_(app_, functions_, serving(true)),
      checks_(chosen.check_determinism),
      scheduler_(definitions(chosen.retries), {}, chosen.retry_delay, now_),
      hub_(std::make_shared<embedded::realtime_hub>()) {
  app_.replace_transport(std::make_shared<loopback>(*this, hub_));
  commit_changes();
}

INNGEST_INLINE void simulation::close() noexcept {
  if (!std::exchange(is_open_, false)) return;
  app_.restore_transport();
  hub_->end();
}

INNGEST_INLINE void simulation::settle() {
  constexpr int most = 100'000;
  for (int calls = 0; step(); ++calls) {
    if (calls == most)
      throw configuration_error("the functions called for " + std::to_string(most) +
                                " steps without any time passing: check whether a function starts itself");
  }
}

INNGEST_INLINE bool simulation::go_to_next(timestamp end) {
  end_mocked_waits();
  const auto due = scheduler_.next_due();
  if (!due || *due > end) return false;
  now_ = (std::max)(now_, *due);
  settle();
  return true;
}

INNGEST_INLINE void simulation::go_to(timestamp end) {
  settle();
  while (go_to_next(end)) {
  }
  now_ = (std::max)(now_, end);
}

INNGEST_INLINE std::vector<std::string> simulation::accept(std::string events, std::string_view seed) {
  const auto is_dispatched = [&](const std::string& id) {
    const auto stored = store_.find_event(id);
    return stored && stored->dispatched;
  };
  auto ids = scheduler_.accept(std::move(events), now_, seed, is_dispatched);
  commit_changes();
  if (!sends_) sent_.insert(sent_.end(), ids.begin(), ids.end());
  return ids;
}

INNGEST_INLINE std::vector<std::string> simulation::send(const any_event& event) {
  struct sending {
    bool& is_on;
    ~sending() { is_on = false; }  // also when the event is refused
  };
  end_mocked_waits();
  sends_ = true;
  const sending until_accepted{sends_};
  return accept(event.text());
}

INNGEST_INLINE std::optional<std::string> simulation::signal(const std::string& name,
                                                             const std::string& data) {
  end_mocked_waits();
  auto run_id = scheduler_.signal(name, data, now_);
  commit_changes();
  return run_id;
}

INNGEST_INLINE std::string simulation::begin(const any_function& function,
                                             const std::vector<std::string>& events) {
  require_known(function);
  if (events.empty())
    throw configuration_error("a run of function \"" + function.id() + "\" needs an event to begin with");
  embedded::run_record recorded{.run = {.function_slug = function.slug()}};
  for (const std::string& event : events) {
    recorded.events.push_back({.id = detail::make_ulid(now_), .text = event});
    if (recorded.run.event_name.empty()) recorded.run.event_name = detail::find_text(event, "name");
  }
  std::string id = require_begun(function, scheduler_.rerun(recorded, now_));
  commit_changes();
  return id;
}

INNGEST_INLINE std::string simulation::start(const any_function& function, const std::string& data) {
  require_known(function);
  std::string id = require_begun(function, scheduler_.start(function.slug(), data, now_));
  commit_changes();
  return id;
}

INNGEST_INLINE std::string simulation::require_begun(const any_function& function, std::string run_id) {
  if (run_id.empty())
    throw configuration_error("function \"" + function.id() + "\" is a singleton that is already running");
  return run_id;
}

INNGEST_INLINE bool simulation::cancel(std::string_view run_id) {
  const bool done = scheduler_.cancel(run_id, now_);
  commit_changes();
  return done;
}

INNGEST_INLINE std::optional<std::string> simulation::rerun(std::string_view run_id,
                                                            const std::optional<embedded::rerun_step>& from) {
  const auto earlier = store_.find_run(run_id);
  if (!earlier) return std::nullopt;
  embedded::rerun_plan plan;
  if (from) plan = plan_rerun(*earlier, store_.memos_of(run_id), *from);
  std::string id = scheduler_.rerun(*earlier, now_, std::move(plan));
  commit_changes();
  return id.empty() ? std::nullopt : std::optional<std::string>(std::move(id));
}

INNGEST_INLINE embedded::invoked_run simulation::invoke(const std::string& slug, const std::string& data,
                                                        const std::string& key) {
  embedded::invoked_run out = scheduler_.invoke(slug, data, key, now_);
  commit_changes();
  return out;
}

INNGEST_INLINE embedded::bulk_cancellation simulation::cancel_many(embedded::bulk_cancellation wanted) {
  embedded::bulk_cancellation out = scheduler_.cancel_many(std::move(wanted), now_);
  commit_changes();
  return out;
}

INNGEST_INLINE bool simulation::remove_bulk_cancellation(const std::string& id) {
  const bool done = scheduler_.remove_bulk_cancellation(id);
  commit_changes();
  return done;
}

INNGEST_INLINE void simulation::preload(const std::string& run_id, const step_hash& step,
                                        const std::string& memo) {
  scheduler_.preload(run_id, step, memo);
  commit_changes();
}

INNGEST_INLINE std::optional<embedded::run> simulation::find_run(std::string_view run_id) const {
  auto found = store_.find_run(run_id);
  if (!found) return std::nullopt;
  found->run.output_reader = [this, slug = found->run.function_slug,
                              id = found->run.id](const std::string& output) {
    return handler_.read_output(slug, id, output);
  };
  return std::move(found->run);
}

INNGEST_INLINE std::string simulation::read_result(const embedded::run& run, const step_info& step,
                                                   const std::string& result) const {
  return handler_.read_result(run.function_slug, run.id, step, result);
}

INNGEST_INLINE std::string simulation::read_event(const std::string& text) const {
  if (functions_.empty()) return text;
  const std::string function_id = functions_.front().id();
  const std::string events = "[" + text + "]";
  const call_info call{
      .function_id = function_id, .function = &functions_.front(), .event = text, .events = events};
  function_input input{.event = text, .events = events};
  for (const auto& layer : app_.settings().middleware()) layer->transform_function_input(call, input);
  return input.event;
}

INNGEST_INLINE std::vector<embedded::function_definition> simulation::functions() const {
  std::vector<embedded::function_definition> out;
  for (const auto& [slug, definition] : scheduler_.functions().all()) out.push_back(*definition);
  return out;
}

INNGEST_INLINE std::string simulation::id_of(const step_hash& step) const {
  const auto found = ids_.find(step);
  return found == ids_.end() ? "" : found->second;
}

INNGEST_INLINE std::string simulation::name_of(const step_hash& step) const {
  std::string id = id_of(step);
  const auto found = names_.find(step);
  return !id.empty() || found == names_.end() ? id : found->second;
}

INNGEST_INLINE std::string simulation::shown_step(const step_hash& step) const {
  if (const std::string id = id_of(step); !id.empty()) return "step \"" + id + "\"";
  const std::string name = name_of(step);
  return "step " + (name.empty() ? name : "\"" + name + "\" ") + "with the hash " + detail::to_hex(step);
}

INNGEST_INLINE const std::vector<embedded::reported_operation>& simulation::operations(
    const std::string& run_id) const {
  static const std::vector<embedded::reported_operation> none;
  const auto found = operations_.find(run_id);
  return found == operations_.end() ? none : found->second;
}

INNGEST_INLINE http::response simulation::loopback::send(const http::request& request,
                                                         std::chrono::milliseconds) {
  return embedded::server_api<simulation>(*simulation_).answer(request);
}

INNGEST_INLINE void simulation::loopback::stream(const http::request& request,
                                                 const http::streaming& handlers) {
  const bool subscribes = request.method == "GET" && request.path() == "/v1/realtime/sse";
  if (subscribes) return hub_->stream(embedded::realtime_token_of(request), handlers);
  http::request whole = request;
  if (handlers.next_piece) {
    for (auto piece = handlers.next_piece(); piece; piece = handlers.next_piece()) whole.body += *piece;
  }
  const http::response answer = send(whole, {});
  if ((!handlers.on_head || handlers.on_head(answer)) && handlers.on_piece) handlers.on_piece(answer.body);
}

INNGEST_INLINE void simulation::broadcast(realtime::message message) {
  if (message.run_id.empty()) message.run_id = called_run_;
  message.created_at = now_;
  hub_->publish(std::move(message));
}

INNGEST_INLINE void simulation::note(realtime::message message) {
  if (message.run_id.empty()) message.run_id = called_run_;
  message.created_at = now_;
  if (!message.run_id.empty()) add_notes({embedded::note_of(message)});
  published_.push_back(std::move(message));
}

INNGEST_INLINE void simulation::add_notes(std::vector<embedded::run_note> notes) {
  for (embedded::run_note& note : notes) {
    note.at = (std::max)(note.at, now_);
    note.id = note_ids_.next(note.at);
  }
  std::vector<embedded::tag_change> tags = embedded::tag_changes_of(notes);
  scheduler_.change_tags(tags);
  const embedded::changes added{.notes = std::move(notes), .tags = std::move(tags)};
  store_.commit({&added, 1});
}

INNGEST_INLINE std::function<std::chrono::system_clock::time_point()> simulation::clock() const {
  using in_system_clock = detail::saturated_time_in<std::chrono::system_clock::duration>;
  return [this] { return std::chrono::system_clock::time_point(in_system_clock(now_)); };
}

INNGEST_INLINE serve_options simulation::serving(bool is_strict) const {
  return {.strict = is_strict,
          .framework = "testing",
          .clock = clock(),
          .is_preloaded = [all = mocks_](const step_hash& step) { return all->is_preloaded(step); },
          .name_of_step = [this](const std::string&, const step_hash& step) { return name_of(step); }};
}

INNGEST_INLINE void simulation::require_known(const any_function& function) const {
  if (!scheduler_.functions().find(function.slug()))
    throw configuration_error("the harness has no function \"" + function.id() + "\"");
}

INNGEST_INLINE std::vector<any_function> simulation::with_mocks(
    const std::vector<any_function>& functions) const {
  std::vector<any_function> out;
  for (const any_function& function : functions) {
    function_options changed = function.options();
    changed.middleware.push_back(std::make_shared<mocking>(mocks_));
    out.emplace_back(function.app_id(), std::move(changed), function.triggers(), function.handler(),
                     with_mocks(function.end_handlers()), function.is_endpoint());
  }
  return out;
}

INNGEST_INLINE std::vector<embedded::function_definition> simulation::definitions(bool retries) const {
  std::vector<embedded::function_definition> out;
  for (const any_function& function : handler_.functions()) {
    out.push_back(embedded::define(function));
    if (!retries) out.back().retries = 0;
  }
  return out;
}

INNGEST_INLINE void simulation::commit_changes() {
  for (auto changes = scheduler_.take_changes(); !changes.empty(); changes = scheduler_.take_changes()) {
    store_.commit({&changes, 1});
    scheduler_.committed(changes, now_);
  }
}

INNGEST_INLINE bool simulation::step() {
  end_mocked_waits();
  auto next = scheduler_.take_due(now_);
  commit_changes();
  if (!next) next = scheduler_.take_due(now_);  // jobs from timers, after their commit
  if (!next) return false;
  http::response answer;
  if (scheduler_.is_running(next->run_id))  // the commit may have ended the run
    answer = next->what == embedded::job::kind::request ? answer_request(*next) : call(*next);
  scheduler_.finish(*next, std::move(answer), now_);
  commit_changes();
  return true;
}

/// The call of a run. A step's body or a mock may use the harness, which calls another run within it.
class simulation::call_scope {
 public:
  call_scope(simulation& of, const std::string& run_id)
      : of_(of), outer_(of.mocks_->begin_call()), outer_run_(std::exchange(of.called_run_, run_id)) {}
  ~call_scope() {
    of_.mocks_->continue_call(std::move(outer_));
    of_.called_run_ = std::move(outer_run_);
  }
  call_scope(const call_scope&) = delete;
  call_scope& operator=(const call_scope&) = delete;

 private:
  simulation& of_;
  mocks::reached_by_call outer_;
  std::string outer_run_;
};

INNGEST_INLINE http::response simulation::call(const embedded::job& due) {
  const handler& called = is_checked(due.run_id) ? strict_ : handler_;
  std::size_t steps_left = steps_of_a_call(due.run_id);
  if (called_runs_.insert(due.run_id).second) {
    for (const auto& [step, result] : mocks_->preloads()) {
      const bool has_result = scheduler_.find_run(due.run_id)->memos.contains(step);  // of a recorded run
      if (has_result || step == due.step) continue;  // a rerun may begin at a step
      preload(due.run_id, step, protocol::memo_of_data(result.text));
      mocks_->note_preloaded(due.run_id, step, result.form);
    }
  }
  const call_scope here(*this, due.run_id);
  const auto save = [&](const std::vector<protocol::operation>& results) {
    using saved = execution::checkpoints::saved;
    if (--steps_left == 0) return saved::no;  // the results become the call's answer
    return save_results(due, results) ? saved::yes : saved::stale;
  };
  http::response answer = steps_left > 1 ? called.answer_in_process(scheduler_.request_for(due), save)
                                         : called.answer_in_process(scheduler_.request_for(due));
  const bool has_ended = answer.status == 206 ? note_operations(due.run_id, answer) : answer.status == 200;
  if (!has_ended) return answer;
  return refuse_unused_result(due.run_id).value_or(std::move(answer));
}

INNGEST_INLINE std::optional<http::response> simulation::refuse_unused_result(
    const std::string& run_id) const {
  const embedded::active_run* run = scheduler_.find_run(run_id);
  if (!checks_ || !run) return std::nullopt;  // a step may have had its own run cancelled
  const std::set<step_hash> reached = mocks_->reached_steps();
  for (const step_hash& step : run->stack) {
    if (reached.contains(step) || mocks_->is_preloaded(step)) continue;
    http::response out{.status = 400};
    out.headers.add("content-type", "application/json");
    out.headers.add(protocol::header::sdk, protocol::sdk_name);
    out.headers.add(protocol::header::no_retry, "true");
    out.body = json{{"name", "inngest::unused_result"},
                    {"message", "the function has ended, but no step asked for the stored result of " +
                                    shown_step(step) +
                                    ": a run that began with the earlier code has it, so the step must keep "
                                    "its id while such runs exist"}}
                   .dump();
    return out;
  }
  return std::nullopt;
}

INNGEST_INLINE std::size_t simulation::steps_of_a_call(const std::string& run_id) const {
  constexpr std::size_t few = 100;
  constexpr std::size_t part = 8;
  const std::size_t results = scheduler_.find_run(run_id)->stack.size();
  return results < few ? 1 : results / part;
}

INNGEST_INLINE bool simulation::is_checked(const std::string& run_id) {
  const std::size_t results = scheduler_.find_run(run_id)->stack.size();
  std::size_t& next = next_check_[run_id];
  if (!checks_ || results < next) return false;
  next = results < 100 ? 0 : results + results / 100;
  return true;
}

INNGEST_INLINE bool simulation::save_results(const embedded::job& due,
                                             const std::vector<protocol::operation>& results) {
  auto operations = embedded::read_operations(protocol::write_operations(results));
  if (!scheduler_.checkpoint(due.run_id, due.id, operations, now_)) return false;
  commit_changes();
  for (const protocol::operation& result : results) ids_[result.id] = result.user_id;
  auto& noted = operations_[due.run_id];
  std::move(operations.begin(), operations.end(), std::back_inserter(noted));
  return true;
}

INNGEST_INLINE http::response simulation::answer_request(const embedded::job& due) {
  try {
    const auto not_mocked = [&]() -> std::string { throw not_replaced(); };
    return response_of(due, mocks_->run(id_of(*due.step), not_mocked).text);
  } catch (const not_replaced&) {
    return refuse_request(due);
  } catch (...) {
    const protocol::failure failure = protocol::describe(std::current_exception(), clock()(),
                                                         "the mock of step \"" + id_of(*due.step) + "\"");
    http::response out = embedded::no_answer(failure.info.message);
    if (!failure.retriable) out.headers.add(protocol::header::no_retry, "true");
    if (failure.retry_after) {
      const auto seconds = std::chrono::ceil<std::chrono::seconds>(*failure.retry_after);
      out.headers.add(protocol::header::retry_after, std::to_string(seconds.count()));
    }
    return out;
  }
}

/// The response from which the engine makes the mocked result.
INNGEST_INLINE http::response simulation::response_of(const embedded::job& due,
                                                      const std::string& mocked) const {
  if (embedded::outgoing::asks_model(detail::parse_dom(due.text))) return {.status = 200, .body = mocked};
  auto given = decode<fetch_response>(mocked, "the mock of step \"" + id_of(*due.step) + "\"");
  http::response out{.status = given.status_code == 0 ? 200 : given.status_code};
  if (!given.url.empty()) out.headers.add(embedded::final_url_field, given.url);
  for (const auto& [name, value] : given.headers) out.headers.add(name, value);
  out.body = std::move(given.body);
  return out;
}

INNGEST_INLINE http::response simulation::refuse_request(const embedded::job& due) const {
  http::response out =
      embedded::no_answer("tests can't make HTTP requests: use mock_step(\"" + id_of(*due.step) + "\", ...)");
  out.headers.add(protocol::header::no_retry, "true");
  return out;
}

INNGEST_INLINE bool simulation::note_operations(const std::string& run_id, http::response& answer) {
  json all = detail::parse_dom(answer.body);
  bool changed = false;
  for (json& operation : all) changed = mock_server_step(run_id, operation) || changed;
  if (changed) answer.body = all.dump();
  auto& noted = operations_[run_id];
  std::size_t index = 0;
  bool has_ended = false;
  for (auto& operation : embedded::read_operations(answer.body)) {
    if (std::string id = id_in(all[index++]); !id.empty()) ids_[operation.id] = std::move(id);
    has_ended = has_ended || operation.kind == embedded::operation_kind::run_completed;
    noted.push_back(std::move(operation));
  }
  return has_ended;
}

INNGEST_INLINE std::string simulation::id_in(const json& op) {
  return op.contains("userland") ? op["userland"].value("id", "") : op.value("name", "");
}

INNGEST_INLINE const protocol::step_kind_row* simulation::wait_begun_by(std::string_view op) {
  const auto code = protocol::opcode_of(op);
  const protocol::step_kind_row* kind = code ? protocol::row_begun_by(*code) : nullptr;
  return kind && kind->work == protocol::step_work::wait ? kind
                                                         : nullptr;  // for requests see answer_request()
}

INNGEST_INLINE bool simulation::mock_server_step(const std::string& run_id, json& op) {
  const protocol::step_kind_row* kind = wait_begun_by(op.value("op", ""));
  const std::string id = id_in(op);
  step_hash step{};
  detail::from_hex(op.value("id", ""), step);
  const embedded::active_run* run = scheduler_.find_run(run_id);
  const bool is_under_way = run && run->pending.contains(step);  // reported again
  if (!kind || is_under_way || !mocks_->has(id)) return false;
  const json opts = op.value("opts", json::object());
  const mock_answer answer = ask_mock(id, *kind, opts.value(name_option(*kind), ""));
  op[answer.has_failed ? "error" : "data"] = detail::parse_dom(answer.text);
  op["op"] = to_string(answer.has_failed ? protocol::opcode::step_failed : protocol::opcode::step_run);
  return true;
}

INNGEST_INLINE simulation::mock_answer simulation::ask_mock(const std::string& id,
                                                            const protocol::step_kind_row& kind,
                                                            const std::string& name) {
  const auto not_mocked = [] { return std::string("null"); };  // not called: the step has a mock or a failure
  try {
    return {.text = mocks::received(id, kind.gives, name, mocks_->run(id, not_mocked)).dump()};
  } catch (...) {
    const std::string thrower = "the mock of step \"" + id + "\"";
    mock_answer out{.has_failed = true};
    protocol::write_error(out.text, protocol::describe(std::current_exception(), clock()(), thrower).info);
    return out;
  }
}

INNGEST_INLINE void simulation::end_mocked_waits() {
  while (mocks_->take_changed()) {  // a mock may set others
    for (const mocked_wait& wait : mocked_waits()) end_mocked_wait(wait);
  }
}

INNGEST_INLINE std::vector<simulation::mocked_wait> simulation::mocked_waits() const {
  std::vector<mocked_wait> out;
  for (const auto& [run_id, reported] : operations_) {
    const embedded::active_run* run = scheduler_.find_run(run_id);
    if (!run) continue;
    for (const embedded::reported_operation& op : reported) {
      const protocol::step_kind_row* kind = wait_begun_by(op.op);
      if (!kind || !run->pending.contains(op.id) || !mocks_->has(id_of(op.id))) continue;
      out.push_back({run_id, op.id, *kind, op.option(name_option(*kind)).value_or("")});
    }
  }
  return out;
}

INNGEST_INLINE void simulation::end_mocked_wait(const mocked_wait& wait) {
  const std::string id = id_of(wait.step);
  const embedded::active_run* run = scheduler_.find_run(wait.run_id);
  if (!run || !run->pending.contains(wait.step) || !mocks_->has(id))
    return;  // since an earlier mock was called
  const call_scope here(*this, wait.run_id);
  scheduler_.end_step(wait.run_id, wait.step, step_end_of(ask_mock(id, wait.kind, wait.name)), now_);
  commit_changes();
}

INNGEST_INLINE embedded::scheduling::step_end simulation::step_end_of(const mock_answer& answer) {
  using embedded::progress;
  if (answer.has_failed)
    return {"{\"error\":" + answer.text + "}", progress::step_failed,
            embedded::words_of(embedded::read_error(answer.text))};
  return {protocol::memo_of_data(answer.text), progress::step_completed, embedded::shortened(answer.text)};
}

}  // namespace inngest::inline INNGEST_ABI::testing
