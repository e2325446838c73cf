#pragma once

#include <algorithm>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/detail/reserved_events.hpp>
#include <inngest/options/detail/check_options.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE option_check::option_check(const function_options& options,
                                          const std::vector<trigger_definition>& triggers,
                                          std::span<const event_shape> events)
    : options_(options), triggers_(triggers), events_(events) {}

INNGEST_INLINE void option_check::run() const {
  if (is_blank(options_.id)) {
    throw configuration_error(
        "a function's id must not be empty or blank" +
        (options_.name.empty() ? "" : ": that of \"" + to_printable(options_.name) + "\""));
  }
  check_text("its id", options_.id);
  check_text("its name", options_.name);
  require(options_.name.empty() || !is_blank(options_.name), "name must not be blank");
  check_retries("retries", options_.retries);
  check_triggers();
  check_concurrency();
  check_rates();
  check_cancel_on();
  require_range("timeouts.start", options_.timeouts.start, option_limits::timeout);
  require_range("timeouts.finish", options_.timeouts.finish, option_limits::timeout);
  check_batch();
  check_keys();
  check_tags();
  check_priority();
  if (options_.checkpointing) {
    const std::string problem = problem_of(*options_.checkpointing);
    require(problem.empty(), problem);
  }
}

INNGEST_INLINE void option_check::check_retries(const std::string& option,
                                                const std::optional<int>& retries) const {
  require_range(option, retries, option_limits::retries);
}

INNGEST_INLINE std::string option_check::warning() const {
  const auto starts_it = [](const trigger_definition& trigger) {
    return trigger.expression.empty() && matches(trigger.event, reserved_event::cancelled);
  };
  if (!std::any_of(triggers_.begin(), triggers_.end(), starts_it)) return {};
  const auto cancels_it = [](const cancel_on& cancel) {
    return cancel.expression.empty() && cancel.match.empty() &&
           matches(cancel.event, reserved_event::cancelled);
  };
  const bool cancelled = (options_.singleton && options_.singleton->mode == singleton_mode::cancel) ||
                         std::any_of(options_.cancel_on.begin(), options_.cancel_on.end(), cancels_it);
  if (!cancelled) return {};
  return "function \"" + options_.id +
         "\" is started by every inngest/function.cancelled and cancels runs of its own: each of them "
         "starts "
         "another, without end. Give its trigger an expression, such as event.data.function_id != '<app>-" +
         options_.id + "'";
}

INNGEST_INLINE void option_check::require(bool holds, const std::string& rule) const {
  if (!holds) throw configuration_error("function \"" + to_printable(options_.id) + "\": " + rule);
}

INNGEST_INLINE void option_check::check_text(const std::string& whose, std::string_view text) const {
  require(is_utf8(text), whose + " must be UTF-8, not \"" + to_printable(text) + "\"");
}

INNGEST_INLINE void option_check::require_range(const std::string& option, long long value,
                                                const option_range& range) const {
  require(range.holds(value), option + " must be " + range.text() + ", not " + range.text_of(value));
}

INNGEST_INLINE void option_check::require_range(const std::string& option, std::chrono::seconds value,
                                                const option_range& range) const {
  require_range(option, value.count(), range);
}

INNGEST_INLINE void option_check::check_triggers() const {
  require_range("the number of triggers", static_cast<long long>(triggers_.size()), option_limits::triggers);
  for (std::size_t i = 0; i < triggers_.size(); ++i) {
    const trigger_definition& trigger = triggers_[i];
    const bool is_schedule = trigger.event.empty();
    if (is_schedule)
      check_schedule(trigger);
    else
      check_trigger(trigger);
    const auto same = [&](const trigger_definition& earlier) {
      return earlier.event == trigger.event && earlier.cron == trigger.cron &&
             (is_schedule || earlier.expression == trigger.expression);
    };
    const auto end = triggers_.begin() + static_cast<std::ptrdiff_t>(i);
    require(std::none_of(triggers_.begin(), end, same),
            is_schedule ? "two triggers have the schedule \"" + trigger.cron + "\""
                        : "two triggers have the event \"" + trigger.event + "\" and the same expression");
  }
}

