#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/cancellation_api.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/scheduling/event_view.hpp>
#include <inngest/embedded/detail/scheduling/flow_memory.hpp>
#include <inngest/embedded/detail/scheduling/run_queue.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/options/detail/option_limits.hpp>
#include <inngest/time/detail/saturated.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Flow control that depends on earlier events: rate limit, throttle, idempotency.
class flow_control {
 public:
  /// Adds remembered values to `changes`.
  explicit flow_control(changes& changes) : memory_(changes) {}

  void load(remembered_value value) { memory_.load(std::move(value)); }
  void forget_what_is_over(timestamp now) { memory_.clean(now); }
  /// The number of remembered keys.
  std::size_t remembered() const { return memory_.size(); }
  /// The number of remembered keys that begin with the prefix.
  std::size_t remembered(std::string_view prefix) const { return memory_.count(prefix); }

  /// A value that does not belong to flow control but is stored the same way; `nullopt` when there is none.
  std::optional<std::string> find_value(const std::string& key, timestamp now) const {
    return memory_.find(key, now);
  }
  /// Stores such a value.
  void remember_value(std::string key, std::string text, timestamp expires) {
    memory_.remember(std::move(key), std::move(text), expires);
  }

  /// Whether the rate limit or the idempotency key rejects the event. Idempotency is a limit of one run per
  /// day.
  bool is_limited(const function_definition& function, const std::string& event_id, event_view& view,
                  timestamp now);

  /// Whether an event with this sender's id has started the function within a day.
  bool is_known_id(const function_definition& function, const std::string& given_id, timestamp now) const;
  void remember_id(const function_definition& function, const std::string& given_id, timestamp now);

  /// The run that a request with the key started within a day; `nullopt` when there is none.
  std::optional<std::string> invoked_by(const function_definition& function, const std::string& key,
                                        timestamp now) const;
  void remember_invoked(const function_definition& function, const std::string& key,
                        const std::string& run_id, timestamp now);

  /// The bulk cancellations of the last month.
  std::vector<bulk_cancellation> bulk_cancellations(timestamp now) const;
  void remember(const bulk_cancellation& cancellation);
  /// Returns false when it does not exist.
  bool remove_bulk_cancellation(const std::string& id);

  /// The key of the runs that share a throttle with a run of the event; empty without a throttle.
  static std::string throttle_key(const function_definition& function, event_view& view);

  /// When the next run of a throttle may begin: `at`, and then one after each interval. Counts none.
  struct turns {
    timestamp at{};
    std::chrono::milliseconds interval{};
  };
  turns throttled(const std::string& key, const registered_throttle& throttle, timestamp now);

  /// Counts a run that begins when its throttle allows it.
  void count_begun(const std::string& key, const registered_throttle& throttle, timestamp now);

 private:
  static rate rate_of(const registered_throttle& throttle);

  static std::string key_of_id(const function_definition& function, const std::string& given_id);

  bool is_first(std::string key, const std::string& event_id, timestamp now);

  flow_memory memory_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/flow_control.ipp>
#endif
