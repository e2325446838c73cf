#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/error.hpp>
#include <inngest/expression.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/options.hpp>
#include <inngest/options/detail/option_limits.hpp>
#include <inngest/time/detail/cron.hpp>
#include <inngest/trigger.hpp>

namespace inngest::inline INNGEST_ABI::detail {

/// Checks options that every server would reject. Errors name the function and the option.
class option_check {
 public:
  /// `events` are the events of the function's triggers.
  option_check(const function_options& options, const std::vector<trigger_definition>& triggers,
               std::span<const event_shape> events = {});

  /// Checks all options. \throws configuration_error when one is invalid.
  void run() const;

  /// Checks the retries of the function or of an end handler; `option` is, for example, "on_failure:
  /// retries".
  void check_retries(const std::string& option, const std::optional<int>& retries) const;

  /// A warning about options that a server accepts but that can't work; empty when there is none.
  std::string warning() const;

 private:
  void require(bool holds, const std::string& rule) const;

  void check_text(const std::string& whose, std::string_view text) const;

  void require_range(const std::string& option, long long value, const option_range& range) const;
  void require_range(const std::string& option, std::chrono::seconds value, const option_range& range) const;
  template <class Value>
  void require_range(const std::string& option, const std::optional<Value>& value,
                     const option_range& range) const {
    if (value) require_range(option, *value, range);
  }

  void check_triggers() const;

  void check_trigger(const trigger_definition& trigger) const;

  void check_schedule(const trigger_definition& trigger) const;

  /// Checks an event's name, or a pattern with a * at its end, after a slash or a dot.
  void check_pattern(const std::string& event, const std::string& whose) const;

  /// Whether the event name matches the pattern.
  static bool matches(std::string_view pattern, std::string_view name);

  void check_expression_of(const std::string& whose, const std::string& text,
                           expression_policy policy = expression_policy::event_only) const;
  void check_expression_of(const std::string& whose, const std::string& text, expression_policy policy,
                           const expression_events& events) const;

  void check_concurrency() const;

  void check_cancel_on() const;

  void check_batch() const;

  void check_keys() const;

  void check_tags() const;

  void check_priority() const;

  /// Checks that every possible result is a number of seconds within the range.
  void check_priority(const std::vector<cel_node>& nodes, std::size_t at) const;

  void check_rates() const;

  const function_options& options_;
  const std::vector<trigger_definition>& triggers_;
  const std::span<const event_shape> events_;
};

}  // namespace inngest::inline INNGEST_ABI::detail

#if !defined(INNGEST_COMPILED)
#include <inngest/options/detail/impl/check_options.ipp>
#endif
