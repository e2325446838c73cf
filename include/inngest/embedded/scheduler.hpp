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

#include <inngest/detail/cron_next.hpp>
#include <inngest/detail/json_text.hpp>
#include <inngest/detail/ulid.hpp>
#include <inngest/embedded/active_run.hpp>
#include <inngest/embedded/engine_events.hpp>
#include <inngest/embedded/event_view.hpp>
#include <inngest/embedded/flow_control.hpp>
#include <inngest/embedded/function_definition.hpp>
#include <inngest/embedded/incoming_event.hpp>
#include <inngest/embedded/outgoing_request.hpp>
#include <inngest/embedded/reported_operation.hpp>
#include <inngest/embedded/retry.hpp>
#include <inngest/embedded/run_errors.hpp>
#include <inngest/embedded/run_queue.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/embedded/subscriptions.hpp>
#include <inngest/embedded/waiting_steps.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/protocol/headers.hpp>

namespace inngest::embedded {

/// What an Inngest server does with events, runs and steps, without threads, clock, disk or network of its
/// own: it is told the time, says what is due, takes the answers, and gives out what is to be kept. One
/// thread at a time.
class scheduler {
 public:
  using retry_delay = std::function<std::chrono::milliseconds(int attempt)>;

  /// Goes on with what was left undone.
  scheduler(std::vector<function_definition> functions, unfinished_work work, retry_delay delay,
            timestamp now)
      : delay_(std::move(delay)) {
    for (job& each : work.jobs) last_job_ = std::max(last_job_, each.id);
    for (function_definition& each : functions) subscriptions_.add(std::move(each));
    resume(std::move(work), now);
    follow_schedules(now);
  }

  // ---- in ---------------------------------------------------------------------------------------------

  /// Takes events in: starts the runs that they trigger, ends the waits for them and cancels what they
  /// cancel. Gives their ids. \throws payload_error for what is not an event or a list of them.
  std::vector<std::string> accept(std::string body, timestamp now) {
    std::vector<std::string> ids;
    for (incoming_event& each : read_incoming_events(std::move(body))) ids.push_back(accept(each, now));
    return ids;
  }

  /// Begins a run of one of the functions, whatever its triggers, and gives the run's id.
  std::string start(std::string_view slug, std::string data, timestamp now) {
    return begin_run(subscriptions_.find(slug), events_of(invocation(std::move(data), now)), {}, now);
  }

  /// Begins a run with the events of an earlier one. Empty when its function is gone.
  std::string rerun(const run_record& earlier, timestamp now) {
    const auto function = subscriptions_.find(earlier.run.function_slug);
    if (!function) return "";
    return begin_run(function, {.name = earlier.run.event_name, .events = earlier.events}, {}, now);
  }

  /// Gives a step its result before the run comes to it.
  void preload(std::string_view run_id, const step_hash& step, std::string memo) {
    if (active_run* run = find_active(run_id)) remember(*run, step, std::move(memo));
  }

  /// False when there is no such run, or it has ended.
  bool cancel(std::string_view run_id, timestamp now) {
    active_run* run = find_active(run_id);
    if (run) cancel_run(*run, now);
    return run != nullptr;
  }

  /// Ends the wait for a signal, and gives the run's id; nothing when nobody waits for it.
  std::optional<std::string> signal(const std::string& name, const std::string& data, timestamp now) {
    const auto place = waits_.for_signal(name);
    active_run* run = place ? find_active(place->run_id) : nullptr;
    if (!run) return std::nullopt;
    const std::string text = detail::json_object_text().add("signal", name).add_raw("data", data).text();
    end_step(*run, place->step, {"{\"data\":" + text + "}", progress::event_received, shortened(text)}, now);
    return place->run_id;
  }

  /// Puts an app's functions in the place of those that it had.
  void register_app(const app_record& app, std::vector<function_definition> functions, timestamp now) {
    std::vector<std::string> gone;
    for (const auto& [slug, each] : subscriptions_.all()) {
      if (each->app_id == app.id && !each->url.empty()) gone.push_back(slug);
    }
    for (const std::string& slug : gone) subscriptions_.remove(slug);
    for (function_definition& each : functions) adopt(subscriptions_.add(std::move(each)));
    changes_.apps.push_back(app);
    follow_schedules(now);
  }

  // ---- out --------------------------------------------------------------------------------------------

  /// When the next job is due; nothing when there is none.
  std::optional<timestamp> next_due() const { return queue_.next_due(); }

  /// Takes the next call, of an app or of somebody else for a step, that is due. Timers that are due are done
  /// on the way.
  std::optional<job> take_due(timestamp now) {
    flow_.forget_what_is_over(now);
    while (auto next = queue_.take(now)) {
      if (next->what == job::kind::schedule) {
        fire_schedule(*next, now);
        continue;
      }
      active_run& run = *find_active(next->run_id);
      run.jobs.erase(next->id);
      const bool is_made = next->what == job::kind::request || next->what == job::kind::call;
      if (is_made) changes_.started_jobs.push_back(next->id);
      if (next->what == job::kind::request) {
        ++calls_;
        ++run.calls;
        return next;
      }
      if (next->what != job::kind::call) {
        changes_.removed_jobs.push_back(next->id);
        end_timer(run, *next, now);
        continue;
      }
      begin_call(run, *next, now);
      return next;
    }
    return std::nullopt;
  }

  /// The function that a job calls.
  const function_definition& function_of(const job& call) const {
    return *runs_.find(call.run_id)->second->function;
  }

