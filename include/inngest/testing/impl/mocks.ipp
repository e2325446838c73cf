#pragma once

#include <inngest/config.hpp>
#include <inngest/testing/mocks.hpp>

namespace inngest::inline INNGEST_ABI::testing {

INNGEST_INLINE void mocks::fail(const std::string& step, int times, std::string message) {
  if (times > 0)
    failures_[step] = {times, std::move(message)};
  else
    failures_.erase(step);
}

INNGEST_INLINE void mocks::rename(const std::string& step, const std::string& changed) {
  given_[changed] = step;
  changed_[step] = changed;
}

INNGEST_INLINE const std::string& mocks::changed_id(const std::string& step) const {
  const auto found = changed_.find(step);
  return found == changed_.end() ? step : found->second;
}

INNGEST_INLINE bool mocks::has(const std::string& id) const {
  const std::string& step = known(id);
  return replaced_.contains(step) || failures_.contains(step);
}

INNGEST_INLINE std::string mocks::run(const std::string& id, next_call<std::string> otherwise) {
  const std::string& step = known(id);
  if (const auto found = failures_.find(step); found != failures_.end()) {
    const std::string message = found->second.message;
    if (--found->second.times == 0) failures_.erase(found);
    throw std::runtime_error(message);
  }
  const auto mock = replaced_.find(step);
  return mock == replaced_.end() ? otherwise() : mock->second();
}

INNGEST_INLINE const std::string& mocks::known(const std::string& id) const {
  const auto found = given_.find(id);
  if (found == given_.end() || replaced_.contains(id) || failures_.contains(id)) return id;
  return found->second;
}

INNGEST_INLINE void mocking::transform_step_input(const call_info&, const step_info& step,
                                                  step_input& changed) {
  if (changed.id != step.id) mocks_->rename(std::string(step.id), changed.id);
}

INNGEST_INLINE std::string mocking::wrap_step_handler(const call_info&, const step_info& step,
                                                      next_call<std::string> next) {
  return mocks_->run(std::string(step.id), next);
}

}  // namespace inngest::inline INNGEST_ABI::testing
