#pragma once

#include <algorithm>
#include <thread>
#include <tuple>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/engine_monitor.hpp>
#include <inngest/embedded/detail/scheduling/run_activity.hpp>
#include <inngest/embedded/timeline.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE engine_metrics engine_monitor::metrics() const {
  engine_metrics out;
  std::unique_lock lock(mutex_);
  const places of = add_counts(out);
  std::string last;
  do {
    last = add_runs(last, out, of);
    lock.unlock();  // let other threads work
    lock.lock();
  } while (!last.empty());
  lock.unlock();
  out.workers = options_.workers;
  out.store_bytes = options_.store->size_in_bytes();
  std::sort(out.functions.begin(), out.functions.end(), [](const auto& a, const auto& b) {
    return std::tie(a.app, a.function) < std::tie(b.app, b.function);
  });
  return out;
}

INNGEST_INLINE engine_monitor::places engine_monitor::add_counts(engine_metrics& out) const {
  using scheduling::run_meter;
  const scheduling::scheduler_state& state = core_.state().parts();
  const run_queue& queue = state.jobs.queue();
  out.calls = core_.calls_under_way();
  out.jobs = queue.size();
  out.slots_in_use = queue.under_way();
  out.slots_awaited = queue.parked();
  out.events_accepted = core_.events_accepted();
  out.commits = commits_.measured().commits;
  out.commits_failed = commits_.measured().commits_failed;
  out.commit_durations = commits_.measured().commit_durations;
  out.unreadable_records = core_.state().unreadable().size();
  places of;
  const auto place = [&](const std::string& slug, const function_metrics& counts) {
    if (of.emplace(slug, out.functions.size()).second) out.functions.push_back(counts);
  };
  for (const auto& [slug, counts] : state.journal.meter.all()) place(slug, counts);
  for (const auto& [slug, function] : core_.state().functions().all()) {  // a time series should start with 0
    if (out.functions.size() >= run_meter::max_functions) break;
    place(slug, {.app = function->app_id, .function = function->id()});
  }
  return of;
}

INNGEST_INLINE std::string engine_monitor::add_runs(const std::string& last, engine_metrics& out,
                                                    const places& of) const {
  constexpr int slice = 500;  // takes well under a millisecond
  const timestamp now = clock_.now();
  const scheduling::scheduler_state& state = core_.state().parts();
  const auto& runs = state.runs.all();
  auto next = last.empty() ? runs.begin() : runs.upper_bound(last);
  const std::string* counted = nullptr;
  for (int i = 0; i < slice && next != runs.end(); ++i, ++next) {
    const active_run& run = *next->second;
    counted = &next->first;
    const scheduling::run_activity found = scheduling::activity_of(state, run, now, false);
    if (found.awaits_worker) ++out.awaiting_worker[run.function->app_id];
    if (found.due && !found.awaits_worker)
      out.oldest_due_job = (std::max)(
          out.oldest_due_job, std::chrono::duration_cast<std::chrono::milliseconds>(now - *found.due));
    auto place = of.find(run.record.run.function_slug);
    if (place == of.end()) place = of.find(scheduling::run_meter::others);
    function_metrics unknown;
    function_metrics& counts = place == of.end() ? unknown : out.functions[place->second];
    const auto add = [&](auto member_of_all, auto member) { ++(out.*member_of_all), ++(counts.*member); };
    if (found.status == run_status::queued) add(&engine_metrics::queued, &function_metrics::queued);
    if (found.status == run_status::running) add(&engine_metrics::running, &function_metrics::running);
    if (found.status == run_status::waiting) add(&engine_metrics::waiting, &function_metrics::waiting);
    if (found.status == run_status::sleeping) add(&engine_metrics::sleeping, &function_metrics::sleeping);
    if (found.status == run_status::paused) add(&engine_metrics::paused, &function_metrics::paused);
  }
  return next == runs.end() || !counted ? std::string() : *counted;
}

INNGEST_INLINE void engine_monitor::describe(run& stored) const {
  if (stored.ended()) return;
  const timestamp now = clock_.now();
  const std::lock_guard lock(mutex_);
  describe_locked(stored, now);
}

INNGEST_INLINE void engine_monitor::describe(std::vector<run>& stored) const {
  const timestamp now = clock_.now();
  const std::lock_guard lock(mutex_);
  for (run& described : stored) describe_locked(described, now);
}

INNGEST_INLINE void engine_monitor::describe_locked(run& stored, timestamp now) const {
  const active_run* known = stored.ended() ? nullptr : core_.state().find_run(stored.id);
  if (!known) return;  // its end is not committed yet, or it is set aside
  scheduling::run_activity found = scheduling::activity_of(core_.state().parts(), *known, now, true);
  stored.status = found.status;
  stored.waits_for = std::move(found.waits_for);
  stored.until = found.until;
}

