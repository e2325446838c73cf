#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/scheduling/event_view.hpp>

namespace inngest::embedded {

/// The functions that there are, and which events mean something to them.
class subscriptions {
 public:
  using shared_function = std::shared_ptr<const function_definition>;

  /// Adds a function, or puts it in the place of the one that has its slug.
  shared_function add(function_definition definition) {
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

  void remove(const std::string& slug) {
    if (by_slug_.erase(slug) == 0) return;
    const auto is_gone = [&](const subscriber& found) { return found.function->slug == slug; };
    for (auto& [event, subscribers] : by_event_) std::erase_if(subscribers, is_gone);
    std::erase_if(patterns_, [&](const auto& pattern) { return is_gone(pattern.second); });
    for (auto& [event, functions] : cancels_)
      std::erase_if(functions, [&](const shared_function& function) { return function->slug == slug; });
  }

  /// Null when there is none.
  shared_function find(std::string_view slug) const {
    const auto found = by_slug_.find(slug);
    return found == by_slug_.end() ? nullptr : found->second;
  }

  const std::map<std::string, shared_function, std::less<>>& all() const { return by_slug_; }

  /// The functions that an event starts, each once.
  std::vector<shared_function> started_by(const std::string& name, event_view& event) const {
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

  /// Whether an event of that name could start or cancel anything.
  bool has_listeners(const std::string& name) const {
    const auto found = by_event_.find(name);
    if (found != by_event_.end() && !found->second.empty()) return true;
    for (const auto& [prefix, subscribed] : patterns_) {
      if (name.starts_with(prefix)) return true;
    }
    return !cancelled_by(name).empty();
  }

  /// The functions whose runs an event of that name may cancel.
  const std::vector<shared_function>& cancelled_by(const std::string& name) const {
    static const std::vector<shared_function> none;
    const auto found = cancels_.find(name);
    return found == cancels_.end() ? none : found->second;
  }

 private:
  struct subscriber {
    shared_function function;
    const registered_trigger* trigger = nullptr;
  };

  std::map<std::string, shared_function, std::less<>> by_slug_;
  std::unordered_map<std::string, std::vector<subscriber>> by_event_;
  std::vector<std::pair<std::string, subscriber>> patterns_;  // by prefix
  std::unordered_map<std::string, std::vector<shared_function>> cancels_;
};

}  // namespace inngest::embedded
