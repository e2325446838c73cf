#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/time/duration.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Options of an http_server.
///
/// Without keys, the server only serves this machine: it listens on a loopback address and answers every
/// client except web pages of other origins. With a signing key or event keys, every request is
/// authenticated: an event needs an event key, an app needs the signing key, and a user needs a sign-in link.
struct http_server_options {
  /// The address to listen on, or a host name. Addresses other than loopback need keys, or `allow_anyone`.
  std::string host = "127.0.0.1";
  /// The port to listen on. 0 chooses a free port: see port().
  int port = 8288;
  /// Signs the calls of remote apps. Apps must send its hash, as SDKs do, to register and to use the API.
  /// Empty: no signing key.
  std::string signing_key{};
  /// The keys with which clients send events to `/e/(key)`. Web pages that have an event key may also send
  /// events.
  std::vector<std::string> event_keys{};
  /// The key with which Prometheus reads `/metrics`, and nothing else: `Authorization: Bearer <key>`. Like
  /// the other keys, it makes all routes require a key. Empty: `/metrics` requires the hashed signing key.
  std::string metrics_key{};
  /// More host names by which clients reach the server, without a port: such as "engine" for
  /// http://engine:8288. The server always accepts localhost, 127.0.0.1, [::1] and `host`. Requests for other
  /// hosts get status 421.
  std::vector<std::string> hosts{};
  /// Allows all addresses without keys. Every client that reaches the server then has full access.
  bool allow_anyone = false;
  /// The maximum number of requests that are answered at the same time. Further requests wait. At least 1.
  std::size_t connections = 64;
  /// The maximum number of open connections. Above it, the server closes the oldest connections without a
  /// complete request first, and then idle ones. Limited to half of the files that the process may open; at
  /// least 1. Up to half of the connections may belong to realtime subscribers, which keep them open.
  std::size_t max_connections = 1000;
  /// The time limit for receiving the headers of a request. This and the other timeouts must be from a
  /// millisecond to a year.
  std::chrono::milliseconds header_timeout = std::chrono::seconds(10);
  /// The time limit for receiving a body, and for sending an answer, plus a second for each 64 KB.
  std::chrono::milliseconds body_timeout = std::chrono::seconds(30);
  /// The maximum size of a request body in bytes; larger ones get status 413.
  std::size_t max_body_size = INNGEST_MAX_BODY_SIZE;
  /// The maximum number of runs that wait for their first call. At this limit, events get status 429 with
  /// Retry-After, and clients send them again. Waiting runs use memory.
  std::size_t max_queued_runs = 100'000;
  /// The folder for the files of `POST /api/backup`. Empty, the default, disables backups over HTTP.
  std::filesystem::path backup_folder{};
  /// The timeout of a call to a remote app.
  duration_ms call_timeout = std::chrono::hours(2);
};

}  // namespace inngest::inline INNGEST_ABI::embedded
