#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/audit_scope.hpp>
#include <inngest/embedded/detail/bulk_api.hpp>
#include <inngest/embedded/detail/bulk_plan.hpp>
#include <inngest/embedded/detail/bulk_text.hpp>
#include <inngest/embedded/detail/path_parts.hpp>
#include <inngest/embedded/detail/rerun_api.hpp>
#include <inngest/embedded/detail/run_filter.hpp>
#include <inngest/embedded/detail/server_api.hpp>
#include <inngest/error.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE bulk_action read_bulk_action(const std::string& name) {
  constexpr auto& known = detail::enumerators<bulk_action>;
  const auto found = std::find_if(known.begin(), known.end(),
                                  [&](const auto& known_action) { return known_action.name == name; });
  if (found == known.end()) throw payload_error("action", "must be cancel, rerun or remove");
  return found->value;
}

/// Whether the filter leaves any run out. A member that says nothing is a mistake here: it must not make the
/// operation greater.
/// \throws payload_error
INNGEST_INLINE bool selects(const json& filter) {
  bool out = false;
  for (const auto& [name, value] : filter.items()) {
    const std::string shown = "filter." + detail::to_printable(name);
    if (name == "before" || name == "limit" || name == "order")
      throw payload_error(shown, "has no effect on a bulk operation");
    const auto is_empty = [](const json& part) {
      return part.is_null() || part == "" || part == json::array();
    };
    if (is_empty(value) || (value.is_array() && std::any_of(value.begin(), value.end(), is_empty)))
      throw payload_error(shown, "is empty: omit it if it is not needed");
    out |= name != "by";
  }
  return out;
}

/// Reads `filter` and `all`. \throws payload_error
INNGEST_INLINE run_query read_runs_of_bulk(const json& whole, bool dry_run) {
  const bool all = truth_member(whole, "all");
  const json filter = whole.value("filter", all ? json::object() : json());
  if (!filter.is_object()) throw payload_error("filter", "must be a JSON object");
  run_query out = read_run_filter(filter);
  const bool is_selection = selects(filter);
  if (is_selection && all) throw payload_error("all", "contradicts the filter, which excludes runs");
  // counting needs no second thought
  if (!is_selection && !all && !dry_run)
    throw payload_error("filter", "selects every run: add \"all\": true to confirm");
  return out;
}

INNGEST_INLINE bulk_request read_bulk_request(const std::string& body, bool& dry_run) {
  const json whole = read_members(
      body, {"action", "filter", "all", "from_step", "from_failed_step", "per_second", "dry_run"});
  bulk_request out{.what = read_bulk_action(text_member(whole, "action")),
                   .from_step = text_member(whole, "from_step"),
                   .from_failed_step = truth_member(whole, "from_failed_step")};
  if (const auto speed = whole.find("per_second"); speed != whole.end() && !speed->is_null()) {
    const bool fits = speed->is_number_unsigned() && *speed >= 1 && *speed <= max_bulk_per_second;
    if (!fits) throw payload_error("per_second", "must be from 1 to " + std::to_string(max_bulk_per_second));
    out.per_second = speed->get<std::size_t>();
  }
  dry_run = truth_member(whole, "dry_run");
  out.runs = read_runs_of_bulk(whole, dry_run);
  return out;
}

INNGEST_INLINE std::optional<http::response> bulk_api::answer(const http::request& request) const {
  const std::vector<std::string> path = detail::path_parts(request.path());
  if (path.size() < 2 || path[0] != "api" || path[1] != "bulk") return std::nullopt;
  const bool gets = request.method == "GET", posts = request.method == "POST";
  if (posts && path.size() == 2) return begin(request.body);
  if (gets && path.size() == 2) return list();
  if (gets && path.size() == 3) return find(path[2]);
  if (posts && path.size() == 4 && path[3] == "stop") {
    read_members(request.body, {});
    return stop(path[2]);
  }
  return std::nullopt;
}

INNGEST_INLINE http::response bulk_api::begin(const std::string& body) const {
  bool dry_run = false;
  const bulk_request wanted = read_bulk_request(body, dry_run);
  if (!dry_run) {
    const std::vector<bulk_operation> known = engine_.bulk_operations();
    const auto running = std::count_if(known.begin(), known.end(), [](const bulk_operation& operation) {
      return operation.state == bulk_state::running;
    });
    if (running >= max_bulk_operations)
      return server_api<engine>::refusal(
          429, std::to_string(running) + " bulk operations are running: wait for them, or stop some");
    return server_api<engine>::answer_of(200, to_json(engine_.begin_bulk(wanted)));
  }
  if (audit_scope* scope = audit_scope::current()) scope->note_entry();  // counting changes nothing
  const run_query runs = query_of(new_bulk_operation(wanted));
  return server_api<engine>::answer_of(200, {{"count", engine_.count_runs(runs)}});
}

INNGEST_INLINE http::response bulk_api::list() const {
  json all = json::array();
  for (const bulk_operation& operation : engine_.bulk_operations()) all.push_back(to_json(operation));
  return server_api<engine>::answer_of(200, {{"operations", std::move(all)}});
}

INNGEST_INLINE http::response bulk_api::find(const std::string& id) const {
  if (const auto found = engine_.find_bulk(id)) return server_api<engine>::answer_of(200, to_json(*found));
  return server_api<engine>::refusal(404, "there is no bulk operation \"" + id + "\"");
}

INNGEST_INLINE http::response bulk_api::stop(const std::string& id) const {
  const bool stopped = engine_.stop_bulk(id);
  const auto found = engine_.find_bulk(id);
  if (!found) return server_api<engine>::refusal(404, "there is no bulk operation \"" + id + "\"");
  if (stopped) return server_api<engine>::answer_of(200, to_json(*found));
  return server_api<engine>::refusal(
      409, "bulk operation \"" + id + "\" has ended: it is " + std::string(to_string(found->state)));
}

}  // namespace inngest::inline INNGEST_ABI::embedded
