#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/step_id.hpp>

namespace inngest::embedded {

/// A step of a run.
struct step_place {
  std::string run_id{};
  step_hash step{};

  friend bool operator==(const step_place&, const step_place&) = default;
  // std::array has no <=> in libc++ before version 17
  friend bool operator<(const step_place& a, const step_place& b) {
    return std::tie(a.run_id, a.step) < std::tie(b.run_id, b.step);
  }
};

/// The steps that wait: for an event, if it fulfils a condition, or for a signal.
class waiting_steps {
 public:
  void add(const wait_record& wait, shared_expression condition) {
    const step_place place{wait.run_id, wait.step};
    if (wait.signal.empty())
      by_event_[wait.event_name].emplace(place, std::move(condition));
    else
      by_signal_.insert_or_assign(wait.signal, place);
    waits_.insert_or_assign(place, std::pair(wait.event_name, wait.signal));
  }

  /// False when the step did not wait.
  bool remove(const step_place& place) {
    const auto found = waits_.extract(place);
    if (!found) return false;
    const auto& [event, signal] = found.mapped();
    if (const auto signals = by_signal_.find(signal); signals != by_signal_.end() && signals->second == place)
      by_signal_.erase(signals);
    if (const auto events = by_event_.find(event); events != by_event_.end()) {
      events->second.erase(place);
      if (events->second.empty()) by_event_.erase(events);
    }
    return true;
  }

  std::size_t size() const { return waits_.size(); }
  bool waits_for(const std::string& event) const { return by_event_.contains(event); }

  /// The steps that wait for an event of the name, and their conditions.
  std::vector<std::pair<step_place, shared_expression>> for_event(const std::string& name) const {
    const auto found = by_event_.find(name);
    if (found == by_event_.end()) return {};
    return {found->second.begin(), found->second.end()};
  }

  std::optional<step_place> for_signal(const std::string& signal) const {
    const auto found = by_signal_.find(signal);
    return found == by_signal_.end() ? std::nullopt : std::optional<step_place>(found->second);
  }

 private:
  std::map<step_place, std::pair<std::string, std::string>> waits_;  // event and signal
  std::unordered_map<std::string, std::map<step_place, shared_expression>> by_event_;
  std::unordered_map<std::string, step_place> by_signal_;
};

}  // namespace inngest::embedded
