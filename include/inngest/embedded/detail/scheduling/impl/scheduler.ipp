#pragma once

#include <algorithm>
#include <chrono>
#include <memory>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/scheduler.hpp>
#include <inngest/protocol/memo.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE scheduler::scheduler(std::vector<function_definition> functions, unfinished_work work,
                                    retry_delay delay, timestamp now, detail::ulid_source ids)
    : state_(std::move(delay), std::move(ids)) {
  std::uint64_t last_job = work.last_job;
  for (const job& job : work.jobs) last_job = (std::max)(last_job, job.id);
  state_.jobs.count_from(last_job);
  work_check::check(work);
  for (function_definition& function : functions) state_.functions.add(std::move(function));
  scheduling::recovery(state_, steps_, limits_, lifecycle_, schedules_).resume(work, now);
  unreadable_ = std::move(work.unreadable);
  schedules_.follow(now);
  for (const event_record& event : work.events) events_.dispatch_stored(event, now);
  events_.run_follow_ups(now);
}

INNGEST_INLINE std::vector<std::string> scheduler::accept(
    std::string body, timestamp now, std::string_view seed,
    const std::function<bool(const std::string&)>& is_dispatched, std::size_t chain) {
  return events_.accept(std::move(body), now, seed, is_dispatched, chain);
}

INNGEST_INLINE std::size_t scheduler::chain_behind(std::string_view run_id, timestamp now) const {
  const active_run* run = find_run(run_id);
  const bool is_at_once = run && now - run->record.run.queued_at < std::chrono::seconds(1);
  return is_at_once ? run->chain + 1 : 0;
}

INNGEST_INLINE std::string scheduler::start(std::string_view slug, std::string data, timestamp now) {
  const follow_up_guard guard(*this, now);
  const event_record event = make_event_record(invocation(std::move(data)), state_.ids.next(now), now);
  return lifecycle_.begin(state_.functions.find(slug), scheduling::run_input::of(event), {}, now);
}

INNGEST_INLINE invoked_run scheduler::invoke(const std::string& slug, const std::string& data,
                                             const std::string& key, timestamp now) {
  using outcome = invoked_run::outcome;
  const auto function = state_.functions.find(slug);
  if (!function) return {};
  if (const auto run_id = state_.flow.invoked_by(*function, key, now)) return {outcome::repeated, *run_id};
  json whole = detail::parse_dom(data);
  whole["_inngest"] = {{"type", "api"}, {"fn_id", function->uuid}};
  const follow_up_guard guard(*this, now);
  const auto schedule = schedule_of(*function);
  const event_record event = make_event_record(
      schedule ? timer_by_hand(*schedule, whole, now) : invocation(whole.dump()), state_.ids.next(now), now);
  event_view view(event.text);
  if (state_.flow.is_limited(*function, event.id, view, now)) return {outcome::rate_limited};
  scheduling::run_input input = scheduling::run_input::of(event);
  input.idempotency_key = key;
  std::string run_id = lifecycle_.begin(function, std::move(input), {}, now);
  if (run_id.empty()) return {outcome::skipped};
  if (schedule) state_.journal.changes.events.push_back(event);  // like those of schedules
  state_.flow.remember_invoked(*function, key, run_id, now);
  return {outcome::started, std::move(run_id)};
}

INNGEST_INLINE bulk_cancellation scheduler::cancel_many(bulk_cancellation wanted, timestamp now) {
  if (wanted.started_before > now + std::chrono::seconds(5))
    throw configuration_error("started_before must be in the past");
  if (wanted.started_after && *wanted.started_after > wanted.started_before)
    throw configuration_error("started_after must be before started_before");
  shared_expression condition;
  try {
    if (!wanted.condition.empty()) condition = std::make_shared<const expression>(wanted.condition);
  } catch (const expression_error& problem) {
    throw configuration_error(std::string("invalid expression: ") + problem.what());
  }
  const follow_up_guard guard(*this, now);
  wanted.id = state_.ids.next(now);
  wanted.created_at = now;
  for (const std::string& run_id : state_.runs.ids_of_function(wanted.function)) {
    active_run* run = state_.runs.find(run_id);
    if (!run || scheduling::batches::is_collecting(*run)) continue;
    const timestamp queued = run->record.run.queued_at;
    if (queued > wanted.started_before || (wanted.started_after && queued < *wanted.started_after)) continue;
    event_view view(run->event_text());
    if (view.fulfils(condition)) lifecycle_.cancel(*run, now);
  }
  state_.flow.remember(wanted);
  return wanted;
}

