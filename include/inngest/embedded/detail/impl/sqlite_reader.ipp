#pragma once

#include <algorithm>
#include <iterator>
#include <unordered_map>
#include <utility>

#include <inngest/config.hpp>
#include <inngest/detail/hex.hpp>
#include <inngest/embedded/detail/bulk_text.hpp>
#include <inngest/embedded/detail/sqlite_reader.hpp>
#include <inngest/embedded/detail/sqlite_search.hpp>

namespace inngest::inline INNGEST_ABI::detail::sqlite {

INNGEST_INLINE embedded::unfinished_work reader::load() {
  embedded::unfinished_work out{.events = undispatched_events(),
                                .runs = unfinished_runs(),
                                .memos = unfinished_memos(),
                                .jobs = jobs(),
                                .waits = waits(),
                                .values = values(),
                                .apps = apps(),
                                .bulk_operations = running_bulk_operations(),
                                .metadata = metadata_of_unfinished()};
  out.last_job = static_cast<std::uint64_t>(
      file_.number("SELECT coalesce(max(id), 0) FROM jobs WHERE id <= ?1", last_id));
  out.unreadable = std::move(unreadable_);
  for (const std::string& id : set_aside_) add_parent(id, out.steps_of_set_aside);
  embedded::set_aside_runs(out);
  return out;
}

INNGEST_INLINE std::vector<embedded::unreadable_record> reader::unreadable() {
  in(events, file_.query("SELECT number, " + event_record_columns + " FROM events"), 2,
     [](rows& from) { event_of(from); });
  in(runs_table, file_.query("SELECT number, " + run_columns + record_columns + " FROM runs"), 2,
     [&](rows& from) {
       embedded::run_record record;
       from.skip(1);
       read(from, record);
     });
  list_parts_of_runs();
  list_notes();
  list_labels();
  jobs();
  waits();
  values();
  apps();
  bulk_operations();
  audit_trail({.limit = no_limit});
  return std::move(unreadable_);
}

INNGEST_INLINE void reader::list_parts_of_runs() {
  in_runs(
      "run_events", "run, position", 2, "run_events.event_id, coalesce(run_events.text, events.text) AS text",
      [](rows& from) {
        embedded::run_event event;
        read(from, event);
      },
      "LEFT JOIN events ON run_events.text IS NULL AND events.id = run_events.event_id");
  in_runs("deferred_calls", "run, position", 2, "step, slug, input", [](rows& from) {
    embedded::deferred_call call;
    read(from, call);
  });
  in_runs("timeline", "run, position", 2, timeline_columns, [](rows& from) {
    embedded::timeline_entry entry;
    read(from, entry);
  });
  in_runs("memos", "memos.number AS number", 1, "step, text, name, begun", [](rows& from) {
    embedded::memo_record memo;
    read(from, memo);
  });
  in_runs("run_logs", "run, position", 2, "at, level, step, attempt, text", [](rows& from) {
    embedded::run_log_line line;
    read(from, line);
  });
}

INNGEST_INLINE void reader::list_notes() {
  in("notes",
     file_.query("SELECT run, notes.id AS id, runs.number IS NULL, " + note_columns +
                 " FROM notes LEFT JOIN runs ON runs.number = run"),
     2, [&](rows& from) {
       bool is_orphan = false;
       embedded::run_note note;
       read_position(from);
       from.read(note.id, is_orphan);
       read(from, note);
       if (is_orphan) list("notes", from.key(2), "its run does not exist", {});
     });
}

INNGEST_INLINE void reader::list_labels() {
  in("run_tags",
     file_.query(
         "SELECT run, run_tags.name AS name, runs.number IS NULL, value, run_tags.queued_at FROM run_tags "
         "LEFT JOIN runs ON runs.number = run"),
     2, [&](rows& from) {
       embedded::run_tag tag;
       timestamp queued{};
       bool is_orphan = false;
       read_position(from);
       from.read(tag.name, is_orphan, tag.value, queued);
       if (is_orphan) list("run_tags", from.key(2), "its run does not exist", {});
     });
  in("run_keys",
     file_.query("SELECT run, what, key, runs.number IS NULL, run_keys.queued_at FROM run_keys "
                 "LEFT JOIN runs ON runs.number = run"),
     3, [&](rows& from) {
       int what = 0;
       std::string key;
       timestamp queued{};
       bool is_orphan = false;
       read_position(from);
       from.read(what, key, is_orphan, queued);
       if (is_orphan) list("run_keys", from.key(3), "its run does not exist", {});
     });
}

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

INNGEST_INLINE void reader::add_key(embedded::run& out, int what, std::string key) {
  if (what == 0)
    out.concurrency_keys.push_back(std::move(key));
  else
    out.idempotency_key = std::move(key);
}

INNGEST_INLINE void reader::read_labels_of_unfinished(
    const std::function<embedded::run*(const std::string& id)>& find) {
  const std::string of_unfinished = " JOIN runs ON runs.number = run WHERE " + is_unfinished;
  rows tags = file_.query(
      "SELECT run, name, runs.id AS run_id, value FROM run_tags" + of_unfinished + " ORDER BY run, name",
      first_ended, last_status);
  while (tags.next()) {
    const std::string id = run_of(tags, 2);
    embedded::run* run = find(id);
    if (!run) continue;  // the run is set aside
    try_row(
        "run_tags", tags, 2,
        [&] {
          embedded::run_tag tag;
          tags.skip(1);
          tags.read(tag.name);
          tags.skip(1);
          tags.read(tag.value);
          run->tags.push_back(std::move(tag));
        },
        id);
  }
  rows keys = file_.query(
      "SELECT run, what, key, runs.id AS run_id FROM run_keys" + of_unfinished + " ORDER BY run, what, key",
      first_ended, last_status);
  while (keys.next()) {
    const std::string id = run_of(keys, 3);
    embedded::run* run = find(id);
    if (!run) continue;
    try_row(
        "run_keys", keys, 3,
        [&] {
          int what = 0;
          std::string key;
          keys.skip(1);
          keys.read(what, key);
          add_key(*run, what, std::move(key));
        },
        id);
  }
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

INNGEST_INLINE std::vector<embedded::bulk_operation> reader::bulk_operations() {
  std::vector<embedded::bulk_operation> out;
  in("bulk_operations",
     file_.query("SELECT id, what, state, created_at, ended_at, cursor, total, done, failed, per_second, "
                 "from_step, from_failed_step, filter, problems FROM bulk_operations ORDER BY id DESC"),
     1, [&](rows& found) {
       embedded::bulk_operation operation;
       read(found, operation);
       out.push_back(std::move(operation));
     });
  return out;
}

INNGEST_INLINE std::vector<embedded::bulk_operation> reader::running_bulk_operations() {
  auto out = bulk_operations();
  std::erase_if(out, [](const auto& operation) { return operation.state != embedded::bulk_state::running; });
  return out;
}

INNGEST_INLINE void reader::read(rows& from, embedded::bulk_operation& out) {
  std::string problems;
  from.read(out.id, out.what, out.state, out.created_at, out.ended_at, out.cursor, out.total, out.done,
            out.failed, out.per_second, out.from_step, out.from_failed_step, out.filter, problems);
  if (out.per_second == 0) from.refuse(9, "not a positive number");
  out.problems = embedded::read_bulk_problems(problems);
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
  rows found = file_.query(
      "SELECT id, at, actor, action, target, details FROM audit_trail WHERE ?1 = '' OR id < ?1 ORDER BY id "
      "DESC",
      query.before);
  while (out.size() < query.limit && found.next()) {
    embedded::audit_entry entry;
    const bool is_readable = try_row("audit_trail", found, 1, [&] {
      found.read(entry.id, entry.at, entry.actor, entry.action, entry.target, entry.details);
    });
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

INNGEST_INLINE void reader::list(const std::string& table, std::string key, std::string reason,
                                 const std::string& run_id) {
  if (!run_id.empty()) set_aside_.insert(run_id);
  unreadable_.push_back(
      {.table = table, .key = std::move(key), .reason = std::move(reason), .run_id = run_id});
}

INNGEST_INLINE void reader::add_parent(const std::string& run_id, std::vector<embedded::parent_step>& out) {
  rows found = file_.query(
      "SELECT parent_run_id, parent_step, parent_name FROM runs WHERE id = ?1 AND parent_step IS NOT NULL",
      run_id);
  embedded::parent_step parent;
  try {
    if (!found.next()) return;
    std::optional<std::string> name;
    found.read(parent.run_id, parent.step, name);
    parent.name = std::move(name).value_or("");
    out.push_back(std::move(parent));
  } catch (const bad_value&) {  // the run is listed anyway
  }
}

INNGEST_INLINE std::vector<embedded::event_record> reader::undispatched_events() {
  auto out = events_of(file_.query("SELECT number, " + event_record_columns +
                                   " FROM events WHERE dispatched <> 1 ORDER BY number"),
                       no_limit);
  for (embedded::event_record& event : out) event.given_id = embedded::given_id_of(event);
  return out;
}

INNGEST_INLINE std::vector<embedded::run_record> reader::unfinished_runs() {
  std::vector<embedded::run_record> out = records_of(file_.query(
      "SELECT number, " + run_columns + record_columns + " FROM runs WHERE " + is_unfinished + " ORDER BY id",
      first_ended, last_status));
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < out.size(); ++i) places.emplace(out[i].run.id, i);
  const std::string of_unfinished = "WHERE " + is_unfinished + " ORDER BY run, position";
  const auto in_places = [&](const std::string& table, rows found, auto read) {
    while (found.next()) {
      const std::string id = run_of(found, 2);
      const auto place = places.find(id);
      if (place == places.end()) continue;  // its run is set aside
      try_row(
          table, found, 2, [&] { read(found, out[place->second]); }, id);
    }
  };
  in_places("run_events",
            file_.query("SELECT run, position, runs.id AS run_id, run_events.event_id, "
                        "coalesce(run_events.text, events.text) "
                        "AS text FROM run_events JOIN runs ON runs.number = run "
                        "LEFT JOIN events ON run_events.text IS NULL AND events.id = run_events.event_id " +
                            of_unfinished,
                        first_ended, last_status),
            [](rows& from, embedded::run_record& run) {
              embedded::run_event event;
              read_place(from);
              from.skip(1);
              read(from, event);
              run.events.push_back(std::move(event));
            });
  in_places("deferred_calls",
            file_.query("SELECT run, position, runs.id AS run_id, step, slug, input FROM deferred_calls "
                        "JOIN runs ON runs.number = run " +
                            of_unfinished,
                        first_ended, last_status),
            [](rows& from, embedded::run_record& run) {
              embedded::deferred_call call;
              read_place(from);
              from.skip(1);
              read(from, call);
              run.deferred.push_back(std::move(call));
            });
  read_labels_of_unfinished([&](const std::string& id) {
    const auto place = places.find(id);
    return place == places.end() ? nullptr : &out[place->second].run;
  });
  for (embedded::run_record& record : out) {
    const std::int64_t last = file_.number(
        "SELECT coalesce(max(position), 0) FROM timeline WHERE run = (SELECT number FROM runs WHERE id = "
        "?1) "
        "AND typeof(position) = 'integer'",
        record.run.id);
    record.timeline_size = static_cast<std::uint64_t>(std::clamp<std::int64_t>(last, 0, last_id));
  }
  return out;
}

INNGEST_INLINE std::vector<embedded::memo_record> reader::unfinished_memos() {
  return memos(file_.query(memo_query + "WHERE " + is_unfinished + " ORDER BY memos.number", first_ended,
                           last_status));
}

INNGEST_INLINE std::vector<embedded::metadata_amount> reader::metadata_of_unfinished() {
  std::vector<embedded::metadata_amount> out;
  rows found = file_.query(
      "SELECT runs.id, subject, target, count(*), sum(length(CAST(text AS BLOB)) + length(CAST(target AS "
      "BLOB))) "
      "FROM runs CROSS JOIN notes ON run = number WHERE what = 0 AND " +
          is_unfinished + " GROUP BY number, subject, target",
      first_ended, last_status);
  while (found.next()) {
    embedded::metadata_amount amount;
    try {
      found.read(amount.run_id, amount.subject, amount.target, amount.changes, amount.bytes);
      out.push_back(std::move(amount));
    } catch (const bad_value&) {  // unreadable() lists its notes
    }
  }
  return out;
}

INNGEST_INLINE std::vector<embedded::job> reader::jobs() {
  std::vector<embedded::job> out;
  rows found = file_.query(
      "SELECT jobs.id AS id, run_id, what, step, step_name, attempt, due, begun, text, started, "
      "runs.number IS NULL FROM jobs LEFT JOIN runs ON runs.id = run_id ORDER BY jobs.id");
  while (found.next()) {
    embedded::job job;
    const bool is_readable = try_row(
        "jobs", found, 1,
        [&] {
          bool is_orphan = false;
          found.read(job.id, job.run_id, job.what, job.step, job.step_name, job.attempt, job.due, job.begun,
                     job.text, job.started, is_orphan);
          if (job.id == 0 || job.id > static_cast<std::uint64_t>(last_id)) found.refuse(0, "out of range");
          if (is_orphan && job.what != embedded::job::kind::schedule) unreadable_.push_back(without_run(job));
        },
        run_of(found, 1));
    if (is_readable) out.push_back(std::move(job));
  }
  return out;
}

INNGEST_INLINE std::vector<embedded::wait_record> reader::waits() {
  std::vector<embedded::wait_record> out;
  rows found = file_.query(
      "SELECT run_id, waits.step AS step, step_name, waits.event_name AS event_name, expression, signal, "
      "begun, "
      "runs.number IS NULL FROM waits LEFT JOIN runs ON runs.id = run_id ORDER BY run_id, step");
  while (found.next()) {
    embedded::wait_record wait;
    const bool is_readable = try_row(
        "waits", found, 2,
        [&] {
          bool is_orphan = false;
          found.read(wait.run_id, wait.step, wait.step_name, wait.event_name, wait.expression, wait.signal,
                     wait.begun, is_orphan);
          if (is_orphan) unreadable_.push_back(without_run(wait));
        },
        run_of(found, 0));
    if (is_readable) out.push_back(std::move(wait));
  }
  return out;
}

INNGEST_INLINE std::vector<embedded::remembered_value> reader::values() {
  std::vector<embedded::remembered_value> out;
  in("remembered_values", file_.query("SELECT key, text, expires FROM remembered_values ORDER BY key"), 1,
     [&](rows& from) {
       embedded::remembered_value value;
       from.read(value.key, value.text, value.expires);
       out.push_back(std::move(value));
     });
  return out;
}

INNGEST_INLINE std::vector<embedded::app_record> reader::apps() {
  std::vector<embedded::app_record> out;
  in("apps", file_.query("SELECT id, text FROM apps ORDER BY id"), 1, [&](rows& from) {
    embedded::app_record app;
    from.read(app.id, app.text);
    out.push_back(std::move(app));
  });
  return out;
}

INNGEST_INLINE std::vector<embedded::event_record> reader::events_of(rows found, std::size_t limit) {
  std::vector<embedded::event_record> out;
  while (out.size() < limit && found.next())
    try_row(events, found, 2, [&] { out.push_back(event_of(found)); });
  return out;
}

INNGEST_INLINE std::vector<embedded::run_record> reader::records_of(rows found) {
  std::vector<embedded::run_record> out;
  while (found.next()) {
    embedded::run_record record;
    const bool is_readable = try_row(
        runs_table, found, 2,
        [&] {
          found.skip(1);
          read(found, record);
        },
        run_of(found, 1));
    if (is_readable) out.push_back(std::move(record));
  }
  return out;
}

INNGEST_INLINE std::vector<embedded::memo_record> reader::memos(rows found) {
  std::vector<embedded::memo_record> out;
  while (found.next()) {
    embedded::memo_record memo;
    const bool is_readable = try_row(
        "memos", found, 1,
        [&] {
          found.skip(1);
          found.read(memo.run_id);
          read(found, memo);
        },
        run_of(found, 1));
    if (is_readable) out.push_back(std::move(memo));
  }
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

INNGEST_INLINE void reader::read_position(rows& from) {
  std::int64_t position = 0;
  from.read(position);
}

INNGEST_INLINE void reader::read_place(rows& from) {
  read_position(from);  // the run's number
  read_position(from);
}

INNGEST_INLINE void reader::read(rows& from, embedded::timeline_entry& out) {
  from.read(out.at, out.what, out.step, out.attempt, out.duration, out.detail, out.step_id);
}

INNGEST_INLINE void reader::read(rows& from, embedded::run_note& out) {
  from.read(out.what, out.at, out.subject, out.name, out.target, out.text);
}

INNGEST_INLINE void reader::read(rows& from, embedded::run& out) {
  std::optional<std::string> error_name, error_message, error_text, original_run_id;
  from.read(out.id, out.status, out.function_slug, out.function_id, out.event_id, out.event_name,
            out.queued_at, out.started_at, out.ended_at, error_name, error_message, error_text,
            out.output_text, original_run_id);
  out.original_run_id = std::move(original_run_id).value_or("");
  if (!error_name) return;
  out.error = {.name = std::move(*error_name),
               .message = std::move(error_message).value_or(""),
               .text = std::move(error_text).value_or("")};
}

INNGEST_INLINE void reader::read(rows& from, embedded::run_record& out) {
  std::optional<std::string> parent_run_id, parent_name, replaced_input;
  std::optional<step_hash> parent_step, replaced_step;
  read(from, out.run);
  from.read(out.gathering, parent_run_id, parent_step, parent_name, replaced_step, replaced_input);
  if (replaced_step) out.replaced = {.step = *replaced_step, .input = std::move(replaced_input).value_or("")};
  if (parent_run_id && parent_step) {
    out.parent = {.run_id = std::move(*parent_run_id),
                  .step = *parent_step,
                  .name = std::move(parent_name).value_or("")};
  }
}

INNGEST_INLINE void reader::read(rows& from, embedded::memo_record& out) {
  std::optional<std::string> name;
  std::optional<timestamp> begun;
  from.read(out.step, out.text, name, begun);
  out.name = std::move(name).value_or("");
  out.begun = begun.value_or(timestamp());
}

INNGEST_INLINE embedded::event_record reader::event_of(rows& from) {
  embedded::event_record out;
  from.skip(1);
  std::optional<std::string> resent_from;
  from.read(out.id, out.name, out.text, out.received_at, out.dispatched, resent_from);
  out.resent_from = std::move(resent_from).value_or("");
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite
