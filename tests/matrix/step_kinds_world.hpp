#pragma once

#include <inngest/expression/evaluation.hpp>

#include <chrono>
#include <condition_variable>
#include <limits>
#include <map>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <httplib.h>

#include "matrix/step_kinds.hpp"

// What the functions of the matrix share with the test that disturbs them.

namespace step_kinds {

using namespace std::chrono_literals;

inline constexpr auto patience = 180s;

/// Waits for a condition; false when it does not come.
template <class Condition>
bool comes(const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

/// Somebody else's server, for step.fetch and step.ai.infer. It takes its time while it is told to.
class website {
 public:
  website() {
    const auto answer = [this](std::string body, const char* type) {
      return [this, body = std::move(body), type](const httplib::Request&, httplib::Response& response) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, patience, [&] { return !slow_; });
        response.set_content(body, type);
      };
    };
    server_.set_tcp_nodelay(true);
    server_.Get("/page", answer("page", "text/plain"));
    server_.Post(
        "/v1/chat/completions",
        answer(R"({"choices":[{"message":{"role":"assistant","content":"hello"}}]})", "application/json"));
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~website() {
    slow_down(false);
    server_.stop();
    thread_.join();
  }
  website(const website&) = delete;
  website& operator=(const website&) = delete;

  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  void slow_down(bool slow) {
    const std::lock_guard lock(mutex_);
    slow_ = slow;
    changed_.notify_all();
  }

 private:
  httplib::Server server_{};
  int port_ = 0;
  std::thread thread_{};
  std::mutex mutex_{};
  std::condition_variable changed_{};
  bool slow_ = false;
};

/// One case: what its functions are to do, and what they did. Any thread may ask.
class world {
 public:
  /// \param one_thread The test and the functions share a thread: a body that is to be under way fails, and
  /// is under way while its retry is pending.
  world(disturbance happens, bool one_thread, website& asked)
      : what(happens), site(asked), one_thread_(one_thread) {}

  const disturbance what;
  website& site;

  bool is(disturbance other) const { return what == other; }
  /// Whether the step stays under way until the test lets it go on.
  bool holds() const {
    return is(disturbance::restarted) || is(disturbance::killed) || is(disturbance::cancelled) ||
           is(disturbance::run_timed_out);
  }
  bool fails_for_good() const { return is(disturbance::failing) || is(disturbance::failing_and_caught); }

  // ---- times: those of steps are an engine's, and pass when the test says so ----------------------------

  static constexpr std::chrono::milliseconds beyond_limits = std::chrono::hours(24 * 400);
  static constexpr std::chrono::milliseconds long_time = std::chrono::hours(1000);
  std::chrono::milliseconds sleep_time() const {
    return fails_for_good() ? beyond_limits : holds() ? long_time : 5ms;
  }
  std::chrono::milliseconds wait_time() const {
    return fails_for_good() ? beyond_limits : is(disturbance::step_timed_out) ? 1h : long_time;
  }

  // ---- bodies -------------------------------------------------------------------------------------------

  /// The body of the step that is disturbed.
  void visit(const std::stop_token& stop = {}) {
    std::unique_lock lock(mutex_);
    const int times = ++begun_["s"];
    if (times <= failures()) throw std::runtime_error("the body fails");
    if (is(disturbance::step_timed_out)) {
      const auto end = std::chrono::steady_clock::now() + patience;
      while (!stop.stop_requested() && !released_ && std::chrono::steady_clock::now() < end)
        changed_.wait_for(lock, 1ms);
      if (stop.stop_requested()) throw std::runtime_error("told to stop");
    }
    if (holds() && !released_) {
      if (one_thread_) throw std::runtime_error("not yet");
      changed_.wait_for(lock, patience, [&] { return released_ || interrupted_; });
      if (!released_) throw std::runtime_error("the process ends");
    }
    ++ended_["s"];
  }
  /// The body of the function that the disturbed step invokes: the step's time is not its own.
  void visit_child(const std::stop_token& stop) {
    if (one_thread_ && is(disturbance::step_timed_out) && !is_released()) {
      {
        const std::lock_guard lock(mutex_);
        ++begun_["s"];
      }
      throw std::runtime_error("not yet");
    }
    visit(stop);
  }
  /// The body of another step.
  std::string note(const std::string& name) {
    const std::lock_guard lock(mutex_);
    ++begun_[name];
    ++ended_[name];
    return name;
  }

  /// A body that is under way when its process ends.
  void wait_for_end() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return interrupted_ || released_; });
    throw std::runtime_error("the process ends");
  }

  int begun(const std::string& name) const { return count(begun_, name); }
  int ended(const std::string& name) const { return count(ended_, name); }
  std::map<std::string, int> all_ended() const {
    const std::lock_guard lock(mutex_);
    return ended_;
  }

  // ---- the test's part ----------------------------------------------------------------------------------

  void release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }
  /// The process ends: bodies that are held end with it.
  void interrupt(bool ends) {
    const std::lock_guard lock(mutex_);
    interrupted_ = ends;
    changed_.notify_all();
  }

 private:
  bool is_released() const {
    const std::lock_guard lock(mutex_);
    return released_;
  }
  int failures() const {
    if (fails_for_good()) return std::numeric_limits<int>::max();
    return is(disturbance::failing_once) || is(disturbance::restarted_before_retry) ? 1 : 0;
  }
  int count(const std::map<std::string, int>& in, const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = in.find(name);
    return found == in.end() ? 0 : found->second;
  }

  const bool one_thread_;
  mutable std::mutex mutex_{};
  std::condition_variable changed_{};
  std::map<std::string, int> begun_{}, ended_{};
  bool released_ = false, interrupted_ = false;
};

}  // namespace step_kinds