INNGEST_INLINE std::string scheduler::rerun(const run_record& earlier, timestamp now, rerun_plan plan) {
  const auto function = state_.functions.find(earlier.run.function_slug);
  if (!function || earlier.events.empty()) return "";
  const follow_up_guard guard(*this, now);
  const std::string& first = earlier.run.original_run_id;
  const bool keeps_results = !plan.memos.empty();  // then the function passes by its ctx.tag without a call
  return lifecycle_.begin(function,
                          {.name = earlier.run.event_name,
                           .events = earlier.events,
                           .original_run_id = first.empty() ? earlier.run.id : first,
                           .tags = keeps_results ? earlier.run.tags : std::vector<run_tag>(),
                           .repeats = std::move(plan)},
                          {}, now);
}

INNGEST_INLINE std::string scheduler::resend(const event_record& earlier, timestamp now) {
  return events_.resend(earlier, now);
}

INNGEST_INLINE bool scheduler::remove(const std::string& run_id) {
  if (is_running(run_id)) return false;
  state_.journal.changes.removed_runs.push_back(run_id);
  return true;
}

INNGEST_INLINE job scheduler::begin_at_app(std::string_view slug, std::string run_id,
                                           const incoming_event& event, timestamp now) {
  const event_record record = make_event_record(event, state_.ids.next(now), now);
  scheduling::run_input input = scheduling::run_input::of(record);
  input.run_id = std::move(run_id);
  job out = lifecycle_.begin_at_app(state_.functions.find(slug), std::move(input), now);
  state_.journal.changes.events.push_back(record);
  return out;
}

INNGEST_INLINE std::string scheduler::token_secret(timestamp now) {
  const std::string key = "secret of the tokens for responses";
  if (auto found = state_.flow.find_value(key, now)) return *std::move(found);
  std::string out = detail::to_hex(detail::random_bytes<32>());
  state_.flow.remember_value(key, out, now + std::chrono::hours(10 * 366 * 24));
  return out;
}

INNGEST_INLINE void scheduler::preload(std::string_view run_id, const step_hash& step, std::string memo) {
  if (active_run* run = state_.runs.find(run_id))
    steps_.remember(*run, {.step = step, .text = std::move(memo)});
}

INNGEST_INLINE void scheduler::end_step(std::string_view run_id, const step_hash& step,
                                        const scheduling::step_end& result, timestamp now) {
  if (active_run* run = state_.runs.find(run_id)) steps_.end(*run, step, result, now);
}

INNGEST_INLINE bool scheduler::cancel(std::string_view run_id, timestamp now) {
  active_run* run = state_.runs.find(run_id);
  if (!run) return false;
  const follow_up_guard guard(*this, now);
  lifecycle_.cancel(*run, now);
  return true;
}

INNGEST_INLINE void scheduler::change_tags(const std::vector<tag_change>& all) {
  for (const tag_change& change : all) {
    if (active_run* run = state_.runs.find(change.run_id)) apply(change, run->record.run.tags);
  }
}

INNGEST_INLINE void scheduler::count_metadata(const std::vector<run_note>& notes) {
  for (const run_note& note : notes) {
    if (active_run* run = state_.runs.find(note.run_id)) run->metadata.add(note);
  }
}

INNGEST_INLINE std::optional<std::string> scheduler::signal(const std::string& name, const std::string& data,
                                                            timestamp now) {
  const auto place = state_.waits.for_signal(name);
  active_run* run = place ? state_.runs.find(place->run_id) : nullptr;
  if (!run) return std::nullopt;
  check_received_json(data, detail::json_path("data"));
  const std::string text = detail::json_object_text().add("signal", name).add_raw("data", data).text();
  steps_.end(*run, place->step, {protocol::memo_of_data(text), progress::event_received, shortened(text)},
             now);
  return place->run_id;
}

inline const std::string registration_key = "registration of app ";

/// A description of a registration for users; limited in length.
INNGEST_INLINE std::string describe_registration(const app_record& app, timestamp now) {
  const auto member = [&](const char* name) {
    return detail::to_printable(detail::find_text(app.text, name).substr(0, 100));
  };
  return encode(json{{"at", to_text(now)}, {"sdk", member("sdk")}, {"version", member("appVersion")}});
}

INNGEST_INLINE bool scheduler::holds_back(std::string_view run_id) const {
  const active_run* run = find_run(run_id);
  return run && state_.pauses.holds_back(*run->function);
}

INNGEST_INLINE invoked_run scheduler::run_schedule(const std::string& slug, const std::string& cron,
                                                   timestamp now) {
  const follow_up_guard guard(*this, now);
  return schedules_.run_now(slug, cron, now);
}

INNGEST_INLINE std::string scheduler::backfill(const std::string& slug, const std::string& cron,
                                               timestamp planned, timestamp now) {
  const follow_up_guard guard(*this, now);
  return schedules_.backfill(slug, cron, planned, now);
}