// ---- health -------------------------------------------------------------------------------------------

INNGEST_INLINE engine_health engine_monitor::health() const {
  const std::lock_guard lock(health_mutex_);  // any client may ask: one at a time, and not often
  const auto now = std::chrono::steady_clock::now();
  if (examined_ && now - *examined_ < std::chrono::seconds(1)) return health_;
  health_ = examine();
  examined_ = std::chrono::steady_clock::now();
  return health_;
}

INNGEST_INLINE engine_health engine_monitor::examine() const {
  engine_health out;
  std::unique_lock lock = lock_in_time();
  if (!lock.owns_lock()) {
    out.live = out.ready = false;
    out.checks.push_back(
        {.name = "engine", .ok = false, .detail = "its lock was not released for five seconds"});
    return out;
  }
  const std::string problem = core_.problem();
  const bool is_stopping = core_.is_stopping();
  const bool is_draining = core_.state().parts().pauses.is_draining();
  lock.unlock();
  out.checks.push_back({.name = "engine",
                        .ok = !is_stopping && !is_draining,
                        .detail = is_stopping   ? "it is stopping"
                                  : is_draining ? "it is draining"
                                                : ""});
  out.checks.push_back(store_check(problem));
  const engine_metrics measured = metrics();
  out.checks.push_back(worker_check(measured));
  out.checks.push_back(clock_check());
  if (!measured.awaiting_worker.empty()) out.checks.push_back(app_check(measured));
  out.ready =
      std::all_of(out.checks.begin(), out.checks.end(), [](const health_check& check) { return check.ok; });
  return out;
}

INNGEST_INLINE std::unique_lock<std::mutex> engine_monitor::lock_in_time() const {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  std::unique_lock lock(mutex_, std::try_to_lock);
  while (!lock.owns_lock() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    lock = std::unique_lock(mutex_, std::try_to_lock);
  }
  return lock;
}

INNGEST_INLINE health_check engine_monitor::store_check(const std::string& problem) const {
  const std::string found = problem.empty() ? write_problem() : problem;
  return {.name = "store", .ok = found.empty(), .detail = found};
}

INNGEST_INLINE std::string engine_monitor::write_problem() const {
  try {
    options_.store->try_to_write();
    return {};
  } catch (...) {
    return words_of_exception();
  }
}

INNGEST_INLINE health_check engine_monitor::worker_check(const engine_metrics& metrics) const {
  constexpr auto longest = std::chrono::seconds(30);
  const bool has_free = metrics.calls < metrics.workers;
  const bool may_begin = metrics.slots_awaited == 0;  // otherwise the oldest call may wait for a slot
  const bool is_stuck = has_free && may_begin && metrics.oldest_due_job > longest;
  std::string detail = std::to_string(metrics.calls) + " of " + std::to_string(metrics.workers) + " are busy";
  if (is_stuck)
    detail += ", and a call has been due for " +
              format(std::chrono::duration_cast<std::chrono::microseconds>(metrics.oldest_due_job));
  return {.name = "workers", .ok = !is_stuck, .detail = std::move(detail)};
}

INNGEST_INLINE health_check engine_monitor::app_check(const engine_metrics& metrics) {
  std::string detail = "runs that wait for a worker of their app: ";
  bool is_first = true;
  for (const auto& [app, runs] : metrics.awaiting_worker) {
    if (!std::exchange(is_first, false)) detail += ", ";
    detail += std::to_string(runs) + " of app \"" + app + "\"";
  }
  return {.name = "apps", .ok = true, .detail = std::move(detail)};
}

INNGEST_INLINE health_check engine_monitor::clock_check() const {
  using std::chrono::system_clock;
  constexpr auto tolerated = std::chrono::seconds(5);
  constexpr std::chrono::sys_days earliest = std::chrono::year(2020) / 1 / 1;
  const timestamp engine = clock_.now();
  const timestamp system = std::chrono::floor<std::chrono::milliseconds>(
      options_.system_time ? options_.system_time() : system_clock::now());
  health_check out{.name = "clock", .ok = true, .detail = {}};
  if (system < earliest) {
    out.ok = false;
    out.detail = "the system clock was not set: it shows " + to_text(system);
  } else if (engine - system > tolerated) {
    out.ok = false;
    out.detail = "the system clock was set back: the engine's time is ahead by " +
                 format(std::chrono::duration_cast<std::chrono::microseconds>(engine - system)) +
                 ", and advances at half speed until the clock has caught up";
  }
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
