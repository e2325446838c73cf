#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <exception>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/ascii.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/path_parts.hpp>
#include <inngest/embedded/detail/realtime_api.hpp>
#include <inngest/embedded/detail/received_json.hpp>
#include <inngest/embedded/detail/rest_v2.hpp>
#include <inngest/embedded/detail/run_errors.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/protocol/headers.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// The REST routes of a server that apps use: events, signals, runs. The engine answers its own client with
/// it, without a socket; http_server answers remote clients. A template, to avoid a circular include.
template <class Engine>
class server_api {
 public:
  explicit server_api(Engine& engine) : engine_(engine) {}

  /// Answers a request. Does not throw: errors become answers that state the reason.
  http::response answer(const http::request& request) const {
    try {
      return route(request);
    } catch (const payload_error& problem) {
      return refusal(400, problem.what());
    } catch (const unreachable& problem) {  // the engine can't write to its store
      return refusal(503, problem.what());
    } catch (const std::exception& problem) {
      return refusal(500, problem.what());
    } catch (...) {  // a user's store may throw anything
      return refusal(500, "something was thrown that is not a std::exception");
    }
  }

  static http::response answer_of(int status, const json& body) {
    return {.status = status, .headers = {{"content-type", "application/json"}}, .body = encode(body)};
  }
  static http::response refusal(int status, const std::string& problem) {
    const json body{{"error", problem}, {"status", status}};
    // the problem may quote bytes of the request that are not UTF-8
    return {.status = status,
            .headers = {{"content-type", "application/json"}},
            .body = body.dump(-1, ' ', false, json::error_handler_t::replace)};
  }

 private:
  http::response route(const http::request& request) const {
    const std::vector<std::string> path = detail::path_parts(request.path());
    const auto is = [&](const char* method, std::initializer_list<const char*> wanted) {
      if (request.method != method || path.size() != wanted.size()) return false;
      std::size_t i = 0;
      for (const char* part : wanted) {
        if (*part != '*' && path[i] != part) return false;
        ++i;
      }
      return true;
    };
    if (is("GET", {"health"})) return answer_of(200, {{"status", 200}, {"message", "OK"}});
    if (is("POST", {"e", "*"})) return accept(request);
    if (auto out = realtime_api<Engine>(engine_).answer(request)) return *std::move(out);
    if (is("POST", {"v1", "signals"})) return signal(request);
    if (is("GET", {"v1", "runs", "*"})) return run(path[2]);
    if (is("DELETE", {"v1", "runs", "*"})) return cancel(path[2]);
    if (is("GET", {"v1", "events"})) return events(request);
    if (is("GET", {"v1", "events", "*"})) return event(path[2]);
    if (is("GET", {"v1", "events", "*", "runs"})) return runs_of(path[2]);
    if (is("GET", {"v1", "apps", "*", "functions"})) return functions_of(path[2]);
    if (is("GET", {"v0", "runs", "*", "actions"})) return actions(path[2]);
    if (is("GET", {"v0", "runs", "*", "batch"})) return batch(path[2]);
    if (auto v2 = rest_v2<Engine>(engine_).answer(request, path)) return std::move(*v2);
    return refusal(404, "the embedded engine has no " + request.method + " " + std::string(request.path()));
  }

  // ---- events and signals -----------------------------------------------------------------------------

  http::response accept(const http::request& request) const {
    const std::string seed(request.headers.find(protocol::header::event_id_seed).value_or(""));
    return answer_of(200, {{"ids", engine_.accept(request.body, seed)}, {"status", 200}});
  }

  http::response signal(const http::request& request) const {
    const json body = detail::parse_dom(request.body);
    const bool named = body.is_object() && body.contains("signal") && body["signal"].is_string();
    if (!named) throw payload_error("signal", "missing");
    const auto name = body["signal"].get<std::string>();
    const auto run_id = engine_.signal(name, encode(body.value("data", json()), "data"));
    if (!run_id) return refusal(404, "no run waits for signal \"" + name + "\"");
    return answer_of(200, {{"data", {{"run_id", *run_id}}}});
  }

  // ---- runs -------------------------------------------------------------------------------------------

  /// A server calls every run "running" that was called and has not ended.
  static std::string server_status(const embedded::run& run) {
    if (run.ended()) return std::string(to_string(run.status));
    const bool is_queued = run.status == run_status::queued || !run.started_at;
    return std::string(to_string(is_queued ? run_status::queued : run_status::running));
  }

