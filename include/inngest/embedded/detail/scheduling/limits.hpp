#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>
#include <inngest/embedded/detail/scheduling/event_view.hpp>
#include <inngest/embedded/detail/scheduling/run_queue.hpp>
#include <inngest/embedded/detail/scheduling/scheduler_state.hpp>
#include <inngest/embedded/detail/scheduling/subscriptions.hpp>
#include <inngest/options/detail/option_limits.hpp>
#include <inngest/time/detail/saturated.hpp>

// What a function's options say of its runs beside others: how many calls at once, which first, and which run
// alone.

namespace inngest::embedded {

/// What limits how many of the function's calls are under way at once; null when nothing does. Limits of an
/// environment or account are shared by the functions whose keys read the same.
inline std::shared_ptr<const concurrency_limits> concurrency_of(const function_definition& function,
                                                                event_view& view) {
  using scope = registered_limit::scope;
  if (function.concurrency.empty()) return nullptr;
  concurrency_limits out;
  for (const registered_limit& limit : function.concurrency) {
    std::string key = limit.within == scope::function      ? "function:" + function.slug
                      : limit.within == scope::environment ? std::string("environment")
                                                           : std::string("account");
    if (limit.key) key += ":" + limit.key->text() + ":" + view.key(limit.key);
    out.push_back({.key = std::move(key), .limit = limit.limit});
  }
  return std::make_shared<const concurrency_limits>(std::move(out));
}

/// By how much a run is put before others: up to ten minutes, or behind them when negative. A value that is
/// no number, NaN included, counts as 0.
inline std::chrono::seconds priority_of(const function_definition& function, event_view& view) {
  using detail::option_limits::priority;
  const double seconds = view.number(function.priority).value_or(0);
  return std::chrono::seconds(detail::to_integer(seconds, priority.least, priority.most).value_or(0));
}

/// Of all runs with the same key there is one at a time; nothing when the event limits no runs.
inline std::optional<std::string> singleton_key(const function_definition& function, event_view& view) {
  if (!function.singleton) return std::nullopt;
  const auto value = view.limiting_key(function.singleton->key);
  return value ? std::optional(function.slug + ":" + *value) : std::nullopt;
}

namespace scheduling {

/// Applies those options to runs.
class limits {
 public:
  explicit limits(scheduler_state& state) : state_(state) {}

  /// Computes what the function's options say of a run that has its events.
  void resolve_keys(active_run& run) {
    event_view view(run.event_text());
    run.limits = concurrency_of(*run.function, view);
    run.priority = priority_of(*run.function, view);
    if (auto key = singleton_key(*run.function, view)) state_.runs.set_singleton(run, std::move(*key));
  }

  /// The run that must not have a second one beside it with such an event; null when there is none.
  active_run* rival(const function_definition& function, const std::string& event) {
    event_view view(event);
    const auto key = singleton_key(function, view);
    return key ? state_.runs.singleton(*key) : nullptr;
  }

  /// Runs of a function continue as its new definition says, and have its limits.
  void apply_definition(const subscriptions::shared_function& function) {
    for (active_run* run : state_.runs.of_function(function->slug)) {
      run->function = function;
      if (!run->record.gathering.empty()) continue;
      state_.runs.forget_singleton(*run);
      resolve_keys(*run);
      state_.jobs.update_limits(*run);
    }
  }

 private:
  scheduler_state& state_;
};

}  // namespace scheduling
}  // namespace inngest::embedded
