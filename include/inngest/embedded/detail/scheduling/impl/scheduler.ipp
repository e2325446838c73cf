#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/scheduler.hpp>

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

INNGEST_INLINE std::string scheduler::rerun(const run_record& earlier, timestamp now) {
  const auto function = state_.functions.find(earlier.run.function_slug);
  if (!function || earlier.events.empty()) return "";
  const follow_up_guard guard(*this, now);
  return lifecycle_.begin(function, {.name = earlier.run.event_name, .events = earlier.events}, {}, now);
}

INNGEST_INLINE void scheduler::preload(std::string_view run_id, const step_hash& step, std::string memo) {
  if (active_run* run = state_.runs.find(run_id)) steps_.remember(*run, step, std::move(memo));
}

INNGEST_INLINE bool scheduler::cancel(std::string_view run_id, timestamp now) {
  active_run* run = state_.runs.find(run_id);
  if (!run) return false;
  const follow_up_guard guard(*this, now);
  lifecycle_.cancel(*run, now);
  return true;
}

INNGEST_INLINE std::optional<std::string> scheduler::signal(const std::string& name, const std::string& data,
                                                            timestamp now) {
  const auto place = state_.waits.for_signal(name);
  active_run* run = place ? state_.runs.find(place->run_id) : nullptr;
  if (!run) return std::nullopt;
  check_received_json(data, detail::json_path("data"));
  const std::string text = detail::json_object_text().add("signal", name).add_raw("data", data).text();
  steps_.end(*run, place->step, {"{\"data\":" + text + "}", progress::event_received, shortened(text)}, now);
  return place->run_id;
}

INNGEST_INLINE void scheduler::register_app(const app_record& app, std::vector<function_definition> functions,
                                            timestamp now) {
  std::vector<std::string> gone;
  for (const auto& [slug, function] : state_.functions.all()) {
    if (function->app_id == app.id && !function->url.empty()) gone.push_back(slug);
  }
  for (const std::string& slug : gone) state_.functions.remove(slug);
  for (function_definition& function : functions)
    limits_.apply_definition(state_.functions.add(std::move(function)));
  state_.journal.changes.apps.push_back(app);
  schedules_.follow(now);
}

INNGEST_INLINE std::optional<job> scheduler::take_due(timestamp now) {
  state_.flow.forget_what_is_over(now);
  const auto take_next = [&] {
    const follow_up_guard guard(*this, now);
    return calls_.take_next(now);
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
  if (!run || run->last_call != call_id) return false;
  for (const reported_operation& op : operations) {
    if (!scheduling::ends_step(op))
      throw protocol_error("\"" + op.op + "\" can't be saved while a function continues");
  }
  for (const reported_operation& op : operations) steps_.end_reported(*run, op, 0, now);
  return true;
}

INNGEST_INLINE void scheduler::committed(const changes& changes, timestamp now) {
  for (const job& job : changes.added_jobs) state_.jobs.release(job.id);
  events_.forget_dispatched(changes);
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
          .remembered = state_.flow.remembered(),
          .events = events_.size()};
}

}  // namespace inngest::inline INNGEST_ABI::embedded
