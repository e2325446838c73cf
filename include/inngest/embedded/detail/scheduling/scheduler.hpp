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
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <inngest/detail/cron_next.hpp>
#include <inngest/detail/json_text.hpp>
#include <inngest/detail/ulid.hpp>
#include <inngest/embedded/detail/app_answer.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/incoming_event.hpp>
#include <inngest/embedded/detail/outgoing_request.hpp>
#include <inngest/embedded/detail/reported_operation.hpp>
#include <inngest/embedded/detail/retry.hpp>
#include <inngest/embedded/detail/run_errors.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>
#include <inngest/embedded/detail/scheduling/engine_events.hpp>
#include <inngest/embedded/detail/scheduling/event_view.hpp>
#include <inngest/embedded/detail/scheduling/flow_control.hpp>
#include <inngest/embedded/detail/scheduling/run_queue.hpp>
#include <inngest/embedded/detail/scheduling/subscriptions.hpp>
#include <inngest/embedded/detail/scheduling/waiting_steps.hpp>
#include <inngest/embedded/detail/scheduling/work_check.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/protocol/headers.hpp>

namespace inngest::embedded {

/// What an Inngest server does with events, runs and steps, without threads, clock, disk or network of its
/// own: it is told the time, says what is due, takes the answers, and gives out what is to be kept. One
/// thread at a time.
class scheduler {
 public:
  using retry_delay = std::function<duration_ms(int attempt)>;

  /// Goes on with what was left undone.
  scheduler(std::vector<function_definition> functions, unfinished_work work, retry_delay delay,
            timestamp now, detail::ulid_source ids = {})
      : delay_(std::move(delay)), ids_(std::move(ids)) {
    last_job_ = work.last_job;
    for (job& each : work.jobs) last_job_ = std::max(last_job_, each.id);
    work_check::check(work);
    for (function_definition& each : functions) subscriptions_.add(std::move(each));
    const std::vector<event_record> undispatched = std::exchange(work.events, {});
    resume(std::move(work), now);
    follow_schedules(now);
    for (const event_record& event : undispatched) dispatch_stored(event, now);
    run_follow_ups(now);
  }

  // ---- in ---------------------------------------------------------------------------------------------

  /// Takes events in, all or none, and gives their ids. They start runs, end waits and cancel runs once
  /// kept() was told that they are stored: what was not stored has not happened. With a seed the ids are
  /// derived from it, so that a repeated request has the same ids; `is_dispatched` says which of those are in
  /// the store: they are taken for repetitions. \throws payload_error naming the event and the member that is
  /// wrong.
  std::vector<std::string> accept(std::string body, timestamp now, std::string_view seed = {},
                                  const std::function<bool(const std::string&)>& is_dispatched = {},
                                  std::size_t chain = 0) {
    const std::vector<incoming_event> events = read_incoming_events(std::move(body));
    const auto seeded = detail::ulid_seed::parse(seed);
    std::vector<std::string> ids;
    std::vector<event_record> fresh;
    for (const incoming_event& event : events) {
      const auto position = static_cast<std::uint32_t>(ids.size() + 1);
      ids.push_back(seeded ? seeded->ulid(position) : ids_.next(now));
      const bool is_repeated =
          seeded && (undispatched_.contains(ids.back()) || dispatching_.contains(ids.back()) ||
                     (is_dispatched && is_dispatched(ids.back())));
      if (is_repeated) continue;
      fresh.push_back(make_event_record(event, ids.back(), now));
      fresh.back().dispatched = false;
      fresh.back().chain = chain;
    }
    for (event_record& event : fresh) {
      undispatched_.insert(event.id);
      changes_.events.push_back(std::move(event));
    }
    return ids;
  }

  /// The place of an event in a chain of runs that start each other, when a run sends it: 0 unless the run
  /// began less than a second ago.
  std::size_t chain_behind(std::string_view run_id, timestamp now) const {
    const active_run* run = find_run(run_id);
    const bool is_at_once = run && now - run->record.run.queued_at < std::chrono::seconds(1);
    return is_at_once ? run->chain + 1 : 0;
  }

  /// Forgets events that were taken in but could not be stored.
  void withdraw(const changes& changes) {
    for (const event_record& event : changes.events) undispatched_.erase(event.id);
  }

  /// Begins a run of one of the functions, whatever its triggers, and gives the run's id.
  std::string start(std::string_view slug, std::string data, timestamp now) {
    const follow_up_guard guard(*this, now);
    return begin_run(subscriptions_.find(slug), events_of(invocation(std::move(data), now)), {}, now);
  }

  /// Begins a run with the events of an earlier one. Empty when its function is gone.
  std::string rerun(const run_record& earlier, timestamp now) {
    const auto function = subscriptions_.find(earlier.run.function_slug);
    if (!function || earlier.events.empty()) return "";
    const follow_up_guard guard(*this, now);
    return begin_run(function, {.name = earlier.run.event_name, .events = earlier.events}, {}, now);
  }

