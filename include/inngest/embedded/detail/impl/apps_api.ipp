#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/apps_api.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/path_parts.hpp>
#include <inngest/embedded/detail/received_json.hpp>
#include <inngest/embedded/detail/server_api.hpp>
#include <inngest/json/detail/text.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// A time that may be missing.
INNGEST_INLINE json shown_time(const std::optional<timestamp>& time) {
  return time ? json(to_text(*time)) : json();
}

INNGEST_INLINE std::optional<http::response> apps_api::answer(const http::request& request) const {
  const std::vector<std::string> path = detail::path_parts(request.path());
  if (path.size() < 2 || path[0] != "api") return std::nullopt;
  using api = server_api<engine>;
  if (path.size() == 2 && path[1] == "apps") return api::answer_of(200, {{"apps", apps()}});
  if (path.size() == 2 && path[1] == "shapes") return shapes(request.query("function").value_or(""));
  if (path.size() == 3 && path[1] == "events") return event(path[2]);
  if (path.size() == 4 && path[1] == "functions" && path[3] == "stats") return stats(path[2]);
  return std::nullopt;
}

INNGEST_INLINE json apps_api::apps() const {
  json all = json::array();
  for (const app_info& app : engine_.apps()) {
    json functions = json::array();
    for (const std::string& slug : app.functions) functions.push_back(detail::to_printable(slug));
    all.push_back({{"id", detail::to_printable(app.id)},
                   {"sdk", app.sdk},
                   {"sdk_version", app.sdk_version},
                   {"version", app.version},
                   {"url", detail::to_printable(app.url)},
                   {"functions", std::move(functions)},
                   {"workers", app.workers},
                   {"registered_at", shown_time(app.registered_at)},
                   {"last_contact", shown_time(app.last_contact)},
                   {"last_error", app.last_error.empty() ? json() : json(app.last_error)},
                   {"last_error_at", shown_time(app.last_error_at)}});
  }
  return all;
}

INNGEST_INLINE bool apps_api::has_function(const std::string& slug) const {
  const auto all = engine_.functions();
  return std::any_of(all.begin(), all.end(), [&](const auto& function) { return function.slug == slug; });
}

/// The answer for an unknown function.
INNGEST_INLINE http::response no_function(const std::string& slug) {
  return server_api<engine>::refusal(404, "there is no function \"" + slug + "\"");
}

INNGEST_INLINE http::response apps_api::shapes(const std::string& function) const {
  if (!function.empty() && !has_function(function)) return no_function(function);
  return server_api<engine>::answer_of(200, engine_.shapes(function));
}

INNGEST_INLINE http::response apps_api::stats(const std::string& function) const {
  if (!has_function(function)) return no_function(function);
  const auto shown = [](const run_stats& stats) {
    const auto ms = [](const auto& time) { return time ? json(time->count()) : json(); };
    return json{{"runs", stats.runs},
                {"completed", stats.completed},
                {"failed", stats.failed},
                {"cancelled", stats.cancelled},
                {"error_share", stats.error_share ? json(*stats.error_share) : json()},
                {"p50_ms", ms(stats.p50)},
                {"p95_ms", ms(stats.p95)},
                {"per_minute", stats.per_minute},
                {"is_sample", stats.is_sample}};
  };
  const function_stats stats = engine_.stats_of(function);
  return server_api<engine>::answer_of(200, {{"hour", shown(stats.hour)}, {"day", shown(stats.day)}});
}

INNGEST_INLINE http::response apps_api::event(const std::string& id) const {
  const auto found = engine_.store().find_event(id);
  if (!found) return server_api<engine>::refusal(404, "there is no event \"" + id + "\"");
  json runs = json::array();
  for (const run& started : engine_.runs_of(id)) {
    runs.push_back({{"id", started.id},
                    {"function", detail::to_printable(started.function_slug)},
                    {"status", std::string(to_string(started.status))},
                    {"queued_at", to_text(started.queued_at)},
                    {"ended_at", shown_time(started.ended_at)}});
  }
  return server_api<engine>::answer_of(200, {{"id", detail::to_printable(found->id)},
                                             {"name", detail::to_printable(found->name)},
                                             {"received_at", to_text(found->received_at)},
                                             {"event", received_json_value(found->text)},
                                             {"runs", std::move(runs)}});
}

}  // namespace inngest::inline INNGEST_ABI::embedded
