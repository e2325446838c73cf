#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace support {

/// A number of threads that wait for each other.
class meeting {
 public:
  explicit meeting(int wanted) : wanted_(wanted) {}
  /// False when not all have come within a minute.
  bool join() {
    std::unique_lock lock(mutex_);
    ++here_;
    changed_.notify_all();
    return changed_.wait_for(lock, std::chrono::minutes(1), [&] { return here_ >= wanted_; });
  }

 private:
  const int wanted_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int here_ = 0;
};

}  // namespace support
