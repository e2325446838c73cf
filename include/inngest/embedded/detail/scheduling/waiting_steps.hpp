#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/step_id.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

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

/// The steps that wait for an event that matches a condition, or for a signal.
class waiting_steps {
 public:
  void add(const wait_record& wait, shared_expression condition);

  /// Removes a wait. Returns false when the step was not waiting.
  bool remove(const step_place& place);

  std::size_t size() const { return waits_.size(); }
  /// "event <name>" or "signal <name>"; empty when the step is not waiting.
  std::string awaited_by(const step_place& place) const;
  bool waits_for(const std::string& event) const { return by_event_.contains(event); }

  /// The steps that wait for an event with the name, and their conditions.
  std::vector<std::pair<step_place, shared_expression>> for_event(const std::string& name) const;

  std::optional<step_place> for_signal(const std::string& signal) const;

 private:
  std::map<step_place, std::pair<std::string, std::string>> waits_;  // event and signal
  std::unordered_map<std::string, std::map<step_place, shared_expression>> by_event_;
  std::unordered_map<std::string, step_place> by_signal_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/waiting_steps.ipp>
#endif
