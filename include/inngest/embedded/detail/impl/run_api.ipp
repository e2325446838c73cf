#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <system_error>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/detail/reserved_events.hpp>
#include <inngest/embedded/detail/received_json.hpp>
#include <inngest/embedded/detail/registered_names.hpp>
#include <inngest/embedded/detail/run_api.hpp>
#include <inngest/embedded/detail/run_errors.hpp>
#include <inngest/error.hpp>

namespace inngest::inline INNGEST_ABI::embedded::run_api {

INNGEST_INLINE http::response json_answer(int status, const json& body) {
  // names of steps and functions may have bytes that are not UTF-8
  return {.status = status,
          .headers = {{"content-type", "application/json"}},
          .body = body.dump(-1, ' ', false, json::error_handler_t::replace)};
}

INNGEST_INLINE http::response refusal(int status, const char* code, const std::string& message) {
  return json_answer(status, {{"errors", json::array({{{"code", code}, {"message", message}}})}});
}

INNGEST_INLINE http::response answer(json data, json more, int status) {
  if (!data.empty()) more["data"] = std::move(data);
  more["metadata"]["fetchedAt"] =
      to_text(std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()));
  return json_answer(status, more);
}

INNGEST_INLINE json as_object(json value) {
  if (value.is_object()) return value;
  return {{"data", std::move(value)}};
}

/// The status in a server's words, which differ between runs and spans that have not begun. A server calls
/// every run "running" that was called and has not ended.
INNGEST_INLINE std::string status_text(run_status status, const char* queued) {
  const bool is_under_way =
      status == run_status::waiting || status == run_status::sleeping || status == run_status::paused;
  if (is_under_way) status = run_status::running;
  return detail::upper_case(status == run_status::queued ? queued : to_string(status));
}

INNGEST_INLINE void add_times(json& out, timestamp queued, std::optional<timestamp> started,
                              std::optional<timestamp> ended) {
  out["queuedAt"] = to_text(queued);
  if (started) out["startedAt"] = to_text(*started);
  if (!ended) return;
  out["endedAt"] = to_text(*ended);
  const auto took = *ended - started.value_or(queued);
  out["durationMs"] = std::to_string((std::max<std::int64_t>)(took.count(), 0));
}

/// The function's result or error; `nullopt` while there is none.
INNGEST_INLINE std::optional<json> output_of(const run& run) {
  std::optional<json> out;
  if (run.error)
    out.emplace(as_object(received_json_value(text_of(*run.error))));
  else if (run.status == run_status::completed)
    out.emplace(as_object(received_json_value(run.output_text)));
  return out;
}

INNGEST_INLINE json described(const run& run, std::span<const function_definition> functions,
                              bool with_output, std::span<const run_event> events) {
  json out{{"id", run.id},
           {"function", {{"id", run.function_id}, {"name", run.function_id}}},
           {"app", {{"id", ""}}},
           {"status", status_text(run.status, "queued")},
           {"trigger", {{"eventIds", json::array({run.event_id})}}}};
  if (run.function_slug.ends_with("-" + run.function_id))
    out["app"]["id"] = run.function_slug.substr(0, run.function_slug.size() - run.function_id.size() - 1);
  for (const function_definition& function : functions) {
    if (function.slug != run.function_slug) continue;
    out["function"] = {{"id", function.id()}, {"name", function.name}};
    out["app"]["id"] = function.app_id;
  }
  if (events.size() > 1) out["trigger"]["isBatch"] = true;
  if (run.event_name == detail::reserved_event::scheduled && !events.empty()) {
    const json event = received_json_value(events.front().text);
    const json data = event.is_object() ? event.value("data", json()) : json();
    if (data.is_object() && data.contains("cron")) out["trigger"]["cronSchedule"] = data["cron"];
  }
  add_times(out, run.queued_at, run.started_at, run.ended_at);
  if (auto output = with_output ? output_of(run) : std::nullopt) out["output"] = std::move(*output);
  return out;
}

