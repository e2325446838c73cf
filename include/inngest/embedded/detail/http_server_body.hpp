#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/log_limiter.hpp>
#include <inngest/embedded/detail/apps_api.hpp>
#include <inngest/embedded/detail/audit_scope.hpp>
#include <inngest/embedded/detail/bulk_api.hpp>
#include <inngest/embedded/detail/changing_routes.hpp>
#include <inngest/embedded/detail/control_api.hpp>
#include <inngest/embedded/detail/endpoint_runs.hpp>
#include <inngest/embedded/detail/http_listener.hpp>
#include <inngest/embedded/detail/live_changes.hpp>
#include <inngest/embedded/detail/operating_api.hpp>
#include <inngest/embedded/detail/page.hpp>
#include <inngest/embedded/detail/page_api.hpp>
#include <inngest/embedded/detail/redirect.hpp>
#include <inngest/embedded/detail/rerun_api.hpp>
#include <inngest/embedded/detail/server_access.hpp>
#include <inngest/embedded/detail/server_api.hpp>
#include <inngest/embedded/detail/server_gateway.hpp>
#include <inngest/embedded/detail/server_realtime.hpp>
#include <inngest/embedded/engine.hpp>
#include <inngest/embedded/http_server_options.hpp>
#include <inngest/embedded/remote_apps.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/canonical.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/signature.hpp>
#include <inngest/stop_token.hpp>
#include <inngest/transport/httplib.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

// The implementation of http_server, which only holds a pointer to it.

/// Calls remote apps over HTTP. Used by http_server.
class app_calls final : public remote_apps, public std::enable_shared_from_this<app_calls> {
 public:
  /// Signs calls with the key, unless it is empty. `timeout` applies to each call.
  app_calls(std::string signing_key, std::chrono::milliseconds timeout);

  /// Calls an app and returns its answer. A requested stop closes the connection.
  /// \throws unreachable when there is no answer.
  http::response send(http::request request, const stop_token& stop = {});

  /// A route to a URL, which always exists.
  std::unique_ptr<app_route> route_to(const function_definition& function) override;

 private:
  static std::chrono::sys_seconds signing_time();
  class route final : public app_route {
   public:
    explicit route(std::shared_ptr<app_calls> calls) : calls_(std::move(calls)) {}
    std::optional<http::response> call(remote_call call) override;

   private:
    std::shared_ptr<app_calls> calls_;  // a call may outlive the server
  };

  /// Replaces a streamed answer with the real one, which is in its body.
  static void unwrap(http::response& answer);

  const std::string signing_key_;
  const std::chrono::milliseconds timeout_;
  httplib_transport transport_;
};

/// Implements `http_server`, which documents the public functions.
class http_server_body {
 public:
  explicit http_server_body(embedded::engine& engine, http_server_options options = {});
  ~http_server_body();
  http_server_body(const http_server_body&) = delete;
  http_server_body& operator=(const http_server_body&) = delete;
  int port() const { return listener_->port(); }
  std::string url() const;
  std::string sign_in_url();

  embedded::engine& engine() const { return engine_; }
  const http_server_options& options() const { return options_; }
  bool has_keys() const { return access_.has_keys(); }

  /// Adds the workers' gateway. Only one at a time.
  /// \throws configuration_error
  void attach(std::shared_ptr<server_gateway> gateway);
  /// Removes the gateway. Its runs wait until there is another one.
  void detach() { router_->set_gateway(nullptr); }

 private:
  using engine_api = server_api<embedded::engine>;

  static access_options access_of(const http_server_options& options);

  void start();

  server_realtime realtime() const;

  /// Logs at most one line per reason and minute. The log contains neither keys nor bytes of the request.
  void log_refusal(const http::request& request, int status);
  /// The first part of the path, if it is a route of the server. An unknown path may contain a key.
  static std::string_view known_route(std::string_view url);

  // ---- answers ------------------------------------------------------------------------------------------

  /// Adds headers for browsers: do not show the answer in a frame, do not let other pages read it, and do not
  /// guess its content type.
  static http::response guarded(http::response answer);

  detail::listener_answer answer(const http::request& request);

  http::response respond(http::request request);

  /// Answers a changing request if changing_routes has its route, and ensures that the audit trail has an
  /// entry for it.
  http::response change(const http::request& request);

  http::response handle(const http::request& request);

  /// Answers the routes that only the http_server has; `nullopt` for the engine's routes.
  std::optional<http::response> own_answer(const http::request& request);

  /// Answers a request about runs of endpoints.
  http::response endpoint_answer(const http::request& request);

  // ---- the page -----------------------------------------------------------------------------------------

  static http::response page();

  /// Exchanges the token of a sign-in link for a cookie. The answer is a page that opens the web page,
  /// because browsers do not send a SameSite=Strict cookie when a link on another site leads to the server.
  http::response sign_in(const http::request& request);

  std::optional<http::response> page_answer(const http::request& request, const std::string& path);

  // ---- remote apps ----------------------------------------------------------------------------------------

  /// The answer to /dev, with which SDKs detect a dev server.
  json described() const;

  /// Answers the routes below /v0/connect.
  http::response gateway_answer(const http::request& request) const;

  http::response register_app(const http::request& request);

  http::response checkpoint(const http::request& request, const std::string& run_id);

  embedded::engine& engine_;
  const http_server_options options_;
  server_access access_;
  detail::log_limiter refusals_;
  std::atomic<std::size_t> waiting_for_responses_{0};
  store_turns turns_{};
  std::shared_ptr<app_router> router_;
  live_changes live_;  // outlives the listener, whose connections unsubscribe from it
  std::optional<detail::http_listener> listener_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/http_server_body.ipp>
#endif
