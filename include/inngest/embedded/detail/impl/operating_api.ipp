#pragma once

#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/operating_api.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/text.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::optional<http::response> operating_api::answer(const std::string& path) const {
  if (path == "/metrics") return metrics();
  if (path == "/health/live") return health(false);
  if (path == "/health/ready") return health(true);
  return std::nullopt;
}

INNGEST_INLINE http::response operating_api::metrics() const {
  return {.status = 200,
          .headers = {{"content-type", "text/plain; version=0.0.4; charset=utf-8"}},
          .body = prometheus_text(engine_.metrics())};
}

INNGEST_INLINE http::response operating_api::health(bool must_be_ready) const {
  const engine_health found = engine_.health();
  const bool ok = must_be_ready ? found.ready : found.live;
  json body{{"status", ok ? "ok" : must_be_ready ? "not ready" : "dead"}, {"checks", json::array()}};
  for (const health_check& check : found.checks) {
    json told{{"name", check.name}, {"ok", check.ok}};
    if (with_details_ && !check.detail.empty()) told["detail"] = detail::to_printable(check.detail);
    body["checks"].push_back(std::move(told));
  }
  return {.status = ok ? 200 : 503, .headers = {{"content-type", "application/json"}}, .body = encode(body)};
}

}  // namespace inngest::inline INNGEST_ABI::embedded
