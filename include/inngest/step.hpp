#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <inngest/detail/result_traits.hpp>
#include <inngest/duration.hpp>
#include <inngest/event.hpp>
#include <inngest/execution/replay.hpp>
#include <inngest/function.hpp>
#include <inngest/json.hpp>
#include <inngest/protocol/memo.hpp>
#include <inngest/step_id.hpp>

namespace inngest {

/// How long to wait for an event, and for which one.
struct wait_options {
  /// Up to 366 days; the step then gives nothing.
  std::chrono::milliseconds timeout;
  /// A CEL expression over `event` (the run's) and `async` (the awaited): only an event for which it is true.
  std::string expression{};
  /// A field that must be the same in both events, such as "data.userId".
  std::string match{};
};

/// Options of an invoke step.
struct invoke_options {
  /// How long to wait for the result before the step fails with "InngestInvokeTimeoutError".
  std::optional<std::chrono::milliseconds> timeout{};
};

namespace detail {

/// The checks on a step's body, each with the words that its author will read, and what it returns.
template <class Body>
struct step_result {
  static_assert(std::invocable<Body&>, "inngest: a step's body is called without arguments: [&] { ... }");
  static constexpr bool may_throw = !std::is_nothrow_invocable_v<Body&>;
  static_assert(may_throw,
                "inngest: a step's body must not be noexcept: its errors are reported and retried");
  using returned = returned_by_t<Body>;
  static_assert(json_result<returned>,
                "inngest: a step's result is kept as JSON and read back from it: declare its type with "
                "INNGEST_FIELDS(Type, members...), or give it nlohmann's to_json and from_json");
  static constexpr bool valid = std::invocable<Body&> && may_throw && json_result<returned>;
  using type = result_form_t<returned>;
};

/// What a step's body returns, as it comes back from JSON.
template <class Body>
using step_result_t = typename step_result<std::remove_cvref_t<Body>>::type;

template <class Result>
Result recall(const execution::step_call& call) {
  if constexpr (std::is_void_v<Result>)
    protocol::throw_if_failed(*call.memo, call.id);
  else
    return protocol::read_result<Result>(*call.memo, call.id);
}

template <class Body>
void run_body(Body& body, std::string& out) {
  if constexpr (!step_result<std::remove_cvref_t<Body>>::valid) {
    // refused above, in words
  } else if constexpr (std::is_void_v<std::invoke_result_t<Body&>>) {
    body();
  } else {
    encode_to(out, body(), "result");
  }
}

}  // namespace detail

/// A step that was started and whose result is still to be asked for. It belongs to its handler's call and
/// must not outlive it.
template <class Result, class Body>
class [[nodiscard]] step_handle {
 public:
  step_handle(execution::replay& replay, execution::step_call call, Body body)
      : replay_(&replay), call_(std::move(call)), body_(std::move(body)) {
    if (!call_.memo) replay_->discover(call_, plan(), run());
  }

  /// The step's result.
  /// \throws step_error when the step failed for good.
  Result get() {
    if (!call_.memo) replay_->await(call_, plan(), run());
    replay_->note_completed(call_);
    return detail::recall<Result>(call_);
  }

 private:
  protocol::operation plan() const { return {.code = protocol::opcode::step_planned}; }
  auto run() {
    return [this](std::string& out) { detail::run_body(body_, out); };
  }

  execution::replay* replay_;
  execution::step_call call_;
  Body body_;
};

/// The steps of a function: `ctx.step`. Each has an id, runs once, and gives its remembered result from then
/// on. A step whose result is not there yet leaves the handler, which is called again when it is; code
/// between steps therefore runs several times and should do nothing but compute.
///
/// Every call may throw step_error, when the step failed for good, and payload_error, when its remembered
/// result does not fit the type (the code has changed). What leaves the handler is not a std::exception and
/// must pass: end a `catch (...)` around steps with `throw;`.
class step {
 public:
  explicit step(execution::replay& replay) : replay_(&replay) {}

  /// Runs the body once and remembers what it returns. It is tried again when it throws: see
  /// function_options::retries, non_retriable_error and retry_after_error.
  template <class Body>
  auto run(step_options options, Body&& body) -> detail::step_result_t<Body> {
    return start(std::move(options), body_ref<std::remove_reference_t<Body>>{&body}).get();
  }
  template <class Body>
  auto run(step_id id, Body&& body) -> detail::step_result_t<Body> {
    return run(step_options{.id = id}, std::forward<Body>(body));
  }

  /// Starts a step without waiting for it; `get()` on the handle gives its result. Steps that were started
  /// before the first `get()` run at the same time. The function does not finish before they have.
  template <class Body>
  auto start(step_options options, Body body) {
    return step_handle<detail::step_result_t<Body>, Body>(*replay_, replay_->enter(options), std::move(body));
  }
  template <class Body>
  auto start(step_id id, Body body) {
    return start(step_options{.id = id}, std::move(body));
  }

  /// Goes on after the duration, up to 366 days. The process need not be there in between.
  void sleep(step_options options, std::chrono::milliseconds duration) {
    const auto call = replay_->enter(options);
    if (!call.memo) fall_asleep(call, to_text(std::max(duration, std::chrono::milliseconds::zero())));
    protocol::throw_if_failed(*call.memo, call.id);
  }
  void sleep(step_id id, std::chrono::milliseconds duration) { sleep(step_options{.id = id}, duration); }

  /// Goes on at the given time; at once when it has passed.
  void sleep_until(step_options options, std::chrono::system_clock::time_point time) {
    const auto call = replay_->enter(options);
    if (!call.memo) fall_asleep(call, to_text(std::chrono::time_point_cast<std::chrono::milliseconds>(time)));
    protocol::throw_if_failed(*call.memo, call.id);
  }
  void sleep_until(step_id id, std::chrono::system_clock::time_point time) {
    sleep_until(step_options{.id = id}, time);
  }

  /// Waits for an event of the type that arrives after this step began; nothing when none came in time.
  template <event_type Event>
  std::optional<Event> wait_for_event(step_options options, const wait_options& wait) {
    const auto call = replay_->enter(options);
    if (call.memo) return protocol::read_received<Event>(*call.memo, call.id);
    std::string expression = wait.expression;
    if (!wait.match.empty()) {
      const std::string same = "event." + wait.match + " == async." + wait.match;
      expression = expression.empty() ? same : "(" + expression + ") && " + same;
    }
    std::string text = "{\"event\":" + encode(Event::name) + ",\"timeout\":" + encode(to_text(wait.timeout));
    if (!expression.empty()) text += ",\"if\":" + encode(expression);
    replay_->record(call, {.code = protocol::opcode::wait_for_event, .options = text + "}"});
    replay_->suspend(call);
  }
  template <event_type Event>
  std::optional<Event> wait_for_event(step_id id, const wait_options& wait) {
    return wait_for_event<Event>(step_options{.id = id}, wait);
  }

  /// Runs another function and gives its result.
  /// \throws step_error when the function failed or did not finish in time.
  template <class Output, event_type First, event_type... Rest>
  Output invoke(step_options options, const function<Output, First, Rest...>& called,
                const typename First::data_type& data, const invoke_options& invoke = {}) {
    const auto call = replay_->enter(options);
    if (call.memo) return detail::recall<Output>(call);
    std::string text =
        "{\"function_id\":" + encode(called.slug()) + ",\"payload\":{\"data\":" + encode(data, "data") + "}";
    if (invoke.timeout) text += ",\"timeout\":" + encode(to_text(*invoke.timeout));
    replay_->record(call, {.code = protocol::opcode::invoke_function, .options = text + "}"});
    replay_->suspend(call);
  }
  template <class Output, event_type First, event_type... Rest>
  Output invoke(step_id id, const function<Output, First, Rest...>& called,
                const typename First::data_type& data, const invoke_options& invoke_options = {}) {
    return invoke(step_options{.id = id}, called, data, invoke_options);
  }

  /// Sends events, once. Every type of event converts, and a list may mix them.
  sent_events send_event(step_options options, std::vector<any_event> events) {
    const auto call = replay_->enter(options);
    if (call.memo) return detail::recall<sent_events>(call);
    const protocol::operation plan{.code = protocol::opcode::step_planned,
                                   .name = "sendEvent",
                                   .options = "{\"type\":\"step.sendEvent\"}"};
    const auto send = [&](std::string& out) { encode_to(out, sent_events{replay_->world().send(events)}); };
    replay_->discover(call, plan, send);
    replay_->await(call, plan, send);
  }
  sent_events send_event(step_id id, std::vector<any_event> events) {
    return send_event(step_options{.id = id}, std::move(events));
  }
  sent_events send_event(step_options options, std::initializer_list<any_event> events) {
    return send_event(std::move(options), std::vector<any_event>(events));
  }
  sent_events send_event(step_id id, std::initializer_list<any_event> events) {
    return send_event(step_options{.id = id}, std::vector<any_event>(events));
  }
  sent_events send_event(step_options options, const any_event& event) {
    return send_event(std::move(options), std::vector<any_event>{event});
  }
  sent_events send_event(step_id id, const any_event& event) {
    return send_event(step_options{.id = id}, event);
  }

 private:
  /// A body that stays where the caller has it, for a step that is awaited at once.
  template <class Body>
  struct body_ref {
    Body* body;
    decltype(auto) operator()() const { return (*body)(); }
  };

  [[noreturn]] void fall_asleep(const execution::step_call& call, std::string text) {
    replay_->record(call, {.code = protocol::opcode::sleep, .name = std::move(text)});
    replay_->suspend(call);
  }

  execution::replay* replay_;
};

}  // namespace inngest
