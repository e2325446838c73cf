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

/// Options of an http_server.
///
/// Without keys the server is for this machine only: it listens on a loopback address and answers every
/// client, except web pages of other origins. With a signing key or event keys every request needs one: an
/// event needs an event key, an app needs the signing key, and a person needs a sign-in link.
struct http_server_options {
  /// The address to listen on, or a name for it. Other addresses than loopback need keys, or `allow_anyone`.
  std::string host = "127.0.0.1";
  /// The port to listen on. 0 chooses a free one: see port().
  int port = 8288;
  /// Signs the calls of remote apps. Apps must send its hash, as SDKs do, to register and to use the API.
  /// Empty: no signing key.
  std::string signing_key{};
  /// The keys with which clients send events to `/e/(key)`. With an event key, web pages may send events,
  /// too.
  std::vector<std::string> event_keys{};
  /// More names by which clients reach the server, without a port: such as "engine" for http://engine:8288.
  /// The server always accepts localhost, 127.0.0.1, [::1] and `host`. It answers requests for other hosts
  /// with status 421.
  std::vector<std::string> hosts{};
  /// Allows every address without keys. Every client that reaches the server may then do everything.
  bool allow_anyone = false;
  /// The most requests that the server answers at the same time. More requests wait. At least 1.
  std::size_t connections = 64;
  /// The most open connections. When there are more, the server closes the oldest ones without a complete
  /// request first, and then idle ones. The limit is at most half of the files that the process may open, and
  /// at least 1.
  std::size_t max_connections = 1000;
  /// The time in which a client must send the headers of a request.
  std::chrono::milliseconds header_timeout = std::chrono::seconds(10);
  /// The time in which a client must send a body, or receive an answer, plus a second for each 64 KB.
  std::chrono::milliseconds body_timeout = std::chrono::seconds(30);
  /// The largest body of a request in bytes. The server answers a larger one with status 413.
  std::size_t max_body_size = INNGEST_MAX_BODY_SIZE;
  /// The most queued runs. While there are more, the server answers events with status 503 and Retry-After.
  std::size_t max_queued_runs = 1'000'000;
  /// The timeout of a call to a remote app.
  duration_ms call_timeout = std::chrono::hours(2);
};

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

/// Serves an engine over HTTP. Inngest SDKs can send events and register functions, and the engine calls
/// them. People can view the engine's runs in a browser.
///
///     inngest::embedded::http_server server{engine};  // http://127.0.0.1:8288
///
/// The server listens while it lives. The engine must outlive it.
class http_server {
 public:
  /// Starts to listen. \throws configuration_error when the address is in use or can't be bound, or when it
  /// needs keys: see http_server_options.
  explicit http_server(engine& engine, http_server_options options = {});

  /// Finishes the requests that are being answered, for up to two seconds, and closes the port.
  ~http_server();

  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  /// The port on which the server listens.
  int port() const { return listener_->port(); }
  /// The server's URL for clients on this machine, such as "http://127.0.0.1:8288".
  std::string url() const;

  /// The URL of the page for a browser. With keys, the URL is a link that signs in. It works once, and the
  /// browser then stays signed in for a day, or until this server ends. Each call returns a new link.
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
#include <inngest/embedded/impl/http_server.ipp>
#endif