  /// The request that a job stands for. A call's URL has no origin when the app is in this process.
  http::request request_for(const job& call) const {
    if (call.what == job::kind::request) return outgoing_request(call.text);
    const active_run& run = *runs_.find(call.run_id)->second;
    const std::string step = call.step ? detail::to_hex(*call.step) : "step";
    http::request out{.method = "POST", .url = call_url(*run.function, step)};
    out.headers.add(protocol::header::content_type, "application/json");
    out.body = call_body(run, call);
    return out;
  }

  /// Takes the answer to a job's call.
  void finish(const job& call, http::response answer, timestamp now) {
    queue_.finished(call.id);
    changes_.removed_jobs.push_back(call.id);
    --calls_;
    active_run* run = find_active(call.run_id);
    if (!run) return;
    --run->calls;
    try {
      if (call.what == job::kind::request)
        finish_request(*run, call, answer, now);
      else if (answer.status == 206)
        take_operations(*run, call, answer, now);
      else if (answer.status == 200)
        complete_run(*run, call, std::move(answer.body), now);
      else
        retry_or_fail_run(*run, call, answer, now);
    } catch (const std::exception& problem) {  // an answer that is not of the protocol
      run = find_active(call.run_id);
      if (run) fail_run(*run, call.attempt, {"protocol error", problem.what()}, now);
    }
  }

  /// Takes results that a call's function reports while it goes on. False when the run is no longer there, or
  /// was called again since: the function must stop.
  bool checkpoint(const std::string& run_id, std::uint64_t call_id,
                  const std::vector<reported_operation>& operations, timestamp now) {
    active_run* run = find_active(run_id);
    if (!run || run->last_call != call_id) return false;
    for (const reported_operation& each : operations) {
      const bool failed = each.op == "StepFailed" || each.op == "StepError";
      if (!failed && each.op != "StepRun" && each.op != "Step")
        throw protocol_error("\"" + each.op + "\" can't be saved while a function goes on");
      end_reported_step(*run, each, 0, now);
    }
    return true;
  }

  /// What is to be kept since the last time it was asked. Jobs in it are not due before it is told that they
  /// have been kept.
  changes take_changes() { return std::exchange(changes_, {}); }
  void kept(const changes& changes) {
    for (const job& each : changes.added_jobs) queue_.release(each.id);
  }

  /// Whether nothing is under way and nothing will be, unless an event comes or a schedule fires.
  bool is_idle() const { return runs_.empty() && calls_ == 0; }
  bool is_running(std::string_view run_id) const { return runs_.find(run_id) != runs_.end(); }
  const active_run* find_run(std::string_view run_id) const {
    const auto found = runs_.find(run_id);
    return found == runs_.end() ? nullptr : found->second.get();
  }
  const subscriptions& functions() const { return subscriptions_; }

  /// What happened since the last time it was asked, in order; each with its run, without that one's
  /// timeline.
  std::deque<std::pair<run, timeline_entry>> take_progress() { return std::exchange(progress_, {}); }
  /// Whether anybody will ask for it.
  void collect_progress(bool wanted) { wants_progress_ = wanted; }

 private:
  using shared_function = subscriptions::shared_function;

  /// The events that a run begins with.
  struct run_input {
    std::string name{};
    std::vector<run_event> events{};
  };

  /// How a step that was under way outside of the app ended.
  struct step_end {
    std::string memo{};
    progress what{};
    std::string detail{};
    int attempt = 0;
  };

  static step_end failed(const run_error& error) {
    return {memo_of(error), progress::step_failed, words_of(error)};
  }

  // ---- events -----------------------------------------------------------------------------------------

  std::string accept(const incoming_event& event, timestamp now) {
    event_record record = make_event_record(event, ids_.next(now), now);
    record.given_id = event.id.value_or("");
    changes_.events.push_back(record);
    dispatch(record, now);
    return record.id;
  }

  void dispatch(const event_record& event, timestamp now) {
    event_view view(event.text);
    end_waits(event, view, now);
    cancel_runs(event, view, now);
    for (const shared_function& each : subscriptions_.started_by(event.name, view))
      schedule_run(each, event, view, now);
  }

  void end_waits(const event_record& event, event_view& view, timestamp now) {
    for (const auto& [place, condition] : waits_.for_event(event.name)) {
      active_run* run = find_active(place.run_id);
      if (!run) continue;
      if (condition) {
        event_view of_run(run->event_text());
        if (!of_run.fulfils(condition, view)) continue;
      }
      end_step(*run, place.step, {event.text, progress::event_received, shortened(event.text)}, now);
    }
  }

  void cancel_runs(const event_record& event, event_view& view, timestamp now) {
    for (const shared_function& function : std::vector(subscriptions_.cancelled_by(event.name))) {
      for (active_run* run : runs_of(function->slug)) {
        if (!run->record.gathering.empty()) continue;  // it has not begun
        for (const registered_cancel& each : function->cancels) {
          if (each.event != event.name) continue;
          if (each.timeout && now > run->record.run.queued_at + *each.timeout) continue;
          event_view of_run(run->event_text());
          if (!of_run.fulfils(each.condition, view)) continue;
          cancel_run(*run, now);
          break;
        }
      }
    }
  }

  // ---- beginning --------------------------------------------------------------------------------------

  static run_input events_of(const event_record& event) {
    return {.name = event.name, .events = {{.id = event.id, .text = event.text}}};
  }

