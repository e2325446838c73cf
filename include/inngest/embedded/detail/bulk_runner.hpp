#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <inngest/config.hpp>
#include <inngest/detail/log_limiter.hpp>
#include <inngest/embedded/bulk_operation.hpp>
#include <inngest/embedded/detail/engine_clock.hpp>
#include <inngest/embedded/detail/engine_committer.hpp>
#include <inngest/embedded/detail/engine_core.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/log.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The thread of an engine that executes its bulk operations, chunk by chunk in turn. It starts with the
/// first operation.
class bulk_runner {
 public:
  using finder = std::function<run_page(const run_query&)>;

  /// All of these must outlive the runner. `mutex` is the engine's lock; `deliver` is called without it.
  bulk_runner(std::mutex& mutex, engine_core& core, engine_committer& commits, engine_clock& clock,
              const store& from, const logger& log, finder find, std::function<void()> deliver);

  /// Continues the operations of the core, if there are any. Call it without the lock.
  void go_on();

  /// Starts the thread, unless it is running or the engine stops. Call it with the lock held.
  void start();

  /// Makes the thread check for operations and whether the engine stops. Call it with the lock held.
  void wake() { wake_.notify_all(); }

  /// Waits for the end of the thread, after the engine has begun to stop.
  void join();

 private:
  using steady = std::chrono::steady_clock;

  /// How long the operation waits while too many of the runs that it began wait for their first call.
  static constexpr std::chrono::milliseconds pause{100};
  static constexpr std::size_t max_waiting_runs = 1000;

  void run();

  /// The operation whose turn is next.
  std::optional<std::string> next() const;

  /// Executes a chunk of the operation, without letting exceptions out. Releases the lock temporarily.
  void take_turn_safely(std::unique_lock<std::mutex>& lock, const std::string& id);
  void take_turn(std::unique_lock<std::mutex>& lock, const std::string& id);

  /// Reads the next chunk, without the lock; `nullopt` when the store fails. `problem` is the reason if the
  /// operation can never continue.
  std::optional<bulk_chunk> read(const bulk_operation& operation, std::size_t most, std::string& problem);

  void log_failure(const std::string& id);

  std::mutex& mutex_;
  engine_core& core_;
  engine_committer& commits_;
  engine_clock& clock_;
  const store& store_;
  const logger& log_;
  const finder find_;
  const std::function<void()> deliver_;

  std::condition_variable wake_;
  std::map<std::string, steady::time_point> turns_;  // when an operation continues
  detail::log_limiter failures_{};
  std::thread thread_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/bulk_runner.ipp>
#endif