INNGEST_INLINE void option_check::check_trigger(const trigger_definition& trigger) const {
  check_pattern(trigger.event, "a trigger");
  // on<A, B>() has one expression for both events: it may use the members of either
  std::vector<event_shape> events;
  for (const trigger_definition& other : triggers_) {
    if (other.expression != trigger.expression) continue;
    for (const event_shape& event : events_) {
      if (event.name == other.event) events.push_back(event);
    }
  }
  check_expression_of("the expression of trigger \"" + trigger.event + "\"", trigger.expression,
                      expression_policy::event_only, {.event = events});
}

INNGEST_INLINE void option_check::check_schedule(const trigger_definition& trigger) const {
  check_text("a schedule", trigger.cron);
  try {
    cron_schedule::parse(trigger.cron);
  } catch (const error& problem) {
    require(false, "the schedule \"" + trigger.cron + "\": " + problem.what());
  }
  require_range("the jitter of schedule \"" + trigger.cron + "\"", trigger.jitter,
                option_limits::cron_jitter);
}

INNGEST_INLINE void option_check::check_pattern(const std::string& event, const std::string& whose) const {
  require(!event.empty(), whose + " needs an event");
  check_text(whose + "'s event", event);
  require(option_limits::event_name.holds(static_cast<long long>(event.size())),
          whose + "'s event has at most 255 characters, not " + std::to_string(event.size()) + ": \"" +
              event + "\"");
  require(valid_event_name(event),
          whose + "'s event must not have spaces, quotes or backslashes: \"" + event + "\"");
  const std::size_t star = event.find('*');
  if (star == std::string::npos) return;
  const bool last = star + 1 == event.size();
  const bool after_part = star > 0 && (event[star - 1] == '/' || event[star - 1] == '.');
  require(last && after_part,
          whose + "'s event \"" + event + "\": a * is only allowed at the end, after a slash or a dot");
}

INNGEST_INLINE bool option_check::matches(std::string_view pattern, std::string_view name) {
  return pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1)) : pattern == name;
}

INNGEST_INLINE void option_check::check_expression_of(const std::string& whose, const std::string& text,
                                                      expression_policy policy) const {
  check_expression_of(whose, text, policy, {.event = events_});
}

INNGEST_INLINE void option_check::check_expression_of(const std::string& whose, const std::string& text,
                                                      expression_policy policy,
                                                      const expression_events& events) const {
  if (text.empty()) return;
  check_text(whose, text);
  try {
    check_expression(text, policy, events);
  } catch (const error& problem) {
    require(false, whose + " (" + text + "): " + problem.what());
  }
}

INNGEST_INLINE void option_check::check_concurrency() const {
  const auto& limits = options_.concurrency.limits();
  require_range("the number of concurrency limits", static_cast<long long>(limits.size()),
                option_limits::concurrency_limits);
  for (const concurrency_limit& limit : limits) {
    require_range("concurrency.limit", limit.limit, option_limits::concurrency);
    require(limit.scope == concurrency_scope::function || !limit.key.empty(),
            "a concurrency limit of an environment or account needs a key");
  }
}

INNGEST_INLINE void option_check::check_cancel_on() const {
  require_range("the number of events in cancel_on", static_cast<long long>(options_.cancel_on.size()),
                option_limits::cancel_on);
  for (const cancel_on& cancel : options_.cancel_on) {
    check_pattern(cancel.event, "cancel_on");
    std::vector<event_shape> later;
    for (const event_shape& event : events_) {
      if (event.name == cancel.event) later.push_back(event);
    }
    const std::string whose = "cancel_on \"" + cancel.event + "\"";
    const expression_events events{.event = events_, .async = later};
    check_expression_of("the expression of " + whose, cancel.expression, expression_policy::logic_only,
                        events);
    try {
      check_match(cancel.match.of_event(), "event", events);
      check_match(cancel.match.of_async(), "async", events);
    } catch (const error& problem) {
      require(false, "the match of " + whose + " (" + cancel.match.text() + "): " + problem.what());
    }
    check_expression_of("the expression of " + whose, matching_expression(cancel.expression, cancel.match),
                        expression_policy::logic_only, events);
    require_range("cancel_on.timeout", cancel.timeout, option_limits::timeout);
  }
}

