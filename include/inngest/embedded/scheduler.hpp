#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <inngest/detail/hex.hpp>
#include <inngest/detail/json_text.hpp>
#include <inngest/detail/ulid.hpp>
#include <inngest/embedded/incoming_event.hpp>
#include <inngest/embedded/reported_operation.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/function.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/protocol/headers.hpp>

namespace inngest::embedded {

/// What an Inngest server does with events, runs and steps, without threads, clock or network of its own: it
/// is told the time, says what is due, and takes the answers. One thread at a time.
class scheduler {
 public:
  using retry_delay = std::function<std::chrono::milliseconds(int attempt)>;

  scheduler(std::vector<any_function> functions, std::shared_ptr<store> store, retry_delay delay)
      : store_(std::move(store)), delay_(std::move(delay)) {
    for (any_function& each : functions) {
      for (const trigger_definition& trigger : each.triggers()) {
        if (!trigger.event.empty()) triggers_[trigger.event].push_back(each.slug());
      }
      for (const any_function& companion : each.companions()) functions_.emplace(companion.slug(), companion);
      functions_.emplace(each.slug(), std::move(each));
    }
    resume(store_->load());
  }

  // ---- in ---------------------------------------------------------------------------------------------

  /// Takes events in: starts the runs that they trigger and ends the waits for them. Gives their ids.
  /// \throws payload_error for what is not an event or a list of them.
  std::vector<std::string> accept(std::string body, timestamp now) {
    std::vector<std::string> ids;
    for (const event_record& each : read_incoming_events(std::move(body), now)) {
      ids.push_back(each.id);
      changes_.events.push_back(each);
      const auto subscribers = triggers_.find(each.name);
      if (subscribers != triggers_.end()) {
        for (const std::string& slug : subscribers->second) begin_run(functions_.at(slug), each, {}, now);
      }
      end_waits(each, now);
    }
    commit();
    return ids;
  }

  /// Begins a run of one of the functions, whatever its triggers, and gives the run's id.
  std::string start(std::string_view slug, std::string data, timestamp now) {
    const std::string id =
        begin_run(functions_.find(slug)->second, invocation(std::move(data), now), {}, now);
    commit();
    return id;
  }

  // ---- out --------------------------------------------------------------------------------------------

  /// When the next job is due; nothing when there is none.
  std::optional<timestamp> next_due() const {
    return queue_.empty() ? std::nullopt : std::optional<timestamp>(queue_.begin()->first.first);
  }

  /// Takes the next call that is due. Timers that are due are done on the way.
  std::optional<job> take_due(timestamp now) {
    while (!queue_.empty() && queue_.begin()->first.first <= now) {
      job next = std::move(queue_.extract(queue_.begin()).mapped());
      if (next.what == job::kind::call) {
        ++calls_;
        return next;
      }
      end_timer(next, now);
      commit();
    }
    return std::nullopt;
  }

  /// The call request that a job stands for.
  http::request request_for(const job& call) const {
    const active_run& run = *runs_.find(call.run_id)->second;
    const std::string step = call.step ? detail::to_hex(*call.step) : "step";
    http::request out{.method = "POST",
                      .url = "/?fnId=" + http::percent_encoded(run.record.function_slug) + "&stepId=" + step};
    out.headers.add(protocol::header::content_type, "application/json");
    out.body = call_body(run, call);
    return out;
  }

  /// Takes the answer to a job's call.
  void finish(const job& call, http::response answer, timestamp now) {
    --calls_;
    const auto found = runs_.find(call.run_id);
    if (found != runs_.end()) {
      active_run& run = *found->second;
      run.jobs.erase(call.id);
      changes_.removed_jobs.push_back(call.id);
      try {
        if (answer.status == 206)
          take_operations(run, call, answer, now);
        else if (answer.status == 200)
          complete_run(run, call, std::move(answer.body), now);
        else
          retry_or_fail_run(run, call, answer, now);
      } catch (const std::exception& problem) {  // an answer that is not of the protocol
        if (runs_.contains(call.run_id)) fail_run(run, call, {"protocol error", problem.what()}, now);
      }
    }
    commit();
  }

  /// Whether nothing is under way and nothing will be, unless an event comes.
  bool is_idle() const { return runs_.empty() && calls_ == 0; }
  bool is_running(std::string_view run_id) const { return runs_.contains(std::string(run_id)); }

