#pragma once

#include <algorithm>
#include <stdexcept>

#include <inngest/config.hpp>
#include <inngest/error.hpp>
#include <inngest/testing/mocks.hpp>

namespace inngest::inline INNGEST_ABI::testing {

INNGEST_INLINE void mocks::replace(const std::string& step, body with) {
  replaced_[step] = std::make_shared<body>(std::move(with));
  changed_mocks_ = true;
}

INNGEST_INLINE void mocks::fail(const std::string& step, int times, std::string message) {
  changed_mocks_ = true;
  if (times > 0)
    failures_[step] = {times, std::move(message)};
  else
    failures_.erase(step);
}

INNGEST_INLINE void mocks::reached(std::string_view run_id, const std::string& step,
                                   const std::string& changed) {
  std::size_t& most = reached_.most_uses[changed];
  most = (std::max)(most, ++reached_.uses[changed]);
  if (changed == step) return;
  given_[changed] = step;
  changed_[{std::string(run_id), step}] = changed;
}

INNGEST_INLINE const std::string& mocks::changed_id(const std::string& run_id,
                                                    const std::string& step) const {
  const auto found = changed_.find({run_id, step});
  return found == changed_.end() ? step : found->second;
}

INNGEST_INLINE void mocks::preload(const step_hash& step, given_result result) {
  std::erase_if(preloads_, [&](const preloaded& earlier) { return earlier.step == step; });
  preloads_.push_back({step, std::move(result)});
}

INNGEST_INLINE bool mocks::is_preloaded(const step_hash& step) const {
  return std::any_of(preloads_.begin(), preloads_.end(),
                     [&](const preloaded& stored) { return stored.step == step; });
}

INNGEST_INLINE std::optional<given_form> mocks::form_of(std::string_view run_id,
                                                        const step_hash& step) const {
  const auto found = forms_.find({std::string(run_id), step});
  return found == forms_.end() ? std::nullopt : std::optional(found->second);
}

INNGEST_INLINE void mocks::begin_pass() { reached_.uses.clear(); }

INNGEST_INLINE std::set<step_hash> mocks::reached_steps() const {
  std::set<step_hash> out = reached_.used;
  for (const auto& [id, most] : reached_.most_uses) {
    for (std::size_t use = 0; use < most; ++use)
      out.insert(detail::sha1::of(use == 0 ? id : id + ":" + std::to_string(use)));
  }
  return out;
}

INNGEST_INLINE json mocks::received(std::string_view step, protocol::step_gives gives,
                                    const std::string& name, const given_result& result) {
  json value = detail::parse_dom(result.text);
  const bool is_signal = gives == protocol::step_gives::signal;
  const bool is_timeout = result.form == given_form::timeout || (value.is_null() && !is_signal);
  if (is_timeout || gives == protocol::step_gives::value || result.form == given_form::whole) return value;
  if (!is_signal && !value.is_object())
    throw payload_error("", "the test's result of step \"" + std::string(step) +
                                "\": expected an event or its data, which is an object, found " +
                                result.text);
  const char* const named_by = is_signal ? "signal" : "name";
  const bool may_be_whole = result.form == given_form::unknown && value.is_object() &&
                            value.contains(named_by) && value[named_by].is_string() && value.contains("data");
  return may_be_whole ? value : json{{named_by, name}, {"data", std::move(value)}};
}

INNGEST_INLINE bool mocks::has(const std::string& id) const {
  const std::string& step = known(id);
  return replaced_.contains(step) || failures_.contains(step);
}

INNGEST_INLINE given_result mocks::run(const std::string& id, next_call<std::string> otherwise) {
  const std::string& step = known(id);
  if (const auto found = failures_.find(step); found != failures_.end()) {
    const std::string message = found->second.message;
    if (--found->second.times == 0) failures_.erase(found);
    throw std::runtime_error(message);
  }
  const auto mock = replaced_.find(step);
  if (mock == replaced_.end()) return {.text = otherwise()};
  const std::shared_ptr<body> called = mock->second;  // which may replace itself
  return (*called)();
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

INNGEST_INLINE std::string mocking::wrap_step(const call_info& call, const step_info& step,
                                              next_call<std::string> next) {
  mocks_->use(step.hash);
  std::string result = next();
  const protocol::step_gives gives = protocol::row_of(step.kind).gives;
  const auto form = mocks_->form_of(call.run_id, step.hash);
  if (gives == protocol::step_gives::value || !form) return result;
  return mocks::received(step.id, gives, "", {.text = std::move(result), .form = *form}).dump();
}

INNGEST_INLINE std::string mocking::wrap_step_handler(const call_info&, const step_info& step,
                                                      next_call<std::string> next) {
  mocks_->use(step.hash);
  return mocks_->run(std::string(step.id), next).text;
}

}  // namespace inngest::inline INNGEST_ABI::testing
