#pragma once

#include <chrono>
#include <exception>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/path_parts.hpp>
#include <inngest/embedded/detail/received_json.hpp>
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
/// it without a socket; http_server answers remote clients. It is a template to avoid a circular include.
template <class Engine>
class server_api {
 public:
  explicit server_api(Engine& engine) : engine_(engine) {}

  /// Answers a request. Errors become answers with a reason; it does not throw.
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
    if (is("POST", {"v1", "signals"})) return signal(request);
    if (is("GET", {"v1", "runs", "*"})) return run(path[2]);
    if (is("GET", {"v2", "runs", "*"})) return run_v2(path[2], tells_output(request));
    if (is("GET", {"v2", "events", "*", "runs"})) return runs_of_v2(path[2], tells_output(request));
    if (is("DELETE", {"v1", "runs", "*"})) return cancel(path[2]);
    if (is("POST", {"v2", "runs", "*", "rerun"})) return rerun(path[2]);
    if (is("GET", {"v1", "events", "*"})) return event(path[2]);
    if (is("GET", {"v1", "events", "*", "runs"})) return runs_of(path[2]);
    if (is("GET", {"v1", "apps", "*", "functions"})) return functions_of(path[2]);
    if (is("GET", {"v0", "runs", "*", "actions"})) return actions(path[2]);
    if (is("GET", {"v0", "runs", "*", "batch"})) return batch(path[2]);
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

  static json described(const embedded::run& run) {
    const auto time = [](const std::optional<timestamp>& moment) {
      return moment ? json(to_text(*moment)) : json();
    };
    std::string status(to_string(run.status));
    status[0] = static_cast<char>(status[0] - 'a' + 'A');
    json out{{"run_id", run.id},
             {"run_started_at", to_text(run.started_at.value_or(run.queued_at))},
             {"function_id", run.function_slug},
             {"event_id", run.event_id},
             {"status", status},
             {"ended_at", time(run.ended_at)},
             {"output", nullptr}};
    if (!run.output_text.empty()) out["output"] = received_json_value(run.output_text);
    if (run.error) out["output"] = received_json_value(text_of(*run.error));
    return out;
  }

  http::response no_run(const std::string& id) const {
    return refusal(404, "there is no run \"" + id + "\"");
  }

  http::response run(const std::string& id) const {
    const auto found = engine_.find_run(id);
    return found ? answer_of(200, {{"data", described(*found)}}) : no_run(id);
  }

  // ---- runs in version 2 of the API ------------------------------------------------------------------

  static bool tells_output(const http::request& request) {
    return request.query("includeOutput").value_or("") == "true";
  }

  json described_v2(const embedded::run& run, bool with_output) const {
    std::string status(run.status == run_status::queued ? "queued" : to_string(run.status));
    for (char& c : status) c = static_cast<char>(c - 'a' + 'A');
    json function{{"id", run.function_slug}, {"name", run.function_slug}};
    json app{{"id", ""}};
    for (const function_definition& definition : engine_.functions()) {
      if (definition.slug != run.function_slug) continue;
      function["id"] = definition.id();
      function["name"] = definition.name;
      app["id"] = definition.app_id;
    }
    json out{{"id", run.id},
             {"function", std::move(function)},
             {"app", std::move(app)},
             {"status", status},
             {"queuedAt", to_text(run.queued_at)},
             {"trigger", {{"eventIds", json::array({run.event_id})}, {"isBatch", false}}}};
    if (run.started_at) out["startedAt"] = to_text(*run.started_at);
    if (run.ended_at) out["endedAt"] = to_text(*run.ended_at);
    json output;
    if (run.error)
      output = received_json_value(text_of(*run.error));
    else if (!run.output_text.empty())
      output = received_json_value(run.output_text);
    else if (run.status == run_status::cancelled)
      output = json::object();
    else if (run.status != run_status::completed)
      return out;
    if (with_output) out["output"] = output.is_object() ? output : json{{"data", output}};
    return out;
  }

  http::response run_v2(const std::string& id, bool with_output) const {
    const auto found = engine_.find_run(id);
    if (found) return answer_of(200, {{"data", described_v2(*found, with_output)}});
    return answer_of(404, {{"errors", json::array({{{"code", "not_found"}, {"message", "Run not found"}}})}});
  }

  http::response runs_of_v2(const std::string& event_id, bool with_output) const {
    json all = json::array();
    for (const embedded::run& run : engine_.runs_of(event_id)) all.push_back(described_v2(run, with_output));
    return answer_of(200, {{"data", std::move(all)}, {"page", {{"hasMore", false}}}});
  }

  http::response cancel(const std::string& id) const {
    if (engine_.cancel(id)) return {.status = 204};
    if (!engine_.find_run(id)) return no_run(id);
    return refusal(409, "run \"" + id + "\" has ended");
  }

  http::response rerun(const std::string& id) const {
    const auto again = engine_.rerun(id);
    return again ? answer_of(200, {{"data", {{"runId", *again}}}}) : no_run(id);
  }

  http::response event(const std::string& id) const {
    const auto found = engine_.store().find_event(id);
    if (!found) return refusal(404, "there is no event \"" + id + "\"");
    json event = received_json_value(found->text);
    if (!event.is_object())
      event = json{{"name", detail::to_printable(found->name)}, {"data", std::move(event)}};
    event["internal_id"] = found->id;
    event["received_at"] = to_text(found->received_at);
    return answer_of(200, {{"data", std::move(event)}});
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
      all.push_back({{"internal_id", function.slug},
                     {"id", function.slug},
                     {"config", detail::parse_dom(function.text)}});
    }
    return answer_of(200, all);
  }

  // ---- the state of a run that is too large for the body of a call ---------------------------------------

  http::response actions(const std::string& run_id) const {
    if (!engine_.find_run(run_id)) return no_run(run_id);
    std::string out = "{";
    for (const memo_record& memo : engine_.store().memos_of(run_id)) {
      if (out.size() > 1) out += ',';
      out += '"' + detail::to_hex(memo.step) + "\":" + memo.text;
    }
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