  /// What happened since the last time it was asked, in order; each with its run, without that one's
  /// timeline.
  std::deque<std::pair<run, timeline_entry>> take_progress() { return std::exchange(progress_, {}); }

 private:
  using queue_key = std::pair<timestamp, std::uint64_t>;  // due, id: what is due first comes first
  using wait_key = std::pair<std::string, step_hash>;     // run, step

  /// A step under way: planned, asleep, waiting or invoked.
  struct pending_step {
    std::string name{};
    timestamp begun{};
    std::optional<std::uint64_t> timer{};  // the job that ends it
    std::string awaited_event{};
  };

  struct active_run {
    run_record record{};
    std::map<step_hash, std::string> memos{};
    std::vector<step_hash> stack{};  // the memos' order
    std::map<step_hash, pending_step> pending{};
    std::map<std::uint64_t, timestamp> jobs{};  // by id, when they are due
    const any_function* function = nullptr;
  };

  /// How a step that was under way outside of the app ended.
  struct step_end {
    std::string memo{};
    progress what{};
    std::string detail{};
  };

  static std::string error_text(const run_error& error) {
    if (!error.text.empty()) return error.text;
    return detail::json_object_text().add("name", error.name).add("message", error.message).text();
  }

  static step_end failed(const run_error& error) {
    return {"{\"error\":" + error_text(error) + "}", progress::step_failed, words_of(error)};
  }

  // ---- runs -------------------------------------------------------------------------------------------

  static event_record invocation(std::string data, timestamp now) {
    return make_event_record({.name = "inngest/function.invoked", .data = std::move(data)}, now);
  }

  std::string begin_run(const any_function& function, const event_record& event,
                        const std::optional<parent_step>& parent, timestamp now) {
    auto run = std::make_unique<active_run>();
    run->function = &function;
    run->record = {.run = {.id = detail::make_ulid(now),
                           .function_id = function.id(),
                           .event_id = event.id,
                           .event_name = event.name,
                           .started_at = now},
                   .function_slug = function.slug(),
                   .event_text = event.text,
                   .parent = parent};
    changes_.runs.push_back(run->record);
    tell(*run, {.at = now, .what = progress::run_started, .detail = event.name});
    call_function(*run, now);
    std::string id = run->record.run.id;
    runs_.emplace(id, std::move(run));
    return id;
  }

  void complete_run(active_run& run, const job& call, std::string output, timestamp now) {
    run.record.run.status = run_status::completed;
    run.record.run.output_text = std::move(output);
    const std::string& result = run.record.run.output_text;
    end_run(
        run,
        {.at = now, .what = progress::run_completed, .attempt = call.attempt, .detail = shortened(result)},
        {"{\"data\":" + result + "}", progress::invoke_completed, shortened(result)}, now);
  }

  void fail_run(active_run& run, const job& call, const run_error& error, timestamp now) {
    run.record.run.status = run_status::failed;
    run.record.run.error = error;
    end_run(run,
            {.at = now, .what = progress::run_failed, .attempt = call.attempt, .detail = words_of(error)},
            failed(error), now);
  }

  /// Ends the run and whatever it still had to do; an invoke step that waits for it gets the memo.
  void end_run(active_run& run, timeline_entry last, step_end end_of_parents_step, timestamp now) {
    run.record.run.ended_at = now;
    last.duration = now - run.record.run.started_at;
    changes_.runs.push_back(run.record);
    tell(run, std::move(last));
    for (const auto& [id, due] : run.jobs) {
      queue_.erase({due, id});
      changes_.removed_jobs.push_back(id);
    }
    for (const auto& [step, pending] : run.pending) forget_wait(run, step, pending);

    const run_record ended = run.record;
    const any_function& function = *run.function;
    const std::optional<parent_step> parent = run.record.parent;
    runs_.erase(std::string(run.record.run.id));
    begin_companions(function, ended, now);
    begin_deferred(ended, now);
    const auto waiting = parent ? runs_.find(parent->run_id) : runs_.end();
    if (waiting != runs_.end()) {
      end_step(*waiting->second, parent->step, end_of_parents_step, now);
    }
  }

