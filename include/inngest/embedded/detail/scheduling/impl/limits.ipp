#pragma once

#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/scheduling/limits.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::shared_ptr<const concurrency_limits> concurrency_of(const function_definition& function,
                                                                        event_view& view) {
  using scope = registered_limit::scope;
  if (function.concurrency.empty()) return nullptr;
  concurrency_limits out;
  for (const registered_limit& limit : function.concurrency) {
    std::string key = limit.within == scope::function      ? "function:" + function.slug
                      : limit.within == scope::environment ? std::string("environment")
                                                           : std::string("account");
    if (limit.key) key += ":" + limit.key->text() + ":" + view.key(limit.key);
    if (limit.holds_for_run) key.insert(0, "run:");
    out.push_back({.key = std::move(key), .limit = limit.limit, .holds_for_run = limit.holds_for_run});
  }
  return std::make_shared<const concurrency_limits>(std::move(out));
}

INNGEST_INLINE std::chrono::seconds priority_of(const function_definition& function, event_view& view) {
  using detail::option_limits::priority;
  const double seconds = view.number(function.priority).value_or(0);
  return std::chrono::seconds(detail::to_integer(seconds, priority.least, priority.most).value_or(0));
}

INNGEST_INLINE std::optional<std::string> singleton_key(const function_definition& function,
                                                        event_view& view) {
  if (!function.singleton) return std::nullopt;
  const auto value = view.limiting_key(function.singleton->key);
  return value ? std::optional(function.slug + ":" + *value) : std::nullopt;
}

}  // namespace inngest::inline INNGEST_ABI::embedded

namespace inngest::inline INNGEST_ABI::embedded::scheduling {

INNGEST_INLINE void limits::resolve_keys(active_run& run) {
  event_view view(run.event_text());
  run.limits = concurrency_of(*run.function, view);
  run.priority = priority_of(*run.function, view);
  run.throttle_key = flow_control::throttle_key(*run.function, view);
  if (auto key = singleton_key(*run.function, view)) state_.runs.set_singleton(run, std::move(*key));
}

INNGEST_INLINE active_run* limits::rival(const function_definition& function, const std::string& event) {
  event_view view(event);
  const auto key = singleton_key(function, view);
  return key ? state_.runs.singleton(*key) : nullptr;
}

INNGEST_INLINE void limits::apply_definition(const subscriptions::shared_function& function) {
  for (active_run* run : state_.runs.of_function(function->slug)) {
    run->function = function;
    if (!run->record.gathering.empty()) continue;
    state_.runs.forget_singleton(*run);
    resolve_keys(*run);
    state_.jobs.update_limits(*run);
    state_.jobs.hold_slots(*run);
  }
}

}  // namespace inngest::inline INNGEST_ABI::embedded::scheduling
