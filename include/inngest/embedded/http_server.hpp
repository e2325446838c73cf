#pragma once

#include <memory>
#include <string>

#include <inngest/config.hpp>
#include <inngest/embedded/engine.hpp>
#include <inngest/embedded/http_server_options.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

class http_server_body;

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

  int port() const;
  /// Such as "http://127.0.0.1:8288".
  std::string url() const;

  /// The address of the page for a person's browser. With keys, it is a link that signs in: it works once,
  /// and the browser then stays signed in for a day, or until this server ends. Each call makes a new link.
  std::string sign_in_url();

 private:
  std::unique_ptr<http_server_body> body_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/impl/http_server.ipp>
#endif
