#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/engine_clock.hpp>
#include <inngest/embedded/detail/engine_committer.hpp>
#include <inngest/embedded/detail/engine_core.hpp>
#include <inngest/embedded/engine_options.hpp>
#include <inngest/embedded/health.hpp>
#include <inngest/embedded/metrics.hpp>
#include <inngest/embedded/run.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Observes a running engine: metrics, health, and the activity of runs. It holds the engine's lock only for
/// short times, so runs may progress while it counts them.
class engine_monitor {
 public:
  /// All of these must outlive the monitor. `mutex` is the engine's lock.
  engine_monitor(std::mutex& mutex, const engine_core& core, const engine_committer& commits,
                 engine_clock& clock, const engine_options& options)
      : mutex_(mutex), core_(core), commits_(commits), clock_(clock), options_(options) {}

  engine_metrics metrics() const;

  engine_health health() const;

  /// The engine's time.
  timestamp now() const { return clock_.now(); }

  /// Replaces the store's status of an unfinished run with the run's current activity.
  void describe(run& stored) const;
  /// Does this for several runs.
  void describe(std::vector<run>& stored) const;

 private:
  using places = std::unordered_map<std::string, std::size_t>;  // of functions in engine_metrics, by slug

  /// Everything except the runs. Call it with the lock held.
  places add_counts(engine_metrics& out) const;

  /// Counts some of the runs, starting after the run `last`. Returns the last one's id; empty at the end.
  std::string add_runs(const std::string& last, engine_metrics& out, const places& of) const;

  void describe_locked(run& stored, timestamp now) const;

  // ---- health -------------------------------------------------------------------------------------------

  engine_health examine() const;

  /// Takes the engine's lock; not owned when that takes too long.
  std::unique_lock<std::mutex> lock_in_time() const;

  health_check store_check(const std::string& problem) const;

  /// Tries to write to the store. Returns the error message, or an empty text.
  std::string write_problem() const;

  health_check worker_check(const engine_metrics& metrics) const;

  /// Names the remote apps whose runs wait for a worker. Always passes: others' work is not affected.
  static health_check app_check(const engine_metrics& metrics);

  health_check clock_check() const;

  std::mutex& mutex_;
  const engine_core& core_;
  const engine_committer& commits_;
  engine_clock& clock_;
  const engine_options& options_;

  mutable std::mutex health_mutex_;  // guards the members below
  mutable std::optional<std::chrono::steady_clock::time_point> examined_;
  mutable engine_health health_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/engine_monitor.ipp>
#endif
