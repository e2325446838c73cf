#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/execution/call_stop.hpp>
#include <inngest/execution/hooks.hpp>
#include <inngest/function.hpp>
#include <inngest/http.hpp>
#include <inngest/http/reply.hpp>
#include <inngest/serving/answers.hpp>
#include <inngest/serving/call.hpp>
#include <inngest/serving/checkpoints.hpp>
#include <inngest/serving/description.hpp>
#include <inngest/serving/identity.hpp>
#include <inngest/serving/pending_call.hpp>
#include <inngest/serving/registration.hpp>
#include <inngest/serving/route.hpp>
#include <inngest/serving/serve_options.hpp>
#include <inngest/serving/served_app.hpp>
#include <inngest/thread_pool.hpp>

namespace inngest::inline INNGEST_ABI {

/// Answers the requests of an Inngest server. It maps requests to responses and opens no sockets, so it works
/// with any HTTP framework. Copies share one state. Thread-safe.
///
/// - GET describes the app; the description is minimal for unauthenticated callers. HEAD is GET without a
///   body.
/// - PUT registers the app's functions: by a request to the server, or in-band, in the answer.
/// - POST runs a function, or one of its steps.
class handler {
 public:
  /// \throws configuration_error when two functions have the same id, or a function belongs to another app.
  handler(inngest::client client, std::vector<any_function> functions, serve_options options = {});
  /// A handler that passes all requests to `route`. Used by endpoints.
  handler(inngest::client client, std::vector<any_function> functions, serve_options options,
          std::shared_ptr<const serving::route> route);

  /// The options as given.
  const serve_options& options() const { return app_->options; }
  /// The client.
  const inngest::client& client() const { return app_->client; }
  /// All functions, including those made from on_failure, on_cancel and on_success handlers.
  const std::vector<any_function>& functions() const { return app_->functions; }

  /// Answers a request on this thread; it takes as long as the call. Does not throw: errors become responses
  /// that state the reason.
  http::response operator()(http::request request) const;

  /// Answers a request through `reply` and returns immediately. Calls and registrations run on
  /// `serve_options::executor`; when that is full, they get status 503 and `retry-after`. GET requests,
  /// rejected requests and oversized requests are answered before it returns. Does not throw.
  void operator()(http::request request, http::reply reply) const;

  /// Answers a request on this thread like the first overload, but never streams, even if
  /// `serve_options::streaming` is set. `stop` asks the call to stop, for a platform that sets a deadline.
  http::response operator()(http::request request, const execution::call_stop& stop) const;

  /// Saves the step results of a call while its function continues.
  using save_results = serving::save_results;

  /// Answers a call made by this process. It needs no signature, because no other process can make it. `save`
  /// stores step results in place of a server, according to the checkpointing options of the function or
  /// client. `stop` asks the call to stop.
  http::response answer_in_process(http::request request, const save_results& save = {},
                                   const execution::call_stop& stop = {}) const;

  /// Stops the handler and all its copies. New calls get status 503. Running calls are asked to stop through
  /// their stop tokens, and drain() waits for them up to the grace period. Returns true when no call is
  /// running any more. A server counts refused and interrupted calls as failed attempts, so stop routing
  /// calls here first. Call it before you stop the HTTP server, which still has to send the answers. Do not
  /// call it from inside a function: it would wait for that function's own call.
  bool drain(std::chrono::milliseconds grace = std::chrono::seconds(10)) const;

  /// The number of function calls that run or wait for a thread. A call with a `reply` counts until its
  /// answer has been written. Other calls count until they return; the HTTP server then still has to send the
  /// answer.
  std::size_t calls_under_way() const { return app_->calls.count(); }

  /// A step's result as JSON text, decoded by the function's middleware, or by the client's for an unknown
  /// function.
  std::string read_result(std::string_view slug, std::string_view run_id, const step_info& step,
                          std::string result) const;
  /// A function's result as JSON text, decoded as for a step that invoked the function.
  std::string read_output(std::string_view slug, std::string_view run_id, std::string output) const;

  /// Registers the app's functions with its server, which will then call them at `url`. Call it when the app
  /// starts. Not needed with a dev server that polls, which finds the app by itself. Does not throw when the
  /// server refuses or is unreachable: sync_result::ok is then false, and the reason is logged as a warning.
  [[nodiscard]] sync_result sync(const std::string& url) const { return serving::sync(*app_, url, {}); }

 private:
  http::response answer(http::request request) const;

  http::response answer_whole(http::request request, const execution::call_stop& stop) const;

  /// Returns a call or registration that will be answered later. Returns null for other requests, whose
  /// answer is `answer`.
  std::shared_ptr<serving::pending_call> defer(http::request request, http::response& answer,
                                               bool& is_streamed) const;

  std::shared_ptr<serving::pending_call> pending(http::request request, serving::identity caller) const;

  http::response streamed(http::request request, serving::identity caller) const;

  bool is_streamed(const http::request& request) const;

  serving::identity identify(http::request& request) const;

  http::response signed_answer(http::request request, const serving::identity& caller,
                               const execution::call_stop& stop) const;

  http::response route(http::request request, const serving::identity& caller,
                       const execution::call_stop& stop) const;

  std::shared_ptr<const serving::served_app> app_;
};

/// Connects a handler to a server of an HTTP framework. Specialize it for your framework:
///
///     template <>
///     struct inngest::adapter<my::server> {
///       static constexpr const char* framework = "my";
///       static void mount(my::server& server, const inngest::handler& handler) {
///         server.on_any(handler.options().path, [handler](const my::request& asked) {
///           const auto answer = handler(
///               {.method = asked.method, .url = asked.target, .body = asked.body});
///           return my::response(answer.status, answer.body);  // and headers, both ways
///         });
///       }
///     };
template <class Server>
struct adapter;

template <class Server>
concept has_adapter = requires(Server& server, const handler& handler) {
  { adapter<Server>::framework } -> std::convertible_to<std::string>;
  adapter<Server>::mount(server, handler);
};

/// Whether a server's adapter can stream answers: it declares `static constexpr bool streams = true`.
template <class Server>
constexpr bool adapter_streams() {
  if constexpr (requires { adapter<Server>::streams; }) return adapter<Server>::streams;
  return false;
}

namespace serving {

/// Fills in the options that the server's adapter knows.
/// \throws configuration_error when the adapter does not support the options.
template <class Server>
void adapt_options(serve_options& options) {
  if (options.framework.empty()) options.framework = adapter<Server>::framework;
  if (options.streaming && !adapter_streams<Server>()) {
    throw configuration_error("serve_options::streaming: the adapter of \"" + options.framework +
                              "\" can't stream answers");
  }
}

}  // namespace serving

/// Serves the functions on a server: GET, PUT and POST at `options.path`. The returned handler can register
/// the app: `inngest::serve(server, app, {ingest}).sync("http://localhost:3000/api/inngest")`.
template <class Server>
handler serve(Server& server, const client& client, std::vector<any_function> functions,
              serve_options options = {}) {
  static_assert(has_adapter<Server>,
                "inngest: no adapter for this server: include the one of its framework, such as "
                "<inngest/adapters/httplib.hpp>, or specialize inngest::adapter for it");
  if constexpr (has_adapter<Server>) {
    serving::adapt_options<Server>(options);
    handler out(client, std::move(functions), std::move(options));
    adapter<Server>::mount(server, out);
    return out;
  } else {
    return handler(client, std::move(functions), std::move(options));
  }
}

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/serve.ipp>
#endif