  /// Gives a step its result before the run comes to it.
  void preload(std::string_view run_id, const step_hash& step, std::string memo) {
    if (active_run* run = find_active(run_id)) remember(*run, step, std::move(memo));
  }

  /// False when there is no such run, or it has ended.
  bool cancel(std::string_view run_id, timestamp now) {
    active_run* run = find_active(run_id);
    if (!run) return false;
    const follow_up_guard guard(*this, now);
    cancel_run(*run, now);
    return true;
  }

  /// Ends the wait for a signal, and gives the run's id; nothing when nobody waits for it.
  std::optional<std::string> signal(const std::string& name, const std::string& data, timestamp now) {
    const auto place = waits_.for_signal(name);
    active_run* run = place ? find_active(place->run_id) : nullptr;
    if (!run) return std::nullopt;
    check_received_json(data, detail::json_path("data"));
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
    while (auto next = take_next(now)) {
      if (is_running(next->run_id)) return next;
      end_call(*next);  // its run was ended by what the timers before it have led to
    }
    return std::nullopt;
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
    end_call(call);
    active_run* run = find_active(call.run_id);
    if (!run) return;
    --run->calls;
    const follow_up_guard guard(*this, now);
    try {
      if (call.what == job::kind::request)
        finish_request(*run, call, answer, now);
      else
        finish_call(*run, call, answer, now);
    } catch (const std::exception& problem) {  // out of memory, most likely
      run = find_active(call.run_id);
      if (run) fail_run(*run, call.attempt, {"Error", problem.what()}, now);
    }
  }

  /// The call was not made, and is to be made later: that is no attempt.
  void postpone(const job& call, timestamp due) {
    end_call(call);
    active_run* run = find_active(call.run_id);
    if (!run) return;
    --run->calls;
    if (!call.step && run->discovery) return;  // another call goes through the whole function anyway
    job next = call;
    next.due = due;
    replace_job(*run, call, std::move(next));
  }

  /// Takes results that a call's function reports while it goes on. False when the run is no longer there, or
  /// was called again since: the function must stop.
  bool checkpoint(const std::string& run_id, std::uint64_t call_id,
                  const std::vector<reported_operation>& operations, timestamp now) {
    active_run* run = find_active(run_id);
    if (!run || run->last_call != call_id) return false;
    for (const reported_operation& each : operations) {
      if (!ends_step(each))
        throw protocol_error("\"" + each.op + "\" can't be saved while a function goes on");
    }
    for (const reported_operation& each : operations) end_reported_step(*run, each, 0, now);
    return true;
  }

  /// What is to be kept since the last time it was asked. Jobs in it are not due before it is told that they
  /// have been kept.
  changes take_changes() { return std::exchange(changes_, {}); }
  /// Told that changes are stored: their jobs may be done, their events start runs. That makes new changes.
  void kept(const changes& changes, timestamp now) {
    for (const job& each : changes.added_jobs) queue_.release(each.id);
    for (const std::string& id : changes.dispatched_events) dispatching_.erase(id);
    const follow_up_guard guard(*this, now);
    for (const event_record& event : changes.events) {
      if (!event.dispatched && undispatched_.erase(event.id) > 0) dispatch_stored(event, now);
    }
  }

  /// Whether nothing is under way and nothing will be, unless an event comes or a schedule fires.
  bool is_idle() const { return runs_.empty() && calls_ == 0 && undispatched_.empty(); }
  bool is_running(std::string_view run_id) const { return runs_.find(run_id) != runs_.end(); }
  const active_run* find_run(std::string_view run_id) const {
    const auto found = runs_.find(run_id);
    return found == runs_.end() ? nullptr : found->second.get();
  }
  const subscriptions& functions() const { return subscriptions_; }
  /// How much it holds. When it is idle, and what flow control remembers is over, all but the schedules' jobs
  /// is gone.
  struct holdings {
    std::size_t runs = 0;
    std::size_t jobs = 0;
    std::size_t calls = 0;      // under way
    std::size_t slots = 0;      // of concurrency limits, in use or waited for
    std::size_t waits = 0;      // for events and signals
    std::size_t gathering = 0;  // batches and debounces that still take events in
    std::size_t singletons = 0;
    std::size_t schedules = 0;
    std::size_t remembered = 0;  // by flow control
    std::size_t events = 0;      // not stored yet, or what they start is not
  };
  holdings held() const {
    return {.runs = runs_.size(),
            .jobs = queue_.size(),
            .calls = static_cast<std::size_t>(calls_) + queue_.under_way(),
            .slots = queue_.slots_in_use(),
            .waits = waits_.size(),
            .gathering = gathering_.size(),
            .singletons = singletons_.size(),
            .schedules = schedules_.size(),
            .remembered = flow_.remembered(),
            .events = undispatched_.size() + dispatching_.size()};
  }
  /// The records that the scheduler goes on without: they were not to be read when it began.
  const std::vector<unreadable_record>& unreadable() const { return unreadable_; }

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
    std::size_t chain = 0;
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

