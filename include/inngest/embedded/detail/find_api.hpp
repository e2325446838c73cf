#pragma once

#include <optional>

#include <inngest/config.hpp>
#include <inngest/embedded/engine.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The routes of an http_server that search:
///
/// - `/api/runs`, `/api/runs/count` and `/api/runs/histogram` with the filters of run_filter.hpp
/// - `/api/events` with those for events
/// - `/api/functions` with `search` and `app`
///
/// A page of runs or events may be short or empty and have a successor: `next` is null only at the end.
class find_api {
 public:
  explicit find_api(const engine& engine) : engine_(engine) {}

  /// The answer to a GET request; `nullopt` for other routes. \throws payload_error that names a wrong
  /// parameter
  std::optional<json> answer(const http::request& request) const;

  /// A run as lists have it.
  static json summary(const run& run);

 private:
  json runs(const http::request& request) const;
  json count(const http::request& request) const;
  json histogram(const http::request& request) const;
  json events(const http::request& request) const;
  json functions(const http::request& request) const;

  const engine& engine_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/find_api.ipp>
#endif
