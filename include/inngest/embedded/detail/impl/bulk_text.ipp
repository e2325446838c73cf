#pragma once

#include <cstdint>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/bulk_text.hpp>
#include <inngest/embedded/detail/received_json.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/time/timestamp.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE std::string text_of(const std::vector<bulk_problem>& problems) {
  json out = json::array();
  for (const bulk_problem& problem : problems)
    out.push_back({detail::to_printable(problem.run_id), detail::to_printable(problem.text)});
  return out.dump();
}

INNGEST_INLINE std::vector<bulk_problem> read_bulk_problems(const std::string& text) {
  std::vector<bulk_problem> out;
  const json all = received_json_value(text);
  if (!all.is_array()) return out;
  for (const json& item : all) {
    const bool is_readable =
        item.is_array() && item.size() == 2 && item[0].is_string() && item[1].is_string();
    if (is_readable)
      out.push_back({.run_id = item[0].get<std::string>(), .text = item[1].get<std::string>()});
  }
  return out;
}

INNGEST_INLINE std::string audit_details(const bulk_operation& operation) {
  detail::json_object_text out;
  out.add("action", to_string(operation.what)).add_raw("filter", operation.filter);
  out.add_if("from_step", detail::to_printable(operation.from_step));
  if (operation.from_failed_step) out.add("from_failed_step", true);
  return out.add("total", static_cast<std::int64_t>(operation.total)).text();
}

INNGEST_INLINE json to_json(const bulk_operation& operation) {
  json out{{"id", detail::to_printable(operation.id)},
           {"action", std::string(to_string(operation.what))},
           {"state", std::string(to_string(operation.state))},
           {"filter", received_json_value(operation.filter)},
           {"from_step", detail::to_printable(operation.from_step)},
           {"from_failed_step", operation.from_failed_step},
           {"per_second", operation.per_second},
           {"total", operation.total},
           {"done", operation.done},
           {"failed", operation.failed},
           {"problems", json::array()},
           {"created_at", to_text(operation.created_at)},
           {"ended_at", operation.ended_at ? json(to_text(*operation.ended_at)) : json()}};
  for (const bulk_problem& problem : operation.problems)
    out["problems"].push_back(
        {{"run_id", detail::to_printable(problem.run_id)}, {"text", detail::to_printable(problem.text)}});
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
