#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/time/duration.hpp>

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

}  // namespace inngest::inline INNGEST_ABI::embedded
