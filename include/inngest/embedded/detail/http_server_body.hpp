#pragma once

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/log_limiter.hpp>
#include <inngest/embedded/detail/http_listener.hpp>
#include <inngest/embedded/detail/page.hpp>
#include <inngest/embedded/detail/page_api.hpp>
#include <inngest/embedded/detail/server_access.hpp>
#include <inngest/embedded/detail/server_api.hpp>
#include <inngest/embedded/engine.hpp>
#include <inngest/embedded/http_server_options.hpp>
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/canonical.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/signature.hpp>
#include <inngest/transport/httplib.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

// The implementation of http_server, which only has a pointer to it.

/// Calls remote apps. http_server uses it.
class app_calls {
 public:
  /// Signs calls with the key, unless it is empty. `timeout` applies to each call.
  app_calls(std::string signing_key, std::chrono::milliseconds timeout);

  /// Calls an app and returns its answer. \throws unreachable when there is no answer.
  http::response send(http::request request);

 private:
  /// Replaces a streamed answer with the real one, which is in its body.
  static void unwrap(http::response& answer);

  const std::string signing_key_;
  const std::chrono::milliseconds timeout_;
  httplib_transport transport_;
};

/// Implements `http_server`, which documents the public functions.
class http_server_body {
 public:
  explicit http_server_body(engine& engine, http_server_options options = {});
  ~http_server_body();
  http_server_body(const http_server_body&) = delete;
  http_server_body& operator=(const http_server_body&) = delete;
  int port() const { return listener_->port(); }
  std::string url() const;
  std::string sign_in_url();

 private:
  using engine_api = server_api<engine>;

  static access_options access_of(const http_server_options& options);

  void start();

  /// Logs one line for each reason and minute. The log contains neither keys nor bytes of the request.
  void log_refusal(int status);

  // ---- answers ------------------------------------------------------------------------------------------

  /// Adds headers for browsers: do not show the answer in a frame, do not let other pages read it, and do not
  /// guess its content type.
  static http::response guarded(http::response answer);

  http::response answer(const http::request& request);

  http::response respond(http::request request);

  /// Answers the routes that only a server has; `nullopt` for the engine's routes.
  std::optional<http::response> own_answer(const http::request& request);

  /// Whether max_queued_runs is reached. Counts a few times a second, so some runs more may be accepted.
  bool has_full_queue();

  // ---- the page -----------------------------------------------------------------------------------------

  static http::response page();

  /// Exchanges the token of a sign-in link for a cookie. The answer is a page that opens the web page,
  /// because browsers do not send a SameSite=Strict cookie when a link of another site leads to the server.
  http::response sign_in(const http::request& request);

  std::optional<http::response> page_answer(const http::request& request, const std::string& path);

  // ---- remote apps ----------------------------------------------------------------------------------------

  /// The answer to /dev, by which SDKs find a dev server.
  json described() const;

  http::response register_app(const http::request& request);

  http::response checkpoint(const http::request& request, const std::string& run_id);

  engine& engine_;
  const http_server_options options_;
  server_access access_;
  detail::log_limiter refusals_;
  std::mutex queue_mutex_;
  std::size_t queued_ = 0;
  std::chrono::steady_clock::time_point count_again_{};
  std::optional<detail::http_listener> listener_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/http_server_body.ipp>
#endif