  /// Runs what the function wants done when a run of it ends so.
  void begin_companions(const any_function& function, const run_record& ended, timestamp now) {
    const bool completed = ended.run.status == run_status::completed;
    const std::string name = completed ? "inngest/function.finished" : "inngest/function.failed";
    for (const any_function& each : function.companions()) {
      if (each.triggers().front().event != name) continue;
      detail::json_object_text data;
      data.add("function_id", ended.function_slug).add("run_id", ended.run.id);
      data.add_raw("event", ended.event_text).add_raw("events", "[" + ended.event_text + "]");
      if (completed) data.add_raw("result", ended.run.output_text);
      if (ended.run.error) data.add_raw("error", error_text(*ended.run.error));
      data.add_raw("_inngest", completed ? "{\"status\":\"Completed\"}" : "{\"status\":\"Failed\"}");
      begin_run(each, make_event_record({.name = name, .data = data.text()}, now), {}, now);
    }
  }

  void begin_deferred(const run_record& ended, timestamp now) {
    for (const deferred_call& each : ended.deferred) {
      const auto function = functions_.find(each.slug);
      if (function == functions_.end()) continue;  // the app no longer has it
      begin_run(function->second,
                make_event_record({.name = "inngest/deferred.schedule", .data = each.input}, now), {}, now);
    }
  }

  void retry_or_fail_run(active_run& run, const job& call, const http::response& answer, timestamp now) {
    const run_error error = read_error(answer);
    const bool retriable = answer.headers.find(protocol::header::no_retry) != "true";
    if (!retriable || call.attempt + 1 >= max_attempts(run)) return fail_run(run, call, error, now);
    tell(run, {.at = now, .what = progress::run_retried, .attempt = call.attempt, .detail = words_of(error)});
    retry(run, call, answer, now);
  }

  // ---- steps ------------------------------------------------------------------------------------------

  void take_operations(active_run& run, const job& call, const http::response& answer, timestamp now) {
    const std::string run_id = run.record.run.id;
    bool retried = false;
    for (const reported_operation& each : read_operations(answer.body)) {
      const bool may_retry =
          answer.headers.find(protocol::header::no_retry) != "true" && call.attempt + 1 < max_attempts(run);
      if (each.op == "StepError" && may_retry) {
        tell_step(run, each, progress::step_retried, call.attempt, words_of(read_error(each.error)), now);
        retry(run, call, answer, now);
        retried = true;
      } else {
        take_operation(run, call, each, now);
      }
      if (!runs_.contains(run_id)) return;  // it failed over this operation
    }
    if (!retried) go_on_if_ready(run, now);
  }

  void take_operation(active_run& run, const job& call, const reported_operation& op, timestamp now) {
    if (op.op == "StepRun" || op.op == "Step") {
      tell_step(run, op, progress::step_completed, call.attempt, shortened(op.data), now);
      remember(run, op.id, "{\"data\":" + (op.data.empty() ? "null" : op.data) + "}");
    } else if (op.op == "StepFailed" || op.op == "StepError") {
      tell_step(run, op, progress::step_failed, call.attempt, words_of(read_error(op.error)), now);
      remember(run, op.id, "{\"error\":" + (op.error.empty() ? "{}" : op.error) + "}");
    } else if (run.pending.contains(op.id) || run.memos.contains(op.id)) {
      // reported again, as happens while its siblings are under way
    } else if (op.op == "StepPlanned") {
      run.pending.emplace(op.id, pending_step{.name = op.shown_name(), .begun = now});
      add_job(
          run,
          {.what = job::kind::call, .step = op.id, .step_name = op.shown_name(), .due = now, .begun = now});
    } else if (op.op == "Sleep") {
      begin_sleep(run, call, op, now);
    } else if (op.op == "WaitForEvent") {
      begin_wait(run, call, op, now);
    } else if (op.op == "InvokeFunction") {
      begin_invoke(run, call, op, now);
    } else if (op.op == "RunComplete") {
      complete_run(run, call, op.data.empty() ? "null" : op.data, now);
    } else if (op.op == "DeferAdd") {
      defer(run, op);
    } else {
      refuse(run, call, op, "the embedded engine can't do \"" + op.op + "\"", now);
    }
  }

  void defer(active_run& run, const reported_operation& op) {
    for (const deferred_call& each : run.record.deferred) {
      if (each.id == op.id) return;
    }
    const detail::json_buffer options(op.options);
    const std::string_view input = detail::find_member(options, "input");
    run.record.deferred.push_back({.id = op.id,
                                   .slug = op.option("fn_slug").value_or(""),
                                   .input = input.empty() ? "{}" : std::string(input)});
    changes_.runs.push_back(run.record);
  }