  event_record invocation(std::string data, timestamp now) {
    return make_event_record({.name = "inngest/function.invoked", .data = std::move(data)}, ids_.next(now),
                             now);
  }

  /// Begins a run for an event, at once, later or not at all, as the function's flow control says.
  void schedule_run(const shared_function& function, const event_record& event, event_view& view,
                    timestamp now) {
    if (function->batch && view.fulfils(function->batch->condition))
      return gather_batch(function, event, view, now);
    if (flow_.is_limited(*function, event, view, now)) return;
    if (function->debounce) return debounce(function, event, view, now);
    if (!flow_.is_first_of_its_id(*function, event, now)) return;
    begin_run(function, events_of(event), {}, now);
  }

  void gather_batch(const shared_function& function, const event_record& event, event_view& view,
                    timestamp now) {
    const std::string key = function->slug + ":" + view.key(function->batch->key);
    const auto found = gathering_.find(key);
    active_run* run = found == gathering_.end() ? nullptr : find_active(found->second);
    if (run) {
      run->record.events.push_back({.id = event.id, .text = event.text});
      changes_.runs.push_back(run->record);
    } else {
      run = begin_gathering(function, event, key, now + function->batch->timeout, now);
    }
    if (run->record.events.size() >= function->batch->max_size) end_gathering(*run, now);
  }

  /// The last event counts, and it begins when no other came for a while.
  void debounce(const shared_function& function, const event_record& event, event_view& view, timestamp now) {
    const registered_debounce& options = *function->debounce;
    const std::string key = function->slug + ":" + view.key(options.key);
    const auto found = gathering_.find(key);
    active_run* run = found == gathering_.end() ? nullptr : find_active(found->second);
    if (!run) {
      begin_gathering(function, event, key,
                      now + std::min(options.period, options.timeout.value_or(options.period)), now);
      return;
    }
    if (event_view(run->event_text()).time() > view.time()) return;  // it happened before
    run->record.events = {{.id = event.id, .text = event.text}};
    run->record.run.event_id = event.id;
    run->record.run.event_name = event.name;
    changes_.runs.push_back(run->record);
    timestamp due = now + options.period;
    if (options.timeout) due = std::min(due, run->record.run.queued_at + *options.timeout);
    remove_jobs(*run, job::kind::gathered);
    add_job(*run, {.what = job::kind::gathered, .due = due, .begun = now});
  }

  active_run* begin_gathering(const shared_function& function, const event_record& event,
                              const std::string& key, timestamp due, timestamp now) {
    active_run& run = add_run(function, events_of(event), {}, now);
    run.record.gathering = key;
    gathering_.insert_or_assign(key, run.id());
    changes_.runs.push_back(run.record);
    tell(run, {.at = now, .what = progress::run_queued, .detail = event.name});
    add_job(run, {.what = job::kind::gathered, .due = due, .begun = now});
    return &run;
  }

  void end_gathering(active_run& run, timestamp now) {
    remove_jobs(run, job::kind::gathered);
    forget_gathering(run);
    run.record.gathering.clear();
    changes_.runs.push_back(run.record);
    if (!may_begin(*run.function, run.event_text(), now)) return cancel_run(run, now);
    claim(run);
    queue_first_call(run, now);
  }

  void forget_gathering(const active_run& run) {
    const auto found = gathering_.find(run.record.gathering);
    if (found != gathering_.end() && found->second == run.id()) gathering_.erase(found);
  }

  /// Begins a run now, and gives its id; empty when there may be no second one.
  std::string begin_run(const shared_function& function, run_input input,
                        const std::optional<parent_step>& parent, timestamp now) {
    if (!may_begin(*function, input.events.front().text, now)) return "";
    std::string detail = input.name;
    active_run& run = add_run(function, std::move(input), parent, now);
    changes_.runs.push_back(run.record);
    tell(run, {.at = now, .what = progress::run_queued, .detail = std::move(detail)});
    claim(run);
    queue_first_call(run, now);
    return run.id();
  }

  /// False when there is a run of the singleton. Makes room for the new one if it is to take its place.
  bool may_begin(const function_definition& function, const std::string& event, timestamp now) {
    event_view view(event);
    const auto key = singleton_key(function, view);
    const auto other = key ? singletons_.find(*key) : singletons_.end();
    active_run* before = other == singletons_.end() ? nullptr : find_active(other->second);
    if (before && !function.singleton->cancels) return false;
    if (before) cancel_run(*before, now);
    return true;
  }

  active_run& add_run(const shared_function& function, run_input input,
                      const std::optional<parent_step>& parent, timestamp now) {
    auto run = std::make_unique<active_run>();
    run->record = {.run = {.id = ids_.next(now),
                           .function_id = function->id(),
                           .function_slug = function->slug,
                           .event_id = input.events.front().id,
                           .event_name = std::move(input.name),
                           .queued_at = now},
                   .events = std::move(input.events),
                   .parent = parent};
    return attach(std::move(run), function);
  }

  void queue_first_call(active_run& run, timestamp now) {
    event_view view(run.event_text());
    timestamp earliest = now;
    if (!run.function->batch)
      earliest = std::max(earliest, timestamp(std::chrono::milliseconds(view.time())));
    if (run.function->start_timeout) {
      add_job(run,
              {.what = job::kind::start_timeout, .due = now + *run.function->start_timeout, .begun = now});
    }
    call_function(run, flow_.turn(*run.function, view, earliest), now);
  }

