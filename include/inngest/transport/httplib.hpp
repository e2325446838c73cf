#pragma once

#include <chrono>
#include <memory>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/http.hpp>
#include <inngest/http/streaming.hpp>
#include <inngest/stop_token.hpp>

namespace inngest::inline INNGEST_ABI {
namespace detail {

/// The open connections of a transport.
class httplib_connections;

}  // namespace detail

/// Sends requests with cpp-httplib. It reuses connections, and opens one to an origin for each concurrent
/// request. Including this header makes it the default transport of every client. With INNGEST_COMPILED it is
/// the default without the include.
class httplib_transport final : public http::transport {
 public:
  httplib_transport();
  ~httplib_transport() override;
  /// Sends a request from any thread and waits for the answer. `timeout` limits the time without data from
  /// the server, and also the time for the whole answer, plus a second for each 64 KB. Ignores fields of the
  /// connection, such as "connection" and "content-length": the transport sets them.
  /// \throws unreachable when there is no answer; too_large when it has more than 32 MB
  /// (INNGEST_MAX_BODY_SIZE); configuration_error when the URL is not an http or https URL, or needs TLS that
  /// is not compiled in, or when the name of a header is no token of HTTP.
  http::response send(const http::request& request, std::chrono::milliseconds timeout) override;
  /// The same, but a requested stop closes the connection: it then soon throws, or returns an answer that may
  /// be incomplete. A connection that can't be established within five seconds counts as unreachable; a
  /// request to stop waits until then.
  http::response send(const http::request& request, std::chrono::milliseconds timeout,
                      const stop_token& stop);
  /// Receives an answer in pieces, over its own connection. A connection that can't be established within
  /// five seconds counts as unreachable.
  /// \throws what send() throws.
  void stream(const http::request& request, const http::streaming& handlers) override;

 private:
  std::unique_ptr<detail::httplib_connections> connections_;
};

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/transport/impl/httplib.ipp>
#endif
