#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/connect_gateway_options.hpp>
#include <inngest/embedded/detail/gateway_body.hpp>
#include <inngest/embedded/http_server.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Lets workers of any Inngest SDK connect to an engine: the server's side of Connect. A worker opens a
/// WebSocket to the gateway, registers its apps through it, and receives calls of their functions. A worker
/// needs no port of its own, so it may be behind NAT.
///
///     inngest::embedded::http_server server{engine};          // http://127.0.0.1:8288
///     inngest::embedded::connect_gateway gateway{server};     // ws://127.0.0.1:8289/v0/connect
///
/// Workers find the gateway through the http_server: they ask at POST /v0/connect/start, with its signing key
/// if it has one, and receive the gateway's address and the tokens for one connection. In other SDKs this is
/// `connect({apps: [...]})` with INNGEST_DEV=http://127.0.0.1:8288.
///
/// - **Apps.** A worker's apps are registered as over HTTP, with the same checks: a worker can't take over an
///   app that is registered at a URL, nor the other way around. A worker may have up to 100 apps.
/// - **Calls.** A call goes to the least busy worker that has the function and is below its
///   `maxWorkerConcurrency`. If the worker does not acknowledge the call, or disconnects before it does,
///   another worker gets it; this does not count as an attempt.
/// - **Without workers** calls wait, and their runs are queued. This includes a restart of the engine on the
///   same store: the store contains the apps, and their workers reconnect.
/// - **Leases.** A worker extends its lease of a call while it works. When the lease expires without a reply,
///   the call is a failed attempt with the error "connect_worker_stopped_responding", as on a server. A
///   worker whose connection breaks may reconnect and reply, over the new connection or to POST
///   /v0/connect/flush.
/// - **The end.** The destructor tells workers that the gateway closes, waits up to `drain_time` for running
///   calls, and closes the connections. Calls that have not ended are repeated once there is a gateway again;
///   this does not count as an attempt.
///
/// Each running call occupies one of `engine_options::workers` threads. GET /v0/connect/envs/dev/conns lists
/// the connections. The gateway does not support TLS: see connect_gateway_options::url.
///
/// Requires Boost 1.74 or later and protozero, both header-only: `libboost-dev` and `libprotozero-dev` on
/// Debian, and the component `connect` of CMake's package. The server must outlive the gateway, and may have
/// only one at a time.
class connect_gateway {
 public:
  /// Starts to listen.
  /// \throws configuration_error when the address is in use or can't be bound, when other machines could
  /// reach it without keys, when an option is out of range, or when the server already has a gateway.
  explicit connect_gateway(http_server& server, connect_gateway_options options = {})
      : server_(*server.body_), body_(std::make_shared<gateway_body>(server_, std::move(options))) {
    server_.attach(body_);
  }

  ~connect_gateway() {
    server_.detach();
    body_->stop();
  }

  connect_gateway(const connect_gateway&) = delete;
  connect_gateway& operator=(const connect_gateway&) = delete;

  /// The port on which the gateway listens.
  int port() const { return body_->port(); }
  /// The gateway's URL for workers on this machine, such as "ws://127.0.0.1:8289/v0/connect".
  std::string url() const { return body_->url("127.0.0.1"); }
  /// The number of connected workers.
  std::size_t workers() const { return body_->workers(); }

 private:
  http_server_body& server_;
  std::shared_ptr<gateway_body> body_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded
