#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/open_answer.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE bool open_answer::write(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  if (is_closed_ || has_ended_ || is_too_slow_) return false;
  is_too_slow_ = waiting_.size() + bytes.size() > most_ && !waiting_.empty();
  if (!is_too_slow_) waiting_ += bytes;
  wake_.wake();
  return !is_too_slow_;
}

INNGEST_INLINE void open_answer::end() {
  const std::lock_guard lock(mutex_);
  if (is_closed_ || std::exchange(has_ended_, true)) return;
  wake_.wake();
}

INNGEST_INLINE void open_answer::on_close(std::function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_closed_) {
      on_close_ = std::move(callback);
      return;
    }
  }
  callback();
}

INNGEST_INLINE std::optional<std::string> open_answer::take() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty() && has_ended_) return std::nullopt;
  return std::exchange(waiting_, {});
}

INNGEST_INLINE bool open_answer::is_too_slow() const {
  const std::lock_guard lock(mutex_);
  return is_too_slow_;
}

INNGEST_INLINE void open_answer::close() {
  std::function<void()> callback;
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    callback = std::exchange(on_close_, nullptr);
  }
  if (callback) callback();
}

INNGEST_INLINE open_answer_end& open_answer_end::operator=(open_answer_end&& other) noexcept {
  if (this == &other) return *this;
  if (answer_) answer_->close();
  answer_ = std::move(other.answer_);
  return *this;
}

INNGEST_INLINE open_answer_end::~open_answer_end() {
  if (answer_) answer_->close();
}

}  // namespace inngest::inline INNGEST_ABI::detail
