#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/finder.hpp>
#include <inngest/embedded/detail/received_json.hpp>
#include <inngest/embedded/detail/run_match.hpp>
#include <inngest/expression.hpp>
#include <inngest/expression/evaluation.hpp>

namespace inngest::inline INNGEST_ABI::embedded {
namespace finding {

/// The maximum number of runs or events per page for which a condition is evaluated: each is read and parsed.
inline constexpr std::size_t max_compared = 1'000;
inline constexpr std::size_t compared_at_once = 100;

/// The statuses that a query wants; empty for all.
INNGEST_INLINE std::vector<run_status> statuses_of(const run_query& query) {
  if (!query.status) return query.statuses;
  if (query.statuses.empty()) return {*query.status};
  const bool fits =
      std::find(query.statuses.begin(), query.statuses.end(), *query.status) != query.statuses.end();
  return {fits ? *query.status : static_cast<run_status>(-1)};  // no run has it
}

/// Whether only the engine knows which runs have one of the statuses; a store only knows that they have not
/// ended.
INNGEST_INLINE bool needs_engine(const std::vector<run_status>& statuses) {
  return std::any_of(statuses.begin(), statuses.end(), [](run_status status) { return !is_end(status); });
}

/// The query for a store, which has all unfinished runs as queued or running.
INNGEST_INLINE run_query for_store(run_query query) {
  std::vector<run_status> statuses;
  for (const run_status wanted : statuses_of(query)) {
    if (is_end(wanted))
      statuses.push_back(wanted);
    else
      statuses.insert(statuses.end(), {run_status::queued, run_status::running});
  }
  query.status.reset();
  query.statuses = std::move(statuses);
  query.where.clear();
  return query;
}

INNGEST_INLINE std::optional<expression> condition_of(const std::string& where) {
  return where.empty() ? std::nullopt
                       : std::optional<expression>(std::in_place, where, expression_names::any);
}

/// The variables of a condition on a run.
INNGEST_INLINE json variables_of(const run& run, const std::vector<run_event>& events) {
  json out{{"events", json::array()}, {"output", json()}, {"error", json()}};
  for (const run_event& event : events) out["events"].push_back(received_json_value(event.text));
  out["event"] = out["events"].empty() ? json() : out["events"].front();
  if (!run.output_text.empty()) out["output"] = received_json_value(run.output_text);
  if (run.error) out["error"] = {{"name", run.error->name}, {"message", run.error->message}};
  return out;
}

/// The parts of a query that a store can't evaluate.
class selection {
 public:
  selection(const store& from, const run_query& query)
      : store_(from),
        statuses_(statuses_of(query)),
        needs_engine_(finding::needs_engine(statuses_)),
        condition_(condition_of(query.where)) {}

  bool is_all() const { return !needs_engine_ && !condition_; }

  /// `described` has the engine's status.
  bool has(const run& described) const {
    if (needs_engine_ && std::find(statuses_.begin(), statuses_.end(), described.status) == statuses_.end())
      return false;
    return !condition_ || holds(*condition_, variables_of(described, store_.events_of(described.id)));
  }

