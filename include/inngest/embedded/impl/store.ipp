#pragma once

#include <algorithm>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/run_match.hpp>
#include <inngest/embedded/store.hpp>
#include <inngest/error.hpp>
#include <inngest/json/detail/text.hpp>
#include <inngest/platform/detail/file.hpp>

namespace inngest::inline INNGEST_ABI::embedded {

INNGEST_INLINE bool changes::only_starts_jobs() const {
  if (started_jobs.empty()) return false;
  return withdrawn_events.empty() && events.empty() && dispatched_events.empty() && runs.empty() &&
         run_updates.empty() && memos.empty() && added_jobs.empty() && removed_jobs.empty() &&
         added_waits.empty() && removed_waits.empty() && timeline.empty() && values.empty() &&
         removed_values.empty() && apps.empty() && notes.empty() && log_lines.empty() && tags.empty() &&
         bulk_operations.empty() && removed_runs.empty() && audit.empty();
}

INNGEST_INLINE bool changes::empty() const {
  return withdrawn_events.empty() && events.empty() && dispatched_events.empty() && runs.empty() &&
         run_updates.empty() && memos.empty() && added_jobs.empty() && started_jobs.empty() &&
         removed_jobs.empty() && added_waits.empty() && removed_waits.empty() && timeline.empty() &&
         values.empty() && removed_values.empty() && apps.empty() && notes.empty() && log_lines.empty() &&
         tags.empty() && bulk_operations.empty() && removed_runs.empty() && audit.empty();
}

INNGEST_INLINE void apply(const tag_change& change, std::vector<run_tag>& tags) {
  if (change.name.empty()) return tags.clear();
  const auto place =
      std::lower_bound(tags.begin(), tags.end(), change.name,
                       [](const run_tag& tag, const std::string& name) { return tag.name < name; });
  const bool is_known = place != tags.end() && place->name == change.name;
  if (!change.value) {
    if (is_known) tags.erase(place);
  } else if (is_known) {
    place->value = *change.value;
  } else {
    tags.insert(place, {.name = change.name, .value = *change.value});
  }
}

/// The maximum number of records that the default implementation of a page reads.
inline constexpr std::size_t runs_of_default_page = 500;

INNGEST_INLINE run_page store::find_page(const run_query& query) const {
  run_page out;
  const std::size_t wanted = (std::max)(runs_of_default_page, query.limit);
  std::vector<run> found = find_runs({.before = query.before.substr(0, query.before.rfind('@')),
                                      .limit = wanted,
                                      .by = query.by,
                                      .from = query.from,
                                      .until = query.until,
                                      .oldest_first = query.oldest_first});
  const bool is_last = found.size() < wanted;
  const auto is_repeated = [this](const run& candidate) {
    const std::vector<run> all = reruns_of(first_run_of(candidate));
    return std::any_of(all.begin(), all.end(),
                       [&](const run& again) { return is_later_repetition(again.id, candidate); });
  };
  for (run& candidate : found) {
    if (out.runs.size() == query.limit) return out;
    out.next = cursor_of({time_of(candidate, query.by).value_or(timestamp()), candidate.id});
    const bool needs_events = !query.event_id.empty();
    if (is_match(candidate, needs_events ? events_of(candidate.id) : std::vector<run_event>(), query) &&
        (!query.is_repeated || *query.is_repeated == is_repeated(candidate)))
      out.runs.push_back(std::move(candidate));
  }
  if (is_last) out.next.clear();
  return out;
}

INNGEST_INLINE std::string store::visit_page(const run_query& query,
                                             const std::function<void(const run_point&)>& visit) const {
  run_query wanted = query;
  wanted.limit = runs_of_default_page;
  run_page found = find_page(wanted);
  for (const run& listed : found.runs)
    visit(
        {.id = listed.id, .status = listed.status, .time = time_of(listed, query.by).value_or(timestamp())});
  return std::move(found.next);
}

INNGEST_INLINE event_page store::find_event_page(const event_query& query) const {
  event_page out;
  const std::size_t wanted = (std::max)(runs_of_default_page, query.limit);
  std::vector<event_record> found =
      find_events({.before = query.before.substr(0, query.before.rfind('@')), .limit = wanted});
  const bool is_last = found.size() < wanted;
  for (event_record& event : found) {
    if (out.events.size() == query.limit) return out;
    out.next = cursor_of({event.received_at, event.id});
    if (is_match(event, query)) out.events.push_back(std::move(event));
  }
  if (is_last) out.next.clear();
  return out;
}

INNGEST_INLINE std::vector<run_event> store::events_of(std::string_view run_id) const {
  auto found = find_run(run_id);
  return found ? std::move(found->events) : std::vector<run_event>();
}

INNGEST_INLINE std::vector<run> store::reruns_of(std::string_view run_id) const {
  std::vector<run> out;
  run_query query{.limit = 200, .oldest_first = true};
  while (true) {
    std::vector<run> page = find_runs(query);
    const bool is_last = page.size() < query.limit;
    if (!page.empty()) query.before = page.back().id;
    for (run& candidate : page) {
      if (candidate.original_run_id == run_id) out.push_back(std::move(candidate));
    }
    if (is_last) return out;
  }
}

INNGEST_INLINE std::vector<bulk_operation> store::bulk_operations() const {
  throw store_error("the engine's store",
                    "does not support bulk operations: override store::bulk_operations()");
}

INNGEST_INLINE void store::backup_to(const std::filesystem::path& file) const {
  throw store_error(detail::to_utf8(file), "can't be written: this kind of store does not support backups");
}

INNGEST_INLINE std::vector<run_times> store::times_of_runs(const std::string& function,
                                                           std::size_t most) const {
  std::vector<run_times> out;
  run_query query{.function = function, .limit = 200};
  while (out.size() < most) {
    const std::vector<run> page = find_runs(query);
    for (const run& recent : page) {
      if (out.size() < most)
        out.push_back({recent.status, recent.queued_at, recent.started_at, recent.ended_at});
    }
    if (page.size() < query.limit) break;
    query.before = page.back().id;
  }
  return out;
}

INNGEST_INLINE std::string line_of(const unreadable_record& record, std::string_view values) {
  detail::json_object_text out;
  out.add("table", record.table).add("key", detail::to_printable(record.key));
  out.add("reason", detail::to_printable(record.reason)).add("run_id", detail::to_printable(record.run_id));
  if (!values.empty()) out.add_raw("values", values);
  return out.text();
}

INNGEST_INLINE std::string store::export_unreadable() const { return export_records(unreadable()); }

INNGEST_INLINE std::string store::export_records(const std::vector<unreadable_record>& records) const {
  std::string out;
  for (const unreadable_record& record : records) out += line_of(record) + "\n";
  return out;
}

INNGEST_INLINE bool store::remove_unreadable(const std::string& table, const std::string& key) {
  throw store_error(table + " where " + key, "can't be removed: this kind of store does not support that");
}

INNGEST_INLINE std::vector<std::string> store::check() const {
  std::vector<std::string> out;
  for (const unreadable_record& record : unreadable())
    out.push_back(record.table + " where " + record.key + ": " + record.reason);
  return out;
}

INNGEST_INLINE std::size_t& run_counts::of(run_status status) {
  switch (status) {
    case run_status::queued:
      return queued;
    case run_status::running:
    case run_status::waiting:
    case run_status::sleeping:
    case run_status::paused:
      return running;
    case run_status::completed:
      return completed;
    case run_status::failed:
      return failed;
    case run_status::cancelled:
      return cancelled;
    case run_status::skipped:
      return skipped;
  }
  return queued;
}

}  // namespace inngest::inline INNGEST_ABI::embedded
