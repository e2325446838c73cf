#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/scheduling/event_view.hpp>
#include <inngest/embedded/detail/scheduling/flow_memory.hpp>
#include <inngest/embedded/detail/scheduling/run_queue.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/options/detail/option_limits.hpp>
#include <inngest/time/detail/saturated.hpp>

namespace inngest::embedded {

/// The options that must remember earlier events in order to say whether and when an event starts a run: rate
/// limit, throttle, idempotency.
class flow_control {
 public:
  /// Notes there what it remembers, to be committed.
  explicit flow_control(changes& changes) : memory_(changes) {}

  void load(remembered_value value) { memory_.load(std::move(value)); }
  void forget_what_is_over(timestamp now) { memory_.clean(now); }
  /// How many keys it remembers.
  std::size_t remembered() const { return memory_.size(); }

  /// Whether the function takes no more runs of such events for now. Idempotency is a rate of one a day.
  bool is_limited(const function_definition& function, const std::string& event_id, event_view& view,
                  timestamp now) {
    if (function.idempotency) {
      const auto value = view.limiting_key(function.idempotency);
      return value && !is_first("once:" + function.slug + ":" + *value, event_id, now);
    }
    if (!function.rate_limit) return false;
    const registered_rate_limit& limit = *function.rate_limit;
    const auto value = view.limiting_key(limit.key);
    const rate allowed{
        .limit = limit.limit, .burst = std::int64_t{limit.limit} / 10 + 1, .period = limit.period};
    return value && !memory_.take("rate:" + function.slug + ":" + *value, allowed, now);
  }

  /// Whether an event with this id, which its sender gave, has started the function within a day.
  bool is_known_id(const function_definition& function, const std::string& given_id, timestamp now) const {
    return !given_id.empty() && memory_.find(key_of_id(function, given_id), now).has_value();
  }
  void remember_id(const function_definition& function, const std::string& given_id, timestamp now) {
    if (!given_id.empty()) memory_.remember(key_of_id(function, given_id), "", now + std::chrono::hours(24));
  }

  /// When a run that could begin at `earliest` may make its first call.
  timestamp throttled(const function_definition& function, event_view& view, timestamp earliest) {
    if (!function.throttle) return earliest;
    const registered_throttle& throttle = *function.throttle;
    const rate allowed{.limit = throttle.limit,
                       .burst = std::int64_t{throttle.limit} + throttle.burst,
                       .period = throttle.period};
    return memory_.reserve("throttle:" + function.slug + ":" + view.key(throttle.key), allowed, earliest);
  }

 private:
  static std::string key_of_id(const function_definition& function, const std::string& given_id) {
    return "event:" + function.slug + ":" + given_id;
  }

  bool is_first(std::string key, const std::string& event_id, timestamp now) {
    if (memory_.find(key, now)) return false;
    memory_.remember(std::move(key), event_id, now + std::chrono::hours(24));
    return true;
  }

  flow_memory memory_;
};

}  // namespace inngest::embedded
