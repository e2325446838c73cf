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

// What an http_server is made of. Users see http_server, which only has a pointer to it.

/// Calls apps elsewhere, signed if there is a key.
class app_calls {
 public:
  app_calls(std::string signing_key, std::chrono::milliseconds timeout);

  http::response send(http::request request);

 private:
  /// An answer that was streamed has the real one in its body.
  static void unwrap(http::response& answer);

  const std::string signing_key_;
  const std::chrono::milliseconds timeout_;
  httplib_transport transport_;
};

/// The server: its functions do what those of `http_server` say.
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

  /// One line for each reason and minute. Neither keys nor what a stranger has sent are logged.
  void log_refusal(int status);

  // ---- answers ------------------------------------------------------------------------------------------

  /// What browsers are told of every answer: to show it in no frame, to give it to no other page, and to take
  /// it for what it says it is.
  static http::response guarded(http::response answer);

  http::response answer(const http::request& request);

  http::response respond(http::request request);

  /// What is asked of a server and not of an engine.
  std::optional<http::response> own_answer(const http::request& request);

  /// Counted a few times a second: that a thousand more may come in between does not matter.
  bool has_full_queue();

  // ---- the page -----------------------------------------------------------------------------------------

  static http::response page();

  /// Exchanges the token of a sign-in link for a cookie. The page is then opened by this one: a cookie that
  /// is SameSite=Strict is not sent when a link elsewhere led here.
  http::response sign_in(const http::request& request);

  std::optional<http::response> page_answer(const http::request& request, const std::string& path);

  // ---- apps elsewhere -------------------------------------------------------------------------------------

  /// What SDKs look for to find a dev server.
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
