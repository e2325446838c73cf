#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/error.hpp>
#include <inngest/options.hpp>
#include <inngest/trigger.hpp>

namespace inngest::detail {

/// Refuses what no server would take, and names the function and the option.
class option_check {
 public:
  option_check(const function_options& options, const std::vector<trigger_definition>& triggers)
      : options_(options), triggers_(triggers) {}

  /// \throws configuration_error
  void run() const {
    if (options_.id.empty()) throw configuration_error("a function's id must not be empty");
    if (options_.retries) require(in_range(*options_.retries, 0, 20), "retries must be from 0 to 20");
    check_triggers();
    check_concurrency();
    check_rates();
    require(options_.cancel_on.size() <= 5, "cancel_on takes at most five events");
    for (const cancel_on& each : options_.cancel_on) {
      require(!each.event.empty(), "cancel_on needs an event");
      require_no_negative(each.timeout, "cancel_on.timeout");
    }
    require_no_negative(options_.timeouts.start, "timeouts.start");
    require_no_negative(options_.timeouts.finish, "timeouts.finish");
  }

 private:
  void require(bool holds, const std::string& rule) const {
    if (!holds) throw configuration_error("function \"" + options_.id + "\": " + rule);
  }

  void require_no_negative(const std::optional<std::chrono::seconds>& duration,
                           const std::string& option) const {
    require(!duration || *duration >= std::chrono::seconds::zero(), option + " must not be negative");
  }

  template <class Value>
  static bool in_range(Value value, Value low, Value high) {
    return low <= value && value <= high;
  }

  void check_triggers() const {
    require(in_range<std::size_t>(triggers_.size(), 1, 10), "a function has from 1 to 10 triggers");
    for (const trigger_definition& each : triggers_) {
      require(each.event.size() <= 255, "a trigger's event has at most 255 characters");
      if (each.event.empty())
        require(fields_of(each.cron) == 5, "not a schedule of five fields: \"" + each.cron + "\"");
    }
  }

  static std::ptrdiff_t fields_of(std::string_view schedule) {
    if (schedule.starts_with("TZ=") || schedule.starts_with("CRON_TZ=")) {
      schedule = schedule.substr(std::min(schedule.find(' '), schedule.size()));
    }
    std::ptrdiff_t fields = 0;
    char before = ' ';
    for (const char c : schedule) {
      if (before == ' ' && c != ' ') ++fields;
      before = c;
    }
    return fields;
  }

  void check_concurrency() const {
    require(options_.concurrency.limits().size() <= 2, "concurrency takes at most two limits");
    for (const concurrency_limit& each : options_.concurrency.limits()) {
      require(each.limit >= 0, "a concurrency limit must not be negative");
      require(each.scope == concurrency_scope::function || !each.key.empty(),
              "a concurrency limit of an environment or account needs a key");
    }
  }

  void check_rates() const {
    using std::chrono::hours, std::chrono::seconds;
    if (const auto& throttle = options_.throttle) {
      require(throttle->limit >= 1, "throttle.limit must be at least 1");
      require(throttle->period >= seconds(1), "throttle.period must be at least a second");
      require(throttle->burst.value_or(0) >= 0, "throttle.burst must not be negative");
    }
    if (const auto& limit = options_.rate_limit) {
      require(limit->limit >= 1, "rate_limit.limit must be at least 1");
      require(in_range<seconds>(limit->period, seconds(1), hours(24)),
              "rate_limit.period must be from 1 s to 24 h");
    }
    if (const auto& debounce = options_.debounce) {
      require(in_range<seconds>(debounce->period, seconds(1), hours(24 * 7)),
              "debounce.period must be from 1 s to 7 days");
      require_no_negative(debounce->timeout, "debounce.timeout");
    }
  }

  const function_options& options_;
  const std::vector<trigger_definition>& triggers_;
};

}  // namespace inngest::detail