  /// Makes a run one of those under way.
  active_run& attach(std::unique_ptr<active_run> run, const shared_function& function) {
    run->function = function;
    active_run& out = *run;
    by_function_[function->slug].push_back(&out);
    runs_.emplace(out.id(), std::move(run));
    return out;
  }

  /// Computes what its function's options say of a run that has its events.
  void claim(active_run& run) {
    event_view view(run.event_text());
    run.limits = slots_of(*run.function, view);
    run.precedence = precedence_of(*run.function, view);
    if (auto key = singleton_key(*run.function, view)) {
      run.singleton_key = std::move(*key);
      singletons_.insert_or_assign(run.singleton_key, run.id());
    }
  }

  // ---- ending -----------------------------------------------------------------------------------------

  void complete_run(active_run& run, const job& call, std::string output, timestamp now) {
    const step_end for_parent{"{\"data\":" + output + "}", progress::invoke_completed, shortened(output)};
    run.record.run.output_text = std::move(output);
    end_run(run, run_status::completed,
            {.at = now,
             .what = progress::run_completed,
             .attempt = call.attempt,
             .detail = shortened(run.record.run.output_text)},
            for_parent, now);
  }

  void fail_run(active_run& run, int attempt, const run_error& error, timestamp now) {
    run.record.run.error = error;
    end_run(run, run_status::failed,
            {.at = now, .what = progress::run_failed, .attempt = attempt, .detail = words_of(error)},
            failed(error), now);
  }

  void cancel_run(active_run& run, timestamp now) {
    end_run(run, run_status::cancelled, {.at = now, .what = progress::run_cancelled},
            failed({"Error", "function cancelled"}), now);
  }

  /// Ends the run and whatever it still had to do; an invoke step that waits for it gets the memo.
  void end_run(active_run& run, run_status status, timeline_entry last, step_end for_parents_step,
               timestamp now) {
    run.record.run.status = status;
    run.record.run.ended_at = now;
    last.duration = now - run.record.run.started_at.value_or(run.record.run.queued_at);
    update(run);
    tell(run, std::move(last));
    for (const std::uint64_t id : run.jobs) {
      queue_.remove(id);
      changes_.removed_jobs.push_back(id);
    }
    for (const auto& [step, pending] : run.pending) {
      if (pending.waits) forget_wait(run, step);
    }
    forget_gathering(run);
    if (const auto found = singletons_.find(run.singleton_key);
        found != singletons_.end() && found->second == run.id())
      singletons_.erase(found);
    std::erase(by_function_[run.function->slug], &run);

    const std::unique_ptr<active_run> ended = std::move(runs_.extract(runs_.find(run.id())).mapped());
    announce_end(*ended, now);
    for (const deferred_call& each : ended->record.deferred) begin_deferred(each, now);
    const auto& parent = ended->record.parent;
    if (active_run* waiting = parent ? find_active(parent->run_id) : nullptr)
      end_step(*waiting, parent->step, for_parents_step, now);
  }

  /// Tells whoever listens, the function's own on_failure, on_success and on_cancel among them.
  void announce_end(const active_run& ended, timestamp now) {
    const run& run = ended.record.run;
    if (run.event_name == "inngest/function.failed" || run.event_name == "inngest/function.finished")
      return;  // or it would go on for ever
    if (run.status == run_status::failed) announce(ended, "inngest/function.failed", now);
    if (run.status == run_status::cancelled) announce(ended, "inngest/function.cancelled", now);
    announce(ended, "inngest/function.finished", now);
  }

  /// Nobody keeps the event who doesn't listen to it.
  void announce(const active_run& ended, const char* name, timestamp now) {
    if (!subscriptions_.has_listeners(name) && !waits_.waits_for(name)) return;
    const event_record record =
        make_event_record({.name = name, .data = end_data(ended)}, ids_.next(now), now);
    changes_.events.push_back(record);
    dispatch(record, now);
  }

  void begin_deferred(const deferred_call& deferred, timestamp now) {
    const auto function = subscriptions_.find(deferred.slug);
    if (!function) return;  // the app no longer has it
    begin_run(function,
              events_of(make_event_record({.name = "inngest/deferred.schedule", .data = deferred.input},
                                          ids_.next(now), now)),
              {}, now);
  }

  void retry_or_fail_run(active_run& run, const job& call, const http::response& answer, timestamp now) {
    const run_error error = read_error(answer);
    const bool retriable = answer.headers.find(protocol::header::no_retry) != "true";
    if (!retriable || call.attempt + 1 >= run.max_attempts()) return fail_run(run, call.attempt, error, now);
    tell(run, {.at = now, .what = progress::run_retried, .attempt = call.attempt, .detail = words_of(error)});
    retry(run, call, answer, now);
  }

  // ---- steps ------------------------------------------------------------------------------------------

  void take_operations(active_run& run, const job& call, const http::response& answer, timestamp now) {
    const std::string run_id = run.id();
    const bool may_retry =
        answer.headers.find(protocol::header::no_retry) != "true" && call.attempt + 1 < run.max_attempts();
    for (const reported_operation& each : read_operations(answer.body)) {
      if (each.op == "StepError" && may_retry) {
        tell_step(run, each, progress::step_retried, call.attempt, words_of(read_error(each.error)), now);
        retry(run, call, answer, now);
      } else {
        take_operation(run, call, each, now);
      }
      if (!find_active(run_id)) return;  // it ended over this operation
    }
    if (!run.has_work()) {
      fail_run(run, call.attempt,
               {"protocol error", "the app's answer has no operation that the run could go on with"}, now);
    }
  }