// ---- pages --------------------------------------------------------------------------------------------

INNGEST_INLINE bool is_ulid(std::string_view text) {
  return text.size() == 26 && std::all_of(text.begin(), text.end(), detail::is_letter_or_digit);
}

INNGEST_INLINE const function_definition* find_function(std::span<const function_definition> functions,
                                                        const std::string& app_id,
                                                        const std::string& function_id) {
  for (const function_definition& function : functions) {
    if (function.app_id == app_id && (function.id() == function_id || function.slug == function_id))
      return &function;
  }
  return nullptr;
}

/// All values of a parameter, in the order of the query.
INNGEST_INLINE std::vector<std::string> values_of(const http::request& request, std::string_view name) {
  std::vector<std::string> out;
  const std::size_t start = request.url.find('?');
  std::string_view rest =
      start == std::string::npos ? std::string_view() : std::string_view(request.url).substr(start + 1);
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find('&'));
    const std::size_t equals = part.find('=');
    if (part.substr(0, equals) == name)
      out.push_back(*http::request{.url = "/?" + std::string(part)}.query(name));
    rest.remove_prefix((std::min)(part.size() + 1, rest.size()));
  }
  return out;
}

/// A word of a query, in lower case and without surrounding spaces.
INNGEST_INLINE std::string word_of(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t"), end = text.find_last_not_of(" \t");
  return begin == std::string_view::npos ? std::string()
                                         : detail::lower_case(text.substr(begin, end - begin + 1));
}

INNGEST_INLINE std::size_t limit_of(const http::request& request, std::size_t most) {
  const std::string text = request.query("limit").value_or("0");
  int limit = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (problem != std::errc() || end != text.data() + text.size())
    throw protocol_error("parsing field \"limit\": not a number: \"" + text + "\"");
  if (limit < 0) throw payload_error("limit", "Limit must be at least 1");
  if (static_cast<std::size_t>(limit) > most)
    throw payload_error("limit", "Limit cannot exceed " + std::to_string(most));
  return limit == 0 ? 20 : static_cast<std::size_t>(limit);
}

INNGEST_INLINE std::optional<timestamp> time_of(const http::request& request, const char* name) {
  const auto text = request.query(name);
  if (!text || text->empty()) return std::nullopt;
  const auto out = parse_timestamp(*text);
  if (!out)
    throw protocol_error(std::string("parsing field \"") + name + "\": not an RFC 3339 time: \"" + *text +
                         "\"");
  return out;
}

INNGEST_INLINE void read_order(const http::request& request, run_query& out) {
  const std::string field = word_of(request.query("timeField").value_or(""));
  if (field == "startedat" || field == "started_at")
    out.by = run_query::time::started;
  else if (field == "endedat" || field == "ended_at")
    out.by = run_query::time::ended;
  else if (!field.empty() && field != "queuedat" && field != "queued_at")
    throw payload_error("timeField", "timeField is invalid");
  const std::string order = word_of(request.query("order").value_or(""));
  if (!order.empty() && order != "asc" && order != "desc") throw payload_error("order", "order is invalid");
  out.oldest_first = order == "asc";
}

/// The slugs of the functions that the filters by app and function select; `nullopt` without such filters.
INNGEST_INLINE std::optional<std::vector<std::string>> slugs_of(
    std::span<const function_definition> functions, const std::vector<std::string>& apps,
    const std::vector<std::string>& ids) {
  if (apps.empty() && ids.empty()) return std::nullopt;
  if (apps.empty()) throw payload_error("functionId", "appId is required when filtering by functionId");
  const auto has = [](const std::vector<std::string>& all, const std::string& wanted) {
    return std::find(all.begin(), all.end(), wanted) != all.end();
  };
  std::vector<std::string> out;
  for (const function_definition& function : functions) {
    if (has(apps, function.app_id) && (ids.empty() || has(ids, function.id()))) out.push_back(function.slug);
  }
  return out;
}