 private:
  const store& store_;
  std::vector<run_status> statuses_;
  bool needs_engine_;
  std::optional<expression> condition_;
};

INNGEST_INLINE bool is_over(const std::optional<finder::steady_time>& end) {
  return end && std::chrono::steady_clock::now() >= *end;
}

}  // namespace finding

INNGEST_INLINE run_page finder::find_page(const run_query& query) const {
  const finding::selection wanted(store_, query);
  run_query rest = finding::for_store(query);
  if (wanted.is_all()) {
    run_page out = store_.find_page(rest);
    monitor_.describe(out.runs);
    return out;
  }
  run_page out;
  if (query.limit == 0) return out;
  rest.limit = finding::compared_at_once;
  for (std::size_t compared = 0; compared < finding::max_compared; compared += rest.limit) {
    run_page page = store_.find_page(rest);
    const bool is_short = page.runs.size() < rest.limit;  // the store has looked at enough rows
    monitor_.describe(page.runs);
    for (std::size_t i = 0; i < page.runs.size(); ++i) {
      run& found = page.runs[i];
      if (!wanted.has(found)) continue;
      const bool is_last = i + 1 == page.runs.size();
      std::string next =
          is_last ? page.next : cursor_of({time_of(found, query.by).value_or(timestamp()), found.id});
      out.runs.push_back(std::move(found));
      if (out.runs.size() < query.limit) continue;
      out.next = std::move(next);
      return out;
    }
    rest.before = out.next = std::move(page.next);
    if (is_short || rest.before.empty()) break;
  }
  return out;
}

INNGEST_INLINE event_page finder::find_event_page(const event_query& query) const {
  const std::optional<expression> condition = finding::condition_of(query.where);
  if (!condition) return store_.find_event_page(query);
  event_page out;
  if (query.limit == 0) return out;
  event_query rest = query;
  rest.where.clear();
  rest.limit = finding::compared_at_once;
  for (std::size_t compared = 0; compared < finding::max_compared; compared += rest.limit) {
    event_page page = store_.find_event_page(rest);
    const bool is_short = page.events.size() < rest.limit;
    for (std::size_t i = 0; i < page.events.size(); ++i) {
      event_record& found = page.events[i];
      if (!holds(*condition, json{{"event", received_json_value(found.text)}})) continue;
      const bool is_last = i + 1 == page.events.size();
      std::string next = is_last ? page.next : cursor_of({found.received_at, found.id});
      out.events.push_back(std::move(found));
      if (out.events.size() < query.limit) continue;
      out.next = std::move(next);
      return out;
    }
    rest.before = out.next = std::move(page.next);
    if (is_short || rest.before.empty()) break;
  }
  return out;
}

INNGEST_INLINE std::string finder::visit_page(const run_query& query,
                                              const std::function<void(const run_point&)>& visit) const {
  if (finding::selection(store_, query).is_all()) return store_.visit_page(finding::for_store(query), visit);
  run_query wanted = query;
  wanted.limit = finding::max_compared;
  run_page page = find_page(wanted);
  for (const run& found : page.runs)
    visit({.id = found.id, .status = found.status, .time = time_of(found, query.by).value_or(timestamp())});
  return std::move(page.next);
}

INNGEST_INLINE run_count finder::count(run_query query, std::optional<steady_time> end) const {
  if (finding::selection(store_, query).is_all()) {
    if (const auto quick = store_.quick_count(finding::for_store(query))) return {.count = *quick};
  }
  run_count out;
  do {
    query.before = visit_page(query, [&](const run_point&) { ++out.count; });
  } while (!query.before.empty() && !finding::is_over(end));
  out.next = query.before;
  return out;
}

INNGEST_INLINE std::size_t& run_histogram::bucket::of(run_status status) {
  return status == run_status::completed   ? completed
         : status == run_status::failed    ? failed
         : status == run_status::cancelled ? cancelled
                                           : other;
}

INNGEST_INLINE run_histogram finder::histogram(run_query query, std::size_t buckets, timestamp now,
                                               std::optional<steady_time> end) const {
  run_histogram out{.until = query.until.value_or(now + std::chrono::milliseconds(1))};
  if (query.from) {
    out.from = *query.from;
  } else {
    const run_page first = store_.find_page({.limit = 1, .by = query.by, .oldest_first = true});
    out.from = first.runs.empty() ? out.until : time_of(first.runs.front(), query.by).value_or(out.until);
  }
  buckets = (std::max)(buckets, std::size_t{1});
  const auto count = static_cast<std::int64_t>(buckets);
  const auto all = (std::max)(static_cast<std::int64_t>((out.until - out.from).count()), std::int64_t{1});
  const std::chrono::milliseconds width((all + count - 1) / count);
  for (std::int64_t i = 0; i < count; ++i) out.buckets.push_back({.at = out.from + i * width});
  query.from = out.from;
  query.until = out.until;
  query.before.clear();
  query.oldest_first = false;
  if (query.from >= query.until || fill_from_index(query, out)) return out;
  timestamp last = out.until;
  do {
    query.before = visit_page(query, [&](const run_point& point) {
      const auto at = static_cast<std::size_t>((point.time - out.from) / width);
      ++out.buckets[(std::min)(at, buckets - 1)].of(point.status);
      last = point.time;
    });
  } while (!query.before.empty() && !finding::is_over(end));
  if (!query.before.empty()) out.counted_from = last;
  return out;
}

INNGEST_INLINE bool finder::fill_from_index(const run_query& query, run_histogram& out) const {
  if (!finding::selection(store_, query).is_all()) return false;
  std::vector<run_status> statuses = finding::statuses_of(query);
  if (statuses.empty()) {
    statuses = {run_status::completed, run_status::failed, run_status::cancelled,
                run_status::skipped,   run_status::queued, run_status::running};
  }
  run_query part = query;
  part.status.reset();
  for (std::size_t i = 0; i < out.buckets.size(); ++i) {
    part.from = out.buckets[i].at;
    part.until = i + 1 < out.buckets.size() ? (std::min)(out.buckets[i + 1].at, out.until) : out.until;
    if (part.from >= part.until) continue;
    for (const run_status status : statuses) {
      part.statuses = {status};
      const auto count = store_.quick_count(part);
      if (!count) return false;
      out.buckets[i].of(status) += *count;
    }
  }
  return true;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