  void take_operation(active_run& run, const job& call, const reported_operation& op, timestamp now) {
    const bool ends = op.op == "StepRun" || op.op == "Step" || op.op == "StepFailed" || op.op == "StepError";
    if (ends) {
      end_reported_step(run, op, call.attempt, now);
      go_on(run, now);
    } else if (run.pending.contains(op.id) || run.memos.contains(op.id)) {
      // reported again, as happens while its siblings are under way
    } else if (op.op == "StepPlanned") {
      plan(run, call, op, now);
    } else if (op.op == "Sleep") {
      begin_sleep(run, call, op, now);
    } else if (op.op == "WaitForEvent") {
      begin_wait(run, call, op, now);
    } else if (op.op == "WaitForSignal") {
      begin_signal_wait(run, call, op, now);
    } else if (op.op == "InvokeFunction") {
      begin_invoke(run, call, op, now);
    } else if (op.op == "Gateway" || op.op == "AIGateway" || op.op == "AiGateway") {
      begin_request(run, call, op, now);
    } else if (op.op == "None" || op.op == "DiscoveryRequest") {
      go_on_if_still(run, now);
    } else if (op.op == "RunComplete") {
      complete_run(run, call, op.data.empty() ? "null" : op.data, now);
    } else if (op.op == "DeferAdd") {
      defer(run, op);
      go_on_if_still(run, now);
    } else {
      refuse(run, call, op, "the embedded engine can't do \"" + op.op + "\"", now);
    }
  }

  /// A step that the app ran has its result.
  void end_reported_step(active_run& run, const reported_operation& op, int attempt, timestamp now) {
    if (run.memos.contains(op.id)) return;  // its first result counts
    if (op.op == "StepRun" || op.op == "Step") {
      tell_step(run, op, progress::step_completed, attempt, shortened(op.data), now);
      remember(run, op.id, "{\"data\":" + (op.data.empty() ? "null" : op.data) + "}");
    } else {
      tell_step(run, op, progress::step_failed, attempt, words_of(read_error(op.error)), now);
      remember(run, op.id, "{\"error\":" + (op.error.empty() ? "{}" : op.error) + "}");
    }
  }

  void plan(active_run& run, const job& call, const reported_operation& op, timestamp now) {
    pending_step& pending = begin_step(run, call, op, progress::step_planned, "", now);
    pending.job = add_job(
        run,
        {.what = job::kind::call, .step = op.id, .step_name = op.shown_name(), .due = now, .begun = now});
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
    pending.job = add_timer(run, job::kind::wake, op, *until, now);
  }

  void begin_wait(active_run& run, const job& call, const reported_operation& op, timestamp now) {
    wait_record wait{.run_id = run.id(),
                     .step = op.id,
                     .step_name = op.shown_name(),
                     .event_name = op.option("event").value_or(op.name),
                     .expression = op.option("if").value_or(""),
                     .begun = now};
    shared_expression condition;
    try {
      if (!wait.expression.empty()) condition = std::make_shared<const expression>(wait.expression);
    } catch (const expression_error& problem) {
      return refuse(run, call, op, wait.expression + ": " + problem.what(), now);
    }
    if (add_wait_timer(run, call, op, wait.event_name, now)) add_wait(std::move(wait), std::move(condition));
  }

  void begin_signal_wait(active_run& run, const job& call, const reported_operation& op, timestamp now) {
    wait_record wait{.run_id = run.id(),
                     .step = op.id,
                     .step_name = op.shown_name(),
                     .signal = op.option("signal").value_or(op.name),
                     .begun = now};
    if (const auto other = waits_.for_signal(wait.signal)) {
      if (op.option("conflict") != "replace") {
        return fail_run(run, call.attempt, {"Error", "another run waits for signal \"" + wait.signal + "\""},
                        now);
      }
      waits_.remove(*other);  // it goes on when its time is up
      changes_.removed_waits.emplace_back(other->run_id, other->step);
    }
    if (add_wait_timer(run, call, op, wait.signal, now)) add_wait(std::move(wait), nullptr);
  }

  void add_wait(wait_record wait, shared_expression condition) {
    waits_.add(wait, std::move(condition));
    changes_.added_waits.push_back(std::move(wait));
  }

  bool add_wait_timer(active_run& run, const job& call, const reported_operation& op, const std::string& what,
                      timestamp now) {
    const std::string timeout = op.option("timeout").value_or("");
    const auto until = time_of(timeout, now);
    if (!until) {
      refuse(run, call, op, "not a timeout: \"" + timeout + "\"", now);
      return false;
    }
    pending_step& pending = begin_step(run, call, op, progress::wait_started, what, now);
    pending.job = add_timer(run, job::kind::wait_timeout, op, *until, now);
    pending.waits = true;
    return true;
  }

