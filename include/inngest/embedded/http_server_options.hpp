#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/time/duration.hpp>

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

}  // namespace inngest::inline INNGEST_ABI::embedded
