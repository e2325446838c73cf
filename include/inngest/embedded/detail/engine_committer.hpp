#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <span>
#include <string>

#include <inngest/config.hpp>
#include <inngest/detail/function_ref.hpp>
#include <inngest/detail/log_limiter.hpp>
#include <inngest/embedded/detail/engine_clock.hpp>
#include <inngest/embedded/detail/engine_core.hpp>
#include <inngest/embedded/metrics.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/log.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Commits an engine's changes: they are collected while holding the engine's lock, and written without it.
/// All functions are called with the lock held.
class engine_committer {
 public:
  /// `workers` wakes a worker when a commit ends; `settled` wakes all threads that wait for commits;
  /// `cleaner` wakes the thread that makes room when a commit fails.
  engine_committer(engine_core& core, embedded::store& store, engine_clock& clock, const logger& log,
                   std::condition_variable& workers, std::condition_variable& settled,
                   std::condition_variable& cleaner)
      : core_(core),
        store_(store),
        clock_(clock),
        log_(log),
        wake_(workers),
        settled_(settled),
        cleaner_(cleaner) {}

  /// Commits all changes if the store is in memory.
  void commit_at_once();

  /// The number of the last change, for is_committed().
  std::uint64_t changed();

  /// Commits the changes of the engine's constructor. If that fails, calls `make_room` with the ids of the
  /// runs that the changes name, and tries again. Throws when that fails, too.
  void commit_first_changes(detail::function_ref<void(std::set<std::string, std::less<>>)> make_room);

  /// Waits until the change is committed. Returns false when the commit fails; engine_core::problem() then
  /// contains the reason.
  bool is_committed(std::unique_lock<std::mutex>& lock, std::uint64_t change);

  /// Like is_committed(), but keeps waiting after failed commits. Returns false when the engine stops.
  bool is_committed_at_last(std::unique_lock<std::mutex>& lock, std::uint64_t change);

  /// Waits until all changes are committed.
  /// \throws unreachable with the reason when the commit fails.
  void commit_changes(std::unique_lock<std::mutex>& lock);

  /// The committer's thread, called without the lock: commits changes that no thread waits for, and retries
  /// failed commits. Calls `deliver` after each commit.
  void commit_in_background(std::mutex& mutex, detail::function_ref<void()> deliver);
  /// Called when changes may have to be committed in the background.
  void wake() { background_wake_.notify_one(); }
  /// Ends commit_in_background() after the last commit.
  void stop();

  /// Measurements of commits: see the members of engine_metrics with the same names.
  struct measurements {
    std::uint64_t commits = 0;
    std::uint64_t commits_failed = 0;
    duration_histogram commit_durations{};
  };
  const measurements& measured() const { return measured_; }

 private:
  void end_commit(engine_core::batch batch, std::string problem);

  void commit_or_wait(std::unique_lock<std::mutex>& lock);

  /// Commits all changes. One thread at a time.
  void commit_all(std::unique_lock<std::mutex>& lock);

  bool can_commit() const { return core_.has_uncommitted() && !core_.is_committing(); }

  /// Commits the batch. Returns the error message, or an empty text. Failed commits will be retried.
  std::string commit(std::span<const changes> batch);

  /// Measures a commit, and warns about a slow one: at most once a minute.
  void note_duration(std::chrono::steady_clock::duration took);

  engine_core& core_;
  embedded::store& store_;
  engine_clock& clock_;
  const logger& log_;
  std::condition_variable& wake_;
  std::condition_variable& settled_;
  std::condition_variable& cleaner_;
  const bool is_on_disk_ = store_.is_on_disk();
  std::condition_variable background_wake_;
  bool background_stops_ = false;
  measurements measured_;
  std::chrono::microseconds last_took_{};  // duration of the current or last commit
  detail::log_limiter slow_{};
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/engine_committer.ipp>
#endif
