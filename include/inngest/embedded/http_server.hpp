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
#include <inngest/error.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/canonical.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/protocol/headers.hpp>
#include <inngest/protocol/signature.hpp>
#include <inngest/transport/httplib.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Without keys the server is for this machine: it listens on a loopback address, and answers anyone who
/// reaches that, except web pages of other origins. With a signing key or event keys everything needs one:
/// events need an event key, apps the signing key, and people a sign-in link.
struct http_server_options {
  /// The address, or its name. Anything but a loopback address needs keys, or `allow_anyone`.
  std::string host = "127.0.0.1";
  /// 0 chooses a free one: see port().
  int port = 8288;
  /// Signs the calls of apps elsewhere. Apps must show it, hashed as SDKs send it, to register and for their
  /// API calls.
  std::string signing_key{};
  /// The keys with which events are accepted at /e/<key>. With them, web pages may send events, too.
  std::vector<std::string> event_keys{};
  /// Further names, without a port, by which clients call the server: such as "engine" for
  /// http://engine:8288. It answers to names of this machine (localhost, 127.0.0.1, [::1]) and to `host`;
  /// requests for other hosts get status 421.
  std::vector<std::string> hosts{};
  /// Listens on any address without keys: whoever reaches it may do everything.
  bool allow_anyone = false;
  /// Requests that are answered at the same time; others wait.
  std::size_t connections = 64;
  /// Connections that are open at the same time. When there are more, those go that have been silent longest
  /// before they completed a request, then idle ones. At most half of the files that the process may open.
  std::size_t max_connections = 1000;
  /// How long a client may take for the headers of a request.
  std::chrono::milliseconds header_timeout = std::chrono::seconds(10);
  /// How long it may take to send a body, or to take an answer; large ones have longer, a second for each
  /// 64 KB.
  std::chrono::milliseconds body_timeout = std::chrono::seconds(30);
  /// Bytes of a request's body; for larger ones the answer is 413.
  std::size_t max_body_size = INNGEST_MAX_BODY_SIZE;
  /// Runs that may be queued; while there are more, the server takes no events: status 503 with Retry-After.
  std::size_t max_queued_runs = 1'000'000;
  /// How long an app elsewhere may take for a call.
  duration_ms call_timeout = std::chrono::hours(2);
};

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

/// An engine as a server: any Inngest SDK can send it events, register functions and be called by it, and
/// people can look at it with a browser.
///
///     inngest::embedded::http_server server{engine};  // http://127.0.0.1:8288
///
/// It listens while it lives; the engine must live longer.
class http_server {
 public:
  /// \throws configuration_error when it can't listen there, or must not: see http_server_options.
  explicit http_server(engine& engine, http_server_options options = {});

  ~http_server();

  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  int port() const { return listener_->port(); }
  /// Such as "http://127.0.0.1:8288".
  std::string url() const;

  /// The address of the page for a person's browser. With keys, it is a link that signs in: it works once,
  /// and the browser then stays signed in for a day, or until this server ends. Each call makes a new link.
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
#include <inngest/embedded/impl/http_server.ipp>
#endif
