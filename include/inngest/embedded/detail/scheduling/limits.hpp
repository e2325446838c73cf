#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <inngest/config.hpp>
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

namespace inngest::inline INNGEST_ABI::embedded {

/// What limits how many of the function's calls are under way at once; null when nothing does. Limits of an
/// environment or account are shared by the functions whose keys read the same.
std::shared_ptr<const concurrency_limits> concurrency_of(const function_definition& function,
                                                         event_view& view);

/// By how much a run is put before others: up to ten minutes, or behind them when negative. A value that is
/// no number, NaN included, counts as 0.
std::chrono::seconds priority_of(const function_definition& function, event_view& view);

/// Of all runs with the same key there is one at a time; nothing when the event limits no runs.
std::optional<std::string> singleton_key(const function_definition& function, event_view& view);

namespace scheduling {

/// Applies those options to runs.
class limits {
 public:
  explicit limits(scheduler_state& state) : state_(state) {}

  /// Computes what the function's options say of a run that has its events.
  void resolve_keys(active_run& run);

  /// The run that must not have a second one beside it with such an event; null when there is none.
  active_run* rival(const function_definition& function, const std::string& event);

  /// Runs of a function continue as its new definition says, and have its limits.
  void apply_definition(const subscriptions::shared_function& function);

 private:
  scheduler_state& state_;
};

}  // namespace scheduling
}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/limits.ipp>
#endif
