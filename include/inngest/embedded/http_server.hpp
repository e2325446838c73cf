#pragma once

#include <memory>
#include <string>

#include <inngest/config.hpp>
#include <inngest/embedded/engine.hpp>
#include <inngest/embedded/http_server_options.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

class connect_gateway;
class http_server_body;

/// Serves an engine over HTTP. Inngest SDKs can send events and register functions, and the engine calls
/// these functions. Users can view the engine's runs in a browser.
///
///     inngest::embedded::http_server server{engine};  // http://127.0.0.1:8288
///
/// The server listens during its lifetime. The engine must outlive it.
class http_server {
 public:
  /// Starts to listen.
  /// \throws configuration_error when the address is in use or can't be bound, or when keys are required: see
  /// http_server_options.
  explicit http_server(engine& engine, http_server_options options = {});

  /// Waits up to two seconds for requests in progress, and closes the port.
  ~http_server();

  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  /// The port on which the server listens.
  int port() const;
  /// The server's URL for clients on this machine, such as "http://127.0.0.1:8288".
  std::string url() const;

  /// The URL of the page for a browser. With keys, the URL is a link that signs in: it works once, and the
  /// browser then stays signed in for a day, or until this server ends. Each call returns a new link.
  std::string sign_in_url();

 private:
  friend class connect_gateway;
  std::unique_ptr<http_server_body> body_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/impl/http_server.ipp>
#endif
