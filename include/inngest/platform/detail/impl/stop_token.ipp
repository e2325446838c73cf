#pragma once

#include <inngest/config.hpp>
#include <inngest/platform/detail/stop_token.hpp>

namespace inngest::inline INNGEST_ABI::detail::own_stop {

INNGEST_INLINE bool stop_state::request() noexcept {
  std::unique_lock lock(mutex_);
  if (requested_.exchange(true)) return false;
  requester_ = std::this_thread::get_id();
  while (!callbacks_.empty()) {
    running_ = callbacks_.front();
    callbacks_.pop_front();
    callback& next = *running_;
    lock.unlock();  // the callback may add and remove callbacks, including itself
    next.call();
    lock.lock();
    running_ = nullptr;
    callback_ended_.notify_all();
  }
  return true;
}

INNGEST_INLINE bool stop_state::add(callback& added) {
  const std::lock_guard lock(mutex_);
  if (requested_) return false;
  callbacks_.push_back(&added);
  return true;
}

INNGEST_INLINE void stop_state::remove(const callback& removed) noexcept {
  std::unique_lock lock(mutex_);
  if (callbacks_.remove_if([&](const callback* known) { return known == &removed; }) > 0) return;
  if (requester_ == std::this_thread::get_id()) return;
  callback_ended_.wait(lock, [&] { return running_ != &removed; });
}

INNGEST_INLINE stop_token::stop_token(std::shared_ptr<stop_state> state,
                                      std::weak_ptr<const void> sources) noexcept
    : state_(std::move(state)), sources_(std::move(sources)) {}

INNGEST_INLINE bool stop_source::request_stop() const noexcept {
  const auto state = state_;  // a callback may destroy this source
  return state && state->request();
}

}  // namespace inngest::inline INNGEST_ABI::detail::own_stop
