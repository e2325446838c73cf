#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/scheduling/active_run.hpp>
#include <inngest/embedded/detail/scheduling/event_view.hpp>
#include <inngest/embedded/detail/scheduling/run_queue.hpp>
#include <inngest/embedded/detail/scheduling/scheduler_state.hpp>
#include <inngest/embedded/detail/scheduling/subscriptions.hpp>
#include <inngest/options/detail/option_limits.hpp>
#include <inngest/time/detail/saturated.hpp>

// The options by which runs compete: concurrency, priority and singletons.

namespace inngest::inline INNGEST_ABI::embedded {

/// The limits on how many of the function's calls run at the same time; null without limits. Functions with
/// the same key text share limits of the scopes environment and account.
std::shared_ptr<const concurrency_limits> concurrency_of(const function_definition& function,
                                                         event_view& view);

/// How far a run is moved ahead in the queue, up to ten minutes; negative values move it back. A value that
/// is not a number, or is NaN, counts as 0.
std::chrono::seconds priority_of(const function_definition& function, event_view& view);

/// The key of a singleton: only one run of a key exists at a time. `nullopt` when the event has no key.
std::optional<std::string> singleton_key(const function_definition& function, event_view& view);

namespace scheduling {

/// Applies these options to runs.
class limits {
 public:
  explicit limits(scheduler_state& state) : state_(state) {}

  /// Computes the limits, priority, throttle key and singleton key of a run that has all its events.
  void resolve_keys(active_run& run);

  /// The existing run of the singleton that the event would start; null when there is none.
  active_run* rival(const function_definition& function, const std::string& event);

  /// Applies a function's new definition, and its limits, to its runs.
  void apply_definition(const subscriptions::shared_function& function);

 private:
  scheduler_state& state_;
};

}  // namespace scheduling
}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/scheduling/impl/limits.ipp>
#endif
