#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <system_error>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/control_api.hpp>
#include <inngest/embedded/detail/request_body.hpp>
#include <inngest/embedded/detail/run_filter.hpp>
#include <inngest/embedded/detail/server_api.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/platform/detail/file.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

// ---- reading requests ---------------------------------------------------------------------------------

INNGEST_INLINE std::string needed_text(const json& body, const char* name) {
  std::string out = text_member(body, name);
  if (out.empty()) throw payload_error(name, "missing");
  return out;
}

INNGEST_INLINE timestamp needed_time(const json& body, const char* name) {
  const std::string text = needed_text(body, name);
  const auto out = parse_timestamp(text);
  if (!out)
    throw payload_error(
        name, "not a time such as \"2026-07-01T09:00:00Z\": \"" + detail::to_printable(text) + "\"");
  return *out;
}

/// {"function"}, {"app"}, or {"function", "cron"}. \throws payload_error
INNGEST_INLINE pause_target target_in(const json& body) {
  const std::string function = text_member(body, "function"), app = text_member(body, "app"),
                    cron = text_member(body, "cron");
  if (function.empty() == app.empty())
    throw payload_error("body", "name either a \"function\" (and a \"cron\" of it) or an \"app\"");
  if (!app.empty() && !cron.empty()) throw payload_error("cron", "a schedule belongs to a \"function\"");
  if (!app.empty()) return pause_target::app(app);
  return cron.empty() ? pause_target::function(function) : pause_target::schedule(function, cron);
}

// ---- routes -------------------------------------------------------------------------------------------

INNGEST_INLINE http::response control_answer(const json& body, int status = 200) {
  return server_api<engine>::answer_of(status, body);
}

INNGEST_INLINE http::response control_refusal(int status, const std::string& problem) {
  return server_api<engine>::refusal(status, problem);
}

/// Works if no other request does the same kind of work.
template <class Work>
http::response in_turn(std::mutex& turn, const std::string& what, Work work) {
  const std::unique_lock<std::mutex> mine(turn, std::try_to_lock);
  return mine ? work() : control_refusal(429, what + " is under way, and reads all of it: try again later");
}

INNGEST_INLINE std::optional<http::response> control_api::answer(const http::request& request,
                                                                 const std::string& path) {
  return request.method == "GET" ? read(request, path) : change(request, path);
}

INNGEST_INLINE std::optional<http::response> control_api::read(const http::request& request,
                                                               const std::string& path) const {
  if (path == "/api/audit") return audit_trail(request);
  const bool reads_store =
      path == "/api/check" || path == "/api/unreadable" || path == "/api/unreadable/export";
  if (path != "/api/pauses" && path != "/api/schedules" && !reads_store) return std::nullopt;
  read_parameters(request, {});
  if (path == "/api/pauses") return pauses();
  if (path == "/api/schedules") return schedules();
  return in_turn(turns_.reading, "a check of the store", [&] {
    return path == "/api/check" ? check() : path == "/api/unreadable" ? unreadable() : export_unreadable();
  });
}

INNGEST_INLINE std::optional<http::response> control_api::change(const http::request& request,
                                                                 const std::string& path) {
  const bool posts = request.method == "POST", deletes = request.method == "DELETE";
  if (posts && path == "/api/pause") return set_paused(request, true);
  if (posts && path == "/api/resume") return set_paused(request, false);
  if (posts && path == "/api/drain") return drain(request);
  if (deletes && path == "/api/drain") return end_drain();
  if (posts && path == "/api/schedules/run") return run_schedule(request);
  if (posts && path == "/api/schedules/backfill") return backfill(request);
  if (deletes && path == "/api/unreadable")
    return in_turn(turns_.reading, "a check of the store", [&] { return remove_unreadable(request); });
  if (posts && path == "/api/backup") return back_up(request);
  return std::nullopt;
}

INNGEST_INLINE http::response control_api::set_paused(const http::request& request, bool paused) {
  const pause_target target = target_in(read_members(request.body, {"function", "app", "cron"}));
  const bool changed = paused ? engine_.pause(target) : engine_.resume(target);
  return control_answer({{"paused", paused}, {"changed", changed}});
}

INNGEST_INLINE http::response control_api::pauses() const {
  json all = json::array();
  for (const pause_record& pause : engine_.paused()) {
    json shown{{"since", to_text(pause.since)}, {"by", detail::to_printable(pause.by)}};
    const std::string name = detail::to_printable(pause.target.name);
    shown[pause.target.what == pause_target::kind::app ? "app" : "function"] = name;
    if (pause.target.what == pause_target::kind::schedule)
      shown["cron"] = detail::to_printable(pause.target.cron);
    all.push_back(std::move(shown));
  }
  return control_answer({{"pauses", std::move(all)}, {"draining", engine_.is_draining()}});
}

INNGEST_INLINE http::response control_api::drain(const http::request& request) {
  const json body = read_members(request.body, {"grace_seconds"});
  const json grace = body.value("grace_seconds", json(0));
  constexpr double longest = 20;  // a request takes a thread of the server
  if (!grace.is_number() || grace.get<double>() < 0 || grace.get<double>() > longest)
    throw payload_error("grace_seconds", "not a number from 0 to 20");
  const bool drained =
      engine_.drain(std::chrono::milliseconds(static_cast<std::int64_t>(grace.get<double>() * 1000)));
  return control_answer({{"drained", drained}, {"calls", engine_.calls_under_way()}});
}