  void begin_sleep(active_run& run, const job& call, const reported_operation& op, timestamp now) {
    const std::string text = op.option("duration").value_or(op.name);
    const auto until = time_of(text, now);
    if (!until) return refuse(run, call, op, "not a time to sleep: \"" + text + "\"", now);
    pending_step& pending = begin_step(run, call, op, progress::sleep_started, text, now);
    pending.timer = add_timer(run, job::kind::wake, op, *until, now);
  }

  void begin_wait(active_run& run, const job& call, const reported_operation& op, timestamp now) {
    if (op.option("if"))
      return refuse(run, call, op, "the embedded engine doesn't evaluate expressions", now);
    const std::string event = op.option("event").value_or(op.name);
    const std::string timeout = op.option("timeout").value_or("");
    const auto until = time_of(timeout, now);
    if (!until) return refuse(run, call, op, "not a timeout: \"" + timeout + "\"", now);
    pending_step& pending = begin_step(run, call, op, progress::wait_started, event, now);
    pending.timer = add_timer(run, job::kind::wait_timeout, op, *until, now);
    pending.awaited_event = event;
    waits_[event].emplace(wait_key{run.record.run.id, op.id}, now);
    changes_.added_waits.push_back({.run_id = run.record.run.id,
                                    .step = op.id,
                                    .step_name = op.shown_name(),
                                    .event_name = event,
                                    .begun = now});
  }

  void begin_invoke(active_run& run, const job& call, const reported_operation& op, timestamp now) {
    const std::string slug = op.option("function_id").value_or("");
    const auto timeout = op.option("timeout");
    const auto until = timeout ? time_of(*timeout, now) : std::nullopt;
    if (timeout && !until) return refuse(run, call, op, "not a timeout: \"" + *timeout + "\"", now);
    pending_step& pending = begin_step(run, call, op, progress::invoke_started, slug, now);
    const auto function = functions_.find(slug);
    if (function == functions_.end()) {
      const run_error error{"FunctionNotFound", "there is no function \"" + slug + "\""};
      tell_step(run, op, progress::step_failed, call.attempt, words_of(error), now);
      return remember(run, op.id, failed(error).memo);
    }
    if (until) pending.timer = add_timer(run, job::kind::invoke_timeout, op, *until, now);
    const json payload = detail::parse_dom(op.options).value("payload", json::object());
    const json data = payload.is_object() ? payload.value("data", json::object()) : json::object();
    begin_run(function->second, invocation(data.is_object() ? data.dump() : "{}", now),
              parent_step{run.record.run.id, op.id}, now);
  }

  pending_step& begin_step(active_run& run, const job& call, const reported_operation& op, progress what,
                           const std::string& detail, timestamp now) {
    tell(run, {.at = now, .what = what, .step = op.shown_name(), .attempt = call.attempt, .detail = detail});
    return run.pending.emplace(op.id, pending_step{.name = op.shown_name(), .begun = now}).first->second;
  }

  /// An operation that can't be done fails its run: another attempt would ask for the same.
  void refuse(active_run& run, const job& call, const reported_operation& op, const std::string& why,
              timestamp now) {
    fail_run(run, call, {"unsupported operation", "step \"" + op.shown_name() + "\": " + why}, now);
  }

  void end_waits(const event_record& event, timestamp now) {
    const auto found = waits_.find(event.name);
    if (found == waits_.end()) return;
    const auto waits = found->second;  // ending them changes the original
    for (const auto& [key, begun] : waits) {
      const auto run = runs_.find(key.first);
      if (run != runs_.end())
        end_step(*run->second, key.second, {event.text, progress::event_received, shortened(event.text)},
                 now);
    }
  }

  void end_timer(const job& timer, timestamp now) {
    active_run& run = *runs_.find(timer.run_id)->second;
    switch (timer.what) {
      case job::kind::call:
        break;
      case job::kind::wake:
        return end_step(run, *timer.step, {"null", progress::sleep_ended}, now);
      case job::kind::wait_timeout:
        return end_step(run, *timer.step, {"null", progress::wait_timed_out}, now);
      case job::kind::invoke_timeout: {
        const run_error error{"InngestInvokeTimeoutError", "the invoked function did not finish in time"};
        return end_step(run, *timer.step, failed(error), now);
      }
    }
  }

