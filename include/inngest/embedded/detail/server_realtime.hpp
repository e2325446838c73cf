#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/open_answer.hpp>
#include <inngest/embedded/detail/realtime_api.hpp>
#include <inngest/embedded/engine.hpp>
#include <inngest/http.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The routes of realtime whose connections stay open: subscriptions, and streams published in pieces. Used
/// by http_server.
class server_realtime {
 public:
  /// `make` creates an open answer with a limit on waiting bytes.
  using maker = std::function<std::shared_ptr<detail::open_answer>(std::size_t most)>;

  /// Rejects more than `most` subscribers.
  server_realtime(engine& engine, std::size_t most) : engine_(engine), max_subscribers_(most) {}

  /// Answers `GET /v1/realtime/sse`; `nullopt` for other requests.
  std::optional<detail::listener_answer> subscribe(const http::request& request, const maker& make) const;

  /// Receives the bodies of `POST /v1/realtime/publish` with the type text/stream, and of
  /// `/v1/realtime/publish/tee`.
  detail::opened_body open_body(const http::request& head) const;

 private:
  engine& engine_;
  const std::size_t max_subscribers_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/server_realtime.ipp>
#endif
