#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/function_ref.hpp>
#include <inngest/event.hpp>
#include <inngest/http.hpp>
#include <inngest/protocol/step_kinds.hpp>
#include <inngest/step_id.hpp>

// Middleware runs your code around every request, run, step and sent event. The hooks are those of Inngest's
// TypeScript SDK. Results and events are passed as JSON text.

namespace inngest::inline INNGEST_ABI {

class any_function;

/// One call of a function by its server. A run is made of many.
struct call_info {
  /// The function's id within the app.
  std::string_view function_id;
  /// The run's id.
  std::string_view run_id;
  /// The number of earlier failed attempts: 0 for the first attempt.
  int attempt = 0;
  /// All attempts, including the first, if the server says so.
  std::optional<int> max_attempts{};
  /// The W3C trace context of the server's request; empty when it had none.
  std::string_view traceparent{};
};

/// A step that a handler has reached.
struct step_info {
  /// The id as written.
  std::string_view id;
  /// The displayed name.
  std::string_view name;
  /// 0 for the id's first use, 1 for its first repetition.
  std::size_t index = 0;
  /// The kind of step.
  step_kind kind = step_kind::run;
  /// The hash of id and index, by which the server identifies the step.
  step_hash hash{};
  /// Whether the request already has its result.
  bool memoized = false;
};

/// The failure of a step's body or of a function.
struct failure_info {
  /// The exception's type name.
  std::string_view name;
  /// The exception's message.
  std::string_view message;
  /// Whether it will not be retried.
  bool is_final = false;
  /// The requested delay before the next attempt; empty when the server decides.
  std::optional<std::chrono::milliseconds> retry_after{};
};

/// A function's input, as JSON text.
struct function_input {
  /// The first event: an object.
  std::string event;
  /// All events: an array, with more than one event for a batch.
  std::string events;
};

/// The input of a step call. Changing the id makes it another step.
struct step_input {
  /// The id as written.
  std::string id;
  /// The displayed name; empty for the id.
  std::string name;
  /// The arguments of its body as a JSON array; empty when it has none. For an invoke or a deferred call, the
  /// other function's data is the only argument.
  std::string input{};
};

/// Calls the rest of the chain: the next middleware, or the wrapped operation.
template <class Result>
using next_call = detail::function_ref<Result()>;

/// The base class of middleware. Override the hooks you need, and add an object to client_options::middleware
/// or function_options::middleware. The client's middleware comes first; among wrapping hooks the first is
/// the outermost. One object serves many calls from many threads.
///
/// A hook that throws fails what it was called for: the request, the run's attempt, the step's attempt. At a
/// step without a result, an interrupt that is not a std::exception passes through the function's wrapping
/// hooks: never swallow it.
class middleware {
 public:
  virtual ~middleware() = default;

  /// Called once per function when the app is served or embedded.
  virtual void on_register(const any_function&) {}

  // ---- for each request, in this order ----------------------------------------------------------------

  /// Wraps the handling of a call.
  virtual http::response wrap_request(const http::request&, next_call<http::response> next) { return next(); }
  /// May change the events before they are read into their types.
  virtual void transform_function_input(const call_info&, function_input&) {}
  /// Called in the run's first call only.
  virtual void on_run_start(const call_info&) {}
  /// Wraps the handler; `next` returns the function's result, and only in the call that ends the run.
  virtual std::string wrap_function_handler(const call_info&, next_call<std::string> next) { return next(); }
  /// All results of earlier calls have been replayed; what follows is new.
  virtual void on_memoization_end(const call_info&) {}
  /// The function has returned.
  virtual void on_run_complete(const call_info&, std::string_view /*output*/) {}
  /// The function threw.
  virtual void on_run_error(const call_info&, const failure_info&) {}

  // ---- for each step, in this order ---------------------------------------------------------------------

  /// May change the step's input, each time the handler reaches the step.
  virtual void transform_step_input(const call_info&, const step_info&, step_input&) {}
  /// Wraps a step that has a result, each time the handler reaches it; `next` returns the result. Here the
  /// last middleware is the outermost, so that changes by wrap_step_handler are reversed in the opposite
  /// order.
  virtual std::string wrap_step(const call_info&, const step_info&, next_call<std::string> next);
  /// A step's body is about to run.
  virtual void on_step_start(const call_info&, const step_info&) {}
  /// Wraps a step's body; its return value is stored as the result.
  virtual std::string wrap_step_handler(const call_info&, const step_info&, next_call<std::string> next);
  /// A step's body has returned.
  virtual void on_step_complete(const call_info&, const step_info&, std::string_view /*output*/) {}
  /// A step's body threw. The server retries it unless the failure is final.
  virtual void on_step_error(const call_info&, const step_info&, const failure_info&) {}

  // ---- for events that are sent -----------------------------------------------------------------------

  /// May change events before they are sent, by client or step.
  virtual void transform_send_event(std::vector<any_event>&) {}
  /// Wraps the sending of events.
  virtual sent_events wrap_send_event(const std::vector<any_event>&, next_call<sent_events> next);
};

/// Middleware in order: the first is the outermost.
using middleware_list = std::vector<std::shared_ptr<middleware>>;

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/middleware.ipp>
#endif
