#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/cancellation_api.hpp>
#include <inngest/embedded/detail/function_definition.hpp>
#include <inngest/embedded/detail/run_api.hpp>
#include <inngest/embedded/detail/run_trace.hpp>
#include <inngest/embedded/run.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/http.hpp>
#include <inngest/json.hpp>
#include <inngest/json/detail/dom.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

/// Version 2 of a server's REST API for runs, and the bulk cancellations of version 1. A template, for the
/// same reason as server_api.
template <class Engine>
class rest_v2 {
 public:
  explicit rest_v2(Engine& engine) : engine_(engine) {}

  /// The answer; `nullopt` for other routes. `path` contains the parts of the path. Throws what the engine
  /// throws when its store fails.
  std::optional<http::response> answer(const http::request& request,
                                       const std::vector<std::string>& path) const {
    try {
      if (path.size() >= 2 && path[0] == "v1" && path[1] == "cancellations")
        return cancellations(request, path);
      return path.size() >= 2 && path[0] == "v2" ? route(request, path) : std::nullopt;
    } catch (const payload_error& problem) {
      return run_api::refusal(400, "invalid_field_format", problem.problem());
    } catch (const protocol_error& problem) {
      return run_api::refusal(400, "api_error", problem.what());
    }
  }

 private:
  using optional_response = std::optional<http::response>;

  optional_response route(const http::request& request, const std::vector<std::string>& path) const {
    const bool gets = request.method == "GET", posts = request.method == "POST";
    const auto is = [&](std::size_t at, const char* part) { return path.size() > at && path[at] == part; };
    if (gets && path.size() == 2 && path[1] == "health") return run_api::answer({{"status", "ok"}});
    if (gets && path.size() == 2 && path[1] == "runs") return list(request);
    if (gets && path.size() == 4 && path[1] == "events" && path[3] == "runs")
      return of_event(request, path[2]);
    if (path[1] == "runs" && path.size() >= 3) return of_run(request, path);
    const bool is_function = is(1, "apps") && is(3, "functions") && path.size() == 6;
    if (gets && is_function && path[5] == "runs") return list(request, path[2], path[4]);
    if (posts && is_function && path[5] == "invoke") return invoke(request, path[2], path[4]);
    return std::nullopt;
  }

  optional_response of_run(const http::request& request, const std::vector<std::string>& path) const {
    const bool gets = request.method == "GET", posts = request.method == "POST";
    const std::string action = path.size() == 4 ? path[3] : "";
    const bool is_known = path.size() == 3 ? gets
                                           : (gets && action == "trace") ||
                                                 (posts && (action == "rerun" || action == "cancel"));
    if (!is_known || path.size() > 4) return std::nullopt;
    if (!run_api::is_ulid(path[2])) throw payload_error("runId", "Run ID must be a valid ULID");
    const auto found = engine_.store().find_run(path[2]);
    if (!found)
      return run_api::refusal(404, "not_found", action == "trace" ? "Trace not found" : "Run not found");
    if (action == "rerun") return rerun(request, path[2]);
    if (action == "cancel") return cancel(*found);
    const bool with_output = request.query("includeOutput").value_or("") == "true";
    if (action == "trace")
      return run_api::answer(
          run_api::run_trace(*found, engine_.store().memos_of(path[2]), with_output).build());
    return run_api::answer(run_api::described(found->run, engine_.functions(), with_output, found->events));
  }

  http::response list(const http::request& request, const std::optional<std::string>& app_id = {},
                      const std::optional<std::string>& function_id = {}) const {
    const auto functions = engine_.functions();
    const run_api::page_request asked =
        run_api::read_page_request(request, functions, 100, app_id, function_id);
    run_query query = asked.query;
    ++query.limit;  // tells whether there are more
    return run_api::page_of(engine_.store().find_runs(query), asked, functions);
  }

  http::response of_event(const http::request& request, const std::string& event_id) const {
    if (!run_api::is_ulid(event_id)) throw payload_error("eventId", "Event ID must be a valid ULID");
    const auto functions = engine_.functions();
    const run_api::page_request asked = run_api::read_page_request(request, functions, 40);
    std::vector<run> all = engine_.runs_of(event_id);
    std::vector<run> page;
    for (auto next = all.rbegin(); next != all.rend() && page.size() <= asked.query.limit; ++next) {
      if (asked.query.before.empty() || next->id < asked.query.before) page.push_back(std::move(*next));
    }
    return run_api::page_of(std::move(page), asked, functions);
  }

