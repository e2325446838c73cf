#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace support {

/// Calls a function, on a thread of its own, when something takes too long. A hanging test must end its
/// process: its threads can't be ended otherwise.
class watchdog {
 public:
  using clock = std::chrono::steady_clock;

  /// `on_late` gets the name of what takes longer than `patience`, once.
  watchdog(clock::duration patience, std::function<void(const std::string& name)> on_late)
      : patience_(patience), on_late_(std::move(on_late)), thread_([this] { watch(); }) {}
  ~watchdog() {
    {
      const std::lock_guard lock(mutex_);
      is_over_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;

  /// Starts to watch something, and no longer what began before it.
  void begin(std::string name) {
    {
      const std::lock_guard lock(mutex_);
      name_ = std::move(name);
      deadline_ = clock::now() + patience_;
    }
    changed_.notify_all();
  }
  void end() {
    const std::lock_guard lock(mutex_);
    deadline_.reset();
  }

 private:
  void watch() {
    std::unique_lock lock(mutex_);
    while (!is_over_) {
      if (!deadline_) {
        changed_.wait(lock);
      } else if (clock::now() < *deadline_) {
        changed_.wait_until(lock, clock::time_point(*deadline_));
      } else {
        deadline_.reset();
        on_late_(name_);
      }
    }
  }

  const clock::duration patience_;
  const std::function<void(const std::string&)> on_late_;
  std::mutex mutex_;  // of everything below
  std::condition_variable changed_;
  std::string name_;
  std::optional<clock::time_point> deadline_;
  bool is_over_ = false;
  std::thread thread_;
};

}  // namespace support
