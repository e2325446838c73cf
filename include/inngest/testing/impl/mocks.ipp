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

INNGEST_INLINE void mocks::reached(std::string_view run_id, const std::string& step,
                                   const std::string& changed) {
  std::size_t& most = most_uses_[changed];
  most = (std::max)(most, ++uses_[changed]);
  if (changed == step) return;
  given_[changed] = step;
  changed_[{std::string(run_id), step}] = changed;
}

INNGEST_INLINE const std::string& mocks::changed_id(const std::string& run_id,
                                                    const std::string& step) const {
  const auto found = changed_.find({run_id, step});
  return found == changed_.end() ? step : found->second;
}

INNGEST_INLINE void mocks::begin_call() {
  uses_.clear();
  most_uses_.clear();
  used_.clear();
}

INNGEST_INLINE void mocks::begin_pass() { uses_.clear(); }

INNGEST_INLINE std::set<step_hash> mocks::reached_steps() const {
  std::set<step_hash> out = used_;
  for (const auto& [id, most] : most_uses_) {
    for (std::size_t use = 0; use < most; ++use)
      out.insert(detail::sha1::of(use == 0 ? id : id + ":" + std::to_string(use)));
  }
  return out;
}

INNGEST_INLINE json mocks::received(protocol::step_gives gives, const std::string& name, json value) {
  const auto has_text = [&](const char* key) {
    return value.is_object() && value.contains(key) && value[key].is_string();
  };
  if (value.is_null()) return value;
  switch (gives) {
    case protocol::step_gives::value:
      break;
    case protocol::step_gives::event:
      if (!value.is_object() || (has_text("name") && value.contains("data"))) break;
      return {{"name", name}, {"data", std::move(value)}};
    case protocol::step_gives::signal:
      if (has_text("signal") && value.contains("data")) break;
      return {{"signal", name}, {"data", std::move(value)}};
  }
  return value;
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

INNGEST_INLINE std::string mocking::wrap_function_handler(const call_info&, next_call<std::string> next) {
  mocks_->begin_pass();
  return next();
}

INNGEST_INLINE void mocking::transform_step_input(const call_info& call, const step_info& step,
                                                  step_input& changed) {
  mocks_->reached(call.run_id, std::string(step.id), changed.id);
}

INNGEST_INLINE std::string mocking::wrap_step(const call_info&, const step_info& step,
                                              next_call<std::string> next) {
  mocks_->use(step.hash);
  std::string result = next();
  const protocol::step_gives gives = protocol::row_of(step.kind).gives;
  if (gives == protocol::step_gives::value || !mocks_->preloads().contains(step.hash)) return result;
  return mocks::received(gives, "", detail::parse_dom(result)).dump();
}

INNGEST_INLINE std::string mocking::wrap_step_handler(const call_info&, const step_info& step,
                                                      next_call<std::string> next) {
  mocks_->use(step.hash);
  return mocks_->run(std::string(step.id), next);
}

}  // namespace inngest::inline INNGEST_ABI::testing
