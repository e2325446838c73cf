#pragma once

#include <optional>
#include <string>

#include <inngest/config.hpp>
#include <inngest/embedded/engine.hpp>
#include <inngest/http.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The routes of an http_server for operators:
///
/// - `/metrics`: engine::metrics() for Prometheus
/// - `/health/ready`: 200 while the engine can work; 503 with the reasons
class operating_api {
 public:
  /// `with_details` includes the reasons why the engine is not ready. Unauthenticated clients must not see
  /// them.
  operating_api(const engine& engine, bool with_details) : engine_(engine), with_details_(with_details) {}

  /// The answer to a GET request; `nullopt` for other routes.
  std::optional<http::response> answer(const std::string& path) const;

 private:
  http::response metrics() const;

  http::response health(bool must_be_ready) const;

  const engine& engine_;
  const bool with_details_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/operating_api.ipp>
#endif
