#pragma once

#include <chrono>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/engine_committer.hpp>
#include <inngest/error.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE void engine_committer::commit_at_once() {
  while (!is_on_disk_ && core_.has_uncommitted() && core_.problem().empty() && !core_.is_committing()) {
    engine_core::batch batch = core_.begin_commit();
    std::string problem = commit(batch.all);
    end_commit(std::move(batch), std::move(problem));
  }
}

INNGEST_INLINE std::uint64_t engine_committer::changed() {
  commit_at_once();
  return core_.changed();
}

INNGEST_INLINE void engine_committer::end_commit(engine_core::batch batch, std::string problem) {
  if (!problem.empty()) cleaner_.notify_one();
  ++(problem.empty() ? measured_.commits : measured_.commits_failed);
  measured_.commit_durations.add(last_took_);
  core_.end_commit(std::move(batch), std::move(problem), clock_.now());
  if (core_.has_uncommitted()) background_wake_.notify_one();
  wake_.notify_one();  // the thread that takes a due job wakes the next one
  settled_.notify_all();
}

INNGEST_INLINE void engine_committer::commit_first_changes(
    detail::function_ref<void(std::set<std::string, std::less<>>)> make_room) {
  if (!core_.has_uncommitted()) return;
  engine_core::batch batch = core_.begin_commit();
  try {
    store_.commit(batch.all);
  } catch (const store_error&) {  // it may be full of records whose time has passed
    make_room(engine_core::runs_of(batch.all));
    store_.commit(batch.all);
  }
  core_.end_commit(std::move(batch), "", clock_.now());
}

INNGEST_INLINE bool engine_committer::is_committed(std::unique_lock<std::mutex>& lock, std::uint64_t change) {
  while (core_.committed() < change && core_.problem().empty()) commit_or_wait(lock);
  return core_.committed() >= change;
}

INNGEST_INLINE bool engine_committer::is_committed_at_last(std::unique_lock<std::mutex>& lock,
                                                           std::uint64_t change) {
  while (core_.committed() < change && !core_.is_stopping()) {
    if (core_.problem().empty())
      commit_or_wait(lock);
    else
      settled_.wait(lock);  // the committer retries
  }
  return !core_.is_stopping();
}

INNGEST_INLINE void engine_committer::commit_or_wait(std::unique_lock<std::mutex>& lock) {
  if (core_.is_committing())
    settled_.wait(lock);
  else
    commit_all(lock);  // the first thread that waits commits for all
}

INNGEST_INLINE void engine_committer::commit_changes(std::unique_lock<std::mutex>& lock) {
  if (!is_committed(lock, changed())) throw unreachable(core_.problem());
}

INNGEST_INLINE void engine_committer::commit_all(std::unique_lock<std::mutex>& lock) {
  engine_core::batch batch = core_.begin_commit();
  lock.unlock();
  std::string problem = commit(batch.all);
  lock.lock();
  end_commit(std::move(batch), std::move(problem));
}

INNGEST_INLINE void engine_committer::commit_in_background(std::mutex& mutex,
                                                           detail::function_ref<void()> deliver) {
  std::unique_lock lock(mutex);
  while (true) {
    background_wake_.wait(lock,
                          [&] { return can_commit() || background_stops_ || core_.has_kept_log_lines(); });
    if (!can_commit() && !background_stops_)  // collects log lines, which no thread waits for
      background_wake_.wait_for(lock, std::chrono::seconds(1),
                                [&] { return can_commit() || background_stops_; });
    if (!core_.problem().empty())
      background_wake_.wait_for(lock, std::chrono::seconds(1), [&] { return background_stops_; });
    const bool has_lines = core_.has_kept_log_lines() && !core_.is_committing() && core_.problem().empty();
    if (can_commit() || has_lines) commit_all(lock);
    if (background_stops_ && (!core_.has_uncommitted() || !core_.problem().empty())) return;
    lock.unlock();
    deliver();
    lock.lock();
  }
}

INNGEST_INLINE std::string engine_committer::commit(std::span<const changes> batch) {
  const auto began = std::chrono::steady_clock::now();
  try {
    store_.commit(batch);
    note_duration(std::chrono::steady_clock::now() - began);
    return {};
  } catch (...) {
    note_duration(std::chrono::steady_clock::now() - began);
    std::string problem = "the engine can't write to its store: " + words_of_exception();
    log_.error(problem);
    return problem;
  }
}

INNGEST_INLINE void engine_committer::note_duration(std::chrono::steady_clock::duration took) {
  last_took_ = std::chrono::duration_cast<std::chrono::microseconds>(took);
  if (took < std::chrono::seconds(1)) return;
  const auto held_back = slow_.pass(0);
  if (!held_back) return;
  std::string line = "a commit of the engine's store took " +
                     std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()) +
                     " ms: is the disk slow, or does another program lock the file?";
  if (*held_back > 0) line += " (and " + std::to_string(*held_back) + " more since the last such line)";
  log_.warn(line);
}

INNGEST_INLINE void engine_committer::stop() {
  background_stops_ = true;
  background_wake_.notify_all();
}

}  // namespace inngest::inline INNGEST_ABI::embedded
