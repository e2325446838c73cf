#pragma once

#include <array>
#include <charconv>
#include <chrono>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/utf8.hpp>
#include <inngest/embedded/detail/find_api.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/received_json.hpp>
#include <inngest/embedded/detail/run_filter.hpp>
#include <inngest/embedded/detail/run_match.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/json/detail/text.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::optional<json> find_api::answer(const http::request& request) const {
  const std::string path = request.path();
  std::optional<json> out;
  if (path == "/api/runs") out.emplace(runs(request));
  if (path == "/api/runs/count") out.emplace(count(request));
  if (path == "/api/runs/histogram") out.emplace(histogram(request));
  if (path == "/api/events") out.emplace(events(request));
  if (path == "/api/functions") out.emplace(functions(request));
  return out;
}

/// null at the end.
INNGEST_INLINE json next_of(const std::string& cursor) {
  return cursor.empty() ? json() : json(detail::to_printable(cursor));
}

INNGEST_INLINE json find_api::runs(const http::request& request) const {
  const run_page page = engine_.find_run_page(read_run_filter(request));
  json all = json::array();
  for (const run& found : page.runs) all.push_back(summary(found));
  return {{"runs", std::move(all)}, {"next", next_of(page.next)}};
}

INNGEST_INLINE json find_api::count(const http::request& request) const {
  const run_count found = engine_.count_runs(read_run_filter(request), std::chrono::seconds(2));
  return {{"count", found.count}, {"next", next_of(found.next)}};
}

INNGEST_INLINE json find_api::histogram(const http::request& request) const {
  constexpr std::array<std::string_view, 1> own{"buckets"};
  const run_query query = read_run_filter(request, own);
  const std::string text = request.query("buckets").value_or("");
  std::size_t buckets = 60;
  const char* end = text.data() + text.size();
  const auto [last, problem] = std::from_chars(text.data(), end, buckets);
  const bool is_number = problem == std::errc() && last == end;
  if (!text.empty() && (!is_number || buckets < 1 || buckets > 500))
    throw payload_error("buckets", "must be a number from 1 to 500");
  const run_histogram found = engine_.histogram(query, buckets, std::chrono::seconds(1));
  json all = json::array();
  for (const run_histogram::bucket& bucket : found.buckets) {
    all.push_back({{"at", to_text(bucket.at)},
                   {"completed", bucket.completed},
                   {"failed", bucket.failed},
                   {"cancelled", bucket.cancelled},
                   {"other", bucket.other}});
  }
  return {{"from", to_text(found.from)},
          {"until", to_text(found.until)},
          {"counted_from", found.counted_from ? json(to_text(*found.counted_from)) : json()},
          {"buckets", std::move(all)}};
}

INNGEST_INLINE json find_api::events(const http::request& request) const {
  const event_page page = engine_.find_event_page(read_event_filter(request));
  json all = json::array();
  for (const event_record& event : page.events) {
    json runs = json::array();
    for (const run& started : engine_.runs_of(event.id)) {
      runs.push_back({{"id", started.id},
                      {"function", started.function_slug},
                      {"status", std::string(to_string(started.status))}});
    }
    all.push_back(
        {{"id", detail::to_printable(event.id)},
         {"name", detail::to_printable(event.name)},
         {"received_at", to_text(event.received_at)},
         {"resent_from", event.resent_from.empty() ? json() : json(detail::to_printable(event.resent_from))},
         {"event", received_json_value(event.text)},
         {"runs", std::move(runs)}});
  }
  return {{"events", std::move(all)}, {"next", next_of(page.next)}};
}

INNGEST_INLINE json find_api::functions(const http::request& request) const {
  const function_query query = read_function_filter(request);
  json all = json::array();
  for (const function_definition& function : engine_.functions()) {
    const bool is_of_app = query.app.empty() || function.app_id == query.app;
    if (!is_of_app || !(has_words(function.slug, query.search) || has_words(function.name, query.search)))
      continue;
    json options = detail::parse_dom(function.text);
    json triggers = options.value("triggers", json::array());
    for (const char* shown_elsewhere : {"id", "name", "triggers", "steps"}) options.erase(shown_elsewhere);
    options["retries"] = function.retries;
    all.push_back({{"id", function.slug},
                   {"name", function.name},
                   {"app", function.app_id},
                   {"triggers", std::move(triggers)},
                   {"options", std::move(options)}});
  }
  return {{"functions", std::move(all)}};
}

/// The beginning of a long text, for lists.
INNGEST_INLINE std::string beginning_of(const std::string& text) {
  std::string out = text.substr(0, 300);
  out.resize(out.size() - detail::incomplete_utf8_at_end(out));
  return out;
}

INNGEST_INLINE json find_api::summary(const run& run) {
  const auto readable = [](const std::string& text) { return json(detail::to_printable(text)); };
  const auto time = [](const std::optional<timestamp>& moment) {
    return moment ? json(to_text(*moment)) : json();
  };
  json tags = json::object();
  for (const run_tag& tag : run.tags) tags[detail::to_printable(tag.name)] = detail::to_printable(tag.value);
  json keys = json::array();
  for (const std::string& key : run.concurrency_keys) keys.push_back(detail::to_printable(key));
  json error;
  if (run.error)
    error = {{"name", readable(run.error->name)}, {"message", readable(beginning_of(run.error->message))}};
  return {{"id", readable(run.id)},
          {"function", readable(run.function_slug)},
          {"function_name", readable(run.function_id)},
          {"status", std::string(to_string(run.status))},
          {"waits_for", readable(run.waits_for)},
          {"until", time(run.until)},
          {"event_id", readable(run.event_id)},
          {"event_name", readable(run.event_name)},
          {"queued_at", to_text(run.queued_at)},
          {"started_at", time(run.started_at)},
          {"ended_at", time(run.ended_at)},
          {"error", std::move(error)},
          {"tags", std::move(tags)},
          {"concurrency_keys", std::move(keys)},
          {"idempotency_key", readable(run.idempotency_key)}};
}

}  // namespace inngest::inline INNGEST_ABI::embedded
