#pragma once

#include <algorithm>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/bulk_plan.hpp>
#include <inngest/embedded/detail/bulk_runner.hpp>
#include <inngest/error.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE bulk_runner::bulk_runner(std::mutex& mutex, engine_core& core, engine_committer& commits,
                                        engine_clock& clock, const store& from, const logger& log,
                                        finder find, std::function<void()> deliver)
    : mutex_(mutex),
      core_(core),
      commits_(commits),
      clock_(clock),
      store_(from),
      log_(log),
      find_(std::move(find)),
      deliver_(std::move(deliver)) {}

INNGEST_INLINE void bulk_runner::go_on() {
  const std::lock_guard lock(mutex_);
  if (core_.bulk().empty()) return;
  start();
  wake();
}

INNGEST_INLINE void bulk_runner::start() {
  if (!thread_.joinable() && !core_.is_stopping()) thread_ = std::thread([this] { run(); });
}

INNGEST_INLINE void bulk_runner::join() {
  if (thread_.joinable()) thread_.join();
}

INNGEST_INLINE void bulk_runner::run() {
  std::unique_lock lock(mutex_);
  while (!core_.is_stopping()) {
    const auto id = next();
    if (!id) {
      turns_.clear();
      wake_.wait(lock);
    } else if (const auto turn = turns_[*id]; turn > steady::now()) {
      wake_.wait_until(lock, turn);
    } else {
      take_turn_safely(lock, *id);
    }
  }
}

INNGEST_INLINE void bulk_runner::take_turn_safely(std::unique_lock<std::mutex>& lock, const std::string& id) {
  try {
    take_turn(lock, id);
    lock.unlock();
    deliver_();
  } catch (...) {  // out of memory, most likely
    if (lock.owns_lock()) lock.unlock();
    log_failure(id);
  }
  lock.lock();
}

INNGEST_INLINE std::optional<std::string> bulk_runner::next() const {
  std::optional<std::string> out;
  steady::time_point first{};
  for (const std::string& id : core_.bulk().ids()) {
    const auto turn = turns_.find(id);
    const steady::time_point time = turn == turns_.end() ? steady::time_point() : turn->second;
    if (out && time >= first) continue;
    out = id;
    first = time;
  }
  return out;
}

INNGEST_INLINE void bulk_runner::take_turn(std::unique_lock<std::mutex>& lock, const std::string& id) {
  const steady::time_point began = steady::now();
  if (core_.waiting_runs_of_bulk(id) >= max_waiting_runs) {
    turns_[id] = began + pause;
    return;
  }
  const bulk_operation operation = *core_.bulk().find(id);
  std::string problem;
  lock.unlock();
  auto chunk = read(operation, std::clamp<std::size_t>(operation.per_second / 10, 1, 100), problem);
  lock.lock();
  if (core_.is_stopping()) return;
  turns_[id] = began + std::chrono::seconds(1);
  if (chunk) {
    turns_[id] = began + std::chrono::nanoseconds(1'000'000'000 * chunk->items.size() / operation.per_second);
    core_.advance_bulk(id, std::move(*chunk), clock_.now());
  } else if (!problem.empty()) {
    core_.stop_bulk(id, clock_.now(), problem);
  }
  commits_.is_committed_at_last(lock, commits_.changed());
}

INNGEST_INLINE std::optional<bulk_chunk> bulk_runner::read(const bulk_operation& operation, std::size_t most,
                                                           std::string& problem) {
  try {
    return next_bulk_chunk(operation, store_, find_, most);
  } catch (const payload_error& wrong) {
    problem = wrong.what();
  } catch (...) {
    log_failure(operation.id);
  }
  return std::nullopt;
}

INNGEST_INLINE void bulk_runner::log_failure(const std::string& id) {
  if (failures_.pass(0))
    log_.error("bulk operation " + id + " fails, and tries again: " + words_of_exception());
}

}  // namespace inngest::inline INNGEST_ABI::embedded
