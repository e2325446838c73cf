#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/run_meter.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

INNGEST_INLINE void run_meter::count(active_run& run, const timeline_entry& entry) {
  if (!run.meter) run.meter = &of(run);
  function_metrics& counts = *run.meter;
  const embedded::run& told = run.record.run;
  const bool ends_uncalled = told.ended() && !told.started_at;
  if (entry.what == progress::run_queued) ++queued_;
  if (queued_ > 0 && (entry.what == progress::run_started || ends_uncalled)) --queued_;
  switch (entry.what) {
    case progress::run_queued:
      ++counts.runs_created;
      return;
    case progress::run_started:
      counts.queue_durations.add(entry.at - told.queued_at);
      return;
    case progress::step_completed:
      ++counts.steps_completed;
      ++counts.attempts_completed;
      counts.step_durations.add(entry.duration);
      return;
    case progress::step_failed:
      ++counts.steps_failed;
      ++counts.attempts_failed;
      return;
    case progress::step_retried:
    case progress::run_retried:
      ++counts.attempts_retried;
      return;
    case progress::run_completed:
      ++counts.runs_completed;
      ++counts.attempts_completed;
      counts.run_durations.add(entry.duration);
      return;
    case progress::run_failed:
      ++counts.runs_failed;
      ++counts.attempts_failed;
      counts.run_durations.add(entry.duration);
      return;
    case progress::run_cancelled:
      ++counts.runs_cancelled;
      return;
    case progress::run_skipped:
      ++counts.runs_skipped;
      return;
    case progress::step_planned:
    case progress::sleep_started:
    case progress::sleep_ended:
    case progress::wait_started:
    case progress::event_received:
    case progress::wait_timed_out:
    case progress::invoke_started:
    case progress::invoke_completed:
    case progress::request_started:
      return;
  }
}

INNGEST_INLINE function_metrics& run_meter::of(const active_run& run) {
  const auto known = by_slug_.find(run.record.run.function_slug);
  if (known != by_slug_.end()) return known->second;
  const bool is_one_of_many = by_slug_.size() >= max_functions;
  const std::string& slug = is_one_of_many ? others : run.record.run.function_slug;
  const auto [place, is_new] = by_slug_.try_emplace(slug);
  if (is_new) {
    place->second.app = is_one_of_many ? std::string() : run.function->app_id;
    place->second.function = is_one_of_many ? others : run.record.run.function_id;
  }
  return place->second;
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