  /// A step that was under way outside of the app has its result.
  void end_step(active_run& run, const step_hash& step, const step_end& end, timestamp now) {
    const auto found = run.pending.find(step);
    if (found == run.pending.end()) return;  // it timed out before
    const pending_step pending = std::move(run.pending.extract(found).mapped());
    forget_wait(run, step, pending);
    if (pending.timer) {
      const auto timer = run.jobs.extract(*pending.timer);
      if (timer) queue_.erase({timer.mapped(), timer.key()});
      changes_.removed_jobs.push_back(*pending.timer);
    }
    tell(run, {.at = now,
               .what = end.what,
               .step = pending.name,
               .duration = now - pending.begun,
               .detail = end.detail});
    remember(run, step, end.memo);
    go_on_if_ready(run, now);
  }

  void forget_wait(const active_run& run, const step_hash& step, const pending_step& pending) {
    const auto waits = pending.awaited_event.empty() ? waits_.end() : waits_.find(pending.awaited_event);
    if (waits == waits_.end()) return;
    waits->second.erase({run.record.run.id, step});
    if (waits->second.empty()) waits_.erase(waits);
    changes_.removed_waits.emplace_back(run.record.run.id, step);
  }

  void remember(active_run& run, const step_hash& step, std::string memo) {
    run.pending.erase(step);
    if (!run.memos.emplace(step, memo).second) return;
    run.stack.push_back(step);
    changes_.memos.push_back({.run_id = run.record.run.id, .step = step, .text = std::move(memo)});
  }

  /// Calls the function again when all the steps of the last call have ended.
  void go_on_if_ready(active_run& run, timestamp now) {
    if (run.pending.empty() && run.jobs.empty()) call_function(run, now);
  }

  // ---- jobs -------------------------------------------------------------------------------------------

  void call_function(active_run& run, timestamp now) {
    add_job(run, {.what = job::kind::call, .due = now, .begun = now});
  }

  std::uint64_t add_timer(active_run& run, job::kind what, const reported_operation& op, timestamp due,
                          timestamp now) {
    return add_job(run,
                   {.what = what, .step = op.id, .step_name = op.shown_name(), .due = due, .begun = now});
  }

  std::uint64_t add_job(active_run& run, job job) {
    job.id = ++last_job_;
    job.run_id = run.record.run.id;
    run.jobs.emplace(job.id, job.due);
    changes_.added_jobs.push_back(job);
    const queue_key key{job.due, job.id};
    queue_.emplace(key, std::move(job));
    return last_job_;
  }

  void retry(active_run& run, const job& call, const http::response& answer, timestamp now) {
    job next = call;
    ++next.attempt;
    next.due = now + delay_(call.attempt);
    if (const auto after = answer.headers.find(protocol::header::retry_after)) {
      const auto delay = parse_duration(std::string(*after) + "s");
      constexpr std::chrono::milliseconds shortest = std::chrono::seconds(1),
                                          longest = std::chrono::hours(24);
      if (delay) next.due = now + std::clamp(*delay, shortest, longest);
    }
    add_job(run, std::move(next));
  }

  static int max_attempts(const active_run& run) {
    constexpr int default_retries = 4;  // the server's
    return run.function->options().retries.value_or(default_retries) + 1;
  }

  static std::string call_body(const active_run& run, const job& call) {
    const auto append_quoted_hash = [](std::string& out, const step_hash& hash) {
      if (out.back() != '[' && out.back() != '{') out += ',';
      out += '"';
      detail::append_hex(out, hash);
      out += '"';
    };
    std::string out = "{\"ctx\":{\"attempt\":" + std::to_string(call.attempt) +
                      ",\"disable_immediate_execution\":" + (call.step ? "true" : "false") +
                      ",\"env\":\"\",\"fn_id\":" + encode(run.record.function_slug) +
                      ",\"max_attempts\":" + std::to_string(max_attempts(run)) +
                      ",\"run_id\":" + encode(run.record.run.id) +
                      ",\"stack\":{\"current\":" + std::to_string(run.stack.size()) + ",\"stack\":[";
    for (const step_hash& each : run.stack) append_quoted_hash(out, each);
    out += "]},\"step_id\":\"step\",\"use_api\":false},\"defers\":{";
    for (const deferred_call& each : run.record.deferred) {
      append_quoted_hash(out, each.id);
      out += ":{\"abortable\":false}";
    }
    out += "},\"event\":" + run.record.event_text + ",\"events\":[" + run.record.event_text + "],\"steps\":{";
    for (const auto& [step, memo] : run.memos) {
      append_quoted_hash(out, step);
      out += ':';
      out += memo;
    }
    return out += "},\"use_api\":false,\"version\":2}";
  }

  // ---- words ------------------------------------------------------------------------------------------

  static std::string words_of(const run_error& error) { return error.name + ": " + error.message; }

  static run_error read_error(std::string_view text) {
    const json body = json::parse(text, nullptr, false);
    const auto member = [&](const char* key, const char* otherwise) {
      const bool found = body.is_object() && body.contains(key) && body[key].is_string();
      return found ? body[key].get<std::string>() : std::string(otherwise);
    };
    return {.name = member("name", "Error"),
            .message = member("message", ""),
            .text = body.is_object() ? std::string(text) : std::string()};
  }

  static run_error read_error(const http::response& answer) {
    run_error out = read_error(std::string_view(answer.body));
    if (out.message.empty()) {
      out.message = "the app answered with status " + std::to_string(answer.status);
      out.text.clear();
    }
    return out;
  }

  /// Enough of a text to recognize it by, cut between characters.
  static std::string shortened(const std::string& text) {
    constexpr std::size_t longest = 160;
    if (text.size() <= longest) return text;
    std::size_t end = longest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    return text.substr(0, end) + "...";
  }

  void tell_step(const active_run& run, const reported_operation& op, progress what, int attempt,
                 std::string detail, timestamp now) {
    tell(run, {.at = now,
               .what = what,
               .step = op.shown_name(),
               .attempt = attempt,
               .duration = std::chrono::microseconds(op.took / 1000),
               .detail = std::move(detail)});
  }

  void tell(const active_run& run, timeline_entry entry) {
    changes_.timeline.push_back({.run_id = run.record.run.id, .entry = entry});
    progress_.emplace_back(run.record.run, std::move(entry));
  }

  void commit() { store_->commit(std::exchange(changes_, {})); }

  // ---- restart ----------------------------------------------------------------------------------------

  void resume(unfinished_work work) {
    for (run_record& each : work.runs) {
      const auto function = functions_.find(each.function_slug);
      if (function == functions_.end()) continue;  // the app no longer has it; the store keeps the run
      auto run = std::make_unique<active_run>();
      run->function = &function->second;
      run->record = std::move(each);
      runs_.emplace(run->record.run.id, std::move(run));
    }
    for (memo_record& each : work.memos) {
      active_run* run = find_active(each.run_id);
      if (!run) continue;
      run->stack.push_back(each.step);
      run->memos.emplace(each.step, std::move(each.text));
    }
    for (job& each : work.jobs) {
      last_job_ = std::max(last_job_, each.id);
      active_run* run = find_active(each.run_id);
      if (!run) continue;
      run->jobs.emplace(each.id, each.due);
      if (each.step) {
        pending_step& pending = run->pending[*each.step];
        pending = {.name = each.step_name, .begun = each.begun};
        if (each.what != job::kind::call) pending.timer = each.id;
      }
      const queue_key key{each.due, each.id};
      queue_.emplace(key, std::move(each));
    }
    for (const wait_record& each : work.waits) {
      active_run* run = find_active(each.run_id);
      if (!run) continue;
      run->pending[each.step].awaited_event = each.event_name;
      waits_[each.event_name].emplace(wait_key{each.run_id, each.step}, each.begun);
    }
    for (const auto& [id, run] : runs_) {
      if (!run->record.parent) continue;
      active_run* parent = find_active(run->record.parent->run_id);
      if (!parent || parent->memos.contains(run->record.parent->step)) continue;  // its invoke timed out
      const pending_step invoke{.name = run->record.run.function_id, .begun = run->record.run.started_at};
      parent->pending.emplace(run->record.parent->step, invoke);
    }
  }

  active_run* find_active(const std::string& run_id) {
    const auto found = runs_.find(run_id);
    return found == runs_.end() ? nullptr : found->second.get();
  }

  std::shared_ptr<store> store_;
  retry_delay delay_;
  std::map<std::string, any_function, std::less<>> functions_;          // by slug
  std::unordered_map<std::string, std::vector<std::string>> triggers_;  // event name to slugs
  std::unordered_map<std::string, std::unique_ptr<active_run>> runs_;
  std::unordered_map<std::string, std::map<wait_key, timestamp>> waits_;  // event name to steps
  std::map<queue_key, job> queue_;
  std::uint64_t last_job_ = 0;
  int calls_ = 0;  // that are being made
  changes changes_;
  std::deque<std::pair<run, timeline_entry>> progress_;
};

}  // namespace inngest::embedded
