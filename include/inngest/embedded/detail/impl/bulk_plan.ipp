#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/bulk_plan.hpp>
#include <inngest/embedded/detail/run_filter.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/dom.hpp>

namespace inngest::inline INNGEST_ABI::embedded::bulk {

/// Whether the action takes runs of the status.
INNGEST_INLINE bool takes(const bulk_request& request, run_status status) {
  if (request.from_failed_step) return status == run_status::failed;
  return is_end(status) == (request.what != bulk_action::cancel);
}

/// The wanted statuses that the action takes.
INNGEST_INLINE std::vector<run_status> statuses_of(const bulk_request& request) {
  const run_query& runs = request.runs;
  const auto is_wanted = [&](run_status status) {
    const bool is_listed = runs.statuses.empty() || std::find(runs.statuses.begin(), runs.statuses.end(),
                                                              status) != runs.statuses.end();
    return is_listed && (!runs.status || *runs.status == status);
  };
  std::vector<run_status> out;
  for (const auto& [status, name] : detail::enumerators<run_status>) {
    if (is_wanted(status) && takes(request, status)) out.push_back(status);
  }
  if (!out.empty()) return out;
  const char* taken = request.from_failed_step              ? "failed runs"
                      : request.what == bulk_action::cancel ? "runs that have not ended"
                                                            : "runs that have ended";
  throw configuration_error("bulk_request::runs: status: \"" + std::string(to_string(request.what)) +
                            "\" takes only " + taken);
}

/// Whether a run that fulfils the filter belongs to the operation.
INNGEST_INLINE bool has(const bulk_operation& operation, const run& run) {
  const bool is_earlier = run.queued_at < operation.created_at ||
                          (run.queued_at == operation.created_at && run.id < operation.id);
  if (!is_earlier || operation.what == bulk_action::cancel) return is_earlier;
  return run.ended_at && *run.ended_at <= operation.created_at;
}

/// The query of the next page, in an order in which no run of the operation moves.
INNGEST_INLINE run_query page_of(const bulk_operation& operation, std::size_t most) {
  run_query out = query_of(operation);
  const timestamp end = operation.created_at + std::chrono::milliseconds(1);
  out.until = out.until ? (std::min)(*out.until, end) : end;
  out.before = operation.cursor;
  out.oldest_first = true;
  out.limit = most;
  return out;
}

/// What to do with the run; `nullopt` when it was removed meanwhile.
INNGEST_INLINE std::optional<bulk_item> item_of(const bulk_operation& operation, const store& from,
                                                const std::string& run_id) {
  bulk_item out{.run_id = run_id};
  if (operation.what != bulk_action::rerun) return out;
  auto earlier = from.find_run(run_id);
  if (!earlier) return std::nullopt;
  try {
    const rerun_step step{.step = operation.from_step, .from_failed_step = operation.from_failed_step};
    if (!step.step.empty() || step.from_failed_step)
      out.plan = plan_rerun(*earlier, from.memos_of(run_id), step);
  } catch (const configuration_error& problem) {
    out.problem = problem.what();
  }
  out.earlier = std::move(*earlier);
  out.earlier.run.timeline.clear();
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::embedded::bulk

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE bulk_operation new_bulk_operation(const bulk_request& request) {
  const bool from_step = !request.from_step.empty() || request.from_failed_step;
  if (from_step && request.what != bulk_action::rerun)
    throw configuration_error(std::string("bulk_request::") +
                              (request.from_failed_step ? "from_failed_step" : "from_step") +
                              ": only \"rerun\" begins at a step");
  if (!request.from_step.empty() && request.from_failed_step)
    throw configuration_error("bulk_request::from_step: it excludes from_failed_step");
  if (request.per_second < 1 || request.per_second > max_bulk_per_second)
    throw configuration_error("bulk_request::per_second: it must be from 1 to " +
                              std::to_string(max_bulk_per_second));
  run_query runs = request.runs;
  runs.statuses = bulk::statuses_of(request);
  runs.status.reset();
  runs.before.clear();
  runs.oldest_first = false;
  runs.limit = run_query().limit;
  const json filter = to_json(runs);
  try {
    read_run_filter(filter);  // the operation reads it again
  } catch (const payload_error& problem) {
    throw configuration_error("bulk_request::runs: " + std::string(problem.what()));
  }
  return {.what = request.what,
          .filter = encode(filter),
          .from_step = request.from_step,
          .from_failed_step = request.from_failed_step,
          .per_second = request.per_second};
}

INNGEST_INLINE run_query query_of(const bulk_operation& operation) {
  return read_run_filter(detail::parse_dom(operation.filter));
}

INNGEST_INLINE bulk_chunk next_bulk_chunk(const bulk_operation& operation, const store& from, run_finder find,
                                          std::size_t most) {
  run_page found = find(bulk::page_of(operation, most));
  bulk_chunk out{.cursor = std::move(found.next)};
  out.is_last = out.cursor.empty();
  for (const run& candidate : found.runs) {
    if (!bulk::has(operation, candidate)) continue;
    if (auto item = bulk::item_of(operation, from, candidate.id)) out.items.push_back(std::move(*item));
  }
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