  /// What an end of a run leads to. It is done when the change that the run ended in is complete: it may end
  /// other runs in turn, and nobody may hold a pointer to a run then.
  using follow_up = std::variant<event_record, deferred_call>;

  /// Does the follow-ups when the outermost call ends. Every public function that may end a run has one.
  class follow_up_guard {
   public:
    follow_up_guard(scheduler& scheduler, timestamp now) : scheduler_(scheduler), now_(now) {}
    ~follow_up_guard() { scheduler_.run_follow_ups(now_); }
    follow_up_guard(const follow_up_guard&) = delete;
    follow_up_guard& operator=(const follow_up_guard&) = delete;

   private:
    scheduler& scheduler_;
    timestamp now_;
  };

  /// \throws nothing: a follow-up that can't be done is left out, as no other depends on it.
  void run_follow_ups(timestamp now) noexcept {
    while (!follow_ups_.empty()) {
      try {
        const follow_up next = std::move(follow_ups_.front());
        follow_ups_.pop_front();
        if (const auto* event = std::get_if<event_record>(&next))
          dispatch(*event, now);
        else
          begin_deferred(std::get<deferred_call>(next), now);
      } catch (const std::exception&) {  // out of memory, most likely
      }
    }
  }

  void dispatch_stored(const event_record& event, timestamp now) {
    dispatching_.insert(event.id);
    changes_.dispatched_events.push_back(event.id);
    dispatch(event, now);
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
      for (const std::string& run_id : runs_of(function->slug)) {
        active_run* run = find_active(run_id);
        if (!run || is_collecting(*run)) continue;
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
    return {.name = event.name, .events = {{.id = event.id, .text = event.text}}, .chain = event.chain};
  }

  event_record invocation(std::string data, timestamp now) {
    return make_event_record({.name = "inngest/function.invoked", .data = std::move(data)}, ids_.next(now),
                             now);
  }

  /// Begins a run for an event, at once, later or not at all, as the function's flow control says. An id
  /// starts a function once; an event that flow control turned away does not use up its id, as on a server.
  void schedule_run(const shared_function& function, const event_record& event, event_view& view,
                    timestamp now) {
    if (flow_.is_known_id(*function, event.given_id, now)) return;
    if (function->batch && view.fulfils(function->batch->condition)) {
      flow_.remember_id(*function, event.given_id, now);
      return gather_batch(function, event, view, now);
    }
    if (const timestamp happens(std::chrono::milliseconds(view.time())); happens > now && !function->debounce)
      return begin_later(function, event, happens, now);
    if (flow_.is_limited(*function, event.id, view, now)) return;
    if (function->debounce) return debounce(function, event, view, now);
    if (!begin_run(function, events_of(event), {}, now).empty())
      flow_.remember_id(*function, event.given_id, now);
  }

  /// An event of the future starts its run then, and takes part in flow control only then.
  void begin_later(const shared_function& function, const event_record& event, timestamp due, timestamp now) {
    flow_.remember_id(*function, event.given_id, now);
    active_run& run = add_run(function, events_of(event), {}, now);
    run.record.gathering = future_prefix + run.id();
    changes_.runs.push_back(run.record);
    tell(run, {.at = now, .what = progress::run_queued, .detail = event.name});
    add_job(run, {.what = job::kind::gathered, .due = due, .begun = now});
  }

  static constexpr const char* future_prefix = "future:";  // of `gathering`
  static bool is_of_the_future(const active_run& run) {
    return run.record.gathering.starts_with(future_prefix);
  }
  /// Whether a batch or a debounce still takes events in.
  static bool is_collecting(const active_run& run) {
    return !run.record.gathering.empty() && !is_of_the_future(run);
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
    const bool was_of_the_future = is_of_the_future(run);
    remove_jobs(run, job::kind::gathered);
    forget_gathering(run);
    run.record.gathering.clear();
    changes_.runs.push_back(run.record);
    const run_event& first = run.record.events.front();
    if (was_of_the_future) {
      event_view view(first.text);
      if (flow_.is_limited(*run.function, first.id, view, now)) return cancel_run(run, now);
    }
    if (run.function->debounce && !was_of_the_future) {
      const std::string given_id = given_id_of(first);
      if (flow_.is_known_id(*run.function, given_id, now)) return cancel_run(run, now);
      flow_.remember_id(*run.function, given_id, now);
    }
    if (!may_begin(*run.function, run.event_text(), now)) return cancel_run(run, now);
    claim(run);
    queue_first_call(run, now);
  }

  /// The id that the event's sender gave it; empty when the engine did.
  static std::string given_id_of(const run_event& event) {
    std::string id = detail::find_text(event.text, "id");
    return id == event.id ? std::string() : id;
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
    run->chain = input.chain;
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
    if (run.function->start_timeout) {
      add_job(run,
              {.what = job::kind::start_timeout, .due = now + *run.function->start_timeout, .begun = now});
    }
    call_function(run, flow_.turn(*run.function, view, now), now);
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

  void forget_singleton(active_run& run) {
    const auto found = singletons_.find(run.singleton_key);
    if (found != singletons_.end() && found->second == run.id()) singletons_.erase(found);
    run.singleton_key.clear();
  }

  // ---- ending -----------------------------------------------------------------------------------------

  void complete_run(active_run& run, int attempt, std::string output, timestamp now) {
    const step_end for_parent{"{\"data\":" + output + "}", progress::invoke_completed, shortened(output)};
    run.record.run.output_text = std::move(output);
    end_run(run, run_status::completed,
            {.at = now,
             .what = progress::run_completed,
             .attempt = attempt,
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
    forget_singleton(run);
    std::erase(by_function_[run.function->slug], &run);

    const std::unique_ptr<active_run> ended = std::move(runs_.extract(runs_.find(run.id())).mapped());
    const auto& parent = ended->record.parent;
    if (active_run* waiting = parent ? find_active(parent->run_id) : nullptr)
      end_step(*waiting, parent->step, for_parents_step, now);
    announce_end(*ended, now);
    for (const deferred_call& deferred : ended->record.deferred) follow_ups_.emplace_back(deferred);
  }

  /// Tells whoever listens, the function's own on_failure, on_success and on_cancel among them.
  void announce_end(const active_run& ended, timestamp now) {
    const run& run = ended.record.run;
    if (run.event_name == "inngest/function.failed" || run.event_name == "inngest/function.finished" ||
        run.event_name == "inngest/function.cancelled")
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
    follow_ups_.emplace_back(record);
  }

  void begin_deferred(const deferred_call& deferred, timestamp now) {
    const auto function = subscriptions_.find(deferred.slug);
    if (!function) return;  // the app no longer has it
    const event_record event =
        make_event_record({.name = "inngest/deferred.schedule", .data = deferred.input}, ids_.next(now), now);
    event_view view(event.text);
    schedule_run(function, event, view, now);
  }

  void retry_or_fail_run(active_run& run, const job& call, const run_error& error, bool may_retry,
                         const http::response& answer, timestamp now) {
    if (!may_retry || call.attempt + 1 >= run.max_attempts()) return fail_run(run, call.attempt, error, now);
    tell(run, {.at = now, .what = progress::run_retried, .attempt = call.attempt, .detail = words_of(error)});
    retry(run, call, answer, now);
  }

  // ---- answers ----------------------------------------------------------------------------------------

  void finish_call(active_run& run, const job& call, const http::response& answer, timestamp now) {
    app_answer read = read_app_answer(answer, !run.function->url.empty());
    // While this call was under way, the run was gone through again with more results: that call decides.
    const bool is_overtaken = !call.step && run.last_replay != call.id;
    if (read.what == app_answer::kind::operations)
      take_operations(run, call, read, is_overtaken, answer, now);
    else if (is_overtaken)
      go_on_if_still(run, now);
    else if (read.what == app_answer::kind::completed)
      complete_run(run, call.attempt, std::move(read.output), now);
    else
      retry_or_fail_run(run, call, read.error, read.may_retry, answer, now);
  }

  void take_operations(active_run& run, const job& call, const app_answer& read, bool is_overtaken,
                       const http::response& answer, timestamp now) {
    const std::string run_id = run.id();
    const bool waits_for_group = answer.headers.find(protocol::header::request_version).value_or("") >= "2";
    const bool may_retry = read.may_retry && call.attempt + 1 < run.max_attempts();
    const reported_operation* completed = nullptr;
    const reported_operation* run_failure = nullptr;
    std::optional<run_error> refusal;
    for (const reported_operation& op : read.operations) {
      if (op.kind == operation_kind::run_completed) {
        completed = &op;
      } else if (is_failure_of_run(op)) {
        run_failure = &op;
      } else if (op.kind == operation_kind::step_error && may_retry) {
        tell_step(run, op, progress::step_retried, call.attempt, words_of(read_error(op.error)), now);
        retry(run, call, answer, now);
      } else if (auto problem = take_operation(run, call, op, waits_for_group, now); problem && !refusal) {
        refusal = std::move(problem);
      }
      if (!find_active(run_id)) return;  // it invoked itself, a singleton, and was cancelled by that
    }
    if (completed && !is_overtaken)
      return complete_run(run, call.attempt, completed->data.empty() ? "null" : completed->data, now);
    if (run_failure && !is_overtaken) {
      const bool is_final = !read.may_retry || run_failure->kind == operation_kind::step_failed;
      return retry_or_fail_run(run, call, read_error(run_failure->error), !is_final, answer, now);
    }
    if (refusal && !is_overtaken) return fail_run(run, call.attempt, *refusal, now);  // it would ask again
    if (is_left_open(run, call)) return go_on_without_result(run, call, read, answer, now);
    if (run.has_work()) return;
    if (is_overtaken || says_nothing(read)) return go_on(run, now);
    const run_error error{"protocol error",
                          "the app's answer has no operation that the run could go on with"};
    retry_or_fail_run(run, call, error, read.may_retry, answer, now);
  }

  /// Whether a step's call has ended with neither a result of the step nor another attempt.
  static bool is_left_open(const active_run& run, const job& call) {
    const auto planned = call.step ? run.pending.find(*call.step) : run.pending.end();
    return planned != run.pending.end() && planned->second.job == call.id;
  }

  /// An app that asks to be called again is, and may plan the step anew. Otherwise the step's attempt failed.
  void go_on_without_result(active_run& run, const job& call, const app_answer& read,
                            const http::response& answer, timestamp now) {
    if (says_nothing(read)) {
      run.pending.erase(*call.step);
      return go_on(run, now);
    }
    const run_error error{"protocol error", "the app's answer has no result of the step that was called"};
    if (!read.may_retry || call.attempt + 1 >= run.max_attempts()) {
      step_end end = failed(error);
      end.attempt = call.attempt;
      return end_step(run, *call.step, end, now);
    }
    tell(run, {.at = now,
               .what = progress::step_retried,
               .step = call.step_name,
               .attempt = call.attempt,
               .detail = words_of(error)});
    retry(run, call, answer, now);
  }

  /// An answer without results or steps: the app asks to be called again.
  static bool says_nothing(const app_answer& read) {
    return !read.operations.empty() &&
           std::all_of(read.operations.begin(), read.operations.end(), [](const auto& op) {
             return op.kind == operation_kind::nothing || op.kind == operation_kind::defer;
           });
  }

  /// A function that failed after it had deferred calls tells so in an operation, beside those calls.
  static bool is_failure_of_run(const reported_operation& op) {
    static const step_hash end_of_run = detail::sha1::of("complete");
    return op.id == end_of_run &&
           (op.kind == operation_kind::step_error || op.kind == operation_kind::step_failed);
  }

  static bool ends_step(const reported_operation& op) {
    return op.kind == operation_kind::step_completed || op.kind == operation_kind::step_failed ||
           op.kind == operation_kind::step_error;
  }

  /// Gives the reason when it can't be done, as a server ends the run for; nothing has changed then.
  [[nodiscard]] std::optional<run_error> take_operation(active_run& run, const job& call,
                                                        const reported_operation& op, bool waits_for_group,
                                                        timestamp now) {
    if (ends_step(op)) {
      const auto planned = run.pending.find(op.id);
      const bool is_awaited = planned != run.pending.end() && planned->second.is_awaited;
      end_reported_step(run, op, call.attempt, now);
      run.has_news = true;
      if (!is_awaited || !has_awaited_siblings(run, now)) go_on(run, now);
      return std::nullopt;
    }
    if (op.kind == operation_kind::defer) {  // its id may be a step's, too
      defer(run, op);
      return std::nullopt;
    }
    if (run.pending.contains(op.id) || run.memos.contains(op.id))
      return std::nullopt;  // reported again, as happens while its siblings are under way
    switch (op.kind) {
      case operation_kind::step_planned:
        plan(run, call, op, waits_for_group, now);
        return std::nullopt;
      case operation_kind::sleep:
        return begin_sleep(run, call, op, now);
      case operation_kind::wait_for_event:
        return begin_wait(run, call, op, now);
      case operation_kind::wait_for_signal:
        return begin_signal_wait(run, call, op, now);
      case operation_kind::invoke:
        return begin_invoke(run, call, op, now);
      case operation_kind::request:
        return begin_request(run, call, op, now);
      case operation_kind::defer:
      case operation_kind::nothing:
      case operation_kind::run_completed:
      case operation_kind::step_completed:
      case operation_kind::step_failed:
      case operation_kind::step_error:
        return std::nullopt;
    }
    return std::nullopt;
  }

  /// A step that the app ran has its result.
  void end_reported_step(active_run& run, const reported_operation& op, int attempt, timestamp now) {
    if (run.memos.contains(op.id)) return;  // its first result counts
    if (op.kind == operation_kind::step_completed) {
      tell_step(run, op, progress::step_completed, attempt, shortened(op.data), now);
      remember(run, op.id, "{\"data\":" + (op.data.empty() ? "null" : op.data) + "}");
    } else {
      tell_step(run, op, progress::step_failed, attempt, words_of(read_error(op.error)), now);
      remember(run, op.id, "{\"error\":" + (op.error.empty() ? "{}" : op.error) + "}");
    }
  }

  /// SDKs of the execution version 2 are called once for a parallel group, when all of its steps have run; a
  /// race after each of them.
  void plan(active_run& run, const job& call, const reported_operation& op, bool waits_for_group,
            timestamp now) {
    pending_step& pending = begin_step(run, call, op, progress::step_planned, "", now);
    pending.is_awaited = waits_for_group && op.option("parallelMode") != "race";
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

  /// Why an operation can't be done.
  static run_error refused(const reported_operation& op, const std::string& why) {
    return {"unsupported operation", "step \"" + op.shown_name() + "\": " + why};
  }
  static std::string not_a_time(const std::string& what, const std::string& text) {
    return "not " + what + ", or one in more than a year: \"" + text + "\"";
  }

  std::optional<run_error> begin_sleep(active_run& run, const job& call, const reported_operation& op,
                                       timestamp now) {
    const std::string text = op.option_or_name("duration");
    const auto until = time_of(text, now);
    if (!until) return refused(op, not_a_time("a time to sleep", text));
    pending_step& pending = begin_step(run, call, op, progress::sleep_started, text, now);
    pending.job = add_timer(run, job::kind::wake, op, *until, now);
    return std::nullopt;
  }

  std::optional<run_error> begin_wait(active_run& run, const job& call, const reported_operation& op,
                                      timestamp now) {
    wait_record wait{.run_id = run.id(),
                     .step = op.id,
                     .step_name = op.shown_name(),
                     .event_name = op.option_or_name("event"),
                     .expression = op.option("if").value_or(""),
                     .begun = now};
    shared_expression condition;
    try {
      if (!wait.expression.empty()) condition = std::make_shared<const expression>(wait.expression);
    } catch (const expression_error& problem) {
      return refused(op, wait.expression + ": " + problem.what());
    }
    const std::string timeout = op.option("timeout").value_or("");
    const auto until = time_of(timeout, now);
    if (!until) return refused(op, not_a_time("a timeout", timeout));
    begin_waiting(run, call, op, wait.event_name, *until, now);
    add_wait(std::move(wait), std::move(condition));
    return std::nullopt;
  }

  std::optional<run_error> begin_signal_wait(active_run& run, const job& call, const reported_operation& op,
                                             timestamp now) {
    wait_record wait{.run_id = run.id(),
                     .step = op.id,
                     .step_name = op.shown_name(),
                     .signal = op.option_or_name("signal"),
                     .begun = now};
    const std::string timeout = op.option("timeout").value_or("");
    const auto until = time_of(timeout, now);
    if (!until) return refused(op, not_a_time("a timeout", timeout));
    if (const auto other = waits_.for_signal(wait.signal)) {
      if (op.option("conflict") != "replace")
        return run_error{"Error", "another run waits for signal \"" + wait.signal + "\""};
      waits_.remove(*other);  // it goes on when its time is up
      changes_.removed_waits.emplace_back(other->run_id, other->step);
    }
    begin_waiting(run, call, op, wait.signal, *until, now);
    add_wait(std::move(wait), nullptr);
    return std::nullopt;
  }

  void add_wait(wait_record wait, shared_expression condition) {
    waits_.add(wait, std::move(condition));
    changes_.added_waits.push_back(std::move(wait));
  }

  void begin_waiting(active_run& run, const job& call, const reported_operation& op, const std::string& what,
                     timestamp until, timestamp now) {
    pending_step& pending = begin_step(run, call, op, progress::wait_started, what, now);
    pending.job = add_timer(run, job::kind::wait_timeout, op, until, now);
    pending.waits = true;
  }

  std::optional<run_error> begin_invoke(active_run& run, const job& call, const reported_operation& op,
                                        timestamp now) {
    const std::string slug = op.option("function_id").value_or("");
    const std::string timeout = op.option("timeout").value_or("");
    const auto until = timeout.empty() ? std::nullopt : time_of(timeout, now);
    if (!timeout.empty() && !until) return refused(op, not_a_time("a timeout", timeout));
    const json payload = detail::parse_dom(op.options.empty() ? "{}" : op.options).value("payload", json());
    json data = payload.is_object() ? payload.value("data", json()) : json();
    if (!data.is_object()) data = json::object();
    const auto expires = until.value_or(now + max_wait).time_since_epoch().count();
    data["_inngest"] = {
        {"fn_id", slug}, {"correlation_id", run.id() + "." + detail::to_hex(op.id)}, {"expire", expires}};
    const event_record invoked = invocation(data.dump(), now);
    event_view view(invoked.text);

    pending_step& pending = begin_step(run, call, op, progress::invoke_started, slug, now);
    const auto function = subscriptions_.find(slug);
    const auto fail = [&](const char* name, const std::string& message) {
      end_step(run, op.id, failed({name, message}), now);
      return std::nullopt;
    };
    if (!function) return fail("FunctionNotFound", "there is no function \"" + slug + "\"");
    if (until) pending.job = add_timer(run, job::kind::invoke_timeout, op, *until, now);
    if (flow_.is_limited(*function, invoked.id, view, now))
      return fail("Error", "function \"" + slug + "\" is rate limited");
    const std::string run_id = run.id();
    const parent_step parent{run_id, op.id, op.shown_name()};
    const std::string child = begin_run(function, events_of(invoked), parent, now);
    active_run* still = find_active(run_id);  // a singleton that invokes itself may have ended by that
    if (child.empty() && still) {
      const run_error error{"InngestInvokeError",
                            "function \"" + slug + "\" is a singleton and runs already"};
      end_step(*still, op.id, failed(error), now);
    }
    return std::nullopt;
  }

  std::optional<run_error> begin_request(active_run& run, const job& call, const reported_operation& op,
                                         timestamp now) {
    job next{
        .what = job::kind::request, .step = op.id, .step_name = op.shown_name(), .due = now, .begun = now};
    next.text = outgoing_text(op);
    try {
      outgoing_request(next.text);
    } catch (const payload_error& problem) {
      return refused(op, problem.what());
    }
    pending_step& pending =
        begin_step(run, call, op, progress::request_started, op.option("url").value_or(""), now);
    pending.job = add_job(run, std::move(next));
    return std::nullopt;
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

  /// Whether a step of a parallel group is running or about to. One that waits for another attempt is not.
  bool has_awaited_siblings(const active_run& run, timestamp now) const {
    return std::any_of(run.pending.begin(), run.pending.end(), [&](const auto& entry) {
      const pending_step& pending = entry.second;
      if (!pending.is_awaited) return false;
      const job* queued = pending.job ? queue_.find(*pending.job) : nullptr;
      return !queued || queued->due <= now;
    });
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

  std::optional<job> take_next(timestamp now) {
    const follow_up_guard guard(*this, now);
    while (auto next = queue_.take(now)) {
      if (next->what == job::kind::schedule) {
        fire_schedule(*next, now);
        continue;
      }
      active_run* found = find_active(next->run_id);
      if (!found) {
        changes_.removed_jobs.push_back(next->id);
        continue;
      }
      active_run& run = *found;
      run.jobs.erase(next->id);
      if (is_call(*next)) changes_.started_jobs.push_back(next->id);
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

  void end_call(const job& call) {
    queue_.finished(call.id);
    changes_.removed_jobs.push_back(call.id);
    --calls_;
  }

  void call_function(active_run& run, timestamp due, timestamp now) {
    run.has_news = false;
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

  static bool is_call(const job& job) {
    return job.what == job::kind::call || job.what == job::kind::request;
  }

  void enqueue(active_run& run, job job) {
    run.jobs.insert(job.id);
    if (is_call(job))  // those of the run that came first are made first
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
    if (!call.step) run.last_replay = call.id;
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
    if (!call.step && run.discovery) return;  // another call goes through the whole function anyway
    job next = call;
    ++next.attempt;
    next.due = detail::add_saturated(now, delay_(call.attempt));
    if (const auto after = answer.headers.find(protocol::header::retry_after))
      next.due = retry_after(*after, now).value_or(next.due);
    replace_job(run, call, std::move(next));
    if (call.step && run.has_news && !has_awaited_siblings(run, now)) go_on(run, now);
  }

  /// The job comes in the place of a call's.
  void replace_job(active_run& run, const job& call, job next) {
    const std::uint64_t id = add_job(run, std::move(next));
    if (!call.step) {
      run.discovery = id;
      return;
    }
    if (const auto planned = run.pending.find(*call.step); planned != run.pending.end())
      planned->second.job = id;
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
      begin_scheduled(function, event, now);
      add_schedule(timer.run_id, each, std::max(planned, now - each.jitter));
      return;
    }
  }

  /// As schedule_run(), but a server gathers no batch of what schedules start. The event's id is its planned
  /// time: of two schedules that tick together, one starts the function.
  void begin_scheduled(const shared_function& function, const event_record& event, timestamp now) {
    event_view view(event.text);
    if (flow_.is_known_id(*function, event.given_id, now)) return;
    if (flow_.is_limited(*function, event.id, view, now)) return;
    if (function->debounce) return debounce(function, event, view, now);
    if (!begin_run(function, events_of(event), {}, now).empty())
      flow_.remember_id(*function, event.given_id, now);
  }

  // ---- telling ----------------------------------------------------------------------------------------

  void tell_step(active_run& run, const reported_operation& op, progress what, int attempt,
                 std::string detail, timestamp now) {
    tell(run, {.at = now,
               .what = what,
               .step = op.shown_name(),
               .attempt = attempt,
               .duration = std::chrono::microseconds(op.took / 1000),
               .detail = std::move(detail)});
  }

  void tell(active_run& run, timeline_entry entry) {
    if (wants_progress_ || is_failure(entry.what)) progress_.emplace_back(run.record.run, entry);
    changes_.timeline.push_back(
        {.run_id = run.id(), .entry = std::move(entry), .position = ++run.record.timeline_size});
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
      for (function_definition& function : read_registration(each)) {
        const auto own = subscriptions_.find(function.slug);
        if (!own || !own->url.empty())
          subscriptions_.add(std::move(function));  // a function of this process stays
      }
    }
    for (remembered_value& each : work.values) flow_.load(std::move(each));
    for (run_record& each : work.runs) {
      const auto function = definition_for(each.run, work);
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
      if (!run) {  // it has ended
        changes_.removed_waits.emplace_back(each.run_id, each.step);
        continue;
      }
      pending_step& pending = run->pending[each.step];
      if (!pending.job) pending = {.name = each.step_name, .begun = each.begun};
      pending.waits = true;
      waits_.add(each,
                 each.expression.empty() ? nullptr : std::make_shared<const expression>(each.expression));
    }
    for (const auto& [id, run] : runs_) {
      if (!run->record.parent) continue;
      parent_step invoke = *run->record.parent;
      if (invoke.name.empty()) invoke.name = run->record.run.function_id;  // an older store's
      resume_invoke(invoke, run->record.run.queued_at);
    }
    for (const parent_step& step : work.steps_of_set_aside) {
      const active_run* parent = find_active(step.run_id);
      if (parent) resume_invoke(step, parent->record.run.queued_at);
    }
    unreadable_ = std::move(work.unreadable);
    for (const job& each : work.jobs) {
      if (each.started) end_lost_attempt(each, now);
    }
  }

  void resume_invoke(const parent_step& step, timestamp begun) {
    active_run* parent = find_active(step.run_id);
    if (!parent || parent->memos.contains(step.step)) return;  // it timed out
    parent->pending.emplace(step.step, pending_step{.name = step.name, .begun = begun});
  }

  /// The run's function. When no app has it any more it is a stand-in: calls of it fail until an app
  /// registers it, and the run with them. It does not fail while a registration can't be read, as that may be
  /// its app's.
  shared_function definition_for(const run& run, const unfinished_work& work) const {
    if (auto found = subscriptions_.find(run.function_slug)) return found;
    function_definition out{.slug = run.function_slug, .name = run.function_id};
    if (const std::string end = "-" + run.function_id; out.slug.ends_with(end))
      out.app_id = out.slug.substr(0, out.slug.size() - end.size());
    if (std::any_of(work.unreadable.begin(), work.unreadable.end(),
                    [](const unreadable_record& record) { return record.table == "apps"; }))
      out.retries = 1'000'000;
    return std::make_shared<const function_definition>(std::move(out));
  }

  /// A process ended while it made the call: that attempt has failed. The next begins at once, as time has
  /// passed already.
  void end_lost_attempt(const job& lost, timestamp now) {
    active_run* run = find_active(lost.run_id);
    if (!run) return;  // the app no longer has it; the store keeps the run
    changes_.removed_jobs.push_back(lost.id);
    if (run->discovery == lost.id) run->discovery.reset();
    if (!lost.step && run->discovery) return;  // another call goes through the whole function anyway
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
    if (!run) {  // it has ended
      changes_.removed_jobs.push_back(job.id);
      return;
    }
    if (job.step) {
      pending_step& pending = run->pending[*job.step];
      pending = {.name = job.step_name, .begun = job.begun, .job = job.id};
    } else if (job.what == job::kind::call) {
      if (run->discovery) remove_job(*run, *run->discovery);  // of two calls the later goes through it all
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

  /// Runs of a function go on as its new definition says, and have its limits.
  void adopt(const shared_function& function) {
    for (active_run* each : by_function_[function->slug]) {
      each->function = function;
      if (!each->record.gathering.empty()) continue;
      forget_singleton(*each);
      claim(*each);
      for (const std::uint64_t id : each->jobs) {
        const job* queued = queue_.find(id);
        if (queued && is_call(*queued)) queue_.set_limits(id, each->limits);
      }
    }
  }

  active_run* find_active(std::string_view run_id) {
    const auto found = runs_.find(run_id);
    return found == runs_.end() ? nullptr : found->second.get();
  }

  /// Ids, as cancelling one may end others.
  std::vector<std::string> runs_of(const std::string& slug) const {
    std::vector<std::string> out;
    if (const auto found = by_function_.find(slug); found != by_function_.end()) {
      for (const active_run* run : found->second) out.push_back(run->id());
    }
    return out;
  }

  retry_delay delay_;
  changes changes_;
  std::vector<unreadable_record> unreadable_;
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
  int calls_ = 0;                                    // that are being made
  std::set<std::string, std::less<>> undispatched_;  // ids of events that are not stored yet
  std::set<std::string, std::less<>> dispatching_;   // ids of events whose dispatch is not stored yet
  std::deque<follow_up> follow_ups_;
  std::deque<std::pair<run, timeline_entry>> progress_;
  bool wants_progress_ = false;
};

}  // namespace inngest::embedded