INNGEST_INLINE http::response control_api::end_drain() {
  engine_.end_drain();
  return control_answer({{"draining", false}});
}

INNGEST_INLINE http::response control_api::schedules() const {
  json all = json::array();
  for (const schedule_info& schedule : engine_.schedules()) {
    json next = json::array();
    for (const timestamp time : schedule.next) next.push_back(to_text(time));
    all.push_back({{"function", detail::to_printable(schedule.function)},
                   {"cron", detail::to_printable(schedule.cron)},
                   {"time_zone", detail::to_printable(schedule.time_zone)},
                   {"next", std::move(next)},
                   {"paused", schedule.is_paused}});
  }
  return control_answer({{"schedules", std::move(all)}});
}

INNGEST_INLINE http::response control_api::run_schedule(const http::request& request) {
  using outcome = invoked_run::outcome;
  const json body = read_members(request.body, {"function", "cron"});
  const std::string function = needed_text(body, "function"), cron = needed_text(body, "cron");
  const invoked_run begun = engine_.run_schedule(function, cron);
  switch (begun.what) {
    case outcome::started:
    case outcome::repeated:
      return control_answer({{"run_id", begun.run_id}});
    case outcome::rate_limited:
      return control_refusal(422, "the rate limit of function \"" + function + "\" allows no run now");
    case outcome::skipped:
      return control_refusal(422, "function \"" + function + "\" is a singleton that is already running");
    case outcome::no_function:
      break;
  }
  return control_refusal(404, "there is no function \"" + function + "\" with the schedule \"" + cron + "\"");
}

INNGEST_INLINE http::response control_api::backfill(const http::request& request) {
  const json body = read_members(request.body, {"function", "cron", "from", "until"});
  const backfill_result done = engine_.backfill(needed_text(body, "function"), needed_text(body, "cron"),
                                                needed_time(body, "from"), needed_time(body, "until"));
  return control_answer({{"times", done.times},
                         {"run_ids", done.run_ids},
                         {"repeated", done.repeated},
                         {"skipped", done.skipped}});
}

INNGEST_INLINE http::response control_api::unreadable() const {
  json all = json::array();
  for (const unreadable_record& record : engine_.unreadable())
    all.push_back(detail::parse_dom(line_of(record)));
  return control_answer({{"records", std::move(all)}});
}

INNGEST_INLINE http::response control_api::export_unreadable() const {
  return {.status = 200,
          .headers = {{"content-type", "application/x-ndjson"},
                      {"content-disposition", "attachment; filename=\"unreadable.jsonl\""}},
          .body = engine_.export_unreadable()};
}

INNGEST_INLINE http::response control_api::remove_unreadable(const http::request& request) {
  const std::string table = request.query("table").value_or(""), key = request.query("key").value_or("");
  if (table.empty() || key.empty()) throw payload_error("query", "name the \"table\" and the \"key\"");
  if (engine_.remove_unreadable(table, key)) return control_answer({{"removed", true}});
  return control_refusal(404,
                         "there is no unreadable record in \"" + table + "\" with the key \"" + key + "\"");
}

INNGEST_INLINE http::response control_api::back_up(const http::request& request) {
  const std::string file = needed_text(read_members(request.body, {"file"}), "file");
  if (backups_.empty())
    return control_refusal(403, "set http_server_options::backup_folder to allow backups over HTTP");
  const bool is_plain = file.find_first_of("/\\:") == std::string::npos && !file.starts_with('.') &&
                        file.size() <= 200 &&
                        std::none_of(file.begin(), file.end(), [](char c) { return c >= 0 && c < ' '; });
  if (!is_plain) throw payload_error("file", "not the name of a file in http_server_options::backup_folder");
  const std::filesystem::path to = backups_ / std::u8string(file.begin(), file.end());
  return in_turn(turns_.backup, "a backup of the store", [&] {
    std::error_code problem;
    if (std::filesystem::exists(to, problem))
      return control_refusal(409, "there is a file \"" + file + "\" already: choose another name");
    engine_.backup_to(to);
    const auto size = std::filesystem::file_size(to, problem);
    return control_answer({{"file", file}, {"bytes", problem ? 0 : size}});
  });
}

INNGEST_INLINE http::response control_api::check() const {
  const std::vector<std::string> problems = engine_.check();
  json all = json::array();
  for (const std::string& problem : problems) all.push_back(detail::to_printable(problem));
  return control_answer({{"ok", problems.empty()}, {"problems", std::move(all)}});
}

INNGEST_INLINE http::response control_api::audit_trail(const http::request& request) const {
  auto given = read_parameters(request, {"before", "limit"});
  const std::size_t limit = given.contains("limit") ? read_limit(given["limit"]) : audit_query().limit;
  const auto found = engine_.audit_trail({.before = given["before"], .limit = limit});
  json all = json::array();
  for (const audit_entry& entry : found)
    all.push_back({{"id", detail::to_printable(entry.id)},
                   {"at", to_text(entry.at)},
                   {"actor", detail::to_printable(entry.actor)},
                   {"action", detail::to_printable(entry.action)},
                   {"target", detail::to_printable(entry.target)},
                   {"details", detail::to_printable(entry.details)}});
  const bool is_full = found.size() == limit;
  return control_answer({{"entries", std::move(all)}, {"next", is_full ? json(found.back().id) : json()}});
}

}  // namespace inngest::inline INNGEST_ABI::embedded
