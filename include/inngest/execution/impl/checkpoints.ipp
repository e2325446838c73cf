#pragma once

#include <inngest/config.hpp>
#include <inngest/execution/checkpoints.hpp>

namespace inngest::inline INNGEST_ABI::execution {

INNGEST_INLINE checkpoints::checkpoints(const checkpointing& options, std::function<clock::time_point()> now,
                                        std::function<saved(const std::vector<protocol::operation>&)> save)
    : options_(options),
      now_(std::move(now)),
      save_(std::move(save)),
      started_(now_()),
      saved_at_(started_) {}

INNGEST_INLINE checkpoints::saved checkpoints::add(protocol::operation op) {
  unsaved_.push_back(std::move(op));
  const bool full = static_cast<int>(unsaved_.size()) >= options_.buffered_steps;
  const bool late = options_.max_interval && now_() - saved_at_ >= *options_.max_interval;
  return full || late ? save() : saved::yes;
}

INNGEST_INLINE checkpoints::saved checkpoints::save() {
  if (unsaved_.empty()) return saved::yes;
  const saved out = save_(unsaved_);
  if (out != saved::no) unsaved_.clear();
  saved_at_ = now_();
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::execution
