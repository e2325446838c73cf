#pragma once

#include <chrono>
#include <memory>

#include <inngest/client.hpp>
#include <inngest/config.hpp>
#include <inngest/http.hpp>

namespace inngest::inline INNGEST_ABI {
namespace detail {

/// The open connections of a transport.
class httplib_connections;

}  // namespace detail

/// Sends requests with cpp-httplib. It reuses connections, and opens as many to an origin as there are
/// requests to it at the same time. Including this header makes it the default transport of every client;
/// with INNGEST_COMPILED it is the default without the include.
class httplib_transport final : public http::transport {
 public:
  httplib_transport();
  ~httplib_transport() override;
  /// Sends a request from any thread and waits for the answer. \throws unreachable when there is no answer;
  /// configuration_error when the URL is not an http or https URL, or needs TLS that is not compiled in.
  http::response send(const http::request& request, std::chrono::milliseconds timeout) override;

 private:
  std::unique_ptr<detail::httplib_connections> connections_;
};

}  // namespace inngest::inline INNGEST_ABI

#if !defined(INNGEST_COMPILED)
#include <inngest/transport/impl/httplib.ipp>
#endif