  void begin_invoke(active_run& run, const job& call, const reported_operation& op, timestamp now) {
    const std::string slug = op.option("function_id").value_or("");
    const auto timeout = op.option("timeout");
    const auto until = timeout ? time_of(*timeout, now) : std::nullopt;
    if (timeout && !until) return refuse(run, call, op, "not a timeout: \"" + *timeout + "\"", now);
    pending_step& pending = begin_step(run, call, op, progress::invoke_started, slug, now);
    const auto function = subscriptions_.find(slug);
    if (!function) {
      const run_error error{"FunctionNotFound", "there is no function \"" + slug + "\""};
      return end_step(run, op.id, failed(error), now);
    }
    if (until) pending.job = add_timer(run, job::kind::invoke_timeout, op, *until, now);
    const json payload = detail::parse_dom(op.options).value("payload", json::object());
    const json data = payload.is_object() ? payload.value("data", json::object()) : json::object();
    const event_record invoked = invocation(data.is_object() ? data.dump() : "{}", now);
    event_view view(invoked.text);
    if (flow_.is_limited(*function, invoked, view, now))
      return end_step(run, op.id, failed({"Error", "function \"" + slug + "\" is rate limited"}), now);
    const std::string child = begin_run(function, events_of(invoked), parent_step{run.id(), op.id}, now);
    if (child.empty()) {
      const run_error error{"InngestInvokeError",
                            "function \"" + slug + "\" is a singleton and runs already"};
      end_step(run, op.id, failed(error), now);
    }
  }

  void begin_request(active_run& run, const job& call, const reported_operation& op, timestamp now) {
    job next{
        .what = job::kind::request, .step = op.id, .step_name = op.shown_name(), .due = now, .begun = now};
    next.text = outgoing_text(op);
    std::string where;
    try {
      where = op.option("url").value_or("");
      outgoing_request(next.text);
    } catch (const payload_error& problem) {
      return refuse(run, call, op, problem.what(), now);
    }
    pending_step& pending = begin_step(run, call, op, progress::request_started, where, now);
    pending.job = add_job(run, std::move(next));
  }

  void finish_request(active_run& run, const job& made, const http::response& answer, timestamp now) {
    std::string result;
    std::optional<run_error> problem;
    try {
      problem = outgoing_problem(made.text, answer);
      if (!problem) result = outgoing_result(made.text, answer);
    } catch (const std::exception& unreadable) {
      problem = run_error{"Error", unreadable.what()};
    }
    const bool may_retry =
        made.attempt + 1 < run.max_attempts() && answer.headers.find(protocol::header::no_retry) != "true";
    if (problem && may_retry) {
      tell(run, {.at = now,
                 .what = progress::step_retried,
                 .step = made.step_name,
                 .attempt = made.attempt,
                 .detail = words_of(*problem)});
      return retry(run, made, answer, now);
    }
    step_end end = problem
                       ? failed(*problem)
                       : step_end{"{\"data\":" + result + "}", progress::step_completed, shortened(result)};
    end.attempt = made.attempt;
    end_step(run, *made.step, end, now);
  }

  pending_step& begin_step(active_run& run, const job& call, const reported_operation& op, progress what,
                           const std::string& detail, timestamp now) {
    tell(run, {.at = now, .what = what, .step = op.shown_name(), .attempt = call.attempt, .detail = detail});
    return run.pending.emplace(op.id, pending_step{.name = op.shown_name(), .begun = now}).first->second;
  }

  /// An operation that can't be done fails its run: another attempt would ask for the same.
  void refuse(active_run& run, const job& call, const reported_operation& op, const std::string& why,
              timestamp now) {
    fail_run(run, call.attempt, {"unsupported operation", "step \"" + op.shown_name() + "\": " + why}, now);
  }

  void end_timer(active_run& run, const job& timer, timestamp now) {
    switch (timer.what) {
      case job::kind::call:
      case job::kind::request:
      case job::kind::schedule:
        return;
      case job::kind::wake:
        return end_step(run, *timer.step, {"null", progress::sleep_ended}, now);
      case job::kind::wait_timeout:
        return end_step(run, *timer.step, {"null", progress::wait_timed_out}, now);
      case job::kind::invoke_timeout: {
        const run_error error{"InngestInvokeTimeoutError", "the invoked function did not finish in time"};
        return end_step(run, *timer.step, failed(error), now);
      }
      case job::kind::gathered:
        return end_gathering(run, now);
      case job::kind::start_timeout:
        return cancel_run(run, now);
      case job::kind::finish_timeout:
        return cancel_run(run, now);
    }
  }

  /// A step that was under way outside of the app has its result.
  void end_step(active_run& run, const step_hash& step, const step_end& end, timestamp now) {
    const auto found = run.pending.find(step);
    if (found == run.pending.end()) return;  // it timed out before
    const pending_step pending = std::move(run.pending.extract(found).mapped());
    if (pending.waits) forget_wait(run, step);
    if (pending.job) remove_job(run, *pending.job);
    tell(run, {.at = now,
               .what = end.what,
               .step = pending.name,
               .attempt = end.attempt,
               .duration = now - pending.begun,
               .detail = end.detail});
    remember(run, step, end.memo);
    go_on(run, now);
  }

  void forget_wait(const active_run& run, const step_hash& step) {
    if (waits_.remove({run.id(), step})) changes_.removed_waits.emplace_back(run.id(), step);
  }

  void remember(active_run& run, const step_hash& step, std::string memo) {
    run.pending.erase(step);
    if (!run.memos.emplace(step, memo).second) return;
    run.stack.push_back(step);
    changes_.memos.push_back({.run_id = run.id(), .step = step, .text = std::move(memo)});
  }

  /// Something is new: the function is gone through again, once for all that is new by then. Steps that were
  /// planned before are called first, as they are first in the queue.
  void go_on(active_run& run, timestamp now) {
    if (!run.discovery) call_function(run, now, now);
  }
  void go_on_if_still(active_run& run, timestamp now) {
    if (!run.has_work()) go_on(run, now);
  }

