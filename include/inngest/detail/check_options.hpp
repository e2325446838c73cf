#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/detail/cron.hpp>
#include <inngest/detail/json_text.hpp>
#include <inngest/error.hpp>
#include <inngest/expression.hpp>
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
    check_text("its id", options_.id);
    check_text("its name", options_.name);
    if (options_.retries) require(in_range(*options_.retries, 0, 20), "retries must be from 0 to 20");
    check_triggers();
    check_concurrency();
    check_rates();
    require(options_.cancel_on.size() <= 5, "cancel_on takes at most five events");
    for (const cancel_on& each : options_.cancel_on) {
      check_pattern(each.event, "cancel_on");
      check_expression_of("the expression of cancel_on \"" + each.event + "\"",
                          matching_expression(each.expression, each.match), expression_policy::logic_only);
      require_no_negative(each.timeout, "cancel_on.timeout");
    }
    require_no_negative(options_.timeouts.start, "timeouts.start");
    require_no_negative(options_.timeouts.finish, "timeouts.finish");
    check_batch();
    check_expressions();
    check_checkpointing();
  }

 private:
  void require(bool holds, const std::string& rule) const {
    if (!holds) throw configuration_error("function \"" + readable(options_.id) + "\": " + rule);
  }

  void check_text(const std::string& whose, std::string_view text) const {
    require(simdjson::validate_utf8(text.data(), text.size()),
            whose + " must be UTF-8, not \"" + readable(text) + "\"");
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
    for (std::size_t i = 0; i < triggers_.size(); ++i) {
      const trigger_definition& each = triggers_[i];
      if (each.event.empty()) {
        check_schedule(each);
        const auto same = [&](const trigger_definition& other) { return other.cron == each.cron; };
        require(std::find_if(triggers_.begin(), triggers_.begin() + static_cast<std::ptrdiff_t>(i), same) ==
                    triggers_.begin() + static_cast<std::ptrdiff_t>(i),
                "two triggers have the schedule \"" + each.cron + "\"");
      } else {
        check_pattern(each.event, "a trigger");
        check_expression_of("the expression of trigger \"" + each.event + "\"", each.expression);
      }
    }
  }

  void check_schedule(const trigger_definition& trigger) const {
    check_text("a schedule", trigger.cron);
    try {
      cron_schedule::parse(trigger.cron);
    } catch (const error& problem) {
      require(false, "the schedule \"" + trigger.cron + "\": " + problem.what());
    }
    using std::chrono::minutes, std::chrono::seconds;
    if (trigger.jitter) {
      require(in_range<seconds>(*trigger.jitter, seconds(1), minutes(5)),
              "the jitter of schedule \"" + trigger.cron + "\" must be from 1 s to 5 minutes");
    }
  }

  /// An event's name, or a pattern: a * at its end, after a slash or a dot.
  void check_pattern(const std::string& event, const std::string& whose) const {
    require(!event.empty(), whose + " needs an event");
    check_text(whose + "'s event", event);
    require(event.size() <= 255, whose + "'s event has at most 255 characters: \"" + event + "\"");
    const std::size_t star = event.find('*');
    if (star == std::string::npos) return;
    const bool last = star + 1 == event.size();
    const bool after_part = star > 0 && (event[star - 1] == '/' || event[star - 1] == '.');
    require(last && after_part,
            whose + "'s event \"" + event + "\": a * must stand at the end, after a slash or a dot");
  }

  void check_expression_of(const std::string& whose, const std::string& text,
                           expression_policy policy = expression_policy::event_only) const {
    if (text.empty()) return;
    check_text(whose, text);
    try {
      check_expression(text, policy);
    } catch (const error& problem) {
      require(false, whose + " (" + text + "): " + problem.what());
    }
  }

  void check_concurrency() const {
    require(options_.concurrency.limits().size() <= 2, "concurrency takes at most two limits");
    for (const concurrency_limit& each : options_.concurrency.limits()) {
      require(each.limit >= 0, "a concurrency limit must not be negative");
      require(each.scope == concurrency_scope::function || !each.key.empty(),
              "a concurrency limit of an environment or account needs a key");
    }
  }

  void check_batch() const {
    if (!options_.batch) return;
    using std::chrono::minutes, std::chrono::seconds;
    require(options_.batch->max_size >= 2, "batch.max_size must be at least 2");
    require(in_range<seconds>(options_.batch->timeout, seconds(1), minutes(10)),
            "batch.timeout must be from 1 s to 10 minutes");
    require(options_.cancel_on.empty(), "batch and cancel_on don't go together");
    require(!options_.debounce, "batch and debounce don't go together");
    require(!options_.singleton, "batch and singleton don't go together");
    require(options_.priority.empty(), "batch and priority don't go together");
  }

  void check_expressions() const {
    for (const concurrency_limit& each : options_.concurrency.limits())
      check_expression_of("concurrency.key", each.key);
    if (options_.throttle) check_expression_of("throttle.key", options_.throttle->key);
    if (options_.rate_limit) check_expression_of("rate_limit.key", options_.rate_limit->key);
    if (options_.debounce) check_expression_of("debounce.key", options_.debounce->key);
    if (options_.batch) {
      check_expression_of("batch.key", options_.batch->key);
      check_expression_of("batch.condition", options_.batch->condition);
    }
    if (options_.singleton) check_expression_of("singleton.key", options_.singleton->key);
    check_expression_of("priority", options_.priority);
    check_expression_of("idempotency", options_.idempotency);
  }

  void check_checkpointing() const {
    if (!options_.checkpointing) return;
    require(options_.checkpointing->buffered_steps >= 1, "checkpointing.buffered_steps must be at least 1");
    require(options_.checkpointing->max_runtime > std::chrono::milliseconds::zero(),
            "checkpointing.max_runtime must be more than zero");
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
