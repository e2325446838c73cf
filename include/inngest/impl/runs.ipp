#pragma once

#include <atomic>
#include <charconv>
#include <cstdint>
#include <system_error>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/execution/hooks.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/runs.hpp>

namespace inngest::inline INNGEST_ABI::detail {

INNGEST_INLINE std::string only_member(std::string_view object, std::string_view name) {
  try {
    const json_buffer buffer{std::string(object)};
    json_document document(buffer.text());
    std::string out;
    int members = 0;
    for (auto item : document.object()) {
      json_field member = take(item, {});
      ++members;
      const bool wanted = member.key == name;
      const std::string_view text = raw_text(member.value, {});
      if (wanted) out = text;
    }
    return members == 1 ? out : std::string();
  } catch (const payload_error&) {
    return {};
  }
}

}  // namespace inngest::inline INNGEST_ABI::detail

namespace inngest::inline INNGEST_ABI {

INNGEST_INLINE bool run_info::ended() const {
  if (status == run_status::completed || status == run_status::failed) return ended_at.has_value();
  return status == run_status::cancelled || status == run_status::skipped;
}

INNGEST_INLINE run_not_completed::run_not_completed(run_info run)
    : error(error_code::run_failed, words(run)), run_(std::move(run)) {}

INNGEST_INLINE std::string run_not_completed::words(const run_info& run) {
  const std::string message = message_of(run.output_text);
  return "run " + run.id + " " +
         (run.status == run_status::failed ? "failed" : "was " + std::string(to_string(run.status))) +
         (message.empty() ? "" : ": " + message);
}

INNGEST_INLINE std::string run_not_completed::message_of(const std::string& output) {
  std::string out = detail::find_text(output, "message");
  for (const char* wrapping : {"error", "data"}) {
    if (out.empty()) out = detail::find_text(detail::only_member(output, wrapping), "message");
  }
  return out;
}

INNGEST_INLINE std::optional<run_info> runs::find(const std::string& run_id) const {
  const std::string path = "/runs/" + http::percent_encoded(run_id), what = "asking for run " + run_id;
  http::response answer = get("/v2" + path + "?includeOutput=true");
  const bool has_v2 = says_why(answer);
  if (has_v2 && answer.status == 400) return std::nullopt;  // not a run's id
  if (!is_missing(answer)) return reading_run(answer, what);
  answer = get_uncached("/v1" + path);
  if (answer.status == 404 || (has_v2 && answer.status >= 400 && answer.status != 401)) return std::nullopt;
  return reading_run(answer, what);
}

INNGEST_INLINE std::vector<run_info> runs::of_event(const std::string& event_id) const {
  const std::string path = "/events/" + http::percent_encoded(event_id) + "/runs";
  const std::string what = "asking for the runs of event " + event_id;
  std::vector<run_info> out;
  std::string page = "?includeOutput=true&limit=40";
  while (true) {
    http::response answer = get("/v2" + path + page);
    if (is_missing(answer)) break;
    std::string cursor = reading_runs(answer, what, out);
    if (cursor.empty()) return out;
    page = "?includeOutput=true&limit=40&cursor=" + http::percent_encoded(cursor);
  }
  const http::response answer = get_uncached("/v1" + path);
  if (answer.status != 404) reading_runs(answer, what, out);
  return out;
}

INNGEST_INLINE run_info runs::wait(const std::string& run_id, duration_ms timeout) const {
  std::optional<run_info> last;
  const bool ended = poll(timeout, [&] {
    last = find(run_id);
    return last && last->ended();
  });
  if (!ended)
    throw run_timed_out("run " + run_id + (last ? " has not ended in time" : " is not known to the server"));
  return std::move(*last);
}

INNGEST_INLINE void runs::cancel(const std::string& run_id) const {
  http::request request{.method = "DELETE", .url = "/v1/runs/" + http::percent_encoded(run_id)};
  protocol::expect_success(app_.call_api(std::move(request)), "cancelling run " + run_id);
}

INNGEST_INLINE std::string runs::rerun(const std::string& run_id) const {
  const http::response answer =
      app_.call_api(protocol::json_request("/v2/runs/" + http::percent_encoded(run_id) + "/rerun", "{}"));
  protocol::expect_success(answer, "rerunning run " + run_id);
  return run_id_of(answer, "a rerun");
}

INNGEST_INLINE std::vector<runs::registered_function> runs::functions() const {
  const http::response answer = get("/v1/apps/" + http::percent_encoded(app_.id()) + "/functions");
  if (answer.status == 404) return {};
  protocol::expect_success(answer, "asking for the functions of app \"" + app_.id() + "\"");
  return reading("a list of functions", [&] {
    std::vector<registered_function> out;
    if (answer.body.find_first_not_of(" \n") == answer.body.find("null")) return out;
    const detail::json_buffer body(answer.body);
    for_each_element(body.text(), [&](std::string_view text) {
      const detail::json_buffer function{std::string(text)};
      out.push_back({.uuid = detail::find_text(text, "internal_id"),
                     .slug = detail::find_text(text, "id"),
                     .config = std::string(detail::find_member(function, "config"))});
    });
    return out;
  });
}

INNGEST_INLINE http::response runs::get(std::string path) const {
  return app_.call_api({.method = "GET", .url = std::move(path), .headers = {{"cache-control", "no-cache"}}});
}

INNGEST_INLINE http::response runs::get_uncached(const std::string& path) const {
  static std::atomic<unsigned> number = 0;
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return get(path + "?nocache=" + std::to_string(now) + "-" + std::to_string(++number));
}

INNGEST_INLINE bool runs::is_missing(const http::response& answer) {
  return answer.status == 404 || answer.status == 405 || answer.status == 501;
}

INNGEST_INLINE bool runs::says_why(const http::response& answer) {
  try {
    const detail::json_buffer body(answer.body);
    return detail::find_member(body, "errors").starts_with('[');
  } catch (const payload_error&) {
    return false;
  }
}

INNGEST_INLINE std::optional<run_info> runs::reading_run(const http::response& answer,
                                                         const std::string& what) const {
  protocol::expect_success(answer, what);
  return reading("a run", [&] {
    const detail::json_buffer body(answer.body);
    const std::string_view data = detail::find_member(body, "data");
    if (data.empty() || data == "null") return std::optional<run_info>();
    return std::optional<run_info>(read_run(data));
  });
}

INNGEST_INLINE std::string runs::reading_runs(const http::response& answer, const std::string& what,
                                              std::vector<run_info>& out) const {
  protocol::expect_success(answer, what);
  return reading("a list of runs", [&]() -> std::string {
    const detail::json_buffer body(answer.body);
    const std::string data(detail::find_member(body, "data"));
    if (data.empty() || data == "null") return {};
    const std::size_t before = out.size();
    for_each_element(data, [&](std::string_view run) { out.push_back(read_run(run)); });
    const detail::json_buffer page{std::string(detail::find_member(body, "page"))};
    const bool more = page.text() != "" && detail::find_member(page, "hasMore") == "true";
    return more && out.size() > before ? detail::find_text(page.text(), "cursor") : std::string();
  });
}

INNGEST_INLINE run_info runs::read_run(std::string_view text) const {
  const detail::json_buffer run{std::string(text)};
  const auto text_of = [&](const char* name, const char* earlier) {
    std::string out = detail::find_text(text, name);
    return out.empty() ? detail::find_text(text, earlier) : out;
  };
  run_info out{.id = text_of("id", "run_id"),
               .function_uuid = detail::find_text(text, "function_id"),
               .event_id = detail::find_text(text, "event_id")};
  if (out.id.empty()) throw payload_error("id", "missing");
  out.status = status_of(detail::find_text(text, "status"));
  out.started_at = parse_timestamp(text_of("startedAt", "run_started_at"));
  out.ended_at = parse_timestamp(text_of("endedAt", "ended_at"));
  out.output_text = output_of(std::string(detail::find_member(run, "output")));
  const std::string_view function = detail::find_member(run, "function");
  out.function_id = detail::find_text(function, "id");
  if (out.event_id.empty()) out.event_id = first_event_of(detail::find_member(run, "trigger"));
  make_readable(out, {});
  return out;
}

INNGEST_INLINE void runs::make_readable(run_info& run, const middleware_list& of_function) const {
  const execution::hooks hooks(app_.settings().middleware(), of_function);
  if (hooks.empty() || run.status != run_status::completed) return;  // errors are as they are
  run.output_reader = [hooks, function = run.function_id, id = run.id](const std::string& text) {
    return hooks.read_result({.function_id = function, .run_id = id}, execution::output_step(), text);
  };
}

INNGEST_INLINE std::string runs::first_event_of(std::string_view trigger) {
  if (trigger.empty()) return {};
  const detail::json_buffer buffer{std::string(trigger)};
  std::string out;
  const std::string_view ids = detail::find_member(buffer, "eventIds");
  if (!ids.starts_with('[')) return out;
  for_each_element(ids, [&](std::string_view id) {
    if (out.empty()) out = decode<std::string>(id);
  });
  return out;
}

INNGEST_INLINE std::string runs::output_of(std::string output) {
  if (output == "\"\"" || output == "null") return {};
  constexpr std::string_view run_complete = to_string(protocol::opcode::run_complete);
  if (output.find(run_complete) == std::string::npos) return output;
  try {
    std::string operations = output.starts_with('"') ? decode<std::string>(output) : output;
    std::string result;
    if (!operations.starts_with('[')) return output;
    for_each_element(operations, [&](std::string_view operation) {
      if (!operation.starts_with('{')) return;
      const detail::json_buffer buffer{std::string(operation)};
      const bool ends = detail::find_text(operation, "op").ends_with(run_complete);
      if (ends) result = detail::find_member(buffer, "data");
    });
    return result.empty() ? output : result;
  } catch (const payload_error&) {
    return output;
  }
}

INNGEST_INLINE run_status runs::status_of(std::string_view given) {
  const std::string text = detail::lower_case(given);
  if (text == "queued") return run_status::scheduled;
  if (text == "overflowed") return run_status::failed;
  for (const run_status status : {run_status::scheduled, run_status::running, run_status::completed,
                                  run_status::failed, run_status::cancelled, run_status::skipped}) {
    if (text == to_string(status)) return status;
  }
  return run_status::unknown;
}

INNGEST_INLINE run_info runs::wait_for_run(const any_function& called, const std::string& event_id,
                                           duration_ms timeout, bool returns_something) const {
  using clock = std::chrono::steady_clock;
  std::optional<run_info> found;
  std::optional<std::string> uuid;
  std::optional<clock::time_point> completed;
  const auto is_of_function = [&](const run_info& run) {
    if (!run.function_id.empty() && (run.function_id == called.slug() || run.function_id == called.id()))
      return true;
    if (!uuid) uuid = uuid_of(called);
    const std::string& its = run.function_id.empty() ? run.function_uuid : run.function_id;
    return its == *uuid || (uuid->empty() && run.function_id.empty());
  };
  const bool ended = poll(timeout, [&] {
    for (run_info& run : of_event(event_id)) {
      if (is_of_function(run)) found = std::move(run);
    }
    if (!found || !found->ended()) return false;
    if (found->status != run_status::completed || !returns_something || !found->output_text.empty())
      return true;
    // a server may report the end before the output
    if (!completed) completed = clock::now();
    return clock::now() - *completed > std::chrono::seconds(5);
  });
  if (!found) {
    throw run_timed_out("function \"" + called.id() + "\" has not ended for event " + event_id +
                        " in time: the server has no run for it");
  }
  if (!ended && !found->ended())
    throw run_timed_out("function \"" + called.id() + "\" has not ended for event " + event_id + " in time");
  if (found->status != run_status::completed) throw run_not_completed(std::move(*found));
  make_readable(*found, called.options().middleware);
  return std::move(*found);
}

INNGEST_INLINE std::string runs::uuid_of(const any_function& called) const {
  for (const registered_function& function : functions()) {
    if (function.slug == called.slug()) return function.uuid;
  }
  return {};
}

INNGEST_INLINE run_page runs::list(const run_filter& filter) const {
  const http::response answer = get("/v2/runs" + query_of(filter));
  run_page out;
  out.cursor = reading_runs(answer, "asking for runs", out.runs);
  return out;
}

INNGEST_INLINE std::string runs::query_of(const run_filter& filter) const {
  std::string out = "?limit=" + std::to_string(filter.limit);
  const auto add = [&](const char* name, const std::string& value) {
    out += std::string("&") + name + "=" + http::percent_encoded(value);
  };
  if (filter.with_output) add("includeOutput", "true");
  if (!filter.cursor.empty()) add("cursor", filter.cursor);
  for (const run_status status : filter.statuses) {
    if (status == run_status::skipped || status == run_status::unknown)
      throw configuration_error("run_filter::statuses: a server can't select runs that are " +
                                std::string(to_string(status)));
    add("status", status == run_status::scheduled ? "queued" : std::string(to_string(status)));
  }
  for (const std::string& id : filter.apps) add("appId", id);
  if (filter.apps.empty() && !filter.functions.empty()) add("appId", app_.id());
  for (const std::string& id : filter.functions) add("functionId", id);
  if (filter.from) add("from", to_text(*filter.from));
  if (filter.until) add("until", to_text(*filter.until));
  if (filter.by == run_time::started) add("timeField", "startedAt");
  if (filter.by == run_time::ended) add("timeField", "endedAt");
  if (filter.oldest_first) add("order", "asc");
  if (filter.is_deferred) add("isDeferred", *filter.is_deferred ? "true" : "false");
  return out;
}

INNGEST_INLINE std::optional<trace_span> runs::trace(const std::string& run_id, bool with_output) const {
  const http::response answer = get("/v2/runs/" + http::percent_encoded(run_id) + "/trace" +
                                    (with_output ? "?includeOutput=true" : ""));
  if (says_why(answer) && (answer.status == 404 || answer.status == 400)) return std::nullopt;
  protocol::expect_success(answer, "asking for the trace of run " + run_id);
  return reading("a trace", [&] {
    const detail::json_buffer body(answer.body);
    const detail::json_buffer data{std::string(detail::find_member(body, "data"))};
    return std::optional(read_span(detail::find_member(data, "rootSpan"), 0));
  });
}

INNGEST_INLINE trace_span runs::read_span(std::string_view text, int depth) {
  constexpr int deepest = 32;
  if (depth > deepest) throw payload_error("children", "nested too deeply");
  const detail::json_buffer span{std::string(text)};
  trace_span out{.id = detail::find_text(text, "id"),
                 .name = detail::find_text(text, "name"),
                 .status = detail::find_text(text, "status"),
                 .step_op = detail::find_text(text, "stepOp"),
                 .step_id = detail::find_text(text, "stepId"),
                 .queued_at = parse_timestamp(detail::find_text(text, "queuedAt")),
                 .started_at = parse_timestamp(detail::find_text(text, "startedAt")),
                 .ended_at = parse_timestamp(detail::find_text(text, "endedAt")),
                 .input_text = std::string(detail::find_member(span, "input")),
                 .output_text = std::string(detail::find_member(span, "output"))};
  if (out.id.empty()) throw payload_error("id", "missing");
  const std::string duration = detail::find_text(text, "durationMs");  // 64-bit numbers are texts
  std::int64_t count = 0;
  const auto [end, problem] = std::from_chars(duration.data(), duration.data() + duration.size(), count);
  if (problem == std::errc() && !duration.empty()) out.duration = std::chrono::milliseconds(count);
  const std::string_view children = detail::find_member(span, "children");
  if (!children.starts_with('[')) return out;
  for_each_element(children,
                   [&](std::string_view child) { out.children.push_back(read_span(child, depth + 1)); });
  return out;
}

INNGEST_INLINE std::string runs::run_id_of(const http::response& answer, const char* what) {
  return reading(what, [&] {
    const detail::json_buffer body(answer.body);
    std::string id = detail::find_text(detail::find_member(body, "data"), "runId");
    if (id.empty()) throw payload_error("data.runId", "missing");
    return id;
  });
}

INNGEST_INLINE std::string runs::invoke_text(const std::string& app_id, const std::string& function_id,
                                             const std::string& data, const std::string& key) const {
  detail::json_object_text body;
  body.add_raw("data", data).add_if("idempotencyKey", key);
  const http::response answer =
      app_.call_api(protocol::json_request("/v2/apps/" + http::percent_encoded(app_id) + "/functions/" +
                                               http::percent_encoded(function_id) + "/invoke",
                                           body.text()));
  const bool is_repeated = answer.status == 409 && !key.empty() && !says_why(answer);
  if (!is_repeated) protocol::expect_success(answer, "invoking function \"" + function_id + "\"");
  return run_id_of(answer, "a run");
}

INNGEST_INLINE std::string runs::rerun_text(const std::string& run_id, const std::string& step,
                                            const std::string& input) const {
  detail::json_object_text from;
  from.add("stepId", step);
  if (!input.empty()) from.add_raw("input", input);
  const http::response answer = app_.call_api(
      protocol::json_request("/v2/runs/" + http::percent_encoded(run_id) + "/rerun",
                             detail::json_object_text().add_raw("fromStep", from.text()).text()));
  protocol::expect_success(answer, "rerunning run " + run_id + " from step \"" + step + "\"");
  return run_id_of(answer, "a rerun");
}

INNGEST_INLINE std::string runs::cancel_many(const bulk_cancel& wanted) const {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  detail::json_object_text body;
  body.add("app_id", wanted.app.empty() ? app_.id() : wanted.app).add("function_id", wanted.function);
  if (wanted.started_after) body.add("started_after", to_text(*wanted.started_after));
  body.add("started_before", to_text(wanted.started_before.value_or(now)));
  body.add_if("if", wanted.condition);
  const http::response answer = app_.call_api(protocol::json_request("/v1/cancellations", body.text()));
  protocol::expect_success(answer, "cancelling runs of function \"" + wanted.function + "\"");
  return reading("a cancellation", [&] {
    const detail::json_buffer whole(answer.body);
    std::string id = detail::find_text(detail::find_member(whole, "data"), "id");
    if (id.empty()) throw payload_error("data.id", "missing");
    return id;
  });
}

INNGEST_INLINE std::vector<bulk_cancellation> runs::bulk_cancellations() const {
  const http::response answer = get("/v1/cancellations");
  protocol::expect_success(answer, "asking for cancellations");
  return reading("a list of cancellations", [&] {
    std::vector<bulk_cancellation> out;
    const detail::json_buffer body(answer.body);
    const std::string data(detail::find_member(body, "data"));
    if (data.empty() || data == "null") return out;
    for_each_element(data, [&](std::string_view text) {
      out.push_back({.id = detail::find_text(text, "id"),
                     .function_id = detail::find_text(text, "function_id"),
                     .created_at = parse_timestamp(detail::find_text(text, "created_at")),
                     .started_after = parse_timestamp(detail::find_text(text, "started_after")),
                     .started_before = parse_timestamp(detail::find_text(text, "started_before")),
                     .condition = detail::find_text(text, "if")});
    });
    return out;
  });
}

INNGEST_INLINE bool runs::remove_bulk_cancellation(const std::string& id) const {
  http::request request{.method = "DELETE", .url = "/v1/cancellations/" + http::percent_encoded(id)};
  const http::response answer = app_.call_api(std::move(request));
  if (answer.status == 404) return false;
  protocol::expect_success(answer, "removing cancellation " + id);
  return true;
}

}  // namespace inngest::inline INNGEST_ABI