INNGEST_INLINE page_request read_page_request(const http::request& request,
                                              std::span<const function_definition> functions,
                                              std::size_t most, const std::optional<std::string>& app_id,
                                              const std::optional<std::string>& function_id) {
  page_request out{.with_output = request.query("includeOutput").value_or("") == "true"};
  run_query& query = out.query;
  query.limit = limit_of(request, most);
  query.before = request.query("cursor").value_or("");
  if (!query.before.empty() && !is_ulid(query.before)) throw payload_error("cursor", "Cursor is invalid");
  query.from = time_of(request, "from");
  query.until = time_of(request, "until");
  if (query.from && query.until && *query.from >= *query.until)
    throw payload_error("from", "from must be before until");
  for (const std::string& text : values_of(request, "status")) {
    const std::string status = word_of(text);
    const auto& known = detail::enumerators<run_status>;
    const auto found =
        std::find_if(known.begin(), known.end(), [&](const auto& k) { return k.name == status; });
    if (found == known.end()) throw payload_error("status", "Status is invalid");
    query.statuses.push_back(found->value);
  }
  query.functions = slugs_of(functions, app_id ? std::vector{*app_id} : values_of(request, "appId"),
                             function_id ? std::vector{*function_id} : values_of(request, "functionId"));
  if (const auto text = request.query("isDeferred")) query.is_deferred = word_of(*text) == "true";
  read_order(request, query);
  return out;
}

INNGEST_INLINE json read_body(const std::string& body) {
  if (body.find_first_not_of(" \t\r\n") == std::string::npos) return json::object();
  json out;
  try {
    out = detail::parse_dom(body);
  } catch (const payload_error& problem) {
    throw protocol_error(problem.what());
  }
  if (!out.is_object()) throw protocol_error("the body must be a JSON object");
  return out;
}

INNGEST_INLINE std::optional<rerun_step> read_rerun_step(const std::string& body) {
  const json whole = read_body(body);
  const auto member = [](const json& object, const char* name, const char* other) -> const json& {
    static const json none;
    const auto found = object.contains(name) ? object.find(name) : object.find(other);
    return found == object.end() ? none : *found;
  };
  for (const auto& [name, value] : whole.items()) {
    if (name != "fromStep" && name != "from_step") throw protocol_error("unknown field \"" + name + "\"");
  }
  const json& from = member(whole, "fromStep", "from_step");
  if (from.is_null()) return std::nullopt;
  if (!from.is_object()) throw protocol_error("fromStep must be a JSON object");
  const json &step = member(from, "stepId", "step_id"), &input = member(from, "input", "input");
  if (!step.is_null() && !step.is_string()) throw protocol_error("stepId must be a text");
  if (!input.is_null() && !input.is_array()) throw protocol_error("the step's input must be a JSON array");
  return rerun_step{.step = step.is_string() ? step.get<std::string>() : std::string(),
                    .input = input.is_array() ? input.dump() : std::string()};
}

INNGEST_INLINE http::response page_of(std::vector<run> runs, const page_request& asked,
                                      std::span<const function_definition> functions) {
  json page{{"limit", asked.query.limit}};
  if (runs.size() > asked.query.limit) {
    runs.resize(asked.query.limit);
    page["hasMore"] = true;
    page["cursor"] = runs.back().id;
  }
  json data = json::array();
  for (const run& run : runs) data.push_back(described(run, functions, asked.with_output));
  json more{{"page", std::move(page)}};
  if (asked.query.from && asked.query.until)
    more["metadata"]["timeRange"] = {{"from", to_text(*asked.query.from)},
                                     {"until", to_text(*asked.query.until)}};
  return answer(std::move(data), std::move(more));
}

}  // namespace inngest::inline INNGEST_ABI::embedded::run_api
