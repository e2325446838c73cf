#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/path_parts.hpp>
#include <inngest/embedded/detail/received_json.hpp>
#include <inngest/embedded/detail/rerun_api.hpp>
#include <inngest/embedded/detail/server_api.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/dom.hpp>
#include <inngest/json/detail/text.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::optional<http::response> rerun_api::answer(const http::request& request) const {
  const std::vector<std::string> path = detail::path_parts(request.path());
  if (request.method != "POST" || path.size() != 4 || path[0] != "api") return std::nullopt;
  if (path[1] == "runs" && path[3] == "rerun") return rerun(path[2], request.body);
  if (path[1] == "functions" && path[3] == "invoke") return invoke(path[2], request.body);
  const bool cancels = path[1] == "runs" && path[3] == "cancel";
  if (!cancels && !(path[1] == "events" && path[3] == "resend")) return std::nullopt;
  read_members(request.body, {});  // such as data, with which an event can't be resent
  return cancels ? cancel(path[2]) : resend(path[2]);
}

INNGEST_INLINE json rerun_api::described(const std::vector<run>& reruns) {
  json out = json::array();
  for (const run& rerun : reruns)
    out.push_back({{"id", detail::to_printable(rerun.id)},
                   {"status", std::string(to_string(rerun.status))},
                   {"queued_at", to_text(rerun.queued_at)}});
  return out;
}

INNGEST_INLINE http::response rerun_api::rerun(const std::string& run_id, const std::string& body) const {
  const json whole = read_members(body, {"step", "input", "result", "from_failed_step"});
  rerun_step from{.step = text_member(whole, "step"),
                  .from_failed_step = truth_member(whole, "from_failed_step")};
  if (const auto input = whole.find("input"); input != whole.end() && !input->is_null()) {
    if (!input->is_array()) throw payload_error("input", "must be a JSON array");
    from.input = input->dump();
  }
  if (const auto result = whole.find("result"); result != whole.end()) from.result = result->dump();
  const bool has_change = !from.input.empty() || !from.result.empty();
  if (from.step.empty() && has_change && !from.from_failed_step)
    throw payload_error("step", "is missing: which step has the new input or result?");
  const bool from_step = !from.step.empty() || from.from_failed_step;
  const auto again = from_step ? engine_.rerun(run_id, from) : engine_.rerun(run_id);
  if (again) return server_api<engine>::answer_of(200, {{"run_id", *again}});
  return server_api<engine>::refusal(404,
                                     "there is no run \"" + run_id + "\", or its function no longer exists");
}

INNGEST_INLINE http::response rerun_api::cancel(const std::string& run_id) const {
  if (engine_.cancel(run_id)) return server_api<engine>::answer_of(200, {{"run_id", run_id}});
  const auto found = engine_.find_run(run_id);
  if (!found) return server_api<engine>::refusal(404, "there is no run \"" + run_id + "\"");
  const std::string status(to_string(found->status));
  if (!found->ended())
    return server_api<engine>::refusal(
        409, "run \"" + run_id + "\" is " + status +
                 ", but the engine does not run it: it is set aside because of an unreadable record (see "
                 "/api/unreadable), or has just ended");
  return server_api<engine>::refusal(409, "run \"" + run_id + "\" has ended: it is " + status);
}

INNGEST_INLINE http::response rerun_api::resend(const std::string& event_id) const {
  if (const auto id = engine_.resend(event_id))
    return server_api<engine>::answer_of(200, {{"ids", json::array({*id})}});
  return server_api<engine>::refusal(404, "there is no event \"" + event_id + "\"");
}

INNGEST_INLINE http::response rerun_api::invoke(const std::string& slug, const std::string& body) const {
  using outcome = invoked_run::outcome;
  const json whole = read_members(body, {"data"});
  const auto data = whole.find("data");
  const bool has_data = data != whole.end() && !data->is_null();
  if (has_data && !data->is_object()) throw payload_error("data", "must be a JSON object");
  const invoked_run invoked = engine_.invoke(slug, has_data ? data->dump() : "{}");
  if (invoked.what == outcome::started)
    return server_api<engine>::answer_of(200, {{"run_id", invoked.run_id}});
  if (invoked.what == outcome::rate_limited)
    return server_api<engine>::refusal(429, "the rate limit of function \"" + slug + "\" is reached");
  if (invoked.what == outcome::skipped)
    return server_api<engine>::refusal(409,
                                       "function \"" + slug + "\" is a singleton that is already running");
  return server_api<engine>::refusal(404, "there is no function \"" + slug + "\"");
}

}  // namespace inngest::inline INNGEST_ABI::embedded
