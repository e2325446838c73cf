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
#include <inngest/serving/serve_options.hpp>
#include <inngest/serving/served_app.hpp>
#include <inngest/thread_pool.hpp>

namespace inngest::inline INNGEST_ABI {

/// Answers the requests of an Inngest server, with any HTTP framework: it maps requests to responses and
/// opens no sockets. Copies share one state. It may be called from many threads at once.
///
/// - GET describes the app: minimal for unauthenticated callers. HEAD is GET without a body.
/// - PUT registers the app's functions: by a request to the server, or in-band, in the answer.
/// - POST runs a function, or one step of it.
class handler {
 public:
  /// \throws configuration_error when two functions have the same id, or one is of another app.
  handler(inngest::client client, std::vector<any_function> functions, serve_options options = {});

  /// The options as given.
  const serve_options& options() const { return app_->options; }
  /// The client.
  const inngest::client& client() const { return app_->client; }
  /// All functions, including the on_failure, on_cancel and on_success handlers of others.
  const std::vector<any_function>& functions() const { return app_->functions; }

  /// Answers a request on this thread, which takes as long as the call. It does not throw: errors become
  /// answers with a reason.
  http::response operator()(http::request request) const;

  /// Answers a request through `reply`, and returns at once. Calls and registrations run on
  /// `serve_options::executor`; when it is full, they are answered with 503 and `retry-after`. GET, refused
  /// requests and those that are too large are answered before it returns. It does not throw.
  void operator()(http::request request, http::reply reply) const;

  /// Answers a request on this thread like the one above, as a whole even if `serve_options::streaming` is
  /// set. `stop` asks the call to stop, for a platform that sets a deadline.
  http::response operator()(http::request request, const execution::call_stop& stop) const;

  /// Saves the step results of a call while its function continues.
  using save_results = serving::save_results;

  /// Answers a call made by this process. It needs no signature, because no other process can make it. `save`
  /// saves results instead of a server, according to the checkpointing options of the function or client.
  /// `stop` asks the call to stop.
  http::response answer_in_process(http::request request, const save_results& save = {},
                                   const execution::call_stop& stop = {}) const;

  /// Stops the handler and all its copies. New calls are refused with 503. Running calls are asked to stop
  /// through their stop tokens, and stop() waits for them up to the grace period. Returns true when no call
  /// is running. A server counts refused and interrupted calls as failed attempts, so stop routing calls here
  /// first. Call this before you stop the HTTP server, which still has to send the answers. A call that
  /// drains waits for itself in vain.
  bool drain(std::chrono::milliseconds grace = std::chrono::seconds(10)) const;

  /// The number of function calls that run or wait for a thread. A call that came with a reply counts until
  /// its answer is written. Other calls count until their answer is made: the HTTP server has yet to send it.
  std::size_t calls_under_way() const { return app_->calls.count(); }

  /// A step's result as JSON text, after the function's middleware has read it. For unknown functions, the
  /// client's middleware reads it.
  std::string read_result(std::string_view slug, std::string_view run_id, const step_info& step,
                          std::string result) const;
  /// The same for a function's result, read as by a step that invoked the function.
  std::string read_output(std::string_view slug, std::string_view run_id, std::string output) const;

  /// Registers the app's functions with its server, which will call them at `url`. Call it when the app
  /// starts. A dev server that polls finds the app by itself.
  sync_result sync(const std::string& url) const { return serving::sync(*app_, url, {}); }

 private:
  http::response answer(http::request request) const;

  http::response answer_whole(http::request request, const execution::call_stop& stop) const;

  /// A call or registration to be answered later; null for other requests, of which `answer` is the answer.
  std::shared_ptr<serving::pending_call> defer(http::request request, http::response& answer,
                                               bool& is_streamed) const;

  std::shared_ptr<serving::pending_call> pending(http::request request, serving::identity caller) const;

  http::response streamed(http::request request, serving::identity caller) const;

  bool is_streamed(const http::request& request) const;

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

/// Whether the adapter of a server says that it streams answers: `static constexpr bool streams = true`.
template <class Server>
constexpr bool adapter_streams() {
  if constexpr (requires { adapter<Server>::streams; }) return adapter<Server>::streams;
  return false;
}

/// Serves the functions on a server: GET, PUT and POST at `options.path`. The returned handler can register
/// the app: `inngest::serve(server, app, {ingest}).sync("http://localhost:3000/api/inngest")`.
template <class Server>
handler serve(Server& server, const client& client, std::vector<any_function> functions,
              serve_options options = {}) {
  static_assert(has_adapter<Server>,
                "inngest: no adapter for this server: include the one of its framework, such as "
                "<inngest/adapters/httplib.hpp>, or specialize inngest::adapter for it");
  if constexpr (has_adapter<Server>) {
    if (options.framework.empty()) options.framework = adapter<Server>::framework;
    if (options.streaming && !adapter_streams<Server>()) {
      throw configuration_error("serve_options::streaming: the adapter of \"" + options.framework +
                                "\" can't stream answers");
    }
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
