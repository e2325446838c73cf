#pragma once

// The two ends of a reply: a client that is a variable, and an executor that runs work when a test says so.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <inngest/executor.hpp>
#include <inngest/http/reply.hpp>

namespace support {

/// What a client has received.
struct client {
  std::mutex mutex{};
  int answers = 0;
  int status = 0;
  inngest::http::headers headers{};
  std::string body{};
  std::vector<std::string> pieces{};
  bool has_begun = false, has_ended = false, is_written = false;
  std::atomic<bool> is_gone{false};
  bool takes_pieces = true;

  template <class Read>
  auto read(Read read_it) {
    const std::lock_guard lock(mutex);
    return read_it();
  }
  bool has_answer() {
    return read([&] { return answers > 0; });
  }
};

/// Writes what it is given to a client that is a variable.
class to_client final : public inngest::http::exchange {
 public:
  explicit to_client(std::shared_ptr<client> to) : to_(std::move(to)) {}
  ~to_client() override {
    to_->read([&] { return to_->is_written = true; });
  }
  void send(inngest::http::response answer) override {
    const std::lock_guard lock(to_->mutex);
    ++to_->answers;
    to_->status = answer.status;
    to_->headers = answer.headers;
    to_->body = answer.body;
  }
  void begin(inngest::http::response head) override {
    const std::lock_guard lock(to_->mutex);
    to_->has_begun = true;
    to_->status = head.status;
  }
  bool write(std::string piece) override {
    const std::lock_guard lock(to_->mutex);
    to_->pieces.push_back(std::move(piece));
    return !to_->is_gone;
  }
  void end() override {
    const std::lock_guard lock(to_->mutex);
    ++to_->answers;
    to_->has_ended = true;
  }
  bool is_open() const override { return !to_->is_gone; }
  bool streams() const override { return to_->takes_pieces; }

 private:
  std::shared_ptr<client> to_;
};

inline inngest::http::reply reply_to(const std::shared_ptr<client>& to) {
  return inngest::http::reply(std::make_shared<to_client>(to));
}

/// Runs work when the test says so, or not at all.
struct manual_executor final : inngest::executor {
  bool post(std::function<void()> work) override {
    if (throws) throw std::runtime_error("out of order");
    if (is_full) return false;
    if (runs_at_once) return work(), true;
    works.push_back(std::move(work));
    if (throws_late) throw std::runtime_error("out of order");
    return true;
  }
  void run_all() {
    for (const auto& work : std::exchange(works, {})) work();
  }
  std::vector<std::function<void()>> works{};
  bool is_full = false;
  bool throws = false;
  bool throws_late = false;   // after it has taken the work
  bool runs_at_once = false;  // within post(), which no executor should do
};

}  // namespace support
