#pragma once

#include <inngest/config.hpp>
#include <inngest/step/detail/step_body.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE deadline_timer::deadline_timer(std::optional<std::chrono::milliseconds> limit,
                                              stop_source call)
    : limit_(limit), source_(std::move(call)) {
  if (!limit_) return;
  ends_ = add_saturated(std::chrono::steady_clock::now(), *limit_);
  thread_ = std::thread([this] {
    std::unique_lock lock(mutex_);
    if (body_ended_.wait_until(lock, ends_, [&] { return has_ended_; })) return;
    lock.unlock();  // the token's callbacks are called here
    source_.request_stop();
  });
}

INNGEST_INLINE deadline_timer::~deadline_timer() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
  }
  body_ended_.notify_one();
  thread_.join();
}

INNGEST_INLINE deadline_exceeded deadline_timer::error() const {
  return deadline_exceeded("the step did not end within its deadline of " + std::to_string(limit_->count()) +
                           " ms");
}

}  // namespace inngest::inline INNGEST_ABI::detail
