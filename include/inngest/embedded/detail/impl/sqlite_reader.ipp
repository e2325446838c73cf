#pragma once

#include <inngest/config.hpp>
#include <inngest/embedded/detail/sqlite_reader.hpp>

namespace inngest::inline INNGEST_ABI::detail::sqlite {

INNGEST_INLINE embedded::unfinished_work reader::load() {
  embedded::unfinished_work out{.events = undispatched_events(),
                                .runs = unfinished_runs(),
                                .memos = unfinished_memos(),
                                .jobs = jobs(),
                                .waits = waits(),
                                .values = values(),
                                .apps = apps()};
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
  in_runs("memos", "memos.number AS number", 1, "step, text", [](rows& from) {
    embedded::memo_record memo;
    from.read(memo.step, memo.text);
  });
  jobs();
  waits();
  values();
  apps();
  return std::move(unreadable_);
}

INNGEST_INLINE std::optional<embedded::event_record> reader::find_event(std::string_view id) {
  const auto found =
      events_of(file_.query("SELECT number, " + event_record_columns + " FROM events WHERE id = ?1", id), 1);
  return found.empty() ? std::nullopt : std::optional(found.front());
}

INNGEST_INLINE std::vector<embedded::event_record> reader::find_events(const embedded::event_query& query) {
  std::string text = "SELECT number, " + event_record_columns + " FROM events";
  if (!query.before.empty()) text += " WHERE id < ?1";
  return events_of(file_.query(text + " ORDER BY id DESC LIMIT ?2", query.before, every_row), query.limit);
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
  out.run.timeline = timeline_of(number);
  return std::move(out);
}

INNGEST_INLINE std::vector<embedded::run> reader::find_runs(const embedded::run_query& query) {
  std::string where = " WHERE 1";
  if (query.status) where += " AND status = ?1";
  if (!query.function.empty()) where += " AND function_slug = ?2";
  if (!query.search.empty())
    where += " AND (instr(id, ?3) > 0 OR instr(event_id, ?3) > 0 OR instr(event_name, ?3) > 0)";
  if (!query.before.empty()) where += " AND id < ?4";
  std::vector<embedded::run> out;
  rows found =
      file_.query("SELECT number, " + run_columns + " FROM runs" + where + " ORDER BY id DESC LIMIT ?5",
                  query.status, query.function, query.search, query.before, every_row);
  // Counts the rows here instead of in SQL: an unreadable row must not make the page shorter, because a short
  // page looks like the last one.
  while (out.size() < query.limit && found.next()) {
    embedded::run run;
    const bool is_readable = try_row(runs_table, found, 2, [&] {
      found.skip(1);
      read(found, run);
    });
    if (is_readable) out.push_back(std::move(run));
  }
  return out;
}

INNGEST_INLINE std::vector<embedded::run> reader::runs_of(std::string_view event_id) {
  return with_timelines(
      file_.query("SELECT number, " + run_columns +
                      " FROM runs WHERE number IN (SELECT run FROM run_events WHERE event_id = ?1) "
                      "ORDER BY id",
                  event_id));
}

INNGEST_INLINE std::vector<embedded::run> reader::runs() {
  return with_timelines(file_.query("SELECT number, " + run_columns + " FROM runs ORDER BY id"));
}

INNGEST_INLINE std::vector<embedded::memo_record> reader::memos_of(std::string_view run_id) {
  return memos(file_.query(memo_query + "WHERE runs.id = ?1 ORDER BY memos.number", run_id));
}

INNGEST_INLINE embedded::run_counts reader::count_runs() {
  embedded::run_counts out;
  in(runs_table, file_.query("SELECT status, count(*) FROM runs GROUP BY status"), 1, [&](rows& found) {
    embedded::run_status status{};
    std::size_t count = 0;
    found.read(status, count);
    out.of(status) = count;
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
          found.read(memo.run_id, memo.step, memo.text);
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
  from.read(out.at, out.what, out.step, out.attempt, out.duration, out.detail);
}

INNGEST_INLINE void reader::read(rows& from, embedded::run& out) {
  std::optional<std::string> error_name, error_message, error_text;
  from.read(out.id, out.status, out.function_slug, out.function_id, out.event_id, out.event_name,
            out.queued_at, out.started_at, out.ended_at, error_name, error_message, error_text,
            out.output_text);
  if (!error_name) return;
  out.error = {.name = std::move(*error_name),
               .message = std::move(error_message).value_or(""),
               .text = std::move(error_text).value_or("")};
}

INNGEST_INLINE void reader::read(rows& from, embedded::run_record& out) {
  std::optional<std::string> parent_run_id, parent_name;
  std::optional<step_hash> parent_step;
  read(from, out.run);
  from.read(out.gathering, parent_run_id, parent_step, parent_name);
  if (parent_run_id && parent_step) {
    out.parent = {.run_id = std::move(*parent_run_id),
                  .step = *parent_step,
                  .name = std::move(parent_name).value_or("")};
  }
}

INNGEST_INLINE embedded::event_record reader::event_of(rows& from) {
  embedded::event_record out;
  from.skip(1);
  from.read(out.id, out.name, out.text, out.received_at, out.dispatched);
  return out;
}

}  // namespace inngest::inline INNGEST_ABI::detail::sqlite
