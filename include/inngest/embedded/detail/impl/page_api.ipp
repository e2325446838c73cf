#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/page_api.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE json page_api::state() const {
  const run_counts counts = engine_.store().count_runs();
  return {{"version", INNGEST_VERSION},
          {"sequence", engine_.sequence()},
          {"mode", engine_.store().is_on_disk() ? "sqlite" : "memory"},
          {"counts",
           {{"queued", counts.queued},
            {"running", counts.running},
            {"completed", counts.completed},
            {"failed", counts.failed},
            {"cancelled", counts.cancelled}}}};
}

INNGEST_INLINE json page_api::functions() const {
  json all = json::array();
  for (const function_definition& function : engine_.functions()) {
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

INNGEST_INLINE json page_api::events(const http::request& request) const {
  const std::size_t limit = limit_of(request);
  json all = json::array();
  std::string last;
  for (const event_record& event :
       engine_.store().find_events({.before = request.query("before").value_or(""), .limit = limit})) {
    json runs = json::array();
    for (const run& started : engine_.runs_of(event.id)) {
      runs.push_back({{"id", started.id},
                      {"function", started.function_slug},
                      {"status", std::string(to_string(started.status))}});
    }
    all.push_back({{"id", detail::to_printable(event.id)},
                   {"name", detail::to_printable(event.name)},
                   {"received_at", to_text(event.received_at)},
                   {"event", received_json_value(event.text)},
                   {"runs", std::move(runs)}});
    last = event.id;
  }
  const bool is_full = all.size() == limit;
  return {{"events", std::move(all)}, {"next", is_full ? json(last) : json()}};
}

INNGEST_INLINE json page_api::runs(const http::request& request) const {
  run_query query{.function = request.query("function").value_or(""),
                  .search = request.query("search").value_or(""),
                  .before = request.query("before").value_or(""),
                  .limit = limit_of(request)};
  const std::string status = request.query("status").value_or("");
  for (const auto& known : detail::enumerators<run_status>) {
    if (status == known.name) query.status = known.value;
  }
  json all = json::array();
  std::string last;
  for (const run& found : engine_.store().find_runs(query)) {
    all.push_back(summary(found));
    last = found.id;
  }
  const bool is_full = all.size() == query.limit;
  return {{"runs", std::move(all)}, {"next", is_full ? json(last) : json()}};
}

INNGEST_INLINE std::optional<json> page_api::run_details(const std::string& id) const {
  auto found = engine_.store().find_run(id);
  if (!found) return std::nullopt;
  for (timeline_entry& entry : found->run.timeline) {
    entry.step = detail::to_printable(entry.step);
    entry.detail = detail::to_printable(entry.detail);
  }
  json out = summary(found->run);
  for (const run_event& event : found->events) out["events"].push_back(received_json_value(event.text));
  if (!found->run.output_text.empty()) out["output"] = received_json_value(found->run.output_text);
  if (found->run.error) out["error"] = received_json_value(text_of(*found->run.error));
  out["steps"] = steps_of(found->run);
  out["timeline"] = json::array();
  for (const timeline_entry& entry : found->run.timeline) {
    const std::string what(to_string(entry.what));
    out["timeline"].push_back({{"at", to_text(entry.at)},
                               {"what", (entry.step.empty() ? "run " : "step ") + what},
                               {"step", entry.step},
                               {"attempt", entry.attempt},
                               {"duration_ms", static_cast<double>(entry.duration.count()) / 1000},
                               {"detail", entry.detail}});
  }
  return out;
}

INNGEST_INLINE std::size_t page_api::limit_of(const http::request& request) {
  const std::string text = request.query("limit").value_or("50");
  std::size_t out = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || out > 1000) break;
    out = out * 10 + static_cast<std::size_t>(c - '0');
  }
  return std::clamp<std::size_t>(out, 1, 200);
}

INNGEST_INLINE json page_api::summary(const run& run) const {
  const auto readable = [](const std::string& text) { return json(detail::to_printable(text)); };
  const auto time = [](const std::optional<timestamp>& moment) {
    return moment ? json(to_text(*moment)) : json();
  };
  return {{"id", readable(run.id)},
          {"function", readable(run.function_slug)},
          {"function_name", readable(run.function_id)},
          {"status", std::string(to_string(run.status))},
          {"event_id", readable(run.event_id)},
          {"event_name", readable(run.event_name)},
          {"queued_at", to_text(run.queued_at)},
          {"started_at", time(run.started_at)},
          {"ended_at", time(run.ended_at)}};
}

INNGEST_INLINE json page_api::steps_of(const run& run) {
  std::vector<shown_step> steps;
  timestamp before = run.queued_at;
  for (const timeline_entry& entry : run.timeline) {
    if (!entry.step.empty()) add(open_step(steps, entry, before), entry);
    before = entry.at;
  }
  json out = json::array();
  for (shown_step& step : steps) out.push_back(std::move(step.value));
  return out;
}

INNGEST_INLINE page_api::shown_step& page_api::open_step(std::vector<shown_step>& steps,
                                                         const timeline_entry& entry, timestamp before) {
  std::size_t uses = 0;
  for (shown_step& step : steps) {
    if (step.value["name"] != entry.step) continue;
    if (!step.ended) return step;
    ++uses;
  }
  const auto began = entry.at - std::chrono::floor<std::chrono::milliseconds>(entry.duration);
  const auto& kind = protocol::row_of(kind_begun_by(entry.what));
  steps.push_back({.value = {{"id", entry.step + (uses == 0 ? "" : ":" + std::to_string(uses))},
                             {"name", entry.step},
                             {"kind", kind.shown_as},
                             {"status", "planned"},
                             {"queued_at", to_text((std::min)(began, (std::max)(before, began)))},
                             {"ended_at", nullptr},
                             {"attempts", json::array()},
                             {"detail", ""}},
                   .has_attempts = kind.work != protocol::step_work::wait});
  return steps.back();
}

INNGEST_INLINE void page_api::add(shown_step& step, const timeline_entry& entry) {
  json& value = step.value;
  value["detail"] = entry.detail;
  const auto end = [&](const char* status) {
    step.ended = true;
    value["status"] = status;
    value["ended_at"] = to_text(entry.at);
  };
  const auto attempt = [&](const char* status) {
    const auto began = entry.at - std::chrono::floor<std::chrono::milliseconds>(entry.duration);
    json shown{{"attempt", entry.attempt},
               {"started_at", to_text(began)},
               {"ended_at", to_text(entry.at)},
               {"status", status}};
    if (std::string_view(status) == "failed") shown["error"] = entry.detail;
    if (step.has_attempts) value["attempts"].push_back(std::move(shown));
  };
  switch (entry.what) {
    case progress::sleep_started:
      value["status"] = "sleeping";
      return;
    case progress::wait_started:
    case progress::invoke_started:
      value["status"] = "waiting";
      return;
    case progress::request_started:
      value["status"] = "running";
      return;
    case progress::step_retried:
      value["status"] = "retrying";
      return attempt("failed");
    case progress::step_failed:
      attempt("failed");
      return end("failed");
    case progress::wait_timed_out:
      return end("timed_out");
    case progress::step_completed:
      attempt("completed");
      return end("completed");
    case progress::sleep_ended:
    case progress::event_received:
    case progress::invoke_completed:
      return end("completed");
    default:
      return;
  }
}

}  // namespace inngest::inline INNGEST_ABI::embedded
