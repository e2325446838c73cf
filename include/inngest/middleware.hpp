#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <inngest/detail/function_ref.hpp>
#include <inngest/event.hpp>
#include <inngest/http.hpp>
#include <inngest/protocol/step_kinds.hpp>
#include <inngest/step_id.hpp>

// Middleware: code of yours around every request, run, step and sent event. The hooks are those of Inngest's
// TypeScript SDK. Results and events are JSON text here, as they travel.

namespace inngest {

class any_function;

/// One call of a function by its server. A run is made of many.
struct call_info {
  /// The function's id within the app.
  std::string_view function_id;
  std::string_view run_id;
  /// 0 is the first.
  int attempt = 0;
  std::optional<int> max_attempts{};
  /// The W3C trace context of the server's request; empty when it had none.
  std::string_view traceparent{};
};

/// A step that a handler has come to.
struct step_info {
  std::string_view id;
  /// What is shown for it.
  std::string_view name;
  /// 1 for the id's first repeat.
  std::size_t index = 0;
  step_kind kind = step_kind::run;
  step_hash hash{};
  /// Whether its result was there already.
  bool memoized = false;
};

/// What failed: a step's body, or a function.
struct failure_info {
  /// The exception's type name and message.
  std::string_view name;
  std::string_view message;
  /// Whether no attempt will follow.
  bool is_final = false;
  /// When the next attempt was asked for; the server decides when nothing is here.
  std::optional<std::chrono::milliseconds> retry_after{};
};

/// What a function is given, as JSON text.
struct function_input {
  std::string event;
  /// An array: more than one event in a batch.
  std::string events;
};

/// How a step was called. A changed id makes it another step.
struct step_input {
  std::string id;
  std::string name;
  /// The arguments of its body, a JSON array; empty when it takes none. Of an invoke or a deferred call, the
  /// data that the other function is given is the only one.
  std::string input{};
};

/// The rest of the chain: the next middleware, or what they are all wrapped around.
template <class Result>
using next_call = detail::function_ref<Result()>;

/// Derive from it and override what you need; give it to client_options::middleware or
/// function_options::middleware. The client's come first, and of wrapping hooks the first is the outermost.
/// One object serves many calls, from many threads at once.
///
/// A hook that throws fails what it is called for: the request, the run's attempt, the step's attempt. At a
/// step without a result an interrupt that is no std::exception passes through the wrapping hooks of the
/// function: let it pass.
class middleware {
 public:
  virtual ~middleware() = default;

  /// The app was served, or embedded: once for each of its functions.
  virtual void on_register(const any_function&) {}

  // ---- for each request, in this order ----------------------------------------------------------------

  /// Around all of a call's answering.
  virtual http::response wrap_request(const http::request&, next_call<http::response> next) { return next(); }
  /// May change the events before they are read into their types.
  virtual void transform_function_input(const call_info&, function_input&) {}
  /// The run's first call begins.
  virtual void on_run_start(const call_info&) {}
  /// Around the handler; `next` gives the function's result. Only the call that ends the run comes back from
  /// it.
  virtual std::string wrap_function_handler(const call_info&, next_call<std::string> next) { return next(); }
  /// All results of earlier calls were handed out: what follows is new.
  virtual void on_memoization_end(const call_info&) {}
  /// The function has ended.
  virtual void on_run_complete(const call_info&, std::string_view /*output*/) {}
  /// The function threw.
  virtual void on_run_error(const call_info&, const failure_info&) {}

  // ---- for each step, in this order ---------------------------------------------------------------------

  /// May change how the step is called, each time the handler comes to it.
  virtual void transform_step_input(const call_info&, const step_info&, step_input&) {}
  /// Around a step that has a result, each time the handler comes to it; `next` gives the result. Here the
  /// last middleware is the outermost: what wrap_step_handler did to a result is undone in reverse.
  virtual std::string wrap_step(const call_info&, const step_info&, next_call<std::string> next) {
    return next();
  }
  /// A step's body is about to run.
  virtual void on_step_start(const call_info&, const step_info&) {}
  /// Around a step's body; what it gives is kept as the result.
  virtual std::string wrap_step_handler(const call_info&, const step_info&, next_call<std::string> next) {
    return next();
  }
  /// A step's body has run.
  virtual void on_step_complete(const call_info&, const step_info&, std::string_view /*output*/) {}
  /// A step's body threw. With `failure.is_final` false the server will try again.
  virtual void on_step_error(const call_info&, const step_info&, const failure_info&) {}

  // ---- for events that are sent -----------------------------------------------------------------------

  /// May change events before they are sent, by client or step.
  virtual void transform_send_event(std::vector<any_event>&) {}
  /// Around the sending.
  virtual sent_events wrap_send_event(const std::vector<any_event>&, next_call<sent_events> next) {
    return next();
  }
};

using middleware_list = std::vector<std::shared_ptr<middleware>>;

}  // namespace inngest
