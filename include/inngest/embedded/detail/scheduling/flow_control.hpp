#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <inngest/detail/option_limits.hpp>
#include <inngest/detail/saturated.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/scheduling/event_view.hpp>
#include <inngest/embedded/detail/scheduling/flow_memory.hpp>
#include <inngest/embedded/detail/scheduling/run_queue.hpp>
#include <inngest/embedded/store.hpp>

// What a function's options say of an event: whether it starts a run, when, and beside which others.

namespace inngest::embedded {

/// The options that need to remember earlier events.
class flow_control {
 public:
  /// What is remembered is noted there, to be kept.
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

  /// When a run that could begin at a time has its turn.
  timestamp turn(const function_definition& function, event_view& view, timestamp earliest) {
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

/// What limits how many of the function's calls are under way at once; null when nothing does. Limits of an
/// environment or account are shared by the functions whose keys read the same.
inline std::shared_ptr<const slot_limits> slots_of(const function_definition& function, event_view& view) {
  using scope = registered_limit::scope;
  if (function.concurrency.empty()) return nullptr;
  slot_limits out;
  for (const registered_limit& each : function.concurrency) {
    std::string key = each.within == scope::function      ? "function:" + function.slug
                      : each.within == scope::environment ? std::string("environment")
                                                          : std::string("account");
    if (each.key) key += ":" + each.key->text() + ":" + view.key(each.key);
    out.push_back({.key = std::move(key), .limit = each.limit});
  }
  return std::make_shared<const slot_limits>(std::move(out));
}

/// By how much a run is put before others: up to ten minutes, or behind them. What is no number, NaN
/// included, puts it nowhere.
inline std::chrono::seconds precedence_of(const function_definition& function, event_view& view) {
  using detail::option_limits::priority;
  const double seconds = view.number(function.priority).value_or(0);
  return std::chrono::seconds(detail::to_integer(seconds, priority.least, priority.most).value_or(0));
}

/// Which runs there can be no second of; nothing when there can.
inline std::optional<std::string> singleton_key(const function_definition& function, event_view& view) {
  if (!function.singleton) return std::nullopt;
  const auto value = view.limiting_key(function.singleton->key);
  return value ? std::optional(function.slug + ":" + *value) : std::nullopt;
}

}  // namespace inngest::embedded
