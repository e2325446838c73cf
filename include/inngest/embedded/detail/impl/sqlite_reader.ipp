#pragma once

#include <iterator>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/embedded/detail/sqlite_reader.hpp>
#include <inngest/embedded/detail/sqlite_search.hpp>

namespace inngest::inline INNGEST_ABI::detail::sqlite {

INNGEST_INLINE std::optional<embedded::event_record> reader::find_event(std::string_view id) {
  const auto found =
      events_of(file_.query("SELECT number, " + event_record_columns + " FROM events WHERE id = ?1", id), 1);
  return found.empty() ? std::nullopt : std::optional(found.front());
}

INNGEST_INLINE std::vector<embedded::event_record> reader::find_events(const embedded::event_query& query) {
  std::vector<embedded::event_record> out;
  embedded::event_query rest = query;
  do {
    embedded::event_page page = find_event_page(rest);
    std::move(page.events.begin(), page.events.end(), std::back_inserter(out));
    rest.before = page.next;
    rest.limit = query.limit - out.size();
  } while (!rest.before.empty() && rest.limit > 0);
  return out;
}

INNGEST_INLINE embedded::event_page reader::find_event_page(const embedded::event_query& query) {
  auto [numbers, next] = search_events(file_, query);
  embedded::event_page out{.next = std::move(next)};
  for (const std::int64_t number : numbers) {
    for (embedded::event_record& event : events_of(
             file_.query("SELECT number, " + event_record_columns + " FROM events WHERE number = ?1", number),
             1))
      out.events.push_back(std::move(event));
  }
  return out;
}

INNGEST_INLINE std::vector<embedded::run_event> reader::events_of(std::string_view run_id) {
  std::vector<embedded::run_event> out;
  in("run_events",
     file_.query("SELECT position, " + event_columns +
                     "WHERE run = (SELECT number FROM runs WHERE id = ?1) ORDER BY position",
                 run_id),
     1, [&](rows& from) {
       embedded::run_event event;
       read_position(from);
       read(from, event);
       out.push_back(std::move(event));
     });
  return out;
}

INNGEST_INLINE std::optional<embedded::run_record> reader::find_run(std::string_view id) {
  std::vector<embedded::run_record> found = records_of(
      file_.query("SELECT number, " + run_columns + record_columns + " FROM runs WHERE id = ?1", id));
  if (found.empty()) return std::nullopt;
  embedded::run_record& out = found.front();
  const std::int64_t number = file_.number("SELECT number FROM runs WHERE id = ?1", id);
  bool whole = true;
  whole &= in("run_events",
              file_.query("SELECT position, " + event_columns + "WHERE run = ?1 ORDER BY position", number),
              1, [&](rows& from) {
                embedded::run_event event;
                read_position(from);
                read(from, event);
                out.events.push_back(std::move(event));
              });
  whole &= in("deferred_calls",
              file_.query("SELECT position, step, slug, input FROM deferred_calls WHERE run = ?1 "
                          "ORDER BY position",
                          number),
              1, [&](rows& from) {
                embedded::deferred_call call;
                read_position(from);
                read(from, call);
                out.deferred.push_back(std::move(call));
              });
  if (!whole) return std::nullopt;
  read_labels(number, out.run);
  out.run.timeline = timeline_of(number);
  return std::move(out);
}

INNGEST_INLINE std::vector<embedded::run> reader::find_runs(const embedded::run_query& query) {
  std::vector<embedded::run> out;
  embedded::run_query rest = query;
  do {
    embedded::run_page page = find_page(rest);
    std::move(page.runs.begin(), page.runs.end(), std::back_inserter(out));
    rest.before = page.next;
    rest.limit = query.limit - out.size();
  } while (!rest.before.empty() && rest.limit > 0);
  return out;
}

INNGEST_INLINE embedded::run_page reader::find_page(const embedded::run_query& query) {
  embedded::run_page out;
  if (query.limit == 0) return out;
  // an unreadable row does not count, because a short page would look like the last one
  const auto add = [&](const run_search::hit& hit) {
    rows found = file_.query("SELECT number, " + run_columns + " FROM runs WHERE number = ?1", hit.number);
    if (!found.next()) return true;
    embedded::run run;
    const bool is_readable = try_row(runs_table, found, 2, [&] {
      found.skip(1);
      read(found, run);
    });
    if (!is_readable) return true;
    read_labels(hit.number, run);
    out.runs.push_back(std::move(run));
    return out.runs.size() < query.limit;
  };
  out.next = run_search(file_, query).visit(false, add);
  return out;
}

INNGEST_INLINE std::string reader::visit_page(const embedded::run_query& query,
                                              const std::function<void(const embedded::run_point&)>& visit) {
  return run_search(file_, query).visit(true, [&](const run_search::hit& hit) {
    if (hit.status) visit({.id = hit.place.id, .status = *hit.status, .time = hit.place.time});
    return true;
  });
}

INNGEST_INLINE std::optional<std::size_t> reader::quick_count(const embedded::run_query& query) {
  return run_search(file_, query).quick_count();
}

INNGEST_INLINE void reader::read_labels(std::int64_t number, embedded::run& out) {
  in("run_tags", file_.query("SELECT run, name, value FROM run_tags WHERE run = ?1 ORDER BY name", number), 2,
     [&](rows& from) {
       embedded::run_tag tag;
       from.skip(1);
       from.read(tag.name, tag.value);
       out.tags.push_back(std::move(tag));
     });
  in("run_keys", file_.query("SELECT run, what, key FROM run_keys WHERE run = ?1 ORDER BY what, key", number),
     3, [&](rows& from) {
       int what = 0;
       std::string key;
       from.skip(1);
       from.read(what, key);
       add_key(out, what, std::move(key));
     });
}

INNGEST_INLINE std::vector<embedded::run_times> reader::times_of_runs(const std::string& function,
                                                                      std::size_t most) {
  std::vector<embedded::run_times> out;
  in(runs_table,
     file_.query("SELECT number, id, status, queued_at, started_at, ended_at FROM runs "
                 "WHERE function_slug = ?1 ORDER BY queued_at DESC, id DESC LIMIT ?2",
                 function, static_cast<std::int64_t>(most)),
     2, [&](rows& from) {
       embedded::run_times times;
       from.skip(2);
       from.read(times.status, times.queued_at, times.started_at, times.ended_at);
       out.push_back(times);
     });
  return out;
}

INNGEST_INLINE std::vector<embedded::run> reader::runs_of(std::string_view event_id) {
  return with_timelines(
      file_.query("SELECT number, " + run_columns +
                      " FROM runs WHERE number IN (SELECT run FROM run_events WHERE event_id = ?1) "
                      "ORDER BY id",
                  event_id));
}

INNGEST_INLINE std::vector<embedded::run> reader::reruns_of(std::string_view run_id) {
  std::vector<embedded::run> out;
  in(runs_table,
     file_.query("SELECT number, " + run_columns + " FROM runs WHERE original_run_id = ?1 ORDER BY id",
                 run_id),
     2, [&](rows& found) {
       std::int64_t number = 0;
       embedded::run run;
       found.read(number);
       read(found, run);
       read_labels(number, run);
       out.push_back(std::move(run));
     });
  return out;
}

INNGEST_INLINE std::vector<embedded::run> reader::runs() {
  return with_timelines(file_.query("SELECT number, " + run_columns + " FROM runs ORDER BY id"));
}

INNGEST_INLINE std::vector<embedded::memo_record> reader::memos_of(std::string_view run_id) {
  return memos(file_.query(memo_query + "WHERE runs.id = ?1 ORDER BY memos.number", run_id));
}

INNGEST_INLINE std::vector<embedded::run_note> reader::notes_of(std::string_view run_id) {
  std::vector<embedded::run_note> out;
  in("notes",
     file_.query("SELECT run, notes.id AS id, " + note_columns +
                     " FROM notes JOIN runs ON runs.number = run WHERE runs.id = ?1 ORDER BY notes.id",
                 run_id),
     2, [&](rows& from) {
       embedded::run_note note{.run_id = std::string(run_id)};
       from.skip(1);
       from.read(note.id);
       read(from, note);
       out.push_back(std::move(note));
     });
  return out;
}

INNGEST_INLINE std::vector<embedded::run_log_line> reader::logs_of(std::string_view run_id) {
  std::vector<embedded::run_log_line> out;
  in("run_logs",
     file_.query("SELECT position, at, level, step, attempt, text FROM run_logs "
                 "WHERE run = (SELECT number FROM runs WHERE id = ?1) ORDER BY position",
                 run_id),
     1, [&](rows& from) {
       embedded::run_log_line line;
       read_position(from);
       read(from, line);
       out.push_back(std::move(line));
     });
  return out;
}

INNGEST_INLINE std::vector<embedded::audit_entry> reader::audit_trail(const embedded::audit_query& query) {
  std::vector<embedded::audit_entry> out;
  rows found =
      file_.query("SELECT " + audit_columns + " FROM audit_trail WHERE ?1 = '' OR id < ?1 ORDER BY id DESC",
                  query.before);
  while (out.size() < query.limit && found.next()) {
    embedded::audit_entry entry;
    const bool is_readable = try_row("audit_trail", found, 1, [&] { read(found, entry); });
    if (is_readable) out.push_back(std::move(entry));
  }
  return out;
}

INNGEST_INLINE embedded::run_counts reader::count_runs() {
  embedded::run_counts out;
  in(runs_table, file_.query("SELECT status, count(*) FROM runs GROUP BY status"), 1, [&](rows& found) {
    embedded::run_status status{};
    std::size_t count = 0;
    found.read(status, count);
    out.of(status) += count;
  });
  return out;
}

INNGEST_INLINE std::vector<embedded::run> reader::with_timelines(rows found) {
  std::vector<embedded::run> out;
  while (found.next()) {
    try_row(runs_table, found, 2, [&] {
      std::int64_t number = 0;
      embedded::run run;
      found.read(number);
      read(found, run);
      run.timeline = timeline_of(number);
      read_labels(number, run);
      out.push_back(std::move(run));
    });
  }
  return out;
}

INNGEST_INLINE std::vector<embedded::timeline_entry> reader::timeline_of(std::int64_t run) {
  std::vector<embedded::timeline_entry> out;
  in("timeline",
     file_.query("SELECT position, " + timeline_columns + " FROM timeline WHERE run = ?1 ORDER BY position",
                 run),
     1, [&](rows& from) {
       embedded::timeline_entry entry;
       read_position(from);
       read(from, entry);
       out.push_back(std::move(entry));
     });
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite
