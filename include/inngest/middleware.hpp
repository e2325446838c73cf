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
class client;

/// One call of a function by its server. A run consists of many calls.
struct call_info {
  /// The function's id within the app.
  std::string_view function_id;
  /// The run's id.
  std::string_view run_id{};
  /// The number of earlier failed attempts: 0 for the first attempt.
  int attempt = 0;
  /// The maximum number of attempts, including the first; `nullopt` if the server does not send it.
  std::optional<int> max_attempts{};
  /// The W3C trace context of the server's request; empty when it had none.
  std::string_view traceparent{};
  /// The function with its options and triggers. Null only when handler::read_result reads a result of an
  /// unknown function.
  const any_function* function = nullptr;
  /// The event that started the run, as a JSON object. In wrap_request and transform_function_input it is the
  /// event as received, or empty if it was too large for the request. Later hooks see the result of
  /// transform_function_input.
  std::string_view event{};
  /// All events of the run, as a JSON array: more than one for a batch.
  std::string_view events{};
  /// The server's id of this call, for support requests; empty when it sends none.
  std::string_view request_id{};
  /// The server's id of the queue item behind this call, shared by its retries; empty when it sends none.
  std::string_view job_id{};
};

/// A step that a handler has reached.
struct step_info {
  /// The id as written.
  std::string_view id;
  /// The displayed name.
  std::string_view name;
  /// 0 for the first use of the id in the run, 1 for the next, and so on.
  std::size_t index = 0;
  /// The kind of step.
  step_kind kind = step_kind::run;
  /// The hash of id and index, by which the server identifies the step.
  step_hash hash{};
  /// Whether the request already has its result.
  bool memoized = false;
  /// The step's arguments as a JSON array; empty when it has none: see step_input::input.
  std::string_view input{};
  /// See step_options::retries.
  std::optional<int> retries{};
  /// See step_options::deadline.
  std::optional<std::chrono::milliseconds> deadline{};
};

/// The failure of a step's body or of a function.
struct failure_info {
  /// The exception's type name.
  std::string_view name;
  /// The exception's message.
  std::string_view message;
  /// Whether it is permanent: it will not be retried.
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

/// The input of a step call. A changed id makes it a different step.
struct step_input {
  /// The id as written. A blank one fails the attempt.
  std::string id;
  /// The displayed name; empty for the id.
  std::string name;
  /// The arguments of the step's body as a JSON array; empty when it has none. For an invoke or a deferred
  /// call, the only argument is the other function's data. Anything else fails the attempt.
  std::string input{};
};

/// Calls the rest of the chain: the next middleware, or the wrapped operation.
template <class Result>
using next_call = detail::function_ref<Result()>;

/// The base class of middleware. Override the hooks you need, and add an object to client_options::middleware
/// or function_options::middleware. The client's middleware comes first; the first middleware's wrapping
/// hooks are the outermost. One object serves many calls from many threads.
///
/// A hook that throws fails the operation that it was called for: the request, the run's attempt or the
/// step's attempt. The handler cannot catch what a hook throws where it reaches a step; only a failed step's
/// own error can be caught there. What on_step_error and on_run_error throw becomes a warning. When a handler
/// reaches a step without a result, an interrupt that is not a std::exception passes through the function's
/// wrapping hooks. Never swallow it.
class middleware {
 public:
  virtual ~middleware() = default;

  /// Called once per function when the app is served or embedded.
  virtual void on_register(const client& /*app*/, const any_function& function) { on_register(function); }
  /// Like on_register() above, for middleware that does not need the client. Override one of the two.
  virtual void on_register(const any_function&) {}

  // ---- for each request, in this order ----------------------------------------------------------------

  /// Wraps the handling of a request. When the request can't be read, the run id and events of the call are
  /// empty and `next` throws protocol_error.
  virtual http::response wrap_request(const call_info&, const http::request& request,
                                      next_call<http::response> next) {
    return wrap_request(request, next);
  }
  /// Like wrap_request() above, for middleware that does not need the call. Override one of the two.
  virtual http::response wrap_request(const http::request&, next_call<http::response> next) { return next(); }
  /// May change the events before they are read as their types.
  virtual void transform_function_input(const call_info&, function_input&) {}
  /// Called in the first call of a run, but not for a rerun that keeps results. For an endpoint that another
  /// process continues it is called in each attempt before the first result, because the requests have no
  /// attempt.
  virtual void on_run_start(const call_info&) {}
  /// Wraps the handler. `next` returns the function's result, and returns only in the call in which the
  /// handler returns. That call ends the run, unless steps that the handler has started, and not waited for,
  /// are still open: the handler is then called again.
  virtual std::string wrap_function_handler(const call_info&, next_call<std::string> next) { return next(); }
  /// Called when the handler reaches the first step that has no result. With branches or started steps, other
  /// steps may still return earlier results after that.
  virtual void on_memoization_end(const call_info&) {}
  /// Called after the function has returned.
  virtual void on_run_complete(const call_info&, std::string_view /*output*/) {}
  /// Called after the function, or a hook inside of wrap_request, has thrown.
  virtual void on_run_error(const call_info&, const failure_info&) {}

  /// Returns the W3C `traceparent` of the span that is open on this thread, for basic_context::traceparent();
  /// empty when there is none.
  virtual std::string open_traceparent(const call_info&) { return {}; }

  // ---- for each step, in this order ---------------------------------------------------------------------

  /// May change the step's input. Called each time the handler reaches the step.
  virtual void transform_step_input(const call_info&, const step_info&, step_input&) {}
  /// Wraps a step that has a result, each time the handler reaches it; `next` returns the result. Here the
  /// last middleware is the outermost, so that changes made by wrap_step_handler are undone in reverse order.
  virtual std::string wrap_step(const call_info&, const step_info&, next_call<std::string> next);
  /// Called before a step's body runs.
  virtual void on_step_start(const call_info&, const step_info&) {}
  /// Wraps a step's body; its return value is stored as the result.
  virtual std::string wrap_step_handler(const call_info&, const step_info&, next_call<std::string> next);
  /// Called after a step's body has returned.
  virtual void on_step_complete(const call_info&, const step_info&, std::string_view /*output*/) {}
  /// Called after a step's body has thrown. The server retries the step unless the failure is final.
  virtual void on_step_error(const call_info&, const step_info&, const failure_info&) {}

  // ---- for events that are sent -----------------------------------------------------------------------

  /// May change events before a client or step sends them. `sender` is the call whose step sends them; null
  /// for client::send.
  virtual void transform_send_event(const call_info* /*sender*/, std::vector<any_event>& events) {
    transform_send_event(events);
  }
  /// Like transform_send_event() above, for middleware that does not need the sender. Override one of the
  /// two.
  virtual void transform_send_event(std::vector<any_event>&) {}
  /// Wraps the sending of events; for `sender` see transform_send_event.
  virtual sent_events wrap_send_event(const call_info* /*sender*/, const std::vector<any_event>& events,
                                      next_call<sent_events> next) {
    return wrap_send_event(events, next);
  }
  /// Like wrap_send_event() above, for middleware that does not need the sender. Override one of the two.
  virtual sent_events wrap_send_event(const std::vector<any_event>&, next_call<sent_events> next);
};

/// Middleware in order: the first is the outermost.
using middleware_list = std::vector<std::shared_ptr<middleware>>;

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/middleware.ipp>
#endif