  // ---- jobs -------------------------------------------------------------------------------------------

  void call_function(active_run& run, timestamp due, timestamp now) {
    run.discovery = add_job(run, {.what = job::kind::call, .due = due, .begun = now});
  }

  std::uint64_t add_timer(active_run& run, job::kind what, const reported_operation& op, timestamp due,
                          timestamp now) {
    return add_job(run,
                   {.what = what, .step = op.id, .step_name = op.shown_name(), .due = due, .begun = now});
  }

  std::uint64_t add_job(active_run& run, job job) {
    job.id = ++last_job_;
    job.run_id = run.id();
    changes_.added_jobs.push_back(job);
    enqueue(run, std::move(job));
    return last_job_;
  }

  void enqueue(active_run& run, job job) {
    run.jobs.insert(job.id);
    const bool is_call = job.what == job::kind::call || job.what == job::kind::request;
    if (is_call)  // those of the run that came first are made first
      queue_.add(std::move(job), run.record.run.queued_at - run.precedence, run.limits);
    else
      queue_.add(std::move(job));
  }

  void remove_job(active_run& run, std::uint64_t id) {
    if (run.jobs.erase(id) == 0) return;  // it was taken
    queue_.remove(id);
    changes_.removed_jobs.push_back(id);
  }

  void remove_jobs(active_run& run, job::kind what) {
    for (const std::uint64_t id : std::vector(run.jobs.begin(), run.jobs.end())) {
      const job* each = queue_.find(id);
      if (each && each->what == what) remove_job(run, id);
    }
  }

  void begin_call(active_run& run, const job& call, timestamp now) {
    ++calls_;
    ++run.calls;
    run.last_call = call.id;
    if (run.discovery == call.id) run.discovery.reset();
    if (run.record.run.status != run_status::queued) return;
    run.record.run.status = run_status::running;
    run.record.run.started_at = now;
    update(run);
    tell(run, {.at = now, .what = progress::run_started, .detail = run.record.run.event_name});
    remove_jobs(run, job::kind::start_timeout);
    if (const auto timeout = run.function->finish_timeout)
      add_job(run, {.what = job::kind::finish_timeout, .due = now + *timeout, .begun = now});
  }

  void retry(active_run& run, const job& call, const http::response& answer, timestamp now) {
    job next = call;
    ++next.attempt;
    next.due = now + delay_(call.attempt);
    if (const auto after = answer.headers.find(protocol::header::retry_after))
      next.due = retry_after(*after, now).value_or(next.due);
    const std::uint64_t id = add_job(run, std::move(next));
    if (!call.step) run.discovery = id;
  }

  // ---- schedules --------------------------------------------------------------------------------------

  /// Every schedule has one job; one that is there already keeps its time, even if that is over.
  void follow_schedules(timestamp now) {
    for (const auto& [slug, function] : subscriptions_.all()) {
      for (const registered_trigger& each : function->triggers) {
        if (each.cron && !schedules_.contains({slug, each.schedule})) add_schedule(slug, each, now);
      }
    }
  }

  void add_schedule(const std::string& slug, const registered_trigger& trigger, timestamp now) {
    const auto due = detail::cron_next(*trigger.cron, now);
    if (!due) return;
    job next{.id = ++last_job_,
             .what = job::kind::schedule,
             .run_id = slug,
             .step_name = trigger.schedule,
             .due = *due + jitter_of(slug, trigger, *due),
             .begun = now,
             .text = to_text(*due)};
    schedules_.insert_or_assign({slug, trigger.schedule}, next.id);
    changes_.added_jobs.push_back(next);
    queue_.add(std::move(next));
  }

  void fire_schedule(const job& timer, timestamp now) {
    changes_.removed_jobs.push_back(timer.id);
    schedules_.erase({timer.run_id, timer.step_name});
    const auto function = subscriptions_.find(timer.run_id);
    if (!function) return;
    for (const registered_trigger& each : function->triggers) {
      if (each.schedule != timer.step_name || !each.cron) continue;
      const timestamp planned = parse_timestamp(timer.text).value_or(timer.due);
      const event_record event =
          make_event_record(timer_event(each, planned, timer.due), ids_.next(now), now);
      changes_.events.push_back(event);
      event_view view(event.text);
      if (!flow_.is_limited(*function, event, view, now)) begin_run(function, events_of(event), {}, now);
      add_schedule(timer.run_id, each, std::max(planned, now - each.jitter));
      return;
    }
  }

  // ---- telling ----------------------------------------------------------------------------------------

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
    if (wants_progress_ || is_failure(entry.what)) progress_.emplace_back(run.record.run, entry);
    changes_.timeline.push_back({.run_id = run.id(), .entry = std::move(entry)});
  }

  static bool is_failure(progress what) {
    return what == progress::run_retried || what == progress::step_retried || what == progress::step_failed ||
           what == progress::run_failed;
  }

  void update(const active_run& run) {
    const embedded::run& now = run.record.run;
    changes_.run_updates.push_back({.id = now.id,
                                    .status = now.status,
                                    .started_at = now.started_at,
                                    .ended_at = now.ended_at,
                                    .output_text = now.output_text,
                                    .error = now.error});
  }

  // ---- restart ----------------------------------------------------------------------------------------

