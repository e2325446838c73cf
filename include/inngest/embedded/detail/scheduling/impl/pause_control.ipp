#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/pause_control.hpp>
#include <inngest/error.hpp>

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

INNGEST_INLINE bool pause_control::pause(const pause_target& target, std::string by, timestamp now) {
  check_exists(target);
  return state_.pauses.add(target, std::move(by), now);
}

INNGEST_INLINE bool pause_control::resume(const pause_target& target, timestamp now) {
  const auto ended = state_.pauses.remove(target);
  if (!ended) return false;
  std::set<std::string> functions;  // that go on
  for (const auto& [id, run] : state_.runs.all()) {
    if (!is_of(target, *run)) continue;
    extend_timeouts(*run, ended->since, now);
    if (!state_.pauses.paused_since(*run->function)) functions.insert(run->function->slug);
  }
  for (const std::string& slug : functions) state_.jobs.open_blocked(slug);
  return true;
}

INNGEST_INLINE void pause_control::end_drain() {
  state_.pauses.set_draining(false);
  state_.jobs.open_all_blocked();
}

INNGEST_INLINE void pause_control::check_exists(const pause_target& target) const {
  const auto& all = state_.functions.all();
  if (target.what == pause_target::kind::app) {
    if (std::any_of(all.begin(), all.end(),
                    [&](const auto& known) { return known.second->app_id == target.name; }))
      return;
    throw configuration_error("the engine has no app \"" + target.name + "\"");
  }
  const auto function = state_.functions.find(target.name);
  if (!function) throw configuration_error("the engine has no function \"" + target.name + "\"");
  if (target.what == pause_target::kind::function) return;
  const auto& triggers = function->triggers;
  if (std::none_of(triggers.begin(), triggers.end(), [&](const registered_trigger& trigger) {
        return trigger.cron && trigger.schedule == target.cron;
      }))
    throw configuration_error("function \"" + target.name + "\" has no schedule \"" + target.cron + "\"");
}

INNGEST_INLINE bool pause_control::is_of(const pause_target& target, const active_run& run) {
  switch (target.what) {
    case pause_target::kind::function:
      return run.function->slug == target.name || run.function->handles_ends_of == target.name;
    case pause_target::kind::app:
      return run.function->app_id == target.name;
    case pause_target::kind::schedule:
      return false;
  }
  return false;
}

INNGEST_INLINE void pause_control::extend_timeouts(active_run& run, timestamp since, timestamp now) {
  const auto still_covered = state_.pauses.paused_since(*run.function);
  for (const std::uint64_t id : std::vector(run.jobs.begin(), run.jobs.end())) {
    const job* timer = state_.jobs.queue().find(id);
    if (!timer || !is_timeout_of_run(*timer)) continue;
    const timestamp begin = (std::max)(since, timer->begun);
    const timestamp end = still_covered ? (std::max)(*still_covered, timer->begun) : now;
    if (end > begin) state_.jobs.move(run, id, timer->due + (end - begin));
  }
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