  static json described(const embedded::run& run) {
    const auto time = [](const std::optional<timestamp>& moment) {
      return moment ? json(to_text(*moment)) : json();
    };
    std::string status = server_status(run);
    status[0] = detail::to_upper(status[0]);
    json out{{"run_id", run.id},
             {"run_started_at", to_text(run.started_at.value_or(run.queued_at))},
             {"function_id", function_uuid(run.function_slug)},
             {"event_id", run.event_id},
             {"status", status},
             {"ended_at", time(run.ended_at)},
             {"output", nullptr}};
    if (!run.output_text.empty()) out["output"] = received_json_value(run.output_text);
    if (run.error) out["output"] = received_json_value(text_of(*run.error));
    if (run.status == run_status::cancelled) out["output"] = json::object();
    return out;
  }

  http::response no_run(const std::string& id) const {
    return refusal(404, "there is no run \"" + id + "\"");
  }

  http::response run(const std::string& id) const {
    const auto found = engine_.find_run(id);
    return found ? answer_of(200, {{"data", described(*found)}}) : no_run(id);
  }

  http::response cancel(const std::string& id) const {
    if (!engine_.cancel(id) && !engine_.find_run(id)) return no_run(id);
    return {.status = 200};  // like a server, also for a run that has ended
  }

  http::response event(const std::string& id) const {
    const auto found = engine_.store().find_event(id);
    if (!found) return refusal(404, "there is no event \"" + id + "\"");
    return answer_of(200, {{"data", described(*found)}});
  }

  /// A page of events, newest first, with the parameters and limits of a server.
  http::response events(const http::request& request) const {
    constexpr std::size_t usual = 20, most = 51;
    const auto text_of = [&](const char* name) { return request.query(name).value_or(""); };
    const auto time_of = [&](const char* name) -> std::optional<timestamp> {
      const std::string text = text_of(name);
      if (text.empty()) return std::nullopt;
      const auto time = parse_timestamp(text);
      if (!time) throw payload_error(name, "not a time such as \"2026-07-01T09:00:00Z\"");
      return time;
    };
    const std::string limit = text_of("limit");
    std::size_t wanted = 0;
    std::from_chars(limit.data(), limit.data() + limit.size(), wanted);
    const event_query query{.before = text_of("cursor"),
                            .limit = wanted == 0 ? usual : (std::min)(wanted, most),
                            .name = text_of("name"),
                            .from = time_of("received_after"),
                            .until = time_of("received_before")};
    json all = json::array();
    for (const event_record& found : engine_.store().find_events(query)) all.push_back(described(found));
    return answer_of(200, {{"data", std::move(all)}});
  }

  static json described(const event_record& event) {
    json out = received_json_value(event.text);
    if (!out.is_object()) out = json{{"name", detail::to_printable(event.name)}, {"data", std::move(out)}};
    out["internal_id"] = event.id;
    out["received_at"] = to_text(event.received_at);
    return out;
  }

  http::response runs_of(const std::string& event_id) const {
    json all = json::array();
    for (const embedded::run& run : engine_.runs_of(event_id)) all.push_back(described(run));
    return answer_of(200, {{"data", std::move(all)}});
  }

  http::response functions_of(const std::string& app_id) const {
    json all = json::array();
    for (const function_definition& function : engine_.functions()) {
      if (function.app_id != app_id) continue;
      all.push_back({{"internal_id", function.uuid},
                     {"id", function.slug},
                     {"config", detail::parse_dom(function.text)}});
    }
    return answer_of(200, all);
  }

  // ---- the state of a run that is too large for the body of a call ---------------------------------------

  http::response actions(const std::string& run_id) const {
    const auto found = engine_.store().find_run(run_id);
    if (!found) return no_run(run_id);
    std::string out = "{";
    bool replaces = found->replaced.has_value();
    for (const memo_record& memo : engine_.store().memos_of(run_id)) {
      if (out.size() > 1) out += ',';
      out += '"' + detail::to_hex(memo.step) + "\":" + memo.text;
      replaces = replaces && memo.step != found->replaced->step;
    }
    if (replaces)
      out += std::string(out.size() > 1 ? "," : "") + '"' + detail::to_hex(found->replaced->step) +
             "\":{\"input\":" + found->replaced->input + '}';
    return {.status = 200, .headers = {{"content-type", "application/json"}}, .body = out + '}'};
  }

  http::response batch(const std::string& run_id) const {
    const auto found = engine_.store().find_run(run_id);
    if (!found) return no_run(run_id);
    std::string out = "[";
    for (const run_event& event : found->events) {
      if (out.size() > 1) out += ',';
      out += event.text;
    }
    return {.status = 200, .headers = {{"content-type", "application/json"}}, .body = out + ']'};
  }

  Engine& engine_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded
