#pragma once

#include <atomic>
#include <functional>
#include <thread>
#include <utility>

namespace support {

/// A thread that works beside its test until it is told to end. It is told so, and joined, whatever becomes
/// of the test: a std::thread that a failed REQUIRE leaves behind would end the whole program.
class background {
 public:
  using body = std::function<void(const std::atomic<bool>& ends)>;

  explicit background(body work) : thread_([this, work = std::move(work)] { work(ends_); }) {}
  ~background() { end(); }
  background(const background&) = delete;
  background& operator=(const background&) = delete;

  void end() {
    ends_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::atomic<bool> ends_{false};
  std::thread thread_;
};

}  // namespace support