  void resume(unfinished_work work, timestamp now) {
    for (const app_record& each : work.apps) {
      for (function_definition& function : read_registration(each)) subscriptions_.add(std::move(function));
    }
    for (remembered_value& each : work.values) flow_.load(std::move(each));
    for (run_record& each : work.runs) {
      const auto function = subscriptions_.find(each.run.function_slug);
      if (!function) continue;  // the app no longer has it; the store keeps the run
      auto run = std::make_unique<active_run>();
      run->record = std::move(each);
      if (!run->record.gathering.empty()) gathering_.insert_or_assign(run->record.gathering, run->id());
      active_run& known = attach(std::move(run), function);
      if (known.record.gathering.empty()) claim(known);
    }
    for (memo_record& each : work.memos) {
      active_run* run = find_active(each.run_id);
      if (!run) continue;
      run->stack.push_back(each.step);
      run->memos.emplace(each.step, std::move(each.text));
    }
    for (const job& each : work.jobs) resume(each);
    for (const wait_record& each : work.waits) {
      active_run* run = find_active(each.run_id);
      if (!run) continue;
      run->pending[each.step].waits = true;
      waits_.add(each,
                 each.expression.empty() ? nullptr : std::make_shared<const expression>(each.expression));
    }
    for (const auto& [id, run] : runs_) {
      if (!run->record.parent) continue;
      active_run* parent = find_active(run->record.parent->run_id);
      if (!parent || parent->memos.contains(run->record.parent->step)) continue;  // its invoke timed out
      const pending_step invoke{.name = run->record.run.function_id, .begun = run->record.run.queued_at};
      parent->pending.emplace(run->record.parent->step, invoke);
    }
    for (const job& each : work.jobs) {
      if (each.started) end_lost_attempt(each, now);
    }
  }

  /// A process ended while it made the call: that attempt has failed. The next begins at once, as time has
  /// passed already.
  void end_lost_attempt(const job& lost, timestamp now) {
    active_run* run = find_active(lost.run_id);
    if (!run) return;  // the app no longer has it; the store keeps the run
    changes_.removed_jobs.push_back(lost.id);
    if (run->discovery == lost.id) run->discovery.reset();
    const run_error error{"ProcessEnded",
                          "the process ended while " +
                              (lost.step ? "step \"" + lost.step_name + "\"" : std::string("the function")) +
                              " ran"};
    if (lost.attempt + 1 < run->max_attempts()) {
      tell(*run, {.at = now,
                  .what = lost.step ? progress::step_retried : progress::run_retried,
                  .step = lost.step_name,
                  .attempt = lost.attempt,
                  .detail = words_of(error)});
      job next = lost;
      ++next.attempt;
      next.due = now;
      next.started = false;
      const std::uint64_t id = add_job(*run, std::move(next));
      if (lost.step)
        run->pending[*lost.step].job = id;
      else
        run->discovery = id;
    } else if (lost.step) {
      run->pending[*lost.step].job.reset();
      step_end end = failed(error);
      end.attempt = lost.attempt;
      end_step(*run, *lost.step, end, now);
    } else {
      fail_run(*run, lost.attempt, error, now);
    }
  }

  void resume(job job) {
    if (job.what == job::kind::schedule) {
      if (!is_followed(job)) {
        changes_.removed_jobs.push_back(job.id);
        return;
      }
      schedules_.insert_or_assign({job.run_id, job.step_name}, job.id);
      const std::uint64_t id = job.id;
      queue_.add(std::move(job));
      return queue_.release(id);
    }
    active_run* run = find_active(job.run_id);
    if (!run) return;
    if (job.step) {
      pending_step& pending = run->pending[*job.step];
      pending = {.name = job.step_name, .begun = job.begun, .job = job.id};
    } else if (job.what == job::kind::call) {
      run->discovery = job.id;
    }
    if (job.started) return;  // it was taken: see end_lost_attempt
    const std::uint64_t id = job.id;
    enqueue(*run, std::move(job));
    queue_.release(id);
  }

  bool is_followed(const job& schedule) const {
    const auto function = subscriptions_.find(schedule.run_id);
    return function &&
           std::any_of(function->triggers.begin(), function->triggers.end(),
                       [&](const auto& each) { return each.cron && each.schedule == schedule.step_name; });
  }

  /// Runs of a function go on as its new definition says.
  void adopt(const shared_function& function) {
    for (active_run* each : by_function_[function->slug]) each->function = function;
  }

  active_run* find_active(std::string_view run_id) {
    const auto found = runs_.find(run_id);
    return found == runs_.end() ? nullptr : found->second.get();
  }

  /// A copy: cancelling them changes the original.
  std::vector<active_run*> runs_of(const std::string& slug) const {
    const auto found = by_function_.find(slug);
    return found == by_function_.end() ? std::vector<active_run*>() : found->second;
  }

  retry_delay delay_;
  changes changes_;
  flow_control flow_{changes_};
  detail::ulid_source ids_;
  subscriptions subscriptions_;
  std::map<std::string, std::unique_ptr<active_run>, std::less<>> runs_;
  std::unordered_map<std::string, std::vector<active_run*>> by_function_;
  std::unordered_map<std::string, std::string> gathering_;                  // run, by key
  std::unordered_map<std::string, std::string> singletons_;                 // run, by key
  std::map<std::pair<std::string, std::string>, std::uint64_t> schedules_;  // job, by slug and schedule
  waiting_steps waits_;
  run_queue queue_;
  std::uint64_t last_job_ = 0;
  int calls_ = 0;  // that are being made
  std::deque<std::pair<run, timeline_entry>> progress_;
  bool wants_progress_ = false;
};

}  // namespace inngest::embedded
