#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/scheduling/event_view.hpp>
#include <inngest/embedded/detail/scheduling/flow_memory.hpp>
#include <inngest/embedded/detail/scheduling/run_queue.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/options/detail/option_limits.hpp>
#include <inngest/time/detail/saturated.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The flow control that depends on earlier events: rate limit, throttle, idempotency.
class flow_control {
 public:
  /// Adds remembered values to these changes.
  explicit flow_control(changes& changes) : memory_(changes) {}

  void load(remembered_value value) { memory_.load(std::move(value)); }
  void forget_what_is_over(timestamp now) { memory_.clean(now); }
  /// The number of remembered keys.
  std::size_t remembered() const { return memory_.size(); }

  /// Whether the rate limit or the idempotency key rejects the event. Idempotency is a limit of one run a
  /// day.
  bool is_limited(const function_definition& function, const std::string& event_id, event_view& view,
                  timestamp now);

  /// Whether an event with this id of its sender has started the function within a day.
  bool is_known_id(const function_definition& function, const std::string& given_id, timestamp now) const;
  void remember_id(const function_definition& function, const std::string& given_id, timestamp now);

  /// The time of the first call of a run that could begin at `earliest`.
  timestamp throttled(const function_definition& function, event_view& view, timestamp earliest);

 private:
  static std::string key_of_id(const function_definition& function, const std::string& given_id);

  bool is_first(std::string key, const std::string& event_id, timestamp now);

  flow_memory memory_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/flow_control.ipp>
#endif
