#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/subscriptions.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE subscriptions::shared_function subscriptions::add(function_definition definition) {
  remove(definition.slug);
  auto function = std::make_shared<const function_definition>(std::move(definition));
  by_slug_.emplace(function->slug, function);
  for (const registered_trigger& trigger : function->triggers) {
    if (trigger.event.ends_with('*'))
      patterns_.push_back({trigger.event.substr(0, trigger.event.size() - 1), {function, &trigger}});
    else if (!trigger.event.empty())
      by_event_[trigger.event].push_back({function, &trigger});
  }
  for (const registered_cancel& cancel : function->cancels) cancels_[cancel.event].push_back(function);
  return function;
}

INNGEST_INLINE void subscriptions::remove(const std::string& slug) {
  if (by_slug_.erase(slug) == 0) return;
  const auto is_gone = [&](const subscriber& found) { return found.function->slug == slug; };
  for (auto& [event, subscribers] : by_event_) std::erase_if(subscribers, is_gone);
  std::erase_if(patterns_, [&](const auto& pattern) { return is_gone(pattern.second); });
  for (auto& [event, functions] : cancels_)
    std::erase_if(functions, [&](const shared_function& function) { return function->slug == slug; });
}

INNGEST_INLINE subscriptions::shared_function subscriptions::find(std::string_view slug) const {
  const auto found = by_slug_.find(slug);
  return found == by_slug_.end() ? nullptr : found->second;
}

INNGEST_INLINE std::vector<subscriptions::shared_function> subscriptions::started_by(
    const std::string& name, event_view& event) const {
  std::vector<shared_function> out;
  const auto consider = [&](const subscriber& found) {
    for (const shared_function& there : out) {
      if (there == found.function) return;
    }
    if (event.fulfils(found.trigger->condition)) out.push_back(found.function);
  };
  if (const auto found = by_event_.find(name); found != by_event_.end()) {
    for (const subscriber& subscribed : found->second) consider(subscribed);
  }
  for (const auto& [prefix, subscribed] : patterns_) {
    if (name.starts_with(prefix)) consider(subscribed);
  }
  return out;
}

INNGEST_INLINE bool subscriptions::has_listeners(const std::string& name) const {
  const auto found = by_event_.find(name);
  if (found != by_event_.end() && !found->second.empty()) return true;
  for (const auto& [prefix, subscribed] : patterns_) {
    if (name.starts_with(prefix)) return true;
  }
  return !cancelled_by(name).empty();
}

INNGEST_INLINE const std::vector<subscriptions::shared_function>& subscriptions::cancelled_by(
    const std::string& name) const {
  static const std::vector<shared_function> none;
  const auto found = cancels_.find(name);
  return found == cancels_.end() ? none : found->second;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
