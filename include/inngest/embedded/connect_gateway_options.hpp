#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include <inngest/config.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Options of a connect_gateway.
struct connect_gateway_options {
  /// The address to listen on. Empty: that of the http_server. Addresses other than loopback need keys, or
  /// http_server_options::allow_anyone.
  std::string host{};
  /// The port to listen on. The default is a dev server's. 0 chooses a free port: see port().
  int port = 8289;
  /// The URL that workers are told to connect to, if they can't reach the gateway directly: such as
  /// "wss://engine.example.com/v0/connect" for a proxy with TLS. Empty: "ws://", the host by which the worker
  /// reached the http_server, and the port.
  std::string url{};
  /// The gateway's name. Workers that reconnect because the gateway closes exclude it by this name.
  std::string group = "gw-dev";
  /// The maximum number of open connections. Further workers are told to retry later.
  std::size_t max_connections = 1000;
  /// The maximum size of a worker's message in bytes. A larger one closes the connection. A worker's first
  /// message, which describes its functions, has at most 1 MB.
  std::size_t max_message_size = std::size_t{10} * 1024 * 1024;
  /// How often workers send heartbeats. A worker gets no calls after two intervals without one, and its
  /// connection is closed after five.
  std::chrono::milliseconds heartbeat_interval = std::chrono::seconds(10);
  /// How long a worker may hold a call without extending its lease. Workers extend it four times as often.
  /// `lease_grace` after the lease has expired, the call counts as a failed attempt.
  std::chrono::milliseconds lease = std::chrono::minutes(2);
  /// How long after the end of its lease a reply is still accepted.
  std::chrono::milliseconds lease_grace = std::chrono::seconds(5);
  /// How long a worker may take to acknowledge a call before another worker gets it.
  std::chrono::milliseconds ack_timeout = std::chrono::seconds(30);
  /// How often workers report their status. 0, a server's setting, disables the reports.
  std::chrono::milliseconds status_interval{0};
  /// How long the destructor waits for running calls.
  std::chrono::milliseconds drain_time = std::chrono::seconds(2);
};

}  // namespace inngest::inline INNGEST_ABI::embedded
