#pragma once

#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/context.hpp>
#include <inngest/detail/copyable.hpp>
#include <inngest/endpoint_options.hpp>
#include <inngest/error.hpp>
#include <inngest/function.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/protocol/http_run.hpp>
#include <inngest/serve.hpp>
#include <inngest/time/duration.hpp>

// Durable endpoints: routes of a web server that are durable functions.

namespace inngest::inline INNGEST_ABI {

/// Throw it from an endpoint's handler, outside of steps, to respond with an HTTP status and the body
/// `{"message": what()}`. It ends the run without a retry.
class http_error : public error {
 public:
  /// \param status 400 to 599. \param message The message for the client.
  http_error(int status, const std::string& message);
  /// The status of the response.
  int status() const noexcept { return status_; }

 private:
  int status_;
};

/// The argument of an endpoint's handler: the request, and the tools for steps.
class endpoint_context : public basic_context {
 public:
  /// Used by the library for each call.
  endpoint_context(execution::replay& replay, const handler_resources& resources);

  /// The request. It is complete while the client waits. After the run has continued in the background, it
  /// contains only what servers store: method, URL, body (see endpoint_options::keep_body) and the header
  /// content-type. Read other headers in a step.
  const http::request request;
  /// The client's address from x-forwarded-for or x-real-ip, as set by a proxy; may be empty.
  const std::string client_address;

  /// Whether the client is still waiting for the response of this call.
  bool client_waits() const { return client_waits_; }

  /// Reads the body as the type.
  /// \throws http_error with status 400 when it does not fit.
  template <json_convertible T>
  T body() const {
    try {
      return decode<T>(request.body, "body");
    } catch (const payload_error& problem) {
      throw http_error(400, problem.what());
    }
  }

 private:
  endpoint_context(execution::replay& replay, const handler_resources& resources,
                   protocol::http_event described);

  const bool client_waits_;
};

/// A durable endpoint. Copies share one state. It is also a function of its app: pass it to an embedded
/// engine with the app's other functions, and the engine continues its runs.
class durable_endpoint : public any_function {
 public:
  /// The handler, with erased types.
  using endpoint_handler = std::function<http::response(endpoint_context&)>;

  /// Used by endpoint().
  /// \throws configuration_error for an invalid option.
  durable_endpoint(inngest::client app, endpoint_options options, endpoint_handler handler);

  /// The client of its app.
  const inngest::client& client() const { return client_; }
  /// The options as given.
  const endpoint_options& settings() const { return *settings_; }

  /// Returns the HTTP handler of the endpoint, for a framework or a router of your own.
  inngest::handler serve(serve_options options = {}) const;

 private:
  static any_function::handler_type erased(endpoint_handler handler);
  static function_options function_of(const endpoint_options& options);

  inngest::client client_;
  std::shared_ptr<const endpoint_options> settings_;
};

/// The handler of an endpoint: returns an http::response, or a value that becomes the JSON body.
template <class Handler>
concept endpoint_handler = std::invocable<Handler&, endpoint_context&>;

/// Creates a durable endpoint: an HTTP route whose steps are stored, retried and resumed like those of a
/// function. Steps run while the client waits. At a sleep, a wait, parallel steps or a retry, the client is
/// redirected to a URL that returns the response later, and the server continues the run by calling the
/// endpoint.
///
///     auto checkout = inngest::endpoint(app, {.id = "checkout"}, [](inngest::endpoint_context& ctx) {
///       const auto order = ctx.body<Order>();
///       const auto payment = ctx.step.run("charge", [&] { return charge(order); });
///       return Receipt{.order = order.id, .payment = payment};
///     });
///     inngest::serve(server, "/checkout", checkout);
///
/// The handler is stored and may be called from many threads concurrently.
/// \throws configuration_error for an invalid option.
template <endpoint_handler Handler>
[[nodiscard]] durable_endpoint endpoint(const client& app, endpoint_options options, Handler handler) {
  using returned = std::remove_cvref_t<std::invoke_result_t<Handler&, endpoint_context&>>;
  static_assert(std::is_same_v<returned, http::response> || json_writable<returned>,
                "inngest: an endpoint's handler returns an http::response, or a value that JSON can hold");
  return durable_endpoint(app, std::move(options),
                          detail::copyable([handler = std::move(handler)](endpoint_context& ctx) mutable {
                            if constexpr (std::is_same_v<returned, http::response>) {
                              return handler(ctx);
                            } else {
                              return http::response{.headers = {{"content-type", "application/json"}},
                                                    .body = encode(handler(ctx), "response")};
                            }
                          }));
}

/// Options of an endpoint_proxy.
struct endpoint_proxy_options {
  /// The origin whose pages may read responses: "*" for all origins, empty for the proxy's own only.
  std::string allow_origin = "*";
  /// How long a request waits for the response before the client is redirected to ask again.
  duration_ms wait = std::chrono::seconds(20);
};

/// Serves the responses of runs that continued in the background, for endpoints that redirect to it. Pages of
/// other origins may read them: see endpoint_proxy_options::allow_origin. Requests have the parameters
/// `runId` and `token`.
class endpoint_proxy {
 public:
  /// The client's middleware decodes the responses, for example decrypts them.
  explicit endpoint_proxy(inngest::client app, endpoint_proxy_options options = {})
      : client_(std::move(app)), options_(std::move(options)) {}

  /// Returns the HTTP handler of the proxy, for a framework or a router of your own.
  inngest::handler serve(serve_options options = {}) const;

 private:
  inngest::client client_;
  endpoint_proxy_options options_;
};

namespace detail {

template <class Server, class Served>
handler serve_at(Server& server, std::string path, const Served& served, serve_options options) {
  static_assert(has_adapter<Server>,
                "inngest: no adapter for this server: include the one of its framework, such as "
                "<inngest/adapters/httplib.hpp>, or specialize inngest::adapter for it");
  options.path = std::move(path);
  options.streaming = false;  // the client waits for the response of the endpoint itself
  if constexpr (has_adapter<Server>) serving::adapt_options<Server>(options);
  handler out = served.serve(std::move(options));
  if constexpr (has_adapter<Server>) adapter<Server>::mount(server, out);
  return out;
}

}  // namespace detail

/// Serves an endpoint on a server, at a path, for all methods. Stop it like an app: drain() on the returned
/// handler, and runs that have not ended continue in the background.
template <class Server>
handler serve(Server& server, std::string path, const durable_endpoint& endpoint,
              serve_options options = {}) {
  return detail::serve_at(server, std::move(path), endpoint, std::move(options));
}

/// Serves a proxy on a server, at a path.
template <class Server>
handler serve(Server& server, std::string path, const endpoint_proxy& proxy, serve_options options = {}) {
  return detail::serve_at(server, std::move(path), proxy, std::move(options));
}

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/impl/endpoint.ipp>
#endif
