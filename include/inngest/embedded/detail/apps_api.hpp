#pragma once

#include <optional>
#include <string>

#include <inngest/config.hpp>
#include <inngest/embedded/engine.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Routes of an http_server for apps, their functions and their events:
///
/// - `/api/apps`: engine::apps()
/// - `/api/shapes`, with `?function=<slug>` those of one function: engine::shapes()
/// - `/api/functions/<slug>/stats`: engine::stats_of()
/// - `/api/events/<id>`: an event and the runs that it started
class apps_api {
 public:
  explicit apps_api(const engine& engine) : engine_(engine) {}

  /// The answer to a GET request; `nullopt` for other routes.
  std::optional<http::response> answer(const http::request& request) const;

 private:
  json apps() const;

  http::response shapes(const std::string& function) const;

  http::response stats(const std::string& function) const;

  http::response event(const std::string& id) const;

  bool has_function(const std::string& slug) const;

  const engine& engine_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded

#if !defined(INNGEST_COMPILED)
#include <inngest/embedded/detail/impl/apps_api.ipp>
#endif
