#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/event.hpp>

namespace inngest::inline INNGEST_ABI {

/// Options of an event trigger.
struct trigger_options {
  /// A CEL expression over `event`; only events for which it is true start the function. Default: all events.
  std::string expression{};
};

/// One trigger of a function: either an event's name or a cron schedule.
struct trigger_definition {
  /// The event's name or pattern; empty for a schedule.
  std::string event{};
  /// See trigger_options::expression.
  std::string expression{};
  /// The schedule; empty for an event.
  std::string cron{};
  /// See cron_options::jitter.
  std::optional<duration_s> jitter{};
};

/// Options of a cron trigger.
struct cron_options {
  /// Delays each run by a random time up to this one: 1 s to 5 minutes. Default: no delay.
  std::optional<duration_s> jitter{};
};

/// The triggers of a function, and the event types that its handler can receive. Made by on(), cron() and
/// any_of().
template <event_type... Events>
struct trigger {
  /// The triggers, in order.
  std::vector<trigger_definition> definitions;
};

namespace detail {

/// The first list, followed by the types of the second that it does not contain.
template <class Trigger, class... More>
struct merged {
  using type = Trigger;
};
template <class... Events, class First, class... Rest>
struct merged<trigger<Events...>, First, Rest...>
    : std::conditional_t<(std::is_same_v<Events, First> || ...), merged<trigger<Events...>, Rest...>,
                         merged<trigger<Events..., First>, Rest...>> {};

/// Whether no type occurs twice.
template <class... Types>
inline constexpr bool are_distinct = true;
template <class First, class... Rest>
inline constexpr bool are_distinct<First, Rest...> =
    !(std::is_same_v<First, Rest> || ...) && are_distinct<Rest...>;

}  // namespace detail

/// Starts the function for every event of the given types:
/// `on<Created>()`, `on<Created, Deleted>()`, `on<Created>({.expression = "event.data.size > 3"})`.
template <event_type... Events>
[[nodiscard]] auto on(const trigger_options& options = {}) {
  constexpr bool has_events = sizeof...(Events) > 0;
  static_assert(has_events, "inngest: on<...>() needs an event type: on<MyEvent>()");
  constexpr bool has_repeated = !detail::are_distinct<Events...>;
  static_assert(!has_repeated, "inngest: on<...>() names an event type twice: name each type once");
  if constexpr (has_repeated) {
    return typename detail::merged<trigger<>, Events...>::type{};  // avoids further compile errors
  } else if constexpr (has_events) {
    return trigger<Events...>{
        {trigger_definition{.event = std::string(Events::name), .expression = options.expression}...}};
  } else {
    return trigger<scheduled_timer>();  // already rejected above; avoids further compile errors
  }
}

/// Starts the function on a schedule of five fields (minute, hour, day of month, month, day of week), in UTC
/// or in the time zone of a prefix: `cron("0 4 * * 0")`, `cron("TZ=Europe/Paris 0 9 * * 1-5")`.
[[nodiscard]] trigger<scheduled_timer> cron(std::string schedule, const cron_options& options = {});

/// Starts the function only when another function invokes it, or through a server's API. The data has the
/// type:
///
///     auto resize = app.create_function({.id = "resize"}, inngest::on_invoke<Image>(),
///                                       [](inngest::context<inngest::invoked<Image>>& ctx) { ... });
///
/// A function with other triggers can also be invoked; its data then has the type of its first event.
template <class Data = json>
[[nodiscard]] trigger<invoked<Data>> on_invoke() {
  return {};
}

namespace detail {

template <class... Events, class... More>
auto join(trigger<Events...> first, trigger<More...> second) {
  typename merged<trigger<Events...>, More...>::type out{std::move(first.definitions)};
  out.definitions.insert(out.definitions.end(), second.definitions.begin(), second.definitions.end());
  return out;
}

}  // namespace detail

/// Starts the function for any of the triggers: `any_of(on<Created>(), cron("0 4 * * 0"))`.
template <class First, class... Rest>
[[nodiscard]] auto any_of(First first, Rest... rest) {
  if constexpr (sizeof...(Rest) == 0) {
    return first;
  } else {
    return [&](auto second, auto... others) {
      return inngest::any_of(detail::join(std::move(first), std::move(second)), std::move(others)...);
    }(std::move(rest)...);
  }
}

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/trigger.ipp>
#endif