  http::response rerun(const http::request& request, const std::string& id) const {
    const std::optional<rerun_step> from = run_api::read_rerun_step(request.body);
    if (from && from->step.empty()) return run_api::refusal(400, "missing_field", "Step ID is required");
    try {
      const auto again = from ? engine_.rerun(id, *from) : engine_.rerun(id);
      if (again) return run_api::answer({{"runId", *again}});
      return run_api::refusal(404, "not_found", "Run not found");
    } catch (const configuration_error& problem) {
      return run_api::refusal(400, "invalid_request", problem.what());
    }
  }

  http::response cancel(const run_record& found) const {
    const std::string& id = found.run.id;
    if (engine_.cancel(id)) return run_api::answer({{"runId", id}});
    if (found.run.status == run_status::cancelled)
      return run_api::refusal(409, "run_already_cancelled", "Run is already cancelled");
    return run_api::refusal(409, "run_already_ended", "Cannot cancel an ended run");
  }

  http::response invoke(const http::request& request, const std::string& app_id,
                        const std::string& function_id) const {
    const json body = run_api::read_body(request.body);
    const auto data = body.find("data");
    if (data == body.end() || data->is_null())
      return run_api::refusal(400, "missing_field", "Input data is required");
    if (!data->is_object()) throw protocol_error("data must be a JSON object");
    const auto functions = engine_.functions();
    const function_definition* function = run_api::find_function(functions, app_id, function_id);
    if (!function) return run_api::refusal(404, "not_found", "Function not found");
    const json key = body.value("idempotencyKey", json(""));
    const invoked_run invoked =
        engine_.invoke(function->slug, data->dump(), key.is_string() ? key.template get<std::string>() : "");
    switch (invoked.what) {
      case invoked_run::outcome::started:
        return run_api::answer({{"runId", invoked.run_id}});
      case invoked_run::outcome::repeated:
        return run_api::answer({{"runId", invoked.run_id}}, json::object(), 409);
      case invoked_run::outcome::rate_limited:
        return run_api::refusal(422, "rate_limited",
                                "Function execution rate limit exceeded. Please try again later.");
      case invoked_run::outcome::skipped:
        return run_api::refusal(
            422, "function_skipped",
            "Function invocation was skipped because the function is a singleton that runs.");
      case invoked_run::outcome::no_function:
        break;
    }
    return run_api::refusal(404, "not_found", "Function not found");
  }

  // ---- bulk cancellations, which only version 1 has ---------------------------------------------------

  optional_response cancellations(const http::request& request, const std::vector<std::string>& path) const {
    try {
      if (request.method == "GET" && path.size() == 2) return list_cancellations();
      if (request.method == "POST" && path.size() == 2) return cancel_many(request);
    } catch (const payload_error& problem) {
      return cancellation_api::refusal(400, problem.problem());
    } catch (const configuration_error& problem) {
      return cancellation_api::refusal(400, problem.what());
    }
    if (request.method != "DELETE" || path.size() != 3) return std::nullopt;
    if (!run_api::is_ulid(path[2])) return cancellation_api::refusal(400, "Invalid cancellation ID");
    if (engine_.remove_bulk_cancellation(path[2])) return cancellation_api::answer({{"ok", true}});
    return cancellation_api::refusal(404, "Cancellation not found");
  }

  http::response list_cancellations() const {
    const auto functions = engine_.functions();
    json all = json::array();
    for (const bulk_cancellation& cancellation : engine_.bulk_cancellations())
      all.push_back(cancellation_api::described(cancellation, app_of(functions, cancellation.function)));
    return cancellation_api::answer(all);
  }

  http::response cancel_many(const http::request& request) const {
    auto [app_id, function_id, cancellation] = cancellation_api::read(request.body);
    const auto functions = engine_.functions();
    const function_definition* function = run_api::find_function(functions, app_id, function_id);
    if (!function) return cancellation_api::refusal(404, "function not found");
    cancellation.function = function->slug;
    return cancellation_api::answer(
        cancellation_api::described(engine_.cancel_many(std::move(cancellation)), app_id));
  }

  static std::string app_of(const std::vector<function_definition>& functions, const std::string& slug) {
    for (const function_definition& function : functions) {
      if (function.slug == slug) return function.app_id;
    }
    return {};
  }

  Engine& engine_;
};

}  // namespace inngest::inline INNGEST_ABI::embedded
