#pragma once

#include <inngest/inngest.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "body.hpp"
#include "chance.hpp"
#include "interpret.hpp"

// The functions of a simulated app: options, triggers and bodies by chance.
//
// No chain of them goes on without end. Events have levels, in the order of `event_names`; a function sends
// only events of a higher level than those that start it, and invokes only functions behind it. What ends of
// runs start sends and invokes nothing.

namespace simulated {

inline const std::vector<std::string> signal_names{"red", "green"};
inline const std::vector<std::string> key_values{"k0", "k1", "k2"};

struct function_plan {
  inngest::function_options options{};
  std::vector<inngest::trigger_definition> triggers{};
  body handler{};
  std::optional<body> on_failure{}, on_cancel{}, on_success{};
  /// It is of an app elsewhere, called over the network.
  bool is_elsewhere = false;

  std::string app() const { return is_elsewhere ? far_app_id : app_id; }
  std::string slug() const { return app() + "-" + options.id; }
  bool is_started_by_ends() const {
    for (const auto& trigger : triggers) {
      if (trigger.event.starts_with("inngest/")) return true;
    }
    return false;
  }
  /// Whether each event that fits starts exactly one run: nothing gathers, skips or drops events.
  bool takes_every_event() const {
    return !options.rate_limit && !options.debounce && !options.batch && !options.singleton &&
           options.idempotency.empty();
  }
};

namespace plans {

inline std::string key(chance& by) { return by.one_in(2) ? "event.data.k" : ""; }
inline std::chrono::seconds period(chance& by) { return std::chrono::seconds(by.between(1, 90)); }

inline void add_start_options(chance& by, inngest::function_options& options) {
  if (by.one_in(6))
    options.throttle = {.limit = static_cast<int>(by.between(1, 3)), .period = period(by), .key = key(by)};
  if (options.throttle && by.one_in(2)) options.throttle->burst = static_cast<int>(by.between(1, 3));
  if (by.one_in(8))
    options.rate_limit = {.limit = static_cast<int>(by.between(1, 12)), .period = period(by), .key = key(by)};
  else if (by.one_in(10))
    options.idempotency = "event.data.k";
  if (by.one_in(8)) {
    options.debounce = {.period = period(by), .key = key(by)};
    if (by.one_in(2)) options.debounce->timeout = options.debounce->period + period(by);
  } else if (by.one_in(6)) {
    options.singleton = {
        .mode = by.one_in(2) ? inngest::singleton_mode::skip : inngest::singleton_mode::cancel,
        .key = key(by)};
  }
  if (by.one_in(6)) options.priority = "event.data.n * 10";
}

inline void add_cancel_on(chance& by, inngest::function_options& options) {
  if (!by.one_in(4)) return;
  inngest::cancel_on cancel{.event = std::string(by.pick(event_names))};
  if (by.one_in(2))
    cancel.match = "data.k";
  else if (by.one_in(2))
    cancel.expression = "async.data.n > event.data.n";
  if (by.one_in(2)) cancel.timeout = period(by);
  options.cancel_on.push_back(std::move(cancel));
}

inline inngest::concurrency concurrency(chance& by) {
  std::vector<inngest::concurrency_limit> limits;
  limits.push_back({.limit = static_cast<int>(by.one_in(2) ? 1 : by.between(2, 3)), .key = key(by)});
  if (by.one_in(2)) {
    const bool is_shared = by.one_in(2);
    limits.push_back({.limit = static_cast<int>(by.one_in(2) ? 1 : by.between(2, 4)),
                      .key = is_shared || limits[0].key.empty() ? "event.data.k" : "",
                      .scope = is_shared ? inngest::concurrency_scope::environment
                                         : inngest::concurrency_scope::function});
  }
  return limits.size() == 1 ? inngest::concurrency({limits[0]})
                            : inngest::concurrency({limits[0], limits[1]});
}

inline void add_options(chance& by, inngest::function_options& options) {
  options.retries = static_cast<int>(by.between(0, 3));
  if (by.one_in(3)) options.concurrency = concurrency(by);
  if (by.one_in(8)) {
    options.batch = inngest::batch{.max_size = static_cast<int>(by.between(2, 4)),
                                   .timeout = period(by),
                                   .key = key(by),
                                   .condition = by.one_in(4) ? "event.data.n > 4" : ""};
    if (by.one_in(6)) options.throttle = {.limit = 2, .period = period(by)};
  } else {
    add_start_options(by, options);
    add_cancel_on(by, options);
  }
  if (by.one_in(6)) options.timeouts.start = period(by);
  if (by.one_in(6)) options.timeouts.finish = period(by) + period(by);
  inngest::checkpointing checkpoints{.enabled = !by.one_in(3)};
  if (by.one_in(4)) checkpoints.buffered_steps = static_cast<int>(by.between(2, 4));
  options.checkpointing = checkpoints;
}

inline std::string condition(chance& by) {
  if (by.one_in(2)) return "";
  return by.one_in(2) ? "event.data.n > 4" : "event.data.k == 'k0'";
}

/// What starts the function, and the level of the highest event that does.
inline std::size_t add_triggers(chance& by, function_plan& plan, std::size_t level) {
  if (by.one_in(9)) {
    const std::vector<const char*> ends{"inngest/function.failed", "inngest/function.finished",
                                        "inngest/function.cancelled"};
    plan.triggers.push_back({.event = by.pick(ends)});
    if (by.one_in(2)) plan.triggers.push_back({.event = std::string(event_names[level])});
    return event_names.size();
  }
  if (by.one_in(10)) {
    plan.triggers.push_back({.event = "sim/*", .expression = condition(by)});
    return event_names.size() - 1;
  }
  plan.triggers.push_back({.event = std::string(event_names[level]), .expression = condition(by)});
  if (by.one_in(8)) plan.triggers.push_back({.cron = by.one_in(2) ? "30 3 * * *" : "0 */8 * * MON"});
  return level;
}

/// Tags, which do not change what else is left to chance.
inline void add_tags(chance by, inngest::function_options& options) {
  if (by.one_in(3)) options.tags.push_back({.name = "k", .value = "event.data.k"});
  if (by.one_in(4)) options.tags.push_back({.name = "n", .value = "event.data.n"});
}

/// Some of the invoke steps invoke one of these functions of the app elsewhere.
inline void invoke_far(chance& by, sequence& nodes, const std::vector<std::string>& far) {
  for (node& each : nodes) {
    if (each.kind == node_kind::invoke && by.one_in(2)) each.target = std::string(far_prefix) + by.pick(far);
    for (sequence& branch : each.branches) invoke_far(by, branch, far);
  }
}

}  // namespace plans

/// The functions of a seed. Those of the ends of runs and deferred ones come last.
inline std::vector<function_plan> random_functions(std::uint64_t seed) {
  chance by(seed);
  const std::size_t count = 1 + by.below(5);
  std::vector<function_plan> out(count);
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back("f" + std::to_string(i));
  std::vector<std::size_t> levels(count);
  std::size_t level = 0;
  for (std::size_t i = 0; i < count; ++i) {
    chance part = by.part();
    out[i].options.id = ids[i];
    level = std::min(level + (part.one_in(2) ? 1U : 0U), event_names.size() - 1);
    levels[i] = plans::add_triggers(part, out[i], level);
    plans::add_options(part, out[i].options);
    plans::add_tags(chance(seed ^ (0xD1342543DE82EF95U + i)), out[i].options);
    out[i].is_elsewhere = part.one_in(5);
  }
  const bool has_deferred = by.one_in(3);
  for (std::size_t i = 0; i < count; ++i) {
    chance part = by.part();
    surroundings around{.signals = signal_names};
    std::vector<std::string> far;
    if (levels[i] < event_names.size()) {
      if (has_deferred && !out[i].is_elsewhere) around.deferred = {"later"};
      for (std::size_t more = levels[i] + 1; more < event_names.size(); ++more)
        around.events.emplace_back(event_names[more]);
      for (std::size_t more = i + 1; more < count; ++more) {
        if (levels[more] < levels[i] || out[more].is_started_by_ends()) continue;
        (out[more].is_elsewhere ? far : around.functions).push_back(ids[more]);
      }
    }
    around.awaited.assign(event_names.begin(), event_names.end());
    around.is_slow_behind_races = true;
    out[i].handler = random_body(part, around);
    chance others(seed ^ (0xA0761D6478BD642FU + i));
    if (!far.empty()) plans::invoke_far(others, out[i].handler.nodes, far);
    surroundings quiet{.signals = signal_names};
    quiet.awaited = around.awaited;
    const bool has_ends = !out[i].is_elsewhere;
    if (has_ends && part.one_in(5)) out[i].on_failure = random_body(part, quiet);
    if (has_ends && part.one_in(6)) out[i].on_cancel = random_body(part, quiet);
    if (has_ends && part.one_in(6)) out[i].on_success = random_body(part, quiet);
  }
  if (has_deferred) {
    function_plan& later = out.emplace_back();
    later.options.id = "later";
    later.options.retries = 1;
    surroundings quiet{.signals = signal_names};
    later.handler = random_body(by, quiet);
  }
  return out;
}

/// A handler that goes through the body.
inline inngest::any_function::handler_type handler_of(const body& of, observer& observer) {
  return [of, &observer](inngest::execution::replay& replay, const inngest::handler_resources& resources,
                         std::string& result) {
    inngest::basic_context ctx(replay, resources);
    result = interpret(of, ctx, observer);
  };
}

/// The function that a plan describes, with those of its ends.
inline inngest::any_function make_function(const function_plan& plan, observer& observer) {
  using inngest::detail::run_end;
  std::vector<inngest::any_function> end_handlers;
  const auto add = [&](const std::optional<body>& of, run_end end) {
    if (!of) return;
    end_handlers.push_back(
        inngest::detail::end_handler_of(plan.app(), plan.options, end, 1, handler_of(*of, observer)));
  };
  add(plan.on_failure, run_end::failed);
  add(plan.on_cancel, run_end::cancelled);
  add(plan.on_success, run_end::finished);
  return {plan.app(), plan.options, plan.triggers, handler_of(plan.handler, observer),
          std::move(end_handlers)};
}

}  // namespace simulated