INNGEST_INLINE void option_check::check_batch() const {
  if (!options_.batch) return;
  require_range("batch.max_size", options_.batch->max_size, option_limits::batch_size);
  require_range("batch.timeout", options_.batch->timeout, option_limits::batch_timeout);
  require(options_.cancel_on.empty(), "batch and cancel_on can't be combined");
  require(!options_.debounce, "batch and debounce can't be combined");
  require(!options_.singleton, "batch and singleton can't be combined");
  require(options_.priority.empty(), "batch and priority can't be combined");
  require(!options_.rate_limit, "batch and rate_limit can't be combined: a server does not limit batches");
  require(options_.idempotency.empty(),
          "batch and idempotency can't be combined: a server does not look for repeated events in batches");
}

INNGEST_INLINE void option_check::check_keys() const {
  for (const concurrency_limit& limit : options_.concurrency.limits())
    check_expression_of("concurrency.key", limit.key);
  if (options_.throttle) check_expression_of("throttle.key", options_.throttle->key);
  if (options_.rate_limit) check_expression_of("rate_limit.key", options_.rate_limit->key);
  if (options_.debounce) check_expression_of("debounce.key", options_.debounce->key);
  if (options_.batch) {
    check_expression_of("batch.key", options_.batch->key);
    check_expression_of("batch.condition", options_.batch->condition);
  }
  if (options_.singleton) check_expression_of("singleton.key", options_.singleton->key);
  check_expression_of("idempotency", options_.idempotency);
}

INNGEST_INLINE void option_check::check_tags() const {
  for (const function_tag& tag : options_.tags) {
    const std::string problem = problem_of_tag_name(tag.name);
    require(problem.empty(), "tags: " + problem);
    require(!is_blank(tag.value), "tags: \"" + tag.name + "\" needs an expression as its value");
    check_expression_of("tags: " + tag.name, tag.value);
  }
}

INNGEST_INLINE void option_check::check_priority() const {
  if (options_.priority.empty()) return;
  check_expression_of("priority", options_.priority);
  const expression parsed(options_.priority);
  check_priority(parsed.nodes(), parsed.nodes().size() - 1);
}

INNGEST_INLINE void option_check::check_priority(const std::vector<cel_node>& nodes, std::size_t at) const {
  using kind = cel_node::kind;
  const cel_node& node = nodes[at];
  const std::string whose = "priority (" + options_.priority + ")";
  switch (node.what) {
    case kind::operation:
      if (node.text != "?:") return;
      check_priority(nodes, node.parts[1]);
      return check_priority(nodes, node.parts[2]);
    case kind::integer:
      return require_range(whose, node.integer, option_limits::priority);
    case kind::unsigned_integer:
      return require_range(whose, node.integer < 0 ? max_period : node.integer, option_limits::priority);
    case kind::real:
      return require_range(whose, to_integer<long long>(node.real).value_or(max_period),
                           option_limits::priority);
    case kind::string:
    case kind::bytes:
    case kind::boolean:
    case kind::list:
    case kind::map:
      return require(false, whose + " must give a number of seconds " + option_limits::priority.text());
    default:
      return;
  }
}

INNGEST_INLINE void option_check::check_rates() const {
  if (const auto& throttle = options_.throttle) {
    require_range("throttle.limit", throttle->limit, option_limits::throttle_limit);
    require_range("throttle.period", throttle->period, option_limits::throttle_period);
    require_range("throttle.burst", throttle->burst, option_limits::throttle_burst);
  }
  if (const auto& limit = options_.rate_limit) {
    require_range("rate_limit.limit", limit->limit, option_limits::rate_limit);
    require_range("rate_limit.period", limit->period, option_limits::rate_limit_period);
  }
  if (const auto& debounce = options_.debounce) {
    require_range("debounce.period", debounce->period, option_limits::debounce_period);
    require_range("debounce.timeout", debounce->timeout, option_limits::debounce_timeout);
  }
}

}  // namespace inngest::inline INNGEST_ABI::detail