INNGEST_INLINE void scheduler::forget_unreadable(const std::string& table, const std::string& key) {
  std::string run_id;  // all that belongs to a removed run went with it
  std::erase_if(unreadable_, [&](const unreadable_record& record) {
    if (record.table != table || record.key != key) return false;
    if (table == "runs") run_id = record.run_id;
    return true;
  });
  if (run_id.empty()) return;
  std::erase_if(unreadable_, [&](const unreadable_record& record) { return record.run_id == run_id; });
}

INNGEST_INLINE void scheduler::forget_replaced(const changes& fresh) {
  if (unreadable_.empty()) return;
  for (const app_record& app : fresh.apps) forget_unreadable("apps", key_of(app));
  for (const remembered_value& value : fresh.values) forget_unreadable("remembered_values", key_of(value));
  for (const std::string& key : fresh.removed_values)
    forget_unreadable("remembered_values", key_of(remembered_value{.key = key}));
}

INNGEST_INLINE void scheduler::register_app(const app_record& app, std::vector<function_definition> functions,
                                            timestamp now) {
  std::vector<std::string> gone;
  for (const auto& [slug, function] : state_.functions.all()) {
    if (function->app_id == app.id && !function->url.empty()) gone.push_back(slug);
  }
  for (const std::string& slug : gone) state_.functions.remove(slug);
  for (function_definition& function : functions) {
    const std::string slug = function.slug;
    limits_.apply_definition(state_.functions.add(std::move(function)));
    for (active_run* run : state_.runs.of_function(slug)) lifecycle_.follow_timeouts(*run);
  }
  state_.journal.changes.apps.push_back(app);
  state_.flow.remember_value(registration_key + app.id, describe_registration(app, now),
                             now + std::chrono::hours(10 * 366 * 24));
  schedules_.follow(now);
}

INNGEST_INLINE std::string scheduler::registration_of(const std::string& app, timestamp now) const {
  return state_.flow.find_value(registration_key + app, now).value_or("");
}

INNGEST_INLINE std::optional<job> scheduler::take_due(timestamp now, scheduling::app_gate gate) {
  state_.flow.forget_what_is_over(now);
  const auto take_next = [&] {
    const follow_up_guard guard(*this, now);
    return calls_.take_next(now, gate);
  };
  while (auto next = take_next()) {
    if (is_running(next->run_id)) return next;
    state_.jobs.end_call(*next);  // the effects of earlier timers ended its run
  }
  return std::nullopt;
}

INNGEST_INLINE void scheduler::finish(const job& call, const http::response& answer, timestamp now) {
  const follow_up_guard guard(*this, now);
  calls_.finish(call, answer, now);
}

INNGEST_INLINE bool scheduler::checkpoint(const std::string& run_id, std::uint64_t call_id,
                                          const std::vector<reported_operation>& operations, timestamp now) {
  active_run* run = state_.runs.find(run_id);
  if (!run) return false;
  // An app may still run a call of an earlier engine that this one has yet to make again.
  const bool is_made_again = run->calls == 0 && run->replay_job == call_id;
  if (run->last_call != call_id && !is_made_again) return false;
  for (const reported_operation& op : operations) {
    const bool is_deferred = op.kind == operation_kind::defer || op.kind == operation_kind::abort_deferred;
    if (!scheduling::ends_step(op) && !is_deferred)
      throw protocol_error("\"" + op.op + "\" can't be saved while a function continues");
  }
  for (const reported_operation& op : operations) {
    if (!operations_.take_deferred(*run, op)) steps_.end_reported(*run, op, 0, now);
  }
  return true;
}

INNGEST_INLINE void scheduler::committed(const changes& changes, timestamp now) {
  for (const job& job : changes.added_jobs) state_.jobs.release(job.id);
  events_.forget_dispatched(changes);
  schedules_.forget_committed(changes);
  const follow_up_guard guard(*this, now);
  events_.dispatch_new(changes, now);
}

INNGEST_INLINE std::deque<std::pair<run, timeline_entry>> scheduler::take_progress() {
  return std::exchange(state_.journal.progress, {});
}

INNGEST_INLINE bool scheduler::is_idle() const {
  return state_.runs.empty() && state_.jobs.calls() == 0 && !events_.has_undispatched();
}

INNGEST_INLINE scheduler::holdings scheduler::held() const {
  const run_queue& queue = state_.jobs.queue();
  return {.runs = state_.runs.size(),
          .jobs = queue.size(),
          .calls = static_cast<std::size_t>(state_.jobs.calls()) + queue.under_way(),
          .slots_in_use = queue.slots_in_use(),
          .waits = state_.waits.size(),
          .batch_buffers = state_.runs.buffers(),
          .singletons = state_.runs.singletons(),
          .schedules = schedules_.size(),
          .remembered = state_.flow.remembered() - state_.flow.remembered(registration_key),
          .events = events_.size()};
}

}  // namespace inngest::inline INNGEST_ABI::embedded
