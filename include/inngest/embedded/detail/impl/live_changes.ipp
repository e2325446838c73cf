#pragma once

#include <chrono>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/live_changes.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE live_changes::live_changes(std::function<std::uint64_t()> sequence, std::size_t most)
    : sequence_(std::move(sequence)), most_(most) {}

INNGEST_INLINE live_changes::~live_changes() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

INNGEST_INLINE std::string live_changes::message(std::uint64_t sequence) {
  return "data: {\"sequence\":" + std::to_string(sequence) + "}\n\n";
}

INNGEST_INLINE std::optional<detail::listener_answer> live_changes::subscribe(const http::request& request,
                                                                              const maker& make) {
  if (request.method != "GET" || request.path() != "/api/live") return std::nullopt;
  constexpr std::size_t max_waiting = std::size_t{16} * 1024;
  const viewer answer = make(max_waiting);
  detail::listener_answer out({.headers = {{"content-type", "text/event-stream"}}},
                              answer);  // closes the answer if what follows throws
  if (!add(answer))
    return http::response{.status = 503,
                          .headers = {{"content-type", "application/json"}},
                          .body = R"({"error":"too many viewers follow the engine's changes: close some, or )"
                                  R"(ask for /api/state from time to time","status":503})"};
  answer->on_close([this, gone = answer.get()] { remove(gone); });
  return out;
}

INNGEST_INLINE bool live_changes::add(const viewer& added) {
  const std::uint64_t now = sequence_();
  const std::lock_guard lock(mutex_);
  if (viewers_.size() >= most_) return false;
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  viewers_.push_back(added);
  added->write(message(now));
  changed_.notify_all();
  return true;
}

INNGEST_INLINE void live_changes::remove(const detail::open_answer* gone) {
  const std::lock_guard lock(mutex_);
  std::erase_if(viewers_, [&](const viewer& known) { return known.get() == gone; });
}

INNGEST_INLINE void live_changes::run() {
  constexpr std::chrono::milliseconds pause(200);
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (viewers_.empty()) {
      changed_.wait(lock, [&] { return stopping_ || !viewers_.empty(); });
      continue;
    }
    lock.unlock();  // the engine may be busy
    const std::uint64_t now = sequence_();
    lock.lock();
    if (now != std::exchange(told_, now)) {
      const std::string text = message(now);
      std::erase_if(viewers_, [&](const viewer& told) { return !told->write(text); });
    }
    changed_.wait_for(lock, pause, [&] { return stopping_; });
  }
}

}  // namespace inngest::inline INNGEST_ABI::embedded
