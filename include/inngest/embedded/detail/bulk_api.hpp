#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <inngest/config.hpp>
#include <inngest/embedded/bulk.hpp>
#include <inngest/embedded/engine.hpp>
#include <inngest/http.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The most bulk operations that run when a request begins another one: a client that repeats a request,
/// because it got no answer, would repeat every run as often.
inline constexpr std::ptrdiff_t max_bulk_operations = 100;

/// The routes of an http_server for bulk operations:
///
/// - `POST /api/bulk`: engine::begin_bulk(); with `"dry_run": true` only counts the runs
/// - `GET /api/bulk`, `GET /api/bulk/<id>`
/// - `POST /api/bulk/<id>/stop`: engine::stop_bulk()
class bulk_api {
 public:
  explicit bulk_api(engine& engine) : engine_(engine) {}

  /// The answer; `nullopt` for other routes. \throws payload_error or configuration_error that names the
  /// member of the body which is wrong; unreachable and store_error like the engine.
  std::optional<http::response> answer(const http::request& request) const;

 private:
  http::response begin(const std::string& body) const;
  http::response list() const;
  http::response find(const std::string& id) const;
  http::response stop(const std::string& id) const;

  engine& engine_;
};

/// Reads the body of `POST /api/bulk`. `dry_run` becomes whether only the count is wanted. An operation on
/// every run needs `"all": true`.
/// \throws payload_error
bulk_request read_bulk_request(const std::string& body, bool& dry_run);

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/bulk_api.ipp>
#endif
