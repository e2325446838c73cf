#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/waiting_steps.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE void waiting_steps::add(const wait_record& wait, shared_expression condition) {
  const step_place place{wait.run_id, wait.step};
  if (wait.signal.empty())
    by_event_[wait.event_name].emplace(place, std::move(condition));
  else
    by_signal_.insert_or_assign(wait.signal, place);
  waits_.insert_or_assign(place, std::pair(wait.event_name, wait.signal));
}

INNGEST_INLINE bool waiting_steps::remove(const step_place& place) {
  const auto found = waits_.extract(place);
  if (!found) return false;
  const auto& [event, signal] = found.mapped();
  if (const auto waiting = by_signal_.find(signal); waiting != by_signal_.end() && waiting->second == place)
    by_signal_.erase(waiting);
  if (const auto events = by_event_.find(event); events != by_event_.end()) {
    events->second.erase(place);
    if (events->second.empty()) by_event_.erase(events);
  }
  return true;
}

INNGEST_INLINE std::string waiting_steps::awaited_by(const step_place& place) const {
  const auto found = waits_.find(place);
  if (found == waits_.end()) return {};
  const auto& [event, signal] = found->second;
  return signal.empty() ? "event " + event : "signal " + signal;
}

INNGEST_INLINE std::vector<std::pair<step_place, shared_expression>> waiting_steps::for_event(
    const std::string& name) const {
  const auto found = by_event_.find(name);
  if (found == by_event_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

INNGEST_INLINE std::optional<step_place> waiting_steps::for_signal(const std::string& signal) const {
  const auto found = by_signal_.find(signal);
  return found == by_signal_.end() ? std::nullopt : std::optional<step_place>(found->second);
}

}  // namespace inngest::inline INNGEST_ABI::embedded
